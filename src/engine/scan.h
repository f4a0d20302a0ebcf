// SPDX-License-Identifier: Apache-2.0
/*
 * struct sk_scanner and struct layer: the state of one scan, shared by the files of this folder.
 *
 * A layer is the object itself, a member, or a member of a member. Layers form a tree by `parent`;
 * containers that wait to be opened form the stack `pending`. A layer lives while it is looked at,
 * waits, or has descendants that wait (refs); its bytes live while it is looked at, waits, or a
 * waiting slice lies in them (uses).
 *
 * Ownership: layers come from `arena` and are reused through `free`; addresses never move. A name
 * is **borrowed** from the container's reader until layer_keep copies it.
 */
#ifndef SK_ENGINE_SCAN_H
#define SK_ENGINE_SCAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/digest.h"
#include "defs/defset.h"
#include "engine/budget.h"
#include "engine/root.h"
#include "engine/share.h"
#include "engine/store.h"
#include "engine/trials.h"
#include "engine/verdict.h"
#include "format/embedded.h"
#include "format/format.h"
#include "match/matcher.h"
#include "sekisho.h"

/* Layers of at most so many bytes are not looked at, as in ClamAV: nothing fits in them. */
#define LAYER_TINY_BYTES 5u
#define LAYER_NAME_MAX_BYTES ((size_t)1024)
#define LAYER_HANDLER_MAX 4 /* types signatures may ask one layer to be scanned as */

enum layer_picture { LAYER_PICTURE_UNKNOWN = 0, LAYER_PICTURE_NONE, LAYER_PICTURE_HASHED };
enum layer_allowed { LAYER_ALLOWED_UNKNOWN = 0, LAYER_ALLOWED_NO, LAYER_ALLOWED_YES };

struct layer {
    struct layer *parent; /* NULL: the object */
    struct layer *host;   /* whose bytes this slice shares, or NULL */
    struct layer *next;   /* in pending or free */
    const char *name;
    size_t name_len;
    uint64_t id;      /* for an observer; grows */
    unsigned depth;   /* 0: the object */
    uint32_t ordinal; /* among the members of parent, from 0 */
    uint32_t child_count;
    unsigned refs;
    unsigned uses;
    enum layer_allowed allowed;
    enum layer_picture picture;
    /* a program's signature, when it is to be judged; cert_len 0: none */
    uint64_t cert_off, cert_len, checksum_off, cert_dir_off;
    bool cert_blocked;
    uint64_t listed_end;       /* what catalogues are asked about ends here; 0: no program */
    uint64_t picture_hash;     /* when LAYER_PICTURE_HASHED */
    struct layer_icons *icons; /* NULL: nobody asked yet (icons.h) */
    enum sk_type type;
    enum sk_type reader; /* at work on this layer; SK_TYPE_ANY: none */
    enum sk_type as;     /* what its container (or a browser) says it is; SK_TYPE_ANY: nothing */
    enum sk_type own;    /* what its bytes say */
    uint64_t facts;      /* one bit for each enum sk_fact that a reader told */
    unsigned overlaps;   /* members that lie in others */
    unsigned bid_count;
    struct sk_bid bid[SK_BID_MAX];
    unsigned own_bids; /* of bid_count; the rest are readers signatures asked for */
    bool as_other;     /* is being walked as an archive that lies somewhere in it */
    bool handled;      /* is being scanned as what a signature asked for */
    unsigned handler_count;
    enum sk_type handler[LAYER_HANDLER_MAX];
    struct sk_embedded *embedded; /* objects inside the bytes; in the arena of the scan */
    unsigned embedded_count;
    bool is_embedded;     /* one of those of its parent */
    enum sk_type retyped; /* what file typing of the definitions found in it; ANY: nothing */
    bool facts_children;  /* an executable that offered members in its facts walk */
    bool open;            /* src is set */
    struct sk_source src;
    struct store store;
};

_Static_assert(SK_FACT_COUNT <= 64, "layer.facts has a bit for each");

struct layer_icons;
struct known;
struct members;
struct phish;
struct owed;

struct sk_engine {
    struct defset *set;
    unsigned segment_count;
    const struct image *image[MATCH_SEGMENT_MAX];
    const struct mt_segment *segment[MATCH_SEGMENT_MAX];
    bool off[SK_TYPE_COUNT]; /* no reader for this type (switches.h) */
    uint32_t without;        /* WITHOUT_* (switches.h) */
};

/* What the search of the raw bytes of the layer that is being looked at found for any target
 * (view.c). */
struct raw_hits {
    struct match_hit *item;
    size_t count;
    size_t cap;
    bool whole; /* false: not all is known */
};

struct sk_scanner {
    struct sk_engine *engine;
    struct sk_options options;
    bool off[SK_TYPE_COUNT]; /* readers the options leave out */
    struct budget budget;
    struct arena arena;      /* layers, findings, notes: cleared between objects */
    struct arena walk_arena; /* what readers ask for: rewound after each walk */
    struct store_pool pool;
    struct root root; /* where the bytes of the object come from */
    struct matcher *matcher;
    struct raw_hits raw_hits;
    struct digester *digester;
    struct members *members; /* NULL: no rules about members */
    struct phish *phish;
    struct owed *owed;   /* digests put off; NULL: not on this machine */
    struct known *known; /* objects without findings; NULL: nothing is remembered */
    struct share share;
    struct verdict verdict;
    struct trials trials;
    struct buf text; /* for names and paths being put together */
    struct layer *pending;
    struct layer *free;
    uint64_t layer_ids; /* given out so far */
    struct sk_stats stats;
    uint64_t steps; /* of the matcher, for each layer */
    bool stop;      /* a limit of the whole object was reached: nothing further is looked at */
};

/* Say it and look at nothing further. */
void scan_stop(struct sk_scanner *sc, struct layer *layer, enum sk_note note);
/* False (and noted) when time is over. */
bool scan_time_left(struct sk_scanner *sc, struct layer *layer);
/* The note for an error that came from below; SK_OK and SK_E_STOP say nothing. */
void scan_note_error(struct sk_scanner *sc, struct layer *layer, sk_err err);

#endif
