// SPDX-License-Identifier: Apache-2.0
/*
 * The dialog between a pool and one scanning worker.
 *
 *   worker                                pool
 *   READY (or FAILED, and it ends)  --->
 *                                  <---   SCAN + descriptor          (several may be under way)
 *   [SHARED]                        --->
 *   [LAYER BYTES* FACT REMARK RETYPED]* FINDING* NOTE* (TRIAL HITS*)*
 *   [STATS] DONE, or OWES, or LACKS --->                             (in any order of objects)
 * What stands in brackets only when the pool was told to observe (sekisho.h, struct sk_observer).
 *
 * OWES: the object is scanned, its report waits for digests (sk_scan_ahead) and the worker turns to
 * the next one. A second OWES: the report does not stand, the worker turns to the object again.
 * What belongs to one object comes without anything of another in between, OWES aside. Nothing
 * waits when the pool observes.
 *
 * SHARED: asked whether it would share the object, the worker begins with share 0; the pool gives
 * the others to other workers. Without it the answer is about the whole object.
 *
 * LACKS: a late part (base/late.h) that this worker did not load is needed for the object; nothing
 * is said about it, before or after. Only of a worker that was started without them.
 *
 * A packet holds several messages of either side; SHARED is the last of its packet. The worker
 * takes objects in the order in which they were sent: it speaks of one only when those before it
 * have been answered or put aside (OWES).
 *
 * The pool closes its end to end the worker.
 */
#ifndef SK_WIRE_SCAN_H
#define SK_WIRE_SCAN_H

#include "wire/message.h"

enum scan_sender { SCAN_FROM_POOL = 1u, SCAN_FROM_WORKER = 2u };
enum scan_state { SCAN_STARTING = 1u, SCAN_IDLE = 2u, SCAN_BUSY = 4u };

#define SCAN_PATH_MAX 4096u
#define SCAN_NAME_MAX 512u
#define SCAN_WORD_MAX 64u
#define SCAN_DETAIL_MAX 1024u
#define SCAN_ALIKE_BYTES 32u
#define SCAN_SHARES_MAX 16u

/* How the worker's own memory is counted in READY and DONE: bytes held by its allocator. */
struct scan_request {
    uint64_t id;
    uint32_t share;  /* index of the share; 0 too when the worker is asked whether it will share */
    uint32_t shares; /* 0: the whole object */
};
struct scan_ready {
    uint32_t sandbox_held; /* bits, see os/sandbox.h */
    uint32_t landlock_abi;
    uint64_t private_bytes;
};
struct scan_shared {
    uint64_t id;
};
struct scan_owes {
    uint64_t id;
};
struct scan_lacks {
    uint64_t id;
};
struct scan_failed {
    const char *why;
};
struct scan_finding {
    uint64_t id;
    uint64_t offset;
    const char *name;
    const char *layer;
    const char *layer_type;
    uint64_t trial;
};
struct scan_note {
    uint64_t id;
    uint32_t incomplete;
    const char *word;
    const char *text;
    const char *layer;
    const char *detail; /* or NULL */
};
/* A row of sk_report.trials; the HITS that follow are its subsignatures in order. */
struct scan_trial {
    uint64_t id;
    const char *layer;
    const char *layer_type;
    const char *view;
    uint32_t segment;
    uint32_t signature;
    uint32_t of_target;
    uint32_t limited;
    uint32_t holds;
    uint64_t failed_attributes;
};
#define SCAN_HITS_OFFSETS 8u
struct scan_hits {
    uint64_t id;
    uint64_t count;
    uint32_t offset_count;
    uint64_t offset[SCAN_HITS_OFFSETS];
};

/* What an observer is told; see sekisho.h. */
#define SCAN_LAYER_NAME_MAX 1024u
#define SCAN_VALUE_MAX 8192u
#define SCAN_BYTES_MAX 16000u
struct scan_layer {
    uint64_t id;
    uint64_t layer;
    uint64_t parent;
    uint64_t size;
    uint32_t opened;
    uint32_t view;
    struct sk_bytes name;
    const char *type;
    struct sk_bytes digests; /* MD5, SHA-1, SHA-256, one behind the other */
};
struct scan_bytes {
    uint64_t id;
    uint64_t layer;
    struct sk_bytes bytes;
};
struct scan_fact {
    uint64_t id;
    uint64_t layer;
    uint32_t has_value;
    const char *word;
    struct sk_bytes value;
};
struct scan_remark { /* a note of one layer */
    uint64_t id;
    uint64_t layer;
    uint32_t incomplete;
    const char *word;
    const char *text;
    const char *path;
    const char *detail; /* or NULL */
};
struct scan_retyped {
    uint64_t id;
    uint64_t layer;
    const char *type;
};
struct scan_done {
    uint64_t id;
    uint32_t result;  /* as sk_scan_fd returned it; 0: the rest is valid */
    uint32_t verdict; /* enum sk_verdict */
    uint32_t complete;
    uint32_t depends_on_place;
    const char *type;
    uint64_t layers;
    uint64_t bytes_scanned;
    uint64_t bytes_read;
    struct sk_bytes alike; /* of a share: SCAN_ALIKE_BYTES */
    uint64_t private_bytes;
};

/* Sums since the worker started; see struct sk_stats. */
struct scan_stats {
    uint64_t value[13];
};

union scan_record {
    struct scan_request request;
    struct scan_ready ready;
    struct scan_failed failed;
    struct scan_owes owes;
    struct scan_lacks lacks;
    struct scan_shared shared;
    struct scan_finding finding;
    struct scan_note note;
    struct scan_trial trial;
    struct scan_hits hits;
    struct scan_done done;
    struct scan_stats stats;
    struct scan_layer layer;
    struct scan_bytes bytes;
    struct scan_fact fact;
    struct scan_remark remark;
    struct scan_retyped retyped;
};

enum scan_message {
    SCAN_REQUEST = 1,
    SCAN_READY,
    SCAN_FAILED,
    SCAN_FINDING,
    SCAN_NOTE,
    SCAN_DONE,
    SCAN_STATS,
    SCAN_TRIAL,
    SCAN_HITS,
    SCAN_LAYER,
    SCAN_BYTES,
    SCAN_FACT,
    SCAN_REMARK,
    SCAN_RETYPED,
    SCAN_OWES,
    SCAN_SHARED,
    SCAN_LACKS
};

extern const struct wire_table scan_dialog;

#endif
