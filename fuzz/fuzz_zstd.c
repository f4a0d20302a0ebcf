// SPDX-License-Identifier: Apache-2.0
/* zstd frames, skippable ones among them. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_zstd;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_zstd, data, size);
}
