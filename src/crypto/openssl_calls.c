// SPDX-License-Identifier: Apache-2.0
/*
 * Loads libcrypto. Its relocations (4,000 symbols of its own, 300 pages) were a third of what
 * starting the program took, and most scans need none of it: MD5 and SHA-256 of files are computed
 * by our own lanes. The soname is that of all of OpenSSL 3; a test loads it.
 */
#include "crypto/openssl_calls.h"

#include "base/late.h"
#include "crypto/digest.h"

#define SONAME "libcrypto.so.3"

struct openssl_calls ossl;

static const char *const NAMES[] = {
#define CALL(name) #name,
    OPENSSL_CALLS(CALL)
#undef CALL
};
#define NAME_COUNT (sizeof(NAMES) / sizeof(NAMES[0]))

_Static_assert(sizeof(ossl) == NAME_COUNT * sizeof(void *), "nothing but these functions");

static bool without_config;

void crypto_start(void) {
    without_config = true;
}

static bool load(void) {
    bool there = late_library(SONAME, NAMES, NAME_COUNT, &ossl);
    if (there && without_config) {
        (void)ossl.OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    }
    return there;
}

bool openssl_load(void) {
    static enum late_state state;
    return late_load(&state, load);
}

void crypto_prepare(void) {
    (void)openssl_load(); /* without: told where it is missed */
}
