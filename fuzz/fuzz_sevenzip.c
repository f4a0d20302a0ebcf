// SPDX-License-Identifier: Apache-2.0
/* 7-Zip archives, on any bytes: as they are, or with their two checksums set right, without which
 * hardly any change would get as far as the directory. */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "walkfuzz.h"

#define START_BYTES 32u

extern const struct sk_format sk_format_sevenzip;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repair(uint8_t *p, size_t size) {
    uint64_t off = sk_load_u64le(p + 12);
    uint64_t len = sk_load_u64le(p + 20);
    uint64_t room = size - START_BYTES;
    if (off <= room && len <= room - off) {
        sk_store_u32le(p + 28, sk_crc32(0, p + START_BYTES + off, (size_t)len));
    }
    sk_store_u32le(p + 8, sk_crc32(0, p + 12, 20));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < START_BYTES || data[7] == 0) { /* the minor version, which nobody reads */
        return walkfuzz(&sk_format_sevenzip, data, size);
    }
    uint8_t *copy = malloc(size);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    repair(copy, size);
    int result = walkfuzz(&sk_format_sevenzip, copy, size);
    free(copy);
    return result;
}
