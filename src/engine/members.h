// SPDX-License-Identifier: Apache-2.0
/*
 * struct members: rules about what containers state of their members (defs/rules.h), asked for each
 * member before its bytes are looked at, also for encrypted and unreadable ones.
 *
 * Life cycle: members_new with the scanner -> members_check... -> members_free. **Borrows** the
 * engine. Errors of members_new: SK_E_NOMEM. members_check has none: a name expression there is no
 * memory for is a note.
 */
#ifndef SK_ENGINE_MEMBERS_H
#define SK_ENGINE_MEMBERS_H

#include "engine/scan.h"

struct members;

/* *out_members is NULL when no segment has such rules. */
sk_err members_new(const struct sk_engine *engine, struct members **out_members);
void members_free(struct members *m);
/* `layer` is the container, before_it the number of members told in this walk before this one. */
void members_check(struct sk_scanner *sc, struct layer *layer, const struct sk_child *child,
                   uint32_t before_it);

#endif
