// SPDX-License-Identifier: Apache-2.0
/*
 * Loader of encoded golden files. SK_GOLDEN_DIR comes from the build, so tests run from anywhere.
 */
#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int value_of(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

uint8_t *golden_decode(const char *text, size_t text_len, size_t *out_len) {
    uint8_t *out = malloc(text_len + 1);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; out != NULL && i < text_len; i++) {
        int value = value_of(text[i]);
        if (value < 0 && strchr("=\r\n \t", text[i]) == NULL) {
            free(out);
            return NULL;
        }
        if (value < 0) {
            continue;
        }
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[len++] = (uint8_t)(bits >> held);
        }
    }
    *out_len = len;
    return out;
}

uint8_t *golden_load(const char *relative_path, size_t *out_len) {
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", SK_GOLDEN_DIR, relative_path);
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t len = 0;
    uint8_t *bytes = NULL;
    if (f != NULL) {
        size_t got;
        do {
            char *more = realloc(text, len + 65536);
            if (more == NULL) {
                abort();
            }
            text = more;
            got = fread(text + len, 1, 65536, f);
            len += got;
        } while (got > 0);
        (void)fclose(f);
        bytes = golden_decode(text, len, out_len);
    }
    free(text);
    if (bytes == NULL) {
        (void)fprintf(stderr, "golden file missing or broken: %s\n", path);
        abort();
    }
    return bytes;
}
