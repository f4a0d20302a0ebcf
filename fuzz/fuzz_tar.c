// SPDX-License-Identifier: Apache-2.0
/* TAR with resynchronisation, on any bytes, and once more with the sums of what looks like headers
 * put right: else hardly a changed byte would get beyond them. */
#include "walkfuzz.h"

#define BLOCK 512u
#define SUM_OFF 148u
#define SUM_LEN 8u
#define MAGIC_OFF 257u

extern const struct sk_format sk_format_tar;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_right(uint8_t *block) {
    unsigned sum = 0;
    memset(block + SUM_OFF, ' ', SUM_LEN);
    for (size_t i = 0; i < BLOCK; i++) {
        sum += block[i];
    }
    for (size_t i = 0; i < SUM_LEN - 2; i++, sum >>= 3) {
        block[SUM_OFF + SUM_LEN - 3 - i] = (uint8_t)('0' + (sum & 7));
    }
    block[SUM_OFF + SUM_LEN - 2] = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int result = walkfuzz(&sk_format_tar, data, size);
    uint8_t *copy = size < BLOCK ? NULL : malloc(size);
    if (copy == NULL) {
        return result;
    }
    memcpy(copy, data, size);
    for (size_t at = 0; size - at >= BLOCK; at += BLOCK) {
        if (memcmp(copy + at + MAGIC_OFF, "ust", 3) == 0) {
            put_right(copy + at);
        }
    }
    result = walkfuzz(&sk_format_tar, copy, size);
    free(copy);
    return result;
}
