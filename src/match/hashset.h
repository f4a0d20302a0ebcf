// SPDX-License-Identifier: Apache-2.0
/*
 * struct hs_set: "is this digest of an object of this size in the set?", read in place from the
 * image.
 *
 *   size gate (2 MiB bitmap + sorted list) -> digest computed -> binary fuse filter (9 bits a key,
 * 0.4 % false positives) -> page index -> one cold 4 KiB page of sorted records -> name reference
 *
 * One set per algorithm and role. Life cycle: filled by the image reader (pointers **borrowed**
 * from the mapping), used, forgotten. Errors: lookups cannot fail; a damaged table gives "not
 * there", never a crash. Record: digest bytes, u32 size (HS_SIZE_ANY = any), u32 name; sorted by
 * digest, then size; a page holds HS_PAGE_BYTES / record_bytes records and never splits one.
 * Source: Graf, Lemire: Binary Fuse Filters (2022) for the filter construction.
 */
#ifndef SK_MATCH_HASHSET_H
#define SK_MATCH_HASHSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hs_algo { HS_MD5 = 0, HS_SHA1, HS_SHA256, HS_ALGO_COUNT };
enum hs_role { HS_FILE = 0, HS_SECTION, HS_IMPORTS, HS_ALLOW, HS_ROLE_COUNT };

#define HS_SIZE_ANY UINT32_MAX
#define HS_GATE_BITS ((uint64_t)1 << 24) /* sizes below 16 MiB, one bit each */
#define HS_GATE_BYTES ((size_t)(HS_GATE_BITS / 8))
#define HS_PAGE_BYTES 4096u
#define HS_DIGEST_MAX 32u

/* Image section "filter": this head, then the fingerprints (array_length bytes). */
struct hs_fuse_head {
    uint64_t seed;
    uint32_t segment_length; /* power of two */
    uint32_t segment_count_length;
    uint32_t array_length;
    uint32_t key_count;
};

struct hs_set {
    enum hs_algo algo;
    uint32_t record_count; /* 0: the set is empty, nothing else is set */
    bool any_size;         /* holds a record of any size: the gate is open */
    const uint8_t *gate;   /* HS_GATE_BYTES for sizes below HS_GATE_BITS, or NULL: see big */
    const uint32_t *big;   /* sorted sizes >= HS_GATE_BITS; without a bitmap: all sizes */
    uint32_t big_count;
    const struct hs_fuse_head *fuse;
    const uint8_t *fingerprint;
    const uint8_t *record; /* pages */
    const uint32_t
        *page_key; /* first four digest bytes, big-endian value, of each page's first record */
    uint32_t page_count;
};

size_t hs_digest_bytes(enum hs_algo algo); /* 16, 20, 32 */
size_t hs_record_bytes(enum hs_algo algo); /* digest + 8 */
/* The filter key of a digest: its first eight bytes, little-endian. */
uint64_t hs_key(const uint8_t *digest);

/* May any record match an object of this size? False saves computing the digest. */
bool hs_gate(const struct hs_set *set, uint64_t size);
/* Calls found(ctx, name) for each record with this digest and this size (or any size), until it
 * returns false. Returns the number of calls. */
unsigned hs_lookup(const struct hs_set *set, const uint8_t *digest, uint64_t size,
                   bool (*found)(void *ctx, uint32_t name), void *ctx);

/*
 * Building (compiler only). Keys may come in any order and repeat; they are sorted in place. Fills
 * fp (array_length bytes from hs_fuse_size) and head (key_count becomes the distinct ones).
 * scratch: hs_fuse_scratch_bytes(count), about 24 bytes a key. Deterministic for the same keys.
 * False: construction failed (does not happen in practice). hs_fuse_has reads only
 * fp[0 .. array_length), whatever the head says; key_count 0 holds nothing.
 */
void hs_fuse_size(uint32_t key_count, struct hs_fuse_head *out_head);
size_t hs_fuse_scratch_bytes(uint32_t key_count);
bool hs_fuse_build(uint64_t *keys, uint32_t key_count, struct hs_fuse_head *head, uint8_t *fp,
                   void *scratch);
/* The bytes that hs_fuse_has will look at for this key, soon. */
void hs_fuse_prefetch(const struct hs_fuse_head *head, const uint8_t *fp, uint64_t key);
bool hs_fuse_has(const struct hs_fuse_head *head, const uint8_t *fp, uint64_t key);

#endif
