// SPDX-License-Identifier: Apache-2.0
/*
 * The standard security handler with the empty password (ISO 32000-1, 7.6; ISO 32000-2, 7.6;
 * Adobe Supplement to ISO 32000, ExtensionLevel 3).
 *
 *     trailer or XRef stream: /Encrypt --> dictionary: V R Length O U OE UE P CF StmF StrF EFF
 *     R2..R4   key = MD5(padding, O, P, ID[0], ...)      proved by U
 *     R5, R6   key = AES-256(hash of the salts, UE)      proved by U (or OE and O: owner)
 *     V 1, 2, 3 RC4 with MD5(key, number, generation); V4 AES-128 or RC4 the same way;
 *     V5 AES-256 with the key itself
 *
 * Several trailers may name several dictionaries (incremental updates, decoys): the first that the
 * empty password opens counts; when another trailer names none, all is read without decryption as
 * well. When none opens, nothing is decrypted and a note says so: readers ask for the password
 * then. What decodes all the same was no secret.
 *
 * Strings in object streams and XRef streams are not encrypted by themselves; the Encrypt
 * dictionary never is.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "format/pdf_parts.h"

#define DICTS_MAX 8u
#define U_BYTES ((size_t)32) /* of O and U up to R4 */
#define U6_BYTES ((size_t)48)
#define MD5_BYTES ((size_t)16)
#define HASH_ROUNDS_MAX 2000u /* R6 asks for at least 64, in practice below 100 */

static const uint8_t PADDING[U_BYTES] = {
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08,
    0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a};

/* The dictionary, read. */
struct secret {
    int64_t v, r, p, length;
    uint8_t o[U6_BYTES], u[U6_BYTES], oe[U_BYTES], ue[U_BYTES];
    uint8_t id[128];
    size_t id_len;
    bool metadata;
    bool standard;
    enum pdf_cipher strings, streams, files;
};

/* ---- reading the dictionary ---- */

/* A string value into exactly `want` bytes; short ones are filled with zeros. */
static sk_err read_bytes(struct sk_bytes dict, const char *key, uint8_t *out, size_t want) {
    struct sk_cursor at;
    struct pdf_token t;
    memset(out, 0, want);
    if (!pdf_dict_find(dict, key, &at)) {
        return sk_ok();
    }
    pdf_value(&at, &t);
    if (t.kind != PDF_STRING && t.kind != PDF_HEX) {
        return sk_ok();
    }
    struct buf text = {0};
    sk_err err = pdf_string_bytes(&t, &text);
    if (!sk_failed(err) && text.len > 0) {
        memcpy(out, text.data, text.len < want ? text.len : want);
    }
    buf_release(&text);
    return err;
}

/* The bytes of a dictionary that is the value of a key: from its "<<" on. */
static bool inner_dict(struct sk_bytes dict, const char *key, struct sk_bytes *out) {
    struct sk_cursor at;
    if (!pdf_dict_find(dict, key, &at)) {
        return false;
    }
    *out = (struct sk_bytes){at.ptr + at.pos, at.len - at.pos};
    struct pdf_token t;
    pdf_lex(&at, &t);
    return t.kind == PDF_DICT;
}

/* /StmF /StdCF with /CF << /StdCF << /CFM /AESV2 >> >>. */
static enum pdf_cipher crypt_filter(struct sk_bytes dict, const char *which) {
    struct sk_cursor at;
    struct pdf_token name;
    struct sk_bytes filters;
    struct sk_bytes filter;
    char text[64];
    if (!pdf_dict_find(dict, which, &at)) {
        return PDF_PLAIN;
    }
    pdf_value(&at, &name);
    if (name.kind != PDF_NAME || name.len > sizeof(text) || !inner_dict(dict, "CF", &filters)) {
        return PDF_PLAIN;
    }
    memcpy(text, name.ptr + 1, name.len - 1);
    text[name.len - 1] = '\0';
    if (!inner_dict(filters, text, &filter)) {
        return PDF_PLAIN;
    }
    if (pdf_dict_name_is(filter, "CFM", "V2")) {
        return PDF_RC4;
    }
    if (pdf_dict_name_is(filter, "CFM", "AESV2")) {
        return PDF_AES_128;
    }
    return pdf_dict_name_is(filter, "CFM", "AESV3") ? PDF_AES_256 : PDF_PLAIN;
}

