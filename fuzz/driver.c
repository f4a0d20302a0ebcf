// SPDX-License-Identifier: Apache-2.0
/*
 * Replay driver: gives every seed to a fuzz target once, without a fuzzer, so that the seeds (among
 * them every input that ever broke something) run in the ordinary tests with any compiler.
 *
 * usage: fuzz_NAME_replay FILE-OR-DIRECTORY...   Files ending in .b64 are decoded first: samples
 * that a scanner could object to are kept that way. Ends with status 1 when no seed was found, so
 * that a wrong path cannot look like success.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static int digit(int c) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == 0 ? NULL : strchr(DIGITS, c);
    return at == NULL ? -1 : (int)(at - DIGITS);
}

static void decode_in_place(struct buf *b) {
    uint32_t bits = 0;
    unsigned count = 0;
    size_t out = 0;
    for (size_t i = 0; i < b->len; i++) {
        int d = digit(b->data[i]);
        if (d < 0) {
            continue;
        }
        bits = bits << 6 | (uint32_t)d;
        count += 6;
        if (count >= 8) {
            count -= 8;
            b->data[out++] = (uint8_t)(bits >> count);
        }
    }
    b->len = out;
}

static int replay_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    struct buf b = {0};
    size_t got = 1;
    while (got > 0 && !sk_failed(buf_reserve(&b, 65536))) {
        got = fread(b.data + b.len, 1, 65536, f);
        b.len += got;
    }
    (void)fclose(f);
    size_t name = strlen(path);
    if (name > 4 && strcmp(path + name - 4, ".b64") == 0) {
        decode_in_place(&b);
    }
    /* An exact copy, so that sanitizers see a read past the end. */
    uint8_t *exact = mem_alloc(b.len == 0 ? 1 : b.len);
    if (exact == NULL) {
        return 1;
    }
    if (b.len > 0) {
        memcpy(exact, b.data, b.len);
    }
    (void)LLVMFuzzerTestOneInput(exact, b.len);
    mem_free(exact);
    buf_release(&b);
    replayed++;
    return 0;
}

static int replay_dir(const char *path) {
    DIR *dir = opendir(path);
    if (dir == NULL) {
        perror(path);
        return 1;
    }
    int bad = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        struct buf name = {0};
        if (entry->d_name[0] == '.') {
            continue;
        }
        bad |= sk_failed(buf_printf(&name, "%s/%s", path, entry->d_name)) ||
               replay_file(buf_text(&name)) != 0;
        buf_release(&name);
    }
    (void)closedir(dir);
    return bad;
}

int main(int argc, char **argv) {
    int bad = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool is_dir = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        bad |= is_dir ? replay_dir(argv[i]) : replay_file(argv[i]);
    }
    (void)printf("%u seeds\n", replayed);
    return bad != 0 || replayed == 0 ? 1 : 0;
}
