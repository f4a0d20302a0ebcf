// SPDX-License-Identifier: Apache-2.0
/*
 * What happens to the bytes of one layer:
 *
 *     source -> peek (64 KiB head, 4 KiB tail) -> bids -> type
 *            -> facts (executables: one walk that may not emit members)
 *            -> body search, raw view   -> file hash -> section and import hashes
 *            -> text types: normalised view, searched again
 *            -> objects inside the bytes (engine/embedded.h)
 *            -> a container? then it waits on the stack, else it is forgotten
 *
 * Which signatures see which view, as clamscan 1.4.6 does (black box, one planted string per
 * target):
 *     text         raw: target 0 only. Normalised: 7 and 0. Target 7 never sees raw text.
 *     HTML         its normalised outputs: 3 and 0 (view_html.c). Raw HTML is not searched by
 *                  clamscan; here it is, with target 0, so that EICAR and friends are found, too.
 *                  Not to be normalised (--scan-html=no): raw: 3 and 0.
 *     mail         raw: 4 and 0. Not normalised: its text is the text of its parts.
 *     HTML by the word of its container alone, or of a kind that clamscan takes for text: as HTML,
 *                  and as the text that its bytes are, because clamscan goes by the bytes.
 *     plain data   raw: 0 and 14.     others: raw, own target and 0.
 *     containers   raw: target 0 only (types.def says SK_TARGET_ANY).
 *
 * Why a container waits: a reader pushes its members into the engine (walk_child), so opening a
 * member's member at once would recurse on input. Why its own bytes do not wait: they are in the
 * cache now.
 *
 * The allow-list needs the digests of all layers up to the object. A layer whose bytes go while
 * descendants still wait is therefore asked before (the size gate makes that cheap).
 */
#include "engine/layer.h"

#include <string.h>

#include "base/late.h"
#include "engine/authenticode.h"
#include "engine/embedded.h"
#include "engine/hashes.h"
#include "engine/links.h"
#include "engine/structured.h"
#include "engine/observe.h"
#include "engine/owed.h"
#include "engine/root.h"
#include "engine/share.h"
#include "engine/view.h"
#include "engine/walk.h"
#include "format/content.h"

struct layer *layer_new(struct sk_scanner *sc, struct layer *parent) {
    struct layer *layer = sc->free;
    if (layer != NULL) {
        sc->free = layer->next;
    } else {
        layer = arena_alloc(&sc->arena, sizeof(*layer));
    }
    if (layer == NULL) {
        return NULL;
    }
    *layer = (struct layer){.parent = parent, .refs = 1, .uses = 1, .type = SK_TYPE_BINARY};
    layer->id = ++sc->layer_ids;
    if (parent != NULL) {
        parent->refs++;
        layer->depth = parent->depth + 1;
        layer->ordinal = parent->child_count;
    }
    return layer;
}

void layer_open_store(struct layer *layer) {
    store_source(&layer->store, &layer->src);
    layer->open = true;
}

void layer_open_slice(struct layer *layer, uint64_t off, uint64_t len) {
    layer->host = layer->parent;
    layer->host->uses++;
    sk_source_init_slice(&layer->src, &layer->host->src, off, len);
    layer->open = true;
}

/* ---- release ------------------------------------------------------------------------------ */

static void close_bytes(struct sk_scanner *sc, struct layer *layer) {
    if (layer->refs > 1) {
        hashes_allow(sc, layer);
    }
    if (layer->open) {
        sk_source_release(&layer->src);
        layer->open = false;
    }
    owed_keep(sc, layer);
    store_release(&layer->store);
}

/* One user of the bytes less; a slice passes on to the layer whose bytes it shared. */
static void unuse(struct sk_scanner *sc, struct layer *layer) {
    while (layer != NULL && --layer->uses == 0) {
        struct layer *host = layer->host;
        close_bytes(sc, layer);
        layer->host = NULL;
        layer = host;
    }
}

void layer_drop(struct sk_scanner *sc, struct layer *layer) {
    unuse(sc, layer);
    while (layer != NULL && --layer->refs == 0) {
        struct layer *parent = layer->parent;
        layer->next = sc->free;
        sc->free = layer;
        layer = parent;
    }
}

void layer_keep(struct sk_scanner *sc, struct layer *layer) {
    sk_err err = sk_ok();
    if (layer->name_len > 0) {
        const char *name = arena_strndup(&sc->arena, layer->name, layer->name_len);
        if (name == NULL) {
            err = sk_fail(SK_E_NOMEM);
            layer->name_len = 0;
        }
        layer->name = name;
    }
    if (!sk_failed(err) && layer->store.pool != NULL) {
        owed_return(sc, layer);
        sk_source_release(&layer->src);
        err = store_keep(&layer->store);
        layer_open_store(layer);
    }
    if (sk_failed(err)) {
        scan_note_error(sc, layer, err);
        layer_drop(sc, layer);
        return;
    }
    layer->next = sc->pending;
    sc->pending = layer;
}

/* ---- looking ------------------------------------------------------------------------------ */

