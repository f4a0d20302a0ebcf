// SPDX-License-Identifier: Apache-2.0
/*
 * The lanes: who hashes what, and where its next blocks are. How blocks are hashed is the kernel's
 * (lanes_kernel.h).
 *
 *   lane:  whole blocks of the message -> its end, padded: one or two blocks -> digests, job done
 *
 * All lanes take the same number of steps at a time: as many blocks as the lane with the least has
 * at hand. The end of a message is padded twice, because MD5 writes its length little-endian and
 * SHA-256 big-endian (RFC 1321 3.2, FIPS 180-4 5.1.1). A kernel that goes over to the end by itself
 * stops once in a message instead of twice: of messages around 4 KiB a tenth of the time.
 *
 * Longest messages first: what costs time is how long the longest lane runs, so a long message that
 * starts last runs alone. By powers of two is near enough, and takes no time when an archive of
 * thousands of members waits.
 *
 * Messages that want SHA-256 and those that do not, mostly the long ones, have lanes of their own
 * (two crews), so that SHA-256 finds vectors full of it: beside messages for MD5 alone it was
 * computed two at a time, at half the rate, for a third of the bytes of libraries and most of those
 * of programs. When so few messages are left that one crew has room for all, they run together. But
 * the last of all wait for the longest MD5 chain, and SHA-256 of one or two messages beside a chain
 * costs half of what it does anywhere else: it comes then (a twelfth of the digests of programs, a
 * thirtieth of libraries').
 *
 * Where chains in plain instructions are faster than in vectors, the longest message may have one
 * to itself beside the others (lanes_chains.h).
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
    unsigned tail;       /* padded blocks still to do, behind those of `p`; 0: not made yet */
    unsigned tail_count; /* one or two */
    uint8_t end[2][2 * LANES_BLOCK];
};

struct crew {
    struct lanes_state state;
    struct lane lane[LANES_MAX];
    unsigned active;
    unsigned hungry; /* bit i: lane i has nothing at hand; none outside of fill and step */
    struct lanes_job *waiting[CLASSES]; /* by size: 2^(i-1) <= size < 2^i; newest first */
    uint64_t classes;                   /* bit i: there are some */
};

/* One lane goes faster: beside more than so many others, for no fewer blocks, when it has one in so
 * many or more of all bytes left; and for so many blocks until another may be the longest. */
#define FAST_OVER 2u
#define FAST_WORTH 64u
#define FAST_SHARE 4u
#define FAST_BLOCKS ((size_t)2048)

#define CREWS 2u /* MD5 alone, and with SHA-256 */

struct lanes {
    const struct lanes_kernel *kernel;
    struct crew crew[CREWS];
    unsigned held;
    struct lanes_job *done;
};

static const struct lanes_kernel *const kernels[] = {
#if defined(__x86_64__)
    &lanes_kernel_late,      &lanes_kernel_avx512, &lanes_kernel_avx2_sha, &lanes_kernel_avx2,
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
    unsigned n = 0;
    while (!cpu_has(lanes_kernel_nth(n)->suits)) {
        n++;
    }
    const struct lanes_kernel *best = lanes_kernel_nth(n);
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
    for (unsigned i = 0; i < CREWS * LANES_MAX; i++) {
        mem_free(l->crew[i / LANES_MAX].lane[i % LANES_MAX].buf);
    }
    mem_free(l);
}

void lanes_put(struct lanes *l, struct lanes_job *job) {
    unsigned cls = job->size == 0 ? 0 : 64 - (unsigned)__builtin_clzll(job->size);
    cls = cls < CLASSES ? cls : CLASSES - 1;
    struct crew *crew = &l->crew[(job->mask & CRYPTO_MASK(CRYPTO_SHA256)) != 0];
    job->next = crew->waiting[cls];
    job->err = sk_ok();
    crew->waiting[cls] = job;
    crew->classes |= (uint64_t)1 << cls;
    l->held++;
}

