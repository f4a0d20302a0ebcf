// SPDX-License-Identifier: Apache-2.0
/*
 * Readers that the definitions have switched off (cfg files). Called once when the engine opens;
 * afterwards sk_engine.off answers. Errors: none.
 */
#ifndef SK_ENGINE_SWITCHES_H
#define SK_ENGINE_SWITCHES_H

#include "engine/scan.h"

void switches_read(struct sk_engine *engine);

#endif
