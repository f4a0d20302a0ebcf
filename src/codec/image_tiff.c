// SPDX-License-Identifier: Apache-2.0
/*
 * TIFF over libtiff: the first directory, strip by strip or one row of tiles at a time, through the
 * library's RGBA reader, which knows the photometric interpretations and sample layouts.
 *
 * Two fields are set before it looks at them, for rows as stored: transparency is declared as
 * blended already (else the library multiplies colours with it), orientation as top-left.
 *
 *     raster of a strip: last row first, a pixel = R | G << 8 | B << 16 | A << 24
 *
 * libtiff would print its complaints: the handlers of this file take them, and say nothing. No
 * single allocation of the library may pass IMAGE_HELD_BYTES. It is loaded when the first picture
 * comes (base/late.h).
 */
#include <tiffio.h>

#include <string.h>

#include "base/late.h"
#include "base/mem.h"
#include "codec/image_private.h"

#define SONAME "libtiff.so.6"

#define TIFF_CALLS(CALL)                                                                           \
    CALL(TIFFClientOpenExt)                                                                        \
    CALL(TIFFClose)                                                                                \
    CALL(TIFFGetField)                                                                             \
    CALL(TIFFGetFieldDefaulted)                                                                    \
    CALL(TIFFIsTiled)                                                                              \
    CALL(TIFFOpenOptionsAlloc)                                                                     \
    CALL(TIFFOpenOptionsFree)                                                                      \
    CALL(TIFFOpenOptionsSetErrorHandlerExtR)                                                       \
    CALL(TIFFOpenOptionsSetMaxSingleMemAlloc)                                                      \
    CALL(TIFFOpenOptionsSetWarningHandlerExtR)                                                     \
    CALL(TIFFRGBAImageOK)                                                                          \
    CALL(TIFFReadRGBAStripExt)                                                                     \
    CALL(TIFFReadRGBATileExt)                                                                      \
    CALL(TIFFSetField)

LATE_TABLE(lt, SONAME, TIFF_CALLS);

struct tiff_job {
    struct sk_source *src;
    const struct image_sink *sink;
    uint64_t pos;
    sk_err err;
    TIFF *tiff;
    uint32_t width, height;
    uint32_t band;         /* rows of a strip or tile */
    uint32_t across, step; /* pixels of the raster: of a strip the picture's, of a tile its own */
    uint32_t *raster;
    uint8_t *rows; /* a band of R, G, B */
};

static tmsize_t on_read(thandle_t handle, void *buf, tmsize_t len) {
    struct tiff_job *job = handle;
    size_t got = 0;
    if (len < 0 || sk_failed(job->err)) {
        return -1;
    }
    job->err = sk_source_read(job->src, job->pos, buf, (size_t)len, &got);
    job->pos += got;
    return (tmsize_t)got;
}

static tmsize_t on_write(thandle_t handle, void *buf, tmsize_t len) {
    (void)handle;
    (void)buf;
    (void)len;
    return -1;
}

static toff_t on_seek(thandle_t handle, toff_t off, int whence) {
    struct tiff_job *job = handle;
    uint64_t base = whence == SEEK_CUR ? job->pos : whence == SEEK_END ? job->src->size : 0;
    job->pos = base + off;
    return job->pos;
}

static int on_close(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle) {
    struct tiff_job *job = handle;
    return job->src->size;
}

static int on_message(TIFF *tiff, void *ctx, const char *module, const char *fmt, va_list args) {
    (void)tiff;
    (void)ctx;
    (void)module;
    (void)fmt;
    (void)args;
    return 1; /* told */
}

static TIFF *open_tiff(struct tiff_job *job) {
    TIFFOpenOptions *options = lt.TIFFOpenOptionsAlloc();
    if (options == NULL) {
        return NULL;
    }
    lt.TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)IMAGE_HELD_BYTES);
    lt.TIFFOpenOptionsSetErrorHandlerExtR(options, on_message, NULL);
    lt.TIFFOpenOptionsSetWarningHandlerExtR(options, on_message, NULL);
    TIFF *tiff = lt.TIFFClientOpenExt("picture", "rm", job, on_read, on_write, on_seek, on_close,
                                      on_size, NULL, NULL, options);
    lt.TIFFOpenOptionsFree(options);
    return tiff;
}

static sk_err damaged(const struct tiff_job *job) {
    return sk_failed(job->err) ? job->err : sk_fail(SK_E_FORMAT);
}

