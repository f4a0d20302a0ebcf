// SPDX-License-Identifier: Apache-2.0
/*
 * The lanes: who hashes what, and where its next blocks are. How blocks are hashed is the kernel's
 * (lanes_kernel.h).
 *
 *   lane:  whole blocks of the message -> its end, padded: one or two blocks -> digests, job done
 *
 * All lanes take the same number of steps at a time: as many blocks as the lane with the least has
 * at hand. The end of a message is padded twice, because MD5 writes its length little-endian and
 * SHA-256 big-endian (RFC 1321 3.2, FIPS 180-4 5.1.1).
 *
 * Longest messages first: what costs time is how long the longest lane runs, so a long message that
 * starts last runs alone. By powers of two is near enough, and takes no time when an archive of
 * thousands of members waits.
 */
#include "crypto/lanes.h"

#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "crypto/lanes_kernel.h"

#define CLASSES 64u
#define READ_BYTES ((size_t)32 * 1024) /* a multiple of LANES_BLOCK; 16 of them stay in the L2 */

struct lane {
    struct lanes_job *job; /* NULL: idle */
    uint64_t off;          /* of the message, behind what was taken into `p` */
    const uint8_t *p;
    size_t len;
    uint8_t *buf;        /* READ_BYTES, made when first needed */
    unsigned tail;       /* padded blocks still to do; 0 before the end */
    unsigned tail_count; /* one or two */
    uint8_t end[2][2 * LANES_BLOCK];
};

struct lanes {
    const struct lanes_kernel *kernel;
    struct lanes_state state;
    struct lane lane[LANES_MAX];
    unsigned active;
    unsigned held;
    struct lanes_job *waiting[CLASSES]; /* by size: 2^(i-1) <= size < 2^i; newest first */
    uint64_t classes;                   /* bit i: there are some */
    struct lanes_job *done;
};

static const struct lanes_kernel *const kernels[] = {
#if defined(__x86_64__)
    &lanes_kernel_avx512,    &lanes_kernel_avx2_sha, &lanes_kernel_avx2,
#endif
#if LANES_VEC16_SHA
    &lanes_kernel_vec16_sha,
#endif
#if VEC16_BUILT
    &lanes_kernel_vec16,
#endif
    &lanes_kernel_scalar,
};

const struct lanes_kernel *lanes_kernel_nth(unsigned n) {
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        if (cpu_has(kernels[i]->needs) && n-- == 0) {
            return kernels[i];
        }
    }
    return NULL;
}

const struct lanes_kernel *lanes_kernel_best(void) {
    const struct lanes_kernel *best = lanes_kernel_nth(0);
    return best != &lanes_kernel_scalar ? best : NULL;
}

