// SPDX-License-Identifier: Apache-2.0
/*
 * struct strpool: byte strings kept once, one after the other, addressed by their offset.
 *
 * Life cycle: zero-initialise -> strpool_put... -> strpool_release. Ownership: owns everything;
 * bytes.data is **borrowed** until the next put. Errors: SK_E_NOMEM, also above 4 GiB.
 */
#ifndef SK_DEFC_STRPOOL_H
#define SK_DEFC_STRPOOL_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/map.h"
#include "defc/vec.h"

struct strpool {
    struct buf bytes;
    struct vec ref;
    struct map map;
};

sk_err strpool_put(struct strpool *pool, struct sk_bytes text, uint32_t *out_off);
void strpool_release(struct strpool *pool);

#endif
