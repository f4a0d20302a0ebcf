// SPDX-License-Identifier: Apache-2.0
/*
 * Self-extracting archives: a PE or ELF program that carries a 7z, RAR or cabinet.
 *
 *     | headers | sections ... .rsrc [cabinet] ... | 7z, RAR or cabinet | signature |
 *                                                  ^ end of what the headers describe: overlay
 *
 * Looked at are the first OVERLAY_BYTES of the overlay, where stubs keep their configuration and
 * then the archive, and the resources of a PE for cabinets (that is where IExpress puts them).
 * Not the code: unpackers carry the magic numbers as constants. What is found becomes a slice that
 * the engine identifies as a layer of its own; ZIP needs none of this, its reader starts at the
 * end of the file.
 *
 * The bid is the lowest that is walked, and only when there is room for an archive: the program
 * stays a PE or ELF, its own reader gives the facts. Each find must agree with its own header, so a
 * chance magic costs nothing. Specification: Microsoft PE/COFF, System V ABI, 7zFormat.txt,
 * [MS-CAB], technote.txt of RAR.
 */
#include "base/search.h"
#include "codec/codec.h"
#include "format/format.h"

#define OVERLAY_BYTES ((uint64_t)1024 * 1024)
#define OVERLAY_MIN_BYTES ((uint64_t)32)
#define RESOURCE_MIN_BYTES ((uint64_t)4096)
#define RESOURCE_MAX_BYTES ((uint64_t)64 * 1024 * 1024)
#define STEP_BYTES ((size_t)60 * 1024) /* below SK_SOURCE_WANT_MAX: windows overlap */
#define MAGIC_MAX ((size_t)8)
#define FINDS_MAX 16U
#define SECTIONS_MAX 96U
#define SEGMENTS_MAX 128U
#define LFANEW_OFF ((uint64_t)0x3c)
#define MZ_SIGNATURE 0x5a4dU
#define PE_SIGNATURE 0x00004550U
#define ELF_SIGNATURE 0x464c457fU

struct region {
    uint64_t off;
    uint64_t end;
};

struct layout {
    struct region resources; /* empty: none */
    uint64_t overlay;        /* first byte behind all sections */
};

struct kind {
    struct sk_needle magic;
    /* Length of the archive at off, 0 when it is none. */
    uint64_t (*measure)(struct sk_source *src, uint64_t off);
};

/* ---- where to look ---- */

static void grow_end(uint64_t *end, uint64_t off, uint64_t len) {
    uint64_t sum;
    if (len > 0 && !__builtin_add_overflow(off, len, &sum) && sum > *end) {
        *end = sum;
    }
}

static bool pe_layout(struct sk_cursor head, struct layout *out) {
    struct sk_cursor c = head;
    sk_cursor_seek(&c, LFANEW_OFF);
    sk_cursor_seek(&c, sk_cursor_u32le(&c));
    if (sk_cursor_u32le(&c) != PE_SIGNATURE) {
        return false;
    }
    sk_cursor_skip(&c, 2);
    unsigned count = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 12);
    uint16_t optional = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 2 + (uint64_t)optional);
    for (unsigned i = 0; i < count && i < SECTIONS_MAX; i++) {
        const uint8_t *name = sk_cursor_take(&c, 8);
        sk_cursor_skip(&c, 8);
        uint64_t len = sk_cursor_u32le(&c);
        uint64_t off = sk_cursor_u32le(&c);
        sk_cursor_skip(&c, 16);
        if (!sk_cursor_ok(&c)) {
            break;
        }
        grow_end(&out->overlay, off, len);
        if (memcmp(name, ".rsrc", 6) == 0) {
            out->resources = (struct region){off, off + len};
        }
    }
    return out->overlay > 0;
}

/* Little-endian programs: stubs for others are not known. */
static bool elf_layout(struct sk_cursor head, struct layout *out) {
    struct sk_cursor c = head;
    sk_cursor_skip(&c, 4);
    bool wide = sk_cursor_u8(&c) == 2;
    if (sk_cursor_u8(&c) != 1) {
        return false;
    }
    sk_cursor_seek(&c, wide ? 32 : 28);
    uint64_t segments = wide ? sk_cursor_u64le(&c) : sk_cursor_u32le(&c);
    uint64_t sections = wide ? sk_cursor_u64le(&c) : sk_cursor_u32le(&c);
    sk_cursor_skip(&c, 4 + 2);
    uint64_t segment_bytes = sk_cursor_u16le(&c);
    unsigned segment_count = sk_cursor_u16le(&c);
    uint64_t section_bytes = sk_cursor_u16le(&c);
    uint64_t section_count = sk_cursor_u16le(&c);
    if (!sk_cursor_ok(&c)) {
        return false;
    }
    grow_end(&out->overlay, sections, sections == 0 ? 0 : section_bytes * section_count);
    for (unsigned i = 0; i < segment_count && i < SEGMENTS_MAX; i++) {
        c = head;
        sk_cursor_seek(&c, segments < head.len ? segments + i * segment_bytes : head.len);
        sk_cursor_skip(&c, wide ? 8 : 4);
        uint64_t off = wide ? sk_cursor_u64le(&c) : sk_cursor_u32le(&c);
        sk_cursor_skip(&c, wide ? 16 : 8);
        uint64_t len = wide ? sk_cursor_u64le(&c) : sk_cursor_u32le(&c);
        grow_end(&out->overlay, off, sk_cursor_ok(&c) ? len : 0);
    }
    return out->overlay > 0;
}

