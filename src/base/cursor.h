// SPDX-License-Identifier: Apache-2.0
/*
 * struct sk_cursor: checked reading of untrusted bytes. The one place where bounds are compared.
 *
 * A cursor **borrows** its bytes; it never allocates. Reads past the end return zero, move the
 * cursor to the end and set `bad`, which stays set: a parser may read a whole record and ask once.
 * sk_cursor_ok() is false after any bad read. Units: bytes; integers by name: le = little-endian.
 */
#ifndef SK_BASE_CURSOR_H
#define SK_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sk_bytes {
    const uint8_t *ptr;
    size_t len;
};

struct sk_cursor {
    const uint8_t *ptr;
    size_t len;
    size_t pos; /* never above len */
    bool bad;
};

static inline struct sk_cursor sk_cursor_make(const void *ptr, size_t len) {
    return (struct sk_cursor){.ptr = (const uint8_t *)ptr, .len = ptr == NULL ? 0 : len};
}
static inline struct sk_cursor sk_cursor_of(struct sk_bytes bytes) {
    return sk_cursor_make(bytes.ptr, bytes.len);
}
static inline bool sk_cursor_ok(const struct sk_cursor *c) {
    return !c->bad;
}
static inline size_t sk_cursor_left(const struct sk_cursor *c) {
    return c->len - c->pos;
}

/* `n` bytes, or NULL and bad. The pointer is borrowed from the bytes under the cursor. */
static inline const uint8_t *sk_cursor_take(struct sk_cursor *c, size_t n) {
    if (n > c->len - c->pos) {
        c->pos = c->len;
        c->bad = true;
        return NULL;
    }
    const uint8_t *p = c->ptr + c->pos;
    c->pos += n;
    return p;
}
static inline void sk_cursor_skip(struct sk_cursor *c, uint64_t n) {
    if (n > c->len - c->pos) {
        c->pos = c->len;
        c->bad = true;
        return;
    }
    c->pos += (size_t)n;
}
static inline void sk_cursor_seek(struct sk_cursor *c, uint64_t pos) {
    if (pos > c->len) {
        c->pos = c->len;
        c->bad = true;
        return;
    }
    c->pos = (size_t)pos;
}
static inline uint8_t sk_cursor_u8(struct sk_cursor *c) {
    const uint8_t *p = sk_cursor_take(c, 1);
    return p == NULL ? 0 : p[0];
}
static inline uint16_t sk_load_u16le(const uint8_t *p) {
    return (uint16_t)(p[0] | (p[1] << 8));
}
static inline uint16_t sk_load_u16be(const uint8_t *p) {
    return (uint16_t)((p[0] << 8) | p[1]);
}
static inline uint32_t sk_load_u32le(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint32_t sk_load_u32be(const uint8_t *p) {
    return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}
static inline uint64_t sk_load_u64le(const uint8_t *p) {
    return (uint64_t)sk_load_u32le(p) | (uint64_t)sk_load_u32le(p + 4) << 32;
}
static inline uint64_t sk_load_u64be(const uint8_t *p) {
    return (uint64_t)sk_load_u32be(p + 4) | (uint64_t)sk_load_u32be(p) << 32;
}
static inline void sk_store_u16le(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}
static inline void sk_store_u32be(uint8_t *p, uint32_t v) {
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}
static inline void sk_store_u32le(uint8_t *p, uint32_t v) {
    sk_store_u16le(p, (uint16_t)v);
    sk_store_u16le(p + 2, (uint16_t)(v >> 16));
}
static inline void sk_store_u64le(uint8_t *p, uint64_t v) {
    sk_store_u32le(p, (uint32_t)v);
    sk_store_u32le(p + 4, (uint32_t)(v >> 32));
}

#define SK_CURSOR_READER_(name, type, size)                                                        \
    static inline type sk_cursor_##name(struct sk_cursor *c) {                                     \
        const uint8_t *p = sk_cursor_take(c, size);                                                \
        return p == NULL ? 0 : sk_load_##name(p);                                                  \
    }
SK_CURSOR_READER_(u16le, uint16_t, 2)
SK_CURSOR_READER_(u16be, uint16_t, 2)
SK_CURSOR_READER_(u32le, uint32_t, 4)
SK_CURSOR_READER_(u32be, uint32_t, 4)
SK_CURSOR_READER_(u64le, uint64_t, 8)
SK_CURSOR_READER_(u64be, uint64_t, 8)
#undef SK_CURSOR_READER_

/* LEB128, at most 10 bytes; longer or overflowing forms are bad. */
uint64_t sk_cursor_varint(struct sk_cursor *c);
/* Writes at most 10 bytes to out; returns how many. */
size_t sk_varint_put(uint8_t *out, uint64_t value);

#endif
