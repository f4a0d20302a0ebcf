// SPDX-License-Identifier: Apache-2.0
/*
 * Seen with clamscan 1.4.6 (each kind in each kind of host): a PE anywhere in another PE, or in the
 * first kilobyte of data, HTML, a class file or a compound file is scanned as a PE; 7z, RAR,
 * cabinets and ISO images anywhere in anything are opened. ZIP needs no search: its reader starts
 * at the end of a file.
 *
 *   bytes --pairs of first two bytes, 64 places at once--> candidates --whole magic--> header
 * agrees?
 *
 * The pass must cost next to nothing, since it runs over bytes in which mostly nothing is found
 * (pairs.c).
 *
 * The bytes of sk_embedded_see may change at any time; what is kept of them are places, which come
 * from the loop. What stands there is measured in the source.
 *
 * Where a find ends: a cabinet states it; 7z, RAR and ISO go to the end of the layer. A PE goes to
 * the end of its sections or to the next PE, whichever is further (clamscan: to the end of the
 * layer): ten programs in one installer would else be read ten times over.
 * Sources: PE/COFF, 7zFormat.txt, technote.txt, [MS-CAB], ECMA-119.
 */
#include "format/embedded.h"

#include "base/cursor.h"
#include "base/look.h"
#include "codec/codec.h"
#include "format/pairs.h"

#define STEP_BYTES ((size_t)60 * 1024) /* below SK_SOURCE_WANT_MAX: steps overlap */
#define MAGIC_MAX_BYTES 8u
#define LFANEW_OFF 0x3cu
#define LFANEW_MAX ((uint32_t)16 << 20)
#define SECTIONS_MAX 96u
#define ISO_DESCRIPTOR_OFF ((uint64_t)32768)

struct kind {
    enum sk_type type;
    const char *magic;
    uint8_t len;
    /* The length of the object whose magic stands at `at`, 0: there is none. May move the start. */
    uint64_t (*measure)(struct sk_source *src, uint64_t at, uint64_t *start);
};

/* ---- headers ----------------------------------------------------------------------------------
 */

static uint64_t measure_pe(struct sk_source *src, uint64_t at, uint64_t *start) {
    (void)start;
    struct sk_cursor c = sk_source_cursor(src, at + LFANEW_OFF, 4);
    uint32_t lfanew = sk_cursor_u32le(&c);
    if (!sk_cursor_ok(&c) || lfanew < 4 || lfanew > LFANEW_MAX) {
        return 0;
    }
    c = sk_source_cursor(src, at + lfanew, 26);
    uint32_t signature = sk_cursor_u32le(&c);
    sk_cursor_skip(&c, 2);
    unsigned sections = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 12);
    uint16_t optional = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 2);
    uint16_t magic = sk_cursor_u16le(&c);
    if (!sk_cursor_ok(&c) || signature != 0x4550u || (magic != 0x10b && magic != 0x20b) ||
        sections == 0 || sections > SECTIONS_MAX) {
        return 0;
    }
    uint64_t end = 0, table = at + lfanew + 24 + optional;
    c = sk_source_cursor(src, table, (size_t)sections * 40);
    for (unsigned i = 0; i < sections; i++) {
        sk_cursor_skip(&c, 16);
        uint64_t size = sk_cursor_u32le(&c), off = sk_cursor_u32le(&c);
        sk_cursor_skip(&c, 16);
        if (!sk_cursor_ok(&c)) {
            return 0;
        }
        end = size > 0 && off + size > end ? off + size : end;
    }
    return end < src->size - at ? end : src->size - at;
}

/* The start header holds its own checksum. */
static uint64_t measure_sevenzip(struct sk_source *src, uint64_t at, uint64_t *start) {
    (void)start;
    struct sk_cursor c = sk_source_cursor(src, at, 32);
    sk_cursor_skip(&c, 8);
    uint32_t want = sk_cursor_u32le(&c);
    const uint8_t *head = sk_cursor_take(&c, 20);
    return head != NULL && sk_crc32(0, head, 20) == want ? src->size - at : 0;
}

