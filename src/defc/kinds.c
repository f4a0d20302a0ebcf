// SPDX-License-Identifier: Apache-2.0
/*
 * The table of signature file kinds and the one question asked of it: which kind is this file?
 * Anything whose suffix is not in the table is no signature file and is passed over in directories.
 */
#include "defc/kinds.h"

#include <string.h>
#include <strings.h>

#include "defc/body.h"
#include "defc/lines.h"
#include "defc/rules.h"
#include "match/hashset.h"

#define KIND(suffix, reader, detail, pua, cap) {#suffix, reader, detail, pua, cap},
static const struct kind_row rows[KIND_COUNT] = {
#include "defc/kinds.def"
};
#undef KIND

const struct kind_row *kind_row(enum kind_id id) {
    return &rows[id];
}

static const char *suffix_of(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot == NULL ? "" : dot + 1;
}

enum kind_id kind_of_file(const char *name) {
    const char *suffix = suffix_of(name);
    for (int id = 0; id < KIND_COUNT; id++) {
        if (strcasecmp(rows[id].suffix, suffix) == 0) {
            return (enum kind_id)id;
        }
    }
    return KIND_COUNT;
}

bool kind_is_container(const char *name) {
    const char *suffix = suffix_of(name);
    return strcasecmp(suffix, "cvd") == 0 || strcasecmp(suffix, "cld") == 0 ||
           strcasecmp(suffix, "cud") == 0;
}
