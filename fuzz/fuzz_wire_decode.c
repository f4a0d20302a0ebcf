// SPDX-License-Identifier: Apache-2.0
/*
 * Wire messages from a hostile peer. First byte: sender, state and descriptor. Oracle beside the
 * sanitizers: what decodes must encode to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"
#include "wire/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size - 1 > WIRE_MAX_BYTES) {
        return 0;
    }
    struct wire_peer peer = {data[0] & 3u, (data[0] >> 2) & 7u};
    bool fd = (data[0] & 32u) != 0;
    union scan_record record;
    uint16_t type;
    struct sk_bytes packet = {data + 1, size - 1};
    struct wire_input input = {packet, fd};
    if (sk_failed(wire_decode(&scan_dialog, &peer, &input, &type, &record))) {
        return 0;
    }
    uint8_t again[WIRE_MAX_BYTES];
    size_t len = 0;
    const struct wire_message *m = wire_find(&scan_dialog, type);
    if (m == NULL || sk_failed(wire_encode(m, &record, again, sizeof(again), &len)) ||
        len != packet.len || memcmp(again, packet.ptr, len) != 0) {
        abort();
    }
    return 0;
}