static uint64_t measure_rar(struct sk_source *src, uint64_t at, uint64_t *start) {
    (void)start;
    struct sk_cursor c = sk_source_cursor(src, at + 6, 2);
    uint16_t version = sk_cursor_u16le(&c);
    return sk_cursor_ok(&c) && ((version & 0xff) == 0 || version == 1) ? src->size - at : 0;
}

/* Version 1.3, and no longer than what is left. */
static uint64_t measure_cab(struct sk_source *src, uint64_t at, uint64_t *start) {
    (void)start;
    struct sk_cursor c = sk_source_cursor(src, at, 36);
    sk_cursor_skip(&c, 8);
    uint64_t len = sk_cursor_u32le(&c);
    sk_cursor_skip(&c, 12);
    uint16_t version = sk_cursor_u16le(&c);
    return sk_cursor_ok(&c) && version == 0x0103 && len >= 36 && len <= src->size - at ? len : 0;
}

/* The magic is that of the first volume descriptor, sixteen sectors behind the start. */
static uint64_t measure_iso(struct sk_source *src, uint64_t at, uint64_t *start) {
    if (at < ISO_DESCRIPTOR_OFF) {
        return 0;
    }
    *start = at - ISO_DESCRIPTOR_OFF;
    return src->size - *start;
}

static const struct kind KINDS[] = {
    {SK_TYPE_PE, "MZ", 2, measure_pe},
    {SK_TYPE_CAB, "MSCF\0\0\0\0", 8, measure_cab},
    {SK_TYPE_SEVENZIP, "7z\xbc\xaf\x27\x1c", 6, measure_sevenzip},
    {SK_TYPE_RAR, "Rar!\x1a\x07", 6, measure_rar},
    {SK_TYPE_ISO, "\1CD001\1", 7, measure_iso},
};
#define KIND_COUNT (sizeof(KINDS) / sizeof(KINDS[0]))

/* ---- candidates -------------------------------------------------------------------------------
 */

static const struct kind *kind_at(const uint8_t *p, size_t left) {
    for (size_t k = 0; k < KIND_COUNT; k++) {
        if (KINDS[k].len <= left && p[0] == (uint8_t)KINDS[k].magic[0] &&
            look_equal(p, (const uint8_t *)KINDS[k].magic, KINDS[k].len)) {
            return &KINDS[k];
        }
    }
    return NULL;
}

/* First place in p[from .. stop) where a magic stands whole in p[.. len); stop when there is none.
 */
static size_t next_magic(struct sk_bytes p, size_t from, size_t stop,
                         const struct kind **out_kind) {
    const struct pairs_kernel *kernel = pairs_kernel_nth(0);
    size_t len = p.len;
    for (uint64_t places; (from = kernel->next(p.ptr, len, from, &places)) < stop;
         from += PAIRS_BLOCK) {
        for (; places != 0; places &= places - 1) {
            size_t at = from + (unsigned)__builtin_ctzll(places);
            if (at >= stop) {
                return stop;
            }
            *out_kind = kind_at(&p.ptr[at], len - at);
            if (*out_kind != NULL) {
                return at;
            }
        }
    }
    return stop;
}

/* ---- finds ------------------------------------------------------------------------------------
 */

static bool wanted(const struct sk_embedded_job *job, const struct kind *kind, uint64_t at) {
    return kind->type == SK_TYPE_PE    ? at < job->program_reach
           : kind->type == SK_TYPE_ISO ? true
                                       : job->archives;
}

static bool has_room(const struct sk_embedded_job *job, const struct kind *kind) {
    unsigned same = 0;
    for (unsigned i = 0; i < job->count; i++) {
        same += job->out[i].type == kind->type;
    }
    return job->count < EMBEDDED_MAX && same < EMBEDDED_PER_TYPE_MAX;
}

