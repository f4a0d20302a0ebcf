// SPDX-License-Identifier: Apache-2.0
/*
 * sk_search: memmem for needles of which a rare pair of neighbouring bytes is known beforehand, as
 * probes have them: some gigabytes a second whatever the text is. Pure; nothing is owned.
 */
#ifndef SK_BASE_SEARCH_H
#define SK_BASE_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

/* `len` >= 2; pair + 2 <= len: the pair is bytes[pair] and the one behind it. */
struct sk_needle {
    const char *bytes;
    size_t len;
    size_t pair;
};

/* The first place of the needle; NULL: it is not there. */
const uint8_t *sk_search(struct sk_bytes in, const struct sk_needle *needle);

#endif
