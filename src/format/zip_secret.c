// SPDX-License-Identifier: Apache-2.0
/*
 * Members with traditional PKWARE encryption, opened with the passwords the definitions know.
 *
 *   12 bytes of header | data: both through a key stream that every plain byte changes
 *
 * The last byte of the decrypted header equals the top byte of the checksum, or of the time of
 * modification when sizes follow the data: one wrong password in 256 passes. A compressed member is
 * therefore decoded a little for trial; what still passes is given to the engine. When several pass
 * (of stored members nothing can be tried), all of each is read first, and the one whose checksum
 * agrees is given alone; the noise of the others is no member. When none was right the member stays
 * an encrypted one, which the caller says.
 *
 * The cipher is weak; here it only has to be undone. Source: PKWARE APPNOTE 6.3.10, section 6.1.
 */
#include "format/zip_parts.h"

#include "codec/codec.h"

#define HEADER_BYTES 12u
#define TRIAL_BYTES ((size_t)16 * 1024)
#define PASSWORDS_MAX 256u

struct keys {
    uint32_t key[3];
};

struct plain_stream {
    struct sk_stream base;
    struct sk_source_stream raw;
    struct keys keys;
};

struct secret_stream {
    struct sk_stream base;
    struct plain_stream plain;
    struct sk_stream *codec; /* NULL: stored */
    uint32_t crc32;
    uint64_t got;
    bool ended;
};

/* CRC of one byte without the inversions around it. */
static uint32_t crc_step(uint32_t crc, uint8_t byte) {
    return ~sk_crc32(~crc, &byte, 1);
}

static void keys_feed(struct keys *k, uint8_t plain) {
    k->key[0] = crc_step(k->key[0], plain);
    k->key[1] = (k->key[1] + (k->key[0] & 0xff)) * 134775813u + 1;
    k->key[2] = crc_step(k->key[2], (uint8_t)(k->key[1] >> 24));
}

static uint8_t keys_open(struct keys *k, uint8_t cipher) {
    uint32_t t = (k->key[2] | 2) & 0xffff;
    uint8_t plain = (uint8_t)(cipher ^ (uint8_t)((t * (t ^ 1)) >> 8));
    keys_feed(k, plain);
    return plain;
}

static sk_err plain_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct plain_stream *p = (struct plain_stream *)(void *)base;
    size_t got = 0;
    TRY(sk_stream_read(&p->raw.base, buf, cap, &got));
    for (size_t i = 0; i < got; i++) {
        buf[i] = keys_open(&p->keys, buf[i]);
    }
    *out_len = got;
    return sk_ok();
}

static sk_err secret_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct secret_stream *s = (struct secret_stream *)(void *)base;
    size_t got = 0;
    TRY(sk_stream_read(s->codec != NULL ? s->codec : &s->plain.base, buf, cap, &got));
    s->ended = got == 0;
    s->crc32 = sk_crc32(s->crc32, buf, got);
    s->got += got;
    *out_len = got;
    return sk_ok();
}

/* Sets up the key stream behind the header. False: this password cannot be right. */
static bool start_keys(struct zip *z, const struct zip_secret *m, struct sk_bytes password,
                       struct keys *out) {
    struct keys k = {{0x12345678u, 0x23456789u, 0x34567890u}};
    for (size_t i = 0; i < password.len; i++) {
        keys_feed(&k, password.ptr[i]);
    }
    struct sk_cursor c = sk_source_cursor(z->src, m->data_off, HEADER_BYTES);
    uint8_t last = 0;
    for (unsigned i = 0; i < HEADER_BYTES; i++) {
        last = keys_open(&k, sk_cursor_u8(&c));
    }
    *out = k;
    return sk_cursor_ok(&c) &&
           (last == (uint8_t)(m->head->crc32 >> 24) || last == (uint8_t)(m->head->time >> 8));
}

static sk_err secret_open(struct zip *z, const struct zip_secret *m, const struct keys *keys,
                          struct secret_stream *s) {
    *s = (struct secret_stream){.base = {.read = secret_read},
                                .plain = {.base = {.read = plain_read}, .keys = *keys}};
    uint64_t len = z->src->size - m->data_off - HEADER_BYTES;
    uint64_t packed = m->head->packed;
    if (packed != SK_SIZE_UNKNOWN && packed > HEADER_BYTES && packed - HEADER_BYTES < len) {
        len = packed - HEADER_BYTES;
    }
    (void)sk_source_stream_init(&s->plain.raw, z->src, m->data_off + HEADER_BYTES, len);
    return m->head->method == ZIP_STORED ? sk_ok()
                                         : zip_open_codec(m->head, &s->plain.base, &s->codec);
}

