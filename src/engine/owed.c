// SPDX-License-Identifier: Apache-2.0
/*
 * Where the bytes of a put-off digest come from:
 *
 *     the object, a section   in a mapping of the object, where it is (root.h)
 *     ... with no mapping     read again through its descriptor (page cache), piece by piece
 *     ... when it is small    copied: cheaper than a call; of a section up to 256 KiB
 *     a member, a view        copied
 *     ... when it is large    where they are, now: with what is owed in the other lanes
 *     ... of a gzip file      where they are, later: the layer lends them, and when it is done its
 *                             memory is the digest's
 *
 * What is kept is bounded. When there is no room for more, digests are taken then and there, until
 * there is: many are owed at that time, so they are fast together.
 *
 * Lent bytes are those of gzip files alone, which are many and have one member each: change logs of
 * megabytes, one chain each, were a quarter of the time on the largest, and two or three side by
 * side take no longer than one. Other containers have memory of their own (dictionaries) or many
 * members, so what is lent goes before one is opened, and whenever there is much else in memory.
 *
 * A mapping lives until the last digest of its object is taken. When bytes of it were lost by then,
 * or were never there, the report does not stand either.
 *
 * A file may change between the two readings. Its times and size are compared when the last digest
 * is taken: a report about a file that changed does not stand.
 *
 * Measured with the full-size set, whose two signatures "MD5 of any size" want a digest of every
 * layer: digests were 40 % of the time on shared libraries, 32 % on programs; with the search twice
 * as fast they are a third again: SHA-256 of what is below 200 kB a tenth, the second reading a
 * twelfth, MD5 the rest, half of it the chains of the longest files at the end of a folder. Members
 * for which there was no room, each hashed in place, were 13 % of a folder with a large library.
 *
 * Sections of Windows programs, hashed one by one in place, were a fifth of their time. Where
 * objects are read and not mapped, copies of sections up to 256 KiB instead of 64 gain 3.5 % of
 * Windows programs; copies of whole objects of that size cost 8 % of libraries, because what is
 * kept has no room for enough of them side by side.
 *
 * With fewer messages at hand than lanes, mostly at the end of a folder, are three quarters of the
 * steps of the lanes on programs (the longest, 9.2 MB, is longer than a lane's share of 80 MB), two
 * thirds on libraries (three above 10 MB, one of them the 891st file of 906). The chain bounds
 * them: 64 steps of four operations, which short vectors take without loss; plain instructions need
 * four and a half. Beginning the longest first would gain nothing by itself: all other messages for
 * MD5 alone take less time than the longest, and a lane lent by the other crew costs it as much.
 * Digests of the largest of the next 128 objects, begun before those are scanned: 5 % of the steps'
 * time on programs, nothing on libraries, within a percent of the whole, so they wait their turn.
 * A chain in plain instructions between those of vectors, which use other ports, was measured alone
 * (ns for a block, in the cache): beside MD5 of sixteen 11, where a lane of sixteen costs 6; beside
 * SHA-256 and MD5 of sixteen, which take 350, it is 18 for each of up to three blocks, where the
 * chain alone costs 84. It pays only for the message that will be the last, and when that is met,
 * four fifths of a folder's SHA-256 are done, of programs and of libraries: 1 % of a scan, lost
 * again on long messages that others outlast. With the longest first: 5 % of libraries, 3 of
 * programs (reckoned). So on an Intel server; where vectors are late (Zen 5), chains in plain
 * instructions, and one for the longest beside sixteen others, are a tenth of a scan of programs
 * (lanes_chains.h).
 *
 * Reading costs 0.13 ns a byte from large pieces of the page cache and 0.19 to 0.22 from single
 * pages (file_read_ahead), whatever is asked for at once and wherever it goes (a twentieth more
 * when that does not begin with a line of the cache; 0.06 when the page cache's own lines are still
 * in the L2). The second reading was a sixth of the time on programs, an eighth on libraries,
 * before objects were mapped. Without gain were: keeping what an object was read into, in a room of
 * 8 to 32 MiB in which jobs find their bytes until others take the place (half of the second
 * reading gone; the first, the search and page faults dearer by as much); copies of objects up to
 * 256 KiB or 1 MiB; pieces of 4 to 16 KiB in the lanes (worse), of 64 and 128 (nothing in whole
 * scans); members of 256 KiB already where they are (5 % slower: too little is owed beside them),
 * of 512 KiB (nothing). Of documents: copies of up to 6 MiB, 12 MiB of them (a tenth slower, before
 * bytes were lent: cold memory costs more than the chain); one block whose pages stay for all
 * copies (nothing); lending from 128, 256 or 512 KiB on instead of copying (up to 4 % slower);
 * OWED_MEMORY_BYTES of 16 MiB (3 % slower) and of 18 (1 % faster). Where a page is dear,
 * OWED_HELD_BYTES of 4 MiB instead of 2 takes 8 % longer on small files, 5 on packages and Windows
 * programs, 2 on documents: new memory costs more than fuller lanes gain; 1 and 3 are as good as 2.
 */
