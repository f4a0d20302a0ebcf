// SPDX-License-Identifier: Apache-2.0
/*
 * OOXML documents under a password: an OLE2 file with two streams.
 *
 *     EncryptedPackage   u64 size, then AES: standard: ECB; agile: CBC by segments of 4096 bytes
 *     EncryptionInfo     x.2  u32 flags, u32 length, header (key bits at 16), u32 16, salt 16,
 *                             verifier 16, u32 20, its hash 32
 *                        4.4  u32 0x40, XML: keyData, encryptedKey: salts, rounds, hashes, key
 *
 *     standard  h = SHA1(salt + password); 50000 times h = SHA1(i + h); h = SHA1(h + 0);
 *               key = SHA1(36... ^ h) + SHA1(5C... ^ h)
 *     agile     the same rounds with the stated hash; key of a purpose = H(h + its 8 bytes), with
 *               which the package's key is decrypted; IV of segment i = H(salt of keyData + i)
 *
 * Our AES is CBC; ECB is CBC with the cipher text of the block before taken out again. The package
 * is given as one member, which is a ZIP file that the engine opens. Source: [MS-OFFCRYPTO] 2.3.4.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "codec/codec.h"
#include "crypto/digest.h"
#include "format/office_key.h"
#include "format/xml.h"

#define SEGMENT_BYTES ((size_t)4096)
#define STANDARD_SPINS 50000u
#define SALT_MAX ((size_t)64)
#define VALUE_MAX ((size_t)128)
#define INFO_MAX ((size_t)65536)
#define SHA1_BYTES ((size_t)20)

enum hash { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_NONE };
static const size_t HASH_BYTES[] = {16, 20, 32, 48, 64};

struct value {
    uint8_t bytes[VALUE_MAX];
    size_t len;
};

/* One of keyData and encryptedKey. */
struct cipher {
    enum hash hash;
    uint32_t spins;
    uint32_t key_bytes;
    struct value salt;
    struct value verifier;
    struct value verifier_hash;
    struct value key;
};

struct package {
    struct sk_stream base;
    struct ole2_stream raw;
    struct aes_cbc *aes;
    bool agile;
    enum hash hash;
    struct value salt;
    uint8_t key[32];
    size_t key_bytes;
    uint32_t segment;
    uint64_t left; /* of the package */
    uint8_t before[AES_BLOCK_BYTES];
    uint8_t in[SEGMENT_BYTES];
    uint8_t out[SEGMENT_BYTES];
    size_t len;
    size_t pos;
};

static sk_err hash_of(enum hash hash, const void *bytes, size_t len, uint8_t *out) {
    if (hash == HASH_SHA384 || hash == HASH_SHA512) {
        return sha512_digest(hash == HASH_SHA384, bytes, len, out);
    }
    static const enum crypto_algo algo[] = {CRYPTO_MD5, CRYPTO_SHA1, CRYPTO_SHA256};
    return crypto_digest(algo[hash], bytes, len, out);
}

/* The password's hash after its rounds. */
static sk_err spin(struct sk_walk *walk, const struct cipher *c, const struct office_password *p,
                   uint8_t *out) {
    uint8_t text[VALUE_MAX + sizeof(p->utf16)];
    size_t size = HASH_BYTES[c->hash];
    memcpy(text, c->salt.bytes, c->salt.len);
    memcpy(text + c->salt.len, p->utf16, p->len);
    TRY(hash_of(c->hash, text, c->salt.len + p->len, out));
    for (uint32_t i = 0; i < c->spins; i++) {
        sk_store_u32le(text, i);
        memcpy(text + 4, out, size);
        TRY(hash_of(c->hash, text, size + 4, out));
        if ((i & 0xfff) == 0) {
            TRY(walk_tick(walk));
        }
    }
    return sk_ok();
}

static sk_err aes_once(const struct aes_key *key, const uint8_t *in, size_t len, uint8_t *out) {
    struct aes_cbc *aes;
    TRY(aes_cbc_new(key, &aes));
    sk_err err = aes_cbc_run(aes, in, len, out);
    aes_cbc_free(aes);
    return err;
}

/* ECB in terms of CBC; before: the block of cipher text in front of `in`. */
static void ecb_from_cbc(const uint8_t *before, const uint8_t *in, size_t len, uint8_t *out) {
    for (size_t i = 0; i < len; i++) {
        out[i] ^= i < AES_BLOCK_BYTES ? before[i] : in[i - AES_BLOCK_BYTES];
    }
}

/* ---- standard ------------------------------------------------------------------------------- */

