// SPDX-License-Identifier: Apache-2.0
/*
 * Mailboxes (mbox, RFC 4155): messages one after the other.
 *
 *     From sender Mon Jan  1 00:00:00 2024     at the start, or behind an empty line
 *     header, empty line, body
 *
 * A line counts as an envelope only with a time in it: "From " begins sentences, too. What a
 * program that believes in less would take for a message of its own is still looked through as text
 * of the message before (mail_inline.c).
 *
 * Each message is a member that is mail, a slice of the mailbox; nothing of it is kept, so a
 * mailbox may have any size. One message alone, with or without an envelope line, is no mailbox:
 * its parts are members of the layer itself, as in ClamAV.
 */
#include "format/mail_parts.h"

#include <string.h>

#include "format/content.h"

/* The next envelope line at or behind off, or the end. */
static sk_err find_envelope(struct mail *m, uint64_t off, uint64_t *out_off) {
    static const struct sk_bytes mark = {(const uint8_t *)"\nFrom ", 6};
    while (off < m->src->size) {
        uint64_t at;
        struct mail_line line;
        TRY(walk_tick(m->walk));
        TRY(mail_find(m, (struct mail_range){off, m->src->size}, mark, &at));
        if (at >= m->src->size) {
            break;
        }
        TRY(mail_line_at(m, at + 1, m->src->size, false, &line));
        bool envelope = sk_content_is_envelope(line.head);
        struct sk_cursor c = sk_source_cursor(m->src, at < 2 ? 0 : at - 2, at < 2 ? at : 2);
        bool blank = c.len > 0 && c.ptr[c.len - 1] == '\n';
        blank = blank || (c.len == 2 && c.ptr[0] == '\n' && c.ptr[1] == '\r');
        if (envelope && blank) {
            *out_off = at + 1;
            return sk_ok();
        }
        off = at + 1;
    }
    *out_off = m->src->size;
    return m->src->failed;
}

static sk_err give_message(struct mail *m, uint64_t start, uint64_t end) {
    struct sk_child child = {.packed_size = end - start,
                             .size = end - start,
                             .index = m->index++,
                             .as = SK_TYPE_MAIL,
                             .is_slice = true,
                             .slice_off = start,
                             .slice_len = end - start};
    return walk_child(m->walk, &child, NULL);
}

sk_err mail_mbox_walk(struct mail *m, bool *out_many) {
    struct mail_line first;
    uint64_t start = 0;
    uint64_t end;
    *out_many = false;
    TRY(mail_line_at(m, 0, m->src->size, false, &first));
    if (!sk_content_is_envelope(first.head)) {
        return sk_ok();
    }
    TRY(find_envelope(m, 0, &end));
    *out_many = end < m->src->size;
    while (*out_many && start < m->src->size) {
        TRY(give_message(m, start, end));
        start = end;
        TRY(find_envelope(m, start, &end));
    }
    return sk_ok();
}
