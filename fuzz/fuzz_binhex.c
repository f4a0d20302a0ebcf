// SPDX-License-Identifier: Apache-2.0
/* BinHex 4.0: forks and checksums, on any bytes. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_binhex;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_binhex, data, size);
}
