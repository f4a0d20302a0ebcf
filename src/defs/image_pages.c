// SPDX-License-Identifier: Apache-2.0
/*
 * The pages of an image that are wanted from the disk, asked for together: one at a time, each is
 * waited for.
 *
 *   image_open -> image_fetch_ends   what is looked at to prove the shape
 *   a scanner  -> image_prefetch     what searches look at all the time
 *
 * Cold, opening takes about 170 single pages. Two images of 370 MB opened in 108 ms while the
 * kernel read ahead around each of them (8 MB here), in 3.5 ms with no read-ahead and a third of
 * the pages waited for one by one, in 1.6 ms now that all are asked for first.
 *
 * Mostly all are in the page cache already, and to ask for them then took 3 to 5 % of the time of
 * one small file. So a few samples are looked at first, forty of 5,000 pages: when none is missing,
 * not many are, and those are waited for when they are needed. (mincore tells it to the owner of a
 * file only.)
 *
 * Where a page fault is dear (AMD, page tables shadowed by the host: 20 to 40 us for its sixteen
 * pages; MADV_POPULATE_READ 2.5 us for as many of the large pieces an image's page cache is in),
 * putting in place at once what most scans of many bytes look at (literals, triggers, signatures,
 * nodes, hash filters: 22 MiB) spares half of an image's 246 faults on programs, a fifth of 675 on
 * small files, and gains nothing: the pages that nobody looks at have to be unmapped again (0.1 to
 * 0.27 us each). Marks and anchors at a scanner's start are fifty calls for eight faults: slower.
 */
#include "defs/image_private.h"

#include "os/clock.h"
#include "os/file.h"

#define NEAR_BYTES ((uint64_t)32 << 10) /* what is so close is read with it */
#define SAMPLE_EVERY 8u                 /* sections */
#define SAMPLE_BYTES ((uint64_t)1 << 20)
#define CACHED_MS 10000u /* so long what was in the page cache is taken to be there */

/* What of a section is looked at when an image is opened. */
enum look { LOOK_NOT, LOOK_FIRST, LOOK_ENDS, LOOK_ALL };

static enum look look_of(const struct img_section *s) {
    switch (s->type) {
    case IMG_GROUP_BUCKETS:
        return LOOK_ENDS;
    case IMG_HASH_GATE:
    case IMG_HASH_FILTER:
    case IMG_NAME_STEMS:
        return LOOK_FIRST;
    case IMG_GROUP_HEADS:
    case IMG_SLOW_HEAD:
    case IMG_MARK_HEAD:
    case IMG_DIGESTS:
        return LOOK_ALL;
    default:
        return LOOK_NOT;
    }
}

/* A range of the file that is wanted soon. Sections are many and small: what lies close to it joins
 * it, because a call for each is a twentieth of the time that one small file takes. */
struct wish {
    const struct image *img;
    uint64_t from, to;
};

static void wish_tell(const struct wish *w) {
    if (w->to > w->from) {
        mapping_advise_soon(&w->img->map, w->from, w->to - w->from);
    }
}

static void wish_for(struct wish *w, uint64_t off, uint64_t len) {
    if (off < w->from || off > w->to + NEAR_BYTES) {
        wish_tell(w);
        *w = (struct wish){w->img, off, off};
    }
    w->to = off + len > w->to ? off + len : w->to;
}

/* Samples of what is looked at to open it and of what scans look at: where one is missing, more
 * are. */
static bool seems_cached(const struct image *img) {
    uint64_t next = 0; /* place of the next sample among all hot bytes, from the section on */
    unsigned looked = 0;
    for (uint32_t i = 0; i < img->header->section_count; i++) {
        const struct img_section *s = &img->header->section[i];
        bool sample = s->len > 0 && look_of(s) != LOOK_NOT && looked++ % SAMPLE_EVERY == 0;
        uint64_t hot = (s->flags & IMG_HOT) != 0 ? s->len : 0;
        for (; next < hot; next += SAMPLE_BYTES) {
            if (file_would_wait(img->fd, s->off + next)) {
                return false;
            }
        }
        next -= hot;
        if (sample && file_would_wait(img->fd, s->off)) {
            return false;
        }
    }
    return true;
}

void image_fetch_ends(struct image *img) {
    struct wish wish = {.img = img};
    if (img->fd < 0) {
        return;
    }
    if (seems_cached(img)) {
        img->cached_ms = clock_monotonic_ms();
        return;
    }
    for (uint32_t i = 0; i < img->header->section_count; i++) {
        const struct img_section *s = &img->header->section[i];
        enum look look = s->len > 0 ? look_of(s) : LOOK_NOT;
        if (look != LOOK_NOT) {
            wish_for(&wish, s->off, look == LOOK_ALL ? s->len : 1);
        }
        if (look == LOOK_ENDS) {
            wish_for(&wish, s->off + s->len - 1, 1);
        }
    }
    wish_tell(&wish);
}

void image_prefetch(const struct image *img) {
    struct wish wish = {.img = img};
    if (img->cached_ms != 0 && clock_monotonic_ms() - img->cached_ms < CACHED_MS) {
        return;
    }
    for (uint32_t i = 0; i < img->header->section_count; i++) {
        const struct img_section *s = &img->header->section[i];
        if ((s->flags & IMG_HOT) != 0) {
            wish_for(&wish, s->off, s->len);
        }
    }
    wish_tell(&wish);
}