static sk_err read_secret(struct sk_bytes dict, struct secret *s) {
    s->v = pdf_dict_int(dict, "V", 0);
    s->r = pdf_dict_int(dict, "R", 0);
    s->p = pdf_dict_int(dict, "P", 0);
    s->length = pdf_dict_int(dict, "Length", 40);
    s->standard = pdf_dict_name_is(dict, "Filter", "Standard");
    TRY(read_bytes(dict, "O", s->o, sizeof(s->o)));
    TRY(read_bytes(dict, "U", s->u, sizeof(s->u)));
    TRY(read_bytes(dict, "OE", s->oe, sizeof(s->oe)));
    TRY(read_bytes(dict, "UE", s->ue, sizeof(s->ue)));
    struct sk_cursor at;
    struct pdf_token t = {.kind = PDF_END};
    if (pdf_dict_find(dict, "EncryptMetadata", &at)) {
        pdf_value(&at, &t);
    }
    s->metadata = !pdf_word_is(&t, "false");
    if (s->v < 4) {
        s->strings = s->streams = s->files = PDF_RC4;
        return sk_ok();
    }
    s->strings = crypt_filter(dict, "StrF");
    s->streams = crypt_filter(dict, "StmF");
    s->files = pdf_dict_find(dict, "EFF", &at) ? crypt_filter(dict, "EFF") : s->streams;
    return sk_ok();
}

/* ---- keys up to R4 ---- */

/* Algorithm 2 of ISO 32000-1, password padded to 32 bytes. n: bytes of the key. */
static sk_err old_key(const struct secret *s, const uint8_t *password, size_t n, uint8_t *key) {
    struct buf in = {0};
    uint8_t p[4];
    uint8_t digest[CRYPTO_DIGEST_MAX];
    sk_store_u32le(p, (uint32_t)s->p);
    sk_err err = buf_append(&in, password, U_BYTES);
    err = sk_failed(err) ? err : buf_append(&in, s->o, U_BYTES);
    err = sk_failed(err) ? err : buf_append(&in, p, sizeof(p));
    err = sk_failed(err) ? err : buf_append(&in, s->id, s->id_len);
    if (!sk_failed(err) && s->r >= 4 && !s->metadata) {
        err = buf_append(&in, "\xff\xff\xff\xff", 4);
    }
    err = sk_failed(err) ? err : crypto_digest(CRYPTO_MD5, in.data, in.len, digest);
    buf_release(&in);
    for (unsigned i = 0; i < 50 && s->r >= 3 && !sk_failed(err); i++) {
        err = crypto_digest(CRYPTO_MD5, digest, n, digest);
    }
    if (!sk_failed(err)) {
        memcpy(key, digest, n);
    }
    return err;
}

static void rc4_once(const uint8_t *key, size_t n, uint8_t flip, uint8_t *bytes, size_t len) {
    uint8_t flipped[MD5_BYTES];
    struct rc4 rc4;
    for (size_t i = 0; i < n; i++) {
        flipped[i] = key[i] ^ flip;
    }
    rc4_init(&rc4, flipped, n);
    rc4_run(&rc4, bytes, len, bytes);
}

