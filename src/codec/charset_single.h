// SPDX-License-Identifier: Apache-2.0
/*
 * Character sets of one byte a character. Internal to src/codec. Pure; nothing is owned.
 */
#ifndef SK_CODEC_CHARSET_SINGLE_H
#define SK_CODEC_CHARSET_SINGLE_H

#include <stddef.h>
#include <stdint.h>

struct charset_single;

/* library: as in charsets.def. NULL: that set is none of these. */
const struct charset_single *charset_single_find(const char *library);
/* The byte in UTF-8; U+FFFD when it stands for nothing. */
size_t charset_single_put(const struct charset_single *set, uint8_t byte, uint8_t out[3]);

#endif
