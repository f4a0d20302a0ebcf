// SPDX-License-Identifier: Apache-2.0
/* The head of a bytecode file and the name in its trigger: what is given lies inside the line. */
#include <stdlib.h>

#include "defc/bytecode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sk_bytes line = {data, size};
    struct bytecode_head head;
    if (bytecode_head(line, &head) && head.line_max > UINT32_MAX) {
        abort();
    }
    struct sk_bytes name = bytecode_name(line);
    if (name.len > size || (name.len > 0 && name.ptr != data)) {
        abort();
    }
    return 0;
}
