// SPDX-License-Identifier: Apache-2.0
/*
 * Feeds the workers. One poll loop, no threads:
 *
 *   pool_submit -> the idlest slot (start a new worker only when all running ones are busy)
 *   pool_poll   -> poll(2) over all sockets -> slot_pull (answers) -> slot_push (more work)
 *               -> the shares of a large container go to workers that are idle (split.h)
 *               -> hanging workers are killed -> dead ones with work waiting are started again
 *
 * Small objects are answered every few microseconds, and waking a parent that sleeps in poll(2)
 * costs the worker as much again as sending the answer (on virtual machines: an interrupt to
 * another processor, by way of the host). So the parent naps first, for a part of the time for
 * which every worker has work, and finds several answers then.
 *
 * A worker that cannot start three times in a row kills the pool: the reason would be the same for
 * every further one (no memory, no process allowed, sandbox required and missing).
 */
#include "pool/pool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "pool/slot.h"

#define FAILED_STARTS_MAX 3u
#define RECYCLE_FILES 10000u
#define RECYCLE_BYTES ((uint64_t)32 << 20)
#define GRACE_MS 10000u
#define NAP_SHARE 4u   /* the worker with the least to do is left three quarters of it */
#define NAP_MIN_US 80u /* a shorter one would last longer than asked */
#define NAP_MAX_US 1000u

struct pool {
    struct pool_options options;
    struct slot *slot;
    struct wire_packet *packet;
    char why[SCAN_DETAIL_MAX + 64];
    bool dead;
};

void pool_options_init(struct pool_options *out_options) {
    *out_options = (struct pool_options){.jobs = 1,
                                         .recycle_files = RECYCLE_FILES,
                                         .recycle_bytes = RECYCLE_BYTES,
                                         .grace_ms = GRACE_MS};
    sk_options_init(&out_options->scan);
}

sk_err pool_new(const struct pool_options *options, struct pool **out_pool) {
    if (options->jobs == 0 || options->jobs > POOL_JOBS_MAX || options->on_result == NULL) {
        return sk_fail(SK_E_USAGE);
    }
    struct pool *pool = mem_zalloc(1, sizeof(*pool));
    if (pool == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    pool->options = *options;
    pool->slot = mem_zalloc(options->jobs, sizeof(*pool->slot));
    pool->packet = mem_alloc(sizeof(*pool->packet));
    if (pool->slot == NULL || pool->packet == NULL) {
        mem_free(pool->slot);
        mem_free(pool->packet);
        mem_free(pool);
        return sk_fail(SK_E_NOMEM);
    }
    for (unsigned i = 0; i < options->jobs; i++) {
        slot_init(&pool->slot[i], &pool->options);
    }
    *out_pool = pool;
    return sk_ok();
}

void pool_free(struct pool *pool) {
    if (pool == NULL) {
        return;
    }
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        slot_release(&pool->slot[i]);
    }
    mem_free(pool->slot);
    mem_free(pool->packet);
    mem_free(pool);
}

bool pool_has_room(const struct pool *pool) {
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        if (slot_has_room(&pool->slot[i])) {
            return true;
        }
    }
    return false;
}

/* Idle and running first, then a worker not yet started, then the one with least to do. */
static struct slot *choose(struct pool *pool, const struct slot *but) {
    struct slot *best = NULL;
    unsigned best_cost = 0;
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        struct slot *slot = &pool->slot[i];
        unsigned cost = slot->state == SLOT_DOWN ? 1 : 2 * slot->count;
        if (slot != but && slot_has_room(slot) && (best == NULL || cost < best_cost)) {
            best = slot;
            best_cost = cost;
        }
    }
    return best;
}

static sk_err die(struct pool *pool, const struct slot *slot) {
    pool->dead = true;
    (void)snprintf(pool->why, sizeof(pool->why), "the scanning process could not be started: %s",
                   slot->why[0] != '\0' ? slot->why : "it ended at once");
    return sk_fail(SK_E_IO);
}

static sk_err ensure_started(struct pool *pool, struct slot *slot) {
    if (slot->failed_starts >= FAILED_STARTS_MAX) {
        return die(pool, slot);
    }
    sk_err err = slot_start(slot);
    if (sk_failed(err)) {
        (void)snprintf(slot->why, sizeof(slot->why), "%s", strerror(errno));
        return die(pool, slot);
    }
    return sk_ok();
}

/* Workers that have nothing to do, beside this one. */
static unsigned idle_beside(const struct pool *pool, const struct slot *slot) {
    unsigned count = 0;
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        const struct slot *other = &pool->slot[i];
        count += other != slot && other->count == 0 && other->failed_starts == 0 ? 1 : 0;
    }
    return count;
}

/* Gives the shares of an object to the others. One that cannot be given makes it one worker's. */
static sk_err share_out(struct pool *pool, struct slot *slot) {
    const struct slot_item *item = slot_take_shared(slot);
    unsigned count = item == NULL ? 0 : split_count(item->split);
    for (unsigned share = 1; share < count; share++) {
        struct slot *other = choose(pool, slot);
        if (other == NULL) {
            split_lack(item->split);
            return sk_ok();
        }
        slot_join(other, slot);
        TRY(ensure_started(pool, other));
        if (sk_failed(slot_give_share(other, item, share))) {
            split_lack(item->split);
            return sk_ok();
        }
    }
    return sk_ok();
}