static sk_err standard_key(const uint8_t *h, struct package *out) {
    uint8_t text[SHA1_BYTES + 4];
    uint8_t last[SHA1_BYTES];
    uint8_t both[2 * CRYPTO_DIGEST_MAX];
    memcpy(text, h, SHA1_BYTES);
    memset(text + SHA1_BYTES, 0, 4);
    TRY(hash_of(HASH_SHA1, text, sizeof(text), last));
    for (size_t half = 0; half < 2; half++) {
        uint8_t pad[64];
        memset(pad, half == 0 ? 0x36 : 0x5c, sizeof(pad));
        for (size_t i = 0; i < SHA1_BYTES; i++) {
            pad[i] ^= last[i];
        }
        TRY(hash_of(HASH_SHA1, pad, sizeof(pad), both + half * SHA1_BYTES));
    }
    memcpy(out->key, both, out->key_bytes);
    return sk_ok();
}

static sk_err standard_fits(const struct package *p, const uint8_t *verifier, const uint8_t *hash,
                            bool *out_fits) {
    static const uint8_t zero[AES_BLOCK_BYTES];
    uint8_t plain[16];
    uint8_t plain_hash[32];
    uint8_t want[CRYPTO_DIGEST_MAX];
    struct aes_key key = {p->key, p->key_bytes, zero, false};
    TRY(aes_once(&key, verifier, sizeof(plain), plain));
    TRY(aes_once(&key, hash, sizeof(plain_hash), plain_hash));
    ecb_from_cbc(zero, hash, sizeof(plain_hash), plain_hash);
    TRY(hash_of(HASH_SHA1, plain, sizeof(plain), want));
    *out_fits = memcmp(want, plain_hash, SHA1_BYTES) == 0;
    return sk_ok();
}

static sk_err standard_open(struct sk_walk *walk, struct sk_cursor c, struct package *out) {
    struct cipher k = {.hash = HASH_SHA1, .spins = STANDARD_SPINS};
    sk_cursor_skip(&c, 4);
    uint32_t header = sk_cursor_u32le(&c);
    struct sk_cursor h = c;
    sk_cursor_skip(&c, header);
    sk_cursor_skip(&h, 8);
    uint32_t algorithm = sk_cursor_u32le(&h);
    sk_cursor_skip(&h, 4);
    uint32_t bits = sk_cursor_u32le(&h);
    uint32_t salt_size = sk_cursor_u32le(&c);
    const uint8_t *salt = sk_cursor_take(&c, 16);
    const uint8_t *verifier = sk_cursor_take(&c, 16);
    sk_cursor_skip(&c, 4);
    const uint8_t *hash = sk_cursor_take(&c, 32);
    if (!sk_cursor_ok(&c) || salt_size != 16) {
        return sk_fail(SK_E_FORMAT);
    }
    if (algorithm < 0x660e || algorithm > 0x6610 || (bits != 128 && bits != 192 && bits != 256)) {
        return sk_fail(SK_E_UNSUPPORTED); /* not AES */
    }
    out->key_bytes = bits / 8;
    k.salt.len = 16;
    memcpy(k.salt.bytes, salt, 16);
    struct office_password password;
    for (unsigned i = 0; office_password(walk, i, &password); i++) {
        uint8_t spun[CIPHER_HASH_MAX];
        bool good = false;
        TRY(spin(walk, &k, &password, spun));
        TRY(standard_key(spun, out));
        TRY(standard_fits(out, verifier, hash, &good));
        if (good) {
            static const uint8_t zero[AES_BLOCK_BYTES];
            return aes_cbc_new(&(struct aes_key){out->key, out->key_bytes, zero, false}, &out->aes);
        }
    }
    return sk_fail(SK_E_ENCRYPTED);
}

/* ---- agile ---------------------------------------------------------------------------------- */

static sk_err take_base64(const struct sk_xml *xml, const char *attr, struct value *out) {
    struct sk_bytes text = {0};
    struct sk_source src;
    struct sk_source_stream st;
    struct sk_stream *decoded;
    (void)sk_xml_attr(xml, attr, &text);
    sk_source_init_mem(&src, text.ptr, text.len);
    TRY(sk_base64_open(sk_source_stream_init(&st, &src, 0, text.len), SK_BASE64_GO_ON, &decoded));
    sk_err err = ole2_pull(decoded, out->bytes, sizeof(out->bytes), &out->len);
    sk_stream_close(decoded);
    return err;
}

