// SPDX-License-Identifier: Apache-2.0
/*
 * Opening a definitions image: map it, prove its shape, fill the views.
 *
 *   image_open --map--> image_open_mem --> header -> section table -> body arrays -> group tables
 *                                                                  -> hash sets -> names, ignores
 *
 * The rule for what is checked here and what is left to image_verify: everything the scan indexes
 * without looking is proved at open, and nothing here may touch more than the header pages, the
 * first page of a few sections and the tail: the cost depends on the number of sections, never on
 * the number of signatures. That leaves the values *inside* the tables (indexes, offsets, order);
 * the matcher checks those at use, and image_verify checks them all for people who want to know.
 *
 * The bytes are hostile until proved otherwise. Sections must ascend without overlap, so comparing
 * each with the end of the one before is enough. Views into tables that are absent stay NULL with
 * a count of zero. A section the reader does not know is passed over, unless it says that it must
 * be known.
 *
 * Called by defset.c, the compiler's final check, and tools; knows nothing of manifests. Which
 * pages come from the disk, and when: image_pages.c.
 */
#include "defs/image_private.h"

#include <stdarg.h>

#include "base/mem.h"
#include "crypto/crc32c.h"
#include "crypto/digest.h"
#include "match/plan.h"
#include "os/file.h"

#define ALGO_MASK 0xffu
#define ROLE_SHIFT 8
#define GATE_HEAD_ELEMENTS 3u

sk_err image_refuse(const struct image *img, struct diag *diag, const char *fmt, ...) {
    char text[200];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    diag_say(diag, DIAG_ERROR, img->label, 0, "%s", text);
    return sk_fail(SK_E_FORMAT);
}

/*
 * Looks at bytes of the image: while a file is being opened they are read, not touched in the
 * mapping. One look at a page that is not mapped yet costs a page fault, 1 us on some machines and
 * 12 to 40 us on others (page tables of a virtual machine kept by its host: opening took twice as
 * long), and the scanning process, a fork, has no use of it.
 */
static sk_err look(const struct image *img, struct diag *diag, struct sk_bytes at, void *out) {
    if (img->fd < 0) {
        memcpy(out, at.ptr, at.len);
        return sk_ok();
    }
    sk_err err = file_pread_all(img->fd, out, at.len, (uint64_t)(at.ptr - img->file.ptr));
    if (sk_failed(err)) {
        diag_say(diag, DIAG_ERROR, img->label, 0, "cannot be read: %s", sk_err_text(err));
    }
    return err;
}

/* ---- header and section table ------------------------------------------------------------- */

static bool segment_name_is_good(const char name[IMG_NAME_BYTES]) {
    size_t len = 0;
    while (len < IMG_NAME_BYTES && name[len] != '\0') {
        char c = name[len];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!word) {
            return false;
        }
        len++;
    }
    return len > 0 && len < IMG_NAME_BYTES;
}

static sk_err check_header(struct image *img, struct diag *diag) {
    if (img->file.len < IMG_HEADER_BYTES) {
        return image_refuse(img, diag, "too short to be a definitions image");
    }
    const struct img_header *h = (const struct img_header *)(const void *)img->file.ptr;
    if (memcmp(h->magic, IMG_MAGIC, sizeof h->magic) != 0) {
        return image_refuse(img, diag, "not a definitions image");
    }
    if (h->byte_order != IMG_BYTE_ORDER) {
        return image_refuse(img, diag, "made for a machine of the other byte order");
    }
    if (h->major != IMG_MAJOR) {
        return image_refuse(img, diag, "image format %u.%u, this program reads %u.x", h->major,
                            h->minor, IMG_MAJOR);
    }
    uint32_t crc = sk_load_u32le(&img->file.ptr[IMG_HEADER_BYTES - 4]);
    if (crypto_crc32c(0, img->file.ptr, IMG_HEADER_BYTES - 4) != crc) {
        return image_refuse(img, diag, "the header is damaged (checksum)");
    }
    if (h->file_len != img->file.len) {
        return image_refuse(img, diag, "truncated: %zu of %llu bytes", img->file.len,
                            (unsigned long long)h->file_len);
    }
    if (h->section_count == 0 || h->section_count > IMG_SECTION_MAX) {
        return image_refuse(img, diag, "impossible number of sections: %u", h->section_count);
    }
    if (!segment_name_is_good(h->name)) {
        return image_refuse(img, diag, "the segment has no proper name");
    }
    img->header = h;
    return sk_ok();
}

