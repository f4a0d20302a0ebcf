// SPDX-License-Identifier: Apache-2.0
/*
 * The image hash of fuzzy_img signatures: ClamAV's form of the published "pHash".
 *
 *     rows --grey--> [height][width] --Lanczos3--> [32][width] --Lanczos3--> [32][32] of 0..255
 *          --/255, DCT-II of columns, then of rows--> the 8 x 8 lowest frequencies
 *          --> a bit each, row by row, first one highest: larger than the median?
 *
 * A bit near the median hangs on the last place of the arithmetic, so its order is part of the
 * format. Established with `sigtool --fuzzy-img` 1.4.6 on generated pictures, flat ones and
 * gradients among them, where exact zeros decide (tests/differential/diff_image_hash.py):
 *
 *   grey     0.299 R + 0.587 G + 0.114 B in single precision, rounded half away from zero
 *   resize   rows first, then columns, single precision, weights normalised; rounded once, last
 *
 *   values   divided by 255, single precision
 *
 *   DCT      split radix (Plonka, Tasche: "Fast and numerically stable algorithms for discrete
 *            cosine transforms", 2005), single precision: mirrored inputs cancel exactly
 *
 *   median   mean of the two middle ones of the 64
 *
 * Rows are added to the 32 sums as they come, in the order in which a resize of the whole picture
 * would add them, so a picture is never held. Fused multiply-add is off (meson.build): it rounds
 * once where the format rounds twice.
 */
#include "norm/image_hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SIDE IMAGE_HASH_SIDE
#define LOW 8u
#define PI_F 3.14159265358979323846f
#define LANCZOS_LOBES 3.0f

/* ---- resize -------------------------------------------------------------------------------- */

static float sinc(float t) {
    float a = t * PI_F;
    return t == 0.0f ? 1.0f : sinf(a) / a;
}

static float kernel(float x) {
    return fabsf(x) < LANCZOS_LOBES ? sinc(x) * sinc(x / LANCZOS_LOBES) : 0.0f;
}

static float weight(const struct image_span *s, float scale, uint32_t i) {
    return kernel(((float)i - s->centre) / scale);
}

/* Returns how many inputs the unit of the kernel spans. */
static float make_spans(uint32_t inputs, struct image_span *span) {
    float ratio = (float)inputs / (float)SIDE;
    float scale = ratio < 1.0f ? 1.0f : ratio;
    float support = LANCZOS_LOBES * scale;
    for (uint32_t o = 0; o < SIDE; o++) {
        float centre = ((float)o + 0.5f) * ratio;
        float left = floorf(centre - support), right = ceilf(centre + support);
        struct image_span *s = &span[o];
        s->left = left < 0.0f ? 0 : (uint32_t)left;
        s->left = s->left >= inputs ? inputs - 1 : s->left;
        s->right = right > (float)inputs ? inputs : (uint32_t)right;
        s->right = s->right <= s->left ? s->left + 1 : s->right;
        s->centre = centre - 0.5f;
        s->sum = 0.0f;
        for (uint32_t i = s->left; i < s->right; i++) {
            s->sum += weight(s, scale, i);
        }
    }
    return scale;
}

sk_err image_hash_begin(struct image_hash *h, uint32_t width, uint32_t height) {
    if (width == 0 || height == 0) {
        return sk_fail(SK_E_USAGE);
    }
    *h = (struct image_hash){.width = width, .height = height};
    h->column = mem_zalloc((size_t)width * SIDE, sizeof(float));
    h->grey = mem_zalloc(width, sizeof(float));
    if (h->column == NULL || h->grey == NULL) {
        image_hash_release(h);
        return sk_fail(SK_E_NOMEM);
    }
    h->scale_y = make_spans(height, h->span);
    return sk_ok();
}

void image_hash_release(struct image_hash *h) {
    mem_free(h->column);
    mem_free(h->grey);
    h->column = NULL;
    h->grey = NULL;
}

void image_hash_row(struct image_hash *h, const uint8_t *rgb) {
    if (h->y >= h->height) {
        return;
    }
    for (uint32_t x = 0; x < h->width; x++, rgb += 3) {
        float sum = (float)rgb[0] * 0.299f + (float)rgb[1] * 0.587f;
        h->grey[x] = roundf(sum + (float)rgb[2] * 0.114f);
    }
    for (uint32_t o = 0; o < SIDE; o++) {
        const struct image_span *s = &h->span[o];
        if (h->y < s->left || h->y >= s->right) {
            continue;
        }
        float w = weight(s, h->scale_y, h->y) / s->sum;
        float *out = h->column + (size_t)o * h->width;
        for (uint32_t x = 0; x < h->width; x++) {
            out[x] += h->grey[x] * w;
        }
    }
    h->y++;
}

