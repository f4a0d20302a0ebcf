// SPDX-License-Identifier: Apache-2.0
/*
 * The engine's side of format.h. One walk of one reader over one layer:
 *
 *     reader --walk_child(member, stream)--> may it be looked at? --no--> note, skip or stop
 *                                              | yes
 *                                              v
 *                         stream -> store (limits after every chunk) -> layer_scan
 *                                              |
 *                              leaf: forgotten | container: waits on the stack
 *
 * Limits live here and in budget, never in a reader. What each does:
 *     recursion, files, scan size, time   the rest of the container (recursion) or of the object is
 *                                         dropped, noted; a member cut short by the scan size is
 *                                         searched as far as it was read
 *     file size                           the member is not looked at (ClamAV), noted. A stated
 * size is believed only when the packed size makes it possible: else a lie in a header would hide
 * the member ratio, memory                       reading stops, noted; what was read is searched
 *
 * A member without data must come with a note of the reader. If the reader forgot, the engine says
 * so itself: nothing may pass unseen.
 *
 * An executable is walked before it is searched, because signatures ask for its sections and entry
 * point. That walk runs inside the walk of its container; it may emit no members, which bounds
 * the nesting of walks at two whatever the input says.
 */
#include "engine/walk.h"

#include "base/mem.h"
#include "engine/heuristics.h"
#include "engine/embedded.h"
#include "engine/layer.h"
#include "engine/members.h"
#include "engine/observe.h"
#include "engine/owed.h"
#include "engine/share.h"
#include "engine/view.h"
#include "engine/switches.h"

/* A slice of a layer behind windows would need windows of its own; up to this size it is read once
 * into a store instead. */
#define SLICE_COPY_BYTES ((uint64_t)1 << 20)

struct sk_walk {
    struct sk_scanner *sc;
    struct layer *layer;
    bool facts; /* members are refused */
    bool facts_children;
    bool stop;    /* this container has no more to tell */
    bool noted;   /* since the last member */
    bool skipped; /* the last member */
    bool embedded;
    uint32_t children;
    struct sk_exe exe;
    bool has_exe;
    struct walk_outline *outline; /* nothing else is wanted; or NULL */
    uint64_t max_members;
};

/* ---- reading a member --------------------------------------------------------------------- */

static uint64_t packed_of(const struct sk_walk *walk, const struct sk_child *child) {
    uint64_t whole = walk->layer->src.size;
    return child->packed_size < whole ? child->packed_size : whole;
}

/* Bytes being read into a store, and the layer that notes about them belong to. */
struct reading {
    struct layer *layer;
    struct store *store;
    uint64_t packed;
    uint64_t expected; /* 0: unknown */
    bool at_once;      /* the decoder gives all of it in one call, if there is room */
};

/* SK_OK: go on. SK_E_LIMIT: too large, forget it. SK_E_STOP: search what there is. */
static sk_err check_size(struct sk_walk *walk, const struct reading *r) {
    struct sk_scanner *sc = walk->sc;
    uint64_t len = r->store->len;
    if (len > sc->budget.limits.max_file_size) {
        verdict_note(sc, r->layer, SK_NOTE_LIMIT_FILE_SIZE, NULL);
        return sk_fail(SK_E_LIMIT);
    }
    if (budget_ratio_over(&sc->budget, len, r->packed)) {
        verdict_note(sc, r->layer, SK_NOTE_LIMIT_RATIO, NULL);
        return sk_fail(SK_E_STOP);
    }
    if (len > budget_bytes_left(&sc->budget)) {
        scan_stop(sc, r->layer, SK_NOTE_LIMIT_SCAN_SIZE);
        return sk_fail(SK_E_STOP);
    }
    return scan_time_left(sc, r->layer) ? sk_ok() : sk_fail(SK_E_STOP);
}