static sk_err check_section(const struct image *img, uint32_t index, uint64_t before,
                            struct diag *diag) {
    const struct img_section *s = &img->header->section[index];
    uint64_t align = s->len >= IMG_PAGE ? IMG_PAGE : IMG_ALIGN_SMALL;
    if (s->off < before || s->off > img->file.len || s->len > img->file.len - s->off) {
        return image_refuse(img, diag, "section %u lies outside its place", index);
    }
    if (s->off % align != 0) {
        return image_refuse(img, diag, "section %u is not aligned", index);
    }
    if (s->elem == 0 || s->len % s->elem != 0 || s->len / s->elem >= UINT32_MAX) {
        return image_refuse(img, diag, "section %u has a wrong element size or count", index);
    }
    return sk_ok();
}

static sk_err check_sections(const struct image *img, struct diag *diag) {
    const struct img_header *h = img->header;
    uint64_t end = IMG_HEADER_BYTES;
    for (uint32_t i = 0; i < h->section_count; i++) {
        TRY(check_section(img, i, end, diag));
        end = h->section[i].off + h->section[i].len;
    }
    const struct img_section *last = &h->section[h->section_count - 1];
    if (last->type != IMG_DIGESTS || last->len != (uint64_t)h->section_count * IMG_DIGEST_BYTES ||
        end != img->file.len) {
        return image_refuse(img, diag, "the trailer with the digests is missing");
    }
    return sk_ok();
}

/* ---- body arrays: one row each ------------------------------------------------------------ */

struct array_row {
    uint16_t type;
    uint32_t elem;
    size_t pointer; /* offset of the pointer in struct mt_segment */
    size_t count;   /* offset of the uint32_t count */
};
#define ARRAY(type, field, count)                                                                  \
    {                                                                                              \
        type, sizeof(*((struct mt_segment *)0)->field), offsetof(struct mt_segment, field),        \
            offsetof(struct mt_segment, count)                                                     \
    }
static const struct array_row array_rows[] = {
    ARRAY(IMG_SIGS, sig, sig_count),        ARRAY(IMG_SIG_SUBS, sig_sub, sig_sub_count),
    ARRAY(IMG_SUBS, sub, sub_count),        ARRAY(IMG_PARTS, part, part_count),
    ARRAY(IMG_PROGS, prog, prog_len),       ARRAY(IMG_LITS, lit, lit_len),
    ARRAY(IMG_NODES, node, node_count),     ARRAY(IMG_ATTRS, attr, attr_count),
    ARRAY(IMG_TRIGS, trig, trig_count),     ARRAY(IMG_TRIG_SIGS, trig_sig, trig_sig_count),
    ARRAY(IMG_REGEXES, regex, regex_count), ARRAY(IMG_COMPARES, compare, compare_count),
    ARRAY(IMG_MACROS, macro, macro_count),  ARRAY(IMG_MACRO_BODIES, macro_body, macro_body_count),
};

static sk_err want_elem(const struct image *img, const struct img_section *s, size_t elem,
                        struct diag *diag) {
    if (s->elem != elem) {
        return image_refuse(img, diag, "section of type %u: element of %u bytes instead of %zu",
                            s->type, s->elem, elem);
    }
    return sk_ok();
}

static sk_err twice(const struct image *img, const struct img_section *s, struct diag *diag) {
    return image_refuse(img, diag, "section of type %u, sub %u occurs twice", s->type, s->sub);
}

static sk_err fill_array(struct image *img, const struct img_section *s,
                         const struct array_row *row, struct diag *diag) {
    TRY(want_elem(img, s, row->elem, diag));
    uint8_t *segment = (uint8_t *)&img->segment;
    const void **pointer = (const void **)(void *)&segment[row->pointer];
    if (s->sub != 0 || *pointer != NULL) {
        return twice(img, s, diag);
    }
    *pointer = image_section_bytes(img, s).ptr;
    *(uint32_t *)(void *)&segment[row->count] = (uint32_t)(s->len / s->elem);
    return sk_ok();
}

/* ---- tables of targets -------------------------------------------------------------------- */