static void resize_columns(const struct image_hash *h, float out[SIDE][SIDE]) {
    struct image_span span[SIDE];
    float scale = make_spans(h->width, span);
    for (uint32_t o = 0; o < SIDE; o++) {
        float sum[SIDE] = {0};
        for (uint32_t i = span[o].left; i < span[o].right; i++) {
            float w = weight(&span[o], scale, i) / span[o].sum;
            for (uint32_t y = 0; y < SIDE; y++) {
                sum[y] += h->column[(size_t)y * h->width + i] * w;
            }
        }
        for (uint32_t y = 0; y < SIDE; y++) {
            float v = sum[y] < 0.0f ? 0.0f : sum[y] > 255.0f ? 255.0f : sum[y];
            out[y][o] = roundf(v) / 255.0f;
        }
    }
}

/* ---- DCT ----------------------------------------------------------------------------------- */

/* One step of the split radix, for len of 4, 8, 16 or 32: x becomes half (len/2 inputs of a DCT)
 * and two quarters. */
static void split(const float *x, unsigned len, float *out) {
    unsigned half = len / 2, quarter = len / 4;
    float *even = out + half, *odd = even + quarter;
    for (unsigned i = 0; i < quarter; i++) {
        float bottom = x[i], top = x[len - 1 - i];
        float half_bottom = x[half - 1 - i], half_top = x[half + i];
        double angle = M_PI * (2.0 * i + 1.0) / (2.0 * len);
        float c = (float)cos(angle), s = (float)sin(angle);
        float lower = bottom - top, upper = half_bottom - half_top;
        out[i] = top + bottom;
        out[half - 1 - i] = half_bottom + half_top;
        even[i] = lower * c + upper * s;
        float sine = upper * c - lower * s;
        odd[quarter - 1 - i] = i % 2 == 0 ? sine : -sine;
    }
}

static void join(const float *in, unsigned len, float *y) {
    unsigned half = len / 2, quarter = len / 4;
    const float *even = in + half, *odd = even + quarter;
    y[0] = in[0];
    y[1] = even[0];
    y[2] = in[1];
    for (unsigned i = 1; i < quarter; i++) {
        float c = even[i];
        float s = (i + quarter) % 2 == 0 ? -odd[quarter - i] : odd[quarter - i];
        y[4 * i - 1] = c + s;
        y[4 * i] = in[2 * i];
        y[4 * i + 1] = c - s;
        y[4 * i + 2] = in[2 * i + 1];
    }
    y[len - 1] = -odd[0];
}

static void dct2(float *x) {
    float sum = x[0] + x[1];
    x[1] = (x[0] - x[1]) * (float)M_SQRT1_2;
    x[0] = sum;
}

#define DCT(len, half, quarter)                                                                    \
    static void dct##len(float *x) {                                                               \
        float part[len];                                                                           \
        split(x, len, part);                                                                       \
        dct##half(part);                                                                           \
        dct##quarter(part + (half));                                                               \
        dct##quarter(part + (half) + (quarter));                                                   \
        join(part, len, x);                                                                        \
    }
static void dct1(float *x) {
    (void)x;
}
DCT(4, 2, 1)
DCT(8, 4, 2)
DCT(16, 8, 4)
DCT(32, 16, 8)

/* ---- bits ---------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

uint64_t image_hash_end(struct image_hash *h) {
    float grey[SIDE][SIDE], low[LOW * LOW], sorted[LOW * LOW];
    resize_columns(h, grey);
    for (unsigned x = 0; x < SIDE; x++) {
        float column[SIDE];
        for (unsigned y = 0; y < SIDE; y++) {
            column[y] = grey[y][x];
        }
        dct32(column);
        for (unsigned y = 0; y < LOW; y++) {
            grey[y][x] = column[y];
        }
    }
    for (unsigned y = 0; y < LOW; y++) {
        dct32(grey[y]);
        memcpy(&low[y * LOW], grey[y], LOW * sizeof(float));
    }
    memcpy(sorted, low, sizeof(low));
    qsort(sorted, LOW * LOW, sizeof(float), by_value);
    float median = (sorted[LOW * LOW / 2 - 1] + sorted[LOW * LOW / 2]) / 2.0f;
    uint64_t bits = 0;
    for (unsigned i = 0; i < LOW * LOW; i++) {
        bits = bits << 1 | (low[i] > median);
    }
    return bits;
}
