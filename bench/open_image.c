// SPDX-License-Identifier: Apache-2.0
/*
 * Time to open a definition set: cold (its pages dropped from the page cache) and warm, and what a
 * process has of it in memory after it made a scanner and scanned a few bytes.
 *
 * usage: open_image DEFINITIONS        prints one JSON object
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sekisho.h"

#define ROUNDS 9

static double now(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void drop(const char *folder) {
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            (void)close(fd);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static double once(const char *definitions) {
    struct sk_engine *engine = NULL;
    char why[256];
    double start = now();
    if (sk_engine_open(definitions, &engine, why, sizeof(why)) != 0) {
        (void)fprintf(stderr, "open_image: %s\n", why);
        exit(2);
    }
    double took = now() - start;
    sk_engine_close(engine);
    return took;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        (void)fprintf(stderr, "usage: open_image DEFINITIONS\n");
        return 64;
    }
    double cold[ROUNDS], warm[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        drop(argv[1]);
        cold[i] = once(argv[1]);
        warm[i] = once(argv[1]);
    }
    qsort(cold, ROUNDS, sizeof(*cold), by_value);
    qsort(warm, ROUNDS, sizeof(*warm), by_value);
    (void)printf("{\"cold_ms\": %.3f, \"warm_ms\": %.3f}\n", cold[ROUNDS / 2] * 1e3,
                 warm[ROUNDS / 2] * 1e3);
    return 0;
}