static sk_err prepare(struct tiff_job *job) {
    uint16_t alpha[1] = {EXTRASAMPLE_ASSOCALPHA};
    uint16_t extra_count = 0, *extra = NULL;
    char why[1024];
    if (lt.TIFFGetField(job->tiff, TIFFTAG_IMAGEWIDTH, &job->width) != 1 ||
        lt.TIFFGetField(job->tiff, TIFFTAG_IMAGELENGTH, &job->height) != 1) {
        return damaged(job);
    }
    if (lt.TIFFGetFieldDefaulted(job->tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra) == 1 &&
        extra_count == 1) {
        lt.TIFFSetField(job->tiff, TIFFTAG_EXTRASAMPLES, 1, alpha);
    }
    lt.TIFFSetField(job->tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    if (lt.TIFFRGBAImageOK(job->tiff, why) != 1) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    TRY(image_size(job->sink, job->width, job->height));
    if (lt.TIFFIsTiled(job->tiff)) {
        if (lt.TIFFGetField(job->tiff, TIFFTAG_TILEWIDTH, &job->across) != 1 ||
            lt.TIFFGetField(job->tiff, TIFFTAG_TILELENGTH, &job->band) != 1) {
            return damaged(job);
        }
    } else {
        lt.TIFFGetFieldDefaulted(job->tiff, TIFFTAG_ROWSPERSTRIP, &job->band);
        job->band = job->band > job->height ? job->height : job->band;
        job->across = job->width;
    }
    if (job->across == 0 || job->band == 0) {
        return sk_fail(SK_E_FORMAT);
    }
    uint8_t *raster = NULL;
    TRY(image_hold(job->across, job->band, sizeof(uint32_t), &raster));
    job->raster = (uint32_t *)(void *)raster;
    return image_hold(job->width, job->band, 3, &job->rows);
}

/* Raster at column x of the band; `count` rows of the picture are in it. */
static void put_raster(struct tiff_job *job, uint32_t x, uint32_t count, uint32_t raster_rows) {
    uint32_t wide = job->width - x < job->across ? job->width - x : job->across;
    for (uint32_t y = 0; y < count; y++) {
        const uint32_t *in = job->raster + (size_t)(raster_rows - 1 - y) * job->across;
        uint8_t *out = job->rows + ((size_t)y * job->width + x) * 3;
        for (uint32_t k = 0; k < wide; k++, out += 3) {
            out[0] = (uint8_t)TIFFGetR(in[k]);
            out[1] = (uint8_t)TIFFGetG(in[k]);
            out[2] = (uint8_t)TIFFGetB(in[k]);
        }
    }
}

static sk_err read_band(struct tiff_job *job, uint32_t y, uint32_t count) {
    if (!lt.TIFFIsTiled(job->tiff)) {
        if (lt.TIFFReadRGBAStripExt(job->tiff, y, job->raster, 1) != 1) {
            return damaged(job);
        }
        put_raster(job, 0, count, count);
        return sk_ok();
    }
    for (uint32_t x = 0; x < job->width; x += job->across) {
        TRY(job->sink->tick(job->sink->ctx));
        if (lt.TIFFReadRGBATileExt(job->tiff, x, y, job->raster, 1) != 1) {
            return damaged(job);
        }
        put_raster(job, x, count, job->band);
    }
    return sk_ok();
}

static sk_err read_picture(struct tiff_job *job) {
    TRY(prepare(job));
    for (uint32_t y = 0; y < job->height; y += job->band) {
        uint32_t count = job->height - y < job->band ? job->height - y : job->band;
        TRY(read_band(job, y, count));
        for (uint32_t k = 0; k < count; k++) {
            TRY(job->sink->row(job->sink->ctx, job->rows + (size_t)k * job->width * 3));
        }
    }
    return sk_ok();
}

void image_tiff_prepare(void) {
    (void)lt_is_there(); /* without, the first picture tells */
}

sk_err image_tiff(struct sk_source *src, const struct image_sink *sink) {
    struct tiff_job job = {.src = src, .sink = sink, .err = sk_ok()};
    if (!lt_is_there()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    job.tiff = open_tiff(&job);
    if (job.tiff == NULL) {
        return damaged(&job);
    }
    sk_err err = read_picture(&job);
    lt.TIFFClose(job.tiff);
    mem_free(job.raster);
    mem_free(job.rows);
    return err;
}
