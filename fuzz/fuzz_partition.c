// SPDX-License-Identifier: Apache-2.0
/* Raw disk images, on any bytes. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_partition;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_partition, data, size);
}
