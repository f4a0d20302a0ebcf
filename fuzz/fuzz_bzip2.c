// SPDX-License-Identifier: Apache-2.0
/* bzip2 streams in a chain. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_bzip2;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_bzip2, data, size);
}
