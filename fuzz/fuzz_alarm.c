// SPDX-License-Identifier: Apache-2.0
/*
 * The target that must crash: proves that a finding of a fuzz target fails the test run. Four bytes
 * are compared one by one, so a fuzzer with coverage finds them in seconds and one without does
 * not.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t word[] = {'F', 'I', 'R', 'E'};
    for (size_t i = 0; i < sizeof(word); i++) {
        if (i >= size || data[i] != word[i]) {
            return 0;
        }
    }
    abort();
}
