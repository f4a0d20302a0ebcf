// SPDX-License-Identifier: Apache-2.0
/* All probes and the decision between text types: bids in order, a type in every case, and no look
 * beyond the peek (head and tail are exact copies for the sanitizer). */
#include <stdlib.h>

#include "base/mem.h"
#include "format/content.h"
#include "format/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sk_peek *peek) {
    struct sk_bid bids[SK_BID_MAX];
    enum sk_type type = SK_TYPE_COUNT;
    struct sk_peek_tags tags = {0};
    struct sk_peek kept = *peek;
    kept.tags = &tags;
    unsigned count = sk_identify(&kept, bids, &type);
    if (sk_content_is_page(&kept) != sk_content_is_page(peek)) {
        abort(); /* what was kept tells something else than looking */
    }
    bool ok = count <= SK_BID_MAX && type < SK_TYPE_COUNT;
    for (unsigned i = 0; ok && i < count; i++) {
        ok = bids[i].bid > 0 && bids[i].bid <= 100 && bids[i].format != NULL &&
             (i == 0 ? bids[i].type == type : bids[i].bid <= bids[i - 1].bid);
    }
    if (!ok) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t head = size < SK_PEEK_HEAD_BYTES ? size : SK_PEEK_HEAD_BYTES;
    size_t tail = size < SK_PEEK_TAIL_BYTES ? size : SK_PEEK_TAIL_BYTES;
    struct sk_peek peek = {data, head, data + (size - tail), tail, size, NULL};
    check(&peek);
    /* The same head of a much larger layer, and a head that ends early. */
    peek.size = (uint64_t)1 << 40;
    check(&peek);
    peek = (struct sk_peek){data, head / 2, data + (size - tail), tail, size, NULL};
    check(&peek);
    return 0;
}
