// SPDX-License-Identifier: Apache-2.0
/* Only whole strings are shared; a string inside another one is not looked for. */
#include "defc/strpool.h"

struct ref {
    uint32_t off, len;
};
struct looking {
    const struct strpool *pool;
    struct sk_bytes text;
};

static bool is_it(void *ctx, uint32_t value) {
    const struct looking *l = ctx;
    const struct ref *r = &((const struct ref *)l->pool->ref.data)[value];
    return r->len == l->text.len &&
           (r->len == 0 || memcmp(l->pool->bytes.data + r->off, l->text.ptr, r->len) == 0);
}

sk_err strpool_put(struct strpool *pool, struct sk_bytes text, uint32_t *out_off) {
    uint64_t hash = map_hash(text.ptr, text.len);
    struct looking l = {pool, text};
    uint32_t found = map_get(&pool->map, hash, is_it, &l);
    if (found != MAP_NONE) {
        *out_off = ((const struct ref *)pool->ref.data)[found].off;
        return sk_ok();
    }
    if (text.len > UINT32_MAX - 1 - pool->bytes.len) {
        return sk_fail(SK_E_NOMEM);
    }
    uint32_t off = (uint32_t)pool->bytes.len;
    TRY(buf_append(&pool->bytes, text.ptr, text.len));
    struct ref *r = vec_push(&pool->ref, 1, sizeof(*r));
    if (r == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *r = (struct ref){off, (uint32_t)text.len};
    TRY(map_put(&pool->map, hash, (uint32_t)(pool->ref.count - 1)));
    *out_off = off;
    return sk_ok();
}

void strpool_release(struct strpool *pool) {
    buf_release(&pool->bytes);
    vec_release(&pool->ref);
    map_release(&pool->map);
}
