// SPDX-License-Identifier: Apache-2.0
/*
 * Encoded scripts that stand alone (.jse, .vbe): "#@~^" first. One member, the decoded script in a
 * <script> element, so that it is read as HTML; clamscan 1.4.6 does the same and calls it so (seen
 * with --leave-temps). The decoding: codec/screnc.h; those in pages: norm/html_script.c.
 */
#include "codec/screnc.h"

#include <string.h>

#include "format/format.h"

#define OPEN_TAG "<script>"
#define SHUT_TAG "</script>"
#define PIECE_BYTES ((size_t)1024)

struct decoded {
    struct sk_stream base;
    struct sk_stream *up;
    struct sk_screnc decoder;
    const char *tag; /* what of a tag is still to be given */
    bool ended;
    uint8_t piece[PIECE_BYTES];
};

static size_t give_tag(struct decoded *d, uint8_t *buf, size_t cap) {
    size_t len = strlen(d->tag);
    size_t n = len < cap ? len : cap;
    memcpy(buf, d->tag, n);
    d->tag += n;
    return n;
}

static sk_err decoded_read(struct sk_stream *s, uint8_t *buf, size_t cap, size_t *out_len) {
    struct decoded *d = (struct decoded *)(void *)s;
    if (cap < SK_SCRENC_TAIL_BYTES) {
        return sk_fail(SK_E_INTERNAL);
    }
    *out_len = give_tag(d, buf, cap);
    while (*out_len == 0 && !d->ended) {
        size_t room = cap - 3 < sizeof(d->piece) ? cap - 3 : sizeof(d->piece);
        size_t got = 0;
        TRY(sk_stream_read(d->up, d->piece, room, &got));
        if (got > 0) {
            *out_len = sk_screnc_feed(&d->decoder, d->piece, got, buf);
            continue;
        }
        d->ended = true;
        d->tag = SHUT_TAG;
        *out_len = sk_screnc_finish(&d->decoder, buf);
    }
    if (*out_len == 0) {
        *out_len = give_tag(d, buf, cap);
    }
    return sk_ok();
}

static int screnc_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "#@~^", 4) ? 85 : 0;
}

static sk_err screnc_walk(struct sk_walk *walk, struct sk_source *src) {
    static const char NAME[] = "screnc.html";
    struct sk_source_stream raw;
    struct decoded d = {.base = {.read = decoded_read},
                        .up = sk_source_stream_init(&raw, src, 0, src->size),
                        .tag = OPEN_TAG};
    const struct sk_child child = {.name = NAME,
                                   .name_len = sizeof(NAME) - 1,
                                   .packed_size = src->size,
                                   .size = SK_SIZE_UNKNOWN};
    return walk_child(walk, &child, &d.base);
}

const struct sk_format sk_format_screnc = {
    .name = "screnc", .type = SK_TYPE_SCRENC, .probe = screnc_probe, .walk = screnc_walk};
