// SPDX-License-Identifier: Apache-2.0
/* Kinds of signature files, told by suffix (case does not matter). The list is kinds.def. */
#ifndef SK_DEFC_KINDS_H
#define SK_DEFC_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind_reader {
    READ_HASH,
    READ_IGNORE,
    READ_BODY,
    READ_RULE,
    READ_IOC,
    READ_NONE,
    READ_LATER_RULES,
    READ_CATALOGUE,
    READ_BYTECODE
};

#define KIND(suffix, reader, detail, pua, cap) KIND_##suffix,
enum kind_id {
#include "defc/kinds.def"
    KIND_COUNT
};
#undef KIND

struct kind_row {
    const char *suffix;
    enum kind_reader reader;
    int detail; /* READ_HASH: enum hs_role; READ_BODY: enum body_kind; READ_RULE: enum rule_kind;
                   READ_IGNORE: 1 = ign2 */
    bool pua;
    size_t line_cap;
};

/* id < KIND_COUNT. */
const struct kind_row *kind_row(enum kind_id id);
/* KIND_COUNT: not a signature file. */
enum kind_id kind_of_file(const char *name);
/* ".cvd", ".cld", ".cud" */
bool kind_is_container(const char *name);

#endif
