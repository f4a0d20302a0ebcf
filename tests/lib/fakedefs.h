// SPDX-License-Identifier: Apache-2.0
/*
 * fakedefs: small definition texts -> a compiled image in a temporary directory -> an engine.
 *
 * Life cycle: fakedefs_open -> use engine -> fakedefs_close, which removes the directory. Aborts
 * the test program when anything fails: a test without definitions means nothing.
 */
#ifndef SK_TESTS_FAKEDEFS_H
#define SK_TESTS_FAKEDEFS_H

#include "sekisho.h"

#define FAKEDEFS_FILES_MAX 8

struct fakedefs_file {
    const char *name; /* "a.ndb"; NULL ends the list */
    const char *text;
};

struct fakedefs {
    char dir[64]; /* sources below "in", image and manifest below "out" */
    struct sk_engine *engine;
};

void fakedefs_open(struct fakedefs *d, const struct fakedefs_file *files);
void fakedefs_close(struct fakedefs *d);

/* The harmless EICAR test file, put together at run time. 68 bytes and NUL. */
void fakedefs_eicar(char out[69]);

#endif