sk_err lanes_new(const struct lanes_kernel *kernel, struct lanes **out_lanes) {
    kernel = kernel != NULL ? kernel : lanes_kernel_best();
    if (kernel == NULL) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct lanes *l = mem_zalloc(1, sizeof(*l));
    if (l == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    l->kernel = kernel;
    *out_lanes = l;
    return sk_ok();
}

void lanes_free(struct lanes *l) {
    if (l == NULL) {
        return;
    }
    for (unsigned i = 0; i < LANES_MAX; i++) {
        mem_free(l->lane[i].buf);
    }
    mem_free(l);
}

void lanes_put(struct lanes *l, struct lanes_job *job) {
    unsigned cls = job->size == 0 ? 0 : 64 - (unsigned)__builtin_clzll(job->size);
    cls = cls < CLASSES ? cls : CLASSES - 1;
    job->next = l->waiting[cls];
    job->err = sk_ok();
    l->waiting[cls] = job;
    l->classes |= (uint64_t)1 << cls;
    l->held++;
}

/* One of the largest that wait; NULL: none. */
static struct lanes_job *next_waiting(struct lanes *l) {
    if (l->classes == 0) {
        return NULL;
    }
    unsigned cls = 63 - (unsigned)__builtin_clzll(l->classes);
    struct lanes_job *job = l->waiting[cls];
    l->waiting[cls] = job->next;
    if (job->next == NULL) {
        l->classes &= ~((uint64_t)1 << cls);
    }
    return job;
}

unsigned lanes_held(const struct lanes *l) {
    return l->held;
}

unsigned lanes_width(const struct lanes *l) {
    return l->kernel->lanes;
}

static void finish(struct lanes *l, struct lane *lane, sk_err err) {
    struct lanes_job *job = lane->job;
    unsigned at = (unsigned)(lane - l->lane);
    job->err = err;
    lanes_state_md5(&l->state, at, job->digest[CRYPTO_MD5]);
    lanes_state_sha256(&l->state, at, job->digest[CRYPTO_SHA256]);
    job->next = l->done;
    l->done = job;
    lane->job = NULL;
    l->active--;
}

/* The padded end of the message, of which `p` holds the last, incomplete block. */
static void make_end(struct lane *lane) {
    lane->tail_count = lane->len < LANES_BLOCK - 8 ? 1 : 2;
    lane->tail = lane->tail_count;
    uint64_t bits = lane->job->size * 8;
    uint8_t *length = &lane->end[0][lane->tail_count * LANES_BLOCK - 8];
    memset(lane->end[0], 0, sizeof(lane->end[0]));
    if (lane->len > 0) {
        memcpy(lane->end[0], lane->p, lane->len);
    }
    lane->end[0][lane->len] = 0x80;
    memcpy(lane->end[1], lane->end[0], sizeof(lane->end[0]));
    sk_store_u64le(length, bits);
    length += sizeof(lane->end[0]);
    sk_store_u32be(length, (uint32_t)(bits >> 32));
    sk_store_u32be(length + 4, (uint32_t)bits);
}

/* At least one block at hand. */
static sk_err lane_feed(struct lane *lane) {
    struct lanes_job *job = lane->job;
    if (lane->tail > 0 || lane->len >= LANES_BLOCK) {
        return sk_ok();
    }
    if (lane->off < job->size) {
        /* only memory and pieces of whole blocks were taken so far: nothing is left of them */
        uint64_t rest = job->size - lane->off;
        if (lane->buf == NULL) {
            lane->buf = mem_alloc(READ_BYTES);
            if (lane->buf == NULL) {
                return sk_fail(SK_E_NOMEM);
            }
        }
        lane->len = rest < READ_BYTES ? (size_t)rest : READ_BYTES;
        lane->p = lane->buf;
        TRY(job->read(job->ctx, lane->off, lane->buf, lane->len));
        lane->off += lane->len;
    }
    if (lane->len < LANES_BLOCK) {
        make_end(lane);
    }
    return sk_ok();
}

/* Jobs into idle lanes. */
static void fill(struct lanes *l) {
    for (unsigned i = 0; i < l->kernel->lanes && l->classes != 0; i++) {
        struct lane *lane = &l->lane[i];
        if (lane->job != NULL) {
            continue;
        }
        struct lanes_job *job = next_waiting(l);
        bool memory = job->bytes != NULL;
        lane->job = job;
        lane->off = memory ? job->size : 0;
        lane->p = job->bytes;
        lane->len = memory ? (size_t)job->size : 0;
        lane->tail = 0;
        lanes_state_start(&l->state, i);
        l->active++;
    }
    for (unsigned i = 0; i < l->kernel->lanes; i++) {
        struct lane *lane = &l->lane[i];
        sk_err err = lane->job == NULL ? sk_ok() : lane_feed(lane);
        if (sk_failed(err)) {
            finish(l, lane, err);
        }
    }
}

static size_t blocks_at_hand(const struct lane *lane) {
    return lane->tail > 0 ? lane->tail : lane->len / LANES_BLOCK;
}

static void place(const struct lane *lane, struct lanes_work *work, unsigned at) {
    size_t done = (size_t)(lane->tail_count - lane->tail) * LANES_BLOCK;
    work->busy[work->busy_count++] = (uint8_t)at;
    work->md5[at] = lane->tail > 0 ? lane->end[0] + done : lane->p;
    if ((lane->job->mask & CRYPTO_MASK(CRYPTO_SHA256)) != 0) {
        work->sha[at] = lane->tail > 0 ? lane->end[1] + done : lane->p;
        work->sha_lane[work->sha_count++] = (uint8_t)at;
    }
}

/* Every busy lane some blocks further. */
static void step(struct lanes *l) {
    struct lanes_work work = {.blocks = SIZE_MAX};
    const uint8_t *any = NULL;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        const struct lane *lane = &l->lane[i];
        if (lane->job != NULL) {
            size_t blocks = blocks_at_hand(lane);
            work.blocks = blocks < work.blocks ? blocks : work.blocks;
            place(lane, &work, i);
            any = work.md5[i];
        }
    }
    for (unsigned i = 0; i < LANES_MAX; i++) {
        work.md5[i] = work.md5[i] == NULL ? any : work.md5[i];
    }
    l->kernel->run(&l->state, &work);
    for (unsigned i = 0; i < LANES_MAX; i++) {
        struct lane *lane = &l->lane[i];
        if (lane->job == NULL) {
            continue;
        }
        if (lane->tail > 0) {
            lane->tail -= (unsigned)work.blocks;
            if (lane->tail == 0) {
                finish(l, lane, sk_ok());
            }
        } else {
            lane->p += work.blocks * LANES_BLOCK;
            lane->len -= work.blocks * LANES_BLOCK;
        }
    }
}

struct lanes_job *lanes_run(struct lanes *l, unsigned least) {
    while (l->done == NULL) {
        fill(l);
        if (l->active > 0 && l->active >= least) {
            step(l);
        } else if (l->done == NULL) {
            return NULL;
        }
    }
    struct lanes_job *job = l->done;
    l->done = job->next;
    l->held--;
    return job;
}

struct lanes_job *lanes_take(struct lanes *l) {
    for (unsigned i = 0; i < LANES_MAX; i++) {
        if (l->lane[i].job != NULL) {
            finish(l, &l->lane[i], sk_fail(SK_E_STOP));
        }
    }
    struct lanes_job *job = l->done;
    if (job != NULL) {
        l->done = job->next;
    } else {
        job = next_waiting(l);
    }
    l->held -= job != NULL;
    return job;
}