sk_err pool_submit(struct pool *pool, int fd, uint64_t size, uint64_t tag) {
    struct slot *slot = pool->dead ? NULL : choose(pool, NULL);
    if (slot == NULL) {
        file_close(&fd);
        return sk_fail(pool->dead ? SK_E_IO : SK_E_LIMIT);
    }
    sk_err err = ensure_started(pool, slot);
    if (sk_failed(err)) {
        file_close(&fd);
        return err;
    }
    slot->helpers = idle_beside(pool, slot);
    slot_give(slot, fd, size, tag);
    return sk_ok();
}

static sk_err restart_where_work_waits(struct pool *pool) {
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        struct slot *slot = &pool->slot[i];
        if (slot->state == SLOT_DOWN && slot->count > 0) {
            TRY(ensure_started(pool, slot));
        }
    }
    return sk_ok();
}

static int wait_ms(const struct pool *pool, int timeout_ms) {
    uint64_t now = clock_monotonic_ms();
    uint64_t until = timeout_ms < 0 ? UINT64_MAX : now + (uint64_t)timeout_ms;
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        uint64_t deadline = slot_deadline(&pool->slot[i]);
        until = deadline < until ? deadline : until;
    }
    uint64_t wait = until <= now ? 0 : until - now;
    return wait > 3600000u ? 3600000 : (int)wait;
}

static void kill_hanging(struct pool *pool) {
    uint64_t now = clock_monotonic_ms();
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        if (slot_deadline(&pool->slot[i]) <= now) {
            slot_lose(&pool->slot[i], "it did not answer in time and was stopped");
        }
    }
}

/* Lets answers gather while every worker has enough to do. */
static void nap(struct pool *pool) {
    uint64_t now = clock_monotonic_us();
    uint64_t us = NAP_MAX_US;
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        struct slot *slot = &pool->slot[i];
        if (slot->state != SLOT_DOWN) {
            uint64_t busy = slot_busy_us(slot, now) / NAP_SHARE;
            us = busy < us ? busy : us;
        }
    }
    if (us >= NAP_MIN_US) {
        clock_sleep_us(us);
    }
}

sk_err pool_poll(struct pool *pool, int timeout_ms) {
    if (pool->dead) {
        return sk_fail(SK_E_IO);
    }
    struct pollfd set[POOL_JOBS_MAX];
    struct slot *who[POOL_JOBS_MAX];
    nfds_t count = 0;
    TRY(restart_where_work_waits(pool));
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        slot_push(&pool->slot[i]);
    }
    if (timeout_ms != 0) {
        nap(pool);
    }
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        struct slot *slot = &pool->slot[i];
        if (slot->state != SLOT_DOWN) {
            who[count] = slot;
            set[count++] =
                (struct pollfd){.fd = slot->child.fd,
                                .events = (short)(POLLIN | (slot_may_send(slot) ? POLLOUT : 0))};
        }
    }
    if (poll(set, count, wait_ms(pool, timeout_ms)) < 0 && errno != EINTR) {
        return sk_fail(SK_E_IO);
    }
    for (nfds_t i = 0; i < count; i++) {
        if (set[i].revents != 0) {
            slot_pull(who[i], pool->packet);
            TRY(share_out(pool, who[i]));
            who[i]->helpers = idle_beside(pool, who[i]);
            slot_push(who[i]);
        }
    }
    kill_hanging(pool);
    return restart_where_work_waits(pool);
}

size_t pool_in_flight(const struct pool *pool) {
    size_t sum = 0;
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        sum += pool->slot[i].count;
    }
    return sum;
}

bool pool_sandbox_state(const struct pool *pool, struct sandbox_state *out_state) {
    struct sandbox_state all = {.held = SANDBOX_ALL, .landlock_abi = UINT32_MAX};
    bool any = false;
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        const struct slot *slot = &pool->slot[i];
        if (slot->state == SLOT_UP || slot->files > 0) {
            any = true;
            all.held &= slot->sandbox.held;
            all.landlock_abi = slot->sandbox.landlock_abi < all.landlock_abi
                                   ? slot->sandbox.landlock_abi
                                   : all.landlock_abi;
        }
    }
    if (any) {
        *out_state = all;
    }
    return any;
}

const char *pool_why(const struct pool *pool) {
    return pool->why;
}

uint64_t pool_deaths(const struct pool *pool) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        sum += pool->slot[i].deaths;
    }
    return sum;
}

bool pool_spool_missing(const struct pool *pool) {
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        if (pool->slot[i].start.spool_fd < 0) {
            return true;
        }
    }
    return false;
}

void pool_stats(const struct pool *pool, struct sk_stats *out_stats) {
    union {
        struct scan_stats sum;
        struct sk_stats stats;
    } u = {{{0}}};
    for (unsigned i = 0; i < pool->options.jobs; i++) {
        for (unsigned k = 0; k < sizeof(u.sum.value) / sizeof(u.sum.value[0]); k++) {
            u.sum.value[k] += pool->slot[i].stats.value[k] + pool->slot[i].past.value[k];
        }
    }
    *out_stats = u.stats;
}

unsigned pool_pids(const struct pool *pool, pid_t *out_pids, unsigned cap) {
    unsigned count = 0;
    for (unsigned i = 0; i < pool->options.jobs && count < cap; i++) {
        if (pool->slot[i].child.pid > 0) {
            out_pids[count++] = pool->slot[i].child.pid;
        }
    }
    return count;
}
