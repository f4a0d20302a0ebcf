// SPDX-License-Identifier: Apache-2.0
/* RIFF files, on any bytes. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_riff;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_riff, data, size);
}