/* Fill the store. False: do not look at it. */
static bool read_all(struct sk_walk *walk, const struct reading *r, struct sk_stream *data) {
    bool believed = r->expected / WALK_PLAUSIBLE_RATIO <= r->packed;
    if (believed) {
        owed_make_way(walk->sc, r->layer, r->expected);
    }
    store_begin(r->store, &walk->sc->pool);
    if (believed && r->at_once) {
        if (r->expected >= STORE_MEMORY_BYTES) {
            owed_make_room(walk->sc, r->layer);
            mem_trim();
        }
        store_expect_at_once(r->store, r->expected, r->packed);
    } else if (believed) {
        store_expect(r->store, r->expected, r->packed);
    }
    for (;;) {
        uint8_t *ptr;
        size_t cap;
        size_t got = 0;
        sk_err err = store_room(r->store, &ptr, &cap);
        if (!sk_failed(err)) {
            err = sk_stream_read(data, ptr, cap, &got);
        }
        if (!sk_failed(err) && got > 0) {
            err = store_put(r->store, got);
        }
        if (sk_failed(err)) {
            scan_note_error(walk->sc, r->layer, err);
            return true;
        }
        if (got == 0) {
            return true;
        }
        err = check_size(walk, r);
        if (sk_failed(err)) {
            return err.code == SK_E_STOP;
        }
    }
}

/* ---- one member --------------------------------------------------------------------------- */

static bool claim_is_too_large(const struct sk_walk *walk, const struct sk_child *child) {
    uint64_t max = walk->sc->budget.limits.max_file_size;
    if (child->is_slice) {
        return child->slice_len > max;
    }
    return child->size != SK_SIZE_UNKNOWN && child->size > max &&
           child->size / WALK_PLAUSIBLE_RATIO < packed_of(walk, child);
}

/* Open member->src. False: there is nothing to look at, and a note says why. */
static bool open_member(struct sk_walk *walk, struct layer *member, const struct sk_child *child,
                        struct sk_stream *data) {
    struct sk_scanner *sc = walk->sc;
    if (data == NULL && !child->is_slice) {
        bool packed = child->packed_size != 0 && child->packed_size != SK_SIZE_UNKNOWN;
        if (!walk->noted && (child->size != 0 || packed || child->encrypted)) {
            verdict_note(sc, member, child->encrypted ? SK_NOTE_ENCRYPTED : SK_NOTE_METHOD, NULL);
        }
        return false;
    }
    if (claim_is_too_large(walk, child)) {
        verdict_note(sc, member, SK_NOTE_LIMIT_FILE_SIZE, NULL);
        return false;
    }
    struct sk_source_stream whole;
    if (child->is_slice && walk->layer->src.mem == NULL && child->slice_len <= SLICE_COPY_BYTES) {
        data = sk_source_stream_init(&whole, &walk->layer->src, child->slice_off, child->slice_len);
    } else if (child->is_slice) {
        layer_open_slice(member, child->slice_off, child->slice_len);
        if (member->src.size > budget_bytes_left(&sc->budget)) {
            scan_stop(sc, member, SK_NOTE_LIMIT_SCAN_SIZE);
            return false;
        }
        return true;
    }
    uint64_t expected = child->size != SK_SIZE_UNKNOWN ? child->size : child->expected;
    bool at_once = expected == child->expected && walk->layer->src.mem != NULL;
    struct reading r = {member, &member->store, packed_of(walk, child), expected, at_once};
    bool look = read_all(walk, &r, data);
    layer_open_store(member);
    return look;
}

/* SK_OK: it may be looked at. */
static sk_err admit(struct sk_walk *walk) {
    struct sk_scanner *sc = walk->sc;
    if (walk->stop || sc->stop || !scan_time_left(sc, walk->layer)) {
        return sk_fail(SK_E_STOP);
    }
    if (walk->layer->depth + 1 >= sc->budget.limits.max_recursion) {
        verdict_note(sc, walk->layer, SK_NOTE_LIMIT_RECURSION, NULL);
        walk->stop = true;
        return sk_fail(SK_E_STOP);
    }
    if (sc->budget.files >= sc->budget.limits.max_files) {
        scan_stop(sc, walk->layer, SK_NOTE_LIMIT_FILES);
        return sk_fail(SK_E_STOP);
    }
    return sk_ok();
}

static void look_at_member(struct sk_walk *walk, struct layer *member, const struct sk_child *child,
                           struct sk_stream *data) {
    struct sk_scanner *sc = walk->sc;
    if (!open_member(walk, member, child, data)) {
        observe_unopened(sc, member, child->size);
        layer_drop(sc, member);
        return;
    }
    sc->budget.files++;
    sc->budget.bytes += member->src.size;
    sc->stats.bytes += member->src.size;
    if (layer_scan(sc, member)) {
        layer_keep(sc, member);
    } else {
        layer_drop(sc, member);
    }
}