bool layer_bid_is_exe(const struct sk_bid *bid) {
    enum sk_target target = sk_type_target(bid->type);
    return (target == SK_TARGET_PE || target == SK_TARGET_ELF || target == SK_TARGET_MACHO) &&
           (sk_type_flags(bid->type) & SK_TYPE_CONTAINER) == 0;
}

/* The reader of a type, by name alone: its probe has no say. */
static void add_reader(struct layer *layer, enum sk_type type) {
    for (unsigned i = 0; i < layer->bid_count; i++) {
        if (layer->bid[i].type == type && layer->bid[i].bid >= SK_BID_WALK) {
            return;
        }
    }
    for (unsigned i = 0; i < sk_format_count && layer->bid_count < SK_BID_MAX; i++) {
        if (sk_formats[i]->type == type && sk_formats[i]->walk != NULL) {
            layer->bid[layer->bid_count++] = (struct sk_bid){sk_formats[i], type, SK_BID_WALK};
            return;
        }
    }
}

/*
 * File typing of the definitions. It overrides what the readers say where one of its lines fits,
 * and takes nothing away where none does: a layer that ClamAV would no longer know is still opened
 * here. "Ignored", which would hide a layer from the search, is not obeyed.
 */
static enum sk_type typed_by_rules(const struct sk_engine *engine, const struct sk_peek *peek,
                                   enum sk_type type) {
    size_t reach = peek->head_len < RULE_MAGIC_REACH ? peek->head_len : RULE_MAGIC_REACH;
    for (unsigned s = 0; s < engine->segment_count; s++) {
        const struct rules *rules = image_rules(engine->image[s]);
        for (uint32_t i = 0; i < rules->magic_count; i++) {
            const struct rule_magic *m = &rules->magic[i];
            if (m->offset <= reach && m->len <= reach - m->offset &&
                memcmp(&peek->head[m->offset], &rules->text[m->text], m->len) == 0 &&
                m->type != SK_TYPE_IGNORED) {
                type = (enum sk_type)m->type;
            }
        }
    }
    return type;
}

static sk_err identify(struct sk_scanner *sc, struct layer *layer) {
    struct sk_source *src = &layer->src;
    struct sk_peek_tags tags = {0};
    struct sk_peek peek = {.size = src->size, .tags = &tags};
    peek.head = sk_source_at(src, 0, SK_PEEK_HEAD_BYTES, &peek.head_len);
    if (peek.head_len > SK_PEEK_HEAD_BYTES) {
        peek.head_len = SK_PEEK_HEAD_BYTES;
    }
    uint64_t tail = src->size > SK_PEEK_TAIL_BYTES ? src->size - SK_PEEK_TAIL_BYTES : 0;
    peek.tail = sk_source_at(src, tail, SK_PEEK_TAIL_BYTES, &peek.tail_len);
    if (peek.head == NULL || peek.tail == NULL) {
        return sk_failed(src->failed) ? src->failed : sk_fail(SK_E_IO);
    }
    layer->type = SK_TYPE_BINARY;
    layer->bid_count = sk_identify(&peek, layer->bid, &layer->type);
    enum sk_type type = typed_by_rules(sc->engine, &peek, layer->type);
    if (type != layer->type) {
        layer->type = type;
        add_reader(layer, type);
    }
    layer->own = layer->type;
    bool text = sk_type_target(layer->type) == SK_TARGET_TEXT;
    if (text && layer->as == SK_TYPE_ANY && sk_content_is_page(&peek)) {
        layer->as = SK_TYPE_HTML;
    }
    if (layer->as != SK_TYPE_ANY && layer->as != layer->type) {
        bool vague =
            layer->type == SK_TYPE_BINARY || (sk_type_flags(layer->type) & SK_TYPE_TEXTUAL) != 0;
        layer->type = vague ? layer->as : layer->type;
        add_reader(layer, layer->as);
    }
    if (sk_type_is_html(layer->type) || (text && sk_content_has_address(&peek))) {
        add_reader(layer, SK_TYPE_HTML); /* content tells the type, nobody bids */
    }
    layer->own_bids = layer->bid_count;
    return root_settle(&sc->root, layer);
}

static void search_raw(struct sk_scanner *sc, struct layer *layer, const struct sk_exe *exe) {
    uint32_t flags = sk_type_flags(layer->type);
    enum sk_target target = sk_type_target(layer->type);
    if (layer->is_embedded && (flags & SK_TYPE_CONTAINER) != 0) {
        return; /* its bytes were searched with those of the layer they lie in */
    }
    bool normalised = !sc->off[layer->type] && (sc->options.flags & SK_SCAN_NO_NORMALISING) == 0;
    if ((flags & SK_TYPE_TEXTUAL) != 0 && target != SK_TARGET_MAIL &&
        (normalised || target != SK_TARGET_HTML)) {
        target = SK_TARGET_ANY;
    }
    struct view view = {.src = &layer->src, .target = target, .exe = exe};
    if (sk_type_is_html(layer->type)) {
        view.rank = RANK_VIEW_MAX * RANK_NORMALISED;
    }
    view_search(sc, layer, &view);
}

