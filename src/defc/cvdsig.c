// SPDX-License-Identifier: Apache-2.0
/*
 * Checking the signatures of ClamAV containers.
 *
 *   text of digits -> number s -> m = s^e mod n -> is m what the holder of the key would make?
 *
 * Header (RSA-1024): m is the MD5 of the payload as a number, every byte above it zero.
 * .info DSIG (RSA-2048): m is an encoded message of PSS (RFC 8017, 9.1.2) with SHA-256, MGF1 over
 * SHA-256 and a salt of 32 bytes:
 *
 *   m = maskedDB | H | BC     DB = maskedDB ^ MGF1(H) = 00..00 01 salt
 *   H = SHA-256(00 x 8 | SHA-256(text) | salt)
 *
 * The comparisons need not be constant in time: everything here is public.
 */
#include "defc/cvdsig.h"

#include <stdbool.h>

#include "crypto/digest.h"
#include "crypto/rsa.h"

#define MD5_BYTES 16u
#define HASH_BYTES 32u
#define SALT_BYTES 32u

static int digit_value(uint8_t c) {
    if (c >= 'a' && c <= 'z') {
        return c - 'a';
    }
    if (c >= 'A' && c <= 'Z') {
        return c - 'A' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Big-endian number of len bytes; false when it does not fit or a digit is none. */
static bool decode(struct sk_bytes text, uint8_t *out, size_t len) {
    memset(out, 0, len);
    for (size_t i = 0; i < text.len; i++) {
        int value = digit_value(text.ptr[i]);
        if (value < 0) {
            return false;
        }
        for (unsigned b = 0; b < 6; b++) {
            size_t bit = i * 6 + b;
            if ((value >> b & 1) == 0) {
                continue;
            }
            if (bit / 8 >= len) {
                return false;
            }
            out[len - 1 - bit / 8] = (uint8_t)(out[len - 1 - bit / 8] | 1u << (bit % 8));
        }
    }
    return text.len > 0;
}

/* out: modulus.len bytes, the message under the signature. */
static sk_err open_signature(struct sk_bytes modulus, uint64_t exponent, struct sk_bytes text,
                             uint8_t *out) {
    uint8_t number[CVDSIG_MODULUS_MAX];
    if (modulus.len > sizeof number || !decode(text, number, modulus.len)) {
        return sk_fail(SK_E_BAD_SIGNATURE);
    }
    return crypto_rsa_public(modulus, exponent, (struct sk_bytes){number, modulus.len}, out);
}

sk_err cvdsig_md5(struct sk_bytes modulus, uint64_t exponent, struct sk_bytes text,
                  const uint8_t md5[16]) {
    uint8_t message[CVDSIG_MODULUS_MAX];
    if (modulus.len <= MD5_BYTES) {
        return sk_fail(SK_E_BAD_SIGNATURE);
    }
    TRY(open_signature(modulus, exponent, text, message));
    size_t head = modulus.len - MD5_BYTES;
    uint8_t rest = 0;
    for (size_t i = 0; i < head; i++) {
        rest |= message[i];
    }
    bool good = rest == 0 && memcmp(&message[head], md5, MD5_BYTES) == 0;
    return good ? sk_ok() : sk_fail(SK_E_BAD_SIGNATURE);
}

/* data ^= MGF1(seed) */
static sk_err unmask(uint8_t *data, size_t len, const uint8_t seed[HASH_BYTES]) {
    uint8_t block[HASH_BYTES + 4];
    memcpy(block, seed, HASH_BYTES);
    for (size_t off = 0, counter = 0; off < len; off += HASH_BYTES, counter++) {
        uint8_t mask[CRYPTO_DIGEST_MAX];
        block[HASH_BYTES] = (uint8_t)(counter >> 24);
        block[HASH_BYTES + 1] = (uint8_t)(counter >> 16);
        block[HASH_BYTES + 2] = (uint8_t)(counter >> 8);
        block[HASH_BYTES + 3] = (uint8_t)counter;
        TRY(crypto_digest(CRYPTO_SHA256, block, sizeof block, mask));
        for (size_t i = 0; i < HASH_BYTES && off + i < len; i++) {
            data[off + i] ^= mask[i];
        }
    }
    return sk_ok();
}

/* Bits above the most significant one of the modulus, plus one: PSS keeps them zero. */
static unsigned spare_bits(struct sk_bytes modulus) {
    unsigned bits = 1;
    for (uint8_t top = modulus.ptr[0]; top != 0 && (top & 0x80) == 0; top = (uint8_t)(top << 1)) {
        bits++;
    }
    return bits;
}

sk_err cvdsig_pss(struct sk_bytes modulus, uint64_t exponent, struct sk_bytes text,
                  const uint8_t sha256[32]) {
    uint8_t em[CVDSIG_MODULUS_MAX];
    if (modulus.len < HASH_BYTES + SALT_BYTES + 3 || modulus.ptr[0] == 0) {
        return sk_fail(SK_E_BAD_SIGNATURE);
    }
    TRY(open_signature(modulus, exponent, text, em));
    size_t db = modulus.len - HASH_BYTES - 1;
    const uint8_t *hash = &em[db];
    unsigned spare = spare_bits(modulus);
    uint8_t keep = (uint8_t)(0xffu >> spare);
    if (spare >= 8 || em[modulus.len - 1] != 0xbc || (em[0] & (uint8_t)~keep) != 0) {
        return sk_fail(SK_E_BAD_SIGNATURE);
    }
    TRY(unmask(em, db, hash));
    em[0] &= keep;
    size_t pad = db - SALT_BYTES - 1;
    uint8_t rest = 0;
    for (size_t i = 0; i < pad; i++) {
        rest |= em[i];
    }
    if (rest != 0 || em[pad] != 0x01) {
        return sk_fail(SK_E_BAD_SIGNATURE);
    }
    uint8_t block[8 + HASH_BYTES + SALT_BYTES] = {0};
    uint8_t want[CRYPTO_DIGEST_MAX];
    memcpy(&block[8], sha256, HASH_BYTES);
    memcpy(&block[8 + HASH_BYTES], &em[pad + 1], SALT_BYTES);
    TRY(crypto_digest(CRYPTO_SHA256, block, sizeof block, want));
    return memcmp(want, hash, HASH_BYTES) == 0 ? sk_ok() : sk_fail(SK_E_BAD_SIGNATURE);
}