#include "engine/owed.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "crypto/lanes.h"
#include "engine/hashes.h"
#include "os/file.h"

#define COPY_OBJECT_BYTES ((uint64_t)64 << 10)
#define COPY_SECTION_BYTES ((uint64_t)256 << 10)

struct owed_object {
    bool used;
    bool suspect; /* a digest is known, or could not be taken */
    int fd;
    uint64_t tag;
    unsigned jobs; /* not taken yet */
    struct stat before;
    struct filemap *map;      /* bytes of digests; NULL: they are read again */
    struct known_entry entry; /* size 0: nothing is to be remembered */
};

struct owed_job {
    struct lanes_job lane; /* first: what lanes_run returns is this */
    struct owed_object *object;
    uint64_t off;          /* in the object, when it is read again, or in src */
    struct sk_source *src; /* of a digest taken now, or NULL */
    enum hs_role role;
    uint8_t *copy; /* owned, or NULL */
    size_t held;   /* part of owed->held */
    size_t lent;   /* part of owed->lent */
    struct owed_job *next;
};

struct owed {
    struct lanes *lanes;
    struct owed_object object[OWED_OBJECTS_MAX];
    struct owed_object *open; /* being scanned, or NULL */
    struct owed_job *now;     /* somebody waits for this one; or NULL */
    struct owed_job *spare;
    unsigned jobs_used; /* of job; those behind were never touched */
    size_t held;
    const struct layer *lender; /* its bytes are lent to borrower; or NULL */
    struct owed_job *borrower;
    size_t lent;                        /* memory that was a layer's */
    struct owed_job job[OWED_JOBS_MAX]; /* not one by one among the copies: the heap would never
                                           shrink below the last of them */
};

