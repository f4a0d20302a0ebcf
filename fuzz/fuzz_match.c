// SPDX-License-Identifier: Apache-2.0
/*
 * Hostile tables and hostile bytes together: a segment whose array lengths are true but whose
 * contents are fuzzed is run over a fuzzed layer. Nothing may be read out of bounds (arrays are
 * allocated to the byte), the budget must end every run, and a layer in memory and the same layer
 * behind a read function must give the same hits and the same error.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "match/matcher.h"
#include "match_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OWNED_MAX 64

struct loader {
    struct sk_cursor c;
    void *owned[OWNED_MAX];
    unsigned owned_count;
};

/* An exact-size, zero-filled copy of up to `bytes` input bytes. */
static void *take_array(struct loader *l, size_t bytes) {
    uint8_t *p = mem_zalloc(bytes == 0 ? 1 : bytes, 1);
    if (p == NULL || l->owned_count == OWNED_MAX) {
        abort();
    }
    l->owned[l->owned_count++] = p;
    size_t n = sk_cursor_left(&l->c) < bytes ? sk_cursor_left(&l->c) : bytes;
    const uint8_t *from = sk_cursor_take(&l->c, n);
    if (n > 0) {
        memcpy(p, from, n);
    }
    return p;
}

static void load_group(struct loader *l, struct mt_group *g) {
    const struct mt_group_head *h = take_array(l, sizeof(*h));
    g->head = *h;
    g->head.log2_words %= MATCH_IMAGE_LOG2_MAX + 1;
    g->head.log2_buckets %= MATCH_IMAGE_LOG2_MAX + 1;
    g->head.entry_count &= MATCH_IMAGE_COUNT_MAX;
    g->bitmap = take_array(l, sizeof(uint32_t) << g->head.log2_words);
    g->bucket_first = take_array(l, sizeof(uint32_t) * ((1u << g->head.log2_buckets) + 1));
    g->entry = take_array(l, sizeof(struct mt_entry) * g->head.entry_count);
}

static void load_segment(struct loader *l, struct mt_segment *s) {
    uint32_t count[MI_COUNT];
    void *at[MI_COUNT];
    for (unsigned i = 0; i < MI_COUNT; i++) {
        count[i] = sk_cursor_u16le(&l->c) & MATCH_IMAGE_COUNT_MAX;
    }
    unsigned groups = sk_cursor_u8(&l->c) % (MT_GROUP_MAX + 1);
    for (unsigned i = 0; i < MI_COUNT; i++) {
        at[i] = take_array(l, count[i] * match_image_each[i]);
    }
    *s = (struct mt_segment){.sig = at[MI_SIG],
                             .sig_sub = at[MI_SIG_SUB],
                             .sub = at[MI_SUB],
                             .part = at[MI_PART],
                             .prog = at[MI_PROG],
                             .lit = at[MI_LIT],
                             .node = at[MI_NODE],
                             .attr = at[MI_ATTR],
                             .trig = at[MI_TRIG],
                             .trig_sig = at[MI_TRIG_SIG],
                             .sig_count = count[MI_SIG],
                             .sig_sub_count = count[MI_SIG_SUB],
                             .sub_count = count[MI_SUB],
                             .part_count = count[MI_PART],
                             .prog_len = count[MI_PROG],
                             .lit_len = count[MI_LIT],
                             .node_count = count[MI_NODE],
                             .attr_count = count[MI_ATTR],
                             .trig_count = count[MI_TRIG],
                             .trig_sig_count = count[MI_TRIG_SIG]};
    struct mt_table *t = &s->table[SK_TARGET_PE];
    t->group_count = groups;
    for (unsigned g = 0; g < groups; g++) {
        load_group(l, &t->group[g]);
    }
    t->slow_head = take_array(l, sizeof(*t->slow_head));
    t->mark_head = count[MI_MARK] > 0 ? take_array(l, sizeof(*t->mark_head)) : NULL;
    t->mark = at[MI_MARK];
    t->mark_count = count[MI_MARK];
    t->slow = at[MI_SLOW];
    t->slow_count = count[MI_SLOW];
    t->anchor = at[MI_ANCHOR];
    t->anchor_count = count[MI_ANCHOR];
    t->always = at[MI_ALWAYS];
    t->always_count = count[MI_ALWAYS];
}

