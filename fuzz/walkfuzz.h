// SPDX-License-Identifier: Apache-2.0
/*
 * walkfuzz: one format reader over hostile bytes, for fuzz targets. Beyond not crashing it checks
 * what a reader promises: the same children and notes from memory and through windows, whatever the
 * size of the reads; no error codes but those of format.h; an end within a budget of ticks.
 */
#ifndef SK_FUZZ_WALKFUZZ_H
#define SK_FUZZ_WALKFUZZ_H

#include <stdlib.h>
#include <string.h>

#include "walktest.h"

#define WALKFUZZ_CHILD_BYTES ((uint64_t)1 << 20)
#define WALKFUZZ_CHILDREN 300u
#define WALKFUZZ_TICKS 200000u

static inline void walkfuzz_check(bool good) {
    if (!good) {
        abort();
    }
}

static inline void walkfuzz_init(struct walktest *t, size_t read_chunk) {
    walktest_init(t);
    t->child_max_bytes = WALKFUZZ_CHILD_BYTES;
    t->stop_after_children = WALKFUZZ_CHILDREN;
    t->read_chunk_bytes = read_chunk;
}

static inline int walkfuzz(const struct sk_format *format, const uint8_t *data, size_t size) {
    struct walktest a;
    struct walktest b;
    enum sk_type type;
    walkfuzz_init(&a, 65536);
    walkfuzz_init(&b, 4096); /* divides the child limit, so both read the same bytes */
    int bid = walktest_bid(format, data, size, &type);
    walkfuzz_check(bid >= 0 && bid <= 100);
    sk_err err_a = walktest_run(&a, format, data, size);
    sk_err err_b = walktest_run_windowed(&b, format, data, size);
    walkfuzz_check(err_a.code == SK_OK || err_a.code == SK_E_FORMAT || err_a.code == SK_E_STOP ||
                   err_a.code == SK_E_LIMIT || err_a.code == SK_E_UNSUPPORTED);
    walkfuzz_check(err_a.code == err_b.code && a.child_count == b.child_count);
    walkfuzz_check(a.ticks < WALKFUZZ_TICKS);
    for (size_t i = 0; i < a.child_count; i++) {
        walkfuzz_check(a.child[i].name_len == b.child[i].name_len);
        walkfuzz_check(a.child[i].data_err.code == b.child[i].data_err.code);
        if (a.child[i].got_bytes < WALKFUZZ_CHILD_BYTES) {
            walkfuzz_check(a.child[i].got_bytes == b.child[i].got_bytes &&
                           a.child[i].got_crc32 == b.child[i].got_crc32);
        }
    }
    walkfuzz_check(memcmp(a.note, b.note, sizeof(a.note)) == 0);
    walktest_release(&a);
    walktest_release(&b);
    return 0;
}

#endif
