// SPDX-License-Identifier: Apache-2.0
/*
 * Signed programs and the certificates that the definitions trust or block (crb).
 *
 * Errors: none; what is no signature proves nothing; one that cannot be read for want of memory or
 * has more certificates than are looked at is noted, since one of them may be blocked. Costs
 * nothing for programs without one, or without rules; trust is looked at only when something was
 * found.
 */
#ifndef SK_ENGINE_AUTHENTICODE_H
#define SK_ENGINE_AUTHENTICODE_H

#include "engine/scan.h"

/* Remembers where the signature lies; a blocked certificate in it is a finding. */
void authenticode_look(struct sk_scanner *sc, struct layer *layer, const struct sk_exe *exe);
/* Is the layer, as it is, signed by somebody the definitions trust? */
bool authenticode_trusts(struct sk_scanner *sc, struct layer *layer);

#endif