static sk_err fill_group_heads(struct image *img, const struct img_section *s,
                               struct mt_table *table, struct diag *diag) {
    TRY(want_elem(img, s, sizeof(struct mt_group_head), diag));
    uint64_t count = s->len / s->elem;
    if (table->group_count != 0) {
        return twice(img, s, diag);
    }
    if (count == 0 || count > MT_GROUP_MAX) {
        return image_refuse(img, diag, "table %u has an impossible number of groups", s->sub);
    }
    struct mt_group_head head[MT_GROUP_MAX];
    TRY(look(img, diag, image_section_bytes(img, s), head));
    table->group_count = (uint32_t)count;
    for (uint32_t g = 0; g < table->group_count; g++) {
        table->group[g].head = head[g];
    }
    return sk_ok();
}

/* Parts of a group; their sizes are compared with the head when all sections are known. */
static sk_err fill_group_part(struct image *img, const struct img_section *s,
                              struct mt_table *table, struct diag *diag) {
    uint32_t g = s->sub >> 8;
    if (g >= MT_GROUP_MAX) {
        return image_refuse(img, diag, "group %u does not exist", g);
    }
    struct mt_group *group = &table->group[g];
    const void **pointer = (const void **)(void *)&group->bitmap;
    size_t elem = sizeof(uint32_t);
    if (s->type == IMG_GROUP_BUCKETS) {
        pointer = (const void **)(void *)&group->bucket_first;
    } else if (s->type == IMG_GROUP_ENTRIES) {
        pointer = (const void **)(void *)&group->entry;
        elem = sizeof(struct mt_entry);
    }
    TRY(want_elem(img, s, elem, diag));
    if (*pointer != NULL) {
        return twice(img, s, diag);
    }
    *pointer = image_section_bytes(img, s).ptr;
    return sk_ok();
}

static sk_err fill_list(struct image *img, const struct img_section *s, struct mt_table *table,
                        struct diag *diag) {
    const void **pointer = NULL;
    uint32_t *count = NULL;
    uint32_t no_count = 0;
    size_t elem = 0;
    switch (s->type) {
    case IMG_SLOW_HEAD:
        pointer = (const void **)(void *)&table->slow_head;
        count = &no_count;
        elem = sizeof(struct mt_slow_head);
        break;
    case IMG_SLOW_ENTRIES:
        pointer = (const void **)(void *)&table->slow;
        count = &table->slow_count;
        elem = sizeof(struct mt_slow_entry);
        break;
    case IMG_MARK_HEAD:
        pointer = (const void **)(void *)&table->mark_head;
        count = &no_count;
        elem = sizeof(struct mt_mark_head);
        break;
    case IMG_MARKS:
        pointer = (const void **)(void *)&table->mark;
        count = &table->mark_count;
        elem = sizeof(struct mt_mark);
        break;
    case IMG_ANCHORS:
        pointer = (const void **)(void *)&table->anchor;
        count = &table->anchor_count;
        elem = sizeof(struct mt_anchor);
        break;
    default:
        pointer = (const void **)(void *)&table->always;
        count = &table->always_count;
        elem = sizeof(uint32_t);
        break;
    }
    TRY(want_elem(img, s, elem, diag));
    if (*pointer != NULL) {
        return twice(img, s, diag);
    }
    *pointer = image_section_bytes(img, s).ptr;
    *count = (uint32_t)(s->len / s->elem);
    if (count == &no_count && no_count != 1) {
        return image_refuse(img, diag, "table %u has not one head", s->sub);
    }
    return sk_ok();
}

static sk_err fill_table(struct image *img, const struct img_section *s, struct diag *diag) {
    bool grouped =
        s->type == IMG_GROUP_BITMAP || s->type == IMG_GROUP_BUCKETS || s->type == IMG_GROUP_ENTRIES;
    uint32_t t = grouped ? s->sub & 0xffu : s->sub;
    if (t >= MT_TABLE_COUNT) {
        return image_refuse(img, diag, "table %u does not exist", t);
    }
    struct mt_table *table = &img->segment.table[t];
    if (s->type == IMG_GROUP_HEADS) {
        return fill_group_heads(img, s, table, diag);
    }
    return grouped ? fill_group_part(img, s, table, diag) : fill_list(img, s, table, diag);
}

/* ---- hash sets ---------------------------------------------------------------------------- */

