// SPDX-License-Identifier: Apache-2.0
/* Flash movies: packed bodies, tags. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_swf;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_swf, data, size);
}
