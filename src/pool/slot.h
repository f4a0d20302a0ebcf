// SPDX-License-Identifier: Apache-2.0
/*
 * struct slot: one worker as the parent sees it, with the objects it was given.
 *
 *          slot_start            READY               slot_give / answers
 *   DOWN ------------> STARTING --------> UP  ------------------------------+
 *     ^                   | FAILED, death | death, hang, broken dialog,     |
 *     +-------------------+---------------+ recycled <---------------------+
 *
 * Objects wait in order; the first `sent` of them are with the worker. It answers in any order,
 * because reports may wait for digests (OWES). When a worker is lost, the object it was at is
 * blamed and answered as worker-died: the one that its word says (os/spawn.h), or if it has no such
 * object or gathers nothing, the one it had begun to tell of, else the oldest it had not put aside.
 * The others go to the next worker, also those whose answers were gathered and not yet sent.
 * Descriptors stay open until their object is answered, for that.
 *
 * Words out of place do not say at which object they were spoken while answers are gathered. So a
 * worker that breaks the dialog then, and is at another object than the oldest it has not answered,
 * is replaced without a result; its successors gather nothing.
 *
 * So many objects are sent ahead that a worker has digests to take side by side, and always more
 * than a packet or two beside the 48 that may owe them: when nothing waits, it takes those of few
 * messages (with 64 in all that happened 240 times in 5,334 small files, with 128 forty times). But
 * beyond SLOT_AHEAD they are sent only as long as those waiting are small: what waits with one
 * worker is not given to another that has become idle. Objects that are scanned and wait for
 * digests do not count: large ones are in the lanes for long, and with few beside them the lanes
 * were half empty. A large object is not sent ahead: when its turn comes, workers that are idle
 * then may share it (split.h).
 *
 * The first child is a lean one, without the late parts (base/late.h), because most scans need none
 * of them. When it lacks one for an object (LACKS), it is sent nothing more, and ended when it has
 * answered what it has; its successors have all parts. So that costs one start of a worker, once.
 *
 * Internal to the pool floor. Ownership: the slot owns the child, the spool file and queued
 * descriptors; results are **borrowed** for the call of `answered`.
 */
#ifndef SK_POOL_SLOT_H
#define SK_POOL_SLOT_H

#include "os/closing.h"
#include "os/spawn.h"
#include "pool/gather.h"
#include "pool/split.h"
#include "pool/worker.h"
#include "wire/frame.h"

#define SLOT_DEPTH 128u
#define SLOT_DEPTH_MIN 16u /* where few descriptors may be open */
#define SLOT_AHEAD 8u
#define SLOT_BATCH 16u /* objects that are sent as soon as so many wait */
#define SLOT_AHEAD_BYTES ((uint64_t)32 << 20)

enum slot_state { SLOT_DOWN, SLOT_STARTING, SLOT_UP };

struct slot_item {
    uint64_t id;
    uint64_t tag;
    uint64_t size;
    struct split *split; /* it is offered for sharing, or shared; NULL: neither */
    int fd;
    uint8_t share; /* which */
    bool alone;    /* not to be shared any more */
    bool owes;     /* scanned, the answer waits */
    bool again;    /* had owed, and is being scanned once more */
};

struct slot {
    enum slot_state state;
    struct spawn_child child;
    struct worker_start start; /* of the next child */
    bool lean;                 /* this child was started without late parts */
    struct slot_item item[SLOT_DEPTH];
    struct closing done; /* descriptors of what is answered, until slot_pull returns */
    unsigned count, sent;
    unsigned depth;        /* at most so many */
    unsigned open;         /* of `count`: those that do not owe */
    uint64_t open_bytes;   /* their sizes */
    unsigned helpers;      /* workers with nothing to do, as the pool last said */
    uint64_t shared;       /* id of the item whose shares the pool has yet to give out, or 0 */
    uint64_t next_id;      /* of the next item */
    unsigned cached_row;   /* objects in a row that were found in the page cache */
    unsigned unasked;      /* since one was looked for there */
    uint64_t speaking;     /* id of the item whose findings or notes have begun to come, or 0 */
    uint64_t oldest_since; /* ms: when the worker turned to what it is doing */
    uint64_t files;        /* answered by this child */
    uint64_t scanned;      /* by this child: answered or put aside */
    uint64_t scanned_then; /* when slot_busy_us was asked last, and when that was */
    uint64_t then_us;
    uint64_t base_bytes; /* its memory at READY */
    uint64_t last_bytes;
    bool retire;                   /* end this child when it has answered what it has */
    unsigned failed_starts;        /* children in a row that ended without having had an object */
    char why[SCAN_DETAIL_MAX + 1]; /* of the last FAILED */
    struct sandbox_state sandbox;
    struct gather gather;
    struct scan_stats stats; /* of this child */
    struct scan_stats past;  /* of those before it */
    uint64_t deaths;
};

void slot_init(struct slot *slot, const struct pool_options *options);
void slot_release(struct slot *slot);
/* Fork a child if there is none. */
sk_err slot_start(struct slot *slot);
bool slot_has_room(const struct slot *slot);
/* Queue an object (takes fd); the caller has checked slot_has_room. It is sent at once when the
 * worker has nothing, else with others, by slot_push at the latest. */
void slot_give(struct slot *slot, int fd, uint64_t size, uint64_t tag);
/* From now on children with all late parts, as for whatever takes shares of `with`'s object. */
void slot_join(struct slot *slot, const struct slot *with);
/* Queue one more share of an object that `from` is scanning. */
sk_err slot_give_share(struct slot *slot, const struct slot_item *from, unsigned share);
/* Send what waits, as far as the socket takes it. */
void slot_push(struct slot *slot);
/* Is there something that slot_push would send? */
bool slot_may_send(const struct slot *slot);
/* The item whose shares are to be given out, once; NULL: none. */
const struct slot_item *slot_take_shared(struct slot *slot);
/* Read and act on what the child has said, so much at a time: it may never stop talking. */
void slot_pull(struct slot *slot, struct wire_packet *packet);
/* How long the worker has to do with what it was sent, at the rate of the time since this was asked
 * before; 0: nobody knows. */
uint64_t slot_busy_us(struct slot *slot, uint64_t now_us);
/* When the child must have answered, in ms of clock_monotonic_ms; UINT64_MAX: no limit runs. */
uint64_t slot_deadline(const struct slot *slot);
/* Kill the child and answer the object it was at. */
void slot_lose(struct slot *slot, const char *detail);

#endif
