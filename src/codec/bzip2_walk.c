// SPDX-License-Identifier: Apache-2.0
/*
 * The table of a block is one way from entry to entry, a byte at each. It jumps about in 3.6 MB, so
 * a walk is bound by the latency of the cache: that, and nothing else, is a third of what bzip2(1)
 * takes. But nobody has to begin at the beginning. The way is walked from up to 257 entries at
 * once, 24 at a time, each until it comes to where another one began; then the legs are put
 * together:
 *
 *     entry      0 ... origin ... stride ... 2*stride ... 3*stride
 *     leg        -       0          1           2            3        (-: nothing begins there)
 *     ends at                      leg 3       leg 1        leg 2     -> 0, its end, 3, 2, 1, ...
 *
 * Where the legs begin is regular, so the leg that begins at an entry is found by division; where
 * the entry leads is mixed thoroughly by the sorting. Data made against this make it as slow as one
 * walk, not slower. An entry that leads to a beginning is marked when the table is linked, so a
 * step is: load, store the byte, shift; and one test for 24 steps. (With eight at a time, which
 * fit into registers, more of the time is waiting: 2 to 7 % of decoding.)
 *
 * How long a leg is is known at its end, so bytes go to pieces of 1 KiB, chained in each leg.
 *
 * The table of a damaged or periodic block has several ways. Each is a circle, so each leg comes to
 * an end, all legs together walk each entry at most once, and the legs that follow the first one
 * are a circle as well: as many bytes as the block has are given by going round, as one walk would.
 *
 * Blocks that are randomised (bzip2 before 0.9.5) have every so many bytes changed; for these, and
 * for small ones, one walk goes through.
 */
#include "codec/bzip2_walk.h"

#include "base/mem.h"
#include "codec/bzip2_random.h"

#define LANES 24u
#define SMALL_BLOCK_BYTES 16384u

/* Where a leg being walked is. */
struct lane {
    uint32_t entry;
    uint32_t leg;
    uint32_t piece;
    uint32_t used; /* bytes of the piece */
};

struct crew {
    struct lane lane[LANES];
    unsigned lanes;
    uint32_t begun; /* legs */
};

sk_err bz_walk_size(struct bz_walk *walk, unsigned level) {
    uint32_t cap = BZ_PIECES(level * BZ_BLOCK_STEP);
    if (walk->cap < cap) {
        bz_walk_release(walk);
        walk->bytes = mem_alloc((size_t)cap * BZ_PIECE_BYTES);
        walk->piece = mem_zalloc(cap, sizeof(*walk->piece));
        walk->cap = walk->bytes == NULL || walk->piece == NULL ? 0 : cap;
    }
    return walk->cap == 0 ? sk_fail(SK_E_NOMEM) : sk_ok();
}

void bz_walk_release(struct bz_walk *walk) {
    mem_free(walk->bytes);
    mem_free(walk->piece);
    *walk = (struct bz_walk){0};
}

static uint32_t new_piece(struct bz_walk *walk) {
    uint32_t piece = walk->pieces++;
    walk->piece[piece] = (struct bz_piece){0};
    return piece;
}

/* ---- one walk ----------------------------------------------------------------------------- */

static void change_random(uint8_t *bytes, uint32_t len) {
    unsigned turn = 0;
    for (uint64_t at = bz_random[0] - 2u; at < len; at += bz_random[turn]) {
        bytes[at] ^= 1;
        turn = (turn + 1) % BZ_RANDOM_COUNT;
    }
}

static void run_alone(struct bz_walk *walk, struct bz_block *block) {
    bz_block_link(block, block->len);
    uint32_t entry = block->next[block->origin] >> BZ_NEXT_SHIFT;
    for (uint32_t i = 0; i < block->len; i++) {
        walk->bytes[i] = (uint8_t)block->next[entry];
        entry = block->next[entry] >> BZ_NEXT_SHIFT;
    }
    if (block->randomised) {
        change_random(walk->bytes, block->len);
    }
    walk->legs = 1;
    walk->leg[0] = (struct bz_leg){.first = 0};
    for (uint32_t done = 0; done < block->len; done += BZ_PIECE_BYTES) {
        uint32_t left = block->len - done;
        uint32_t piece = new_piece(walk);
        walk->piece[piece].len = left < BZ_PIECE_BYTES ? left : BZ_PIECE_BYTES;
        walk->piece[piece].follows = piece + 1;
        walk->leg[0].last = piece;
    }
}

/* ---- many --------------------------------------------------------------------------------- */

static void plan_legs(struct bz_walk *walk, const struct bz_block *block) {
    walk->legs = 1;
    for (uint32_t from = walk->stride; from < block->len; from += walk->stride) {
        walk->leg[walk->legs++] = (struct bz_leg){.from = from};
    }
    walk->leg[0] = (struct bz_leg){.from = block->next[block->origin] >> BZ_NEXT_SHIFT};
    block->next[block->origin] |= BZ_MARK;
}

static uint32_t leg_from(const struct bz_walk *walk, uint32_t entry) {
    return entry == walk->leg[0].from ? 0 : entry / walk->stride;
}

static void begin_piece(struct bz_walk *walk, struct lane *lane) {
    uint32_t piece = new_piece(walk);
    walk->piece[lane->piece].len = lane->used;
    walk->piece[lane->piece].follows = piece;
    lane->piece = piece;
    lane->used = 0;
}

