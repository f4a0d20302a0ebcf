// SPDX-License-Identifier: Apache-2.0
/*
 * struct share: which members of the object this scanner looks at when several scan one container
 * side by side (sk_scan_share).
 *
 * Life cycle: share_begin -> one scan -> share_end; with no share_begin all calls do nothing and
 * answer false. **Borrows** the sk_share until share_end. Errors: none; whatever goes wrong spoils
 * the share, and the object is scanned alone.
 */
#ifndef SK_ENGINE_SHARE_H
#define SK_ENGINE_SHARE_H

#include <stdbool.h>

#include "base/fact.h"
#include "format/format.h"
#include "sekisho.h"

#define SHARE_TIME_PART 4u /* so an object costs at most one and a quarter of its time limit */

struct layer;
struct sk_scanner;

struct share {
    const struct sk_share *told; /* NULL: none */
    bool on;                     /* the members are being shared out */
    uint64_t load[SK_SHARES_MAX];
    uint8_t alike[32];
};

void share_begin(struct sk_scanner *sc, const struct sk_share *told);
void share_end(struct sk_scanner *sc);
/* The layer is identified. True: its members are shared out and another looks at the layer itself;
 * here it is only opened. */
bool share_opens(struct sk_scanner *sc, struct layer *layer);
/* A reader hands over a member of this layer. True: it is another's. */
bool share_skips(struct sk_scanner *sc, struct layer *layer, const struct sk_child *child);
/* A reader told a fact about this layer: all must be told the same. */
void share_fact(struct sk_scanner *sc, struct layer *layer, enum sk_fact fact);
/* There is something to report: end here. True: a share ends. */
bool share_spoil(struct sk_scanner *sc);
/* Puts `alike` into the report to come. */
void share_finish(struct sk_scanner *sc, struct layer *root);

#endif
