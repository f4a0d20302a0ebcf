// SPDX-License-Identifier: Apache-2.0
/*
 * Loads libarchive. The soname is that of all of libarchive 3; a test loads it, so that a
 * distribution with another one is noticed when Sekisho is built there.
 */
#include "format/archive_calls.h"

#include "base/late.h"

#define SONAME "libarchive.so.13"

struct archive_calls la;

static const char *const NAMES[] = {
#define CALL(name) #name,
    ARCHIVE_CALLS(CALL)
#undef CALL
};
#define NAME_COUNT (sizeof(NAMES) / sizeof(NAMES[0]))

_Static_assert(sizeof(la) == NAME_COUNT * sizeof(void *), "nothing but these functions");

bool archive_calls_load(void) {
    return late_library(SONAME, NAMES, NAME_COUNT, &la);
}