/* One of the largest that wait; NULL: none. */
static struct lanes_job *next_waiting(struct crew *crew) {
    if (crew->classes == 0) {
        return NULL;
    }
    unsigned cls = 63 - (unsigned)__builtin_clzll(crew->classes);
    struct lanes_job *job = crew->waiting[cls];
    crew->waiting[cls] = job->next;
    if (job->next == NULL) {
        crew->classes &= ~((uint64_t)1 << cls);
    }
    return job;
}

unsigned lanes_held(const struct lanes *l) {
    return l->held;
}

unsigned lanes_width(const struct lanes *l) {
    return l->kernel->lanes;
}

static void finish(struct lanes *l, struct crew *crew, unsigned at, sk_err err) {
    struct lanes_job *job = crew->lane[at].job;
    job->err = err;
    lanes_state_md5(&crew->state, at, job->digest[CRYPTO_MD5]);
    lanes_state_sha256(&crew->state, at, job->digest[CRYPTO_SHA256]);
    job->next = l->done;
    l->done = job;
    crew->lane[at].job = NULL;
    crew->active--;
}

/* The padded end of the message: what is left of `p` behind its whole blocks. */
static void make_end(struct lane *lane) {
    size_t rest = lane->len % LANES_BLOCK;
    lane->len -= rest;
    lane->tail_count = rest < LANES_BLOCK - 8 ? 1 : 2;
    lane->tail = lane->tail_count;
    uint64_t bits = lane->job->size * 8;
    uint8_t *length = &lane->end[0][lane->tail_count * LANES_BLOCK - 8];
    memset(lane->end[0], 0, sizeof(lane->end[0]));
    if (rest > 0) {
        memcpy(lane->end[0], lane->p + lane->len, rest);
    }
    lane->end[0][rest] = 0x80;
    memcpy(lane->end[1], lane->end[0], sizeof(lane->end[0]));
    sk_store_u64le(length, bits);
    length += sizeof(lane->end[0]);
    sk_store_u32be(length, (uint32_t)(bits >> 32));
    sk_store_u32be(length + 4, (uint32_t)bits);
}

