// SPDX-License-Identifier: Apache-2.0
/*
 * Hash records: from lines in any order to sorted pages, index, filter and size gate.
 *
 *   add:    digest | size BE | name BE ------> spool of its (algorithm, role)
 *   finish: spool -> array, by first byte -> sort each run -> drop repetitions -> 4 KiB pages
 * (IMG_HASH_RECORDS)
 *                                    |-> first four bytes of each page (IMG_HASH_INDEX)
 *                                    |-> sizes (IMG_HASH_GATE)
 *                                    '-> keys --array freed--> filter (IMG_HASH_FILTER)
 *
 * In the spool size and name are big-endian, so that one byte-wise sort orders by digest, then
 * size, then name; names are numbered in the order of their lines, so of two records with the same
 * digest and size the first line wins, whatever the order of reading back. They turn little-endian
 * on the way into the pages. The array is freed before the filter is built: the two are the
 * peak of the compiler's memory, and they never stand beside each other.
 */
#include "defc/hashspool.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "defc/recsort.h"
#include "defc/spool.h"
#include "defc/write.h"

#define GATE_LIST_MAX 4096u
#define COPY_BYTES ((size_t)256 * 1024)

/* The records of one set, and how many begin with each byte. */
struct heap {
    struct spool spool;
    uint32_t lead[256];
};

/* What one set needs while it is written. */
struct set_job {
    struct hashspool *hs;
    struct heap *heap;
    struct img_writer *image;
    struct img_writer *part; /* for work apart from it; NULL: never */
    struct img_writer *w;    /* one of the two */
    enum hs_role role;
    uint32_t sub;
    size_t digest_bytes;
    size_t each; /* record bytes */
    uint8_t *record;
    size_t count;
    uint64_t dropped;
    uint32_t *page_key;
    size_t page_count;
    uint8_t *gate;
    struct buf big;
    bool any_size;
    uint32_t small_count; /* different sizes below HS_GATE_BITS */
};

struct hashspool {
    char *dir;
    struct heap set[HS_ALGO_COUNT][HS_ROLE_COUNT];
    struct set_job job[HASHSPOOL_SETS];
    unsigned job_count;
    uint64_t count[HS_ROLE_COUNT];
    uint64_t dropped;
};

/* What a child says of its set, before the rows of its part. */
struct set_told {
    uint64_t count;
    uint64_t dropped;
};

