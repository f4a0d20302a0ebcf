// SPDX-License-Identifier: Apache-2.0
/*
 * The first two bytes of what format/embedded.c looks for, found at the rate of the cache. Internal
 * to the format floor. Pure; kernels of one machine give equal answers (test_embedded.c).
 */
#ifndef SK_FORMAT_PAIRS_H
#define SK_FORMAT_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#define PAIRS_BLOCK ((size_t)64)

struct pairs_kernel {
    const char *name;
    unsigned needs; /* cpu_has */
    /* p[0 .. len): the first block, of those that begin at from, from + 64, ..., in which a pair
     * begins, and *out_places bit i: at its byte i; else the first that is not whole with the byte
     * behind it, and all bits. */
    size_t (*next)(const uint8_t *p, size_t len, size_t from, uint64_t *out_places);
};

/* Those for this machine, the best first, the last is for any; NULL: no more. */
const struct pairs_kernel *pairs_kernel_nth(unsigned n);

#endif
