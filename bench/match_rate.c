// SPDX-License-Identifier: Apache-2.0
/*
 * Rate of the candidate filter alone: 36,000 synthetic triggers (half random bytes, half random
 * lower-case letters; 1 in 50 short, for the group of four), each kernel over each file given.
 *
 * usage: match_rate FILE...    prints GB/s (best of five passes), candidates and literals per MB.
 * Figures of one machine in one run; compare kernels and changes, not machines.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "match/filter.h"
#include "match/foldhash.h"

#define TRIGGERS 36000u
#define LITERAL 24u

struct bench_set {
    struct mt_segment seg;
    struct mt_table table;
    uint8_t *lit;
    struct mt_trig *trig;
};

static uint64_t seed = 42;

static uint64_t next_random(void) {
    uint64_t z = seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void *need(void *p) {
    if (p == NULL) {
        abort();
    }
    return p;
}

static void make_triggers(struct bench_set *b) {
    b->lit = need(mem_alloc((size_t)TRIGGERS * LITERAL));
    b->trig = need(mem_zalloc(TRIGGERS, sizeof(*b->trig)));
    for (uint32_t t = 0; t < TRIGGERS; t++) {
        b->trig[t] = (struct mt_trig){.lit = t * LITERAL, .len = t % 50 == 0 ? 7 : LITERAL};
        for (uint32_t i = 0; i < LITERAL; i++) {
            uint64_t r = next_random() >> 20;
            b->lit[t * LITERAL + i] = (uint8_t)(t % 2 == 0 ? r : 'a' + r % 26);
        }
    }
    b->seg.trig = b->trig;
    b->seg.trig_count = TRIGGERS;
    b->seg.lit = b->lit;
    b->seg.lit_len = TRIGGERS * LITERAL;
}

static bool in_group(const struct bench_set *b, const struct mt_group_head *h, uint32_t t) {
    return (b->trig[t].len >= 15) == (h->q == 8);
}

static void make_group(struct bench_set *b, struct mt_group_head h) {
    uint32_t buckets = 1u << h.log2_buckets;
    uint32_t *bitmap = need(mem_zalloc((size_t)1 << h.log2_words, sizeof(*bitmap)));
    uint32_t *first = need(mem_zalloc(buckets + 2, sizeof(*first)));
    struct mt_entry *entry = need(mem_zalloc((size_t)TRIGGERS * h.s, sizeof(*entry)));
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < TRIGGERS * h.s; i++) {
            uint32_t t = i / h.s, delta = i % h.s;
            if (!in_group(b, &h, t)) {
                continue;
            }
            uint64_t w = foldhash_load(b->lit + b->trig[t].lit + delta, h.q);
            uint64_t hash = foldhash_bucket(w);
            uint32_t *slot = &first[foldhash_bucket_index(hash, h.log2_buckets) + 2 - pass];
            if (pass == 0) {
                bitmap[foldhash_word(foldhash_bits(w), h.log2_words)] |=
                    foldhash_mask(foldhash_bits(w));
                h.entry_count++;
                (*slot) += slot != &first[buckets + 1];
            } else {
                uint16_t tag = foldhash_tag(b->lit + b->trig[t].lit, h.q, h.s);
                entry[(*slot)++] = (struct mt_entry){tag, (uint16_t)delta, t};
            }
        }
        for (uint32_t k = 2; pass == 0 && k <= buckets; k++) {
            first[k] += first[k - 1];
        }
    }
    b->table.group[b->table.group_count++] = (struct mt_group){h, bitmap, first, entry};
}

static sk_err on_hit(void *ctx, unsigned input, uint32_t trig, uint64_t off) {
    (void)ctx;
    (void)input;
    (void)trig;
    (void)off;
    return sk_ok();
}

static double now(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void measure(const struct bench_set *b, const struct filter_kernel *kernel,
                    const uint8_t *data, size_t len, const char *name) {
    static uint32_t scratch[FILTER_BLOCK_BYTES];
    double best = 1e9;
    struct filter_job job = {.candidates = 0};
    struct filter_plan *plan = NULL;
    for (unsigned pass = 0; pass < 5; pass++) {
        uint64_t *done = need(mem_zalloc(TRIGGERS / 64 + 1, sizeof(*done)));
        struct filter_input in = {&b->seg, &b->table, done};
        if (sk_failed(filter_plan_new(&in, 1, false, &plan))) {
            abort();
        }
        struct sk_source src;
        sk_source_init_mem(&src, data, len);
        job = (struct filter_job){
            .kernel = kernel, .src = &src, .plan = plan, .scratch = scratch, .hit = on_hit};
        double start = now();
        if (sk_failed(filter_run(&job))) {
            abort();
        }
        double took = now() - start;
        best = took < best ? took : best;
        filter_plan_free(plan);
        mem_free(done);
    }
    double mb = (double)len / 1e6;
    (void)printf("%-7s %6.2f GB/s  %8.0f candidates/MB  %6.1f literals/MB  %s\n", kernel->name,
                 mb / 1e3 / best, (double)job.candidates / mb, (double)job.literals / mb, name);
}

int main(int argc, char **argv) {
    struct bench_set b = {.lit = NULL};
    make_triggers(&b);
    make_group(&b, (struct mt_group_head){.q = 8, .s = 8, .log2_words = 18, .log2_buckets = 17});
    make_group(&b, (struct mt_group_head){.q = 4, .s = 3, .log2_words = 12, .log2_buckets = 10});
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        uint8_t *data = need(mem_alloc((size_t)64 << 20));
        size_t len = f == NULL ? 0 : fread(data, 1, (size_t)64 << 20, f);
        if (len == 0) {
            (void)fprintf(stderr, "%s: cannot read\n", argv[i]);
            return 2;
        }
        (void)fclose(f);
        const struct filter_kernel *kernel;
        for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
            measure(&b, kernel, data, len, argv[i]);
        }
        mem_free(data);
    }
    return 0;
}
