// SPDX-License-Identifier: Apache-2.0
/*
 * The stream "PowerPoint Document": a tree of records, of which those with OLE storages matter.
 *
 *     u16 version (4 bits), instance | u16 type | u32 length | body
 *     version F: a container; its records follow at once, so the tree reads as a flat list
 *     0x1011 ExOleObjStg: an OLE2 file: an embedded object, a control, the VBA project
 *            instance 0: as it is; 1: u32 unpacked size, zlib
 *
 * PowerPoint itself finds the storages through a directory of edits; reading all records in order
 * finds those of older edits, too. Source: [MS-PPT] 2.3.1, 2.10.34, 2.10.36.
 */
#include "format/ole2_objects.h"

#include <stdio.h>

#include "codec/codec.h"

#define RECORD_BYTES 8u
#define TYPE_STORAGE 0x1011u
#define TYPE_CRYPT_SESSION 0x2f14u

struct record {
    unsigned version;
    unsigned instance;
    unsigned type;
    uint32_t len;
};

/* False: the stream is over. */
static sk_err next_record(struct ole2 *o, struct sk_stream *s, struct record *out, bool *out_more) {
    uint8_t head[RECORD_BYTES];
    size_t got = 0;
    *out_more = false;
    sk_err err = ole2_pull(s, head, sizeof(head), &got);
    if (sk_failed(err)) {
        o->damaged = o->damaged || err.code == SK_E_FORMAT;
        return err.code == SK_E_FORMAT ? sk_ok() : err;
    }
    struct sk_cursor c = sk_cursor_make(head, got);
    uint16_t first = sk_cursor_u16le(&c);
    out->version = first & 0xfu;
    out->instance = first >> 4;
    out->type = sk_cursor_u16le(&c);
    out->len = sk_cursor_u32le(&c);
    *out_more = sk_cursor_ok(&c);
    return sk_ok();
}

/* st stands at the body; it is not moved. */
static sk_err give_storage(struct ole2 *o, uint32_t entry, const struct ole2_stream *st,
                           const struct record *r) {
    struct ole2_stream part = *st;
    char name[40];
    part.left = part.left < r->len ? part.left : r->len;
    (void)snprintf(name, sizeof(name), "object-%llu",
                   (unsigned long long)(o->entry[entry].size - st->left));
    walk_fact(o->walk, SK_FACT_EMBEDDED, name, strlen(name));
    if (r->instance != 1) {
        return ole2_give_part(o, entry, name, &part.base);
    }
    struct sk_stream *unpacked;
    sk_err err = ole2_skip(&part.base, 4);
    if (err.code == SK_E_FORMAT) {
        o->damaged = true;
        return sk_ok();
    }
    TRY(err);
    TRY(sk_inflate_zlib_open(&part.base, &unpacked));
    err = ole2_give_part(o, entry, name, unpacked);
    sk_stream_close(unpacked);
    return err;
}

sk_err ole2_ppt(struct ole2 *o, uint32_t entry) {
    struct ole2_stream st;
    struct sk_stream *s = ole2_stream_init(&st, o, entry);
    for (;;) {
        struct record r = {0};
        bool more;
        TRY(walk_tick(o->walk));
        TRY(next_record(o, s, &r, &more));
        if (!more) {
            return sk_ok();
        }
        if (r.type == TYPE_CRYPT_SESSION) {
            o->encrypted = "RC4 CryptoAPI";
        }
        if (r.type == TYPE_STORAGE) {
            TRY(give_storage(o, entry, &st, &r));
        }
        if (r.version == 0xf) {
            continue;
        }
        sk_err err = ole2_skip(s, r.len);
        if (err.code == SK_E_FORMAT) {
            o->damaged = true;
            return sk_ok();
        }
        TRY(err);
    }
}
