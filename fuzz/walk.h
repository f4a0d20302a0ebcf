// SPDX-License-Identifier: Apache-2.0
/*
 * Walk one input with one format, in memory and through windows, and check what the contract of
 * format.h promises whatever the input is. Header only: each target has one format.
 */
#ifndef SK_FUZZ_WALK_H
#define SK_FUZZ_WALK_H

#include <stdlib.h>

#include "walktest.h"

static inline void fuzz_check_exe(const struct sk_exe *exe, size_t size) {
    bool ok = !exe->has_entry || exe->entry <= size;
    for (uint32_t i = 0; i < exe->section_count; i++) {
        ok =
            ok && exe->section[i].off <= size && exe->section[i].size <= size - exe->section[i].off;
    }
    for (uint32_t i = 0; i < exe->vinfo_count; i++) {
        ok = ok && exe->vinfo[i] < size && (i == 0 || exe->vinfo[i] > exe->vinfo[i - 1]);
    }
    if (!ok) {
        abort();
    }
}

static inline void fuzz_walk(const struct sk_format *format, const uint8_t *data, size_t size) {
    for (int windowed = 0; windowed < 2; windowed++) {
        struct walktest t;
        walktest_init(&t);
        t.child_max_bytes = (uint64_t)1 << 20;
        sk_err err = windowed ? walktest_run_windowed(&t, format, data, size)
                              : walktest_run(&t, format, data, size);
        if (err.code == SK_E_INTERNAL || err.code == SK_E_IO) {
            abort();
        }
        if (t.has_exe) {
            fuzz_check_exe(&t.exe, size);
        }
        walktest_release(&t);
    }
    enum sk_type type = SK_TYPE_BINARY;
    int bid = walktest_bid(format, data, size, &type);
    if (bid < 0 || bid > 100) {
        abort();
    }
}

#endif
