// SPDX-License-Identifier: Apache-2.0
/*
 * A chain of branches over one buffer, each working in place behind the one before it:
 *
 *     | taken | done by all | done by the first | put |  room  |
 *             ^ taken       ^ done[2]           ^[1]  ^ done[0]
 *
 * and the chain of one as a stream. A branch leaves a few bytes until it sees what follows; with
 * the last of them known, they stay as they are for it and go on to the next.
 */
#include "codec/branch_chain.h"

#include <string.h>

#include "codec/stage.h"

void branch_chain_add(struct branch_chain *c, enum sk_branch kind, uint32_t number) {
    branch_init(&c->branch[c->count++], kind, number);
}

uint8_t *branch_chain_room(struct branch_chain *c, size_t *out_room) {
    if (c->taken > 0) {
        memmove(c->buf, c->buf + c->taken, c->done[0] - c->taken);
        for (unsigned i = 0; i <= c->count; i++) {
            c->done[i] -= c->taken;
        }
        c->taken = 0;
    }
    *out_room = BRANCH_CHAIN_BYTES - c->done[0];
    return c->buf + c->done[0];
}

void branch_chain_put(struct branch_chain *c, size_t len, bool last) {
    c->done[0] += len;
    for (unsigned i = 0; i < c->count; i++) {
        size_t from = c->done[i + 1];
        size_t done = branch_run(&c->branch[i], c->buf + from, c->done[i] - from);
        c->done[i + 1] = last ? c->done[i] : from + done;
    }
}

size_t branch_chain_take(struct branch_chain *c, uint8_t *out, size_t cap) {
    size_t ready = c->done[c->count] - c->taken;
    size_t len = ready < cap ? ready : cap;
    memcpy(out, c->buf + c->taken, len);
    c->taken += len;
    return len;
}

/* ---- stream ------------------------------------------------------------------------------- */

struct unbranch {
    struct stage stage;
    struct branch_chain chain;
    bool last;
};

static sk_err unbranch_step(struct stage *stage, struct stage_io *io) {
    struct unbranch *s = (struct unbranch *)(void *)stage;
    while (io->out_len < io->out_cap) {
        size_t got = branch_chain_take(&s->chain, io->out + io->out_len, io->out_cap - io->out_len);
        io->out_len += got;
        if (got > 0) {
            continue;
        }
        size_t room, left = io->in_len - io->in_used;
        uint8_t *to = branch_chain_room(&s->chain, &room);
        room = room < left ? room : left;
        if (room == 0 && (s->last || !io->in_last)) {
            io->end = s->last;
            break;
        }
        memcpy(to, io->in + io->in_used, room);
        io->in_used += room;
        s->last = io->in_last && io->in_used == io->in_len;
        branch_chain_put(&s->chain, room, s->last);
    }
    return sk_ok();
}

sk_err sk_branch_open(struct sk_stream *up, enum sk_branch kind, uint32_t number,
                      struct sk_stream **out_stream) {
    struct unbranch *s = stage_new(sizeof(*s), up, unbranch_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    branch_chain_add(&s->chain, kind, number);
    *out_stream = &s->stage.base;
    return sk_ok();
}
