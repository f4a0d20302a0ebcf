// SPDX-License-Identifier: Apache-2.0
/* RTF: control words, hex data in its disguises, OLE 1.0 objects, fields. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_rtf;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_rtf, data, size);
}
