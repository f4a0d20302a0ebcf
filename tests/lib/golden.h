// SPDX-License-Identifier: Apache-2.0
/*
 * golden: files of tests/golden for tests. They are kept as base64 text, so that a scanner that
 * looks at the checkout sees no archives and no samples.
 *
 * golden_load: path relative to tests/golden ("zip/hidden.zip.b64"); **returns owned** bytes from
 * malloc, aborts the test when the file is missing or broken. golden_decode does the same for text.
 */
#ifndef SK_TESTS_GOLDEN_H
#define SK_TESTS_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

uint8_t *golden_load(const char *relative_path, size_t *out_len);
/* NULL when `text` is not base64 (white space is skipped). */
uint8_t *golden_decode(const char *text, size_t text_len, size_t *out_len);

#endif
