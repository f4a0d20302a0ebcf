// SPDX-License-Identifier: Apache-2.0
/*
 * Rate of the text and HTML normalisers, with each kernel of norm/kernel.h and without.
 * usage: norm_rate FILE...    prints GB/s of both (best of nine) for each file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "norm/html_priv.h"
#include "norm/text.h"

#define ROUNDS 9
#define FILE_MAX ((size_t)64 << 20)

static double now(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static sk_err put(void *ctx, enum sk_html_out which, const uint8_t *bytes, size_t len) {
    (void)ctx;
    (void)which;
    (void)bytes;
    (void)len;
    return sk_ok();
}

static void text(const struct norm_kernel *kernel, struct sk_bytes in, uint8_t *out) {
    struct sk_norm_text n = {0};
    (void)norm_text_feed(kernel, &n, in.ptr, in.len, out);
}

static void html(const struct norm_kernel *kernel, struct sk_bytes in, uint8_t *out) {
    (void)out;
    const struct sk_html_events events = {.put = put};
    struct sk_norm_html *h;
    if (sk_failed(sk_norm_html_new(&events, &h))) {
        abort();
    }
    h->vector = kernel;
    if (sk_failed(sk_norm_html_feed(h, in.ptr, in.len)) || sk_failed(sk_norm_html_finish(h))) {
        abort();
    }
    sk_norm_html_free(h);
}

typedef void once(const struct norm_kernel *kernel, struct sk_bytes in, uint8_t *out);

static double rate(once *run, const struct norm_kernel *kernel, struct sk_bytes in, uint8_t *out) {
    double best = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = now();
        run(kernel, in, out);
        double took = now() - start;
        best = took < best ? took : best;
    }
    return (double)in.len / 1e9 / best;
}

static void measure(const struct norm_kernel *kernel, struct sk_bytes in, uint8_t *out) {
    (void)printf("%-8s text %5.2f  html %5.2f\n", kernel == NULL ? "none" : kernel->name,
                 rate(text, kernel, in, out), rate(html, kernel, in, out));
}

int main(int argc, char **argv) {
    uint8_t *data = malloc(FILE_MAX), *out = malloc(FILE_MAX);
    for (int i = 1; i < argc && data != NULL && out != NULL; i++) {
        FILE *f = fopen(argv[i], "rb");
        struct sk_bytes in = {data, f == NULL ? 0 : fread(data, 1, FILE_MAX, f)};
        if (in.len == 0) {
            (void)fprintf(stderr, "%s: cannot read\n", argv[i]);
            return 2;
        }
        (void)fclose(f);
        (void)printf("%s\n", argv[i]);
        const struct norm_kernel *kernel;
        for (unsigned k = 0; (kernel = norm_kernel_nth(k)) != NULL; k++) {
            measure(kernel, in, out);
        }
        measure(NULL, in, out);
    }
    free(data);
    free(out);
    return 0;
}
