// SPDX-License-Identifier: Apache-2.0
/*
 * Hangul (HWP 5) documents: an OLE2 file whose streams are deflated one by one.
 *
 *     FileHeader   "HWP Document File" padded to 32 | u32 version | u32 flags: 1 packed, 2 password
 *     DocInfo, BodyText/SectionN, ViewText/SectionN, BinData/BIN0001.jpg, Scripts/...
 *
 * The flag is not believed and BinData may differ from it: every stream of the document's folders
 * is tried, and what inflates is a member beside the stream itself. Seen with clamscan 1.4.6: the
 * same streams inflated, each a layer. Source: Hangul Document File Formats 5.0 (Hancom), 3.2.
 */
#include "format/ole2_objects.h"

#include <string.h>
#include <strings.h>

#include "codec/codec.h"

#define SIGNATURE "HWP Document File"
#define HEADER_BYTES ((size_t)40)
#define FLAG_PASSWORD 2u

sk_err ole2_hwp_probe(struct ole2 *o) {
    uint32_t entry = ole2_find(o, OLE2_ROOT, OLE2_STREAM, "FileHeader");
    if (entry == OLE2_NONE) {
        return sk_ok();
    }
    struct sk_bytes head;
    TRY(ole2_load(o, entry, HEADER_BYTES, &head));
    struct sk_cursor c = sk_cursor_of(head);
    const uint8_t *signature = sk_cursor_take(&c, 32);
    sk_cursor_skip(&c, 4);
    uint32_t flags = sk_cursor_u32le(&c);
    if (!sk_cursor_ok(&c) || memcmp(signature, SIGNATURE, sizeof(SIGNATURE) - 1) != 0) {
        return sk_ok();
    }
    o->is_hwp = true;
    walk_type(o->walk, SK_TYPE_HWPOLE2);
    if ((flags & FLAG_PASSWORD) != 0 && o->encrypted == NULL) {
        o->encrypted = "HWP password";
    }
    return sk_ok();
}

static bool is_packed_place(const struct ole2 *o, uint32_t entry) {
    static const char *const folders[] = {"BodyText", "ViewText", "BinData", "Scripts",
                                          "DocHistory"};
    uint32_t parent = o->entry[entry].parent;
    if (parent == OLE2_ROOT) {
        return ole2_is_named(o, entry, "DocInfo");
    }
    for (size_t i = 0; parent != OLE2_NONE && i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (ole2_is_named(o, parent, folders[i])) {
            return true;
        }
    }
    return false;
}

/* Unpacked bytes whose first have been read to see whether there are any. */
struct begun {
    struct sk_stream base;
    struct sk_stream *rest;
    size_t len;
    size_t pos;
    uint8_t first[64];
};

static sk_err begun_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct begun *b = (struct begun *)(void *)base;
    size_t n = b->len - b->pos < cap ? b->len - b->pos : cap;
    if (n == 0) {
        return sk_stream_read(b->rest, buf, cap, out_len);
    }
    memcpy(buf, b->first + b->pos, n);
    b->pos += n;
    *out_len = n;
    return sk_ok();
}

static sk_err give_unpacked(struct ole2 *o, uint32_t entry, struct sk_stream *unpacked) {
    struct begun b = {.base = {.read = begun_read}, .rest = unpacked};
    sk_err err = sk_stream_read(unpacked, b.first, sizeof(b.first), &b.len);
    if (sk_failed(err) || b.len == 0) {
        return err.code == SK_E_FORMAT ? sk_ok() : err;
    }
    if (ole2_is_named(o, o->entry[entry].parent, "Scripts")) {
        walk_fact(o->walk, SK_FACT_SCRIPT, NULL, 0);
    }
    return ole2_give_part(o, entry, "unpacked", &b.base);
}

sk_err ole2_hwp_stream(struct ole2 *o, uint32_t entry) {
    struct ole2_stream st;
    struct sk_stream *unpacked;
    if (!is_packed_place(o, entry)) {
        return sk_ok();
    }
    TRY(sk_inflate_open(ole2_stream_init(&st, o, entry), &unpacked));
    sk_err err = give_unpacked(o, entry, unpacked);
    sk_stream_close(unpacked);
    return err;
}