static void keep(struct sk_embedded_job *job, const struct kind *kind, uint64_t at) {
    uint64_t start = at;
    bool room = has_room(job, kind);
    /* Once something was left out, there is nothing new to learn of what has no room. */
    if (!wanted(job, kind, at) || (!room && job->left_out)) {
        return;
    }
    uint64_t len = kind->measure(job->src, at, &start);
    if (len == 0 || start == 0) {
        return;
    }
    if (!room) {
        job->left_out = true;
        return;
    }
    unsigned i = job->count++;
    for (; i > 0 && job->out[i - 1].off > start; i--) {
        job->out[i] = job->out[i - 1];
    }
    job->out[i] = (struct sk_embedded){start, len, kind->type};
}

/* A PE reaches to the next one at least: what stands behind its sections belongs to it. */
static void stretch_programs(struct sk_embedded_job *job) {
    uint64_t next = job->src->size;
    for (unsigned i = job->count; i > 0; i--) {
        struct sk_embedded *e = &job->out[i - 1];
        if (e->type == SK_TYPE_PE) {
            e->len = next - e->off > e->len ? next - e->off : e->len;
            next = e->off;
        }
    }
}

/* Magics that start in [off, off + stop); len bytes are there to be looked at. */
static sk_err find_in_step(struct sk_embedded_job *job, uint64_t off, size_t stop, size_t len) {
    for (size_t at = 0; at < stop;) {
        const struct kind *kind = NULL;
        size_t avail = 0;
        struct sk_bytes p = {sk_source_at(job->src, off, len, &avail), len};
        TRY(job->src->failed);
        if (p.ptr == NULL || avail < len) {
            return sk_ok();
        }
        at = next_magic(p, at, stop, &kind);
        if (at < stop) {
            keep(job, kind, off + at); /* moves the window */
            TRY(job->src->failed);
            at++;
        }
    }
    return sk_ok();
}

void sk_embedded_see(struct sk_embedded_seen *seen, uint64_t off, struct sk_bytes bytes) {
    bool last = off + bytes.len == seen->size;
    size_t overlap = last ? 0 : MAGIC_MAX_BYTES - 1;
    if (off > seen->end || bytes.len <= overlap || off + bytes.len - overlap <= seen->end) {
        return;
    }
    size_t stop = bytes.len - overlap;
    const struct kind *kind = NULL;
    for (size_t at = (size_t)(seen->end - off); (at = next_magic(bytes, at, stop, &kind)) < stop;
         at++) {
        if (kind->type == SK_TYPE_PE && off + at >= seen->program_reach) {
            continue;
        }
        if (seen->count == EMBEDDED_SEEN_MAX) {
            seen->more = true;
            break;
        }
        seen->place[seen->count].at = off + at;
        seen->place[seen->count++].kind = (uint8_t)(kind - KINDS);
    }
    seen->end = off + stop;
}

static bool was_seen(const struct sk_embedded_job *job) {
    const struct sk_embedded_seen *seen = job->seen;
    return seen != NULL && !seen->more && seen->end == job->src->size &&
           seen->program_reach >= job->program_reach;
}

static sk_err find_in_places(struct sk_embedded_job *job) {
    for (unsigned i = 0; i < job->seen->count; i++) {
        keep(job, &KINDS[job->seen->place[i].kind], job->seen->place[i].at);
        TRY(job->src->failed);
    }
    stretch_programs(job);
    return sk_ok();
}

sk_err sk_embedded_find(struct sk_embedded_job *job) {
    uint64_t size = job->src->size;
    job->count = 0;
    job->left_out = false;
    if (was_seen(job)) {
        return find_in_places(job);
    }
    for (uint64_t off = 0; off < size;) {
        size_t len = size - off > STEP_BYTES ? STEP_BYTES : (size_t)(size - off);
        if (job->tick != NULL && !job->tick(job->ctx)) {
            return sk_fail(SK_E_STOP);
        }
        size_t stop = len < STEP_BYTES ? len : len - (MAGIC_MAX_BYTES - 1);
        TRY(find_in_step(job, off, stop, len));
        off += stop;
    }
    stretch_programs(job);
    return sk_ok();
}
