// SPDX-License-Identifier: Apache-2.0
/* XDP: base64 chunks in XML. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_xdp;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_xdp, data, size);
}
