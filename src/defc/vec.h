// SPDX-License-Identifier: Apache-2.0
/*
 * struct vec: a growing array of equal elements, for the pools of the compiler.
 *
 * Life cycle: zero-initialise -> vec_push... -> vec_release. Ownership: owns its memory; pointers
 * into it are **borrowed** until the next push. Errors: NULL when memory is exhausted, or when
 * there would be more than 2^32 - 2 elements; the contents stay.
 */
#ifndef SK_DEFC_VEC_H
#define SK_DEFC_VEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct vec {
    void *data;
    size_t count;
    size_t cap;
};

/* `n` new zeroed elements at the end. each_bytes must be the same in all calls. */
static inline void *vec_push(struct vec *v, size_t n, size_t each_bytes) {
    if (n > UINT32_MAX - 1 - v->count) {
        return NULL;
    }
    void *grown = mem_grow(v->data, &v->cap, v->count + n, each_bytes);
    if (grown == NULL) {
        return NULL;
    }
    v->data = grown;
    void *fresh = (char *)grown + v->count * each_bytes;
    memset(fresh, 0, n * each_bytes);
    v->count += n;
    return fresh;
}
static inline void vec_release(struct vec *v) {
    mem_free(v->data);
    *v = (struct vec){0};
}

#endif
