// SPDX-License-Identifier: Apache-2.0
/*
 * struct phish: does a link lead where it says? The tables of all segments (pdb, wdb, gdb) and the
 * expressions compiled from them so far.
 *
 * Life cycle: phish_new with the scanner -> phish_check... -> phish_free. **Borrows** the engine.
 * Errors of phish_new: SK_E_NOMEM. phish_check has none: an expression there is no memory for, to
 * compile or to run, does not match, and `starved` says so.
 */
#ifndef SK_ENGINE_PHISH_H
#define SK_ENGINE_PHISH_H

#include <stdbool.h>

#include "base/cursor.h"
#include "base/err.h"

struct phish;
struct sk_engine;

sk_err phish_new(const struct sk_engine *engine, struct phish **out_phish);
void phish_free(struct phish *phish);

struct phish_link {
    struct sk_bytes real;  /* where it leads */
    struct sk_bytes shown; /* the text a reader sees, or the address of an image */
    bool alert_ssl;        /* SK_ALERT_PHISHING_SSL, _CLOAK: also for domains in no list */
    bool alert_cloak;
};
/* Are there any tables? Without them only the alerts of a link find something. */
bool phish_has_tables(const struct phish *phish);
/* Among them hashes of addresses (gdb)? */
bool phish_has_hashes(const struct phish *phish);
/* The name of a finding, static; NULL: nothing to say. */
const char *phish_check(struct phish *phish, const struct phish_link *link, bool *out_starved);

#endif
