// SPDX-License-Identifier: Apache-2.0
/*
 * sendmsg and recvmsg with everything that can go wrong on the way.
 *
 * The receive buffer for control data is CMSG_LEN long, not CMSG_SPACE: the padding that
 * CMSG_SPACE adds is room for a second descriptor, which the kernel would then install in our table
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
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
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

enum wire_io wire_send(int sock, const void *bytes, size_t len, int fd, bool wait) {
    if (len == 0 || len > WIRE_MAX_BYTES) {
        return WIRE_IO_BAD;
    }
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    union control control;
    if (fd >= 0) {
        memset(&control, 0, sizeof(control));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_LEN(sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(sock, &msg, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return failure();
    }
    return (size_t)sent == len ? WIRE_IO_OK : WIRE_IO_BAD;
}

/* The descriptor in the control data, -1: none, -2: something else is in it. */
static int received_fd(struct msghdr *msg) {
    struct cmsghdr *head = CMSG_FIRSTHDR(msg);
    if (head == NULL) {
        return -1;
    }
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len != CMSG_LEN(sizeof(int))) {
        return -2;
    }
    int fd;
    memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    return fd < 0 ? -2 : fd;
}

enum wire_io wire_recv(int sock, bool wait, struct wire_packet *out_packet) {
    struct iovec part = {.iov_base = out_packet->bytes, .iov_len = sizeof(out_packet->bytes)};
    union control control;
    memset(&control, 0, sizeof(control));
    struct msghdr msg = {.msg_iov = &part,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = CMSG_LEN(sizeof(int))};
    ssize_t got;
    unsigned resets = 0;
    do {
        got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
        resets += got < 0 && errno == ECONNRESET ? 1 : 0;
    } while (got < 0 && (errno == EINTR || (errno == ECONNRESET && resets <= 1)));
    out_packet->len = 0;
    out_packet->fd = -1;
    if (got < 0) {
        return failure();
    }
    int fd = received_fd(&msg);
    bool cut = (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    if (cut || fd == -2 || (got == 0 && fd >= 0)) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return WIRE_IO_BAD;
    }
    if (got == 0) {
        return WIRE_IO_CLOSED;
    }
    out_packet->len = (size_t)got;
    out_packet->fd = fd;
    return WIRE_IO_OK;
}
