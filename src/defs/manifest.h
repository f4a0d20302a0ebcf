// SPDX-License-Identifier: Apache-2.0
/*
 * struct manifest: which image of each segment is active in a definitions directory.
 *
 * Text: "sekisho-definitions 1", then one line a segment: "segment NAME FILE IDENTITY". FILE is
 * always NAME-<first 16 hex digits of IDENTITY>.skdef, so a manifest cannot lead out of its
 * directory. Replaced by one rename; never changed in place.
 *
 * Plain values, nothing to release. Errors: SK_E_NOTFOUND (no manifest), SK_E_FORMAT (damaged),
 * SK_E_LIMIT (more than DEFSET_SEGMENT_MAX segments), SK_E_PERM, SK_E_IO. Reasons go to diag.
 */
#ifndef SK_DEFS_MANIFEST_H
#define SK_DEFS_MANIFEST_H

#include "base/diag.h"
#include "defs/defset.h"

#define MANIFEST_FILE_BYTES (IMG_NAME_BYTES + 24)
#define MANIFEST_SUFFIX ".skdef"
/* What a broken compile may leave (os/atomic.h): ".NAME.skdef.<16 hex>", ".manifest.<16 hex>". */

struct manifest_row {
    char segment[IMG_NAME_BYTES];
    char file[MANIFEST_FILE_BYTES];
    char identity[IMAGE_IDENTITY_HEX];
};

struct manifest {
    unsigned count;
    struct manifest_row row[DEFSET_SEGMENT_MAX];
};

/* The file name that belongs to a segment and an identity. */
void manifest_file_name(const char *segment, const char *identity, char out[MANIFEST_FILE_BYTES]);
sk_err manifest_parse(const char *text, size_t len, struct manifest *out_manifest);
sk_err manifest_read(const char *dir, struct diag *diag, struct manifest *out_manifest);
/* Put a segment in, in place of one of that name. */
sk_err manifest_set(struct manifest *m, const char *segment, const char *identity);
/* Write it over the active one, atomically and durably. */
sk_err manifest_activate(const char *dir, const struct manifest *m, struct diag *diag);
/* Remove images the manifest does not name, and what broken compiles left. Only files whose names
 * are of these two patterns. Failures are not errors: they are told as warnings. The caller holds
 * the lock of the directory (defc does). */
void manifest_sweep(const char *dir, const struct manifest *m, struct diag *diag);

#endif
