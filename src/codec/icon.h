// SPDX-License-Identifier: Apache-2.0
/*
 * The picture of an icon resource (a bitmap without a file header, then a mask), on white, brought
 * to 16, 24 or 32 pixels a side the way ClamAV does it before it takes a fingerprint.
 *
 * Ownership: the source is **borrowed**. Errors: SK_E_FORMAT (damaged, cut off, sizes that are not
 * looked at), SK_E_UNSUPPORTED (PNG and other packings, bit depths that are none), SK_E_NOMEM,
 * SK_E_IO. Limits: 16 to 256 pixels a side.
 */
#ifndef SK_CODEC_ICON_H
#define SK_CODEC_ICON_H

#include "base/source.h"

#define ICON_PIXELS_MAX ((size_t)32 * 32)

struct icon_picture {
    unsigned side;                 /* 16, 24 or 32 */
    uint32_t rgb[ICON_PIXELS_MAX]; /* side * side, from the top, 0x00rrggbb */
};

/* The icon begins at `off`. Fills *out also on failure. */
sk_err icon_decode(struct sk_source *src, uint64_t off, struct icon_picture *out);

#endif
