// SPDX-License-Identifier: Apache-2.0
/*
 * The ring of LZMA. The C library moves large blocks by their pages, so growing it by doubling
 * copies little, and pages that were asked for but not written cost nothing.
 */
#include "codec/lzma_window.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_BYTES ((size_t)256 * 1024)
#define ROUND ((size_t)16)

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

sk_err lz_window_init(struct lz_window *w, uint64_t dict, uint64_t size, uint64_t mem_bytes) {
    dict = dict < LZ_WINDOW_MIN ? LZ_WINDOW_MIN : dict;
    dict = (dict + ROUND - 1) / ROUND * ROUND; /* as liblzma: so far distances may reach */
    if (dict > mem_bytes) {
        return sk_fail(SK_E_LIMIT);
    }
    uint64_t most = size < dict ? (size + ROUND - 1) / ROUND * ROUND : dict;
    size_t goal = (size_t)most + LZ_WINDOW_SPARE;
    if (w->cap > goal) {
        mem_free(w->buf);
        w->buf = NULL;
        w->cap = 0;
    }
    w->dict = (size_t)dict;
    w->goal = goal;
    lz_window_clear(w);
    return sk_ok();
}

void lz_window_release(struct lz_window *w) {
    mem_free(w->buf);
    *w = (struct lz_window){0};
}

void lz_window_clear(struct lz_window *w) {
    w->pos = 0;
    w->full = 0;
}

sk_err lz_window_ready(struct lz_window *w) {
    if (w->pos < w->cap) {
        return sk_ok();
    }
    if (w->cap == w->goal) {
        w->pos = 0;
        return sk_ok();
    }
    size_t cap = smaller(w->cap == 0 ? FIRST_BYTES : 2 * w->cap, w->goal);
    uint8_t *grown = mem_realloc(w->buf, cap + LZ_WINDOW_SPARE);
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    w->buf = grown;
    w->cap = cap;
    return sk_ok();
}