static sk_err fill_gate(struct image *img, const struct img_section *s, struct hs_set *set,
                        struct diag *diag) {
    TRY(want_elem(img, s, sizeof(uint32_t), diag));
    struct sk_bytes bytes = image_section_bytes(img, s);
    uint8_t head[GATE_HEAD_ELEMENTS * sizeof(uint32_t)];
    if (bytes.len < sizeof head) {
        return image_refuse(img, diag, "size gate %u is malformed", s->sub);
    }
    TRY(look(img, diag, (struct sk_bytes){bytes.ptr, sizeof head}, head));
    struct sk_cursor c = sk_cursor_make(head, sizeof head);
    uint32_t flags = sk_cursor_u32le(&c);
    uint32_t big_count = sk_cursor_u32le(&c);
    uint32_t bitmap = sk_cursor_u32le(&c);
    uint64_t want = ((uint64_t)big_count + GATE_HEAD_ELEMENTS) * sizeof(uint32_t);
    uint64_t bitmap_at = (want + IMG_PAGE - 1) / IMG_PAGE * IMG_PAGE;
    if (bitmap != 0) {
        want = bitmap_at + HS_GATE_BYTES;
    }
    if (!sk_cursor_ok(&c) || flags > 1 || bitmap > 1 || s->len != want) {
        return image_refuse(img, diag, "size gate %u is malformed", s->sub);
    }
    set->any_size = flags == 1;
    set->big_count = big_count;
    set->big = (const uint32_t *)(const void *)&bytes.ptr[GATE_HEAD_ELEMENTS * sizeof(uint32_t)];
    set->gate = bitmap != 0 ? &bytes.ptr[bitmap_at] : NULL;
    return sk_ok();
}

static sk_err fill_filter(struct image *img, const struct img_section *s, struct hs_set *set,
                          struct diag *diag) {
    struct sk_bytes bytes = image_section_bytes(img, s);
    if (set->fuse != NULL) {
        return twice(img, s, diag);
    }
    if (bytes.len < sizeof(struct hs_fuse_head)) {
        return image_refuse(img, diag, "hash filter %u is malformed", s->sub);
    }
    struct hs_fuse_head head;
    TRY(look(img, diag, (struct sk_bytes){bytes.ptr, sizeof head}, &head));
    /* The shape follows from the number of keys: nothing else can be right. */
    struct hs_fuse_head good = {0};
    hs_fuse_size(head.key_count, &good);
    if (head.segment_length != good.segment_length || head.array_length != good.array_length ||
        head.segment_count_length != good.segment_count_length ||
        bytes.len != sizeof head + (size_t)head.array_length) {
        return image_refuse(img, diag, "hash filter %u is malformed", s->sub);
    }
    set->fuse = (const struct hs_fuse_head *)(const void *)bytes.ptr;
    set->fingerprint = &bytes.ptr[sizeof head];
    return sk_ok();
}

static sk_err fill_records(struct image *img, const struct img_section *s, struct hs_set *set,
                           struct diag *diag) {
    if (set->record != NULL) {
        return twice(img, s, diag);
    }
    uint64_t each = hs_record_bytes(set->algo);
    uint64_t count = s->len / HS_PAGE_BYTES * (HS_PAGE_BYTES / each);
    uint64_t rest = s->len % HS_PAGE_BYTES;
    if (s->len == 0 || rest % each != 0 || count + rest / each >= UINT32_MAX) {
        return image_refuse(img, diag, "hash records %u have a wrong length", s->sub);
    }
    set->record = image_section_bytes(img, s).ptr;
    set->record_count = (uint32_t)(count + rest / each);
    return sk_ok();
}

static sk_err fill_hashes(struct image *img, const struct img_section *s, struct diag *diag) {
    uint32_t algo = s->sub & ALGO_MASK;
    uint32_t role = s->sub >> ROLE_SHIFT;
    if (algo >= HS_ALGO_COUNT || role >= HS_ROLE_COUNT) {
        return image_refuse(img, diag, "hash set %u does not exist", s->sub);
    }
    struct hs_set *set = &img->set[algo][role];
    set->algo = (enum hs_algo)algo;
    switch (s->type) {
    case IMG_HASH_GATE:
        return set->big != NULL ? twice(img, s, diag) : fill_gate(img, s, set, diag);
    case IMG_HASH_FILTER:
        return fill_filter(img, s, set, diag);
    case IMG_HASH_RECORDS:
        return fill_records(img, s, set, diag);
    default:
        break;
    }
    TRY(want_elem(img, s, sizeof(uint32_t), diag));
    if (set->page_key != NULL) {
        return twice(img, s, diag);
    }
    set->page_key = (const uint32_t *)(const void *)image_section_bytes(img, s).ptr;
    set->page_count = (uint32_t)(s->len / s->elem);
    return sk_ok();
}

