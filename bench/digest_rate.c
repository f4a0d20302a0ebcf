// SPDX-License-Identifier: Apache-2.0
/*
 * Rate of the digests: libcrypto one message after another, and the kernels of crypto/lanes.h with
 * 1, 2, 4, 8 and 16 messages of 256 KiB; then the best kernel with many messages of all sizes
 * around 1, 4 and 16 KiB. usage: digest_rate     prints GB/s, the best of nine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/lanes.h"
#include "crypto/lanes_kernel.h"

#define MESSAGE_BYTES ((size_t)256 * 1024)
#define ROUNDS 9

static double now(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void need(sk_err err) {
    if (sk_failed(err)) {
        abort();
    }
}

static void plain(const uint8_t *data, unsigned mask, const char *name) {
    double best = 1e9;
    struct digester *d;
    need(digester_new(&d));
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t digest[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX];
        double start = now();
        for (unsigned i = 0; i < LANES_MAX; i++) {
            need(digester_begin(d, mask));
            need(digester_update(d, data + i * MESSAGE_BYTES, MESSAGE_BYTES));
            need(digester_end(d, digest));
        }
        double took = now() - start;
        best = took < best ? took : best;
    }
    digester_free(d);
    (void)printf("%-22s %6.2f\n", name, (double)(LANES_MAX * MESSAGE_BYTES) / 1e9 / best);
}

static void side_by_side(const uint8_t *data, const struct lanes_kernel *kernel, unsigned mask) {
    struct lanes *lanes;
    need(lanes_new(kernel, &lanes));
    (void)printf("%-10s %-11s", kernel->name, mask == LANES_MASK ? "MD5+SHA-256" : "MD5");
    for (unsigned count = 1; count <= kernel->lanes; count *= 2) {
        double best = 1e9;
        for (unsigned round = 0; round < ROUNDS; round++) {
            struct lanes_job job[LANES_MAX];
            memset(job, 0, sizeof(job));
            double start = now();
            for (unsigned i = 0; i < count; i++) {
                job[i].mask = mask;
                job[i].size = MESSAGE_BYTES;
                job[i].bytes = data + i * MESSAGE_BYTES;
                lanes_put(lanes, &job[i]);
            }
            while (lanes_run(lanes, 1) != NULL) {
            }
            double took = now() - start;
            best = took < best ? took : best;
        }
        (void)printf(" %6.2f", (double)(count * MESSAGE_BYTES) / 1e9 / best);
    }
    (void)printf("\n");
    lanes_free(lanes);
}

#define MANY 256u

/* Messages that end one after another, as the members of an archive do. */
static void many_small(const uint8_t *data, unsigned mask) {
    struct lanes *lanes;
    need(lanes_new(NULL, &lanes));
    (void)printf("%-10s %-11s", "many", mask == LANES_MASK ? "MD5+SHA-256" : "MD5");
    for (size_t size = 1024; size <= 16384; size *= 4) {
        double best = 1e9;
        size_t bytes = 0;
        for (unsigned round = 0; round < 20 * ROUNDS; round++) {
            static struct lanes_job job[MANY];
            memset(job, 0, sizeof(job));
            bytes = 0;
            double start = now();
            for (unsigned i = 0; i < MANY; i++) {
                job[i].mask = mask;
                job[i].size = size / 2 + i * 2654435761u % size;
                job[i].bytes = data + bytes;
                bytes += job[i].size;
                lanes_put(lanes, &job[i]);
            }
            while (lanes_run(lanes, 1) != NULL) {
            }
            double took = now() - start;
            best = took < best ? took : best;
        }
        (void)printf(" %6.2f", (double)bytes / 1e9 / best);
    }
    (void)printf("\n");
    lanes_free(lanes);
}

int main(void) {
    uint8_t *data = malloc(LANES_MAX * MESSAGE_BYTES);
    if (data == NULL) {
        return 2;
    }
    for (size_t i = 0; i < LANES_MAX * MESSAGE_BYTES; i++) {
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    plain(data, CRYPTO_MASK(CRYPTO_MD5), "libcrypto MD5");
    plain(data, CRYPTO_MASK(CRYPTO_SHA256), "libcrypto SHA-256");
    plain(data, LANES_MASK, "libcrypto both");
    const struct lanes_kernel *kernel;
    for (unsigned k = 0; (kernel = lanes_kernel_nth(k)) != NULL; k++) {
        side_by_side(data, kernel, CRYPTO_MASK(CRYPTO_MD5));
        side_by_side(data, kernel, LANES_MASK);
    }
    if (lanes_kernel_best() != NULL) {
        many_small(data, CRYPTO_MASK(CRYPTO_MD5));
        many_small(data, LANES_MASK);
    }
    free(data);
    return 0;
}
