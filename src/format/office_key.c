// SPDX-License-Identifier: Apache-2.0
/*
 * Keys of encrypted workbooks (RC4) and the passwords that are tried.
 *
 * Excel opens a file "without" password when it is encrypted with OFFICE_DEFAULT_PASSWORD: malware
 * is packed so. Passwords of the definitions come behind it.
 *
 *     FILEPASS  u16 1 | u16 major, minor | ...
 *       1.1   salt 16, verifier 16, its hash 16
 *             h = first 5 bytes of MD5(password); base = 5 bytes of MD5((h + salt) 16 times)
 *             key of block n = MD5(base + n)
 *       x.2   u32 flags, u32 length, header (key bits at 16), u32 16, salt 16, verifier 16,
 *             u32 20, its hash 20
 *             base = SHA1(salt + password); key of block n = SHA1(base + n), as many bits
 *
 * The key changes every 1024 bytes of the stream; headers of records take their part of the key
 * stream but are not encrypted. Source: [MS-OFFCRYPTO] 2.3.5, 2.3.6; [MS-XLS] 2.2.10.
 */
#include "format/office_key.h"

#include <string.h>

#include "crypto/digest.h"

#define BLOCK_BYTES 1024u
#define SALT_BYTES ((size_t)16)
#define MD5_PART ((size_t)5)

static void put_utf16(struct office_password *out, const uint8_t *text, size_t len) {
    out->len = 0;
    for (size_t i = 0; i < len && out->len + 2 <= sizeof(out->utf16); i++) {
        sk_store_u16le(out->utf16 + out->len, text[i]);
        out->len += 2;
    }
}

bool office_password(struct sk_walk *walk, unsigned index, struct office_password *out) {
    static const char usual[] = OFFICE_DEFAULT_PASSWORD;
    struct sk_bytes known = {0};
    if (index >= OFFICE_PASSWORDS_MAX) {
        return false;
    }
    if (index < 2) {
        put_utf16(out, (const uint8_t *)usual, index == 0 ? sizeof(usual) - 1 : 0);
        return true;
    }
    if (!walk_password(walk, index - 2, &known)) {
        return false;
    }
    put_utf16(out, known.ptr, known.len);
    return true;
}

/* ---- RC4 ------------------------------------------------------------------------------------- */

static sk_err block_key(const struct office_rc4 *rc4, uint32_t block, uint8_t *out,
                        size_t *out_len) {
    uint8_t text[24];
    uint8_t hash[CRYPTO_DIGEST_MAX] = {0};
    size_t len = rc4->is_capi ? 20 : MD5_PART;
    memcpy(text, rc4->base, len);
    sk_store_u32le(text + len, block);
    TRY(crypto_digest(rc4->is_capi ? CRYPTO_SHA1 : CRYPTO_MD5, text, len + 4, hash));
    *out_len = 16;
    if (rc4->is_capi && rc4->key_bits != 40) {
        *out_len = rc4->key_bits / 8;
    } else if (rc4->is_capi) {
        memset(hash + 5, 0, 11); /* 40 bits: the rest of 128 is zero */
    }
    memcpy(out, hash, *out_len);
    return sk_ok();
}

static sk_err begin_block(struct office_rc4 *rc4, uint32_t block) {
    uint8_t key[CRYPTO_DIGEST_MAX];
    size_t len;
    TRY(block_key(rc4, block, key, &len));
    rc4_init(&rc4->rc4, key, len);
    return sk_ok();
}

struct verifier {
    const uint8_t *salt;
    const uint8_t *verifier;
    const uint8_t *hash;
};

static bool read_verifier(struct sk_cursor *c, struct office_rc4 *out, struct verifier *v) {
    if (out->is_capi) {
        sk_cursor_skip(c, 4);
        uint32_t header = sk_cursor_u32le(c);
        struct sk_cursor h = *c;
        sk_cursor_skip(c, header);
        sk_cursor_skip(&h, 16);
        out->key_bits = sk_cursor_u32le(&h);
        out->key_bits = out->key_bits == 0 ? 40 : out->key_bits;
        sk_cursor_skip(c, 4);
    }
    v->salt = sk_cursor_take(c, SALT_BYTES);
    v->verifier = sk_cursor_take(c, 16);
    sk_cursor_skip(c, out->is_capi ? 4 : 0);
    v->hash = sk_cursor_take(c, out->is_capi ? 20 : 16);
    return sk_cursor_ok(c) && out->key_bits >= 40 && out->key_bits <= 128 && out->key_bits % 8 == 0;
}

