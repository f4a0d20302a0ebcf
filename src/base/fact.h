// SPDX-License-Identifier: Apache-2.0
/*
 * Facts: what a layer holds that is neither a member nor something left out: macros, encryption,
 * addresses. The list is facts.def. Readers tell them (walk_fact), `sekisho inspect` shows them,
 * heuristics ask for them. A fact is no finding and leaves the verdict alone.
 */
#ifndef SK_BASE_FACT_H
#define SK_BASE_FACT_H

#define SK_FACT(id, word, text) SK_FACT_##id,
enum sk_fact {
#include "base/facts.def"
    SK_FACT_COUNT
};
#undef SK_FACT

/* Stable word for JSON ("macros-vba"). Static storage; any value is safe. */
const char *sk_fact_word(enum sk_fact fact);
/* English words for people; translate with gettext at the print. */
const char *sk_fact_text(enum sk_fact fact);

#endif
