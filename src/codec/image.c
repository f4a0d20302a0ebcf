// SPDX-License-Identifier: Apache-2.0
/*
 * Which library reads a picture, and the limits common to all.
 *
 *     first bytes --> image_<format> --size, rows--> sink
 *
 * Why libraries: these formats are old, their readers are fuzzed by everybody who has a browser,
 * and a picture hash is equal to ClamAV's only where every pixel is. Each runs inside the sandboxed
 * child, reads through callbacks and opens nothing; it is loaded when the first picture of its
 * format is to be hashed (base/late.h). Own code is left for BMP, which has no library. Left out:
 * WebP. clamscan 1.4.6 makes no hash of WebP files, so no signature can ask for one.
 */
#include "codec/image.h"

#include <string.h>

#include "base/mem.h"
#include "codec/image_private.h"

static const struct {
    const char *magic;
    size_t len;
    sk_err (*decode)(struct sk_source *src, const struct image_sink *sink);
} FORMAT[] = {
    {"\x89PNG", 4, image_png},     {"\xff\xd8\xff", 3, image_jpeg},
    {"GIF8", 4, image_gif},        {"II\x2a\x00", 4, image_tiff},
    {"MM\x00\x2a", 4, image_tiff}, {"II\x2b\x00", 4, image_tiff},
    {"MM\x00\x2b", 4, image_tiff}, {"BM", 2, image_bmp},
};

void image_prepare(void) {
    image_png_prepare();
    image_jpeg_prepare();
    image_gif_prepare();
    image_tiff_prepare();
}

sk_err image_decode(struct sk_source *src, const struct image_sink *sink) {
    uint8_t head[4] = {0};
    size_t got = 0;
    TRY(sk_source_read(src, 0, head, sizeof(head), &got));
    for (size_t i = 0; i < sizeof(FORMAT) / sizeof(FORMAT[0]); i++) {
        if (got >= FORMAT[i].len && memcmp(head, FORMAT[i].magic, FORMAT[i].len) == 0) {
            return FORMAT[i].decode(src, sink);
        }
    }
    return sk_fail(SK_E_FORMAT);
}

sk_err image_size(const struct image_sink *sink, uint64_t width, uint64_t height) {
    if (width == 0 || height == 0) {
        return sk_fail(SK_E_FORMAT);
    }
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX || width * height > IMAGE_PIXELS_MAX) {
        return sk_fail(SK_E_LIMIT);
    }
    return sink->size(sink->ctx, (uint32_t)width, (uint32_t)height);
}

sk_err image_hold(uint64_t width, uint64_t height, size_t each, uint8_t **out_bytes) {
    uint64_t bytes;
    if (__builtin_mul_overflow(width, height, &bytes) ||
        __builtin_mul_overflow(bytes, (uint64_t)each, &bytes) || bytes > IMAGE_HELD_BYTES) {
        return sk_fail(SK_E_LIMIT);
    }
    uint8_t *held = mem_zalloc((size_t)bytes, 1);
    if (held == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_bytes = held;
    return sk_ok();
}
