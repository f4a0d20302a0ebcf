// SPDX-License-Identifier: Apache-2.0
/*
 * Lines of ndb, ldb and db files: which are taken and why not, what is shared, that every
 * signature can be found through its table, that output is deterministic and memory may run out
 * anywhere. The official main.ldb is compiled where it is present (../shared beside the source).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>
#include <lzma.h>

#include "defc/body_private.h"
#include "match/foldhash.h"
#include "match/matcher.h"
#include "match/plan.h"

static enum defc_reason add(struct body_builder *b, enum body_kind kind, const char *line) {
    struct defc_why why;
    assert_false(sk_failed(body_add_line(b, kind, line, strlen(line), &why)));
    assert_true(why.reason == DEFC_TAKEN || why.text[0] != 0);
    return why.reason;
}

static const struct row {
    enum body_kind kind;
    const char *line;
    enum defc_reason want;
} rows[] = {
    {BODY_NDB, "A:0:*:6162636465", DEFC_TAKEN},
    {BODY_NDB, "A:*:*:6162636465", DEFC_TAKEN},
    {BODY_NDB, "A (Clam):0:*:6162636465", DEFC_TAKEN},
    {BODY_NDB, "A:1:EP+0,100:6162636465{-15}6162:51:255", DEFC_TAKEN},
    {BODY_NDB, "A:0:*:6162636465:", DEFC_TAKEN},
    {BODY_NDB, "A:0:*:6162636465:216", DEFC_TAKEN},
    {BODY_NDB, "A:0:*:6162636465:217", DEFC_FLEVEL_TOO_HIGH},
    {BODY_NDB, "A:0:*:6162636465:51:60", DEFC_FLEVEL_TOO_HIGH},
    {BODY_NDB, "A:0:*:6162636465:a", DEFC_MALFORMED},
    {BODY_NDB, "A:0:*:6162636465:51:255:3", DEFC_MALFORMED},
    {BODY_NDB, "A:0:*:6162636465::i", DEFC_MALFORMED},
    {BODY_NDB, "A:0:*", DEFC_MALFORMED},
    {BODY_NDB, "A:0", DEFC_MALFORMED},
    {BODY_NDB, "", DEFC_MALFORMED},
    {BODY_NDB, ":0:*:6162636465", DEFC_MALFORMED},
    {BODY_NDB, "A:-1:*:6162636465", DEFC_MALFORMED},
    {BODY_NDB, "A:15:*:6162636465", DEFC_NOT_YET_ATTRIBUTE},
    {BODY_NDB, "A:0:$g$:6162636465", DEFC_MALFORMED},
    {BODY_NDB, "A:0:$32:6162636465", DEFC_MALFORMED},
    {BODY_NDB, "A:0:$-1:6162636465", DEFC_MALFORMED},
    {BODY_NDB, "A:0:EP+0:6162636465", DEFC_MALFORMED},
    {BODY_NDB, "A:0:*:61626364*65", DEFC_MALFORMED},
    {BODY_DB, "A=6162636465", DEFC_TAKEN},
    {BODY_DB, "A=6162*636465", DEFC_TAKEN},
    {BODY_DB, "A=", DEFC_MALFORMED},
    {BODY_DB, "=6162", DEFC_MALFORMED},
    {BODY_DB, "A6162", DEFC_MALFORMED},
    {BODY_DB, "A=EOF-3:6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,Target:0;0&1;6162;6364::iwfa", DEFC_TAKEN},
    {BODY_LDB,
     "A;Engine:51-255,FileSize:1-5000,Target:1,NumberOfSections:1-5,EntryPoint:3-4;0;6162",
     DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,Target:0,Container:CL_TYPE_ZIP;0;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,Target:0,Container:CL_TYPE_FOO;0;6162", DEFC_NOT_YET_ATTRIBUTE},
    {BODY_LDB, "A;Engine:51-255,Target:0,Foo:1;0;6162", DEFC_NOT_YET_ATTRIBUTE},
    {BODY_LDB, "A;Engine:51-255,Target:1,IconGroup1:X;0;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,IconGroup2:*,IconGroup1:X,IconGroup1:Y,Target:1;0;6162",
     DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,IconGroup1:,Target:1;0;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,Target:1,IconGroup2:;0;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,IconGroup1,Target:1;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255,FileSize:,Target:1;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255,IconGroup1:X,Target:6;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;IconGroup1:X,Target:1;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255,Target:1,IconGroup3:X;0;6162", DEFC_NOT_YET_ATTRIBUTE},
    {BODY_LDB, "A;Engine:51-255,Target:0,Container:CL_TYPE_AUTOIT;0;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,Target:1,Intermediates:CL_TYPE_ZIP>CL_TYPE_PDF;0;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,Target:1,Intermediates:CL_TYPE_ZIP>;0;6162",
     DEFC_NOT_YET_ATTRIBUTE},
    {BODY_LDB,
     "A;Engine:51-255,Target:1,Intermediates:CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_"
     "GZ>"
     "CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ>"
     "CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ>CL_TYPE_GZ;0;6162",
     DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255,Target:1,HandlerType:CL_TYPE_PDF;0;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,Target:1,HandlerType:CL_TYPE_FOO;0;6162", DEFC_NOT_YET_ATTRIBUTE},
    {BODY_LDB, "A;Engine:51-255,Target:0,EntryPoint:1-2;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255,Target:0,FileSize:-5;0;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Engine:51-255,Target:0,FileSize:-5-7;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255,Target:0,FileSize:!5-7;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:50-255,Target:0,FileSize:5-7;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0,Engine:51-255,FileSize:5-7;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0,FileSize:5-7;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-60,Target:0;0;6162", DEFC_FLEVEL_TOO_HIGH},
    {BODY_LDB, "A;Engine:300-400,Target:0;0;6162", DEFC_FLEVEL_TOO_HIGH},
    {BODY_LDB, "A;Engine:51,Target:0;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255,Target:0,FileSize:5;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255,Target:*;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255,Target:0,;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Engine:51-255;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;;0;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;6162;6364", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&2;6162;6364;6566", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;(8==9);6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0/a;b/i", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;6162;0/a\\/;b/i", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;6162;10,5:0/a:b/gresmxAEU", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;6162;0/a/::i", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;6162;0/a/b/", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1&2;6162;0/a/;0&1/b/", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;6162;0/a/gz", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0/a(/", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;1/a/", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1&2;6162;0&2/a/;6364", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;/a/", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0//", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0/a", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;(0/a/", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;EP+0:0/a/", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;/a/", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>26#ib2#>512)", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;1(<<0x1a#de4#>-5,<010)::i;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;6162;5(>>4#ab4#=)", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#ib3#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#dl2#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#ilb2#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#hd2#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#hb19#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#i0#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#d#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(4#ib1#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>4#ib1#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#ib1#=5", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#ib1#<=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;0(>>4#ib1#>5,<7,=6)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;9:0(>>4#ib1#=5)", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;fuzzy_img#af2ad01ed42993c7", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0;fuzzy_img#AF2AD01ED42993C7#0", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0;fuzzy_img#af2ad01ed42993c7#00#x", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0;fuzzy_img#af2ad01ed42993c7#", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;fuzzy_img#af2ad01ed42993c7#1", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;fuzzy_img#af2ad01ed42993c", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;fuzzy_img#af2ad01ed42993c7::i", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;fuzzy_img#gf2ad01ed42993c7", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;0:fuzzy_img#af2ad01ed42993c7", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;fuzzy_img", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;${6-7}12$", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;${6-7}12$;6162", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;6162;${7-6}31$", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0&1;6162;${6-7}32$", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;${6}12$", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;${6-}12$", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;${6-7}12$::i", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;${6-7}$", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0&1;6162;$", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;$12:6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;6162::x", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:0;0;6162::i*6364::i", DEFC_TAKEN},
    {BODY_LDB, "A;Target:0;0;VI:6162", DEFC_MALFORMED},
    {BODY_LDB, "A;Target:1;0;VI:6162", DEFC_TAKEN},
};

static void lines_and_reasons(void **state) {
    (void)state;
    struct body_builder *b = NULL;
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    uint64_t taken = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum defc_reason got = add(b, rows[i].kind, rows[i].line);
        if (got != rows[i].want) {
            fail_msg("%s: reason %d, not %d", rows[i].line, got, rows[i].want);
        }
        taken += got == DEFC_TAKEN;
        assert_int_equal(body_count(b), taken);
    }
    body_builder_free(b);
    body_builder_free(NULL);
}

/* File typing of kind 1 is taken, and is no signature. */
static void type_lines(void **state) {
    (void)state;
    struct body_builder *b = NULL;
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    static const struct {
        const char *line;
        enum defc_reason want;
    } types[] = {
        {"1:*:504b0304:ZIP-SFX:CL_TYPE_ANY:CL_TYPE_ZIPSFX", DEFC_TAKEN},
        {"1:320,5:4d5a{60-300}50450000:PE:CL_TYPE_BINARY_DATA:CL_TYPE_MSEXE:51:255", DEFC_TAKEN},
        {"1:*:504b0304:ZIP:CL_TYPE_ANY:CL_TYPE_ZIP:300", DEFC_FLEVEL_TOO_HIGH},
        {"1:*:504b0304:ZIP:CL_TYPE_ANY", DEFC_MALFORMED},
        {"1:*:504b0304:ZIP:CL_TYPE_ANY:CL_TYPE_NONSENSE", DEFC_NOT_YET_ATTRIBUTE},
        {"1:*:50:ZIP:CL_TYPE_ANY:CL_TYPE_ZIP", DEFC_MALFORMED},
        {"0:*:504b0304:ZIP:CL_TYPE_ANY:CL_TYPE_ZIP", DEFC_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_int_equal(add(b, BODY_TYPE, types[i].line), types[i].want);
    }
    assert_int_equal(body_count(b), 0);
    struct arena arena;
    struct mt_segment s;
    arena_init(&arena, MEM_MAX_BYTES);
    assert_false(sk_failed(body_build_segment(b, &arena, &s)));
    assert_int_equal(s.sig_count, 2);
    assert_int_equal(s.sig[1].flags, MT_SIG_TYPE);
    assert_int_equal(s.attr[1].key, MT_ATTR_TELLS);
    assert_int_equal(s.attr[1].min, SK_TYPE_PE);
    assert_int_equal(s.attr[1].max, SK_TYPE_BINARY);
    arena_release(&arena);
    body_builder_free(b);
}

/* A line of a macro group is taken, and is no signature. */
static void macro_bodies(void **state) {
    (void)state;
    struct body_builder *b = NULL;
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    assert_int_equal(add(b, BODY_NDB, "A:0:$12:6162636465"), DEFC_TAKEN);
    assert_int_equal(add(b, BODY_NDB, "A:1:$5$:6162636465{-5}6162:51:255"), DEFC_TAKEN);
    assert_int_equal(body_count(b), 0);
    struct arena arena;
    struct mt_segment s;
    arena_init(&arena, MEM_MAX_BYTES);
    assert_int_equal(add(b, BODY_LDB, "A;Target:0;0&1;6162;${6-7}12$"), DEFC_TAKEN);
    assert_false(sk_failed(body_build_segment(b, &arena, &s)));
    assert_int_equal(s.macro_body_count, 2);
    assert_int_equal(s.macro_body[0].group, 12);
    assert_int_equal(s.macro_body[1].group, 5);
    assert_int_equal(s.macro_body[1].target, 1);
    assert_int_equal(s.macro_count, 1);
    assert_int_equal(s.macro[0].min, 6);
    assert_int_equal(s.macro[0].max, 7);
    assert_int_equal(s.macro[0].ref, 0);
    arena_release(&arena);
    body_builder_free(b);
}

static void long_lines(void **state) {
    (void)state;
    struct body_builder *b = NULL;
    struct buf line = {0};
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    assert_false(sk_failed(buf_puts(&line, "A:0:*:")));
    while (line.len < 32768) {
        assert_false(sk_failed(buf_puts(&line, "6162")));
    }
    assert_int_equal(add(b, BODY_NDB, buf_text(&line)), DEFC_TAKEN);
    while (line.len <= BODY_LINE_MAX) {
        assert_false(sk_failed(buf_puts(&line, "6162")));
    }
    assert_int_equal(add(b, BODY_NDB, buf_text(&line)), DEFC_MALFORMED);
    buf_release(&line);
    body_builder_free(b);
}

/* A refused line leaves nothing in the pools. */
static void refused_lines_leave_nothing(void **state) {
    (void)state;
    struct body_builder *b = NULL;
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    assert_int_equal(add(b, BODY_LDB, "A;Target:0;0&1;616263646566;61zz"), DEFC_MALFORMED);
    assert_int_equal(b->sub.count + b->part.count + b->prog.bytes.len + b->lit.bytes.len, 0);
    body_builder_free(b);
}

static void equal_things_are_kept_once(void **state) {
    (void)state;
    struct body_builder *b = NULL;
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    assert_int_equal(add(b, BODY_LDB, "A;Target:0;0&1;616263646566;717273747576::i"), DEFC_TAKEN);
    assert_int_equal(add(b, BODY_LDB, "B;Target:1;0&1;717273747576::i;616263646566"), DEFC_TAKEN);
    assert_int_equal(add(b, BODY_NDB, "C:7:*:616263646566"), DEFC_TAKEN);
    assert_int_equal(b->sub.count, 2);
    /* other offset, same program */
    assert_int_equal(add(b, BODY_NDB, "D:7:0:616263646566"), DEFC_TAKEN);
    assert_int_equal(b->sub.count, 3);
    assert_int_equal(b->prog.ref.count, 2);
    /* both forms of "wa": the plain one is the known one */
    assert_int_equal(add(b, BODY_LDB, "E;Target:0;0;616263646566::wa"), DEFC_TAKEN);
    assert_int_equal(b->sub.count, 4);
    const struct mt_sub *wide = body_sub(b, 3);
    assert_int_equal(wide->also, 0);
    body_builder_free(b);
}

/* ---- tables --------------------------------------------------------------------------------- */

/* The entry of this window in one of the groups, for this trigger. */
static bool has_entry(const struct mt_segment *s, const struct mt_group *g, uint64_t window,
                      uint32_t trig) {
    uint16_t tag = foldhash_tag(s->lit + s->trig[trig].lit, g->head.q, g->head.s);
    uint32_t bits = foldhash_bits(window);
    uint64_t hash = foldhash_bucket(window);
    uint32_t mask = foldhash_mask(bits);
    if ((g->bitmap[foldhash_word(bits, g->head.log2_words)] & mask) != mask) {
        return false;
    }
    uint32_t bucket = foldhash_bucket_index(hash, g->head.log2_buckets);
    for (uint32_t i = g->bucket_first[bucket]; i < g->bucket_first[bucket + 1]; i++) {
        if (g->entry[i].tag == tag && g->entry[i].trig == trig) {
            return true;
        }
    }
    return false;
}

/* Wherever the literal lies, one of its windows is sampled and leads to the trigger. */
static bool in_group(const struct mt_segment *s, const struct mt_group *g, uint32_t trig) {
    const struct mt_trig *t = &s->trig[trig];
    for (unsigned phase = 0; phase < g->head.s; phase++) {
        bool found = false;
        for (uint32_t at = phase; at + g->head.q <= t->len && !found; at += g->head.s) {
            found = has_entry(s, g, foldhash_load(s->lit + t->lit + at, g->head.q), trig);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool in_slow(const struct mt_segment *s, const struct mt_table *table, uint32_t trig) {
    const uint8_t *lit = s->lit + s->trig[trig].lit;
    for (unsigned k = 0; table->slow_head != NULL && k < 8; k++) {
        for (uint32_t i = table->slow_head->first[k]; i < table->slow_head->first[k + 1]; i++) {
            if (table->slow[i].trig != trig) {
                continue;
            }
            bool pass = true;
            for (unsigned p = 0; p < 3; p++) {
                uint8_t folded = lit[p] | 0x20;
                pass = pass && (table->slow_head->lo[p][folded & 15] &
                                table->slow_head->hi[p][folded >> 4] & 1 << k) != 0;
            }
            uint32_t four = 0;
            memcpy(&four, lit, s->trig[trig].len < 4 ? 3 : 4);
            return pass && ((four | 0x20202020u) & table->slow[i].mask) == table->slow[i].value;
        }
    }
    return false;
}

/* The mark of the trigger stands in its literal, and a class takes it. */
static bool in_marks(const struct mt_segment *s, const struct mt_table *table, uint32_t trig) {
    const struct mt_trig *t = &s->trig[trig];
    for (uint32_t i = 0; i < table->mark_count; i++) {
        const struct mt_mark *m = &table->mark[i];
        if (m->trig != trig) {
            continue;
        }
        const uint8_t *lit = s->lit + t->lit + m->delta;
        uint8_t cls = UINT8_MAX;
        uint64_t window = 0;
        for (unsigned p = 0; p < m->q && m->delta + m->q <= t->len; p++) {
            bool both = (t->flags & MT_TRIG_NOCASE) != 0 && lit[p] >= 'a' && lit[p] <= 'z';
            window |= (uint64_t)(lit[p] | 0x20) << 8 * p;
            cls &= p < 4 ? table->mark_head->cls[p][lit[p] & 127] : UINT8_MAX;
            cls &= p < 4 && both ? table->mark_head->cls[p][lit[p] & 0x5f] : UINT8_MAX;
        }
        return window == m->window && cls != 0;
    }
    return false;
}

static bool findable(const struct mt_segment *s, const struct mt_table *table, uint32_t trig) {
    if (table->mark_head != NULL && !in_marks(s, table, trig)) {
        return false;
    }
    for (uint32_t g = 0; g < table->group_count; g++) {
        if (in_group(s, &table->group[g], trig)) {
            return true;
        }
    }
    return in_slow(s, table, trig);
}

static bool anchored(const struct mt_table *table, uint32_t sig) {
    for (uint32_t i = 0; i < table->anchor_count; i++) {
        if (table->anchor[i].sig == sig) {
            return true;
        }
    }
    return false;
}
static bool always(const struct mt_table *table, uint32_t sig) {
    for (uint32_t i = 0; i < table->always_count; i++) {
        if (table->always[i] == sig) {
            return true;
        }
    }
    return false;
}

/* Every signature is reached from each table it belongs to, and triggers lead to signatures. */
static void check_reachable(const struct mt_segment *s) {
    uint8_t *reached = mem_zalloc(s->sig_count + 1, 1);
    assert_non_null(reached);
    for (unsigned t = 0; t < MT_TABLE_COUNT; t++) {
        const struct mt_table *table = &s->table[t];
        memset(reached, 0, s->sig_count);
        for (uint32_t i = 0; i < s->trig_count; i++) {
            bool here = false;
            for (uint32_t k = 0; k < s->trig[i].sig_count; k++) {
                uint32_t sig = s->trig_sig[s->trig[i].sig_first + k];
                here |= s->sig[sig].target == t || s->sig[sig].target == SK_TARGET_ANY;
                reached[sig] = 1;
            }
            if (here && !findable(s, table, i)) {
                fail_msg("trigger %u is not found in table %u", i, t);
            }
        }
        for (uint32_t i = 0; i < s->sig_count; i++) {
            if (s->sig[i].target != t && s->sig[i].target != SK_TARGET_ANY) {
                continue;
            }
            if (!reached[i] && !anchored(table, i) && !always(table, i)) {
                fail_msg("signature %u is not reached in table %u", i, t);
            }
        }
    }
    mem_free(reached);
}

static const char *const samples[] = {
    "A;Target:0;0;6162636465666768696a6b6c6d6e6f707172",
    "B;Target:1;0&1;31c031db31c9;9090909090909090",
    "C;Target:1;0|1;1003000000c7;EP+0:558bec83ec10",
    "D;Target:7;0;616263",
    "E;Target:7;0;6162",
    "F;Target:3;0=0&1;3c7363726970743e;616c657274::i",
    "G;Target:3;0=0;3c7363726970743e",
    "H;Target:6;0;7f454c46::wa",
    "I;Target:1;(0|1|2)>2,2;616161616161;626262626262;636363636363636363636363636363636363",
    "J;Target:2;0&1;00000000000000000000;0:d0cf11e0a1b11ae1",
    "K;Target:1;0;S0+16:68656c6c6f",
};

static struct body_builder *build_samples(struct arena *arena, struct mt_segment *s) {
    struct body_builder *b = NULL;
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        assert_int_equal(add(b, BODY_LDB, samples[i]), DEFC_TAKEN);
    }
    assert_false(sk_failed(body_build_segment(b, arena, s)));
    return b;
}

static void tables_of_samples(void **state) {
    (void)state;
    struct arena arena;
    struct mt_segment s;
    arena_init(&arena, (size_t)1 << 30);
    struct body_builder *b = build_samples(&arena, &s);
    assert_int_equal(s.sig_count, 11);
    check_reachable(&s);
    assert_non_null(s.table[SK_TARGET_ANY].mark_head);
    assert_int_equal(s.table[SK_TARGET_ANY].mark_count, 1);
    assert_int_equal(s.table[SK_TARGET_PE].mark_count, 5);
    /* no signatures of their own: the table of target 0 */
    assert_memory_equal(&s.table[SK_TARGET_PDF], &s.table[SK_TARGET_ANY], sizeof(s.table[0]));
    assert_int_equal(s.table[SK_TARGET_ANY].always_count, 0);
    /* two bytes are no trigger; absence is none either */
    assert_int_equal(s.table[SK_TARGET_TEXT].always_count, 1);
    assert_int_equal(s.table[SK_TARGET_HTML].always_count, 1);
    assert_int_equal(s.table[SK_TARGET_TEXT].slow_count, 1);
    /* an anchored subsignature beats a run of zeros, and is the only choice of K */
    assert_int_equal(s.table[SK_TARGET_OLE2].anchor_count, 1);
    assert_int_equal(s.table[SK_TARGET_OLE2].anchor[0].kind, MT_OFF_ABS);
    assert_true(anchored(&s.table[SK_TARGET_PE], 10));
    struct body_stats st;
    body_stats_get(b, &s, &st);
    assert_int_equal(st.sigs, 11);
    assert_int_equal(st.always, 2);
    assert_int_equal(st.long_triggers + st.short_triggers + st.slow_triggers, st.triggers);
    assert_int_equal(body_build_segment(b, &arena, &s).code, SK_E_USAGE);
    body_builder_free(b);
    arena_release(&arena);
}

static bool count_hit(void *ctx, const struct match_hit *hit) {
    (void)hit;
    ++*(unsigned *)ctx;
    return true;
}

static unsigned hits_in(const struct mt_segment *s, const uint8_t *text, size_t len) {
    struct matcher *m = NULL;
    struct sk_source src;
    sk_source_init_mem(&src, text, len);
    struct match_layer layer = {.src = &src, .target = SK_TARGET_PE, .file_size = len};
    struct match_budget budget = {.steps = 1000000};
    unsigned hits = 0;
    assert_false(sk_failed(matcher_new(&s, 1, &m)));
    assert_false(sk_failed(matcher_scan(m, &layer, &budget, count_hit, &hits)));
    assert_int_equal(matcher_stats(m)->touched, hits);
    matcher_free(m);
    return hits;
}

/* Code with an operand of one byte between pairs: three bytes of four are the trigger, so that the
 * signature is not evaluated on every layer. */
static void masked_triggers(void **state) {
    (void)state;
    static const char *const lines[] = {"A;Target:1;0;8b55??3155??", "B;Target:1;0;4d??6f64::i",
                                        "C;Target:1;0;8b55{2}3155"};
    struct arena arena;
    struct mt_segment s;
    struct body_builder *b = NULL;
    arena_init(&arena, (size_t)1 << 30);
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(add(b, BODY_LDB, lines[i]), DEFC_TAKEN);
    }
    assert_false(sk_failed(body_build_segment(b, &arena, &s)));
    check_reachable(&s);
    const struct mt_table *t = &s.table[SK_TARGET_PE];
    assert_int_equal(t->always_count, 1); /* two bytes between: C */
    assert_int_equal(t->slow_count, 2);
    assert_null(t->mark_head);
    assert_true((s.trig[0].flags & MT_TRIG_MASKED) != 0 && s.trig[0].len == 4);
    static const uint8_t code[] = {0x8b, 0x55, 0xf8, 0x31, 0x55, 0xfc};
    static const char word[] = "m_oD";
    uint8_t text[300];
    for (size_t at = 0; at + sizeof(code) <= sizeof(text); at++) {
        memset(text, 0x20, sizeof(text));
        memcpy(text + at, code, sizeof(code));
        s.table[SK_TARGET_PE].always_count = 0;
        assert_int_equal(hits_in(&s, text, sizeof(text)), 1);
        text[at] = 0xab; /* folds to the same byte */
        assert_int_equal(hits_in(&s, text, sizeof(text)), 0);
        memcpy(text + at, word, 4);
        assert_int_equal(hits_in(&s, text, sizeof(text)), 1);
    }
    body_builder_free(b);
    arena_release(&arena);
}

/* An address stands in any text: what is searched for is the other half, though it is shorter. */
static void common_words(void **state) {
    (void)state;
    struct arena arena;
    struct mt_segment s;
    struct body_builder *b = NULL;
    arena_init(&arena, (size_t)1 << 30);
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    assert_int_equal(add(b, BODY_LDB, "A;Target:0;0&1;687474703a2f2f;3c737667"), DEFC_TAKEN);
    assert_int_equal(add(b, BODY_LDB, "B;Target:0;0&1;76657273696f6e;7a78637671"), DEFC_TAKEN);
    assert_false(sk_failed(body_build_segment(b, &arena, &s)));
    assert_int_equal(s.trig_count, 2);
    assert_int_equal(s.trig[0].len, 4);
    assert_memory_equal(s.lit + s.trig[0].lit, "<svg", 4);
    assert_int_equal(s.trig[1].len, 5);
    assert_memory_equal(s.lit + s.trig[1].lit, "zxcvq", 5);
    body_builder_free(b);
    arena_release(&arena);
}

/* So does a key of the version resource in any Windows program; elsewhere it is as good as others.
 * What is evaluated first does not change. */
static void common_in_windows_programs(void **state) {
    (void)state;
    struct arena arena;
    struct mt_segment s;
    struct body_builder *b = NULL;
    arena_init(&arena, (size_t)1 << 30);
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    assert_int_equal(add(b, BODY_LDB,
                         "A;Target:1;0&1;7a78637671;"
                         "43006f006d00700061006e0079004e0061006d006500"),
                     DEFC_TAKEN);
    assert_int_equal(add(b, BODY_LDB,
                         "B;Target:2;0&1;7a78637671;"
                         "43006f006d00700061006e0079004e0061006d00650078"),
                     DEFC_TAKEN);
    assert_false(sk_failed(body_build_segment(b, &arena, &s)));
    assert_int_equal(s.trig_count, 2);
    assert_int_equal(s.trig[0].len, 5);
    assert_memory_equal(s.lit + s.trig[0].lit, "zxcvq", 5);
    assert_true(s.trig[1].len > 20);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(s.node[s.sig[i].node_first + 1].arg, 1);
    }
    body_builder_free(b);
    arena_release(&arena);
}

/* Of ELF files the slow set's literal begins earlier than its rarest bytes, so that more of it is
 * compared; of others it does not, so the two do not share a subsignature. */
static void slow_triggers_of_elf(void **state) {
    (void)state;
    struct arena arena;
    struct mt_segment s;
    struct body_builder *b = NULL;
    arena_init(&arena, (size_t)1 << 30);
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    assert_int_equal(add(b, BODY_LDB, "A;Target:0;0;61747461636b5f73756363657373"), DEFC_TAKEN);
    assert_int_equal(add(b, BODY_LDB, "B;Target:6;0;61747461636b5f73756363657373"), DEFC_TAKEN);
    assert_false(sk_failed(body_build_segment(b, &arena, &s)));
    assert_int_equal(s.sub_count, 2);
    assert_int_equal(s.trig_count, 2);
    assert_int_equal(s.trig[0].len, 8);
    assert_memory_equal(s.lit + s.trig[0].lit, "_success", 8);
    assert_int_equal(s.trig[1].len, 14);
    assert_memory_equal(s.lit + s.trig[1].lit, "attack_success", 14);
    body_builder_free(b);
    arena_release(&arena);
}

static void same_lines_same_bytes(void **state) {
    (void)state;
    struct arena arena;
    struct mt_segment s, again;
    arena_init(&arena, (size_t)1 << 30);
    struct body_builder *b = build_samples(&arena, &s), *c = build_samples(&arena, &again);
    assert_int_equal(s.prog_len, again.prog_len);
    assert_memory_equal(s.prog, again.prog, s.prog_len);
    assert_int_equal(s.lit_len, again.lit_len);
    assert_memory_equal(s.lit, again.lit, s.lit_len);
    assert_memory_equal(s.sub, again.sub, s.sub_count * sizeof(*s.sub));
    assert_memory_equal(s.trig, again.trig, s.trig_count * sizeof(*s.trig));
    assert_memory_equal(s.node, again.node, s.node_count * sizeof(*s.node));
    const struct mt_group *g = &s.table[1].group[0], *h = &again.table[1].group[0];
    assert_int_equal(g->head.entry_count, h->head.entry_count);
    assert_memory_equal(g->entry, h->entry, g->head.entry_count * sizeof(*g->entry));
    body_builder_free(b);
    body_builder_free(c);
    arena_release(&arena);
}

static void empty_builder(void **state) {
    (void)state;
    struct arena arena;
    struct mt_segment s;
    struct body_builder *b = NULL;
    arena_init(&arena, 1 << 20);
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    assert_false(sk_failed(body_build_segment(b, &arena, &s)));
    assert_int_equal(s.sig_count + s.trig_count + s.table[0].group_count, 0);
    body_builder_free(b);
    arena_release(&arena);
}

/* ---- memory runs out ------------------------------------------------------------------------- */

static bool try_all(uint64_t nth) {
    struct arena arena;
    struct mt_segment s;
    struct body_builder *b = NULL;
    arena_init(&arena, (size_t)1 << 30);
    mem_fault_set(nth);
    sk_err err = body_builder_new(NULL, &b);
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]) && !sk_failed(err); i++) {
        struct defc_why why;
        err = body_add_line(b, BODY_LDB, samples[i], strlen(samples[i]), &why);
    }
    if (!sk_failed(err)) {
        err = body_build_segment(b, &arena, &s);
    }
    bool reached = mem_fault_seen() >= nth;
    mem_fault_set(0);
    assert_int_equal(err.code, reached ? SK_E_NOMEM : SK_OK);
    body_builder_free(b);
    arena_release(&arena);
    return reached;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    uint64_t nth = 1;
    while (try_all(nth)) {
        nth++;
    }
    assert_true(nth > 50);
}

