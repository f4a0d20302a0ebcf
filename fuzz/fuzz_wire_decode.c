// SPDX-License-Identifier: Apache-2.0
/*
 * Wire messages from a hostile peer. First byte: sender, state and whether there are two
 * descriptors. Oracle beside the sanitizers: each message that decodes must encode to the bytes it
 * took off the packet, and take the descriptors that its row says.
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
    struct wire_input input = {{data + 1, size - 1}, (data[0] & 32u) != 0 ? 2 : 0};
    for (struct wire_input before = input; input.bytes.len > 0; before = input) {
        union scan_record record;
        uint16_t type;
        if (sk_failed(wire_decode(&scan_dialog, &peer, &input, &type, &record))) {
            return 0;
        }
        uint8_t again[WIRE_MAX_BYTES];
        size_t len = 0;
        const struct wire_message *m = wire_find(&scan_dialog, type);
        if (m == NULL || sk_failed(wire_encode(m, &record, again, sizeof(again), &len)) ||
            len != before.bytes.len - input.bytes.len ||
            memcmp(again, before.bytes.ptr, len) != 0 ||
            before.fds - input.fds != (m->carries_fd ? 1u : 0u)) {
            abort();
        }
    }
    if (size > 1 && input.fds != 0) {
        abort();
    }
    return 0;
}