/* ---- the rest, and the dispatch ------------------------------------------------------------- */

struct name_parts {
    struct sk_bytes stems;
    struct sk_bytes names;
};

static sk_err fill_other(struct image *img, const struct img_section *s, struct name_parts *parts,
                         struct diag *diag) {
    struct sk_bytes bytes = image_section_bytes(img, s);
    struct sk_bytes *place = NULL;
    switch (s->type) {
    case IMG_META:
        place = &img->meta;
        break;
    case IMG_NAME_STEMS:
        place = &parts->stems;
        break;
    case IMG_NAMES:
        place = &parts->names;
        break;
    case IMG_IGNORED:
        TRY(want_elem(img, s, sizeof(uint64_t), diag));
        if (img->ignored != NULL) {
            return twice(img, s, diag);
        }
        img->ignored = (const uint64_t *)(const void *)bytes.ptr;
        img->ignored_count = bytes.len / sizeof(uint64_t);
        return sk_ok();
    case IMG_DIGESTS:
        return s == &img->header->section[img->header->section_count - 1] ? sk_ok()
                                                                          : twice(img, s, diag);
    default:
        if ((s->flags & IMG_REQUIRED) != 0) {
            return image_refuse(img, diag, "needs a newer program (section of type %u)", s->type);
        }
        return sk_ok();
    }
    if (place->ptr != NULL) {
        return twice(img, s, diag);
    }
    *place = bytes;
    return sk_ok();
}

static sk_err fill_section(struct image *img, const struct img_section *s, struct name_parts *parts,
                           struct diag *diag) {
    if (s->type >= IMG_HASH_GATE && s->type <= IMG_HASH_RECORDS) {
        return fill_hashes(img, s, diag);
    }
    if (s->type >= IMG_GROUP_HEADS && s->type <= IMG_MARKS) {
        return fill_table(img, s, diag);
    }
    if (s->type >= IMG_RULE_TEXT && s->type <= IMG_RULE_LAST) {
        return image_fill_rules(img, s, diag);
    }
    for (size_t i = 0; i < sizeof array_rows / sizeof array_rows[0]; i++) {
        if (array_rows[i].type == s->type) {
            return fill_array(img, s, &array_rows[i], diag);
        }
    }
    return fill_other(img, s, parts, diag);
}

/* ---- companions: what a part needs beside itself ------------------------------------------ */

/* Bytes of the section that a view came from; 0 when absent. */
static uint64_t section_len(const struct image *img, uint16_t type, uint32_t sub) {
    for (uint32_t i = 0; i < img->header->section_count; i++) {
        const struct img_section *s = &img->header->section[i];
        if (s->type == type && s->sub == sub) {
            return s->len;
        }
    }
    return 0;
}

static sk_err check_group(const struct image *img, uint32_t t, uint32_t g, struct diag *diag) {
    const struct mt_group *group = &img->segment.table[t].group[g];
    uint32_t sub = t | g << 8;
    if (g >= img->segment.table[t].group_count) {
        if (group->bitmap != NULL || group->bucket_first != NULL || group->entry != NULL) {
            return image_refuse(img, diag, "group %u of table %u has no head", g, t);
        }
        return sk_ok();
    }
    const struct mt_group_head *head = &group->head;
    /* The limits of match/plan.c: what opens here must not fail there, at the first scan. */
    bool good = (head->q == 4 || head->q == 8) && head->s >= 1 && head->s <= FILTER_STEP_MAX &&
                head->log2_words >= 1 && head->log2_words <= FILTER_LOG2_MAX &&
                head->log2_buckets <= FILTER_LOG2_MAX && head->entry_count > 0;
    if (!good || section_len(img, IMG_GROUP_BITMAP, sub) != (uint64_t)4 << head->log2_words ||
        section_len(img, IMG_GROUP_BUCKETS, sub) != (((uint64_t)1 << head->log2_buckets) + 1) * 4 ||
        section_len(img, IMG_GROUP_ENTRIES, sub) !=
            (uint64_t)head->entry_count * sizeof(struct mt_entry)) {
        return image_refuse(img, diag, "group %u of table %u has a wrong shape", g, t);
    }
    return sk_ok();
}

