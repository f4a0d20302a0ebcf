// SPDX-License-Identifier: Apache-2.0
/*
 * struct img_writer: writes one definitions image, section after section, into a temporary file.
 *
 * Knows the byte layout (defs/layout.h) and nothing about what the sections mean. Sections appear
 * in the file in the order of the calls; the trailer and the header come last, so an unfinished
 * file is never a valid image.
 *
 * Life cycle: img_writer_new -> header fields, sections... -> img_writer_finish -> either
 * img_writer_install or nothing -> img_writer_free, which removes what was not installed.
 * Ownership: data given to a section is **borrowed** for the call only.
 * Errors: SK_E_IO (told to diag with the reason: disk full, permission), SK_E_LIMIT (too many
 * sections), SK_E_USAGE (a pair type, sub written twice, a call out of order), SK_E_NOMEM.
 * After a failure the writer only wants img_writer_free.
 */
#ifndef SK_DEFC_WRITE_H
#define SK_DEFC_WRITE_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/diag.h"
#include "defs/layout.h"

struct img_writer;

/* segment: at most IMG_NAME_BYTES - 1 bytes of [a-z0-9_-]. dir: where the file is made. */
sk_err img_writer_new(const char *dir, const char *segment, struct diag *diag,
                      struct img_writer **out_writer);
void img_writer_free(struct img_writer *w);
/* Counts, flags, times may be set here until finish; the rest belongs to the writer. */
struct img_header *img_writer_header(struct img_writer *w);
struct diag *img_writer_diag(const struct img_writer *w);

/* One section, written at once; data may be freed after. */
sk_err img_writer_section(struct img_writer *w, uint16_t type, uint32_t sub, uint16_t flags,
                          uint32_t elem, struct sk_bytes data);
/* The same in pieces. */
sk_err img_writer_begin(struct img_writer *w, uint16_t type, uint32_t sub, uint16_t flags,
                        uint32_t elem);
sk_err img_writer_put(struct img_writer *w, const void *bytes, size_t len);
sk_err img_writer_end(struct img_writer *w);

/*
 * A part: sections written apart from the image, into a file without a name, by a process of its
 * own. img_part_new -> (in the child) sections... -> img_part_end -> (in the parent) its rows come
 * over, img_writer_join puts the sections behind those the image has -> img_writer_free. The image
 * is the same as if the sections had been written into it.
 */
sk_err img_part_new(const char *dir, struct diag *diag, struct img_writer **out_part);
/* Appends what the parent needs to know; at most IMG_PART_SECTIONS sections. */
#define IMG_PART_SECTIONS 16u
sk_err img_part_end(struct img_writer *part, struct buf *out_rows);
sk_err img_writer_join(struct img_writer *w, const struct img_writer *part, struct sk_bytes rows);

/* Trailer, header. The bytes reach the disk with img_writer_install. */
sk_err img_writer_finish(struct img_writer *w);
/* The image was finished by a child that wrote through this writer's file: its identity (64 hex
 * digits) and length came over. */
sk_err img_writer_adopt(struct img_writer *w, const char *identity, uint64_t length);
/* After finish: 64 hex digits; "SEGMENT-16HEX.skdef"; name of the temporary file; its length. */
const char *img_writer_identity(const struct img_writer *w);
const char *img_writer_file_name(const struct img_writer *w);
const char *img_writer_temp_name(const struct img_writer *w);
uint64_t img_writer_length(const struct img_writer *w);
/* Rename the temporary file to its final name, durably. */
sk_err img_writer_install(struct img_writer *w);

#endif
