// SPDX-License-Identifier: Apache-2.0
/*
 * struct inspect_files: the layers of objects written to a directory, one file each.
 *
 * What is written comes from malware and is malware: every file is new (an existing one is never
 * opened), regular, readable by the owner alone (0600), and directly in the directory. Its name is
 * "OBJECT.LAYER-NAME": two numbers and what is harmless of the member's own name.
 *
 * Life cycle: inspect_files_open -> (inspect_files_begin -> inspect_files_put...)... ->
 * inspect_files_end of each object -> inspect_files_close. Errors: SK_E_IO and its kin with errno;
 * after one nothing further is written. SK_E_LIMIT: more bytes than `budget` or than
 * the layer was said to hold; SK_E_IO without errno: fewer.
 */
#ifndef SK_CLI_INSPECT_FILES_H
#define SK_CLI_INSPECT_FILES_H

#include <stdbool.h>

#include "base/err.h"
#include "sekisho.h"

#define INSPECT_FILE_NAME_MAX 128u

struct inspect_files {
    int dir; /* -1: nothing is written */
    int fd;
    uint64_t layer;  /* whose file fd is */
    uint64_t left;   /* of its bytes, still to come */
    uint64_t object; /* number of the object, from 1 */
    uint64_t budget; /* bytes that may still be written */
    sk_err failed;
    int errnum; /* of failed, or 0 */
};

/* The directory is made (0700) when it does not exist. */
sk_err inspect_files_open(struct inspect_files *files, const char *dir);
void inspect_files_close(struct inspect_files *files);
/* Start the file of this layer. name receives what it is called; "" when none was made. */
void inspect_files_begin(struct inspect_files *files, const struct sk_layer_seen *layer,
                         char name[INSPECT_FILE_NAME_MAX]);
void inspect_files_put(struct inspect_files *files, uint64_t layer, const void *bytes, size_t len);
/* This object is done, budget bytes for the next. */
void inspect_files_end(struct inspect_files *files, uint64_t budget);
/* The name alone: for tests. */
void inspect_files_name(uint64_t object, const struct sk_layer_seen *layer,
                        char name[INSPECT_FILE_NAME_MAX]);

#endif
