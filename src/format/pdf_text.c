// SPDX-License-Identifier: Apache-2.0
/*
 * The words of a page as a view: what stands in parentheses in its content stream.
 *
 *     BT [(M)-3(ark)]TJ (et) Tj ET   -->   market
 *
 * Written as clamscan 1.4.6 writes its "contents" files (seen), because signatures are written
 * against them: from '(' to the next ')' without a look at escapes and nesting, nothing between two
 * strings, hex strings not at all, then the text normalisation (letters folded, runs of white space
 * one blank, bytes beyond ASCII and control characters dropped). clamscan takes content streams
 * that a page's /Contents names, from the first line that begins with '[' on; here all of the
 * stream is taken, which holds the same words and more.
 */
#include "format/pdf_text.h"

static sk_err page_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct pdf_page_text *t = (struct pdf_page_text *)(void *)base;
    size_t out = 0;
    while (out == 0 && cap > 0) {
        size_t got = 0;
        TRY(sk_stream_read(t->up, buf, cap, &got));
        if (got == 0) {
            break;
        }
        for (size_t i = 0; i < got; i++) { /* in place: never more out than in */
            uint8_t c = buf[i];
            bool space = c == ' ' || (c >= '\t' && c <= '\r');
            bool was_inside = t->inside;
            t->inside = was_inside ? c != ')' : c == '(';
            if (!was_inside || !t->inside || (space && t->blank)) {
                continue;
            }
            if (space || (c > ' ' && c < 128)) {
                buf[out++] = space ? ' ' : (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
                t->blank = space;
            }
        }
    }
    *out_len = out;
    return sk_ok();
}

struct sk_stream *pdf_page_text_init(struct pdf_page_text *t, struct sk_stream *up) {
    *t = (struct pdf_page_text){.base = {page_read, NULL}, .up = up};
    return &t->base;
}
