// SPDX-License-Identifier: Apache-2.0
/*
 * clamd and clamscan remember clean files by digest as well (--disable-cache).
 *
 *     size -> seen before? (one bit) -> fingerprint -> row of four -> the report of the copy
 *
 * So nothing is computed for an object whose size is new, and one whose report may be remembered
 * costs a fingerprint: 0.05 ns a byte where a scan costs 1.5 and more. Of real folders a third of
 * the C headers, a fifth of the package documents are copies, of programs and libraries none worth
 * telling: those large ones are not remembered (scan.c decides).
 *
 * An object is the same as another when it has its length and its fingerprint, whose key nobody
 * outside of the process knows; MD5, which is at hand, would let somebody make a clean file and an
 * evil one that count as the same. Options and definitions are those of the scanner and never
 * change; names have no say in a report. Reports that say more than "clean", were cut short, or
 * owe digests that do not stand, are not remembered, so a find is always told by a scan.
 */
#include "engine/known.h"

#include <string.h>

#include "base/mem.h"

#define ROW 4u
#define ROWS (KNOWN_MAX / ROW)
#define SIZE_BITS 17u

struct known {
    struct fingerprint key;
    uint64_t sizes[((size_t)1 << SIZE_BITS) / 64]; /* by hash: of objects that were put here */
    struct known_entry row[ROWS][ROW];             /* newest first */
};

sk_err known_new(struct known **out_known) {
    struct known *known = mem_zalloc(1, sizeof(*known));
    if (known == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (sk_failed(fingerprint_init(&known->key))) {
        mem_free(known);
        known = NULL;
    }
    *out_known = known;
    return sk_ok();
}

void known_free(struct known *known) {
    mem_free(known);
}

static unsigned size_bit(uint64_t size) {
    return (unsigned)(size * 0x9e3779b97f4a7c15u >> (64 - SIZE_BITS));
}

/* Fingerprints of short objects that count up are evenly spaced, and with one key in a hundred the
 * lower bits of all of them are few: so they are mixed, which no spacing survives. */
static size_t row_of(const struct fingerprint_hash *hash) {
    uint64_t mixed = (hash->half[0] ^ hash->half[1] << 3) * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 32) * 0x9e3779b97f4a7c15u;
    return (size_t)((mixed ^ mixed >> 32) % ROWS);
}

bool known_has_size(const struct known *known, uint64_t size) {
    unsigned bit = size_bit(size);
    return size <= KNOWN_BYTES_MAX && (known->sizes[bit / 64] >> bit % 64 & 1) != 0;
}

const struct known_entry *known_find(const struct known *known, const void *bytes, size_t len) {
    if (!known_has_size(known, len)) {
        return NULL;
    }
    struct fingerprint_hash hash = fingerprint_of(&known->key, bytes, len);
    const struct known_entry *row = known->row[row_of(&hash)];
    for (unsigned i = 0; i < ROW; i++) {
        if (row[i].size == len && memcmp(&row[i].hash, &hash, sizeof(hash)) == 0) {
            return &row[i];
        }
    }
    return NULL;
}

void known_name(const struct known *known, const void *bytes, size_t len,
                struct known_entry *inout_entry) {
    inout_entry->hash = fingerprint_of(&known->key, bytes, len);
    inout_entry->size = len;
}

void known_put(struct known *known, const struct known_entry *entry) {
    unsigned bit = size_bit(entry->size);
    known->sizes[bit / 64] |= (uint64_t)1 << bit % 64;
    struct known_entry *row = known->row[row_of(&entry->hash)];
    memmove(&row[1], &row[0], (ROW - 1) * sizeof(row[0]));
    row[0] = *entry;
}
