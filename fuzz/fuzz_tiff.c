// SPDX-License-Identifier: Apache-2.0
/* Structure of TIFF pictures. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_tiff;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_tiff, data, size);
}
