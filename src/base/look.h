// SPDX-License-Identifier: Apache-2.0
/*
 * Comparing bytes that may change while they are looked at (os/filemap.h).
 *
 * memcmp of a C library may load bytes again to see where they differ, and take what it finds for
 * granted. This loads each byte once and draws nothing from it but the answer.
 */
#ifndef SK_BASE_LOOK_H
#define SK_BASE_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool look_equal(const uint8_t *text, const uint8_t *lit, size_t len) {
    size_t at = 0;
    for (; len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t a, b;
        memcpy(&a, text + at, sizeof(a));
        memcpy(&b, lit + at, sizeof(b));
        if (a != b) {
            return false;
        }
    }
    for (; at < len; at++) {
        if (text[at] != lit[at]) {
            return false;
        }
    }
    return true;
}

#endif
