// SPDX-License-Identifier: Apache-2.0
/*
 * Decrypting the bytes of one stream or string of a PDF file: RC4, or AES-CBC whose first block is
 * the initial vector (ISO 32000-1, 7.6.2; the key is made in pdf_crypt.c).
 *
 *     up --4 KiB--> block[] --AES--> plain, but for one block --> caller
 *                                    '--> held: the padding can be told only at the end
 *
 * A padding that is none is given out: the damage is the author's word too. Bytes that fill no
 * block are dropped, as readers do.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/cipher.h"
#include "format/pdf_parts.h"

#define CHUNK_BYTES ((size_t)4096)

struct decrypt {
    struct sk_stream base;
    struct sk_stream *up;
    struct rc4 rc4;
    struct aes_cbc *aes; /* NULL: RC4, or the IV is still to come */
    enum pdf_cipher cipher;
    uint8_t key[PDF_KEY_MAX];
    size_t key_len;
    uint8_t block[CHUNK_BYTES]; /* packed, then plain from `pos` to `plain` */
    size_t have;                /* encrypted bytes at the front */
    size_t pos, plain;
    uint8_t held[AES_BLOCK_BYTES]; /* the last plain block: its padding is known at the end only */
    bool has_held;
    bool ended;
};

static sk_err fill_blocks(struct decrypt *d) {
    bool more = true;
    while (d->have < CHUNK_BYTES && more) {
        size_t got = 0;
        TRY(sk_stream_read(d->up, d->block + d->have, CHUNK_BYTES - d->have, &got));
        d->have += got;
        more = got > 0;
    }
    d->ended = !more;
    return sk_ok();
}

static size_t unpadded(const uint8_t *block) {
    uint8_t pad = block[AES_BLOCK_BYTES - 1];
    return pad >= 1 && pad <= AES_BLOCK_BYTES ? AES_BLOCK_BYTES - pad : AES_BLOCK_BYTES;
}

/* Decrypt what is at hand. One block is held back; bytes that fill no block are dropped. */
static sk_err next_blocks(struct decrypt *d) {
    TRY(fill_blocks(d));
    size_t skip = 0;
    if (d->aes == NULL) {
        if (d->have < AES_BLOCK_BYTES) {
            return sk_ok();
        }
        TRY(aes_cbc_new(&(struct aes_key){d->key, d->key_len, d->block, false}, &d->aes));
        skip = AES_BLOCK_BYTES;
    }
    size_t len = (d->have - skip) / AES_BLOCK_BYTES * AES_BLOCK_BYTES;
    uint8_t plain[CHUNK_BYTES];
    if (len > 0) {
        TRY(aes_cbc_run(d->aes, d->block + skip, len, plain));
    }
    size_t out = 0;
    if (d->has_held && len > 0) {
        memcpy(d->block, d->held, AES_BLOCK_BYTES);
        out = AES_BLOCK_BYTES;
        d->has_held = false;
    }
    if (len > 0) {
        memcpy(d->held, plain + len - AES_BLOCK_BYTES, AES_BLOCK_BYTES);
        d->has_held = true;
        len -= AES_BLOCK_BYTES;
    }
    if (len > 0) {
        memcpy(d->block + out, plain, len);
    }
    d->pos = 0;
    d->plain = out + len;
    d->have = 0;
    if (d->ended && d->has_held) {
        size_t n = unpadded(d->held);
        memcpy(d->block + d->plain, d->held, n);
        d->plain += n;
        d->has_held = false;
    }
    return sk_ok();
}

static sk_err decrypt_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct decrypt *d = (struct decrypt *)(void *)base;
    if (d->cipher == PDF_RC4) {
        size_t got = 0;
        TRY(sk_stream_read(d->up, buf, cap, &got));
        rc4_run(&d->rc4, buf, got, buf);
        *out_len = got;
        return sk_ok();
    }
    while (d->pos == d->plain && !d->ended) {
        d->pos = d->plain = 0;
        TRY(next_blocks(d));
    }
    size_t n = d->plain - d->pos;
    n = n < cap ? n : cap;
    memcpy(buf, d->block + d->pos, n);
    d->pos += n;
    *out_len = n;
    return sk_ok();
}

static void decrypt_close(struct sk_stream *base) {
    struct decrypt *d = (struct decrypt *)(void *)base;
    aes_cbc_free(d->aes);
    mem_free(d);
}

sk_err pdf_decrypt_open(struct sk_stream *up, enum pdf_cipher cipher, struct sk_bytes key,
                        struct sk_stream **out_stream) {
    struct decrypt *d = mem_zalloc(1, sizeof(*d));
    if (d == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    d->base = (struct sk_stream){decrypt_read, decrypt_close};
    d->up = up;
    d->cipher = cipher;
    d->key_len = key.len;
    memcpy(d->key, key.ptr, key.len);
    if (cipher == PDF_RC4) {
        rc4_init(&d->rc4, d->key, d->key_len);
    }
    *out_stream = &d->base;
    return sk_ok();
}