/* Does what comes out look like the member? Stored bytes always do. */
static sk_err try_out(struct zip *z, const struct zip_secret *m, const struct keys *keys,
                      bool *out_likely) {
    struct secret_stream s;
    *out_likely = true;
    if (m->head->method == ZIP_STORED) {
        return sk_ok();
    }
    uint8_t *buf = arena_alloc(walk_arena(z->walk), TRIAL_BYTES);
    if (buf == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(secret_open(z, m, keys, &s));
    sk_err err = sk_ok();
    size_t got = 1;
    while (!sk_failed(err) && got > 0 && s.got < TRIAL_BYTES) {
        err = secret_read(&s.base, buf, TRIAL_BYTES, &got);
    }
    sk_stream_close(s.codec);
    bool whole = m->head->size == SK_SIZE_UNKNOWN || s.got == m->head->size;
    *out_likely = !sk_failed(err) && (whole || !s.ended);
    return sk_ok();
}

static bool is_right(const struct zip_secret *m, const struct secret_stream *s) {
    return s->ended && (!m->check_crc || s->crc32 == m->head->crc32);
}

static sk_err give(struct zip *z, const struct zip_secret *m, const struct keys *keys,
                   bool *out_right) {
    struct secret_stream s;
    TRY(secret_open(z, m, keys, &s));
    sk_err err = walk_child(z->walk, m->child, &s.base);
    sk_stream_close(s.codec);
    *out_right = is_right(m, &s);
    return err;
}

/* Reads all of the member for its checksum alone. */
static sk_err prove(struct zip *z, const struct zip_secret *m, const struct keys *keys,
                    bool *out_right) {
    uint8_t buf[4096];
    struct secret_stream s;
    TRY(secret_open(z, m, keys, &s));
    sk_err err = sk_ok();
    sk_err tick = sk_ok();
    for (size_t got = 1; got > 0 && !sk_failed(err) && !sk_failed(tick);) {
        tick = walk_tick(z->walk);
        err = sk_failed(tick) ? tick : secret_read(&s.base, buf, sizeof(buf), &got);
    }
    sk_stream_close(s.codec);
    *out_right = !sk_failed(err) && is_right(m, &s);
    return tick;
}

/* The passwords that may be right. */
static sk_err choose(struct zip *z, const struct zip_secret *m, struct keys *out_keys,
                     unsigned *out_count) {
    struct sk_bytes password;
    unsigned count = 0;
    for (unsigned i = 0; i < PASSWORDS_MAX && walk_password(z->walk, i, &password); i++) {
        struct keys keys;
        bool likely = false;
        TRY(walk_tick(z->walk));
        if (start_keys(z, m, password, &keys)) {
            struct arena_mark mark = arena_mark(walk_arena(z->walk));
            sk_err err = try_out(z, m, &keys, &likely);
            arena_rewind(walk_arena(z->walk), mark);
            TRY(err);
        }
        if (likely) {
            out_keys[count++] = keys;
        }
    }
    *out_count = count;
    return sk_ok();
}

sk_err zip_secret_give(struct zip *z, const struct zip_secret *m, bool *out_given) {
    struct keys keys[PASSWORDS_MAX];
    unsigned count = 0;
    *out_given = false;
    if (m->data_off > z->src->size || z->src->size - m->data_off < HEADER_BYTES ||
        (m->head->method != ZIP_STORED && !zip_has_codec(m->head->method))) {
        return sk_ok();
    }
    TRY(choose(z, m, keys, &count));
    for (unsigned i = 0; i < count && count > 1 && m->check_crc; i++) {
        bool right = false;
        TRY(prove(z, m, &keys[i], &right));
        if (right) {
            *out_given = true;
            return give(z, m, &keys[i], &right);
        }
    }
    for (unsigned i = 0; i < count && !*out_given; i++) {
        TRY(give(z, m, &keys[i], out_given));
    }
    return sk_ok();
}
