// SPDX-License-Identifier: Apache-2.0
/*
 * The filters of PDF (LZW, ASCII85, ASCIIHex, RunLength, predictors): hostile bytes decode the same
 * in any chunking, never past the input, and end. The first byte picks the filter, for predictors
 * the next three its numbers.
 */
#include <stdint.h>

#include "drip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARAMETER_BYTES 4u

static sk_err open_filter(struct sk_stream *up, const void *parameters, struct sk_stream **out) {
    const uint8_t *how = parameters;
    struct sk_predictor p = {how[1] % 16u, how[2] % 5u, 1u << how[2] / 5u % 6u, how[3] + 1u};
    switch (how[0] % 6u) {
    case 0:
        return sk_lzw_open(up, true, out);
    case 1:
        return sk_lzw_open(up, false, out);
    case 2:
        return sk_ascii85_open(up, out);
    case 3:
        return sk_asciihex_open(up, out);
    case 4:
        return sk_runlength_open(up, out);
    default:
        return sk_predictor_open(up, &p, out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size >= PARAMETER_BYTES) {
        drip_any_chunking(data + PARAMETER_BYTES, size - PARAMETER_BYTES, open_filter, data);
    }
    return 0;
}
