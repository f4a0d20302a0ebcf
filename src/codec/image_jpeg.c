// SPDX-License-Identifier: Apache-2.0
/*
 * JPEG over libjpeg-turbo.
 *
 * Grey and YCbCr come out as RGB from the library. CMYK (and YCCK, which the library turns into
 * CMYK) is stored inverted by everybody since Adobe: R = C * K / 255 and so on.
 *
 * Errors end by longjmp, as in image_png.c. A warning means damaged data that the library fills up
 * with grey: no hash of the true picture, hence SK_E_FORMAT. Progressive pictures keep their
 * coefficients in memory: bounded by max_memory_to_use, whose overflow is an error because the
 * build of Debian has no temporary files (jmemnobs).
 */
#include <setjmp.h>
#include <stdio.h>
/* needs FILE and size_t before it */
#include <jerror.h>
#include <jpeglib.h>

#include "base/late.h"
#include "base/mem.h"
#include "codec/image_private.h"

#define SONAME "libjpeg.so.62"

#define JPEG_CALLS(CALL)                                                                           \
    CALL(jpeg_CreateDecompress)                                                                    \
    CALL(jpeg_destroy_decompress)                                                                  \
    CALL(jpeg_read_header)                                                                         \
    CALL(jpeg_read_scanlines)                                                                      \
    CALL(jpeg_resync_to_restart)                                                                   \
    CALL(jpeg_start_decompress)                                                                    \
    CALL(jpeg_std_error)

LATE_TABLE(lj, SONAME, JPEG_CALLS);

#define CHUNK_BYTES ((size_t)16384)

struct jpeg_job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr error;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    struct sk_source *src;
    const struct image_sink *sink;
    uint64_t pos;
    sk_err err;
    uint8_t *row, *rgb;
    uint8_t chunk[CHUNK_BYTES];
};

static struct jpeg_job *job_of(void *client_data) {
    return client_data;
}

static void stop(struct jpeg_job *job, sk_err err) {
    job->err = err;
    longjmp(job->out, 1);
}

static void check(struct jpeg_job *job, sk_err err) {
    if (sk_failed(err)) {
        stop(job, err);
    }
}

static enum sk_err_code code_of(int jpeg_code) {
    switch (jpeg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG:
        return SK_E_LIMIT;
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
        return SK_E_UNSUPPORTED;
    default:
        return SK_E_FORMAT;
    }
}

static void on_error(j_common_ptr jpeg) {
    stop(job_of(jpeg->client_data), sk_fail(code_of(jpeg->err->msg_code)));
}

static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0) {
        stop(job_of(jpeg->client_data), sk_fail(SK_E_FORMAT));
    }
}

static void on_nothing(j_decompress_ptr jpeg) {
    (void)jpeg;
}

static boolean on_fill(j_decompress_ptr jpeg) {
    struct jpeg_job *job = job_of(jpeg->client_data);
    size_t got = 0;
    check(job, sk_source_read(job->src, job->pos, job->chunk, sizeof(job->chunk), &got));
    if (got == 0) {
        stop(job, sk_fail(SK_E_FORMAT));
    }
    job->pos += got;
    job->source.next_input_byte = job->chunk;
    job->source.bytes_in_buffer = got;
    return TRUE;
}

static void on_skip(j_decompress_ptr jpeg, long count) {
    struct jpeg_job *job = job_of(jpeg->client_data);
    if (count <= 0) {
        return;
    }
    size_t have = job->source.bytes_in_buffer;
    size_t skip = (size_t)count < have ? (size_t)count : have;
    job->source.next_input_byte += skip;
    job->source.bytes_in_buffer -= skip;
    job->pos += (size_t)count - skip;
}

static void on_progress(j_common_ptr jpeg) {
    struct jpeg_job *job = job_of(jpeg->client_data);
    check(job, job->sink->tick(job->sink->ctx));
}

static void rgb_of_cmyk(const uint8_t *in, uint8_t *rgb, uint32_t width) {
    for (uint32_t x = 0; x < width; x++, in += 4, rgb += 3) {
        for (unsigned k = 0; k < 3; k++) {
            rgb[k] = (uint8_t)(in[k] * in[3] / 255);
        }
    }
}

static void read_picture(struct jpeg_job *job) {
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    lj.jpeg_read_header(jpeg, TRUE);
    check(job, image_size(job->sink, jpeg->image_width, jpeg->image_height));
    bool cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    lj.jpeg_start_decompress(jpeg);
    check(job, image_hold(jpeg->output_width, 1, 4, &job->row));
    check(job, image_hold(jpeg->output_width, 1, 3, &job->rgb));
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW rows[1] = {job->row};
        if (lj.jpeg_read_scanlines(jpeg, rows, 1) != 1) {
            stop(job, sk_fail(SK_E_FORMAT));
        }
        if (cmyk) {
            rgb_of_cmyk(job->row, job->rgb, jpeg->output_width);
        }
        check(job, job->sink->row(job->sink->ctx, cmyk ? job->rgb : job->row));
    }
}

void image_jpeg_prepare(void) {
    (void)lj_is_there(); /* without, the first picture tells */
}

sk_err image_jpeg(struct sk_source *src, const struct image_sink *sink) {
    if (!lj_is_there()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct jpeg_job *job = mem_zalloc(1, sizeof(*job));
    if (job == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    job->src = src;
    job->sink = sink;
    job->jpeg.err = lj.jpeg_std_error(&job->error);
    job->error.error_exit = on_error;
    job->error.emit_message = on_message;
    job->jpeg.client_data = job;
    if (setjmp(job->out) == 0) {
        lj.jpeg_CreateDecompress(&job->jpeg, JPEG_LIB_VERSION, sizeof(job->jpeg));
        job->jpeg.client_data = job;
        job->jpeg.mem->max_memory_to_use = (long)IMAGE_HELD_BYTES;
        job->source = (struct jpeg_source_mgr){.init_source = on_nothing,
                                               .fill_input_buffer = on_fill,
                                               .skip_input_data = on_skip,
                                               .resync_to_restart = lj.jpeg_resync_to_restart,
                                               .term_source = on_nothing};
        job->jpeg.src = &job->source;
        job->progress.progress_monitor = on_progress;
        job->jpeg.progress = &job->progress;
        read_picture(job);
    }
    sk_err err = job->err;
    lj.jpeg_destroy_decompress(&job->jpeg);
    mem_free(job->row);
    mem_free(job->rgb);
    mem_free(job);
    return err;
}
