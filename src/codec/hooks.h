// SPDX-License-Identifier: Apache-2.0
/* hooks: lets the libraries under the codecs allocate through base/mem.h. Internal to src/codec. */
#ifndef SK_CODEC_HOOKS_H
#define SK_CODEC_HOOKS_H

#include <stddef.h>

#include "base/mem.h"

/* count * each bytes, NULL on overflow. */
static inline void *hooks_alloc(size_t count, size_t each) {
    size_t bytes;
    return __builtin_mul_overflow(count, each, &bytes) ? NULL : mem_alloc(bytes);
}

#endif