/* Algorithms 4 and 5: does the key make U? */
static sk_err old_proof(const struct secret *s, const uint8_t *key, size_t n, bool *out_fits) {
    uint8_t made[U_BYTES];
    if (s->r < 3) {
        memcpy(made, PADDING, sizeof(made));
        rc4_once(key, n, 0, made, sizeof(made));
        *out_fits = memcmp(made, s->u, U_BYTES) == 0;
        return sk_ok();
    }
    uint8_t in[U_BYTES + sizeof(s->id)];
    uint8_t digest[CRYPTO_DIGEST_MAX];
    memcpy(in, PADDING, U_BYTES);
    memcpy(in + U_BYTES, s->id, s->id_len);
    TRY(crypto_digest(CRYPTO_MD5, in, U_BYTES + s->id_len, digest));
    for (unsigned i = 0; i < 20; i++) {
        rc4_once(key, n, (uint8_t)i, digest, MD5_BYTES);
    }
    *out_fits = memcmp(digest, s->u, MD5_BYTES) == 0;
    return sk_ok();
}

/* Algorithm 7 with an empty owner password: the user password that O hides. */
static sk_err owner_to_user(const struct secret *s, size_t n, uint8_t *out_password) {
    uint8_t digest[CRYPTO_DIGEST_MAX];
    TRY(crypto_digest(CRYPTO_MD5, PADDING, U_BYTES, digest));
    for (unsigned i = 0; i < 50 && s->r >= 3; i++) {
        TRY(crypto_digest(CRYPTO_MD5, digest, MD5_BYTES, digest));
    }
    memcpy(out_password, s->o, U_BYTES);
    for (unsigned i = s->r >= 3 ? 20 : 1; i > 0; i--) {
        rc4_once(digest, n, (uint8_t)(i - 1), out_password, U_BYTES);
    }
    return sk_ok();
}

static sk_err open_old(const struct secret *s, struct pdf_crypt *out, bool *out_opened) {
    /* The stated length first, then what dictionaries that forget it mean. */
    size_t lengths[] = {s->v == 1 ? 5 : (size_t)(s->length > 0 ? s->length / 8 : 5), 16, 5};
    for (unsigned i = 0; i < 6 && !*out_opened; i++) {
        size_t n = lengths[i % 3];
        uint8_t password[U_BYTES];
        if (n < 5 || n > 16) {
            continue;
        }
        memcpy(password, PADDING, sizeof(password));
        if (i >= 3) {
            TRY(owner_to_user(s, n, password));
        }
        TRY(old_key(s, password, n, out->key));
        TRY(old_proof(s, out->key, n, out_opened));
        out->key_len = n;
    }
    return sk_ok();
}

/* ---- keys of R5 and R6 ---- */

struct hash_in {
    const uint8_t *salt; /* 8 bytes */
    const uint8_t *user; /* U, when the owner's hash is made; else NULL */
};

/* Algorithm 2.B of ISO 32000-2, empty password. */
static sk_err hash_r6(const struct hash_in *in, uint8_t *k) {
    size_t k_len = 32;
    size_t user_len = in->user == NULL ? 0 : U6_BYTES;
    uint8_t block[64 * (CIPHER_HASH_MAX + U6_BYTES)];
    for (unsigned round = 0; round < HASH_ROUNDS_MAX; round++) {
        size_t one = k_len + user_len;
        for (unsigned i = 0; i < 64; i++) {
            memcpy(block + i * one, k, k_len);
            if (user_len > 0) {
                memcpy(block + i * one + k_len, in->user, user_len);
            }
        }
        struct aes_cbc *aes = NULL;
        TRY(aes_cbc_new(&(struct aes_key){k, 16, k + 16, true}, &aes));
        sk_err err = aes_cbc_run(aes, block, 64 * one, block);
        aes_cbc_free(aes);
        TRY(err);
        unsigned sum = 0;
        for (unsigned i = 0; i < 16; i++) {
            sum += block[i];
        }
        if (sum % 3 == 0) {
            TRY(crypto_digest(CRYPTO_SHA256, block, 64 * one, k));
            k_len = 32;
        } else {
            TRY(sha512_digest(sum % 3 == 1, block, 64 * one, k));
            k_len = sum % 3 == 1 ? 48 : 64;
        }
        if (round >= 63 && block[64 * one - 1] <= round - 31) {
            return sk_ok();
        }
    }
    return sk_ok();
}

