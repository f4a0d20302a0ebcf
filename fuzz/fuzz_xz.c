// SPDX-License-Identifier: Apache-2.0
/* xz, lzip and lzma: the reader picks by magic, the last is the fall-back. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_xz;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_xz, data, size);
}