static uint32_t take_number(const struct sk_xml *xml, const char *attr) {
    struct sk_bytes text = {0};
    uint32_t value = 0;
    (void)sk_xml_attr(xml, attr, &text);
    for (size_t i = 0;
         i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9' && value < 100000000; i++) {
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

static enum hash take_hash(const struct sk_xml *xml) {
    static const char *const names[] = {"MD5", "SHA1", "SHA256", "SHA384", "SHA512"};
    struct sk_bytes text = {0};
    char name[8] = "";
    size_t len = 0;
    (void)sk_xml_attr(xml, "hashAlgorithm", &text);
    for (size_t i = 0; i < text.len && len + 1 < sizeof(name); i++) {
        if (text.ptr[i] != '-') {
            name[len++] = (char)text.ptr[i];
        }
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return (enum hash)i;
        }
    }
    return HASH_NONE;
}

static sk_err take_cipher(const struct sk_xml *xml, struct cipher *out) {
    out->hash = take_hash(xml);
    out->spins = take_number(xml, "spinCount");
    out->key_bytes = take_number(xml, "keyBits") / 8;
    TRY(take_base64(xml, "saltValue", &out->salt));
    TRY(take_base64(xml, "encryptedVerifierHashInput", &out->verifier));
    TRY(take_base64(xml, "encryptedVerifierHashValue", &out->verifier_hash));
    return take_base64(xml, "encryptedKeyValue", &out->key);
}

static bool is_usable(const struct cipher *c) {
    return c->hash != HASH_NONE && c->spins <= OFFICE_SPINS_MAX && c->salt.len >= 8 &&
           c->salt.len <= SALT_MAX &&
           (c->key_bytes == 16 || c->key_bytes == 24 || c->key_bytes == 32);
}

static sk_err read_agile(struct sk_walk *walk, struct sk_bytes xml_text, struct cipher *data,
                         struct cipher *key) {
    struct sk_source src;
    struct sk_source_stream st;
    data->hash = key->hash = HASH_NONE;
    sk_source_init_mem(&src, xml_text.ptr, xml_text.len);
    struct sk_xml *xml = sk_xml_new(walk, sk_source_stream_init(&st, &src, 0, src.size));
    if (xml == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    do {
        TRY(sk_xml_next(xml));
        if (xml->kind == SK_XML_START && sk_xml_is(xml->name, "keyData")) {
            TRY(take_cipher(xml, data));
        } else if (xml->kind == SK_XML_START && sk_xml_is(xml->name, "encryptedKey")) {
            TRY(take_cipher(xml, key));
        }
    } while (xml->kind != SK_XML_EOF);
    return is_usable(data) && is_usable(key) ? sk_ok() : sk_fail(SK_E_UNSUPPORTED);
}

/* Bytes of a hash stretched or cut to len: filled up with 0x36. */
static void fit(uint8_t *bytes, size_t have, size_t len) {
    if (have < len) {
        memset(bytes + have, 0x36, len - have);
    }
}

/* One of the values under the password's hash. */
static sk_err open_value(const struct cipher *c, const uint8_t *spun, const char *purpose,
                         const struct value *in, uint8_t *out) {
    uint8_t text[CIPHER_HASH_MAX + 8];
    uint8_t key[CIPHER_HASH_MAX];
    uint8_t iv[SALT_MAX];
    size_t size = HASH_BYTES[c->hash];
    memcpy(text, spun, size);
    memcpy(text + size, purpose, 8);
    TRY(hash_of(c->hash, text, size + 8, key));
    fit(key, size, c->key_bytes);
    memcpy(iv, c->salt.bytes, c->salt.len);
    fit(iv, c->salt.len, AES_BLOCK_BYTES);
    size_t len = in->len & ~(AES_BLOCK_BYTES - 1);
    return aes_once(&(struct aes_key){key, c->key_bytes, iv, false}, in->bytes, len, out);
}

static sk_err agile_fits(const struct cipher *c, const uint8_t *spun, bool *out_fits) {
    uint8_t input[VALUE_MAX] = {0};
    uint8_t hash[VALUE_MAX] = {0};
    uint8_t want[CIPHER_HASH_MAX];
    TRY(open_value(c, spun, "\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79", &c->verifier, input));
    TRY(open_value(c, spun, "\xd7\xaa\x0f\x6d\x30\x61\x34\x4e", &c->verifier_hash, hash));
    TRY(hash_of(c->hash, input, c->salt.len, want));
    *out_fits = c->verifier.len >= AES_BLOCK_BYTES && memcmp(want, hash, HASH_BYTES[c->hash]) == 0;
    return sk_ok();
}

static sk_err agile_open(struct sk_walk *walk, struct sk_bytes xml_text, struct package *out) {
    struct arena *arena = walk_arena(walk);
    struct cipher *data = arena_zalloc(arena, 1, sizeof(*data));
    struct cipher *key = arena_zalloc(arena, 1, sizeof(*key));
    if (data == NULL || key == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(read_agile(walk, xml_text, data, key));
    struct office_password password;
    for (unsigned i = 0; office_password(walk, i, &password); i++) {
        uint8_t spun[CIPHER_HASH_MAX];
        uint8_t plain[VALUE_MAX] = {0};
        bool good = false;
        TRY(spin(walk, key, &password, spun));
        TRY(agile_fits(key, spun, &good));
        if (!good) {
            continue;
        }
        TRY(open_value(key, spun, "\x14\x6e\x0b\xe7\xab\xac\xd0\xd6", &key->key, plain));
        out->agile = true;
        out->hash = data->hash;
        out->salt = data->salt;
        out->key_bytes = data->key_bytes;
        memcpy(out->key, plain, sizeof(out->key));
        return sk_ok();
    }
    return sk_fail(SK_E_ENCRYPTED);
}

/* ---- the package ----------------------------------------------------------------------------- */

static sk_err begin_segment(struct package *p) {
    uint8_t text[SALT_MAX + 4];
    uint8_t iv[CIPHER_HASH_MAX];
    memcpy(text, p->salt.bytes, p->salt.len);
    sk_store_u32le(text + p->salt.len, p->segment++);
    TRY(hash_of(p->hash, text, p->salt.len + 4, iv));
    aes_cbc_free(p->aes);
    p->aes = NULL;
    return aes_cbc_new(&(struct aes_key){p->key, p->key_bytes, iv, false}, &p->aes);
}

static sk_err next_segment(struct package *p) {
    size_t got = 0;
    p->pos = p->len = 0;
    TRY(ole2_pull(&p->raw.base, p->in, SEGMENT_BYTES, &got));
    got &= ~(AES_BLOCK_BYTES - 1);
    if (got == 0) {
        return sk_fail(SK_E_FORMAT); /* shorter than it says */
    }
    if (p->agile) {
        TRY(begin_segment(p));
    }
    TRY(aes_cbc_run(p->aes, p->in, got, p->out));
    if (!p->agile) {
        ecb_from_cbc(p->before, p->in, got, p->out);
        memcpy(p->before, p->in + got - AES_BLOCK_BYTES, AES_BLOCK_BYTES);
    }
    p->len = got < p->left ? got : (size_t)p->left;
    p->left -= p->len;
    return sk_ok();
}

static sk_err package_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct package *p = (struct package *)(void *)base;
    if (p->pos == p->len && p->left > 0) {
        TRY(next_segment(p));
    }
    size_t n = p->len - p->pos < cap ? p->len - p->pos : cap;
    memcpy(buf, p->out + p->pos, n);
    p->pos += n;
    *out_len = n;
    return sk_ok();
}

static sk_err open_info(struct ole2 *o, uint32_t info, struct package *out) {
    struct sk_bytes raw;
    TRY(ole2_load(o, info, INFO_MAX, &raw));
    struct sk_cursor c = sk_cursor_of(raw);
    uint16_t major = sk_cursor_u16le(&c);
    uint16_t minor = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 4);
    if (major == 4 && minor == 4 && sk_cursor_ok(&c)) {
        return agile_open(o->walk, (struct sk_bytes){raw.ptr + c.pos, sk_cursor_left(&c)}, out);
    }
    if (minor != 2) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    sk_cursor_seek(&c, 4);
    return standard_open(o->walk, c, out);
}

sk_err ole2_package(struct ole2 *o, uint32_t info, uint32_t package, bool *out_given) {
    uint8_t size[8];
    size_t got = 0;
    struct package *p = arena_zalloc(walk_arena(o->walk), 1, sizeof(*p));
    if (p == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = open_info(o, info, p);
    if (err.code == SK_E_ENCRYPTED || err.code == SK_E_UNSUPPORTED || err.code == SK_E_FORMAT) {
        *out_given = false;
        return sk_ok();
    }
    TRY(err);
    p->base.read = package_read;
    (void)ole2_stream_init(&p->raw, o, package);
    err = ole2_pull(&p->raw.base, size, sizeof(size), &got);
    if (!sk_failed(err) && got == sizeof(size)) {
        p->left = sk_load_u64le(size);
        err = ole2_give_part(o, package, "package", &p->base);
        *out_given = true;
    }
    aes_cbc_free(p->aes);
    return err.code == SK_E_FORMAT ? sk_ok() : err;
}
