// SPDX-License-Identifier: Apache-2.0
/*
 * Hash sets read in place: size gate, binary fuse filter, sorted pages. Also builds the filter,
 * because query and construction must agree bit for bit.
 *
 * Filter (Graf, Lemire: Binary Fuse Filters, 2022; three-wise, 8-bit fingerprints):
 *
 *   key -> mixed hash h -> one slot in each of three consecutive segments
 *   |--- seg i ---|--- seg i+1 ---|--- seg i+2 ---|      fp[a] ^ fp[b] ^ fp[c] == print(h)
 *         a              b                c
 *
 * Construction peels: every slot keeps the number and the XOR of the hashes that map to it; a slot
 * with one hash can be decided last, so that hash is taken out and put on a stack; when all are on
 * the stack, fingerprints are assigned in reverse. When peeling gets stuck the next seed is tried.
 * Hashes are first ordered by their start segment (counting sort on the top bits), so that the
 * random writes of counting stay inside a few segments at a time.
 *
 * Determinism: seeds are a fixed sequence; peeling starts from the slots in their order, and what a
 * slot holds (a number, an XOR) does not depend on the order of the keys; the sizes are computed
 * with integer and exactly rounded arithmetic only (no libm). So the same set of keys gives the
 * same bytes on every machine.
 *
 * Records: pages of HS_PAGE_BYTES, a page never splits a record. page_key[p] holds the first four
 * digest bytes of the first record of page p, so the page search touches only that small array.
 * Equal page keys may repeat when a digest fills pages; all of them, and the page before the first
 * of them, may hold the digest.
 *
 * Trust: counts come from the image reader, which has compared them with the sections' lengths;
 * contents may be hostile, so every computed index is compared with its bound here.
 */
#include "match/hashset.h"

#include <string.h>

#include "base/cursor.h"

#define FUSE_ATTEMPTS 128u
#define FUSE_SEED_STEP 0x9E3779B97F4A7C15u
#define RADIX_BITS 11u
#define RADIX_SIZE (1u << RADIX_BITS)

size_t hs_digest_bytes(enum hs_algo algo) {
    static const uint8_t bytes[HS_ALGO_COUNT] = {16, 20, 32};
    return (unsigned)algo < HS_ALGO_COUNT ? bytes[algo] : 0;
}

size_t hs_record_bytes(enum hs_algo algo) {
    return hs_digest_bytes(algo) + 8;
}

uint64_t hs_key(const uint8_t *digest) {
    return sk_load_u64le(digest);
}

/* ---- gate and lookup ------------------------------------------------------------------------ */

