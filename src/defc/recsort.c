// SPDX-License-Identifier: Apache-2.0
/*
 * American flag sort (McIlroy, Bostic, McIlroy: Engineering Radix Sort, 1993) on an explicit stack.
 *
 *   range, byte d --count--> 256 buckets --permute in place--> each bucket is a range for byte d+1
 *   a range of SMALL_COUNT records or fewer: (next eight bytes, place) --insertion--> records moved
 *
 * Each round that splits a range pushes at most 256 smaller ones, one byte deeper; a record has at
 * most RECSORT_RECORD_MAX bytes, so 255 * depth + 1 frames are enough. Digests are random: two
 * rounds leave ranges of a few dozen records. Chosen digests (all alike but for the last byte) only
 * cost one counting pass a byte, as a range whose records agree in byte d is not moved.
 *
 * Nearly all the time goes into moving records, so the sizes of hash records are constants to the
 * compiler (always_inline): a move is then a few vector instructions and not a call.
 */
#include "defc/recsort.h"

#include <stdbool.h>
#include <string.h>

#include "base/cursor.h"

#define SMALL_COUNT 128u
#define RADIX 256u
#define FRAMES (255u * RECSORT_RECORD_MAX + 1u)
#define INLINE static inline __attribute__((always_inline))

struct range {
    size_t first;
    size_t count;
    uint32_t depth;
};

struct sorter {
    uint8_t *records;
    struct range *stack;
    size_t height;
};

/* Of a small range. */
struct small {
    uint64_t key;
    size_t place; /* of the record in the range */
};

INLINE uint8_t *at(const struct sorter *s, size_t bytes, size_t index) {
    return &s->records[index * bytes];
}

/* The next eight bytes as a number that orders as they do; fewer at the end of the record. */
INLINE uint64_t next_eight(const uint8_t *record, size_t bytes, size_t depth) {
    if (depth + 8 <= bytes) {
        return sk_load_u64be(&record[depth]);
    }
    uint64_t key = 0;
    for (size_t i = depth; i < depth + 8; i++) {
        key = key << 8 | (i < bytes ? record[i] : 0);
    }
    return key;
}

INLINE bool is_after(const uint8_t *range, size_t bytes, const struct small *a,
                     const struct small *b) {
    if (a->key != b->key) {
        return a->key > b->key;
    }
    return memcmp(&range[a->place * bytes], &range[b->place * bytes], bytes) > 0;
}

INLINE void sort_small(const struct sorter *s, size_t bytes, const struct range *r) {
    uint8_t *range = at(s, bytes, r->first);
    uint8_t ordered[SMALL_COUNT * RECSORT_RECORD_MAX];
    struct small small[SMALL_COUNT];
    for (size_t i = 0; i < r->count; i++) {
        struct small hold = {next_eight(&range[i * bytes], bytes, r->depth), i};
        size_t j = i;
        while (j > 0 && is_after(range, bytes, &small[j - 1], &hold)) {
            small[j] = small[j - 1];
            j--;
        }
        small[j] = hold;
    }
    for (size_t i = 0; i < r->count; i++) {
        memcpy(&ordered[i * bytes], &range[small[i].place * bytes], bytes);
    }
    memcpy(range, ordered, r->count * bytes);
}

/* Follow the cycle that starts at `from` until a record for bucket `home` turns up there. */
INLINE void permute_one(const struct sorter *s, size_t bytes, uint32_t depth, size_t *next,
                        size_t from) {
    uint8_t hold[RECSORT_RECORD_MAX];
    uint8_t swap[RECSORT_RECORD_MAX];
    size_t home = from; /* next[] of its own bucket stays until the cycle closes */
    memcpy(hold, at(s, bytes, from), bytes);
    for (;;) {
        size_t to = next[hold[depth]]++;
        if (to == home) {
            break;
        }
        uint8_t *place = at(s, bytes, to);
        memcpy(swap, place, bytes);
        memcpy(place, hold, bytes);
        memcpy(hold, swap, bytes);
    }
    memcpy(at(s, bytes, from), hold, bytes);
}

INLINE void split(struct sorter *s, size_t bytes, const struct range *r) {
    size_t count[RADIX] = {0};
    size_t next[RADIX];
    size_t end[RADIX];
    for (size_t i = 0; i < r->count; i++) {
        count[at(s, bytes, r->first + i)[r->depth]]++;
    }
    size_t first = r->first;
    for (unsigned b = 0; b < RADIX; b++) {
        next[b] = first;
        first += count[b];
        end[b] = first;
        if (count[b] > 1 && r->depth + 1 < bytes) {
            s->stack[s->height++] = (struct range){next[b], count[b], r->depth + 1};
        }
    }
    for (unsigned b = 0; b < RADIX; b++) {
        while (next[b] < end[b]) {
            permute_one(s, bytes, r->depth, next, next[b]);
        }
    }
}

INLINE void sort_all(uint8_t *records, size_t count, size_t bytes) {
    static struct range stack[FRAMES];
    struct sorter s = {.records = records, .stack = stack};
    stack[s.height++] = (struct range){0, count, 0};
    while (s.height > 0) {
        struct range r = stack[--s.height];
        if (r.count <= SMALL_COUNT) {
            sort_small(&s, bytes, &r);
        } else {
            split(&s, bytes, &r);
        }
    }
}

void recsort(uint8_t *records, size_t count, size_t record_bytes) {
    if (count < 2 || record_bytes == 0 || record_bytes > RECSORT_RECORD_MAX) {
        return;
    }
    switch (record_bytes) {
    case 24: /* MD5 with size and name */
        sort_all(records, count, 24);
        return;
    case 28: /* SHA-1 */
        sort_all(records, count, 28);
        return;
    case 40: /* SHA-256 */
        sort_all(records, count, 40);
        return;
    default:
        sort_all(records, count, record_bytes);
    }
}
