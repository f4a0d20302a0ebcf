// SPDX-License-Identifier: Apache-2.0
/*
 * How much slower is interpreting regular expressions than machine code? Decision 006 cites it.
 *
 * usage: bench_regex; one line per expression: nanoseconds per byte each way, and the ratio. The
 * layer is text with near misses, so that the first-byte search of PCRE2 does not do all the work.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "match/regex.h"

#define LAYER_BYTES ((size_t)8 << 20)

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double run_once(const char *expression, const uint8_t *layer, bool jit) {
    struct mt_regex regex = {.text_len = (uint32_t)strlen(expression), .flags = MT_REGEX_GLOBAL};
    struct mt_sub sub = {.flags = MT_SUB_REGEX, .also = MT_NO_SUB};
    struct mt_segment seg = {.lit = (const uint8_t *)expression,
                             .lit_len = regex.text_len,
                             .regex = &regex,
                             .regex_count = 1};
    struct regex_use use = {0, &seg, &sub};
    struct match_budget budget = {.steps = UINT64_MAX};
    struct pattern_run pattern;
    struct regex_run run;
    struct sk_source src;
    struct pattern_hits hits;
    if (sk_failed(pattern_run_init(&pattern))) {
        return 0;
    }
    regex_run_init(&run);
    run.jit = jit;
    sk_source_init_mem(&src, layer, LAYER_BYTES);
    pattern_run_start(&pattern, &src, NULL, &budget);
    double start = seconds();
    sk_err err = regex_count(&run, &pattern, &use, &hits);
    double taken = seconds() - start;
    sk_source_release(&src);
    regex_run_release(&run);
    pattern_run_release(&pattern);
    return sk_failed(err) ? 0 : taken * 1e9 / (double)LAYER_BYTES;
}

int main(void) {
    static const char words[] = "function eval(unescape('%u9090%u4141')); var x1y = 0x4a; foo\n";
    static const char *const expressions[] = {"unescape\\s*\\([^)]{40}", "var\\s+[a-z]\\d[a-z]{2}",
                                              "(?:%u[0-9a-f]{4}){3}", "[A-Z][a-z]+\\d{3}",
                                              "(?P<n>[a-z]{3,8})\\x28.*?(?P=n)"};
    uint8_t *layer = mem_alloc(LAYER_BYTES);
    for (size_t i = 0; layer != NULL && i < LAYER_BYTES; i++) {
        layer[i] = (uint8_t)words[i % (sizeof(words) - 1)];
    }
    for (size_t i = 0; layer != NULL && i < sizeof(expressions) / sizeof(expressions[0]); i++) {
        double plain = run_once(expressions[i], layer, false);
        double jit = run_once(expressions[i], layer, true);
        printf("%-34s interpreted %6.2f ns/byte, machine code %6.2f, ratio %.1f\n", expressions[i],
               plain, jit, jit > 0 ? plain / jit : 0);
    }
    mem_free(layer);
    return 0;
}
