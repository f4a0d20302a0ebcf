// SPDX-License-Identifier: Apache-2.0
/*
 * struct defset: the active set of definition images: the segments named by DIR/manifest, opened
 * together.
 *
 * The manifest is a text file: first line "sekisho-definitions 1", then one line a segment:
 * "segment NAME FILE SHA256-OF-IDENTITY". A new set becomes active by one atomic rename of the
 * manifest; image files carry their identity in the file name (main-1a2b3c4d.skdef) and are never
 * changed in place, so scans under way finish on the old set. Allow lists and ignore lists act
 * across segments.
 *
 * Life cycle: defset_open -> use -> defset_close. Views are **borrowed** until defset_close.
 * Errors: as image_open; SK_E_NOTFOUND when there is no manifest. One bad segment refuses the whole
 * set: protection with a silent hole is worse than an error.
 */
#ifndef SK_DEFS_DEFSET_H
#define SK_DEFS_DEFSET_H

#include "defs/image.h"

#define DEFSET_SEGMENT_MAX 8
#define DEFSET_MANIFEST "manifest"

struct defset;

/* path: a directory with a manifest, or one image file. */
sk_err defset_open(const char *path, struct diag *diag, struct defset **out_set);
void defset_close(struct defset *set);
/* Forget the segments that are not official: their lists, rules and switches, too. */
void defset_keep_official(struct defset *set);
unsigned defset_count(const struct defset *set);
const struct image *defset_image(const struct defset *set, unsigned index);
/* Signatures in all segments. */
uint64_t defset_signature_count(const struct defset *set);
/* Ignored by any segment. Name without ".UNOFFICIAL". */
bool defset_ignores(const struct defset *set, const char *name);

#endif
