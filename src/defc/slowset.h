// SPDX-License-Identifier: Apache-2.0
/*
 * Groups the entries of a slow set into its eight buckets so that the nibble tables let few places
 * of ordinary files pass. Pure and deterministic; decides speed, never results.
 *
 * slowset_arrange sorts `slow` by bucket (then bytes, then trigger) and **fills** head; pad becomes
 * 0. False: no memory in the arena.
 */
#ifndef SK_DEFC_SLOWSET_H
#define SK_DEFC_SLOWSET_H

#include <stdbool.h>

#include "base/arena.h"
#include "match/tables.h"

bool slowset_arrange(struct arena *arena, struct mt_slow_entry *slow, uint32_t count,
                     struct mt_slow_head *head);

#endif
