// SPDX-License-Identifier: Apache-2.0
/*
 * Why a finding is one: the definitions behind its name, in words (decode.h), with the segment they
 * are of and its version. For `scan --explain`; asked for findings only, so a scan without any pays
 * nothing.
 */
#ifndef SK_CLI_EXPLAIN_H
#define SK_CLI_EXPLAIN_H

#include "cli/tell.h"
#include "defs/defset.h"

/* Several definitions may have one name; what is beyond is left out. */
#define EXPLAIN_DEFINITIONS_MAX 8u

/* Adds the array "definitions" to the account. Errors: SK_E_NOMEM, SK_E_FORMAT. */
sk_err explain_finding(struct tell *t, const struct defset *set, const char *name);

#endif
