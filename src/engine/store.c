// SPDX-License-Identifier: Apache-2.0
/*
 * Most members of containers are small, are looked at once and forgotten: they are unpacked into a
 * spare buffer of the pool, which goes from one to the next without asking the allocator. Only a
 * layer that must wait (a container inside a container) gets memory of its own size.
 *
 *     spare buffer --store_begin--> filling --6 MiB--> spool file
 *                                     |  store_keep: own small copy, the buffer itself, or spool
 *                                     v  store_release: back to the pool
 *
 * The spool file is an unlinked temporary file, used as a stack of extents: the end moves back when
 * the last extent is released, and to the start when none is left. Extents freed in the middle wait
 * for those above; the scan size limit bounds the sum. Nothing depends on its old contents.
 *
 * Most of a scanner's memory is here. What is large at the same time in a package: the dictionary
 * of xz (8 MiB), the object in memory (scan.c), one buffer here, and copies that wait for digests;
 * in documents, buffers that wait for digests themselves (owed.c).
 * So a layer that turns out large gives back its buffer but for what writing in pieces needs, and
 * the allocator gives back the holes that many small members left: a package had 10 MiB of them.
 * It does so as well before a layer of unknown size becomes large, or the holes that one package
 * left are there beside the first megabytes of the next (5 MiB). Before every large layer it would
 * cost 6 % of the time on documents.
 * Layers of up to 2 MiB only in memory cost 20 % of the time on documents, 4 MiB 9 % (deflate is
 * then decoded by zlib, expressions go over a copy, the text is written out as well). It
 * counts twice in a worker: the layer, and its text normalised. New pages come many at a time, and
 * those of what is freed stay while there is room (base/region.c).
 */
#include "engine/store.h"

#include "base/mem.h"
#include "os/file.h"

#define ROOM_BYTES ((size_t)64 * 1024)
#define FIRST_BYTES ((size_t)256 * 1024)
#define PACKED_TIMES 16u                   /* text becomes 3 to 10 times as long, few things more */
#define SPARES_MAX_BYTES ((size_t)2 << 20) /* all together, kept from one object to the next */

void store_pool_init(struct store_pool *pool, int spool_fd, uint64_t ceiling_bytes) {
    *pool =
        (struct store_pool){.fd = spool_fd,
                            .ceiling = ceiling_bytes > SIZE_MAX ? SIZE_MAX : (size_t)ceiling_bytes,
                            .memory_bytes = STORE_MEMORY_BYTES};
}

static void buf_drop(struct store_pool *pool, struct store_buf *b) {
    pool->held -= b->cap;
    mem_free(b->ptr);
    *b = (struct store_buf){0};
}

/* Cut, not freed: pages cost more to get again than to write to, where they are not kept. */
void store_pool_trim(struct store_pool *pool) {
    size_t left = SPARES_MAX_BYTES;
    for (unsigned i = 0; i < STORE_SPARES; i++) {
        struct store_buf *b = &pool->spare[i];
        uint8_t *ptr = b->cap > left && left > 0 ? mem_realloc(b->ptr, left) : NULL;
        if (ptr != NULL) {
            pool->held -= b->cap - left;
            *b = (struct store_buf){ptr, left};
        } else if (b->cap > left) {
            buf_drop(pool, b);
        }
        left -= b->cap;
    }
}

void store_pool_release(struct store_pool *pool) {
    for (unsigned i = 0; i < STORE_SPARES; i++) {
        buf_drop(pool, &pool->spare[i]);
    }
}

/* The largest: the next layer is often as large as the last. */
static unsigned largest_spare(const struct store_pool *pool) {
    unsigned best = 0;
    for (unsigned i = 1; i < STORE_SPARES; i++) {
        best = pool->spare[i].cap > pool->spare[best].cap ? i : best;
    }
    return best;
}

size_t store_pool_spare(const struct store_pool *pool) {
    return pool->spare[largest_spare(pool)].cap;
}

static struct store_buf take_spare(struct store_pool *pool) {
    struct store_buf *best = &pool->spare[largest_spare(pool)];
    struct store_buf taken = *best;
    *best = (struct store_buf){0};
    return taken;
}

static void give_back(struct store_pool *pool, struct store_buf *b) {
    struct store_buf *worst = &pool->spare[0];
    for (unsigned i = 1; i < STORE_SPARES; i++) {
        if (pool->spare[i].cap < worst->cap) {
            worst = &pool->spare[i];
        }
    }
    if (worst->cap < b->cap) {
        struct store_buf old = *worst;
        *worst = *b;
        *b = old;
    }
    buf_drop(pool, b);
}

void store_begin(struct store *st, struct store_pool *pool) {
    *st = (struct store){.pool = pool, .buf = take_spare(pool)};
}

