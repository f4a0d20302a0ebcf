// SPDX-License-Identifier: Apache-2.0
/*
 * Owns what the process knows of its late parts and the one call of dlopen. Which parts there are
 * is their users' business: format/archive_calls.c, codec/image_<format>.c, codec/unzstd.c,
 * codec/charset.c, crypto/openssl_calls.c.
 *
 * Why: libarchive and libtiff bring fifteen libraries (libxml2, ICU, libstdc++, nettle, Lerc ...)
 * with more than half of all symbols the dynamic linker resolved, 2.5 of the 4.2 ms that starting
 * the program took; the tables of nine character sets are as many modules of the C library, 1 ms;
 * libcrypto has 4,000 symbols that it looks up itself, 1 ms.
 * Linked statically they would be quicker still, but then security updates of the distribution
 * would not reach them.
 */
#include "base/late.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

static struct {
    bool deferred;
    bool sealed;
    bool lacking;
    void (*load_all)(void);
} process;

void late_defer(void) {
    process.deferred = true;
}

bool late_deferred(void) {
    return process.deferred;
}

void late_seal(void) {
    process.sealed = true;
}

void late_offer(void (*load_all)(void)) {
    process.load_all = load_all;
}

void late_load_all(void) {
    if (process.load_all != NULL) {
        process.load_all();
        process.load_all = NULL;
    }
}

bool late_load(enum late_state *state, bool (*load)(void)) {
    if (*state == LATE_UNTRIED && process.sealed) {
        process.lacking = true;
        return false;
    }
    if (*state == LATE_UNTRIED) {
        *state = load() ? LATE_LOADED : LATE_MISSING;
    }
    return *state == LATE_LOADED;
}

bool late_lacks(void) {
    return process.lacking;
}

bool late_take_lack(void) {
    bool lacked = process.lacking;
    process.lacking = false;
    return lacked;
}

bool late_library(const char *soname, const char *const *names, size_t count, void *out_functions) {
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    bool all = library != NULL;
    for (size_t i = 0; all && i < count; i++) {
        all = dlsym(library, names[i]) != NULL;
    }
    for (size_t i = 0; all && i < count; i++) {
        void *function = dlsym(library, names[i]); /* POSIX: as large as a function pointer */
        memcpy((char *)out_functions + i * sizeof(function), &function, sizeof(function));
    }
    return all;
}
