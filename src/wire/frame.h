// SPDX-License-Identifier: Apache-2.0
/*
 * Frames: a packet of a SOCK_SEQPACKET socket holds one message or several, one behind the other,
 * in at most WIRE_MAX_BYTES, and up to WIRE_FDS_MAX descriptors for them, in order. Sending and
 * receiving a packet, and waking who waits for it, costs more than to scan a tiny file.
 *
 * Ownership: wire_recv **returns owned** the descriptors of the packet, close-on-exec; wire_send
 * only **borrows** those it passes. A packet that was cut, or that carries more descriptors or
 * other control data, is WIRE_IO_BAD: nothing of it is kept. EINTR is retried.
 */
#ifndef SK_WIRE_FRAME_H
#define SK_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX_BYTES ((size_t)16 * 1024)
#define WIRE_FDS_MAX 16u

enum wire_io {
    WIRE_IO_OK = 0,
    WIRE_IO_AGAIN,  /* would block */
    WIRE_IO_CLOSED, /* the peer is gone */
    WIRE_IO_BAD     /* refused: too long, too many descriptors, or a system error */
};

struct wire_packet {
    size_t len;
    unsigned fd_count;
    int fd[WIRE_FDS_MAX];
    uint8_t bytes[WIRE_MAX_BYTES];
};

/* wait: block until there is room. */
enum wire_io wire_send(int sock, const struct wire_packet *packet, bool wait);
enum wire_io wire_recv(int sock, bool wait, struct wire_packet *out_packet);
/* Closes the descriptors from `first` on. */
void wire_close(struct wire_packet *packet, unsigned first);

#endif
