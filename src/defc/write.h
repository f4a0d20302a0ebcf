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

/* One section, written at once; data may be freed after. */
sk_err img_writer_section(struct img_writer *w, uint16_t type, uint32_t sub, uint16_t flags,
                          uint32_t elem, struct sk_bytes data);
/* The same in pieces. */
sk_err img_writer_begin(struct img_writer *w, uint16_t type, uint32_t sub, uint16_t flags,
                        uint32_t elem);
sk_err img_writer_put(struct img_writer *w, const void *bytes, size_t len);
sk_err img_writer_end(struct img_writer *w);

/* Trailer, header, fsync. */
sk_err img_writer_finish(struct img_writer *w);
/* After finish: 64 hex digits; "SEGMENT-16HEX.skdef"; name of the temporary file; its length. */
const char *img_writer_identity(const struct img_writer *w);
const char *img_writer_file_name(const struct img_writer *w);
const char *img_writer_temp_name(const struct img_writer *w);
uint64_t img_writer_length(const struct img_writer *w);
/* Rename the temporary file to its final name, durably. */
sk_err img_writer_install(struct img_writer *w);

#endif