/* At least one block at hand, of a lane that has none or a message in memory. */
static sk_err lane_feed(struct lane *lane) {
    struct lanes_job *job = lane->job;
    if (lane->len == 0 && lane->off < job->size) {
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
    if (lane->off == job->size) {
        make_end(lane);
    }
    return sk_ok();
}

/* Jobs into idle lanes. */
static void fill(struct lanes *l, struct crew *crew) {
    unsigned width = l->kernel->lanes;
    for (unsigned i = 0; i < width && crew->classes != 0 && crew->active < width; i++) {
        struct lane *lane = &crew->lane[i];
        if (lane->job != NULL) {
            continue;
        }
        struct lanes_job *job = next_waiting(crew);
        bool memory = job->bytes != NULL;
        lane->job = job;
        lane->off = memory ? job->size : 0;
        lane->p = job->bytes;
        lane->len = memory ? (size_t)job->size : 0;
        lane->tail = 0;
        lanes_state_start(&crew->state, i);
        crew->active++;
        crew->hungry |= 1u << i;
    }
    for (; crew->hungry != 0; crew->hungry &= crew->hungry - 1) {
        unsigned i = (unsigned)__builtin_ctz(crew->hungry);
        sk_err err = lane_feed(&crew->lane[i]);
        if (sk_failed(err)) {
            finish(l, crew, i, err);
        }
    }
}

static bool wants_sha(const struct lane *lane) {
    return lane->job != NULL && (lane->job->mask & CRYPTO_MASK(CRYPTO_SHA256)) != 0;
}

static size_t blocks_at_hand(const struct lanes *l, const struct lane *lane) {
    size_t whole = lane->len / LANES_BLOCK;
    return whole == 0 || l->kernel->over ? whole + lane->tail : whole;
}

/* How many blocks a lane takes for one of the others. */
static unsigned pace(const struct lanes_work *work, unsigned at) {
    return work->has_fast && work->fast == at ? 2 : 1;
}

static void place(const struct lane *lane, struct lanes_work *work, unsigned at) {
    size_t whole = lane->len / LANES_BLOCK;
    size_t done = (size_t)(lane->tail_count - lane->tail) * LANES_BLOCK;
    work->busy[work->busy_count++] = (uint8_t)at;
    work->whole[at] = whole > 0 ? whole : lane->tail;
    for (unsigned i = 0; i < LANES_WHICH; i++) {
        work->then[i][at] = lane->end[i] + done;
        work->first[i][at] = whole > 0 ? lane->p : work->then[i][at];
    }
    if (whole + lane->tail == work->blocks * pace(work, at) && lane->tail > 0) {
        work->last |= (uint16_t)(1u << at);
    }
    if (wants_sha(lane)) {
        work->sha_lane[work->sha_count++] = (uint8_t)at;
    }
}

/* Places without work read what another does. */
static void place_idle(struct lanes_work *work) {
    unsigned other = work->busy[0];
    for (unsigned at = 0; at < LANES_MAX; at++) {
        if (work->whole[at] == 0) {
            work->whole[at] = work->whole[other];
            work->first[LANES_MD5][at] = work->first[LANES_MD5][other];
            work->then[LANES_MD5][at] = work->then[LANES_MD5][other];
        }
    }
}

static uint64_t left(const struct lane *lane) {
    return lane->job == NULL ? 0 : lane->job->size - lane->off + lane->len;
}

/* The longest message bounds how long all take, unless there is much else: it goes faster than the
 * others, where it can. Not for ever: another may be the longest then. */
static void choose_fast(const struct lanes *l, const struct crew *crew, struct lanes_work *work) {
    uint64_t all = 0, most = 0;
    unsigned with = 0;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        const struct lane *lane = &crew->lane[i];
        all += left(lane);
        with += wants_sha(lane);
        if (left(lane) > most && !wants_sha(lane) && blocks_at_hand(l, lane) >= FAST_WORTH) {
            most = left(lane);
            work->fast = (uint8_t)i;
        }
    }
    if (most > 0 && all / FAST_SHARE <= most && with <= l->kernel->few_sha) {
        work->has_fast = true;
        work->blocks = FAST_BLOCKS;
    }
}

/* A lane took so many blocks. */
static void advance(struct lanes *l, struct crew *crew, unsigned at, size_t blocks) {
    struct lane *lane = &crew->lane[at];
    size_t whole = lane->len / LANES_BLOCK;
    if (whole > 0) {
        whole = whole < blocks ? whole : blocks;
        lane->p += whole * LANES_BLOCK;
        lane->len -= whole * LANES_BLOCK;
    }
    lane->tail -= (unsigned)(blocks - whole);
    if (lane->tail == 0 && whole < blocks) {
        finish(l, crew, at, sk_ok());
    } else if (lane->tail == 0 && lane->len == 0) {
        crew->hungry |= 1u << at;
    }
}

/* Every busy lane some blocks further. */
static void step(struct lanes *l, struct crew *crew) {
    struct lanes_work work = {.blocks = SIZE_MAX};
    if (l->kernel->fast && crew->active > FAST_OVER) {
        choose_fast(l, crew, &work);
    }
    for (unsigned i = 0; i < LANES_MAX; i++) {
        if (crew->lane[i].job != NULL) {
            size_t blocks = blocks_at_hand(l, &crew->lane[i]) / pace(&work, i);
            work.blocks = blocks < work.blocks ? blocks : work.blocks;
        }
    }
    for (unsigned i = 0; i < LANES_MAX; i++) {
        if (crew->lane[i].job != NULL) {
            place(&crew->lane[i], &work, i);
        }
    }
    place_idle(&work);
    l->kernel->run(&crew->state, &work);
    for (unsigned k = 0; k < work.busy_count; k++) {
        advance(l, crew, work.busy[k], work.blocks * pace(&work, work.busy[k]));
    }
}

