// SPDX-License-Identifier: Apache-2.0
/*
 * struct trials: how signatures fared on the views of the layers, in numbers, for people who ask
 * why something was found (SK_SCAN_EXPLAIN), or why not (sk_options.tries).
 *
 * Life cycle: zeroed at the start of an object -> trials_of_hit, trials_of_view... -> the report
 * **borrows** them. Everything lies in the arena of the scan. Errors: none: memory that runs out
 * costs trials, never findings. Limit: TRIALS_MAX of one object.
 */
#ifndef SK_ENGINE_TRIALS_H
#define SK_ENGINE_TRIALS_H

#include "match/matcher.h"
#include "sekisho.h"

#define TRIALS_MAX 1024u

struct layer;
struct sk_scanner;
struct view;

struct trials {
    struct sk_trial *row;
    size_t count;
    size_t cap;
};

/* One view of a layer, as the matcher sees it. */
struct trials_view {
    struct layer *layer;
    const struct match_layer *match;
    bool normalised;
};

/* From within a hit of matcher_scan. Returns the number of the trial + 1, 0: there is none. */
size_t trials_of_hit(struct sk_scanner *sc, const struct trials_view *view,
                     const struct match_sig *sig);
/* Try what the options ask for. */
void trials_of_view(struct sk_scanner *sc, const struct trials_view *view,
                    struct match_budget *budget);

#endif