/* ---- the official set ------------------------------------------------------------------------ */

static void add_text(struct body_builder *b, const struct buf *text, uint64_t *count) {
    for (size_t at = 0; at < text->len;) {
        const uint8_t *line = text->data + at;
        const uint8_t *end = memchr(line, '\n', text->len - at);
        size_t len = end == NULL ? text->len - at : (size_t)(end - line);
        at += len + 1;
        if (len == 0 || line[0] == '#') {
            continue;
        }
        struct defc_why why;
        assert_false(sk_failed(body_add_line(b, BODY_LDB, (const char *)line, len, &why)));
        count[why.reason]++;
    }
}

static bool read_xz(const char *path, struct buf *out) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return false;
    }
    struct buf packed = {0};
    size_t got = 1;
    while (got > 0) {
        assert_false(sk_failed(buf_reserve(&packed, 1 << 20)));
        got = fread(packed.data + packed.len, 1, 1 << 20, f);
        packed.len += got;
    }
    (void)fclose(f);
    uint64_t limit = UINT64_MAX;
    size_t in = 0;
    assert_false(sk_failed(buf_reserve(out, 64 << 20)));
    assert_int_equal(lzma_stream_buffer_decode(&limit, 0, NULL, packed.data, &in, packed.len,
                                               out->data, &out->len, 64 << 20),
                     LZMA_OK);
    buf_release(&packed);
    return true;
}

