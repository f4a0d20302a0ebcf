// SPDX-License-Identifier: Apache-2.0
/*
 * What counts as a host, as seen with clamscan 1.4.6: archives and disk images inside anything but
 * another archive; programs inside a program, or within the first kilobyte of data, HTML, a class
 * file or a compound file. An image of a disk is a host for what lies beside its partitions.
 *
 * A find is not searched for further ones: its parent's pass went over the same bytes, so whatever
 * lies inside is on the parent's list already, and a file of nested programs stays linear.
 */
#include "engine/embedded.h"

#include <string.h>

#include "base/mem.h"
#include "engine/root.h"
#include "engine/verdict.h"

bool embedded_host(enum sk_type type) {
    bool disk = type == SK_TYPE_MBR || type == SK_TYPE_GPT || type == SK_TYPE_APM;
    return (sk_type_flags(type) & SK_TYPE_CONTAINER) == 0 || type == SK_TYPE_OLE2 ||
           type == SK_TYPE_PDF || type == SK_TYPE_RTF || type == SK_TYPE_SWF || disk;
}

static uint64_t program_reach(enum sk_type type) {
    switch (type) {
    case SK_TYPE_PE:
        return UINT64_MAX;
    case SK_TYPE_BINARY:
    case SK_TYPE_HTML:
    case SK_TYPE_HTML_UTF16:
    case SK_TYPE_JAVA:
    case SK_TYPE_OLE2:
        return EMBEDDED_REACH_BYTES;
    default:
        return 0;
    }
}

/* Their bytes are searched as bytes of the layer, but nobody opens them. */
static void note_left_out(struct sk_scanner *sc, struct layer *layer) {
    verdict_note(sc, layer, SK_NOTE_LIMIT_FILES, "objects inside its bytes");
}

/* Room for one more; NULL: no memory. The caller has counted. */
static struct sk_embedded *room(struct sk_scanner *sc, struct layer *layer) {
    if (layer->embedded == NULL) {
        layer->embedded = arena_zalloc(&sc->arena, EMBEDDED_MAX, sizeof(*layer->embedded));
        if (layer->embedded == NULL) {
            verdict_note(sc, layer, SK_NOTE_LIMIT_MEMORY, NULL);
            return NULL;
        }
    }
    return &layer->embedded[layer->embedded_count];
}

static void add(struct sk_scanner *sc, struct layer *layer, struct sk_embedded find) {
    unsigned same = 0;
    for (unsigned i = 0; i < layer->embedded_count; i++) {
        if (layer->embedded[i].off == find.off) {
            return;
        }
        same += layer->embedded[i].type == find.type;
    }
    if (same >= EMBEDDED_PER_TYPE_MAX || layer->embedded_count >= EMBEDDED_MAX) {
        note_left_out(sc, layer);
        return;
    }
    struct sk_embedded *slot = room(sc, layer);
    if (slot != NULL) {
        *slot = find;
        layer->embedded_count++;
    }
}

/* The reader sfx finds the archives of programs by their headers. */
static bool has_own_search(const struct layer *layer) {
    for (unsigned i = 0; i < layer->bid_count; i++) {
        if (strcmp(layer->bid[i].format->name, "sfx") == 0) {
            return true;
        }
    }
    return false;
}

struct looking {
    struct sk_scanner *sc;
    struct layer *layer;
};

static bool on_tick(void *ctx) {
    struct looking *l = ctx;
    return scan_time_left(l->sc, l->layer);
}

void embedded_look(struct sk_scanner *sc, struct layer *layer) {
    bool textual = (sk_type_flags(layer->type) & SK_TYPE_TEXTUAL) != 0;
    if (layer->is_embedded || !embedded_host(layer->type) ||
        (textual && !sk_type_is_html(layer->type))) {
        return;
    }
    struct looking ctx = {sc, layer};
    struct sk_embedded found[EMBEDDED_MAX];
    struct sk_embedded_job job = {.src = &layer->src,
                                  .program_reach = program_reach(layer->type),
                                  .archives = !has_own_search(layer),
                                  .seen = root_seen(sc, layer),
                                  .tick = on_tick,
                                  .ctx = &ctx,
                                  .out = found};
    scan_note_error(sc, layer, sk_embedded_find(&job));
    for (unsigned i = 0; i < job.count; i++) {
        add(sc, layer, found[i]);
    }
    if (job.left_out) {
        note_left_out(sc, layer);
    }
}

/* The kind of archive behind a stub, which is how ClamAV calls what begins in the middle. */
static enum sk_type bare_type(enum sk_type type) {
    switch (type) {
    case SK_TYPE_ZIPSFX:
        return SK_TYPE_ZIP;
    case SK_TYPE_RARSFX:
        return SK_TYPE_RAR;
    case SK_TYPE_SEVENZIP_SFX:
        return SK_TYPE_SEVENZIP;
    case SK_TYPE_CABSFX:
        return SK_TYPE_CAB;
    case SK_TYPE_ARJSFX:
        return SK_TYPE_ARJ;
    default:
        return type;
    }
}

/*
 * Seen with clamscan 1.4.6: an archive behind something is opened wherever it is; other types make
 * the whole layer one of that type when they stand in the first kilobyte of plain data.
 */
static void typed(struct sk_scanner *sc, struct layer *layer, uint64_t off, enum sk_type type) {
    bool archive = (sk_type_flags(type) & SK_TYPE_CONTAINER) != 0 && !embedded_host(type);
    bool program = type == SK_TYPE_PE && off < program_reach(layer->type);
    if (off > 0 && off < layer->src.size && (archive || program)) {
        add(sc, layer, (struct sk_embedded){off, layer->src.size - off, type});
    }
    if (!archive && layer->type == SK_TYPE_BINARY && off < EMBEDDED_REACH_BYTES) {
        layer->retyped = type;
    }
}

void embedded_hit(struct sk_scanner *sc, struct layer *layer, const struct embedded_hit *hit) {
    enum sk_type required = (enum sk_type)hit->tells->max;
    if (layer->is_embedded || !embedded_host(layer->type) || hit->tells->min >= SK_TYPE_COUNT ||
        (required != SK_TYPE_ANY && required != layer->type)) {
        return;
    }
    struct match_trial *trial = mem_zalloc(1, sizeof(*trial));
    if (trial == NULL) {
        verdict_note(sc, layer, SK_NOTE_LIMIT_MEMORY, NULL);
        return;
    }
    if (!sk_failed(matcher_explain(sc->matcher, hit->match, &hit->which, trial))) {
        for (unsigned i = 0; trial->sub_count > 0 && i < trial->sub[0].offset_count; i++) {
            typed(sc, layer, trial->sub[0].offset[i], bare_type((enum sk_type)hit->tells->min));
        }
    }
    mem_free(trial);
}

const char *embedded_name(enum sk_type type) {
    return type == SK_TYPE_PE ? "embedded program" : "embedded archive";
}
