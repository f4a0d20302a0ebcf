// SPDX-License-Identifier: Apache-2.0
/*
 * Frames: one message is one packet of a SOCK_SEQPACKET socket, at most WIRE_MAX_BYTES, with at
 * most one descriptor.
 *
 * Ownership: wire_recv **returns owned** the descriptor in packet.fd (-1: none), close-on-exec;
 * wire_send only **borrows** the one it passes. A packet that was cut, or that carries more than
 * one descriptor or other control data, is WIRE_IO_BAD: nothing of it is kept. EINTR is retried.
 */
#ifndef SK_WIRE_FRAME_H
#define SK_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX_BYTES ((size_t)16 * 1024)

enum wire_io {
    WIRE_IO_OK = 0,
    WIRE_IO_AGAIN,  /* would block */
    WIRE_IO_CLOSED, /* the peer is gone */
    WIRE_IO_BAD     /* refused: too long, too many descriptors, or a system error */
};

struct wire_packet {
    size_t len;
    int fd;
    uint8_t bytes[WIRE_MAX_BYTES];
};

/* fd: to pass on, or -1. wait: block until there is room. */
enum wire_io wire_send(int sock, const void *bytes, size_t len, int fd, bool wait);
enum wire_io wire_recv(int sock, bool wait, struct wire_packet *out_packet);

#endif
