// SPDX-License-Identifier: Apache-2.0
/*
 * The head of a bytecode file (cbc): what it is for, and for which engines. Bytecode is not run
 * yet; this says what there is, so that a set can be told of truthfully.
 *
 * Texts **borrow** the line. Errors: false, the line is no such head.
 */
#ifndef SK_DEFC_BYTECODE_H
#define SK_DEFC_BYTECODE_H

#include "base/cursor.h"

#define BYTECODE_FORMAT_MIN 6u /* of the file format */
#define BYTECODE_FORMAT_MAX 7u

struct bytecode_head {
    uint64_t format;
    uint64_t time; /* seconds since 1970 */
    uint64_t kind; /* 0: run by its trigger; others: hooks */
    uint64_t level_min;
    uint64_t level_max; /* 0: none stated */
    uint64_t types;
    uint64_t functions;
    uint64_t line_max; /* longest line of the file */
};

/* The first line, without its newline. */
bool bytecode_head(struct sk_bytes line, struct bytecode_head *out_head);
/* The second line is the trigger, a logical signature: its name, without the list of names behind
 * it ("BC.Win.X.{A,B};..."). Empty: it has none. */
struct sk_bytes bytecode_name(struct sk_bytes line);

#endif
