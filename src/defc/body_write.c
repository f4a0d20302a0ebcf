// SPDX-License-Identifier: Apache-2.0
/*
 * Sections of the image for body signatures. Only sections that hold something are written, and
 * none for a table that is the same as that of target 0. Hot sections (what every scanned byte may
 * touch) come first, so that they lie together.
 */
#include "defc/body_private.h"
#include "defc/write.h"

struct section {
    uint16_t type;
    uint16_t flags;
    uint32_t elem;
    const void *data;
    uint64_t count;
};

static sk_err put(struct img_writer *w, uint32_t sub, struct section s) {
    if (s.count == 0) {
        return sk_ok();
    }
    struct sk_bytes data = {s.data, s.count * s.elem};
    return img_writer_section(w, s.type, sub, s.flags, s.elem, data);
}

static sk_err put_hot(struct img_writer *w, unsigned t, const struct mt_table *table) {
    struct mt_group_head head[MT_GROUP_MAX];
    for (uint32_t g = 0; g < table->group_count; g++) {
        head[g] = table->group[g].head;
    }
    TRY(put(w, t,
            (struct section){IMG_GROUP_HEADS, IMG_HOT, sizeof(head[0]), head, table->group_count}));
    for (uint32_t g = 0; g < table->group_count; g++) {
        TRY(put(w, t | g << 8,
                (struct section){IMG_GROUP_BITMAP, IMG_HOT, 4, table->group[g].bitmap,
                                 (uint64_t)1 << head[g].log2_words}));
    }
    TRY(put(w, t,
            (struct section){IMG_SLOW_HEAD, IMG_HOT, sizeof(*table->slow_head), table->slow_head,
                             table->slow_head != NULL}));
    TRY(put(w, t,
            (struct section){IMG_SLOW_ENTRIES, IMG_HOT, sizeof(*table->slow), table->slow,
                             table->slow_count}));
    TRY(put(w, t,
            (struct section){IMG_MARK_HEAD, IMG_HOT, sizeof(*table->mark_head), table->mark_head,
                             table->mark_head != NULL}));
    return put(
        w, t,
        (struct section){IMG_MARKS, IMG_HOT, sizeof(*table->mark), table->mark, table->mark_count});
}

static sk_err put_warm(struct img_writer *w, unsigned t, const struct mt_table *table) {
    for (uint32_t g = 0; g < table->group_count; g++) {
        const struct mt_group *group = &table->group[g];
        TRY(put(w, t | g << 8,
                (struct section){IMG_GROUP_BUCKETS, IMG_WARM, 4, group->bucket_first,
                                 ((uint64_t)1 << group->head.log2_buckets) + 1}));
        TRY(put(w, t | g << 8,
                (struct section){IMG_GROUP_ENTRIES, IMG_WARM, sizeof(*group->entry), group->entry,
                                 group->head.entry_count}));
    }
    TRY(put(w, t,
            (struct section){IMG_ANCHORS, IMG_WARM, sizeof(*table->anchor), table->anchor,
                             table->anchor_count}));
    return put(w, t, (struct section){IMG_ALWAYS, IMG_WARM, 4, table->always, table->always_count});
}

static sk_err put_pools(struct img_writer *w, const struct mt_segment *s) {
    const struct section pools[] = {
        {IMG_TRIGS, IMG_WARM, sizeof(*s->trig), s->trig, s->trig_count},
        {IMG_TRIG_SIGS, IMG_WARM, 4, s->trig_sig, s->trig_sig_count},
        {IMG_LITS, IMG_WARM, 1, s->lit, s->lit_len},
        {IMG_SIGS, IMG_WARM, sizeof(*s->sig), s->sig, s->sig_count},
        {IMG_SIG_SUBS, IMG_WARM, 4, s->sig_sub, s->sig_sub_count},
        {IMG_NODES, IMG_WARM, sizeof(*s->node), s->node, s->node_count},
        {IMG_ATTRS, IMG_WARM, sizeof(*s->attr), s->attr, s->attr_count},
        {IMG_SUBS, IMG_WARM, sizeof(*s->sub), s->sub, s->sub_count},
        {IMG_PARTS, IMG_WARM, sizeof(*s->part), s->part, s->part_count},
        {IMG_PROGS, IMG_WARM, 1, s->prog, s->prog_len},
        {IMG_REGEXES, IMG_WARM | IMG_REQUIRED, sizeof(*s->regex), s->regex, s->regex_count},
        {IMG_COMPARES, IMG_WARM | IMG_REQUIRED, sizeof(*s->compare), s->compare, s->compare_count},
        {IMG_MACROS, IMG_WARM | IMG_REQUIRED, sizeof(*s->macro), s->macro, s->macro_count},
        {IMG_MACRO_BODIES, IMG_WARM | IMG_REQUIRED, sizeof(*s->macro_body), s->macro_body,
         s->macro_body_count},
    };
    for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
        TRY(put(w, 0, pools[i]));
    }
    return sk_ok();
}

static sk_err put_segment(const struct body_builder *b, struct img_writer *w,
                          const struct mt_segment *s) {
    for (unsigned t = 0; t < MT_TABLE_COUNT; t++) {
        if (b->own_table[t]) {
            TRY(put_hot(w, t, &s->table[t]));
        }
    }
    for (unsigned t = 0; t < MT_TABLE_COUNT; t++) {
        if (b->own_table[t]) {
            TRY(put_warm(w, t, &s->table[t]));
        }
    }
    return put_pools(w, s);
}

sk_err body_build(struct body_builder *b) {
    return body_build_segment(b, &b->arena, &b->segment);
}

sk_err body_write(struct body_builder *b, struct img_writer *w) {
    return put_segment(b, w, &b->segment);
}
