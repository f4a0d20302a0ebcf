// SPDX-License-Identifier: Apache-2.0
/*
 * Notes and facts that become findings named Heuristics.*, as the options ask.
 *
 * Called for every note and every fact of a layer; most have no row in heuristics.def and cost a
 * look at the switches. Errors: none. Findings go to verdict_find, so allow and ignore lists apply.
 */
#ifndef SK_ENGINE_HEURISTICS_H
#define SK_ENGINE_HEURISTICS_H

#include "base/cursor.h"
#include "engine/scan.h"

/* ZIP: one member inside another may be a broken tool; seen with clamscan: from the sixth on. */
#define HEURISTICS_DENSE 6u

/* `layer` is what the note is about: a container being walked, or its member. */
void heuristics_note(struct sk_scanner *sc, struct layer *layer, enum sk_note note);
/* value: untrusted bytes, **borrowed** for the call. */
void heuristics_fact(struct sk_scanner *sc, struct layer *layer, enum sk_fact fact,
                     struct sk_bytes value);
/* A finding of a check that is no reader (phishing, structured data). name: static. */
void heuristics_find(struct sk_scanner *sc, struct layer *layer, const char *name);

#endif
