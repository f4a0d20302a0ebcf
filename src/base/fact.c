// SPDX-License-Identifier: Apache-2.0
/* One table out of facts.def. */
#include "base/fact.h"

#include "base/mark.h"

#include <stddef.h>

struct fact_row {
    const char *word;
    const char *text;
};

#define SK_FACT(id, word, text) {word, text},
static const struct fact_row ROWS[SK_FACT_COUNT] = {
#include "base/facts.def"
};
#undef SK_FACT

static const struct fact_row UNKNOWN = {"unknown", N_("an unknown fact")};

static const struct fact_row *row(enum sk_fact fact) {
    return (unsigned)fact < SK_FACT_COUNT ? &ROWS[fact] : &UNKNOWN;
}

const char *sk_fact_word(enum sk_fact fact) {
    return row(fact)->word;
}

const char *sk_fact_text(enum sk_fact fact) {
    return row(fact)->text;
}
