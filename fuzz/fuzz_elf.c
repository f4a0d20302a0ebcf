// SPDX-License-Identifier: Apache-2.0
/* The ELF reader on any bytes. */
#include "walk.h"

extern const struct sk_format sk_format_elf;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_walk(&sk_format_elf, data, size);
    return 0;
}
