// SPDX-License-Identifier: Apache-2.0
/*
 * Why a finding is one: the definitions behind its name, in words (decode.h), with the segment they
 * are of and its version, and what was seen of them in the object (trial.h). For `scan --explain`;
 * asked for findings only, so a scan without any pays nothing.
 */
#ifndef SK_CLI_EXPLAIN_H
#define SK_CLI_EXPLAIN_H

#include "cli/tell.h"
#include "defs/defset.h"
#include "sekisho.h"

/* Several definitions may have one name; what is beyond is left out. */
#define EXPLAIN_DEFINITIONS_MAX 8u

/* A finding of a report that was made with SK_SCAN_EXPLAIN. */
struct explain_what {
    const struct defset *set;
    const struct sk_report *report;
    const struct sk_finding *finding;
};
/* Adds the array "definitions" and the object "trial" to the account. Errors: SK_E_NOMEM,
 * SK_E_FORMAT. */
sk_err explain_finding(struct tell *t, const struct explain_what *what);

#endif
