// SPDX-License-Identifier: Apache-2.0
/*
 * walktest: the engine's side of format.h for tests and fuzz targets: it records what a format
 * says instead of scanning it. Tests link this instead of src/engine.
 *
 * Life cycle: walktest_init, set options, walktest_run (records add up), look, walktest_release.
 * Ownership: the recorder owns everything it recorded. Memory of the recorder comes from malloc,
 * not from base/mem.h, so that mem_fault_set counts only the allocations of the code under test
 * (the blocks of the arena among them).
 */
#ifndef SK_TESTS_WALKTEST_H
#define SK_TESTS_WALKTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "format/format.h"

#define WALKTEST_KEEP_BYTES ((size_t)4096)

struct walktest_child {
    char *name; /* NUL added; NULL when the format gave none */
    size_t name_len;
    uint64_t packed_size;
    uint64_t size;  /* as stated */
    uint32_t crc32; /* as stated */
    uint32_t index;
    bool encrypted;
    enum sk_type as;
    bool is_slice;
    bool has_data;                     /* a stream was given */
    uint64_t got_bytes;                /* what could be read, from stream or slice */
    uint32_t got_crc32;                /* CRC-32 of these bytes */
    sk_err data_err;                   /* how the stream ended */
    uint8_t head[WALKTEST_KEEP_BYTES]; /* first min(got_bytes, WALKTEST_KEEP_BYTES) bytes */
};

struct walktest_view {
    enum sk_target target;
    uint8_t *bytes; /* whole */
    size_t len;
};

struct walktest_fact {
    enum sk_fact fact;
    char *value; /* NUL added; NULL: none */
    size_t value_len;
};

struct walktest {
    /* Options, set after init. */
    uint32_t stop_after_children; /* walk_child answers SK_E_STOP from this child on; 0: never */
    uint64_t stop_after_ticks;    /* the same for walk_tick; 0: never */
    uint64_t child_max_bytes;     /* read no more than this of a child; default 256 MiB */
    size_t read_chunk_bytes;      /* cap of each stream read; default 64 KiB */
    size_t arena_ceiling_bytes;   /* default 64 MiB */
    /* Record. */
    struct walktest_child *child;
    size_t child_count;
    size_t child_cap;
    uint32_t note[SK_NOTE_COUNT]; /* how often; data errors of children count as the engine does */
    char last_detail[256];
    struct walktest_view *view;
    size_t view_count;
    struct walktest_fact *fact;
    size_t fact_count;
    bool has_type;
    enum sk_type type;
    /* Facts of walk_exe, deep copied. */
    bool has_exe;
    struct sk_exe exe;
    uint64_t ticks;
    unsigned uneven;      /* calls of walk_uneven */
    uint64_t child_bytes; /* sum over all children */
};

void walktest_init(struct walktest *t);
/* Walk whole-in-memory bytes; returns what walk returned. */
sk_err walktest_run(struct walktest *t, const struct sk_format *format, const void *bytes,
                    size_t len);
/* The same behind a read function, so that windows are exercised. */
sk_err walktest_run_windowed(struct walktest *t, const struct sk_format *format, const void *bytes,
                             size_t len);
sk_err walktest_run_source(struct walktest *t, const struct sk_format *format,
                           struct sk_source *src);
/* First child of that name, or NULL. */
const struct walktest_child *walktest_find(const struct walktest *t, const char *name);
/* True when a child of that name (NULL: any name) gave exactly these bytes. */
bool walktest_has(const struct walktest *t, const char *name, const void *bytes, size_t len);
/* True when the walk told this fact with this value (NULL: any value, or none). */
bool walktest_told(const struct walktest *t, enum sk_fact fact, const char *value);
/* Bid of a format on whole bytes, with the peek the engine would make. */
int walktest_bid(const struct sk_format *format, const void *bytes, size_t len,
                 enum sk_type *out_type);
void walktest_release(struct walktest *t);

#endif
