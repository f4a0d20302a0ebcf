// SPDX-License-Identifier: Apache-2.0
/*
 * PNG over libpng: palettes and small depths are widened, 16 bits rounded, alpha stripped, gamma
 * left alone.
 *
 * libpng reports errors by longjmp: everything that must survive one lives in struct png_job, whose
 * address does not change. What is wrong stays in job.err; libpng's own texts are dropped.
 */
#include <png.h>

#include "base/late.h"
#include "base/mem.h"
#include "codec/image_private.h"

#define SONAME "libpng16.so.16"

#define PNG_CALLS(CALL)                                                                            \
    CALL(png_create_info_struct)                                                                   \
    CALL(png_create_read_struct_2)                                                                 \
    CALL(png_destroy_read_struct)                                                                  \
    CALL(png_get_error_ptr)                                                                        \
    CALL(png_get_image_height)                                                                     \
    CALL(png_get_image_width)                                                                      \
    CALL(png_get_io_ptr)                                                                           \
    CALL(png_get_rowbytes)                                                                         \
    CALL(png_longjmp)                                                                              \
    CALL(png_read_end)                                                                             \
    CALL(png_read_info)                                                                            \
    CALL(png_read_row)                                                                             \
    CALL(png_read_update_info)                                                                     \
    CALL(png_set_expand)                                                                           \
    CALL(png_set_gray_to_rgb)                                                                      \
    CALL(png_set_interlace_handling)                                                               \
    CALL(png_set_keep_unknown_chunks)                                                              \
    CALL(png_set_longjmp_fn)                                                                       \
    CALL(png_set_read_fn)                                                                          \
    CALL(png_set_scale_16)                                                                         \
    CALL(png_set_strip_alpha)                                                                      \
    CALL(png_set_user_limits)

LATE_TABLE(lp, SONAME, PNG_CALLS);

struct png_job {
    struct sk_source *src;
    const struct image_sink *sink;
    uint64_t pos;
    sk_err err;
    png_structp png;
    png_infop info;
    uint8_t *held; /* one row, or all of an interlaced picture */
    png_uint_32 width, height;
    int passes;
};

static void stop(struct png_job *job, sk_err err) {
    job->err = err;
    lp.png_longjmp(job->png, 1);
}

static void on_error(png_structp png, png_const_charp text) {
    struct png_job *job = lp.png_get_error_ptr(png);
    (void)text;
    stop(job, sk_failed(job->err) ? job->err : sk_fail(SK_E_FORMAT));
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep out, size_t len) {
    struct png_job *job = lp.png_get_io_ptr(png);
    size_t got = 0;
    sk_err err = sk_source_read(job->src, job->pos, out, len, &got);
    job->pos += got;
    if (sk_failed(err) || got < len) {
        stop(job, sk_failed(err) ? err : sk_fail(SK_E_FORMAT));
    }
}

static png_voidp on_alloc(png_structp png, png_alloc_size_t bytes) {
    (void)png;
    return bytes > IMAGE_HELD_BYTES ? NULL : mem_alloc(bytes);
}

static void on_free(png_structp png, png_voidp block) {
    (void)png;
    mem_free(block);
}

static void check(struct png_job *job, sk_err err) {
    if (sk_failed(err)) {
        stop(job, err);
    }
}

static void read_header(struct png_job *job) {
    lp.png_read_info(job->png, job->info);
    job->width = lp.png_get_image_width(job->png, job->info);
    job->height = lp.png_get_image_height(job->png, job->info);
    check(job, image_size(job->sink, job->width, job->height));
    lp.png_set_expand(job->png);
    lp.png_set_scale_16(job->png);
    lp.png_set_gray_to_rgb(job->png);
    lp.png_set_strip_alpha(job->png);
    job->passes = lp.png_set_interlace_handling(job->png);
    lp.png_read_update_info(job->png, job->info);
    if (lp.png_get_rowbytes(job->png, job->info) != (size_t)job->width * 3) {
        stop(job, sk_fail(SK_E_UNSUPPORTED));
    }
}

static void read_rows(struct png_job *job) {
    size_t row_bytes = (size_t)job->width * 3;
    bool whole = job->passes > 1;
    check(job, image_hold(job->width, whole ? job->height : 1, 3, &job->held));
    for (int pass = 0; pass < job->passes; pass++) {
        for (png_uint_32 y = 0; y < job->height; y++) {
            uint8_t *row = job->held + (whole ? y * row_bytes : 0);
            lp.png_read_row(job->png, row, NULL);
            if (pass == job->passes - 1) {
                check(job, job->sink->row(job->sink->ctx, row));
            } else {
                check(job, job->sink->tick(job->sink->ctx));
            }
        }
    }
    lp.png_read_end(job->png, NULL);
}

void image_png_prepare(void) {
    (void)lp_is_there(); /* without, the first picture tells */
}

sk_err image_png(struct sk_source *src, const struct image_sink *sink) {
    struct png_job job = {.src = src, .sink = sink, .err = sk_ok()};
    if (!lp_is_there()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    job.png = lp.png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning, NULL,
                                          on_alloc, on_free);
    if (job.png == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    job.info = lp.png_create_info_struct(job.png);
    if (job.info == NULL) {
        job.err = sk_fail(SK_E_NOMEM);
    } else if (setjmp(*lp.png_set_longjmp_fn(job.png, longjmp, sizeof(jmp_buf))) == 0) {
        lp.png_set_read_fn(job.png, &job, on_read);
        lp.png_set_user_limits(job.png, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
        lp.png_set_keep_unknown_chunks(job.png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
        read_header(&job);
        read_rows(&job);
    }
    lp.png_destroy_read_struct(&job.png, &job.info, NULL);
    mem_free(job.held);
    return job.err;
}
