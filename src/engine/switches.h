// SPDX-License-Identifier: Apache-2.0
/*
 * Readers that are not used: switched off by the definitions (cfg files; called once when the
 * engine opens, afterwards sk_engine.off answers), or left out by the options (sk_scanner.off).
 * Errors: none.
 */
#ifndef SK_ENGINE_SWITCHES_H
#define SK_ENGINE_SWITCHES_H

#include "engine/scan.h"

void switches_read(struct sk_engine *engine);
/* parts: bits SK_PART_*. */
void switches_parts(struct sk_scanner *sc, uint32_t parts);

#endif
