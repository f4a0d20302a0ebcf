// SPDX-License-Identifier: Apache-2.0
/*
 * American flag sort (McIlroy, Bostic, McIlroy: Engineering Radix Sort, 1993) on an explicit stack.
 *
 *   range, byte d --count--> 256 buckets --permute in place--> each bucket is a range for byte d+1
 *   a range of SMALL_COUNT records or fewer: insertion sort on the rest
 *
 * Each round that splits a range pushes at most 256 smaller ones, one byte deeper; a record has at
 * most RECSORT_RECORD_MAX bytes, so 255 * depth + 1 frames are enough. Digests are random: two
 * rounds leave ranges of a few dozen records. Chosen digests (all alike but for the last byte) only
 * cost one counting pass a byte, as a range whose records agree in byte d is not moved.
 */
#include "defc/recsort.h"

#include <string.h>

#define SMALL_COUNT 24u
#define RADIX 256u
#define FRAMES (255u * RECSORT_RECORD_MAX + 1u)

struct range {
    size_t first;
    size_t count;
    uint32_t depth;
};

struct sorter {
    uint8_t *records;
    size_t bytes; /* of a record */
    struct range *stack;
    size_t height;
};

static uint8_t *at(const struct sorter *s, size_t index) {
    return &s->records[index * s->bytes];
}

static void insertion(const struct sorter *s, const struct range *r) {
    uint8_t hold[RECSORT_RECORD_MAX];
    size_t rest = s->bytes - r->depth;
    for (size_t i = r->first + 1; i < r->first + r->count; i++) {
        size_t j = i;
        memcpy(hold, at(s, i), s->bytes);
        while (j > r->first && memcmp(at(s, j - 1) + r->depth, hold + r->depth, rest) > 0) {
            memcpy(at(s, j), at(s, j - 1), s->bytes);
            j--;
        }
        memcpy(at(s, j), hold, s->bytes);
    }
}

/* Follow the cycle that starts at `from` until a record for bucket `home` turns up there. */
static void permute_one(const struct sorter *s, uint32_t depth, size_t *next, size_t from,
                        unsigned home) {
    uint8_t hold[RECSORT_RECORD_MAX];
    uint8_t swap[RECSORT_RECORD_MAX];
    memcpy(hold, at(s, from), s->bytes);
    while (hold[depth] != home) {
        uint8_t *place = at(s, next[hold[depth]]++);
        memcpy(swap, place, s->bytes);
        memcpy(place, hold, s->bytes);
        memcpy(hold, swap, s->bytes);
    }
    memcpy(at(s, from), hold, s->bytes);
}

static void split(struct sorter *s, const struct range *r) {
    size_t count[RADIX] = {0};
    size_t next[RADIX];
    size_t end[RADIX];
    for (size_t i = 0; i < r->count; i++) {
        count[at(s, r->first + i)[r->depth]]++;
    }
    size_t first = r->first;
    for (unsigned b = 0; b < RADIX; b++) {
        next[b] = first;
        first += count[b];
        end[b] = first;
        if (count[b] > 1 && r->depth + 1 < s->bytes) {
            s->stack[s->height++] = (struct range){next[b], count[b], r->depth + 1};
        }
    }
    for (unsigned b = 0; b < RADIX; b++) {
        while (next[b] < end[b]) {
            size_t from = next[b];
            permute_one(s, r->depth, next, from, b);
            next[b] = from + 1;
        }
    }
}

void recsort(uint8_t *records, size_t count, size_t record_bytes) {
    static struct range stack[FRAMES];
    struct sorter s = {.records = records, .bytes = record_bytes, .stack = stack};
    if (count < 2 || record_bytes == 0 || record_bytes > RECSORT_RECORD_MAX) {
        return;
    }
    stack[s.height++] = (struct range){0, count, 0};
    while (s.height > 0) {
        struct range r = stack[--s.height];
        if (r.count <= SMALL_COUNT) {
            insertion(&s, &r);
        } else {
            split(&s, &r);
        }
    }
}