static void load_exe(struct loader *l, struct sk_exe *exe) {
    exe->has_entry = sk_cursor_u8(&l->c) % 2 == 0;
    exe->entry = sk_cursor_u16le(&l->c);
    exe->section_count = sk_cursor_u8(&l->c) % 5;
    exe->section = take_array(l, exe->section_count * sizeof(*exe->section));
    exe->vinfo_count = sk_cursor_u8(&l->c) % 9;
    exe->vinfo = take_array(l, exe->vinfo_count * sizeof(*exe->vinfo));
}

struct outcome {
    uint64_t digest;
    unsigned count;
    int code;
};

static bool on_hit(void *ctx, const struct match_hit *hit) {
    struct outcome *o = ctx;
    o->digest = (o->digest ^ hit->sig ^ hit->offset << 20) * 0x9E3779B97F4A7C15u;
    return ++o->count < 1000;
}

static struct outcome run(struct matcher *m, struct sk_source *src, const struct sk_exe *exe) {
    struct outcome o = {0, 0, 0};
    struct match_layer layer = {
        .src = src, .target = SK_TARGET_PE, .file_size = src->size, .exe = exe};
    struct match_budget budget = {.steps = 200000};
    o.code = matcher_scan(m, &layer, &budget, on_hit, &o).code;
    return o;
}

static sk_err read_memory(void *ctx, uint64_t off, void *buf, size_t len) {
    const struct sk_bytes *bytes = ctx;
    assert(off <= bytes->len && len <= bytes->len - off);
    memcpy(buf, bytes->ptr + off, len);
    return sk_ok();
}

static void scan(const struct mt_segment *segment, struct sk_bytes *layer,
                 const struct sk_exe *exe) {
    const struct mt_segment *segments[] = {segment};
    struct matcher *m = NULL;
    if (!sk_failed(matcher_new(segments, 1, &m))) {
        struct sk_source mem, read;
        sk_source_init_mem(&mem, layer->ptr, layer->len);
        sk_source_init_read(&read, layer->len, read_memory, layer);
        struct outcome a = run(m, &mem, exe), b = run(m, &read, exe);
        if (a.code != b.code || a.count != b.count || a.digest != b.digest) {
            abort();
        }
        sk_source_release(&read);
        matcher_free(m);
    }
}

/* path NULL: as before the first call. */
static void use_path(const char *path) {
    static const char *given;
    static bool called;
    given = called ? given : getenv("SEKISHO_VECTORS");
    called = true;
    path = path != NULL ? path : given;
    if ((path != NULL ? setenv("SEKISHO_VECTORS", path, 1) : unsetenv("SEKISHO_VECTORS")) != 0) {
        abort();
    }
    (void)cpu_features_ask();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct loader l = {.c = sk_cursor_make(data, size)};
    struct mt_segment segment;
    struct sk_exe exe = {0};
    load_segment(&l, &segment);
    load_exe(&l, &exe);
    struct sk_bytes layer = {NULL, sk_cursor_left(&l.c)};
    layer.ptr = take_array(&l, layer.len);
    scan(&segment, &layer, &exe);
    use_path("scalar"); /* it looks for marks; some vectors do not */
    scan(&segment, &layer, &exe);
    use_path(NULL);
    segment.table[SK_TARGET_PE].mark_head = NULL;
    segment.table[SK_TARGET_PE].mark_count = 0;
    scan(&segment, &layer, &exe); /* by groups */
    while (l.owned_count > 0) {
        mem_free(l.owned[--l.owned_count]);
    }
    return 0;
}
