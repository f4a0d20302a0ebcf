// SPDX-License-Identifier: Apache-2.0
/* RAR 4 and RAR 5, with our look at the headers, on any bytes. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_rar;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_rar, data, size);
}
