// SPDX-License-Identifier: Apache-2.0
/*
 * struct names_builder: collects signature names and hands out references to them.
 *
 * The stem of a name is the name with each decimal number replaced by a mark; stems are kept once
 * in a dictionary, a name is the number of its stem and its numbers (about 7 bytes for 27). The
 * encoding is described in defs/names.h. Encoded names go to an unlinked temporary file, so memory
 * grows with the number of different stems only.
 *
 * Life cycle: names_builder_new -> names_add... -> names_finish -> names_builder_free.
 * Errors: names_add gives SK_E_LIMIT (empty, longer than NAMES_NAME_MAX, or 4 GiB of names),
 * SK_E_NOMEM, SK_E_IO. A reference is valid in the image the builder is written to only.
 */
#ifndef SK_DEFC_NAMES_H
#define SK_DEFC_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct img_writer;
struct names_builder;

/* dir: where the temporary file is made; NULL: $TMPDIR or /tmp. */
sk_err names_builder_new(const char *dir, struct diag *diag, struct names_builder **out_builder);
void names_builder_free(struct names_builder *nb);
/* Length of the name up to " (Clam)", which old lists carry: ClamAV cuts there. */
size_t names_clean_len(const char *name, size_t len);
/* Any bytes; the name is cut at " (Clam)". The same name twice gives two references. */
sk_err names_add(struct names_builder *nb, const char *name, size_t len, uint32_t *out_ref);
/* Write IMG_NAME_STEMS and IMG_NAMES. */
sk_err names_finish(struct names_builder *nb, struct img_writer *w);

#endif
