// SPDX-License-Identifier: Apache-2.0
/*
 * Mail that Outlook saved as .msg: storages and streams whose names are property numbers.
 *
 *     __substg1.0_1000001F  body as text (001E: in a code page, 001F: UTF-16LE, 0102: bytes)
 *     __substg1.0_10130102  body as HTML            __substg1.0_10090102  body as compressed RTF
 *     __attach_version1.0_#00000000/__substg1.0_37010102  an attachment, 3707 3704 3001: its names
 *     __attach_version1.0_#00000000/__substg1.0_3701000D  a storage: mail or an object in the mail
 *
 * An attachment becomes a member under its own name instead of its number, so that it is read
 * once; the packed body becomes one more member, unpacked. All other streams stay members as they
 * are. Source: [MS-OXMSG] 2.1, 2.2; [MS-OXCMSG] 2.2.
 */
#include "format/ole2_objects.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "codec/codec.h"

#define NAME_BYTES ((size_t)256)

static size_t take_name(char *out, struct sk_bytes raw, bool is_wide) {
    size_t len = 0;
    size_t step = is_wide ? 2 : 1;
    for (size_t i = 0; i + step <= raw.len && len + SK_UTF8_MAX_BYTES < NAME_BYTES; i += step) {
        uint16_t c = is_wide ? sk_load_u16le(raw.ptr + i) : raw.ptr[i];
        if (c == 0) {
            break;
        }
        c = c < 0x20 || c == '/' || c == '\\' ? '_' : c;
        if (is_wide) {
            len += sk_utf8_put((uint8_t *)out + len, c);
        } else {
            out[len++] = (char)c;
        }
    }
    out[len] = 0;
    return len;
}

/* The best of the names that an attachment's storage holds. */
static sk_err attachment_name(const struct ole2 *o, uint32_t storage, char *out) {
    static const char *const names[] = {"3707001F", "3704001F", "3001001F",
                                        "3707001E", "3704001E", "3001001E"};
    (void)snprintf(out, NAME_BYTES, "attachment");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "__substg1.0_%s", names[i]);
        uint32_t entry = ole2_find(o, storage, OLE2_STREAM, name);
        if (entry == OLE2_NONE) {
            continue;
        }
        struct sk_bytes raw;
        struct arena_mark mark = arena_mark(walk_arena(o->walk));
        TRY(ole2_load(o, entry, NAME_BYTES * 2, &raw));
        size_t len = take_name(out, raw, names[i][7] == 'F');
        arena_rewind(walk_arena(o->walk), mark);
        if (len > 0) {
            return sk_ok();
        }
    }
    return sk_ok();
}

sk_err ole2_msg_attachment(struct ole2 *o, uint32_t entry) {
    char name[NAME_BYTES];
    uint32_t storage = o->entry[entry].parent;
    if (storage == OLE2_NONE ||
        strncasecmp(o->entry[storage].name, "__attach_version1.0_#", 21) != 0) {
        return sk_ok();
    }
    if (o->entry[storage]
            .is_given) { /* named once: a thousand such streams would be a search each */
        (void)snprintf(name, sizeof(name), "attachment");
    } else {
        TRY(attachment_name(o, storage, name));
    }
    o->entry[storage].is_given = true;
    struct ole2_stream st;
    walk_fact(o->walk, SK_FACT_EMBEDDED, name, strlen(name));
    o->entry[entry].is_given = true;
    return ole2_give_part(o, entry, name, ole2_stream_init(&st, o, entry));
}

sk_err ole2_msg_rtf(struct ole2 *o, uint32_t entry) {
    struct ole2_stream st;
    struct sk_stream *rtf;
    TRY(sk_lzfu_open(ole2_stream_init(&st, o, entry), &rtf));
    sk_err err = ole2_give_part(o, entry, "body.rtf", rtf);
    sk_stream_close(rtf);
    return err;
}