/* First index in the sorted array whose value is not below `value`; count when there is none. */
static uint32_t lower_bound(const uint32_t *array, uint32_t count, uint32_t value) {
    uint32_t lo = 0, hi = count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (array[mid] < value) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

bool hs_gate(const struct hs_set *set, uint64_t size) {
    if (set->record_count == 0) {
        return false;
    }
    if (set->any_size) {
        return true;
    }
    if (size < HS_GATE_BITS && set->gate != NULL) {
        return (set->gate[size >> 3] >> (size & 7) & 1) != 0;
    }
    if (size >= HS_SIZE_ANY || set->big == NULL) {
        return false;
    }
    uint32_t at = lower_bound(set->big, set->big_count, (uint32_t)size);
    return at < set->big_count && set->big[at] == size;
}

/* Address of record `index`, which is below record_count. */
static const uint8_t *record_at(const struct hs_set *set, uint64_t index) {
    size_t each = hs_record_bytes(set->algo);
    size_t per_page = HS_PAGE_BYTES / each;
    return set->record + index / per_page * HS_PAGE_BYTES + index % per_page * each;
}

/* First record of the range whose digest is not below `digest`. */
static uint64_t first_record(const struct hs_set *set, const uint8_t *digest, uint64_t lo,
                             uint64_t hi) {
    size_t n = hs_digest_bytes(set->algo);
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (memcmp(record_at(set, mid), digest, n) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

unsigned hs_lookup(const struct hs_set *set, const uint8_t *digest, uint64_t size,
                   bool (*found)(void *ctx, uint32_t name), void *ctx) {
    size_t digest_bytes = hs_digest_bytes(set->algo);
    if (set->record_count == 0 || digest_bytes == 0 || set->record == NULL ||
        set->page_key == NULL) {
        return 0;
    }
    if (set->fuse != NULL && !hs_fuse_has(set->fuse, set->fingerprint, hs_key(digest))) {
        return 0;
    }
    uint64_t per_page = HS_PAGE_BYTES / hs_record_bytes(set->algo);
    uint64_t held = set->page_count * per_page;
    uint64_t count = set->record_count < held ? set->record_count : held;
    uint32_t key = sk_load_u32be(digest);
    uint32_t page = lower_bound(set->page_key, set->page_count, key);
    uint32_t last = page;
    if (page < set->page_count && set->page_key[page] == key) {
        last = key == UINT32_MAX ? set->page_count
                                 : lower_bound(set->page_key, set->page_count, key + 1);
    }
    uint64_t lo = page == 0 ? 0 : (page - 1) * per_page;
    uint64_t hi = last * per_page < count ? last * per_page : count;
    unsigned calls = 0;
    for (uint64_t i = first_record(set, digest, lo, hi); i < hi; i++) {
        const uint8_t *rec = record_at(set, i);
        if (memcmp(rec, digest, digest_bytes) != 0) {
            break;
        }
        uint32_t rec_size = sk_load_u32le(rec + digest_bytes);
        if (rec_size != HS_SIZE_ANY && rec_size != size) {
            continue;
        }
        calls++;
        if (!found(ctx, sk_load_u32le(rec + digest_bytes + 4))) {
            break;
        }
    }
    return calls;
}

/* ---- filter: shape and query ---------------------------------------------------------------- */

/* About log2(n): exact at powers of two, at most 0.09 low between them. */
static double log2_low(uint32_t n) {
    unsigned whole = 31 - (unsigned)__builtin_clz(n);
    return whole + ((double)n / (double)((uint64_t)1 << whole) - 1.0);
}

void hs_fuse_size(uint32_t key_count, struct hs_fuse_head *out_head) {
    *out_head = (struct hs_fuse_head){.key_count = key_count};
    if (key_count == 0) {
        return;
    }
    /* Paper: segment length 2^floor(log_3.33(n) + 2.25). */
    unsigned log2_segment = 2;
    for (double t = 3.33 * 0.740; t <= (double)key_count && log2_segment < 18; t *= 3.33) {
        log2_segment++;
    }
    double factor = 1.125;
    if (key_count < 1000000) {
        double log2_n = key_count < 4 ? 2.0 : log2_low(key_count);
        factor = 0.875 + 0.25 * 19.93157 / log2_n;
    }
    uint64_t segment = (uint64_t)1 << log2_segment;
    uint64_t capacity = (uint64_t)((double)key_count * factor) + 1;
    uint64_t segments = (capacity + segment - 1) / segment;
    segments = segments > 3 ? segments - 2 : 1;
    out_head->segment_length = (uint32_t)segment;
    out_head->segment_count_length = (uint32_t)(segments * segment);
    out_head->array_length = (uint32_t)((segments + 2) * segment);
}

static uint64_t fuse_hash(uint64_t key, uint64_t seed) {
    uint64_t h = key + seed;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

static uint8_t fuse_print(uint64_t hash) {
    return (uint8_t)(hash ^ hash >> 32);
}

static void fuse_slots(const struct hs_fuse_head *head, uint64_t hash, uint32_t slot[3]) {
    uint32_t mask = head->segment_length - 1;
    uint32_t first = (uint32_t)((unsigned __int128)hash * head->segment_count_length >> 64);
    slot[0] = first;
    slot[1] = (first + head->segment_length) ^ ((uint32_t)(hash >> 18) & mask);
    slot[2] = (first + 2 * head->segment_length) ^ ((uint32_t)hash & mask);
}

void hs_fuse_prefetch(const struct hs_fuse_head *head, const uint8_t *fp, uint64_t key) {
    uint32_t slot[3];
    fuse_slots(head, fuse_hash(key, head->seed), slot);
    for (unsigned i = 0; i < 3; i++) {
        if (slot[i] < head->array_length) {
            __builtin_prefetch(&fp[slot[i]]);
        }
    }
}

bool hs_fuse_has(const struct hs_fuse_head *head, const uint8_t *fp, uint64_t key) {
    if (head->key_count == 0) {
        return false;
    }
    uint64_t hash = fuse_hash(key, head->seed);
    uint32_t slot[3];
    fuse_slots(head, hash, slot);
    uint32_t n = head->array_length;
    if (slot[0] >= n || slot[1] >= n || slot[2] >= n) {
        return false;
    }
    return (uint8_t)(fp[slot[0]] ^ fp[slot[1]] ^ fp[slot[2]]) == fuse_print(hash);
}

/* ---- filter: construction ------------------------------------------------------------------- */

/* Views into the caller's scratch memory, widest elements first. */
struct fuse_work {
    uint64_t * xor ; /* array_length: XOR of the hashes on this slot */
    uint64_t *order; /* key_count: hashes by start segment, later the peeling stack */
    uint32_t *alone; /* array_length: slots with one hash */
    uint8_t *load;   /* array_length: hashes on this slot */
    uint8_t *which;  /* key_count: which of its three slots a stacked hash decides */
};

size_t hs_fuse_scratch_bytes(uint32_t key_count) {
    struct hs_fuse_head head;
    hs_fuse_size(key_count, &head);
    return (size_t)head.array_length * (8 + 4 + 1) + (size_t)key_count * (8 + 1) + 64;
}

static struct fuse_work fuse_work_make(const struct hs_fuse_head *head, uint32_t key_count,
                                       void *scratch) {
    struct fuse_work w;
    uint8_t *p = scratch;
    p += -(uintptr_t)p & 7;
    w.xor = (uint64_t *)(void *)p;
    p += (size_t)head->array_length * 8;
    w.order = (uint64_t *)(void *)p;
    p += (size_t)key_count * 8;
    w.alone = (uint32_t *)(void *)p;
    p += (size_t)head->array_length * 4;
    w.load = p;
    w.which = p + head->array_length;
    return w;
}

/* How many there are of each digit -> where the first of each stands. */
static void starts_of_counts(uint32_t inout_start[RADIX_SIZE]) {
    uint32_t sum = 0;
    for (uint32_t d = 0; d < RADIX_SIZE; d++) {
        uint32_t n = inout_start[d];
        inout_start[d] = sum;
        sum += n;
    }
}

/* Stable pass of a radix sort over the RADIX_BITS bits at `shift`. */
static void radix_pass(const uint64_t *from, uint64_t *to, uint32_t count, unsigned shift) {
    uint32_t start[RADIX_SIZE] = {0};
    for (uint32_t i = 0; i < count; i++) {
        start[from[i] >> shift & (RADIX_SIZE - 1)]++;
    }
    starts_of_counts(start);
    for (uint32_t i = 0; i < count; i++) {
        to[start[from[i] >> shift & (RADIX_SIZE - 1)]++] = from[i];
    }
}

/* In the order of the digests, without repeats: as the compiler has them after sorting its records.
 */
static bool is_unique(const uint64_t *keys, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        if (__builtin_bswap64(keys[i - 1]) >= __builtin_bswap64(keys[i])) {
            return false;
        }
    }
    return true;
}

/*
 * Removes repeats, sorting when one look does not show that there are none; returns how many
 * remain. Six passes of 11 bits end in `keys`.
 */
static uint32_t make_unique(uint64_t *keys, uint64_t *spare, uint32_t count) {
    if (is_unique(keys, count)) {
        return count;
    }
    for (unsigned pass = 0; pass < 6; pass++) {
        bool even = pass % 2 == 0;
        radix_pass(even ? keys : spare, even ? spare : keys, count, pass * RADIX_BITS);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || keys[i] != keys[kept - 1]) {
            keys[kept++] = keys[i];
        }
    }
    return kept;
}

/* Hashes of all keys in the order of their top bits, which is the order of their start segment. */
static void fuse_order(const uint64_t *keys, uint32_t count, uint64_t seed, uint64_t *order) {
    uint32_t start[RADIX_SIZE] = {0};
    unsigned shift = 64 - RADIX_BITS;
    for (uint32_t i = 0; i < count; i++) {
        start[fuse_hash(keys[i], seed) >> shift]++;
    }
    starts_of_counts(start);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash = fuse_hash(keys[i], seed);
        order[start[hash >> shift]++] = hash;
    }
}

static bool fuse_count(const struct hs_fuse_head *head, const struct fuse_work *w, uint32_t count) {
    memset(w->xor, 0, (size_t)head->array_length * 8);
    memset(w->load, 0, head->array_length);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot[3];
        fuse_slots(head, w->order[i], slot);
        for (unsigned k = 0; k < 3; k++) {
            w->xor [slot[k]] ^= w->order[i];
            if (++w->load[slot[k]] == 0) {
                return false;
            }
        }
    }
    return true;
}

