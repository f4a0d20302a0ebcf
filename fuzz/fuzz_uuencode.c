// SPDX-License-Identifier: Apache-2.0
/* Text with uuencode, yEnc and BinHex in it, on any bytes. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_uuencode;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_uuencode, data, size);
}