static sk_err check_table(const struct image *img, uint32_t t, struct diag *diag) {
    const struct mt_table *table = &img->segment.table[t];
    for (uint32_t g = 0; g < MT_GROUP_MAX; g++) {
        TRY(check_group(img, t, g, diag));
    }
    if ((table->slow_head == NULL) != (table->slow == NULL)) {
        return image_refuse(img, diag, "the slow set of table %u is not whole", t);
    }
    uint64_t triggers = table->slow_count; /* each is in one group or in the slow set */
    for (uint32_t g = 0; g < table->group_count; g++) {
        const struct mt_group_head *h = &table->group[g].head;
        triggers += h->s > 0 ? h->entry_count / h->s : 0;
    }
    if ((table->mark_head == NULL) != (table->mark == NULL) ||
        (table->mark_head != NULL && table->mark_count != triggers)) {
        return image_refuse(img, diag, "the marks of table %u are not whole", t);
    }
    if (table->slow_head == NULL) {
        return sk_ok();
    }
    struct mt_slow_head head;
    TRY(look(img, diag, (struct sk_bytes){(const uint8_t *)table->slow_head, sizeof head}, &head));
    for (unsigned k = 0; k < 8; k++) {
        if (head.first[k] > head.first[k + 1] || head.first[k + 1] > table->slow_count) {
            return image_refuse(img, diag, "the slow set of table %u has wrong bounds", t);
        }
    }
    return sk_ok();
}

/* A target without sections of its own uses the table of target 0 (match/tables.h). */
static void share_table(struct image *img, uint32_t t) {
    const struct mt_table *table = &img->segment.table[t];
    if (table->group_count == 0 && table->slow_head == NULL && table->mark_head == NULL &&
        table->anchor == NULL && table->always == NULL) {
        img->segment.table[t] = img->segment.table[0];
    }
}

static sk_err check_set(struct image *img, struct hs_set *set, struct diag *diag) {
    unsigned parts =
        (set->big != NULL) + (set->fuse != NULL) + (set->page_key != NULL) + (set->record != NULL);
    if (parts == 0) {
        return sk_ok();
    }
    struct hs_fuse_head fuse = {.key_count = 0};
    if (set->fuse != NULL) {
        TRY(look(img, diag, (struct sk_bytes){(const uint8_t *)set->fuse, sizeof fuse}, &fuse));
    }
    uint64_t per_page = HS_PAGE_BYTES / hs_record_bytes(set->algo);
    if (parts != 4 || set->page_count != (set->record_count + per_page - 1) / per_page ||
        fuse.key_count > set->record_count || fuse.key_count == 0) {
        return image_refuse(img, diag, "a hash set is not whole");
    }
    return sk_ok();
}

static sk_err check_companions(struct image *img, const struct name_parts *parts,
                               struct diag *diag) {
    for (uint32_t t = 0; t < MT_TABLE_COUNT; t++) {
        TRY(check_table(img, t, diag));
        share_table(img, t);
    }
    for (int algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (int role = 0; role < HS_ROLE_COUNT; role++) {
            img->set[algo][role].algo = (enum hs_algo)algo;
            TRY(check_set(img, &img->set[algo][role], diag));
        }
    }
    TRY(image_check_rules(img, diag));
    if (sk_failed(names_view_init(&img->names, parts->stems, parts->names))) {
        return image_refuse(img, diag, "the dictionary of names is malformed");
    }
    return sk_ok();
}

static sk_err validate(struct image *img, struct diag *diag) {
    struct name_parts parts = {{NULL, 0}, {NULL, 0}};
    TRY(check_header(img, diag));
    TRY(check_sections(img, diag));
    image_fetch_ends(img);
    for (uint32_t i = 0; i < img->header->section_count; i++) {
        TRY(fill_section(img, &img->header->section[i], &parts, diag));
    }
    return check_companions(img, &parts, diag);
}

/* ---- doors -------------------------------------------------------------------------------- */

static sk_err open_bytes(struct image *img, struct diag *diag, struct image **out_image) {
    sk_err err = validate(img, diag);
    img->fd = -1;
    if (sk_failed(err)) {
        image_close(img);
        return err;
    }
    *out_image = img;
    return sk_ok();
}

static struct image *image_alloc(const char *label) {
    struct image *img = mem_zalloc(1, sizeof *img);
    if (img == NULL) {
        return NULL;
    }
    img->fd = -1;
    img->label = mem_strdup(label);
    if (img->label == NULL) {
        mem_free(img);
        return NULL;
    }
    return img;
}

