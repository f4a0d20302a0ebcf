// SPDX-License-Identifier: Apache-2.0
/* The search for embedded objects: whatever the bytes, finds lie inside the source, ascend, are at
 * most so many of a type, and are the same over memory, over small windows, and when seen on the
 * way.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/embedded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *p;
    size_t len;
};

static sk_err read_at(void *ctx, uint64_t off, void *out, size_t n) {
    const struct bytes *b = ctx;
    if (off > b->len || n > b->len - off) {
        return sk_fail(SK_E_IO);
    }
    memcpy(out, b->p + off, n);
    return sk_ok();
}

static bool same(const struct sk_embedded_job *a, const struct sk_embedded_job *b) {
    bool equal = a->count == b->count;
    for (unsigned i = 0; i < a->count && equal; i++) {
        equal = a->out[i].off == b->out[i].off && a->out[i].len == b->out[i].len &&
                a->out[i].type == b->out[i].type;
    }
    return equal;
}

static void check(const struct sk_embedded_job *job) {
    unsigned of_type[SK_TYPE_COUNT] = {0};
    for (unsigned i = 0; i < job->count; i++) {
        const struct sk_embedded *e = &job->out[i];
        if (e->off == 0 || e->len == 0 || e->off >= job->src->size ||
            e->len > job->src->size - e->off || ++of_type[e->type] > EMBEDDED_PER_TYPE_MAX ||
            (i > 0 && job->out[i - 1].off > e->off)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct sk_embedded one[EMBEDDED_MAX], two[EMBEDDED_MAX];
    struct bytes bytes = {data, size};
    struct sk_source mem, windows;
    sk_source_init_mem(&mem, data, size);
    struct sk_embedded_job a = {
        .src = &mem, .program_reach = UINT64_MAX, .archives = true, .out = one};
    if (sk_failed(sk_embedded_find(&a))) {
        abort();
    }
    check(&a);
    sk_source_init_read(&windows, size, read_at, &bytes);
    struct sk_embedded_job b = a;
    b.src = &windows;
    b.out = two;
    if (!sk_failed(sk_embedded_find(&b)) && !same(&a, &b)) {
        abort();
    }
    sk_source_release(&windows);
    struct sk_embedded_seen seen = {.size = size, .program_reach = UINT64_MAX};
    size_t piece = size > 0 ? 16 + data[0] : 16;
    for (size_t off = 0; seen.end < size; off += piece - 8) {
        size_t len = size - off < piece ? size - off : piece;
        sk_embedded_see(&seen, off, (struct sk_bytes){data + off, len});
    }
    b.src = &mem;
    b.seen = &seen;
    if (sk_failed(sk_embedded_find(&b)) || !same(&a, &b)) {
        abort();
    }
    sk_source_release(&mem);
    return 0;
}