/* Takes hashes out until none is left (true) or every slot left has two or more (false). */
static bool fuse_peel(const struct hs_fuse_head *head, const struct fuse_work *w, uint32_t count) {
    uint32_t queued = 0, stacked = 0;
    for (uint32_t i = 0; i < head->array_length; i++) {
        if (w->load[i] == 1) {
            w->alone[queued++] = i;
        }
    }
    while (queued > 0) {
        uint32_t decided = w->alone[--queued];
        if (w->load[decided] != 1) {
            continue;
        }
        uint64_t hash = w->xor [decided];
        uint32_t slot[3];
        fuse_slots(head, hash, slot);
        for (unsigned k = 0; k < 3; k++) {
            uint32_t s = slot[k];
            w->xor [s] ^= hash;
            w->load[s]--;
            if (s == decided) {
                w->which[stacked] = (uint8_t)k;
            } else if (w->load[s] == 1) {
                w->alone[queued++] = s;
            }
        }
        w->order[stacked++] = hash;
    }
    return stacked == count;
}

static void fuse_assign(const struct hs_fuse_head *head, const struct fuse_work *w, uint32_t count,
                        uint8_t *fp) {
    memset(fp, 0, head->array_length);
    for (uint32_t i = count; i-- > 0;) {
        uint32_t slot[3];
        fuse_slots(head, w->order[i], slot);
        uint8_t others = (uint8_t)(fp[slot[0]] ^ fp[slot[1]] ^ fp[slot[2]]);
        fp[slot[w->which[i]]] = (uint8_t)(fuse_print(w->order[i]) ^ others);
    }
}

bool hs_fuse_build(uint64_t *keys, uint32_t key_count, struct hs_fuse_head *head, uint8_t *fp,
                   void *scratch) {
    hs_fuse_size(key_count, head);
    if (key_count == 0) {
        return true;
    }
    struct fuse_work w = fuse_work_make(head, key_count, scratch);
    uint32_t count = make_unique(keys, w.order, key_count);
    for (uint32_t attempt = 1; attempt <= FUSE_ATTEMPTS; attempt++) {
        head->seed = fuse_hash(attempt * FUSE_SEED_STEP, 0);
        fuse_order(keys, count, head->seed, w.order);
        if (fuse_count(head, &w, count) && fuse_peel(head, &w, count)) {
            head->key_count = count;
            fuse_assign(head, &w, count, fp);
            return true;
        }
    }
    return false;
}
