// SPDX-License-Identifier: Apache-2.0
/*
 * xz, lzip and lzma: the reader picks by magic, the last is the fall-back. And our decoder of .xz
 * against liblzma; where a size in a header or chunk is wrong, liblzma notices by the call.
 */
#include "lzmapeer.h"
#include "walkfuzz.h"

#define PEER_MAX_BYTES ((size_t)64 << 10)

extern const struct sk_format sk_format_xz;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct lzma_peer p = {.kind = PEER_XZ};
    if (size > 0) {
        bool same = lzma_peer_run(&p, data, size, PEER_MAX_BYTES);
        walkfuzz_check(same || (p.our_end.code == SK_E_FORMAT && lzma_peer_alike(&p)));
        lzma_peer_release(&p);
    }
    return walkfuzz(&sk_format_xz, data, size);
}
