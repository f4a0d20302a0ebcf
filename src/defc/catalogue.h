// SPDX-License-Identifier: Apache-2.0
/*
 * Security catalogues (.cat) into the small tables of a segment.
 *
 * Errors: SK_E_NOMEM, SK_E_LIMIT (texts of the segment). What cannot be taken is no error: *why
 * says so.
 */
#ifndef SK_DEFC_CATALOGUE_H
#define SK_DEFC_CATALOGUE_H

#include "defc/rules.h"

/* der: a whole file. */
sk_err catalogue_add(struct rule_builder *b, struct sk_bytes der, struct defc_why *why);

#endif
