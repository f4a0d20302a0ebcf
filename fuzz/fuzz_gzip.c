// SPDX-License-Identifier: Apache-2.0
/* gzip members through the reader and our header state machine. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_gzip;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_gzip, data, size);
}