static sk_err count_member(struct sk_walk *walk, const struct sk_child *child) {
    struct walk_outline *o = walk->outline;
    uint64_t size = child->is_slice ? child->slice_len : child->size;
    o->members++;
    o->largest = size > o->largest ? size : o->largest;
    o->odd = o->odd || size == SK_SIZE_UNKNOWN || child->encrypted ||
             __builtin_add_overflow(o->bytes, size, &o->bytes);
    walk->skipped = true;
    return o->odd || o->members > walk->max_members ? sk_fail(SK_E_STOP) : sk_ok();
}

sk_err walk_child(struct sk_walk *walk, const struct sk_child *child, struct sk_stream *data) {
    if (walk->facts) {
        walk->facts_children = true;
        return sk_fail(SK_E_STOP);
    }
    if (walk->outline != NULL) {
        return count_member(walk, child);
    }
    TRY(admit(walk));
    struct sk_scanner *sc = walk->sc;
    walk->skipped = share_skips(sc, walk->layer, child);
    if (walk->skipped) {
        walk->layer->child_count++;
        walk->children++;
        walk->noted = false;
        return sk_ok();
    }
    if (child->encrypted) {
        heuristics_note(sc, walk->layer, SK_NOTE_ENCRYPTED); /* also when a password opens it */
    }
    if (!walk->embedded) { /* no container states these */
        members_check(sc, walk->layer, child, walk->children);
    }
    struct layer *member = layer_new(sc, walk->layer);
    if (member == NULL) {
        scan_stop(sc, walk->layer, SK_NOTE_LIMIT_MEMORY);
        return sk_fail(SK_E_STOP);
    }
    walk->layer->child_count++;
    walk->children++;
    member->is_embedded = walk->embedded;
    member->as = (unsigned)child->as < SK_TYPE_COUNT ? child->as : SK_TYPE_ANY;
    member->name = child->name;
    member->name_len = child->name == NULL ? 0 : child->name_len;
    if (member->name_len > LAYER_NAME_MAX_BYTES) {
        member->name_len = LAYER_NAME_MAX_BYTES;
    }
    if (!verdict_wants(sc, member)) {
        walk->stop = true;
        layer_drop(sc, member);
        return sk_fail(SK_E_STOP);
    }
    look_at_member(walk, member, child, data);
    walk->noted = false;
    return sc->stop ? sk_fail(SK_E_STOP) : sk_ok();
}

sk_err walk_view(struct sk_walk *walk, enum sk_target target, struct sk_stream *data) {
    struct sk_scanner *sc = walk->sc;
    struct layer *layer = walk->layer;
    if (walk->outline != NULL) {
        walk->outline->odd = true;
        return sk_fail(SK_E_STOP);
    }
    if (walk->facts || !verdict_wants_own(sc, layer)) {
        return sk_ok();
    }
    if (sc->stop || !scan_time_left(sc, layer)) {
        return sk_fail(SK_E_STOP);
    }
    struct store bytes;
    struct reading r = {layer, &bytes, layer->src.size, 0, false};
    if (read_all(walk, &r, data) && bytes.len > 0) {
        struct sk_source src;
        store_source(&bytes, &src);
        sc->budget.bytes += src.size;
        observe_view(sc, layer, target, &src);
        struct view view = {.src = &src, .target = target, .rank = RANK_NORMALISED};
        view_search(sc, layer, &view);
        sk_source_release(&src);
    }
    store_release(&bytes);
    return sc->stop ? sk_fail(SK_E_STOP) : sk_ok();
}

void walk_fact(struct sk_walk *walk, enum sk_fact fact, const char *value, size_t value_len) {
    if ((unsigned)fact < SK_FACT_COUNT && walk->outline == NULL) {
        walk->layer->facts |= UINT64_C(1) << fact;
        share_fact(walk->sc, walk->layer, fact);
        struct sk_bytes bytes = {(const uint8_t *)value, value == NULL ? 0 : value_len};
        heuristics_fact(walk->sc, walk->layer, fact, bytes);
        observe_fact(walk->sc, walk->layer, fact, bytes);
    }
}

