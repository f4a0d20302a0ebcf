// SPDX-License-Identifier: Apache-2.0
/* ZIP archives: local headers, directories, members of every method. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_zip;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_zip, data, size);
}
