// SPDX-License-Identifier: Apache-2.0
/*
 * Checks of what the text of a layer says to people: links in HTML that came by mail (phish.h).
 * Findings go to verdict_find. Errors: none; what goes wrong becomes a note.
 */
#ifndef SK_ENGINE_LINKS_H
#define SK_ENGINE_LINKS_H

#include "engine/scan.h"

void links_check(struct sk_scanner *sc, struct layer *layer);

#endif