void walk_note(struct sk_walk *walk, enum sk_note note, const char *detail) {
    if ((unsigned)note >= SK_NOTE_COUNT) {
        note = SK_NOTE_DAMAGED;
    }
    if (walk->outline != NULL) {
        walk->outline->odd = true;
        return;
    }
    if (note == SK_NOTE_DAMAGED && walk->layer->is_embedded && walk->children == 0) {
        return; /* magic numbers by chance, or in a program that knows them: no archive */
    }
    /* Only such a note says that something was left out. */
    walk->noted = walk->noted || sk_note_incomplete(note);
    verdict_note(walk->sc, walk->layer, note, detail);
}

void walk_exe(struct sk_walk *walk, const struct sk_exe *exe) {
    walk->exe = *exe;
    walk->has_exe = true;
}

void walk_type(struct sk_walk *walk, enum sk_type type) {
    if ((unsigned)type < SK_TYPE_COUNT && walk->outline == NULL) {
        walk->layer->type = type;
        observe_type(walk->sc, walk->layer);
    }
}

/* The index-th password of one segment; *at counts over all segments. */
static bool find_password(const struct rules *rules, unsigned index, unsigned *at,
                          struct sk_bytes *out_password) {
    for (uint32_t i = 0; i < rules->password_count; i++) {
        const struct rule_password *p = &rules->password[i];
        bool here = p->container == SK_TYPE_ANY || p->container == SK_TYPE_ZIP;
        if (here && (*at)++ == index) {
            *out_password = (struct sk_bytes){(const uint8_t *)rules->text + p->text, p->len};
            return true;
        }
    }
    return false;
}

bool walk_password(struct sk_walk *walk, unsigned index, struct sk_bytes *out_password) {
    const struct sk_engine *engine = walk->sc->engine;
    unsigned at = 0;
    for (unsigned s = 0; s < engine->segment_count && (engine->without & WITHOUT_PASSWORDS) == 0;
         s++) {
        if (find_password(image_rules(engine->image[s]), index, &at, out_password)) {
            return true;
        }
    }
    return false;
}

struct arena *walk_arena(struct sk_walk *walk) {
    return &walk->sc->walk_arena;
}

sk_err walk_tick(struct sk_walk *walk) {
    return scan_time_left(walk->sc, walk->layer) ? sk_ok() : sk_fail(SK_E_STOP);
}

bool walk_skipped(const struct sk_walk *walk) {
    return walk->skipped;
}

void walk_uneven(struct sk_walk *walk) {
    if (walk->outline == NULL && walk->layer->parent == NULL) {
        (void)share_spoil(walk->sc);
    }
}

/* ---- whole walks -------------------------------------------------------------------------- */

const struct sk_exe *walk_facts(struct sk_scanner *sc, struct layer *layer) {
    const struct sk_bid *bid = NULL;
    for (unsigned i = 0; i < layer->bid_count && bid == NULL; i++) {
        if (layer->bid[i].bid >= SK_BID_WALK && layer->bid[i].format->walk != NULL &&
            !sc->off[layer->bid[i].type] && layer_bid_is_exe(&layer->bid[i])) {
            bid = &layer->bid[i];
        }
    }
    if (bid == NULL) {
        return NULL;
    }
    struct sk_walk walk = {.sc = sc, .layer = layer, .facts = true};
    layer->reader = bid->type;
    sk_err err = bid->format->walk(&walk, &layer->src);
    layer->reader = SK_TYPE_ANY;
    layer->facts_children = walk.facts_children;
    /* A broken executable is still searched whole: only a failure of ours leaves something out. */
    if (err.code != SK_E_FORMAT && err.code != SK_E_UNSUPPORTED) {
        scan_note_error(sc, layer, err);
    }
    if (!walk.has_exe) {
        return NULL;
    }
    struct sk_exe *exe = arena_alloc(&sc->walk_arena, sizeof(*exe));
    if (exe == NULL) {
        verdict_note(sc, layer, SK_NOTE_LIMIT_MEMORY, NULL);
        return NULL;
    }
    *exe = walk.exe;
    return exe;
}

