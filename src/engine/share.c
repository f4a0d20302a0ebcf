// SPDX-License-Identifier: Apache-2.0
/*
 * Every scanner walks the whole container, which is cheap when members can be left unread
 * (sk_format.skips), and deals them out by the same rule:
 *
 *     members   m0 m1 m2 m3 m4 ...      each to the share with the least to do so far, by what its
 *     shares     0  1  1  0  1          headers say; share 0 begins with the container's own bytes
 *
 * Share 0 walks once more, before: it offers to share only when the headers promise an object
 * without notes that keeps well within the limits. That costs 1 to 3 % of what is shared.
 *
 * Nothing is agreed on between the scanners, so nothing one of them says while it is under way can
 * hide a member from another. What must hold is that all see the same members in the same order: a
 * digest over all that readers say of them (alike) is compared at the end. A member is a share's
 * with all that is in it.
 *
 * Only plain results count (sekisho.h), so a share needs no place for its findings, no allow-lists
 * and no order: the first thing worth a line in the report ends it. Most objects have none, and
 * scanning those few once more is what every other answer would be measured against.
 *
 * Limits of the whole object: bytes and layers are summed by whoever shares out; depth and ratio
 * are those of each member; the memory limit is one process's.
 */
#include "engine/share.h"

#include <string.h>

#include "crypto/digest.h"
#include "engine/layer.h"
#include "engine/scan.h"
#include "engine/walk.h"

#define MEMBER_COST 4096u     /* in unpacked bytes: headers, a stream, a layer */
#define OWN_BYTES_PER_COST 4u /* the container's bytes are searched and hashed, not decoded */

_Static_assert(sizeof(((struct sk_report *)0)->alike) == sizeof(((struct share *)0)->alike),
               "one digest");

void share_begin(struct sk_scanner *sc, const struct sk_share *told) {
    sc->share = (struct share){.told = told};
}

void share_end(struct sk_scanner *sc) {
    sc->share = (struct share){0};
}

/* The reader, when there is but one, and it can leave members unread; or NULL. */
static const struct sk_bid *sharing_reader(const struct sk_scanner *sc, const struct layer *layer) {
    const struct sk_bid *reader = NULL;
    for (unsigned i = 0; i < layer->bid_count; i++) {
        const struct sk_bid *bid = &layer->bid[i];
        if (bid->bid >= SK_BID_WALK && bid->format->walk != NULL) {
            if (reader != NULL) {
                return NULL;
            }
            reader = bid;
        }
    }
    bool can = reader != NULL && reader->format->skips && reader->type == layer->type &&
               !sc->off[reader->type] && !sc->engine->off[reader->type] &&
               (sc->options.flags & SK_SCAN_NO_ARCHIVES) == 0;
    return can ? reader : NULL;
}

/* Is it likely that nothing of this container will be worth a line in the report? Half of the
 * limits is left to what the members hold. And is there something to share: of a Debian package,
 * say, one member is nearly all. */
static bool is_promising(struct sk_scanner *sc, struct layer *layer, const struct sk_bid *reader) {
    struct walk_outline outline = {0};
    const struct sk_limits *limits = &sc->budget.limits;
    walk_outline(sc, layer, reader->format, limits->max_files / 2, &outline);
    return !outline.odd && outline.members >= sc->share.told->count &&
           outline.members <= limits->max_files / 2 && limits->max_recursion > 1 &&
           outline.bytes <= limits->max_scan_size / 2 && outline.largest <= outline.bytes / 2;
}

bool share_spoil(struct sk_scanner *sc) {
    if (sc->share.on) {
        sc->stop = true;
        sc->verdict.incomplete = true;
    }
    return sc->share.on;
}

bool share_opens(struct sk_scanner *sc, struct layer *layer) {
    struct share *s = &sc->share;
    if (s->told == NULL || layer->parent != NULL) {
        return false;
    }
    const struct sk_bid *reader = sharing_reader(sc, layer);
    bool first = s->told->index == 0;
    if (first && (reader == NULL || !is_promising(sc, layer, reader))) {
        return false;
    }
    s->on = true;
    s->load[0] = layer->src.size / OWN_BYTES_PER_COST;
    sc->stats.shares++;
    budget_hurry(&sc->budget, SHARE_TIME_PART);
    if (reader == NULL) {
        (void)share_spoil(sc);
    }
    if (first) {
        s->told->agreed(s->told->ctx);
        return false;
    }
    /* the first share counts it */
    sc->stats.objects--;
    sc->stats.layers--;
    sc->stats.bytes -= layer->src.size;
    sc->budget.files = 0;
    sc->budget.bytes = 0;
    return true;
}

static void fold(struct sk_scanner *sc, const void *bytes, size_t len) {
    uint8_t block[sizeof(sc->share.alike) + LAYER_NAME_MAX_BYTES];
    size_t kept = sizeof(sc->share.alike);
    len = len < LAYER_NAME_MAX_BYTES ? len : LAYER_NAME_MAX_BYTES;
    memcpy(block, sc->share.alike, kept);
    if (len > 0) {
        memcpy(block + kept, bytes, len);
    }
    if (sk_failed(crypto_digest(CRYPTO_SHA256, block, kept + len, sc->share.alike))) {
        (void)share_spoil(sc);
    }
}

/* What a reader says of a member, and at which place. */
static void fold_child(struct sk_scanner *sc, const struct layer *layer,
                       const struct sk_child *child) {
    const uint64_t words[] = {
        layer->child_count, layer->type,     layer->reader,    child->packed_size, child->size,
        child->expected,    child->crc32,    child->place,     child->index,       child->encrypted,
        child->as,          child->is_slice, child->slice_off, child->slice_len,   child->name_len};
    fold(sc, words, sizeof(words));
    fold(sc, child->name, child->name == NULL ? 0 : child->name_len);
}

static uint64_t cost_of(const struct layer *layer, const struct sk_child *child) {
    uint64_t packed = child->packed_size < layer->src.size ? child->packed_size : layer->src.size;
    uint64_t size = child->is_slice ? child->slice_len : child->size;
    bool believed = size / WALK_PLAUSIBLE_RATIO <= packed; /* not: unknown, or a lie */
    return (believed ? size : packed) + MEMBER_COST;
}

bool share_skips(struct sk_scanner *sc, struct layer *layer, const struct sk_child *child) {
    struct share *s = &sc->share;
    if (!s->on || layer->parent != NULL) {
        return false;
    }
    fold_child(sc, layer, child);
    uint32_t least = 0;
    for (uint32_t i = 1; i < s->told->count; i++) {
        least = s->load[i] < s->load[least] ? i : least;
    }
    s->load[least] += cost_of(layer, child);
    return least != s->told->index;
}

void share_fact(struct sk_scanner *sc, struct layer *layer, enum sk_fact fact) {
    if (sc->share.on && layer->parent == NULL) {
        const uint64_t words[] = {layer->child_count, fact};
        fold(sc, words, sizeof(words));
    }
}

void share_finish(struct sk_scanner *sc, struct layer *root) {
    if (sc->share.on) {
        const uint64_t words[] = {root->child_count, root->type, root->src.size, root->facts};
        fold(sc, words, sizeof(words));
        memcpy(sc->verdict.report.alike, sc->share.alike, sizeof(sc->share.alike));
    }
}
