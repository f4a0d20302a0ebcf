// SPDX-License-Identifier: Apache-2.0
/*
 * The floors under the engine, made of cardboard: formats whose members do what a test asks for,
 * definitions and a matcher that are plain tables. Linked instead of format, defs and match.
 *
 * A box (container) is bytes: "BOX1", then members:
 *     u8 kind, u8 name length, u32 content length, u32 argument, name, content
 * so that boxes nest by putting the bytes of one into another.
 */
#ifndef SK_TESTS_ENGINE_FAKE_H
#define SK_TESTS_ENGINE_FAKE_H

#include "base/buf.h"
#include "engine/scan.h"

enum fake_kind {
    FAKE_PLAIN = 0,  /* a stream of the content */
    FAKE_SLICE,      /* a part of the box, in place */
    FAKE_ENCRYPTED,  /* no data, with a note */
    FAKE_SILENT,     /* no data and no note: a reader's mistake */
    FAKE_BROKEN,     /* content, then SK_E_FORMAT */
    FAKE_BOMB,       /* the content over and over, `argument` times */
    FAKE_CLAIM,      /* states `argument` MiB as its size, gives the content */
    FAKE_SLOW,       /* reading costs `argument` seconds of the fake clock */
    FAKE_UNREADABLE, /* content, then SK_E_IO */
    FAKE_BOX_BROKEN, /* not a member: walk ends with SK_E_FORMAT here */
    FAKE_BOX_TICK,   /* not a member: walk_tick until it says stop */
    FAKE_METHOD,     /* SK_E_UNSUPPORTED at once */
    FAKE_AS,         /* content that the box says is of type `argument` */
    FAKE_VIEW,       /* not a member: the content is a view for target `argument` */
    FAKE_FACT,       /* not a member: fact `argument`, the content is its value */
};

struct fake_sig {
    const char *text;
    const char *name;
    enum sk_target target;
    bool logical;
};

struct fake_hash {
    enum hs_role role;
    enum hs_algo algo;
    uint32_t size;
    uint8_t digest[32];
    const char *name;
};

struct fake_world {
    const struct fake_sig *sig;
    unsigned sig_count;
    struct fake_hash hash[8];
    unsigned hash_count;
    const char *ignored; /* one name */
    sk_err match_err;    /* what matcher_scan returns when it is done */
    bool match_reads_all;
    unsigned glanced;      /* scans that had bytes to look at beside those to read */
    void (*on_look)(void); /* before they are looked at, or NULL */
    bool near_miss;
    uint64_t match_ticks; /* ask the budget so often */
    unsigned matched;     /* calls of matcher_scan */
    unsigned repeated;    /* of matcher_repeat */
    uint64_t icon_off[8]; /* what pe_icons finds, and how it ends */
    unsigned icon_count;
    sk_err icons_fail;
    unsigned icons_asked;
    enum sk_target target[256];
    enum sk_type container[256];
    bool exe[256];
    uint64_t clock_ms;
    struct rules rules; /* of the definitions; set it before the scanner is made */
};

extern struct fake_world fake;

void fake_reset(const struct fake_sig *sig, unsigned count);
/* This signature asks for its layer to be scanned as a type. */
void fake_handler(unsigned sig, enum sk_type type);
/* A hash entry for these bytes. */
void fake_hash(enum hs_role role, enum hs_algo algo, const void *bytes, size_t len,
               const char *name);
/* An engine over the fake world; one at a time. */
struct sk_engine *fake_engine(void);
uint64_t fake_clock(void);

void box_begin(struct buf *box);
void box_add(struct buf *box, enum fake_kind kind, const char *name, const struct buf *content,
             uint32_t argument);
void box_add_text(struct buf *box, enum fake_kind kind, const char *name, const char *content,
                  uint32_t argument);

#endif
