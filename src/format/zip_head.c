// SPDX-License-Identifier: Apache-2.0
/*
 * Records of ZIP: the fixed parts, their ZIP64 extension, and the search for signatures.
 *
 *     local    "PK 03 04" 26 bytes, name, extra, data [, descriptor]
 *     central  "PK 01 02" 42 bytes, name, extra, comment
 *
 * A 32-bit field that is all ones is replaced by the next 64-bit field of extra 0x0001. Names are
 * not read here: a head remembers where its name stands.
 */
#include "format/zip_parts.h"

#include <string.h>

#define EXTRA_ZIP64 0x0001u
#define ONES32 0xffffffffu

bool zip_sig_at(struct sk_source *src, uint64_t off, const char *sig) {
    size_t avail;
    const uint8_t *p = sk_source_at(src, off, ZIP_SIG_BYTES, &avail);
    return p != NULL && avail >= ZIP_SIG_BYTES && memcmp(p, sig, ZIP_SIG_BYTES) == 0;
}

/* Cursor over the body of extra field `id`; empty when there is none. */
static struct sk_cursor find_extra(struct sk_source *src, uint64_t off, size_t len, uint16_t id) {
    struct sk_cursor c = sk_source_cursor(src, off, len);
    while (sk_cursor_left(&c) >= 4) {
        uint16_t got = sk_cursor_u16le(&c);
        uint16_t size = sk_cursor_u16le(&c);
        const uint8_t *body = sk_cursor_take(&c, size);
        if (got == id && body != NULL) {
            return sk_cursor_make(body, size);
        }
    }
    return sk_cursor_make(NULL, 0);
}

static void widen(struct sk_cursor *extra, uint64_t *field) {
    if (*field == ONES32 && sk_cursor_left(extra) >= 8) {
        *field = sk_cursor_u64le(extra);
    }
}

/* The fields that both headers have, in the same order (APPNOTE 4.3.7 and 4.3.12). */
static void read_common(struct sk_cursor *c, struct zip_head *h) {
    h->version = sk_cursor_u16le(c);
    h->flags = sk_cursor_u16le(c);
    h->method = sk_cursor_u16le(c);
    h->time = sk_cursor_u16le(c);
    h->date = sk_cursor_u16le(c);
    h->crc32 = sk_cursor_u32le(c);
    h->packed = sk_cursor_u32le(c);
    h->size = sk_cursor_u32le(c);
    h->name_len = sk_cursor_u16le(c);
}

bool zip_local_read(struct sk_source *src, uint64_t off, struct zip_head *out_head) {
    struct sk_cursor c = sk_source_cursor(src, off, ZIP_LOCAL_BYTES);
    const uint8_t *sig = sk_cursor_take(&c, ZIP_SIG_BYTES);
    if (sig == NULL || memcmp(sig, ZIP_SIG_LOCAL, ZIP_SIG_BYTES) != 0) {
        return false;
    }
    struct zip_head h = {0};
    read_common(&c, &h);
    uint16_t extra_len = sk_cursor_u16le(&c);
    h.name_off = off + ZIP_LOCAL_BYTES;
    h.after = h.name_off + h.name_len + extra_len;
    if (!sk_cursor_ok(&c) || h.after > src->size) {
        return false;
    }
    struct sk_cursor extra = find_extra(src, h.name_off + h.name_len, extra_len, EXTRA_ZIP64);
    widen(&extra, &h.size);
    widen(&extra, &h.packed);
    /* Zeros with a descriptor announced mean "not known yet"; some writers leave them without. */
    if (h.packed == 0 && h.size == 0 && (h.crc32 == 0 || (h.flags & ZIP_FLAG_DESCRIPTOR) != 0)) {
        h.packed = SK_SIZE_UNKNOWN;
        h.size = SK_SIZE_UNKNOWN;
    }
    *out_head = h;
    return true;
}

bool zip_central_read(struct sk_source *src, uint64_t off, struct zip_head *out_head) {
    struct sk_cursor c = sk_source_cursor(src, off, ZIP_CENTRAL_BYTES);
    const uint8_t *sig = sk_cursor_take(&c, ZIP_SIG_BYTES);
    if (sig == NULL || memcmp(sig, ZIP_SIG_CENTRAL, ZIP_SIG_BYTES) != 0) {
        return false;
    }
    struct zip_head h = {0};
    sk_cursor_skip(&c, 2); /* version made by */
    read_common(&c, &h);
    uint16_t extra_len = sk_cursor_u16le(&c);
    uint16_t comment_len = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 8); /* disk, attributes */
    h.local_off = sk_cursor_u32le(&c);
    if (!sk_cursor_ok(&c)) {
        return false;
    }
    h.name_off = off + ZIP_CENTRAL_BYTES;
    h.after = h.name_off + h.name_len + extra_len + comment_len;
    struct sk_cursor extra = find_extra(src, h.name_off + h.name_len, extra_len, EXTRA_ZIP64);
    widen(&extra, &h.size);
    widen(&extra, &h.packed);
    widen(&extra, &h.local_off);
    *out_head = h;
    return true;
}

sk_err zip_find(struct zip *z, uint64_t from, uint64_t to, const char *sig, uint64_t *out_off) {
    if (to > z->src->size) {
        to = z->src->size;
    }
    while (from < to) {
        TRY(walk_tick(z->walk));
        size_t avail;
        const uint8_t *p = sk_source_at(z->src, from, SK_SOURCE_WANT_MAX, &avail);
        if (p == NULL) {
            return z->src->failed;
        }
        const uint8_t *hit = memmem(p, avail, sig, ZIP_SIG_BYTES);
        if (hit != NULL) {
            uint64_t off = from + (uint64_t)(hit - p);
            *out_off = off < to ? off : to;
            return sk_ok();
        }
        if (avail < ZIP_SIG_BYTES) {
            break;
        }
        from += avail - (ZIP_SIG_BYTES - 1);
    }
    *out_off = to;
    return sk_ok();
}

bool zip_method_known(uint16_t method) {
    return method <= 20 || (method >= 93 && method <= 99);
}
