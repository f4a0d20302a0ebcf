// SPDX-License-Identifier: Apache-2.0
/* The vector part of text.c; internal to the norm floor. Only where norm_text_vector_here. */
#ifndef SK_NORM_TEXT_VECTOR_H
#define SK_NORM_TEXT_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool norm_text_vector_here(void);
/* Normalises whole blocks from the start of in; *out_used: how many bytes of it. Writes at most
 * that many to out (in place or not) and returns how many are text; *last is ' ' when a space would
 * be one too many. */
size_t norm_text_vector(const uint8_t *in, size_t len, uint8_t *out, uint8_t *last,
                        size_t *out_used);

#endif
