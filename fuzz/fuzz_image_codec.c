// SPDX-License-Identifier: Apache-2.0
/* Pictures: hostile bytes through every decoder; the same rows from memory and through windows. */
#include <stdlib.h>
#include <string.h>

#include "codec/image.h"
#include "norm/image_hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS_MAX 2048u
#define PIXELS_MAX ((uint64_t)1 << 20)

struct seen {
    struct image_hash hash;
    uint32_t rows, ticks;
};

static sk_err on_size(void *ctx, uint32_t width, uint32_t height) {
    struct seen *s = ctx;
    if (s->hash.column != NULL || (uint64_t)width * height > PIXELS_MAX) {
        return sk_fail(SK_E_STOP);
    }
    return image_hash_begin(&s->hash, width, height);
}

static sk_err on_row(void *ctx, const uint8_t *rgb) {
    struct seen *s = ctx;
    if (s->hash.column == NULL || s->rows >= s->hash.height) {
        abort(); /* rows before the size, or more than told */
    }
    image_hash_row(&s->hash, rgb);
    return ++s->rows >= ROWS_MAX ? sk_fail(SK_E_STOP) : sk_ok();
}

static sk_err on_tick(void *ctx) {
    struct seen *s = ctx;
    return ++s->ticks > 100000 ? sk_fail(SK_E_STOP) : sk_ok();
}

static sk_err window_read(void *ctx, uint64_t off, void *buf, size_t len) {
    memcpy(buf, (const uint8_t *)ctx + off, len);
    return sk_ok();
}

static sk_err decode(struct sk_source *src, uint64_t *out_hash) {
    struct seen s = {0};
    struct image_sink sink = {on_size, on_row, on_tick, &s};
    sk_err err = image_decode(src, &sink);
    if (!sk_failed(err)) {
        if (s.rows != s.hash.height) {
            abort();
        }
        *out_hash = image_hash_end(&s.hash);
    }
    image_hash_release(&s.hash);
    sk_source_release(src);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sk_source src;
    uint64_t a = 0, b = 0;
    sk_source_init_mem(&src, data, size);
    sk_err err_a = decode(&src, &a);
    sk_source_init_read(&src, size, window_read, (void *)(uintptr_t)data);
    sk_err err_b = decode(&src, &b);
    if (err_a.code != err_b.code || a != b || err_a.code == SK_E_IO ||
        err_a.code == SK_E_INTERNAL) {
        abort();
    }
    return 0;
}
