// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures to rows of colours: GIF (first frame), PNG, JPEG, TIFF, BMP.
 *
 * The rows come from top to bottom as R, G, B bytes; transparency is dropped, not blended, and 16
 * bits a channel are rounded to 8. That is what the image hash of ClamAV is made from.
 *
 * Ownership: everything is **borrowed** for the call. Errors: SK_E_FORMAT (damaged, or none of
 * these formats: what a picture hash is made from must be whole), SK_E_UNSUPPORTED, SK_E_LIMIT
 * (larger than the limits below, or than the libraries take), SK_E_NOMEM, SK_E_IO, and those of the
 * sink. Limits: width and height up to IMAGE_SIDE_MAX; where a picture must be held in whole
 * (interlaced, one strip) up to IMAGE_HELD_BYTES.
 */
#ifndef SK_CODEC_IMAGE_H
#define SK_CODEC_IMAGE_H

#include "base/source.h"

#define IMAGE_SIDE_MAX 65535u
#define IMAGE_PIXELS_MAX ((uint64_t)1 << 28)
#define IMAGE_HELD_BYTES ((size_t)96 << 20)

struct image_sink {
    /* Once, before the first row. */
    sk_err (*size)(void *ctx, uint32_t width, uint32_t height);
    /* 3 * width bytes. */
    sk_err (*row)(void *ctx, const uint8_t *rgb);
    /* Now and then while rows are still being prepared. Ends the work unless SK_OK. */
    sk_err (*tick)(void *ctx);
    void *ctx;
};

sk_err image_decode(struct sk_source *src, const struct image_sink *sink);
/* Loads the late parts (base/late.h): libraries without which their formats are SK_E_UNSUPPORTED.
 */
void image_prepare(void);

#endif
