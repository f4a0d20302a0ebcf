// SPDX-License-Identifier: Apache-2.0
/*
 * Tables of our own, because glibc loads a library for each of these sets, and all of them had to
 * be loaded before the sandbox closes: nearly a tenth of the start of a scan.
 */
#include "codec/charset_single.h"

#include <string.h>

#define NOTHING 0xffffu
#define REPLACEMENT 0xfffdu

struct charset_single {
    const char *library;
    uint16_t code[256]; /* 0: the byte itself */
};

#define SK_SINGLE(library, ...) {library, {__VA_ARGS__}},
static const struct charset_single SETS[] = {
#include "codec/charset_single.def"
};
#undef SK_SINGLE

const struct charset_single *charset_single_find(const char *library) {
    for (size_t i = 0; i < sizeof(SETS) / sizeof(SETS[0]); i++) {
        if (strcmp(SETS[i].library, library) == 0) {
            return &SETS[i];
        }
    }
    return NULL;
}

size_t charset_single_put(const struct charset_single *set, uint8_t byte, uint8_t out[3]) {
    uint32_t code = set->code[byte] == 0 ? byte : set->code[byte];
    code = code == NOTHING ? REPLACEMENT : code;
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (uint8_t)(0xe0 | code >> 12);
    out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code & 0x3f));
    return 3;
}
