// SPDX-License-Identifier: Apache-2.0
/* Structured data (norm/digits.h) in text layers, as the options ask. Findings go to verdict_find.
 * Errors: none; what goes wrong becomes a note. */
#ifndef SK_ENGINE_STRUCTURED_H
#define SK_ENGINE_STRUCTURED_H

#include "engine/scan.h"

void structured_check(struct sk_scanner *sc, struct layer *layer);

#endif