/* From the head of a file of that size; false when it is no program or has no room for archives. */
static bool layout_of(struct sk_cursor head, uint64_t size, struct layout *out) {
    struct sk_cursor c = head;
    uint32_t magic = sk_cursor_u32le(&c);
    *out = (struct layout){{0, 0}, 0};
    bool known = false;
    if ((magic & 0xffff) == MZ_SIGNATURE) {
        known = pe_layout(head, out);
    } else if (magic == ELF_SIGNATURE) {
        known = elf_layout(head, out);
    }
    if (out->resources.end - out->resources.off < RESOURCE_MIN_BYTES) {
        out->resources = (struct region){0, 0};
    }
    out->overlay = out->overlay < size ? out->overlay : size;
    return known &&
           (size - out->overlay >= OVERLAY_MIN_BYTES || out->resources.end > out->resources.off);
}

/* ---- what to look for ---- */

/* The start header holds its own checksum. */
static uint64_t measure_sevenzip(struct sk_source *src, uint64_t off) {
    struct sk_cursor c = sk_source_cursor(src, off, 32);
    sk_cursor_skip(&c, 8);
    uint32_t want = sk_cursor_u32le(&c);
    const uint8_t *head = sk_cursor_take(&c, 20);
    return head != NULL && sk_crc32(0, head, 20) == want ? src->size - off : 0;
}

static uint64_t measure_rar(struct sk_source *src, uint64_t off) {
    struct sk_cursor c = sk_source_cursor(src, off + 6, 2);
    uint16_t version = sk_cursor_u16le(&c);
    return sk_cursor_ok(&c) && ((version & 0xff) == 0 || version == 1) ? src->size - off : 0;
}

/* Version 1.3, and no longer than what is left. */
static uint64_t measure_cab(struct sk_source *src, uint64_t off) {
    struct sk_cursor c = sk_source_cursor(src, off, 36);
    sk_cursor_skip(&c, 8);
    uint64_t len = sk_cursor_u32le(&c);
    sk_cursor_skip(&c, 12);
    uint16_t version = sk_cursor_u16le(&c);
    return sk_cursor_ok(&c) && version == 0x0103 && len >= 36 && len <= src->size - off ? len : 0;
}

static const struct kind CABINET[] = {
    {{"MSCF\0\0\0\0", 8, 1}, measure_cab},
    {{0}, NULL},
};
static const struct kind ANY[] = {
    {{"MSCF\0\0\0\0", 8, 1}, measure_cab},
    {{"7z\xbc\xaf\x27\x1c", 6, 2}, measure_sevenzip},
    {{"Rar!\x1a\x07", 6, 4}, measure_rar},
    {{0}, NULL},
};

/* ---- the search ---- */

struct search {
    struct sk_walk *walk;
    struct sk_source *src;
    uint32_t finds;
};

/* First magic of any kind in [off, end); false when there is none. */
static bool find_in_step(struct search *s, const struct kind *kinds, struct region step,
                         uint64_t *out_at, const struct kind **out_kind) {
    struct sk_cursor c = sk_source_cursor(s->src, step.off, (size_t)(step.end - step.off));
    size_t best = c.len;
    for (size_t i = 0; c.len > 0 && kinds[i].measure != NULL; i++) {
        const uint8_t *at = sk_search((struct sk_bytes){c.ptr, c.len}, &kinds[i].magic);
        if (at != NULL && (size_t)(at - c.ptr) < best) {
            best = (size_t)(at - c.ptr);
            *out_kind = &kinds[i];
        }
    }
    *out_at = step.off + best;
    return best < c.len;
}

static sk_err emit(struct search *s, uint64_t off, uint64_t len) {
    struct sk_child child = {.name = "embedded archive",
                             .name_len = 16,
                             .packed_size = len,
                             .size = len,
                             .index = s->finds++,
                             .is_slice = true,
                             .slice_off = off,
                             .slice_len = len};
    return walk_child(s->walk, &child, NULL);
}

static sk_err search_region(struct search *s, const struct kind *kinds, struct region where) {
    uint64_t off = where.off;
    uint64_t end = where.end < s->src->size ? where.end : s->src->size;
    while (off < end && s->finds < FINDS_MAX) {
        TRY(walk_tick(s->walk));
        struct region step = {off, end - off > STEP_BYTES ? off + STEP_BYTES : end};
        uint64_t at;
        const struct kind *kind = NULL;
        if (!find_in_step(s, kinds, step, &at, &kind)) {
            TRY(s->src->failed);
            off = step.end == end ? end : step.end - (MAGIC_MAX - 1);
            continue;
        }
        uint64_t len = kind->measure(s->src, at);
        TRY(s->src->failed);
        if (len > 0) {
            TRY(emit(s, at, len));
        }
        off = at + (len > 0 ? len : 1);
    }
    return sk_ok();
}

static int sfx_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    struct layout layout;
    (void)out_type;
    return layout_of(sk_cursor_make(peek->head, peek->head_len), peek->size, &layout) ? SK_BID_WALK
                                                                                      : 0;
}

static sk_err sfx_walk(struct sk_walk *walk, struct sk_source *src) {
    struct search s = {walk, src, 0};
    struct layout layout;
    struct sk_cursor head = sk_source_cursor(src, 0, SK_PEEK_HEAD_BYTES);
    TRY(src->failed);
    if (!layout_of(head, src->size, &layout)) {
        return sk_ok();
    }
    struct region resources = layout.resources;
    if (resources.end - resources.off > RESOURCE_MAX_BYTES) {
        resources.end = resources.off + RESOURCE_MAX_BYTES;
    }
    TRY(search_region(&s, CABINET, resources));
    return search_region(&s, ANY, (struct region){layout.overlay, layout.overlay + OVERLAY_BYTES});
}

const struct sk_format sk_format_sfx = {
    .name = "sfx", .type = SK_TYPE_BINARY, .probe = sfx_probe, .walk = sfx_walk};
