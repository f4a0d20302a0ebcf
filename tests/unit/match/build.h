// SPDX-License-Identifier: Apache-2.0
/*
 * A tiny signature compiler and a slow, independent matcher, for tests of src/match.
 *
 * Bodies: hex pairs with '?' nibbles, `{n}` `{n-m}` `{n-}` `*` gaps (each starts a new part),
 * `(aa|bbcc)` alternatives, `!(aa|bb)` negated ones of equal length. Expressions as in ldb files.
 * The oracle walks the parsed body byte by byte over the whole layer, shares no code with src/match
 * and is far too slow for anything else.
 *
 * Life cycle: tb_new -> tb_sub, tb_sig... -> tb_finish -> tb_segment -> tb_free. All allocation
 * failures end the test.
 */
#ifndef SK_TEST_MATCH_BUILD_H
#define SK_TEST_MATCH_BUILD_H

#include "base/exe.h"
#include "base/source.h"
#include "match/tables.h"

#define TB_NOCASE 4u /* flag of tb_sub_spec, besides MT_SUB_* */

struct tb_sub_spec {
    const char *body;
    unsigned flags;
    enum mt_off_kind off_kind;
    uint16_t section;
    int32_t off;
    uint32_t shift;
};

struct tb_sig_spec {
    const char *expr;
    const uint32_t *subs; /* global numbers from tb_sub */
    unsigned sub_count;
    int trigger; /* which of subs gives the trigger; -1: always evaluated */
    uint8_t target;
    struct mt_attr attr; /* key 0: none */
};

struct tb;

struct tb *tb_new(void);
void tb_free(struct tb *b);
uint32_t tb_sub(struct tb *b, const struct tb_sub_spec *spec);
uint32_t tb_sig(struct tb *b, const struct tb_sig_spec *spec);
void tb_anchor(struct tb *b, const struct mt_anchor *anchor);
/* Groups used for long triggers: (8, s8) and (4, s4); s 0: group not made. Default 8 and 3. */
void tb_menu(struct tb *b, uint8_t s8, uint8_t s4);
/* The same table for every target. */
const struct mt_segment *tb_finish(struct tb *b);

/* Expression tree of `text` at the end of nodes; returns how many nodes. */
unsigned tb_expr(const char *text, struct mt_node *nodes, unsigned cap);

/* Hits by brute force. */
uint64_t tb_oracle(const struct tb *b, uint32_t sub, const uint8_t *text, size_t len,
                   const struct sk_exe *exe);

/* A source behind a read function, over memory. */
void tb_read_source(struct sk_source *s, struct sk_bytes *bytes);

/* Deterministic random numbers. */
extern uint64_t tb_seed;
uint64_t tb_random(void);
uint32_t tb_below(uint32_t n);

#endif
