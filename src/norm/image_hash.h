// SPDX-License-Identifier: Apache-2.0
/*
 * struct image_hash: the 64 bits that fuzzy_img signatures ask about, from the rows of a picture.
 *
 * Life cycle: image_hash_begin -> image_hash_row (height times) -> image_hash_end ->
 * image_hash_release (also after errors; zero-initialised is fine). Owns its buffers: 140 bytes for
 * each column. Errors: SK_E_NOMEM; rows beyond the height are passed over.
 */
#ifndef SK_NORM_IMAGE_HASH_H
#define SK_NORM_IMAGE_HASH_H

#include <stdint.h>

#include "base/err.h"

#define IMAGE_HASH_SIDE 32u

/* One direction of a resize to IMAGE_HASH_SIDE places: which inputs each place is made of. */
struct image_span {
    uint32_t left, right; /* inputs [left, right) */
    float centre;
    float sum; /* of their weights */
};

struct image_hash {
    uint32_t width, height;
    uint32_t y; /* rows seen */
    float scale_y;
    struct image_span span[IMAGE_HASH_SIDE]; /* of rows */
    float *column;                           /* IMAGE_HASH_SIDE rows of `width` */
    float *grey;                             /* of one row */
};

sk_err image_hash_begin(struct image_hash *h, uint32_t width, uint32_t height);
/* rgb: 3 * width bytes. */
void image_hash_row(struct image_hash *h, const uint8_t *rgb);
uint64_t image_hash_end(struct image_hash *h);
void image_hash_release(struct image_hash *h);

#endif
