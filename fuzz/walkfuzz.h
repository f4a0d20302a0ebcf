// SPDX-License-Identifier: Apache-2.0
/*
 * walkfuzz: one format reader over hostile bytes, for fuzz targets. Beyond not crashing it checks
 * what a reader promises: the same children and notes from memory and through windows, whatever the
 * size of the reads; no error codes but those of format.h; an end within a budget of ticks.
 *
 * For the comparison deflate is zlib's: the decoder of streams in memory takes a few that zlib
 * refuses, and that is known (codec/whole.c). Then once more with it.
 */
#ifndef SK_FUZZ_WALKFUZZ_H
#define SK_FUZZ_WALKFUZZ_H

#include <stdlib.h>
#include <string.h>

#include "codec/whole.h"
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

static inline sk_err walkfuzz_run(struct walktest *t, const struct sk_format *format,
                                  const uint8_t *data, size_t size) {
    walkfuzz_init(t, 65536);
    sk_err err = walktest_run(t, format, data, size);
    walkfuzz_check(err.code == SK_OK || err.code == SK_E_FORMAT || err.code == SK_E_STOP ||
                   err.code == SK_E_LIMIT || err.code == SK_E_UNSUPPORTED);
    walkfuzz_check(t->ticks < WALKFUZZ_TICKS);
    return err;
}

static inline int walkfuzz(const struct sk_format *format, const uint8_t *data, size_t size) {
    struct walktest a;
    struct walktest b;
    enum sk_type type;
    int bid = walktest_bid(format, data, size, &type);
    walkfuzz_check(bid >= 0 && bid <= 100);
    (void)walkfuzz_run(&a, format, data, size);
    walktest_release(&a);
    whole_forbid(true);
    sk_err err_a = walkfuzz_run(&a, format, data, size);
    walkfuzz_init(&b, 4096); /* divides the child limit, so both read the same bytes */
    sk_err err_b = walktest_run_windowed(&b, format, data, size);
    whole_forbid(false);
    walkfuzz_check(err_a.code == err_b.code && a.child_count == b.child_count);
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
