// SPDX-License-Identifier: Apache-2.0
/*
 * struct find_key: the next place where a literal stands, and perhaps a few more bytes around it.
 *
 *   place: . . . . . . . . . . . . . . . . . .
 *              |--- literal ---|      |probe       three rare bytes are compared first
 *
 * Probes are chosen among the bytes of the literal and those offered. Vectors compare 64 or 32
 * places at once, without them memchr looks for one probe; all give the same places.
 * The bytes may change at any time: a place in [from, end) comes back all the same.
 * Life cycle: find_key_init -> find_key_offer... -> find_next... The literal is **borrowed**.
 * Rarity only steers speed, never results.
 */
#ifndef SK_MATCH_FIND_H
#define SK_MATCH_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIND_PROBES 3u

struct find_probe {
    size_t at; /* from the place */
    uint8_t value;
    uint8_t fold; /* 0x20: case is ignored, value is lower case */
    uint8_t cost; /* how common */
};
struct find_key {
    const uint8_t *lit;                   /* lower case when nocase */
    size_t len;                           /* at least 1 */
    size_t at;                            /* of the literal, from the place */
    bool nocase;                          /* ASCII letters only */
    size_t reach;                         /* bytes from the place that are looked at */
    struct find_probe probe[FIND_PROBES]; /* the rarest first; some equal when len is small */
};

/* The more, the rarer: eighths of bits below the commonest byte, and one a byte. 0: no bytes. */
uint32_t find_rarity(const uint8_t *lit, size_t len);

/* The literal stands `at` bytes behind the place. */
void find_key_init(struct find_key *key, const uint8_t *lit, size_t len, size_t at, bool nocase);
/* Another byte that must stand `at` behind the place (ignoring case: lower case). */
void find_key_offer(struct find_key *key, size_t at, uint8_t byte, bool nocase);
/* Do the literal and the probes stand at this place? */
bool find_equal(const struct find_key *key, const uint8_t *place);
/* First place in [from, end) where they do; end when there is none. All of p[from .. end - 1 +
 * reach) must be readable. */
size_t find_next(const struct find_key *key, const uint8_t *p, size_t from, size_t end);

struct find_kernel {
    const char *name;
    unsigned needs; /* cpu_has */
    size_t (*next)(const struct find_key *key, const uint8_t *p, size_t from, size_t end);
};
/* Those for this machine, the best first, the last is scalar; NULL: no more. */
const struct find_kernel *find_kernel_nth(unsigned n);

#endif