/* To `want` bytes, or as many as the ceiling leaves. */
static sk_err grow(struct store *st, size_t want, size_t sure) {
    struct store_pool *pool = st->pool;
    size_t left = pool->ceiling - pool->held;
    if (want - st->buf.cap > left) {
        if (left < ROOM_BYTES) {
            /* Spares do nothing for now: they are the first to go. */
            store_pool_release(pool);
            left = pool->ceiling - pool->held;
        }
        want = st->buf.cap + (left < want - st->buf.cap ? left : want - st->buf.cap);
        if (want < st->len + ROOM_BYTES) {
            return sk_fail(SK_E_LIMIT);
        }
    }
    uint8_t *ptr =
        st->buf.ptr == NULL ? mem_alloc_sure(want, sure) : mem_realloc(st->buf.ptr, want);
    if (ptr == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    pool->held += want - st->buf.cap;
    st->buf = (struct store_buf){ptr, want};
    return sk_ok();
}

/* More is to come, in pieces: the bulk of the buffer is not needed for that. */
static void shrink(struct store *st) {
    if (st->buf.cap <= FIRST_BYTES) {
        return;
    }
    uint8_t *ptr = mem_realloc(st->buf.ptr, FIRST_BYTES);
    if (ptr != NULL) {
        st->pool->held -= st->buf.cap - FIRST_BYTES;
        st->buf = (struct store_buf){ptr, FIRST_BYTES};
    }
    mem_trim();
}

static sk_err move_to_spool(struct store *st) {
    struct store_pool *pool = st->pool;
    TRY(file_pwrite_all(pool->fd, st->buf.ptr, (size_t)st->len, pool->end));
    st->spool_off = pool->end;
    st->spooled = true;
    pool->spooled++;
    pool->end += st->len;
    return sk_ok();
}

/* The next size of the buffer: doubled, but the last step in memory ends at the limit. */
static size_t next_size(const struct store *st) {
    size_t cap = st->buf.cap, limit = st->pool->memory_bytes;
    if (cap < FIRST_BYTES) {
        return FIRST_BYTES;
    }
    bool may_spool = st->pool->fd >= 0 && !st->stays;
    return may_spool && cap < limit && cap * 2 > limit ? limit : cap * 2;
}

/* A buffer of so many bytes instead; what is in this one is nothing yet. What a file says of itself
 * may be a lie: so much as most packed bytes become is sure to come. */
static void renew(struct store *st, uint64_t bytes, uint64_t packed) {
    uint64_t sure = bytes / PACKED_TIMES < packed ? bytes : packed * PACKED_TIMES;
    buf_drop(st->pool, &st->buf);
    SK_IGNORE(grow(st, (size_t)bytes + ROOM_BYTES, (size_t)sure),
              "then it grows by and by, or goes to the spool");
}

void store_expect(struct store *st, uint64_t bytes, uint64_t packed) {
    if (bytes < st->pool->memory_bytes - ROOM_BYTES && st->buf.cap < bytes + ROOM_BYTES &&
        bytes + ROOM_BYTES > FIRST_BYTES) {
        renew(st, bytes, packed);
    }
}

void store_expect_at_once(struct store *st, uint64_t bytes, uint64_t packed) {
    if (bytes >= st->pool->memory_bytes - ROOM_BYTES && packed < STORE_AT_ONCE_BYTES &&
        bytes < STORE_AT_ONCE_BYTES - ROOM_BYTES - packed) {
        renew(st, bytes, packed);
    } else {
        store_expect(st, bytes, packed);
    }
}

sk_err store_room(struct store *st, uint8_t **out_ptr, size_t *out_cap) {
    if (!st->spooled && st->buf.cap - (size_t)st->len < ROOM_BYTES) {
        if (st->pool->fd >= 0 && !st->stays && st->buf.cap >= st->pool->memory_bytes) {
            TRY(move_to_spool(st));
            shrink(st);
        } else {
            size_t next = next_size(st);
            if (next > SPARES_MAX_BYTES && st->buf.cap <= SPARES_MAX_BYTES) {
                mem_trim();
            }
            TRY(grow(st, next, 0));
        }
    }
    size_t used = st->spooled ? 0 : (size_t)st->len;
    *out_ptr = st->buf.ptr + used;
    *out_cap = st->buf.cap - used;
    return sk_ok();
}

sk_err store_put(struct store *st, size_t len) {
    if (st->spooled) {
        TRY(file_pwrite_all(st->pool->fd, st->buf.ptr, len, st->spool_off + st->len));
        st->pool->end += len;
    }
    st->len += len;
    return sk_ok();
}

static sk_err spool_read(void *ctx, uint64_t off, void *buf, size_t len) {
    const struct store *st = ctx;
    return file_pread_all(st->pool->fd, buf, len, st->spool_off + off);
}

void store_source(struct store *st, struct sk_source *out_source) {
    if (st->spooled) {
        sk_source_init_read(out_source, st->len, spool_read, st);
    } else {
        sk_source_init_mem(out_source, st->buf.ptr, (size_t)st->len);
    }
}

sk_err store_keep(struct store *st) {
    struct store_pool *pool = st->pool;
    size_t len = (size_t)st->len;
    if (!st->spooled && pool->fd >= 0 && pool->kept + len > STORE_KEPT_BYTES) {
        TRY(move_to_spool(st));
    }
    if (st->spooled) {
        give_back(pool, &st->buf);
        st->buf = (struct store_buf){0};
        return sk_ok();
    }
    if (len < st->buf.cap / 2) {
        uint8_t *own = mem_alloc_sure(len + 1, len + 1);
        if (own == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        memcpy(own, st->buf.ptr, len);
        give_back(pool, &st->buf);
        st->buf = (struct store_buf){own, len + 1};
        pool->held += len + 1;
    }
    st->kept_bytes = len;
    pool->kept += len;
    return sk_ok();
}

void store_release(struct store *st) {
    struct store_pool *pool = st->pool;
    if (pool == NULL) {
        return;
    }
    if (st->spooled) {
        pool->spooled--;
        if (pool->spooled == 0) {
            pool->end = 0;
        } else if (pool->end == st->spool_off + st->len) {
            pool->end = st->spool_off;
        }
    }
    pool->kept -= st->kept_bytes;
    give_back(pool, &st->buf);
    *st = (struct store){0};
}