/* What the password makes of the salt. */
static sk_err make_base(struct office_rc4 *rc4, const uint8_t *salt,
                        const struct office_password *p) {
    uint8_t text[SALT_BYTES + sizeof(p->utf16)];
    uint8_t many[(MD5_PART + SALT_BYTES) * 16];
    uint8_t hash[CRYPTO_DIGEST_MAX];
    if (rc4->is_capi) {
        memcpy(text, salt, SALT_BYTES);
        memcpy(text + SALT_BYTES, p->utf16, p->len);
        return crypto_digest(CRYPTO_SHA1, text, SALT_BYTES + p->len, rc4->base);
    }
    TRY(crypto_digest(CRYPTO_MD5, p->utf16, p->len, hash));
    for (size_t i = 0; i < 16; i++) {
        memcpy(many + i * (MD5_PART + SALT_BYTES), hash, MD5_PART);
        memcpy(many + i * (MD5_PART + SALT_BYTES) + MD5_PART, salt, SALT_BYTES);
    }
    return crypto_digest(CRYPTO_MD5, many, sizeof(many), rc4->base);
}

static sk_err fits(struct office_rc4 *rc4, const struct verifier *v, bool *out_fits) {
    uint8_t verifier[16];
    uint8_t hash[20];
    uint8_t want[CRYPTO_DIGEST_MAX];
    size_t len = rc4->is_capi ? 20 : 16;
    TRY(begin_block(rc4, 0));
    rc4_run(&rc4->rc4, v->verifier, sizeof(verifier), verifier);
    rc4_run(&rc4->rc4, v->hash, len, hash);
    TRY(crypto_digest(rc4->is_capi ? CRYPTO_SHA1 : CRYPTO_MD5, verifier, sizeof(verifier), want));
    *out_fits = memcmp(hash, want, len) == 0;
    return sk_ok();
}

sk_err office_rc4_open(struct sk_walk *walk, struct sk_bytes filepass, struct office_rc4 *out) {
    struct sk_cursor c = sk_cursor_of(filepass);
    struct office_rc4 rc4 = {.place = UINT64_MAX, .key_bits = 128};
    struct verifier v;
    uint16_t method = sk_cursor_u16le(&c);
    uint16_t major = sk_cursor_u16le(&c);
    uint16_t minor = sk_cursor_u16le(&c);
    rc4.is_capi = minor == 2;
    if (method != 1 || !(rc4.is_capi || (major == 1 && minor == 1))) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    if (!read_verifier(&c, &rc4, &v)) {
        return sk_fail(SK_E_FORMAT);
    }
    struct office_password password;
    for (unsigned i = 0; office_password(walk, i, &password); i++) {
        bool good = false;
        TRY(make_base(&rc4, v.salt, &password));
        TRY(fits(&rc4, &v, &good));
        if (good) {
            *out = rc4;
            return sk_ok();
        }
    }
    return sk_fail(SK_E_ENCRYPTED);
}

static void pass_over(struct office_rc4 *rc4, uint64_t count) {
    uint8_t waste[64] = {0};
    while (count > 0) {
        size_t n = count < sizeof(waste) ? (size_t)count : sizeof(waste);
        rc4_run(&rc4->rc4, waste, n, waste);
        count -= n;
    }
}

sk_err office_rc4_run(struct office_rc4 *rc4, uint64_t place, uint8_t *bytes, size_t len) {
    while (len > 0) {
        uint64_t block = place / BLOCK_BYTES;
        if (rc4->place > place || rc4->place / BLOCK_BYTES != block || place % BLOCK_BYTES == 0) {
            TRY(begin_block(rc4, (uint32_t)block));
            rc4->place = block * BLOCK_BYTES;
        }
        pass_over(rc4, place - rc4->place);
        size_t n = BLOCK_BYTES - (size_t)(place % BLOCK_BYTES);
        n = n < len ? n : len;
        rc4_run(&rc4->rc4, bytes, n, bytes);
        bytes += n;
        len -= n;
        place += n;
        rc4->place = place;
    }
    return sk_ok();
}
