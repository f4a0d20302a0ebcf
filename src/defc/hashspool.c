// SPDX-License-Identifier: Apache-2.0
/*
 * Hash records: from lines in any order to sorted pages, index, filter and size gate.
 *
 *   add:    digest | size BE | name BE ------> spool of its (algorithm, role)
 *   finish: spool -> array -> sort -> drop repetitions -> 4 KiB pages (IMG_HASH_RECORDS)
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

struct hashspool {
    char *dir;
    struct spool set[HS_ALGO_COUNT][HS_ROLE_COUNT];
    uint64_t count[HS_ROLE_COUNT];
    uint64_t dropped;
};

/* What one set needs while it is written. */
struct set_job {
    struct hashspool *hs;
    struct img_writer *w;
    enum hs_algo algo;
    uint32_t sub;
    size_t digest_bytes;
    size_t each; /* record bytes */
    uint8_t *record;
    size_t count;
    uint32_t *page_key;
    size_t page_count;
    uint8_t *gate;
    struct buf big;
    bool any_size;
    uint32_t small_count; /* different sizes below HS_GATE_BITS */
};

sk_err hashspool_new(const char *dir, struct hashspool **out_spool) {
    struct hashspool *hs = mem_zalloc(1, sizeof *hs);
    if (hs == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (int algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (int role = 0; role < HS_ROLE_COUNT; role++) {
            hs->set[algo][role] = (struct spool)SPOOL_INIT;
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
            spool_release(&hs->set[algo][role]);
        }
    }
    mem_free(hs->dir);
    mem_free(hs);
}

static void store_u32be(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

sk_err hashspool_add(struct hashspool *hs, const struct hash_record *record) {
    size_t n = hs_digest_bytes(record->algo);
    if (n == 0 || (unsigned)record->role >= HS_ROLE_COUNT) {
        return sk_fail(SK_E_USAGE);
    }
    struct spool *s = &hs->set[record->algo][record->role];
    if (s->fd < 0) {
        TRY(spool_open(s, hs->dir));
    }
    if (s->len / (n + 8) >= UINT32_MAX - 1) {
        return sk_fail(SK_E_LIMIT);
    }
    uint8_t bytes[HS_DIGEST_MAX + 8];
    memcpy(bytes, record->digest, n);
    store_u32be(&bytes[n], record->size);
    store_u32be(&bytes[n + 4], record->name);
    return spool_put(s, bytes, n + 8);
}

/* ---- one set ------------------------------------------------------------------------------ */

static uint8_t *record_at(const struct set_job *j, size_t index) {
    return &j->record[index * j->each];
}

static sk_err load_sorted(struct set_job *j, struct spool *s) {
    TRY(spool_flush(s));
    j->record = mem_alloc((size_t)s->len);
    if (j->record == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(spool_read(s, j->record, (size_t)s->len, 0));
    size_t count = (size_t)(s->len / j->each);
    spool_release(s);
    recsort(j->record, count, j->each);
    j->count = 0;
    for (size_t i = 0; i < count; i++) {
        bool same = j->count > 0 &&
                    memcmp(record_at(j, j->count - 1), record_at(j, i), j->digest_bytes + 4) == 0;
        if (!same) {
            memmove(record_at(j, j->count), record_at(j, i), j->each);
            j->count++;
        }
    }
    j->hs->dropped += count - j->count;
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

static sk_err write_set(struct set_job *j, struct spool *s) {
    size_t per_page = HS_PAGE_BYTES / j->each;
    TRY(load_sorted(j, s));
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

sk_err hashspool_finish(struct hashspool *hs, struct img_writer *w) {
    for (int algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (int role = 0; role < HS_ROLE_COUNT; role++) {
            struct spool *s = &hs->set[algo][role];
            if (s->fd < 0) {
                continue;
            }
            struct set_job j = {.hs = hs,
                                .w = w,
                                .algo = (enum hs_algo)algo,
                                .sub = (uint32_t)algo | (uint32_t)role << 8,
                                .digest_bytes = hs_digest_bytes((enum hs_algo)algo),
                                .each = hs_record_bytes((enum hs_algo)algo)};
            sk_err err = write_set(&j, s);
            mem_free(j.record);
            mem_free(j.page_key);
            mem_free(j.gate);
            buf_release(&j.big);
            TRY(err);
            hs->count[role] += j.count;
        }
    }
    return sk_ok();
}

uint64_t hashspool_count(const struct hashspool *hs, enum hs_role role) {
    return (unsigned)role < HS_ROLE_COUNT ? hs->count[role] : 0;
}

uint64_t hashspool_dropped(const struct hashspool *hs) {
    return hs->dropped;
}
