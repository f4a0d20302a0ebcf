// SPDX-License-Identifier: Apache-2.0
/*
 * struct image: one open, mapped, validated definitions image.
 *
 * Opening maps the file read-only, checks the header page (magic, version, byte order, CRC), the
 * section table (bounds, alignment, overlap, element sizes, the sections a part needs) and
 * everything the hot path indexes without looking (table shapes, counts). It reads no cold page.
 * image_verify checks every CRC and digest and walks every cross-reference: for `sekisho defs
 * check` and after a compile.
 *
 * Life cycle: image_open -> use -> image_close. Ownership: views returned are **borrowed** until
 * image_close. Errors: SK_E_FORMAT (damaged, hostile, wrong version: why goes to diag), SK_E_IO,
 * SK_E_NOTFOUND, SK_E_PERM, SK_E_NOMEM. A file that is being replaced is no danger: images are
 * installed by rename, never changed in place.
 */
#ifndef SK_DEFS_IMAGE_H
#define SK_DEFS_IMAGE_H

#include "base/diag.h"
#include "base/buf.h"
#include "defs/layout.h"
#include "defs/names.h"
#include "defs/rules.h"
#include "match/hashset.h"
#include "match/tables.h"

struct image;

sk_err image_open(const char *path, struct diag *diag, struct image **out_image);
/* The same over bytes in memory (tests, fuzzing); **borrows** them. SK_E_USAGE when they are not
 * 8-byte aligned. */
sk_err image_open_mem(const void *bytes, size_t len, struct diag *diag, struct image **out_image);
void image_close(struct image *img);
/* Start reading what every scan touches (IMG_HOT), in the background. */
void image_prefetch(const struct image *img);
/* Every checksum, digest and cross-reference. Slow (reads everything). */
sk_err image_verify(const struct image *img, struct diag *diag);
/* The same in parts that can be done side by side, in any order; all of them make the whole. */
enum image_part { IMAGE_PART_BYTES, IMAGE_PART_REFERENCES, IMAGE_PARTS };
sk_err image_verify_part(const struct image *img, enum image_part part, struct diag *diag);

const struct img_header *image_header(const struct image *img);
/* Never NULL. */
const struct rules *image_rules(const struct image *img);
const struct mt_segment *image_segment(const struct image *img);
/* Never NULL; an absent set has record_count 0. */
const struct hs_set *image_hashes(const struct image *img, enum hs_algo algo, enum hs_role role);
/* Append the name behind a reference, with ".UNOFFICIAL" when the image is not official. */
sk_err image_name(const struct image *img, uint32_t ref, struct buf *out);
/* Is this name (without ".UNOFFICIAL") on the ignore list of this image? */
bool image_ignores(const struct image *img, const char *name);
/* The names, for listings. */
const struct names_view *image_names(const struct image *img);
#define IMAGE_IDENTITY_HEX 65
/* Compute the identity out of header and section digests and compare it with the stored one
 * (SK_E_FORMAT). out_hex: 64 digits and NUL. Does not read the sections: image_verify does. */
sk_err image_identity(const struct image *img, struct diag *diag, char out_hex[IMAGE_IDENTITY_HEX]);
bool image_has_ignores(const struct image *img);
/* META text, **borrowed**. */
struct sk_bytes image_meta(const struct image *img);

#endif
