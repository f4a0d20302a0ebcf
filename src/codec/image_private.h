// SPDX-License-Identifier: Apache-2.0
/* What the readers of single picture formats share. Each is called with its magic seen. */
#ifndef SK_CODEC_IMAGE_PRIVATE_H
#define SK_CODEC_IMAGE_PRIVATE_H

#include "codec/image.h"

sk_err image_png(struct sk_source *src, const struct image_sink *sink);
sk_err image_jpeg(struct sk_source *src, const struct image_sink *sink);
sk_err image_gif(struct sk_source *src, const struct image_sink *sink);
sk_err image_tiff(struct sk_source *src, const struct image_sink *sink);
sk_err image_bmp(struct sk_source *src, const struct image_sink *sink);

/* Load the libraries of these formats. */
void image_png_prepare(void);
void image_jpeg_prepare(void);
void image_gif_prepare(void);
void image_tiff_prepare(void);

/* Tells the sink, after a look at the limits. */
sk_err image_size(const struct image_sink *sink, uint64_t width, uint64_t height);
/* width * height * each bytes; SK_E_LIMIT when that is too much to hold. mem_free. */
sk_err image_hold(uint64_t width, uint64_t height, size_t each, uint8_t **out_bytes);

#endif
