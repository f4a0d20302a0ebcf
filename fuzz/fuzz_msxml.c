// SPDX-License-Identifier: Apache-2.0
/* Documents that are one XML file: Word and Excel 2003, flat OPC, HWPML. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_msxml;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_msxml, data, size);
}