static sk_err hash_new(const struct secret *s, const struct hash_in *in, uint8_t *out_hash) {
    uint8_t text[8 + U6_BYTES];
    uint8_t k[CIPHER_HASH_MAX];
    size_t len = 8;
    memcpy(text, in->salt, 8);
    if (in->user != NULL) {
        memcpy(text + 8, in->user, U6_BYTES);
        len += U6_BYTES;
    }
    TRY(crypto_digest(CRYPTO_SHA256, text, len, k));
    if (s->r >= 6) {
        TRY(hash_r6(in, k));
    }
    memcpy(out_hash, k, 32);
    return sk_ok();
}

/* As user, then as owner. */
static sk_err open_new(const struct secret *s, struct pdf_crypt *out, bool *out_opened) {
    static const uint8_t zero_iv[AES_BLOCK_BYTES];
    for (unsigned owner = 0; owner < 2 && !*out_opened; owner++) {
        const uint8_t *proof = owner ? s->o : s->u;
        uint8_t hash[32];
        struct hash_in in = {proof + 32, owner ? s->u : NULL};
        TRY(hash_new(s, &in, hash));
        if (memcmp(hash, proof, sizeof(hash)) != 0) {
            continue;
        }
        in.salt = proof + 40;
        TRY(hash_new(s, &in, hash));
        struct aes_cbc *aes = NULL;
        TRY(aes_cbc_new(&(struct aes_key){hash, 32, zero_iv, false}, &aes));
        sk_err err = aes_cbc_run(aes, owner ? s->oe : s->ue, 32, out->key);
        aes_cbc_free(aes);
        TRY(err);
        out->key_len = 32;
        *out_opened = true;
    }
    return sk_ok();
}

/* ---- finding the dictionary ---- */

static sk_err first_id(struct sk_bytes body, struct secret *s) {
    struct sk_cursor at;
    struct pdf_token t;
    if (!pdf_dict_find(body, "ID", &at)) {
        return sk_ok();
    }
    pdf_value(&at, &t);
    if (t.kind == PDF_ARRAY) {
        pdf_value(&at, &t);
    }
    if (t.kind != PDF_STRING && t.kind != PDF_HEX) {
        return sk_ok();
    }
    struct buf text = {0};
    sk_err err = pdf_string_bytes(&t, &text);
    s->id_len = text.len < sizeof(s->id) ? text.len : sizeof(s->id);
    if (!sk_failed(err) && s->id_len > 0) {
        memcpy(s->id, text.data, s->id_len);
    }
    buf_release(&text);
    return err;
}

static sk_err try_secret(struct pdf *p, const struct secret *s) {
    bool opened = false;
    struct pdf_crypt *c = &p->crypt;
    bool known = s->standard && s->v >= 1 && s->v <= 5 && s->r >= 2 && s->r <= 6;
    if (known && s->r >= 5) {
        TRY(open_new(s, c, &opened));
    } else if (known) {
        TRY(open_old(s, c, &opened));
    }
    c->active = opened;
    c->locked = !opened;
    c->doubtful = c->doubtful || !opened;
    c->metadata = s->metadata;
    c->strings = s->strings;
    c->streams = s->streams;
    c->files = s->files;
    return sk_ok();
}

/* The dictionary stands in the trailer itself or in an object of its own. */
static sk_err try_trailer(struct pdf *p, const struct pdf_object *o) {
    struct sk_bytes body;
    struct sk_cursor at;
    struct pdf_token t;
    struct secret s = {0};
    TRY(pdf_body(p, o, &body));
    if (!pdf_dict_find(body, "Encrypt", &at)) {
        return sk_ok();
    }
    TRY(first_id(body, &s));
    struct sk_bytes dict = {at.ptr + at.pos, at.len - at.pos};
    pdf_value(&at, &t);
    if (t.kind == PDF_REF) {
        size_t index = pdf_index_find(p, (uint32_t)t.value);
        if (index == SIZE_MAX) {
            return sk_ok();
        }
        TRY(pdf_body(p, &p->object[index], &dict));
    } else if (t.kind != PDF_DICT) {
        return sk_ok();
    }
    TRY(read_secret(dict, &s));
    return try_secret(p, &s);
}