sk_err owed_new(struct owed **out_owed) {
    struct owed *owed = mem_zalloc(1, sizeof(*owed));
    if (owed == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = lanes_new(NULL, &owed->lanes);
    if (sk_failed(err)) {
        mem_free(owed);
        owed = NULL;
    }
    if (err.code == SK_E_UNSUPPORTED) {
        err = sk_ok();
    }
    if (!sk_failed(err)) {
        *out_owed = owed;
    }
    return err;
}

static void job_free(struct owed *owed, struct owed_job *job) {
    owed->held -= job->held;
    owed->lent -= job->lent;
    owed->lender = owed->borrower == job ? NULL : owed->lender;
    mem_free(job->copy);
    job->copy = NULL;
    job->next = owed->spare;
    owed->spare = job;
}

static void object_done(struct owed_object *o) {
    filemap_release(o->map);
    o->map = NULL;
    o->used = false;
}

void owed_free(struct owed *owed) {
    if (owed == NULL) {
        return;
    }
    for (struct lanes_job *j; (j = lanes_take(owed->lanes)) != NULL;) {
        job_free(owed, (struct owed_job *)(void *)j);
    }
    for (unsigned i = 0; i < OWED_OBJECTS_MAX; i++) {
        object_done(&owed->object[i]);
    }
    lanes_free(owed->lanes);
    mem_free(owed);
}

bool owed_begin(struct owed *owed, int fd, const struct stat *before, uint64_t tag) {
    for (unsigned i = 0; owed != NULL && i < OWED_OBJECTS_MAX; i++) {
        struct owed_object *o = &owed->object[i];
        if (!o->used) {
            *o = (struct owed_object){.used = true, .fd = fd, .tag = tag, .before = *before};
            owed->open = o;
            return true;
        }
    }
    return false;
}

/* Takes digests until one message is done. False: none is, and less than `least` are left. */
static bool take_one(struct sk_scanner *sc, unsigned least) {
    struct owed *owed = sc->owed;
    struct lanes_job *j = lanes_run(owed->lanes, least);
    if (j == NULL) {
        return false;
    }
    struct owed_job *job = (struct owed_job *)(void *)j;
    struct owed_object *o = job->object;
    o->suspect = o->suspect || sk_failed(j->err) || hashes_known(sc, job->role, j);
    o->jobs--;
    owed->now = owed->now == job ? NULL : owed->now;
    job_free(owed, job);
    return true;
}

/* It is the time of the object being scanned that is spent here: when that is over, nothing more is
 * put off. */
static bool make_room(struct sk_scanner *sc, struct layer *layer, size_t size) {
    while (size > OWED_HELD_BYTES - sc->owed->held) {
        if (!scan_time_left(sc, layer) || !take_one(sc, 1)) {
            return false;
        }
    }
    return true;
}

/* ---- lent bytes ------------------------------------------------------------------------------ */

/* Would the scanner hold too much with so many bytes more? The largest spare buffer is where they
 * will lie. */
static bool is_tight(const struct sk_scanner *sc, uint64_t more) {
    size_t spare = store_pool_spare(&sc->pool);
    size_t all = sc->pool.held - spare + sc->root.buf.cap + sc->owed->held + sc->owed->lent;
    more = more > spare ? more : spare;
    return all > OWED_MEMORY_BYTES || more > OWED_MEMORY_BYTES - all;
}

static bool may_lend(const struct sk_scanner *sc, const struct layer *layer,
                     const struct owed_ask *ask) {
    const struct layer *parent = layer->parent;
    return ask->src == &layer->src && ask->src->mem != NULL && layer->store.pool != NULL &&
           parent != NULL && parent->parent == NULL && parent->type == SK_TYPE_GZIP &&
           (sk_type_flags(layer->type) & SK_TYPE_CONTAINER) == 0 && sc->owed->lender == NULL &&
           !is_tight(sc, ask->len); /* text will be normalised, into as much memory */
}

/* Takes digests until nothing is lent. */
static void return_all(struct sk_scanner *sc, struct layer *layer) {
    const struct owed *owed = sc->owed;
    while ((owed->lent > 0 || owed->lender != NULL) && scan_time_left(sc, layer) &&
           take_one(sc, 1)) {
    }
}

void owed_make_way(struct sk_scanner *sc, struct layer *layer, uint64_t bytes) {
    if (sc->owed != NULL && sc->owed->lent > 0 && is_tight(sc, bytes)) {
        return_all(sc, layer);
    }
}

void owed_return(struct sk_scanner *sc, struct layer *layer) {
    const struct owed *owed = sc->owed;
    while (owed != NULL && owed->lender == layer && take_one(sc, 1)) {
    }
}

void owed_keep(struct sk_scanner *sc, struct layer *layer) {
    struct owed *owed = sc->owed;
    struct store *store = &layer->store;
    if (owed == NULL || owed->lender != layer) {
        return;
    }
    owed->borrower->copy = store->buf.ptr;
    owed->borrower->lent = store->buf.cap;
    owed->lent += store->buf.cap;
    owed->lender = NULL;
    owed->borrower = NULL;
    store->pool->held -= store->buf.cap;
    store->buf = (struct store_buf){0};
}

void owed_make_room(struct sk_scanner *sc, struct layer *layer) {
    if (sc->owed != NULL && sc->owed->held > 0) {
        (void)make_room(sc, layer, OWED_HELD_BYTES);
    }
    owed_make_way(sc, layer, UINT64_MAX);
}

/* ---------------------------------------------------------------------------------------------- */

static sk_err read_layer(void *ctx, uint64_t off, void *buf, size_t len) {
    const struct owed_job *job = ctx;
    size_t got = 0;
    TRY(sk_source_read(job->src, job->off + off, buf, len, &got));
    return got == len ? sk_ok() : sk_fail(SK_E_IO);
}

static sk_err read_object(void *ctx, uint64_t off, void *buf, size_t len) {
    const struct owed_job *job = ctx;
    return file_pread_all(job->object->fd, buf, len, job->off + off);
}

/* NULL: none is left, and none can be had by taking digests. */
static struct owed_job *job_new(struct sk_scanner *sc) {
    struct owed *owed = sc->owed;
    if (owed->spare == NULL && owed->jobs_used < OWED_JOBS_MAX) {
        return &owed->job[owed->jobs_used++];
    }
    if (owed->spare == NULL && !take_one(sc, 1)) {
        return NULL;
    }
    struct owed_job *job = owed->spare;
    owed->spare = job->next;
    return job;
}

/* The bytes in memory of their own. NULL: no room, or they cannot be read. */
static uint8_t *copy_bytes(struct sk_scanner *sc, struct layer *layer, const struct owed_ask *ask) {
    size_t size = (size_t)ask->len;
    if (size == 0 || size > OWED_COPY_EACH || !make_room(sc, layer, size)) {
        return NULL;
    }
    uint8_t *copy = mem_alloc_sure(size, size);
    size_t got = 0;
    if (copy != NULL &&
        (sk_failed(sk_source_read(ask->src, ask->off, copy, size, &got)) || got < size)) {
        mem_free(copy);
        return NULL;
    }
    return copy;
}

/* The bytes go with their layer, so the digest is taken before this returns. Alone it would be one
 * chain (libcrypto's was a tenth of the time on package documents); what is owed fills the other
 * lanes meanwhile; what was lent goes, too, for all that is large is in memory now. */
static void take_now(struct sk_scanner *sc, struct layer *layer, struct owed_job *job) {
    struct owed *owed = sc->owed;
    for (owed->now = job; owed->now != NULL && take_one(sc, 1);) {
    }
    return_all(sc, layer);
}

/* Of the object being scanned, for as long as it owes digests; NULL: it is not mapped. */
static const uint8_t *mapped_bytes(struct sk_scanner *sc, const struct layer *object) {
    struct owed_object *o = sc->owed->open;
    struct filemap *map = root_map(&sc->root, object->src.size);
    if (o->map == NULL && map != NULL) {
        o->map = filemap_hold(map);
    }
    return o->map != NULL ? o->map->ptr : NULL;
}

static uint64_t copy_most(const struct owed_ask *ask) {
    return ask->role == HS_SECTION ? COPY_SECTION_BYTES : COPY_OBJECT_BYTES;
}

/* Are bytes of the object not to be copied? *out_mapped: where they are; NULL: they are read again.
 */
static bool stays_there(struct sk_scanner *sc, struct layer *layer, const struct owed_ask *ask,
                        const uint8_t **out_mapped) {
    bool memory = ask->src->mem != NULL;
    if (memory && ask->len <= COPY_OBJECT_BYTES) {
        return false;
    }
    *out_mapped = mapped_bytes(sc, layer);
    return *out_mapped != NULL || !memory || ask->len > copy_most(ask);
}

bool owed_put(struct sk_scanner *sc, struct layer *layer, const struct owed_ask *ask) {
    struct owed *owed = sc->owed;
    if (owed == NULL || owed->open == NULL || (ask->mask & ~LANES_MASK) != 0) {
        return false;
    }
    bool object = layer->parent == NULL && ask->src == &layer->src;
    const uint8_t *mapped = NULL;
    bool again = object && stays_there(sc, layer, ask, &mapped);
    uint8_t *copy = again ? NULL : copy_bytes(sc, layer, ask);
    bool now = !object && copy == NULL && ask->len > OWED_COPY_EACH;
    struct owed_job *job = object || copy != NULL || now ? job_new(sc) : NULL;
    if (job == NULL) {
        mem_free(copy);
        return false;
    }
    *job = (struct owed_job){.object = owed->open,
                             .off = ask->off,
                             .src = now ? ask->src : NULL,
                             .role = ask->role,
                             .copy = copy,
                             .held = copy != NULL ? (size_t)ask->len : 0};
    bool there = now && ask->src->mem != NULL;
    const uint8_t *bytes = again ? mapped : there ? ask->src->mem : NULL;
    job->lane = (struct lanes_job){.mask = ask->mask,
                                   .size = ask->len,
                                   .bytes = bytes != NULL ? bytes + ask->off : copy,
                                   .read = now ? read_layer : read_object,
                                   .ctx = job};
    owed->held += job->held;
    owed->open->jobs++;
    lanes_put(owed->lanes, &job->lane);
    sc->stats.hashed_bytes += ask->len;
    if (now && may_lend(sc, layer, ask)) {
        owed->lender = layer;
        owed->borrower = job;
    } else if (now) {
        take_now(sc, layer, job);
    }
    return true;
}

bool owed_waits(const struct owed *owed) {
    const struct owed_object *o = owed == NULL ? NULL : owed->open;
    return o != NULL && (o->jobs > 0 || o->suspect);
}

void owed_remember(struct owed *owed, const struct known_entry *entry) {
    owed->open->entry = *entry;
}

bool owed_end(struct owed *owed) {
    bool waits = owed_waits(owed);
    if (!waits) {
        object_done(owed->open);
    }
    owed->open = NULL;
    return waits;
}

/* An object whose digests are all taken; NULL: none. */
static struct owed_object *ready(struct owed *owed) {
    for (unsigned i = 0; i < OWED_OBJECTS_MAX; i++) {
        struct owed_object *o = &owed->object[i];
        if (o->used && o->jobs == 0 && o != owed->open) {
            return o;
        }
    }
    return NULL;
}

bool owed_next(struct sk_scanner *sc, bool all, uint64_t *out_tag, bool *out_stands) {
    struct owed *owed = sc->owed;
    if (owed == NULL) {
        return false;
    }
    unsigned least = all ? 0 : lanes_width(owed->lanes);
    struct owed_object *o = ready(owed);
    while (o == NULL && take_one(sc, least)) {
        o = ready(owed);
    }
    if (o == NULL) {
        return false;
    }
    bool lost = o->map != NULL && filemap_lost(o->map);
    object_done(o);
    *out_tag = o->tag;
    *out_stands = !o->suspect && !lost && file_unchanged(o->fd, &o->before);
    if (*out_stands && o->entry.size > 0) {
        known_put(sc->known, &o->entry);
    }
    return true;
}
