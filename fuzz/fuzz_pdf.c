// SPDX-License-Identifier: Apache-2.0
/* PDF: object scan, dictionaries, filters, encryption, object streams, actions. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_pdf;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_pdf, data, size);
}
