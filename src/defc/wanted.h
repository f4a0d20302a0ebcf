// SPDX-License-Identifier: Apache-2.0
/*
 * Which signatures a compile leaves out because they were not asked for. Seen with clamscan 1.4.6:
 * categories of unwanted programs (PUA.<category>.) are asked of *u files only, where a name
 * without one is left out as soon as there is a list; without phishing signatures those of ndb
 * files whose name begins with HTML.Phishing or Email.Phishing are left out, and no others.
 *
 * **Borrows** everything. Errors: none.
 */
#ifndef SK_DEFC_WANTED_H
#define SK_DEFC_WANTED_H

#include "base/cursor.h"
#include "defc/kinds.h"

struct defc_wanted {
    const char *const *category; /* of unwanted programs */
    unsigned category_count;
    bool exclude; /* all but these categories; else only these */
    bool no_phishing;
};

bool wanted_signature(const struct defc_wanted *wanted, enum kind_id kind, struct sk_bytes name);

#endif