static void official_main_ldb(void **state) {
    (void)state;
    struct buf text = {0};
    if (!read_xz(SHARED_DIR "/data/clamav/main.ldb.xz", &text)) {
        print_message("no " SHARED_DIR "/data/clamav/main.ldb.xz: skipped\n");
        skip();
        return;
    }
    struct arena arena;
    struct mt_segment s;
    struct body_builder *b = NULL;
    uint64_t count[DEFC_REASON_COUNT + 1] = {0};
    arena_init(&arena, (size_t)1 << 30);
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    add_text(b, &text, count);
    buf_release(&text);
    assert_false(sk_failed(body_build_segment(b, &arena, &s)));
    struct body_stats st;
    body_stats_get(b, &s, &st);
    print_message("taken %lu, malformed %lu, attributes %lu\n", (unsigned long)count[DEFC_TAKEN],
                  (unsigned long)count[DEFC_MALFORMED],
                  (unsigned long)count[DEFC_NOT_YET_ATTRIBUTE]);
    print_message("%u subsignatures, %u triggers (%u long, %u short, %u slow), %u anchored, %u "
                  "always, %lu bytes of programs\n",
                  st.subs, st.triggers, st.long_triggers, st.short_triggers, st.slow_triggers,
                  st.anchored, st.always, (unsigned long)st.prog_bytes);
    assert_true(count[DEFC_MALFORMED] <= 3);
    uint64_t rest = count[DEFC_NOT_YET_ATTRIBUTE] + count[DEFC_MALFORMED] + count[DEFC_TAKEN];
    uint64_t all = 0;
    for (unsigned i = 0; i <= DEFC_REASON_COUNT; i++) {
        all += count[i];
    }
    assert_int_equal(rest, all);
    assert_true(st.always <= 12 && st.slow_triggers <= 200);
    check_reachable(&s);
    body_builder_free(b);
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_reasons),
        cmocka_unit_test(macro_bodies),
        cmocka_unit_test(type_lines),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(refused_lines_leave_nothing),
        cmocka_unit_test(equal_things_are_kept_once),
        cmocka_unit_test(tables_of_samples),
        cmocka_unit_test(masked_triggers),
        cmocka_unit_test(common_words),
        cmocka_unit_test(common_in_windows_programs),
        cmocka_unit_test(slow_triggers_of_elf),
        cmocka_unit_test(same_lines_same_bytes),
        cmocka_unit_test(empty_builder),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(official_main_ldb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
