// SPDX-License-Identifier: Apache-2.0
/*
 * GIF over giflib: the first picture, drawn on the logical screen. What it leaves free is black,
 * transparent pixels keep the colour of their palette entry: the screen of a decoder that starts
 * with all zeros and drops alpha.
 *
 * giflib is used record by record, because its DGifSlurp reads every picture into memory.
 */
#include <gif_lib.h>

#include <string.h>

#include "base/late.h"
#include "base/mem.h"
#include "codec/image_private.h"

#define SONAME "libgif.so.7"

#define GIF_CALLS(CALL)                                                                            \
    CALL(DGifCloseFile)                                                                            \
    CALL(DGifGetExtension)                                                                         \
    CALL(DGifGetExtensionNext)                                                                     \
    CALL(DGifGetImageDesc)                                                                         \
    CALL(DGifGetLine)                                                                              \
    CALL(DGifGetRecordType)                                                                        \
    CALL(DGifOpen)

LATE_TABLE(lg, SONAME, GIF_CALLS);

struct gif_job {
    struct sk_source *src;
    const struct image_sink *sink;
    uint64_t pos;
    sk_err err;
    uint8_t *screen; /* palette indexes */
    uint8_t *rgb;
};

static int on_read(GifFileType *gif, GifByteType *out, int len) {
    struct gif_job *job = gif->UserData;
    size_t got = 0;
    if (len < 0 || sk_failed(job->err)) {
        return 0;
    }
    job->err = sk_source_read(job->src, job->pos, out, (size_t)len, &got);
    job->pos += got;
    return (int)got;
}

static sk_err damaged(const struct gif_job *job) {
    return sk_failed(job->err) ? job->err : sk_fail(SK_E_FORMAT);
}

/* Up to the first picture. */
static sk_err find_image(struct gif_job *job, GifFileType *gif) {
    GifRecordType type;
    do {
        TRY(job->sink->tick(job->sink->ctx));
        if (lg.DGifGetRecordType(gif, &type) == GIF_ERROR || type == TERMINATE_RECORD_TYPE) {
            return damaged(job);
        }
        GifByteType *block = NULL;
        int code;
        if (type == EXTENSION_RECORD_TYPE && lg.DGifGetExtension(gif, &code, &block) == GIF_ERROR) {
            return damaged(job);
        }
        while (block != NULL) {
            if (lg.DGifGetExtensionNext(gif, &block) == GIF_ERROR) {
                return damaged(job);
            }
        }
    } while (type != IMAGE_DESC_RECORD_TYPE);
    return lg.DGifGetImageDesc(gif) == GIF_ERROR ? damaged(job) : sk_ok();
}

/* The lines of a picture in the order they are stored. */
static int line_order(int height, bool interlaced, int at) {
    static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    if (!interlaced) {
        return at;
    }
    for (int pass = 0; pass < 4; pass++) {
        int lines = height > first[pass] ? (height - first[pass] + step[pass] - 1) / step[pass] : 0;
        if (at < lines) {
            return first[pass] + at * step[pass];
        }
        at -= lines;
    }
    return 0;
}

static sk_err read_lines(struct gif_job *job, GifFileType *gif) {
    const GifImageDesc *d = &gif->Image;
    size_t pixels = (size_t)d->Width * (size_t)d->Height;
    if (d->Width <= 0 || d->Height <= 0) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(image_hold((uint64_t)d->Width, (uint64_t)d->Height, 1, &job->screen));
    for (int i = 0; i < d->Height; i++) {
        size_t at = (size_t)line_order(d->Height, d->Interlace, i) * (size_t)d->Width;
        TRY(job->sink->tick(job->sink->ctx));
        if (at >= pixels || lg.DGifGetLine(gif, job->screen + at, d->Width) == GIF_ERROR) {
            return damaged(job);
        }
    }
    return sk_ok();
}

static void colour_line(const GifFileType *gif, const ColorMapObject *map, const uint8_t *line,
                        uint8_t *rgb) {
    for (int x = 0; x < gif->Image.Width; x++) {
        int column = gif->Image.Left + x;
        if (column >= gif->SWidth) {
            return;
        }
        if (line[x] < map->ColorCount) {
            const GifColorType *c = &map->Colors[line[x]];
            rgb[3 * (size_t)column] = c->Red;
            rgb[3 * (size_t)column + 1] = c->Green;
            rgb[3 * (size_t)column + 2] = c->Blue;
        }
    }
}

static sk_err tell(struct gif_job *job, const GifFileType *gif) {
    const GifImageDesc *d = &gif->Image;
    const ColorMapObject *map = d->ColorMap != NULL ? d->ColorMap : gif->SColorMap;
    if (map == NULL) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(image_hold((uint64_t)gif->SWidth, 1, 3, &job->rgb));
    for (int y = 0; y < gif->SHeight; y++) {
        memset(job->rgb, 0, (size_t)gif->SWidth * 3);
        if (y >= d->Top && y - d->Top < d->Height) {
            size_t line = (size_t)(y - d->Top) * (size_t)d->Width;
            colour_line(gif, map, job->screen + line, job->rgb);
        }
        TRY(job->sink->row(job->sink->ctx, job->rgb));
    }
    return sk_ok();
}

static sk_err read_picture(struct gif_job *job, GifFileType *gif) {
    if (gif->SWidth <= 0 || gif->SHeight <= 0) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(image_size(job->sink, (uint64_t)gif->SWidth, (uint64_t)gif->SHeight));
    TRY(find_image(job, gif));
    TRY(read_lines(job, gif));
    return tell(job, gif);
}

void image_gif_prepare(void) {
    (void)lg_is_there(); /* without, the first picture tells */
}

sk_err image_gif(struct sk_source *src, const struct image_sink *sink) {
    struct gif_job job = {.src = src, .sink = sink, .err = sk_ok()};
    int code = 0;
    if (!lg_is_there()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    GifFileType *gif = lg.DGifOpen(&job, on_read, &code);
    if (gif == NULL) {
        return code == D_GIF_ERR_NOT_ENOUGH_MEM ? sk_fail(SK_E_NOMEM) : damaged(&job);
    }
    sk_err err = read_picture(&job, gif);
    lg.DGifCloseFile(gif, &code);
    mem_free(job.screen);
    mem_free(job.rgb);
    return err;
}
