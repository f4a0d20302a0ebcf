// SPDX-License-Identifier: Apache-2.0
/*
 * How a signature fared on a layer, told to people and programs: hits and offsets of each
 * subsignature, the value of each part of the expression, target and attributes that failed.
 * For `scan --explain` and `defs test`.
 *
 * The numbers come out of a sandboxed worker, what they mean out of the set. Both may be hostile:
 * SK_E_FORMAT where they do not fit together. SK_E_NOMEM.
 */
#ifndef SK_CLI_TRIAL_H
#define SK_CLI_TRIAL_H

#include "cli/tell.h"
#include "defs/defset.h"
#include "sekisho.h"

/* Did it match: target, attributes and expression? */
bool trial_matches(const struct sk_trial *trial);
/* Adds one object under `key`. */
sk_err trial_tell(struct tell *t, const char *key, const struct defset *set,
                  const struct sk_trial *trial);

#endif