/* Lane `at` of one crew as lane `to` of the other, where it is idle. */
static void move(struct crew *from, unsigned at, struct crew *crew, unsigned to) {
    struct lane idle = crew->lane[to];
    crew->lane[to] = from->lane[at];
    from->lane[at] = idle;
    for (unsigned i = 0; i < 4; i++) {
        crew->state.md5[i][to] = from->state.md5[i][at];
    }
    memcpy(crew->state.sha256[to], from->state.sha256[at], sizeof(crew->state.sha256[to]));
    crew->active++;
    from->active--;
}

/* All lanes of one crew into the other, which has room for them. */
static void join(struct crew *from, struct crew *crew) {
    unsigned to = 0;
    for (unsigned at = 0; at < LANES_MAX; at++) {
        if (from->lane[at].job != NULL) {
            while (crew->lane[to].job != NULL) {
                to++;
            }
            move(from, at, crew, to);
        }
    }
}

/* The longest lane of one crew into the other, which has an idle one. */
static void lend(struct crew *from, struct crew *crew) {
    unsigned at = 0, to = 0;
    for (unsigned i = 1; i < LANES_MAX; i++) {
        at = left(&from->lane[i]) > left(&from->lane[at]) || from->lane[at].job == NULL ? i : at;
    }
    while (crew->lane[to].job != NULL) {
        to++;
    }
    move(from, at, crew, to);
}

/* All that is left, and no more to come, waits for the longest MD5 chain: SHA-256 beside a chain
 * costs less than anywhere else. So it comes when few are left of those that do without. */
static struct crew *choose_last(struct lanes *l) {
    struct crew *plain = &l->crew[0], *sha = &l->crew[1];
    unsigned with = 0;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        with += wants_sha(&plain->lane[i]);
    }
    if (with == plain->active) {
        struct crew *few = plain->active < sha->active ? plain : sha;
        struct crew *many = few == plain ? sha : plain;
        if (few->active + many->active <= l->kernel->lanes) {
            join(few, many);
        }
        return many;
    }
    for (; with < l->kernel->few_sha && plain->active < l->kernel->few && sha->active > 0; with++) {
        lend(sha, plain);
    }
    return plain;
}

/* The crew to go on with; NULL: less than `least` messages could run together. Who asks for less
 * than all lanes needs a digest now, and does not wait for a crew to be full. */
static struct crew *choose(struct lanes *l, unsigned least) {
    struct crew *few = &l->crew[0], *many = &l->crew[1];
    if (few->active > many->active) {
        few = &l->crew[1];
        many = &l->crew[0];
    }
    if (least == 0 && l->kernel->few > 0 && (few->classes | many->classes) == 0) {
        many = choose_last(l);
    } else if (least < l->kernel->lanes && few->active > 0 &&
               few->active + many->active <= l->kernel->lanes) {
        join(few, many);
    }
    return many->active >= least && many->active > 0 ? many : NULL;
}

struct lanes_job *lanes_run(struct lanes *l, unsigned least) {
    fill(l, &l->crew[0]);
    fill(l, &l->crew[1]);
    while (l->done == NULL) {
        struct crew *crew = choose(l, least);
        if (crew == NULL) {
            return NULL;
        }
        step(l, crew);
        fill(l, crew);
    }
    struct lanes_job *job = l->done;
    l->done = job->next;
    l->held--;
    return job;
}

struct lanes_job *lanes_take(struct lanes *l) {
    struct lanes_job *job = NULL;
    for (unsigned c = 0; c < CREWS; c++) {
        for (unsigned i = 0; i < LANES_MAX; i++) {
            if (l->crew[c].lane[i].job != NULL) {
                finish(l, &l->crew[c], i, sk_fail(SK_E_STOP));
            }
        }
    }
    if (l->done != NULL) {
        job = l->done;
        l->done = job->next;
    }
    for (unsigned c = 0; c < CREWS && job == NULL; c++) {
        job = next_waiting(&l->crew[c]);
    }
    l->held -= job != NULL;
    return job;
}
