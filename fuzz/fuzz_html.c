// SPDX-License-Identifier: Apache-2.0
/* data: addresses in HTML. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_html;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_html, data, size);
}
