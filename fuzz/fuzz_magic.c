// SPDX-License-Identifier: Apache-2.0
/* The table of magics: a bid in its range, a type of the table, the same answer twice. */
#include <stdlib.h>

#include "format/format.h"

extern const struct sk_format sk_format_magic;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t head = size < SK_PEEK_HEAD_BYTES ? size : SK_PEEK_HEAD_BYTES;
    size_t tail = size < SK_PEEK_TAIL_BYTES ? size : SK_PEEK_TAIL_BYTES;
    struct sk_peek peek = {data, head, data + (size - tail), tail, size, NULL};
    enum sk_type first = SK_TYPE_COUNT;
    enum sk_type second = SK_TYPE_COUNT;
    int bid = sk_format_magic.probe(&peek, &first);
    bool same = sk_format_magic.probe(&peek, &second) == bid && first == second;
    if (!same || bid < 0 || bid > 100 || (bid > 0) != (first != SK_TYPE_COUNT)) {
        abort();
    }
    return 0;
}
