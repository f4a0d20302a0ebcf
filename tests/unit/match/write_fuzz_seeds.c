// SPDX-License-Identifier: Apache-2.0
/*
 * Writes seeds for fuzz_match: real tables made by the test compiler, in the format of
 * fuzz/match_image.h. usage: write_fuzz_seeds DIRECTORY. Run by hand when tables change shape; the
 * seeds are kept base64-encoded (base64 -w 100 F > F.b64).
 */
#include "build_internal.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "match_image.h"

static void put(FILE *f, const void *p, size_t n) {
    assert(n == 0 || fwrite(p, n, 1, f) == 1);
}

static void put16(FILE *f, size_t v) {
    uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    assert(v < 65536);
    put(f, b, 2);
}

static void put_segment(FILE *f, const struct mt_segment *s) {
    const struct mt_table *t = &s->table[SK_TARGET_PE];
    const uint32_t count[MI_COUNT] = {
        s->sig_count,  s->sig_sub_count, s->sub_count,    s->part_count, s->prog_len,
        s->lit_len,    s->node_count,    s->attr_count,   s->trig_count, s->trig_sig_count,
        t->slow_count, t->anchor_count,  t->always_count, t->mark_count};
    const void *at[MI_COUNT] = {s->sig,  s->sig_sub, s->sub,    s->part, s->prog,
                                s->lit,  s->node,    s->attr,   s->trig, s->trig_sig,
                                t->slow, t->anchor,  t->always, t->mark};
    for (unsigned i = 0; i < MI_COUNT; i++) {
        put16(f, count[i]);
    }
    uint8_t groups = (uint8_t)t->group_count;
    put(f, &groups, 1);
    for (unsigned i = 0; i < MI_COUNT; i++) {
        put(f, at[i], count[i] * match_image_each[i]);
    }
    for (unsigned g = 0; g < groups; g++) {
        const struct mt_group *gr = &t->group[g];
        put(f, &gr->head, sizeof(gr->head));
        put(f, gr->bitmap, sizeof(uint32_t) << gr->head.log2_words);
        put(f, gr->bucket_first, sizeof(uint32_t) * ((1u << gr->head.log2_buckets) + 1));
        put(f, gr->entry, sizeof(*gr->entry) * gr->head.entry_count);
    }
    put(f, t->slow_head, sizeof(*t->slow_head));
    if (t->mark_head != NULL) {
        put(f, t->mark_head, sizeof(*t->mark_head));
    }
}

static void put_exe(FILE *f) {
    static const struct sk_exe_section section[2] = {{.off = 4, .size = 20},
                                                     {.off = 30, .size = 60}};
    static const uint32_t vinfo[3] = {1, 16, 40};
    static const uint8_t head[4] = {0, 12, 0, 2}, count = 3;
    put(f, head, 4);
    put(f, section, sizeof(section));
    put(f, &count, 1);
    put(f, vinfo, sizeof(vinfo));
}

/* The last seed has enough keys for the sieve. */
#define SUBS 9u

struct seed {
    const char *name;
    struct tb_sub_spec sub[SUBS];
    const char *expr;
    const char *layer;
};

static const struct seed seeds[] = {
    {"plain",
     {{.body = "6162636465666768696a6b6c6d6e6f70"}, {.body = "717273"}},
     "0&1",
     "..abcdefghijklmnop..qrs.."},
    {"gaps",
     {{.body = "61626364{2-5}65666768*6a6b"},
      {.body = "6?62??"
               "(63|64)"}},
     "0|1>1",
     "abcd...efgh......jk abxc abxd"},
    {"alts",
     {{.body = "616263(64|6465|66)6768"}, {.body = "6162!(6364|6566)67", .flags = 4}},
     "(0|1)>0,1",
     "abcdegh abcdgh ABxxg"},
    {"offsets",
     {{.body = "61626364", .off_kind = MT_OFF_EP, .off = -4, .shift = 8},
      {.body = "65666768", .off_kind = MT_OFF_SECT_ANY, .section = 1},
      {.body = "696a", .off_kind = MT_OFF_VI, .flags = MT_SUB_FULLWORD}},
     "(0&1=0)|2",
     "........abcd....ij....efghefgh"},
    {"many",
     {{.body = "6162636465666768"},
      {.body = "6263646566676869"},
      {.body = "636465666768696a6b6c6d6e6f707172"},
      {.body = "6465666768696a{1-3}71"},
      {.body = "65666768696a6b", .flags = TB_NOCASE},
      {.body = "666768696a6b6c6d"},
      {.body = "6768696a6b6c6d6e"},
      {.body = "68696a6b6c6d6e6f7071727374757677"},
      {.body = "696a6b6c6d6e6f70"}},
     "(0|1|2|3|4|5|6|7|8)>2,2",
     "..abcdefghi..EFGHIJK..hijklmnopqrstuvw."},
};

static void write_seed(const char *dir, const struct seed *seed) {
    char path[4096];
    assert(snprintf(path, sizeof(path), "%s/%s", dir, seed->name) < (int)sizeof(path));
    FILE *f = fopen(path, "wb");
    assert(f != NULL);
    struct tb *b = tb_new();
    b->small = true;
    uint32_t sub[SUBS];
    unsigned n = 0;
    for (; n < SUBS && seed->sub[n].body != NULL; n++) {
        sub[n] = tb_sub(b, &seed->sub[n]);
    }
    for (int trigger = -1; trigger < 2; trigger++) {
        struct tb_sig_spec sig = {seed->expr, sub, n, trigger, 0, {MT_ATTR_FILE_SIZE, 1, 999}};
        (void)tb_sig(b, &sig);
    }
    struct mt_anchor a = {.kind = MT_OFF_EP, .value = 'a', .mask = 0xff, .sig = 1};
    tb_anchor(b, &a);
    put_segment(f, tb_finish(b));
    put_exe(f);
    put(f, seed->layer, strlen(seed->layer));
    assert(fclose(f) == 0);
    tb_free(b);
}

int main(int argc, char **argv) {
    assert(argc == 2);
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
        write_seed(argv[1], &seeds[i]);
    }
    return 0;
}
