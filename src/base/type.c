// SPDX-License-Identifier: Apache-2.0
/* One table out of types.def; the accessors refuse numbers that came from a newer image. */
#include "base/type.h"

#include <string.h>

struct type_row {
    const char *clam;
    const char *word;
    enum sk_target target;
    uint32_t flags;
};

#define SK_TYPE(id, clam, word, target, flags) {clam, word, target, flags},
static const struct type_row ROWS[SK_TYPE_COUNT] = {
#include "base/types.def"
};
#undef SK_TYPE

static const struct type_row *row(enum sk_type type) {
    return (unsigned)type < SK_TYPE_COUNT ? &ROWS[type] : &ROWS[SK_TYPE_BINARY];
}

const char *sk_type_clam_name(enum sk_type type) {
    return row(type)->clam;
}

const char *sk_type_word(enum sk_type type) {
    return row(type)->word;
}

enum sk_target sk_type_target(enum sk_type type) {
    return row(type)->target;
}

uint32_t sk_type_flags(enum sk_type type) {
    return row(type)->flags;
}

enum sk_type sk_type_from_clam(const char *name) {
    for (unsigned i = 0; i < SK_TYPE_COUNT; i++) {
        if (strcmp(ROWS[i].clam, name) == 0) {
            return (enum sk_type)i;
        }
    }
    return SK_TYPE_COUNT;
}

const char *sk_target_word(enum sk_target target) {
    static const char *const WORDS[] = {"any",   "pe",  "ole2",       "html",     "mail",
                                        "image", "elf", "text",       "unused",   "macho",
                                        "pdf",   "swf", "java-class", "internal", "data"};
    return (unsigned)target < sizeof(WORDS) / sizeof(WORDS[0]) ? WORDS[target] : "unknown";
}
