// SPDX-License-Identifier: Apache-2.0
/* bzip2 streams in a chain: as a layer, and our decoder against libbz2. */
#include "bzip2peer.h"
#include "walkfuzz.h"

#define PEER_MAX_BYTES ((size_t)64 << 10)

extern const struct sk_format sk_format_bzip2;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bzip2_peer peer;
    if (size > 0) {
        walkfuzz_check(bzip2_peer_run(&peer, data, size, PEER_MAX_BYTES));
        bzip2_peer_release(&peer);
    }
    return walkfuzz(&sk_format_bzip2, data, size);
}
