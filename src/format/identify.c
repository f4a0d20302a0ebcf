// SPDX-License-Identifier: Apache-2.0
/*
 * Gathers the bids of all descriptors for one layer.
 *
 *     head, tail, size --> probe of every line in formats.def --> bids, best first --> type
 *                                                     nobody bids --> content.c decides --> type
 *
 * Owns the order of bids and nothing else: what a format looks like is known by its descriptor
 * (or, for formats without a reader, by magic.def), what text looks like is known by content.c.
 * Every descriptor is asked, because a file may be two formats at once and the engine walks all
 * that are sure enough. The work is bounded: probes are pure and see at most SK_PEEK_HEAD_BYTES
 * and SK_PEEK_TAIL_BYTES.
 *
 * Called by the engine once per layer.
 */
#include "format/format.h"

#include "format/content.h"

/* Insert behind all bids that are at least as good; the worst falls off a full list. */
static unsigned insert(struct sk_bid *bids, unsigned count, struct sk_bid bid) {
    unsigned at = count;
    while (at > 0 && bids[at - 1].bid < bid.bid) {
        at--;
    }
    if (at == SK_BID_MAX) {
        return count;
    }
    unsigned last = count < SK_BID_MAX ? count : SK_BID_MAX - 1;
    for (unsigned i = last; i > at; i--) {
        bids[i] = bids[i - 1];
    }
    bids[at] = bid;
    return last + 1;
}

unsigned sk_identify(const struct sk_peek *peek, struct sk_bid *out_bids, enum sk_type *out_type) {
    unsigned count = 0;
    for (unsigned i = 0; i < sk_format_count; i++) {
        const struct sk_format *format = sk_formats[i];
        struct sk_bid bid = {.format = format, .type = format->type};
        bid.bid = format->probe(peek, &bid.type);
        if (bid.bid > 0) {
            count = insert(out_bids, count, bid);
        }
    }
    *out_type = count > 0 ? out_bids[0].type : sk_content_type(peek);
    return count;
}