/* False: all legs are begun. */
static bool begin_leg(struct bz_walk *walk, struct crew *crew, struct lane *lane) {
    while (crew->begun < walk->legs && crew->begun > 0 &&
           leg_from(walk, walk->leg[crew->begun].from) == 0) {
        crew->begun++; /* the first leg begins there */
    }
    if (crew->begun == walk->legs) {
        return false;
    }
    struct bz_leg *leg = &walk->leg[crew->begun];
    leg->first = new_piece(walk);
    *lane = (struct lane){.entry = leg->from, .leg = crew->begun, .piece = leg->first};
    crew->begun++;
    return true;
}

static void end_leg(struct bz_walk *walk, const struct lane *lane) {
    struct bz_leg *leg = &walk->leg[lane->leg];
    leg->last = lane->piece;
    leg->then = leg_from(walk, lane->entry);
    walk->piece[lane->piece].len = lane->used;
}

/* All of them, `steps` at most; stops behind a step at which one came to an end. Returns the steps,
 * and in out_ended a bit for each lane that did. */
static uint32_t step_all(struct bz_walk *walk, const uint32_t *next, struct crew *crew,
                         uint32_t steps, unsigned *out_ended) {
    uint32_t at[LANES], seen[LANES] = {0};
    uint8_t *to[LANES];
    for (unsigned k = 0; k < LANES; k++) {
        const struct lane *lane = &crew->lane[k];
        at[k] = lane->entry;
        to[k] = walk->bytes + (size_t)lane->piece * BZ_PIECE_BYTES + lane->used;
    }
    uint32_t done = 0, any = 0;
    while (done < steps && (any & BZ_MARK) == 0) {
        any = 0;
#pragma GCC unroll 24
        for (unsigned k = 0; k < LANES; k++) {
            seen[k] = next[at[k]];
            to[k][done] = (uint8_t)seen[k];
            at[k] = seen[k] >> BZ_NEXT_SHIFT;
            any |= seen[k];
        }
        done++;
    }
    *out_ended = 0;
    for (unsigned k = 0; k < LANES; k++) {
        crew->lane[k].entry = at[k];
        crew->lane[k].used += done;
        *out_ended |= (unsigned)((seen[k] & BZ_MARK) != 0) << k;
    }
    return done;
}

/* The same for the few that are left when no leg is to be begun. */
static void step_few(struct bz_walk *walk, const uint32_t *next, struct crew *crew, uint32_t steps,
                     unsigned *out_ended) {
    unsigned ended = 0;
    for (uint32_t done = 0; done < steps && ended == 0; done++) {
        for (unsigned k = 0; k < crew->lanes; k++) {
            struct lane *lane = &crew->lane[k];
            uint32_t seen = next[lane->entry];
            walk->bytes[(size_t)lane->piece * BZ_PIECE_BYTES + lane->used++] = (uint8_t)seen;
            lane->entry = seen >> BZ_NEXT_SHIFT;
            ended |= (unsigned)((seen & BZ_MARK) != 0) << k;
        }
    }
    *out_ended = ended;
}

/* New pieces and legs for those that need them; lanes without work are closed up. */
static void renew(struct bz_walk *walk, struct crew *crew, unsigned ended) {
    for (unsigned k = crew->lanes; k-- > 0;) {
        struct lane *lane = &crew->lane[k];
        if ((ended >> k & 1) != 0) {
            end_leg(walk, lane);
            if (!begin_leg(walk, crew, lane)) {
                *lane = crew->lane[--crew->lanes];
            }
        } else if (lane->used == BZ_PIECE_BYTES) {
            begin_piece(walk, lane);
        }
    }
}

static void run_many(struct bz_walk *walk, struct bz_block *block) {
    walk->stride = block->len / (BZ_LEGS_MAX - 1) + 1;
    bz_block_link(block, walk->stride);
    plan_legs(walk, block);
    struct crew crew = {0};
    while (crew.lanes < LANES && begin_leg(walk, &crew, &crew.lane[crew.lanes])) {
        crew.lanes++;
    }
    while (crew.lanes > 0) {
        uint32_t steps = BZ_PIECE_BYTES;
        for (unsigned k = 0; k < crew.lanes; k++) {
            uint32_t room = BZ_PIECE_BYTES - crew.lane[k].used;
            steps = room < steps ? room : steps;
        }
        unsigned ended = 0;
        if (crew.lanes == LANES) {
            (void)step_all(walk, block->next, &crew, steps, &ended);
        } else {
            step_few(walk, block->next, &crew, steps, &ended);
        }
        renew(walk, &crew, ended);
    }
}

/* ---- the bytes ---------------------------------------------------------------------------- */

void bz_walk_run(struct bz_walk *walk, struct bz_block *block) {
    walk->pieces = 0;
    if (block->randomised || block->len < SMALL_BLOCK_BYTES) {
        run_alone(walk, block);
    } else {
        run_many(walk, block);
    }
    walk->at_leg = 0;
    walk->at_piece = walk->leg[0].first;
    walk->left = block->len;
}

struct sk_bytes bz_walk_next(struct bz_walk *walk) {
    uint32_t piece = walk->at_piece;
    uint32_t len = walk->piece[piece].len < walk->left ? walk->piece[piece].len : walk->left;
    if (piece == walk->leg[walk->at_leg].last) {
        walk->at_leg = walk->leg[walk->at_leg].then;
        walk->at_piece = walk->leg[walk->at_leg].first;
    } else {
        walk->at_piece = walk->piece[piece].follows;
    }
    walk->left -= len;
    return (struct sk_bytes){walk->bytes + (size_t)piece * BZ_PIECE_BYTES, len};
}