static void walk_one(struct sk_scanner *sc, struct layer *layer, const struct sk_bid *bid,
                     bool best) {
    struct arena_mark mark = arena_mark(&sc->walk_arena);
    /* The archives behind a program are found there, like everything else that is embedded. */
    struct sk_walk walk = {
        .sc = sc, .layer = layer, .embedded = strcmp(bid->format->name, "sfx") == 0};
    layer->reader = bid->type;
    sk_err err = bid->format->walk(&walk, &layer->src);
    /* A second opinion that turned out wrong is no damage. */
    bool chance = layer->is_embedded && walk.children == 0;
    if (err.code != SK_E_FORMAT || (best && !chance) || walk.children > 0) {
        scan_note_error(sc, layer, err);
    }
    layer->reader = SK_TYPE_ANY;
    arena_rewind(&sc->walk_arena, mark);
}

void walk_outline(struct sk_scanner *sc, struct layer *layer, const struct sk_format *format,
                  uint64_t max_members, struct walk_outline *out) {
    struct arena_mark mark = arena_mark(&sc->walk_arena);
    struct sk_walk walk = {.sc = sc, .layer = layer, .outline = out, .max_members = max_members};
    sk_err err = format->walk(&walk, &layer->src);
    out->odd = out->odd || sk_failed(err);
    arena_rewind(&sc->walk_arena, mark);
}

/* What lies inside the bytes. A program found there counts the layer as one, too: seen with
 * clamscan 1.4.6 (Container: is CL_TYPE_MSEXE). */
static void walk_embedded(struct sk_scanner *sc, struct layer *layer) {
    struct sk_walk walk = {.sc = sc, .layer = layer, .embedded = true};
    enum sk_type own = layer->type;
    sk_err err = sk_ok();
    for (unsigned i = 0; i < layer->embedded_count && !sk_failed(err); i++) {
        const struct sk_embedded *e = &layer->embedded[i];
        const char *name = embedded_name(e->type);
        struct sk_child child = {.name = name,
                                 .name_len = strlen(name),
                                 .packed_size = e->len,
                                 .size = e->len,
                                 .index = i,
                                 .as = e->type,
                                 .is_slice = true,
                                 .slice_off = e->off,
                                 .slice_len = e->len};
        layer->type = e->type == SK_TYPE_PE ? SK_TYPE_PE : own;
        err = walk_child(&walk, &child, NULL);
    }
    layer->type = own;
}

static bool begins_as_zip(struct layer *layer) {
    size_t avail = 0;
    const uint8_t *p = sk_source_at(&layer->src, 0, 2, &avail);
    return p != NULL && avail >= 2 && p[0] == 'P' && p[1] == 'K';
}

/* Members that a second reader finds in something that is no container itself (a tar in a program),
 * and those of a ZIP behind anything, are members of that reader's type, as with clamscan. */
static void walk_as(struct sk_scanner *sc, struct layer *layer, unsigned number) {
    const struct sk_bid *bid = &layer->bid[number];
    enum sk_type own = layer->type;
    bool borrowed = bid->type == SK_TYPE_ZIP ? embedded_host(own)
                                             : (sk_type_flags(own) & SK_TYPE_CONTAINER) == 0 &&
                                                   (sk_type_flags(bid->type) & SK_TYPE_CONTAINER);
    layer->type = borrowed ? bid->type : own;
    layer->as_other = borrowed || (bid->type == SK_TYPE_ZIP && !begins_as_zip(layer));
    walk_one(sc, layer, bid, number == 0);
    layer->as_other = false;
    layer->type = borrowed ? own : layer->type;
}

void walk_members(struct sk_scanner *sc, struct layer *layer) {
    if (layer->type != SK_TYPE_GZIP && (sk_type_flags(layer->type) & SK_TYPE_CONTAINER) != 0) {
        owed_make_way(sc, layer, UINT64_MAX);
    }
    walk_embedded(sc, layer);
    for (unsigned i = 0; i < layer->bid_count && !sc->stop; i++) {
        const struct sk_bid *bid = &layer->bid[i];
        if (bid->bid < SK_BID_WALK || bid->format->walk == NULL ||
            (layer_bid_is_exe(bid) && !layer->facts_children) || sc->engine->off[bid->type] ||
            sc->off[bid->type]) {
            continue;
        }
        if (i >= layer->own_bids) {
            layer->type = bid->type; /* what a signature asked for: the last ones */
        }
        walk_as(sc, layer, i);
    }
}