/*
 * HandlerType, as seen with clamscan 1.4.6: a match of such a signature tells nothing, it has the
 * same bytes scanned once more as the type it names; in that scan, which no handler leaves again,
 * the same signature tells of itself. The layers around stay what they were, the raw bytes are
 * searched for target 0 only (HTML and text: normalised as well), and the members the reader of
 * that type finds are members of a layer of that type.
 */
static void scan_as_asked(struct sk_scanner *sc, struct layer *layer) {
    enum sk_type own = layer->type;
    for (unsigned i = 0; i < layer->handler_count; i++) {
        if (sc->stop || !verdict_wants_own(sc, layer)) {
            break;
        }
        layer->handled = true;
        layer->type = layer->handler[i];
        struct view view = {.src = &layer->src, .target = SK_TARGET_ANY};
        view_search(sc, layer, &view);
        view_search_normalised(sc, layer);
        add_reader(layer, layer->type);
    }
    layer->type = own;
}

/* Is there a reader that may find members in this layer? */
static bool is_container(struct sk_scanner *sc, struct layer *layer) {
    if ((sc->options.flags & SK_SCAN_NO_ARCHIVES) != 0) {
        return false;
    }
    bool readable = layer->embedded_count > 0;
    if (layer->bid_count == 0 && (sk_type_flags(layer->type) & SK_TYPE_CONTAINER) != 0) {
        verdict_note(sc, layer, SK_NOTE_FORMAT, sk_type_word(layer->type));
    }
    for (unsigned i = 0; i < layer->bid_count; i++) {
        const struct sk_bid *bid = &layer->bid[i];
        if (bid->bid < SK_BID_WALK || sc->off[bid->type]) {
            continue;
        }
        if (bid->format->walk == NULL || sc->engine->off[bid->type]) {
            if ((sk_type_flags(bid->type) & SK_TYPE_CONTAINER) != 0) {
                verdict_note(sc, layer, SK_NOTE_FORMAT, sk_type_word(bid->type));
            }
        } else if (!layer_bid_is_exe(bid) || layer->facts_children) {
            readable = true;
        }
    }
    return readable;
}

static void search_normalised(struct sk_scanner *sc, struct layer *layer) {
    enum sk_type type = layer->type;
    if (type == SK_TYPE_MAIL) {
        return;
    }
    view_search_normalised(sc, layer);
    if (type != layer->own && (sk_type_flags(layer->own) & SK_TYPE_TEXTUAL) != 0) {
        layer->type = layer->own;
        view_search_normalised(sc, layer);
        layer->type = type;
    }
}

/* Plain data in which file typing of the definitions found something: it is searched as that, too.
 */
static void search_retyped(struct sk_scanner *sc, struct layer *layer) {
    if (layer->retyped == SK_TYPE_ANY || sc->stop || !verdict_wants_own(sc, layer)) {
        return;
    }
    layer->type = layer->retyped;
    add_reader(layer, layer->type);
    layer->own_bids = layer->bid_count;
    search_raw(sc, layer, walk_facts(sc, layer));
    search_normalised(sc, layer);
}

/* Asked before anything is done that would be done once more. */
static bool readers_are_ready(const struct layer *layer) {
    for (unsigned i = 0; i < layer->bid_count; i++) {
        const struct sk_bid *bid = &layer->bid[i];
        if (bid->bid >= SK_BID_WALK && !sk_format_is_ready(bid->format) && late_lacks()) {
            return false;
        }
    }
    return true;
}

bool layer_scan(struct sk_scanner *sc, struct layer *layer) {
    sc->stats.layers++;
    sc->raw_hits.whole = false;
    if (layer->src.size <= LAYER_TINY_BYTES) {
        observe_layer(sc, layer);
        return false;
    }
    sk_err err = identify(sc, layer);
    observe_layer(sc, layer);
    if (sk_failed(err)) {
        scan_note_error(sc, layer, err);
        return false;
    }
    if (!readers_are_ready(layer)) {
        sc->stop = true;
        return false;
    }
    if (share_opens(sc, layer)) {
        return is_container(sc, layer);
    }
    struct arena_mark mark = arena_mark(&sc->walk_arena);
    const struct sk_exe *exe = walk_facts(sc, layer);
    if (exe != NULL) {
        authenticode_look(sc, layer, exe);
    }
    if (verdict_wants_own(sc, layer)) {
        search_raw(sc, layer, exe);
        scan_note_error(sc, layer, hashes_file(sc, layer));
        if (exe != NULL) {
            err = hashes_exe(sc, layer, exe);
            if (err.code == SK_E_LIMIT) {
                verdict_note(sc, layer, SK_NOTE_LIMIT_MATCH, "overlapping sections");
            } else {
                scan_note_error(sc, layer, err);
            }
        }
        search_normalised(sc, layer);
        search_retyped(sc, layer);
        links_check(sc, layer);
        structured_check(sc, layer);
        scan_as_asked(sc, layer);
    }
    if (!sc->stop && (sc->options.flags & SK_SCAN_NO_ARCHIVES) == 0) {
        embedded_look(sc, layer);
    }
    arena_rewind(&sc->walk_arena, mark);
    return !sc->stop && is_container(sc, layer);
}
