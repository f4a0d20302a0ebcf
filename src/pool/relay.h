// SPDX-License-Identifier: Apache-2.0
/*
 * An observer on the far side of a pool: in the worker its calls become messages, in the parent
 * messages become calls of the observer the pool was given.
 *
 * Worker: relay_init with a way to send -> relay.observer is what the scanner gets; relay.on and
 * relay.id are set for each object. The first message that cannot be sent stops the rest:
 * relay.failed. Parent: relay_deliver for each message; it answers false when a worker sends what
 * no engine would: the peer is then broken. Everything is **borrowed** for the call.
 */
#ifndef SK_POOL_RELAY_H
#define SK_POOL_RELAY_H

#include <stdbool.h>

#include "sekisho.h"
#include "wire/scan.h"

struct relay {
    struct sk_observer observer;
    bool (*send)(void *ctx, enum scan_message type, const void *record);
    void *ctx;
    bool on;     /* an object is being scanned for the pool */
    uint64_t id; /* of the object */
    bool failed;
};

void relay_init(struct relay *relay, const struct sk_observer *wanted,
                bool (*send)(void *ctx, enum scan_message type, const void *record), void *ctx);
bool relay_deliver(const struct sk_observer *observer, uint16_t type, const union scan_record *r);
/* Is this message for an observer? Then the object it is about. */
bool relay_object(uint16_t type, const union scan_record *r, uint64_t *out_id);

#endif
