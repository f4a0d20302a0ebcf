// SPDX-License-Identifier: Apache-2.0
/* Structure of JPEG pictures. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_jpeg;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_jpeg, data, size);
}
