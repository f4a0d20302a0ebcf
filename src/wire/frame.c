// SPDX-License-Identifier: Apache-2.0
/*
 * sendmsg and recvmsg with everything that can go wrong on the way.
 *
 * The receive buffer for control data is CMSG_LEN long, not CMSG_SPACE: padding that CMSG_SPACE may
 * add would be room for one more descriptor, which the kernel would then install in our table
 * without anybody looking at it. With CMSG_LEN the kernel drops it and sets MSG_CTRUNC, and the
 * packet is refused.
 *
 * A peer that dies with unread packets makes the next receive fail with ECONNRESET once, before the
 * packets that it still sent: they are asked for again, or its last answers would be lost.
 */
#include "wire/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr head;
    uint8_t bytes[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
};

static enum wire_io failure(void) {
    switch (errno) {
    case EAGAIN:
        return WIRE_IO_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        return WIRE_IO_CLOSED;
    default:
        return WIRE_IO_BAD;
    }
}

enum wire_io wire_send(int sock, const struct wire_packet *packet, bool wait) {
    if (packet->len == 0 || packet->len > WIRE_MAX_BYTES || packet->fd_count > WIRE_FDS_MAX) {
        return WIRE_IO_BAD;
    }
    struct iovec part = {.iov_base = (void *)(uintptr_t)packet->bytes, .iov_len = packet->len};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    union control control;
    if (packet->fd_count > 0) {
        size_t len = packet->fd_count * sizeof(packet->fd[0]);
        memset(&control, 0, sizeof(control));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(len);
        memcpy(CMSG_DATA(&control.head), packet->fd, len);
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_LEN(len);
    }
    ssize_t sent;
    do {
        sent = sendmsg(sock, &msg, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return failure();
    }
    return (size_t)sent == packet->len ? WIRE_IO_OK : WIRE_IO_BAD;
}

/* Puts the descriptors of the control data into the packet; false: something else is in it. */
static bool take_fds(struct msghdr *msg, struct wire_packet *packet) {
    const struct cmsghdr *head = CMSG_FIRSTHDR(msg);
    if (head == NULL) {
        return true;
    }
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len < CMSG_LEN(0) || head->cmsg_len > CMSG_LEN(sizeof(packet->fd))) {
        return false;
    }
    packet->fd_count = (unsigned)((head->cmsg_len - CMSG_LEN(0)) / sizeof(packet->fd[0]));
    memcpy(packet->fd, CMSG_DATA(head), packet->fd_count * sizeof(packet->fd[0]));
    return true;
}

void wire_close(struct wire_packet *packet, unsigned first) {
    while (packet->fd_count > first) {
        (void)close(packet->fd[--packet->fd_count]);
    }
}

enum wire_io wire_recv(int sock, bool wait, struct wire_packet *out_packet) {
    struct iovec part = {.iov_base = out_packet->bytes, .iov_len = sizeof(out_packet->bytes)};
    union control control;
    memset(&control.head, 0, sizeof(control.head));
    struct msghdr msg = {.msg_iov = &part,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = CMSG_LEN(sizeof(out_packet->fd))};
    ssize_t got;
    unsigned resets = 0;
    do {
        got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
        resets += got < 0 && errno == ECONNRESET ? 1 : 0;
    } while (got < 0 && (errno == EINTR || (errno == ECONNRESET && resets <= 1)));
    out_packet->len = 0;
    out_packet->fd_count = 0;
    if (got < 0) {
        return failure();
    }
    bool good = take_fds(&msg, out_packet) && (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    if (!good || (got == 0 && out_packet->fd_count > 0)) {
        wire_close(out_packet, 0);
        return WIRE_IO_BAD;
    }
    if (got == 0) {
        return WIRE_IO_CLOSED;
    }
    out_packet->len = (size_t)got;
    return WIRE_IO_OK;
}
