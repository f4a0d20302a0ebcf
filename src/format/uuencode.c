// SPDX-License-Identifier: Apache-2.0
/*
 * Text with files in it: uuencode, yEnc and BinHex among other lines, wherever it comes from (a
 * news article, a shell archive, the decoded body of a mail).
 *
 *     begin 644 name      at the start: the layer is uuencoded
 *     ... in the head     the layer stays what it is (text, HTML), and is opened besides
 *
 * The search and the decoding are the mail reader's (mail_inline.c), which knows the same things in
 * bodies. Only the head of the layer decides whether it is opened at all.
 */
#include "base/search.h"
#include "format/content.h"
#include "format/mail_parts.h"

#define BID_WHOLE 70
#define BID_INSIDE 45

/* "begin " + three octal digits + blank; or "=ybegin ". */
static bool is_opening(const struct sk_peek *peek, size_t off) {
    if (sk_peek_has(peek, off, "=ybegin ", 8) || sk_peek_has(peek, off, "begin-base64 ", 13)) {
        return true;
    }
    if (!sk_peek_has(peek, off, "begin ", 6) || peek->head_len - off < 10) {
        return false;
    }
    size_t digits = 0;
    while (digits < 4 && off + 6 + digits < peek->head_len && peek->head[off + 6 + digits] >= '0' &&
           peek->head[off + 6 + digits] <= '7') {
        digits++;
    }
    return digits >= 3 && sk_peek_has(peek, off + 6 + digits, " ", 1);
}

static int uuencode_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    if (is_opening(peek, 0)) {
        return BID_WHOLE;
    }
    static const struct sk_needle BEGIN = {"begin", 5, 2};
    struct sk_bytes rest = {peek->head, peek->head_len};
    for (const uint8_t *at; (at = sk_search(rest, &BEGIN)) != NULL;) {
        size_t off = (size_t)(at - peek->head);
        off -= off >= 2 && memcmp(at - 2, "=y", 2) == 0 ? 2 : 0;
        if (off > 0 && peek->head[off - 1] == '\n' && is_opening(peek, off)) {
            *out_type = sk_content_type(peek);
            return *out_type == SK_TYPE_BINARY ? 0 : BID_INSIDE;
        }
        rest = (struct sk_bytes){at + 1, peek->head_len - (size_t)(at - peek->head) - 1};
    }
    return 0;
}

const struct sk_format sk_format_uuencode = {
    .name = "uuencode", .type = SK_TYPE_UUENCODED, .probe = uuencode_probe, .walk = mail_walk_text};
