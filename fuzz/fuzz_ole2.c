// SPDX-License-Identifier: Apache-2.0
/* OLE2 compound files: tables, directory, streams, VBA projects and what else the walk opens. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_ole2;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_ole2, data, size);
}