sk_err image_open(const char *path, struct diag *diag, struct image **out_image) {
    struct image *img = image_alloc(path);
    if (img == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    FILE_AUTO int fd = -1;
    sk_err err = mapping_file_open(path, &img->map, &fd);
    if (sk_failed(err)) {
        diag_say(diag, DIAG_ERROR, path, 0, "cannot open: %s",
                 err.code == SK_E_PERM ? "not readable, or writable by everybody"
                                       : sk_err_text(err));
        img->map = (struct mapping){NULL, 0};
        image_close(img);
        return err;
    }
    /* Read-ahead would read megabytes around each of the few pages looked at here. */
    mapping_advise_random(&img->map, 0, img->map.len);
    mapping_advise_soon(&img->map, 0, IMG_HEADER_BYTES < img->map.len ? IMG_HEADER_BYTES : 0);
    img->file = (struct sk_bytes){img->map.ptr, img->map.len};
    img->fd = fd;
    return open_bytes(img, diag, out_image);
}

sk_err image_open_mem(const void *bytes, size_t len, struct diag *diag, struct image **out_image) {
    if ((uintptr_t)bytes % sizeof(uint64_t) != 0) {
        return sk_fail(SK_E_USAGE);
    }
    struct image *img = image_alloc("image");
    if (img == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    img->file = (struct sk_bytes){bytes, len};
    return open_bytes(img, diag, out_image);
}

void image_close(struct image *img) {
    if (img == NULL) {
        return;
    }
    mapping_release(&img->map);
    mem_free(img->label);
    mem_free(img);
}

const struct img_header *image_header(const struct image *img) {
    return img->header;
}

const struct mt_segment *image_segment(const struct image *img) {
    return &img->segment;
}

const struct hs_set *image_hashes(const struct image *img, enum hs_algo algo, enum hs_role role) {
    static const struct hs_set none;
    if ((unsigned)algo >= HS_ALGO_COUNT || (unsigned)role >= HS_ROLE_COUNT) {
        return &none;
    }
    return &img->set[algo][role];
}

const struct names_view *image_names(const struct image *img) {
    return &img->names;
}

sk_err image_name(const struct image *img, uint32_t ref, struct buf *out) {
    size_t before = out->len;
    TRY(names_decode(&img->names, ref, out, NULL));
    if ((img->header->flags & IMG_OFFICIAL) != 0) {
        return sk_ok();
    }
    sk_err err = buf_puts(out, ".UNOFFICIAL");
    if (sk_failed(err)) {
        out->len = before;
        out->data[before] = 0;
    }
    return err;
}

bool image_ignores(const struct image *img, const char *name) {
    uint8_t digest[CRYPTO_DIGEST_MAX];
    if (img->ignored_count == 0 ||
        sk_failed(crypto_digest(CRYPTO_SHA256, name, strlen(name), digest))) {
        return false;
    }
    uint64_t key = sk_load_u64le(digest);
    size_t low = 0;
    size_t high = img->ignored_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (img->ignored[mid] < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < img->ignored_count && img->ignored[low] == key;
}

bool image_has_ignores(const struct image *img) {
    return img->ignored_count > 0;
}

sk_err image_identity(const struct image *img, struct diag *diag,
                      char out_hex[IMAGE_IDENTITY_HEX]) {
    const struct img_section *last = &img->header->section[img->header->section_count - 1];
    struct sk_bytes trailer = image_section_bytes(img, last);
    size_t digests = trailer.len - IMG_DIGEST_BYTES;
    uint8_t got[CRYPTO_DIGEST_MAX];
    uint8_t *both = mem_alloc(IMG_HEADER_BYTES + digests);
    if (both == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    memcpy(both, img->file.ptr, IMG_HEADER_BYTES);
    memcpy(both + IMG_HEADER_BYTES, trailer.ptr, digests);
    sk_err err = crypto_digest(CRYPTO_SHA256, both, IMG_HEADER_BYTES + digests, got);
    mem_free(both);
    TRY(err);
    if (memcmp(got, &trailer.ptr[digests], IMG_DIGEST_BYTES) != 0) {
        return image_refuse(img, diag, "the identity does not fit header and digests");
    }
    crypto_hex(got, IMG_DIGEST_BYTES, out_hex);
    return sk_ok();
}

struct sk_bytes image_meta(const struct image *img) {
    return img->meta;
}
