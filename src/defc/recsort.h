// SPDX-License-Identifier: Apache-2.0
/*
 * Sorting of fixed-size byte records in place, by their bytes from the first to the last compared.
 *
 * For millions of digests: a radix sort from the most significant byte that swaps records within
 * the array, so it needs no second array. Deterministic; equal records cannot be told apart.
 * record_bytes: at most RECSORT_RECORD_MAX. No errors.
 */
#ifndef SK_DEFC_RECSORT_H
#define SK_DEFC_RECSORT_H

#include <stddef.h>
#include <stdint.h>

#define RECSORT_RECORD_MAX 64u

void recsort(uint8_t *records, size_t count, size_t record_bytes);

#endif