sk_err pdf_crypt_open(struct pdf *p) {
    unsigned tried = 0;
    for (size_t i = 0; i < p->count; i++) {
        unsigned seen = p->object[i].seen;
        if ((seen & (PDF_SEEN_TRAILER | PDF_SEEN_XREF)) == 0) {
            continue;
        }
        if ((seen & PDF_SEEN_ENCRYPT) == 0) {
            p->crypt.doubtful = true;
        } else if (tried < DICTS_MAX && !p->crypt.active) {
            sk_err err = try_trailer(p, &p->object[i]);
            if (err.code == SK_E_UNSUPPORTED) { /* a library without the cipher */
                p->crypt.locked = true;
                err = sk_ok();
            }
            TRY(err);
            tried++;
        }
    }
    if (p->crypt.locked) { /* clamscan alerts for these only (seen) */
        walk_fact(p->walk, SK_FACT_ENCRYPTION, NULL, 0);
        walk_note(p->walk, SK_NOTE_ENCRYPTED, "pdf: needs a password");
    }
    return sk_ok();
}

/* ---- using the key ---- */

sk_err pdf_crypt_key(const struct pdf *p, const struct pdf_object *o, enum pdf_cipher cipher,
                     struct sk_bytes *out_key, uint8_t *key) {
    const struct pdf_crypt *c = &p->crypt;
    if (cipher == PDF_AES_256) {
        memcpy(key, c->key, c->key_len);
        *out_key = (struct sk_bytes){key, c->key_len};
        return sk_ok();
    }
    uint8_t in[PDF_KEY_MAX + 9];
    uint8_t digest[CRYPTO_DIGEST_MAX];
    size_t n = c->key_len;
    memcpy(in, c->key, n);
    in[n++] = (uint8_t)o->num;
    in[n++] = (uint8_t)(o->num >> 8);
    in[n++] = (uint8_t)(o->num >> 16);
    sk_store_u16le(in + n, o->gen);
    n += 2;
    if (cipher == PDF_AES_128) {
        memcpy(in + n, "sAlT", 4);
        n += 4;
    }
    TRY(crypto_digest(CRYPTO_MD5, in, n, digest));
    size_t len = c->key_len + 5 < MD5_BYTES ? c->key_len + 5 : MD5_BYTES;
    if (cipher == PDF_AES_128) {
        len = MD5_BYTES;
    }
    memcpy(key, digest, len);
    *out_key = (struct sk_bytes){key, len};
    return sk_ok();
}

sk_err pdf_crypt_string(const struct pdf *p, const struct pdf_object *o, struct buf *text) {
    if (!p->crypt.active || o == NULL || p->crypt.strings == PDF_PLAIN || text->len == 0) {
        return sk_ok();
    }
    uint8_t key_bytes[PDF_KEY_MAX];
    struct sk_bytes key;
    TRY(pdf_crypt_key(p, o, p->crypt.strings, &key, key_bytes));
    struct sk_source src;
    struct sk_source_stream raw;
    struct sk_stream *s = NULL;
    sk_source_init_mem(&src, text->data, text->len);
    TRY(pdf_decrypt_open(sk_source_stream_init(&raw, &src, 0, src.size), p->crypt.strings, key,
                         &s));
    struct buf plain = {0};
    sk_err err = buf_reserve(&plain, text->len);
    size_t got = 1;
    while (got > 0 && !sk_failed(err)) {
        err = sk_stream_read(s, plain.data + plain.len, text->len - plain.len, &got);
        plain.len += sk_failed(err) ? 0 : got;
    }
    sk_stream_close(s);
    if (sk_failed(err)) {
        buf_release(&plain);
        return err;
    }
    buf_release(text);
    *text = plain;
    return sk_ok();
}
