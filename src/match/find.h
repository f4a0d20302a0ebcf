// SPDX-License-Identifier: Apache-2.0
/*
 * struct find_key: the next occurrence of one literal in contiguous bytes.
 *
 * Two rare bytes of the literal are compared at 32 positions at once (AVX2) or one is searched with
 * memchr (elsewhere); both give the same positions. Life cycle: find_key_init -> find_next...
 * The literal is **borrowed**. Rarity only steers speed, never results.
 */
#ifndef SK_MATCH_FIND_H
#define SK_MATCH_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct find_key {
    const uint8_t *lit; /* lower case when nocase */
    size_t len;         /* at least 1 */
    bool nocase;        /* ASCII letters only */
    size_t rare[2];     /* where the two rarest bytes are; equal when len is 1 */
    uint8_t fold[2];    /* 0x20: compare that byte ignoring case */
};

void find_key_init(struct find_key *key, const uint8_t *lit, size_t len, bool nocase);
bool find_equal(const struct find_key *key, const uint8_t *text);
/* First position in [from, end) where the literal starts; end when there is none. All of
 * p[from .. end - 1 + len) must be readable. */
size_t find_next(const struct find_key *key, const uint8_t *p, size_t from, size_t end);
size_t find_next_scalar(const struct find_key *key, const uint8_t *p, size_t from, size_t end);

#endif
