// SPDX-License-Identifier: Apache-2.0
/* Hangul documents of version 3. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_hwp3;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_hwp3, data, size);
}
