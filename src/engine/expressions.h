// SPDX-License-Identifier: Apache-2.0
/*
 * struct expressions: the POSIX expressions of definitions, by segment and number, each compiled
 * when it is first asked for and kept as long as the scanner.
 *
 * Life cycle: expressions_init -> expressions_add for the segments that have some ->
 * (uselocale(bytes), expressions_fit..., back)... -> expressions_release, which also undoes a
 * failed init or add. Storage is the caller's; patterns are **borrowed** for a call.
 * Errors: SK_E_NOMEM.
 */
#ifndef SK_ENGINE_EXPRESSIONS_H
#define SK_ENGINE_EXPRESSIONS_H

#include <locale.h>
#include <regex.h>

#include "base/err.h"
#include "match/matcher.h"

struct expressions {
    regex_t **regex[MATCH_SEGMENT_MAX]; /* one pointer a number; NULL: not compiled yet */
    uint32_t count[MATCH_SEGMENT_MAX];
    locale_t bytes; /* a character is a byte: the locale to compile and ask in */
    bool starved;   /* there was no memory for an answer; the caller may clear it */
};

sk_err expressions_init(struct expressions *e);
sk_err expressions_add(struct expressions *e, unsigned segment, uint32_t count);
void expressions_release(struct expressions *e);
/* Does expression `index`, which is this pattern, match somewhere in the subject? */
bool expressions_fit(struct expressions *e, unsigned segment, uint32_t index, const char *pattern,
                     const char *subject);

#endif
