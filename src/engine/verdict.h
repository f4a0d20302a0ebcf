// SPDX-License-Identifier: Apache-2.0
/*
 * struct verdict: what a scan found and what it could not look at; at the end, the report.
 *
 * Life cycle: verdict_start -> verdict_find, verdict_note... -> verdict_report. Findings are put in
 * ClamAV's order; without SK_SCAN_ALL_MATCHES only the first stays. Ownership: texts live in the
 * arena of the scan; the report is **borrowed** until verdict_start.
 * Errors: none. Memory that runs out costs texts, never the verdict: one finding and every kind of
 * note have a place of their own.
 */
#ifndef SK_ENGINE_VERDICT_H
#define SK_ENGINE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/note.h"
#include "sekisho.h"

#define VERDICT_NOTE_MAX 64
#define VERDICT_FINDING_MAX 4096u
#define VERDICT_PATH_MAX_BYTES ((size_t)4096)
#define VERDICT_NAME_MAX_BYTES ((size_t)512)

struct image;
struct layer;
struct sk_scanner;

#define RANK_VIEW_MAX 4u /* the last view of a layer, counted from 0 */

/* Where in a layer something was found; ClamAV's order. */
enum verdict_rank {
    RANK_PLAIN = 0,    /* body signature of the layer's target */
    RANK_PLAIN_ANY,    /* body signature of target 0 */
    RANK_HASH,         /* of the whole layer */
    RANK_LOGICAL,      /* logical signature of the layer's target */
    RANK_LOGICAL_ANY,  /* logical signature of target 0 */
    RANK_PLAIN_LATE,   /* plain data: its own target comes after target 0 */
    RANK_LOGICAL_LATE, /* the same, logical */
    RANK_SECTION,      /* hash of a section */
    RANK_IMPORTS,
    RANK_NORMALISED, /* added to the rank for each view that comes before */
    RANK_HEURISTIC = (RANK_VIEW_MAX + 1) * RANK_NORMALISED + 1 /* what readers told of the layer */
};

struct verdict_hit {
    const struct image *image;
    uint32_t name;
    uint64_t offset; /* UINT64_MAX: the whole layer */
    unsigned rank;
    const char *text; /* the name itself, instead of image and name; or NULL */
    bool early;       /* known before the members of the layer: comes before them */
    size_t trial;     /* as in struct sk_finding */
};

struct finding {
    struct sk_finding shown;
    const uint32_t *key; /* ordinals from the object down to the layer */
    unsigned key_len;
    unsigned rank;
    uint32_t name_hash;   /* set when it goes to a list */
    bool early;           /* before what is inside the layer */
    struct finding *next; /* in its bucket */
};

#define VERDICT_BUCKETS 256u
struct finding_list {
    struct finding *bucket[VERDICT_BUCKETS]; /* by name_hash */
    struct finding **item;
    size_t count;
    size_t cap;
};

struct verdict {
    struct finding_list strong;
    struct finding_list unwanted; /* PUA, heuristics: shown after the strong ones, unless
                                     SK_SCAN_HEURISTICS_FIRST */
    struct finding spare;         /* for the finding there was no memory for */
    char spare_name[VERDICT_NAME_MAX_BYTES];
    bool spare_used;
    bool allowed; /* something was cleared by an allow-list */
    bool incomplete;
    bool depends_on_place;
    struct sk_note_entry note[VERDICT_NOTE_MAX + SK_NOTE_COUNT];
    size_t note_count;
    bool noted[SK_NOTE_COUNT];
    struct sk_report report;
};

void verdict_start(struct sk_scanner *sc);
/* Something matched in this layer: looks at ignore and allow lists and keeps it or not. */
void verdict_find(struct sk_scanner *sc, struct layer *layer, const struct verdict_hit *hit);
/* "a.zip!b"; "" for the object and when there is no memory for it. In the arena of the scan. */
const char *verdict_layer_path(struct sk_scanner *sc, const struct layer *layer);
/* detail may be NULL. */
void verdict_note(struct sk_scanner *sc, struct layer *layer, enum sk_note note,
                  const char *detail);
/* May anything inside this layer still change the report? False only in first-match mode. */
bool verdict_wants(const struct sk_scanner *sc, const struct layer *layer);
/* The same for what matches in the layer's own bytes. */
bool verdict_wants_own(const struct sk_scanner *sc, const struct layer *layer);
/* Will the report say "clean" and nothing else? */
bool verdict_is_plain(const struct sk_scanner *sc);
const struct sk_report *verdict_report(struct sk_scanner *sc, struct layer *root);

#endif