sk_err hashspool_new(const char *dir, struct hashspool **out_spool) {
    struct hashspool *hs = mem_zalloc(1, sizeof *hs);
    if (hs == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (int algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (int role = 0; role < HS_ROLE_COUNT; role++) {
            hs->set[algo][role].spool = (struct spool)SPOOL_INIT;
        }
    }
    if (dir != NULL) {
        hs->dir = mem_strdup(dir);
        if (hs->dir == NULL) {
            mem_free(hs);
            return sk_fail(SK_E_NOMEM);
        }
    }
    *out_spool = hs;
    return sk_ok();
}

void hashspool_free(struct hashspool *hs) {
    if (hs == NULL) {
        return;
    }
    for (int algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (int role = 0; role < HS_ROLE_COUNT; role++) {
            spool_release(&hs->set[algo][role].spool);
        }
    }
    for (unsigned i = 0; i < hs->job_count; i++) {
        img_writer_free(hs->job[i].part);
    }
    mem_free(hs->dir);
    mem_free(hs);
}

sk_err hashspool_add(struct hashspool *hs, const struct hash_record *record) {
    size_t n = hs_digest_bytes(record->algo);
    if (n == 0 || (unsigned)record->role >= HS_ROLE_COUNT) {
        return sk_fail(SK_E_USAGE);
    }
    struct heap *heap = &hs->set[record->algo][record->role];
    struct spool *s = &heap->spool;
    if (s->fd < 0) {
        TRY(spool_open(s, hs->dir));
    }
    if (s->len / (n + 8) >= UINT32_MAX - 1) {
        return sk_fail(SK_E_LIMIT);
    }
    uint8_t bytes[HS_DIGEST_MAX + 8];
    memcpy(bytes, record->digest, n);
    sk_store_u32be(&bytes[n], record->size);
    sk_store_u32be(&bytes[n + 4], record->name);
    heap->lead[bytes[0]]++;
    return spool_put(s, bytes, n + 8);
}

/* ---- one set ------------------------------------------------------------------------------ */

static uint8_t *record_at(const struct set_job *j, size_t index) {
    return &j->record[index * j->each];
}

/* Each record to the run of its first byte: the sort then works inside the processor's cache. */
static sk_err load_runs(const struct set_job *j) {
    const struct heap *heap = j->heap;
    size_t next[256];
    size_t chunk = COPY_BYTES / j->each * j->each;
    MEM_AUTO uint8_t *copy = mem_alloc(chunk);
    if (copy == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (size_t lead = 0, first = 0; lead < 256; lead++) {
        next[lead] = first;
        first += heap->lead[lead];
    }
    for (uint64_t off = 0; off < heap->spool.len; off += chunk) {
        uint64_t left = heap->spool.len - off;
        size_t n = left < chunk ? (size_t)left : chunk;
        TRY(spool_read(&heap->spool, copy, n, off));
        for (size_t i = 0; i < n; i += j->each) {
            memcpy(record_at(j, next[copy[i]]++), &copy[i], j->each);
        }
    }
    return sk_ok();
}

static sk_err load_sorted(struct set_job *j) {
    struct heap *heap = j->heap;
    TRY(spool_flush(&heap->spool));
    j->record = mem_alloc((size_t)heap->spool.len);
    if (j->record == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(load_runs(j));
    spool_release(&heap->spool);
    size_t count = 0;
    for (size_t lead = 0; lead < 256; lead++) {
        recsort(record_at(j, count), heap->lead[lead], j->each);
        count += heap->lead[lead];
    }
    j->count = 0;
    for (size_t i = 0; i < count; i++) {
        bool same = j->count > 0 &&
                    memcmp(record_at(j, j->count - 1), record_at(j, i), j->digest_bytes + 4) == 0;
        if (same) {
            continue;
        }
        if (j->count < i) {
            memmove(record_at(j, j->count), record_at(j, i), j->each);
        }
        j->count++;
    }
    j->dropped = count - j->count;
    return sk_ok();
}

static sk_err note_size(struct set_job *j, uint32_t size) {
    if (size == HS_SIZE_ANY) {
        j->any_size = true;
        return sk_ok();
    }
    if (size >= HS_GATE_BITS) {
        return buf_append(&j->big, &size, sizeof size);
    }
    uint8_t bit = (uint8_t)(1u << (size % 8));
    if ((j->gate[size / 8] & bit) == 0) {
        j->gate[size / 8] |= bit;
        j->small_count++;
    }
    return sk_ok();
}

static sk_err write_records(struct set_job *j) {
    uint8_t page[HS_PAGE_BYTES];
    size_t per_page = HS_PAGE_BYTES / j->each;
    j->page_count = 0;
    TRY(img_writer_begin(j->w, IMG_HASH_RECORDS, j->sub, IMG_COLD, 4));
    for (size_t i = 0; i < j->count; i += per_page) {
        size_t n = j->count - i < per_page ? j->count - i : per_page;
        memset(page, 0, sizeof page);
        memcpy(page, record_at(j, i), n * j->each);
        j->page_key[j->page_count++] = sk_load_u32be(page);
        for (size_t r = 0; r < n; r++) {
            uint8_t *tail = &page[r * j->each + j->digest_bytes];
            uint32_t size = sk_load_u32be(tail);
            sk_store_u32le(tail, size);
            sk_store_u32le(&tail[4], sk_load_u32be(&tail[4]));
            TRY(note_size(j, size));
        }
        bool last = i + n == j->count;
        TRY(img_writer_put(j->w, page, last ? n * j->each : HS_PAGE_BYTES));
    }
    return img_writer_end(j->w);
}

static int compare_u32(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Few sizes: a list is shorter than the bitmap and as fast. */
static sk_err list_small(struct set_job *j) {
    for (uint32_t size = 0; size < HS_GATE_BITS; size++) {
        if (j->gate[size / 8] == 0) {
            size |= 7;
        } else if ((j->gate[size / 8] >> (size % 8) & 1) != 0) {
            TRY(buf_append(&j->big, &size, sizeof size));
        }
    }
    return sk_ok();
}

static sk_err write_gate(struct set_job *j) {
    static const uint8_t zero[IMG_PAGE];
    bool bitmap = j->small_count > GATE_LIST_MAX;
    if (!bitmap) {
        TRY(list_small(j));
    }
    uint32_t *big = (uint32_t *)(void *)j->big.data;
    size_t count = j->big.len / sizeof *big;
    size_t kept = 0;
    if (count > 0) {
        qsort(big, count, sizeof *big, compare_u32);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || big[kept - 1] != big[i]) {
            big[kept++] = big[i];
        }
    }
    uint32_t head[3] = {j->any_size, (uint32_t)kept, bitmap};
    size_t len = sizeof head + kept * sizeof *big;
    TRY(img_writer_begin(j->w, IMG_HASH_GATE, j->sub, IMG_HOT, 4));
    TRY(img_writer_put(j->w, head, sizeof head));
    TRY(img_writer_put(j->w, big, kept * sizeof *big));
    if (bitmap) {
        TRY(img_writer_put(j->w, zero, (IMG_PAGE - len % IMG_PAGE) % IMG_PAGE));
        TRY(img_writer_put(j->w, j->gate, HS_GATE_BYTES));
    }
    return img_writer_end(j->w);
}

/* Sorted keys without repetitions (SHA-256 prefixes may repeat where sizes differ). */
static uint64_t *take_keys(struct set_job *j, uint32_t *out_count) {
    uint64_t *key = mem_alloc(j->count * sizeof *key);
    uint32_t n = 0;
    for (size_t i = 0; key != NULL && i < j->count; i++) {
        uint64_t k = hs_key(record_at(j, i));
        if (n == 0 || key[n - 1] != k) {
            key[n++] = k;
        }
    }
    mem_free(j->record);
    j->record = NULL;
    *out_count = n;
    return key;
}

static sk_err write_filter(struct set_job *j) {
    uint32_t count = 0;
    MEM_AUTO uint64_t *key = take_keys(j, &count);
    if (key == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    struct hs_fuse_head head = {0};
    hs_fuse_size(count, &head);
    MEM_AUTO uint8_t *print = mem_zalloc(1, head.array_length);
    MEM_AUTO void *scratch = mem_alloc(hs_fuse_scratch_bytes(count));
    if (print == NULL || scratch == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (!hs_fuse_build(key, count, &head, print, scratch)) {
        return sk_fail(SK_E_INTERNAL);
    }
    TRY(img_writer_begin(j->w, IMG_HASH_FILTER, j->sub, IMG_HOT, 1));
    TRY(img_writer_put(j->w, &head, sizeof head));
    TRY(img_writer_put(j->w, print, head.array_length));
    return img_writer_end(j->w);
}

static sk_err write_sections(struct set_job *j) {
    size_t per_page = HS_PAGE_BYTES / j->each;
    TRY(load_sorted(j));
    j->gate = mem_zalloc(1, HS_GATE_BYTES);
    j->page_key = mem_alloc((j->count / per_page + 1) * sizeof *j->page_key);
    if (j->gate == NULL || j->page_key == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(write_records(j));
    struct sk_bytes index = {(const uint8_t *)j->page_key, j->page_count * sizeof *j->page_key};
    TRY(img_writer_section(j->w, IMG_HASH_INDEX, j->sub, IMG_WARM, sizeof *j->page_key, index));
    TRY(write_gate(j));
    return write_filter(j);
}

/* ---- the sets as tasks -------------------------------------------------------------------- */

static sk_err run_set(void *ctx, bool apart, struct buf *out_result) {
    struct set_job *j = ctx;
    j->w = apart ? j->part : j->image;
    sk_err err = write_sections(j);
    mem_free(j->record);
    mem_free(j->page_key);
    mem_free(j->gate);
    buf_release(&j->big);
    TRY(err);
    struct set_told told = {j->count, j->dropped};
    TRY(buf_append(out_result, &told, sizeof told));
    return apart ? img_part_end(j->part, out_result) : sk_ok();
}

static sk_err set_done(void *ctx, bool apart, struct sk_bytes result) {
    struct set_job *j = ctx;
    struct set_told told;
    if (result.len < sizeof told) {
        return sk_fail(SK_E_INTERNAL);
    }
    memcpy(&told, result.ptr, sizeof told);
    j->hs->count[j->role] += told.count;
    j->hs->dropped += told.dropped;
    if (apart) {
        struct sk_bytes rows = {&result.ptr[sizeof told], result.len - sizeof told};
        TRY(img_writer_join(j->image, j->part, rows));
    }
    img_writer_free(j->part);
    j->part = NULL;
    spool_release(&j->heap->spool);
    return sk_ok();
}

static void make_job(struct hashspool *hs, unsigned algo, unsigned role, struct img_writer *w) {
    hs->job[hs->job_count++] = (struct set_job){.hs = hs,
                                                .heap = &hs->set[algo][role],
                                                .image = w,
                                                .role = (enum hs_role)role,
                                                .sub = algo | role << 8,
                                                .digest_bytes = hs_digest_bytes((enum hs_algo)algo),
                                                .each = hs_record_bytes((enum hs_algo)algo)};
}

static void make_jobs(struct hashspool *hs, struct img_writer *w) {
    for (unsigned algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (unsigned role = 0; role < HS_ROLE_COUNT; role++) {
            if (hs->set[algo][role].spool.fd >= 0) {
                make_job(hs, algo, role, w);
            }
        }
    }
}

sk_err hashspool_tasks(struct hashspool *hs, struct img_writer *w, struct crew_task *out_tasks,
                       unsigned *out_count) {
    make_jobs(hs, w);
    for (unsigned i = 0; i < hs->job_count; i++) {
        struct set_job *j = &hs->job[i];
        TRY(img_part_new(hs->dir, img_writer_diag(w), &j->part));
        /* A child would write its copy of the buffer, and so would we. */
        TRY(spool_flush(&j->heap->spool));
        out_tasks[i] = (struct crew_task){
            .run = run_set, .done = set_done, .ctx = j, .weight = j->heap->spool.len};
    }
    *out_count = hs->job_count;
    return sk_ok();
}

sk_err hashspool_finish(struct hashspool *hs, struct img_writer *w) {
    make_jobs(hs, w);
    for (unsigned i = 0; i < hs->job_count; i++) {
        struct buf result = {0};
        sk_err err = run_set(&hs->job[i], false, &result);
        if (!sk_failed(err)) {
            err = set_done(&hs->job[i], false, (struct sk_bytes){result.data, result.len});
        }
        buf_release(&result);
        TRY(err);
    }
    return sk_ok();
}

uint64_t hashspool_count(const struct hashspool *hs, enum hs_role role) {
    return (unsigned)role < HS_ROLE_COUNT ? hs->count[role] : 0;
}

uint64_t hashspool_dropped(const struct hashspool *hs) {
    return hs->dropped;
}
