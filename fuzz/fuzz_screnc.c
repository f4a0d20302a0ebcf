// SPDX-License-Identifier: Apache-2.0
/* Encoded scripts: the walk of a file, and that the decoder's output does not depend on cuts nor
 * exceeds its input. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/screnc.h"
#include "walkfuzz.h"

extern const struct sk_format sk_format_screnc;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t decode(const uint8_t *data, size_t size, size_t cut, uint8_t *out) {
    struct sk_screnc d = {0};
    size_t len = sk_screnc_feed(&d, data, cut, out);
    len += sk_screnc_feed(&d, data + cut, size - cut, out + len);
    return len + sk_screnc_finish(&d, out + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *whole = mem_alloc(size + SK_SCRENC_TAIL_BYTES);
    uint8_t *parts = mem_alloc(size + SK_SCRENC_TAIL_BYTES);
    if (whole != NULL && parts != NULL && size > 0) {
        size_t len = decode(data, size, 0, whole);
        if (len > size || decode(data, size, data[size - 1] % size, parts) != len ||
            memcmp(whole, parts, len) != 0) {
            abort();
        }
    }
    mem_free(whole);
    mem_free(parts);
    return walkfuzz(&sk_format_screnc, data, size);
}
