// SPDX-License-Identifier: Apache-2.0
/*
 * Lines of ndb, ldb and db files, as they come: the first byte of the input chooses the kind of
 * each line, the rest is the file. Everything taken is built into tables, whose references are then
 * walked: the compiler must never write what the reader of an image would refuse.
 */
#include "base/arena.h"
#include "defc/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is) {
    if (!is) {
        __builtin_trap();
    }
}

static void check_parts(const struct mt_segment *s) {
    for (uint32_t i = 0; i < s->part_count; i++) {
        const struct mt_part *p = &s->part[i];
        must(p->prog_len > 0 && (uint64_t)p->prog + p->prog_len <= s->prog_len);
        must((uint64_t)p->key + p->key_len <= s->lit_len);
        must(p->gap_min <= p->gap_max && p->len_min <= p->len_max);
        must(p->key_len == 0 || (uint64_t)p->key_delta + p->key_len <= p->len_min);
    }
    for (uint32_t i = 0; i < s->sub_count; i++) {
        const struct mt_sub *u = &s->sub[i];
        if ((u->flags & MT_SUB_SPECIAL) != 0) {
            uint32_t bound = (u->flags & MT_SUB_REGEX) != 0 ? s->regex_count : s->compare_count;
            must(u->part_count == 0);
            must(u->part_first < bound || u->flags == MT_SUB_IMAGE); /* a hash, no index */
        } else {
            must(u->part_count > 0 && (uint64_t)u->part_first + u->part_count <= s->part_count);
        }
        must(u->also == MT_NO_SUB || u->also < s->sub_count);
    }
}

static void check_specials(const struct mt_segment *s) {
    for (uint32_t i = 0; i < s->regex_count; i++) {
        const struct mt_regex *r = &s->regex[i];
        must((uint64_t)r->text + r->text_len <= s->lit_len && r->number < MT_SUB_MAX);
        must(r->node_count > 0 && (uint64_t)r->node_first + r->node_count <= s->node_count);
    }
    for (uint32_t i = 0; i < s->compare_count; i++) {
        must(s->compare[i].ref < MT_SUB_MAX && s->compare[i].width <= MT_COMPARE_WIDTH_MAX);
    }
}

static void check_sigs(const struct mt_segment *s) {
    for (uint32_t i = 0; i < s->sig_count; i++) {
        const struct mt_sig *g = &s->sig[i];
        must(g->sub_count > 0 && g->sub_count <= MT_SUB_MAX);
        must((uint64_t)g->sub_first + g->sub_count <= s->sig_sub_count);
        must((uint64_t)g->node_first + g->node_count <= s->node_count && g->node_count > 0);
        must((uint64_t)g->attr_first + g->attr_count <= s->attr_count);
        must(s->node[g->node_first].size == g->node_count);
        for (uint32_t k = 0; k < g->node_count; k++) {
            const struct mt_node *n = &s->node[g->node_first + k];
            must(n->op != MT_NODE_SUB || n->arg < g->sub_count);
            must(n->size > 0 && k + n->size <= g->node_count);
        }
    }
    for (uint32_t i = 0; i < s->trig_count; i++) {
        const struct mt_trig *t = &s->trig[i];
        must(t->len >= 3 && (uint64_t)t->lit + t->len <= s->lit_len && t->sig_count > 0);
        must((uint64_t)t->sig_first + t->sig_count <= s->trig_sig_count);
    }
}

static void build(struct body_builder *b) {
    struct arena arena;
    struct mt_segment s;
    arena_init(&arena, (size_t)1 << 30);
    if (!sk_failed(body_build_segment(b, &arena, &s))) {
        check_parts(&s);
        check_specials(&s);
        check_sigs(&s);
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct body_builder *b = NULL;
    if (size == 0 || sk_failed(body_builder_new(NULL, &b))) {
        return 0;
    }
    enum body_kind kind = (enum body_kind)(data[0] % 3);
    for (size_t at = 1; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end == NULL ? size - at : (size_t)(end - (data + at));
        struct defc_why why;
        if (sk_failed(body_add_line(b, kind, (const char *)data + at, len, &why))) {
            break;
        }
        must(why.reason <= DEFC_TAKEN);
        at += len + 1;
    }
    build(b);
    body_builder_free(b);
    return 0;
}
