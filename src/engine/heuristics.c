// SPDX-License-Identifier: Apache-2.0
/*
 * The rows of heuristics.def against what was just told. Readers know nothing of names or switches;
 * this file knows nothing of formats.
 *
 *     reader --walk_note, walk_fact--> [row: note or fact, reader's type] --switch on-->
 * verdict_find
 *
 * Seen with clamscan 1.4.6 (black box, one file a question):
 *   - an alert by a switch (encrypted, macros, broken, limits) does not need heuristic-alerts;
 *     without it the alert is like any other finding (first come, first told), with it the alert
 *     waits until the end and is told only when nothing else was found. Here it always waits: what
 *     else is found is the better name.
 *   - an encrypted member of a ZIP is told also when a password of the definitions opens it.
 *   - a ZIP inside a self-extracting program is told as a ZIP: hence the type of the reader, not of
 *     the layer.
 *   - allow-lists (fp) clear a heuristic finding as any other; ignore lists (ign2) do not there,
 * and do here: what a list names is not told.
 *   - a limit that cuts a scan is told for the object, in all-match mode behind what was found.
 */
#include "engine/heuristics.h"

#include <string.h>

enum heuristic_flag { EARLY = 1, VALUE = 2, DENSE = 4 };
enum heuristic_source { FROM_NOTE, FROM_FACT };

struct heuristic_row {
    enum heuristic_source source;
    int what; /* enum sk_note or enum sk_fact */
    enum sk_type type;
    uint32_t gate;
    const char *name;
    unsigned flags;
};

#define ON_NOTE(note, type, gate, name, flags)                                                     \
    {FROM_NOTE, SK_NOTE_##note, SK_TYPE_##type, gate, name, flags},
#define ON_FACT(fact, type, gate, name, flags)                                                     \
    {FROM_FACT, SK_FACT_##fact, SK_TYPE_##type, gate, name, flags},
static const struct heuristic_row ROWS[] = {
#include "engine/heuristics.def"
};
#undef ON_NOTE
#undef ON_FACT

void heuristics_find(struct sk_scanner *sc, struct layer *layer, const char *name) {
    struct verdict_hit hit = {.offset = UINT64_MAX, .rank = RANK_HEURISTIC, .text = name};
    verdict_find(sc, layer, &hit);
}

/* Who told it: the reader at work on the layer, else the one that handed the layer over. */
static enum sk_type teller(const struct layer *layer) {
    if (layer->reader != SK_TYPE_ANY || layer->parent == NULL) {
        return layer->reader;
    }
    return layer->parent->reader;
}

static bool is_on(const struct sk_scanner *sc, const struct heuristic_row *row) {
    return row->gate != 0 ? (sc->options.alerts & row->gate) != 0
                          : (sc->options.flags & SK_SCAN_NO_HEURISTICS) == 0;
}

static bool is_word(struct sk_bytes value) {
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_') {
            return false;
        }
    }
    return value.len > 0;
}

static void tell(struct sk_scanner *sc, struct layer *layer, const struct heuristic_row *row,
                 struct sk_bytes value) {
    char name[VERDICT_NAME_MAX_BYTES];
    struct verdict_hit hit = {.offset = UINT64_MAX,
                              .rank = RANK_HEURISTIC,
                              .text = row->name,
                              .early = (row->flags & EARLY) != 0};
    if ((row->flags & VALUE) != 0) {
        size_t len = strlen(row->name);
        if (!is_word(value) || value.len >= sizeof(name) - len) {
            return; /* not one of the words the reader promises */
        }
        memcpy(name, row->name, len);
        memcpy(name + len, value.ptr, value.len);
        name[len + value.len] = '\0';
        hit.text = name;
    }
    if ((row->flags & DENSE) != 0 && ++layer->overlaps != HEURISTICS_DENSE) {
        return;
    }
    verdict_find(sc, layer, &hit);
}

static void ask(struct sk_scanner *sc, struct layer *layer, const struct heuristic_row *told,
                struct sk_bytes value) {
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        const struct heuristic_row *row = &ROWS[i];
        if (row->source == told->source && row->what == told->what && is_on(sc, row) &&
            (row->type == SK_TYPE_ANY || row->type == told->type)) {
            tell(sc, layer, row, value);
        }
    }
}

void heuristics_note(struct sk_scanner *sc, struct layer *layer, enum sk_note note) {
    if (layer != NULL && sc->options.alerts != 0) {
        struct heuristic_row told = {FROM_NOTE, (int)note, teller(layer), 0, NULL, 0};
        ask(sc, layer, &told, (struct sk_bytes){NULL, 0});
    }
}

void heuristics_fact(struct sk_scanner *sc, struct layer *layer, enum sk_fact fact,
                     struct sk_bytes value) {
    struct heuristic_row told = {FROM_FACT, (int)fact, teller(layer), 0, NULL, 0};
    ask(sc, layer, &told, value);
}
