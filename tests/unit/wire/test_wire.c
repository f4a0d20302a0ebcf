// SPDX-License-Identifier: Apache-2.0
/* Frames and messages: what goes in comes out, and everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/frame.h"
#include "wire/scan.h"

static const struct wire_peer WORKER_BUSY = {SCAN_FROM_WORKER, SCAN_BUSY};

static size_t encode(uint16_t type, const void *record, uint8_t *out) {
    size_t len = 0;
    assert_false(
        sk_failed(wire_encode(wire_find(&scan_dialog, type), record, out, WIRE_MAX_BYTES, &len)));
    return len;
}

/* A packet of one message: nothing may be left over. */
static int decode(const struct wire_peer *peer, const uint8_t *bytes, size_t len, bool fd,
                  union scan_record *out) {
    uint16_t type;
    struct wire_input input = {{bytes, len}, fd};
    union scan_record rest;
    int code = wire_decode(&scan_dialog, peer, &input, &type, out).code;
    while (code == SK_OK && input.bytes.len > 0) {
        code = wire_decode(&scan_dialog, peer, &input, &type, &rest).code;
    }
    return code;
}

static void test_every_field_survives(void **state) {
    (void)state;
    uint8_t bytes[WIRE_MAX_BYTES];
    union scan_record got;
    struct scan_note note = {.id = 0x1122334455667788u,
                             .incomplete = 1,
                             .word = "encrypted",
                             .text = "",
                             .layer = "a.zip!b\n\xff",
                             .detail = NULL};
    size_t len = encode(SCAN_NOTE, &note, bytes);
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_OK);
    assert_true(got.note.id == note.id);
    assert_string_equal(got.note.word, "encrypted");
    assert_string_equal(got.note.text, "");
    assert_string_equal(got.note.layer, note.layer);
    assert_null(got.note.detail);
    struct scan_finding f = {
        .id = 1, .offset = UINT64_MAX, .name = "N", .layer = "", .layer_type = "pe"};
    len = encode(SCAN_FINDING, &f, bytes);
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_OK);
    assert_true(got.finding.offset == UINT64_MAX);
    assert_string_equal(got.finding.layer_type, "pe");
}

static void test_bytes_field(void **state) {
    (void)state;
    static uint8_t raw[SCAN_BYTES_MAX + 5];
    memset(raw, 0xa5, sizeof(raw));
    raw[1] = 0;
    uint8_t bytes[WIRE_MAX_BYTES];
    union scan_record got;
    struct scan_bytes m = {1, 2, {raw, sizeof(raw)}};
    size_t len = encode(SCAN_BYTES, &m, bytes);
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_OK);
    assert_int_equal(got.bytes.bytes.len, SCAN_BYTES_MAX); /* the sender cuts */
    assert_memory_equal(got.bytes.bytes.ptr, raw, SCAN_BYTES_MAX);
    assert_int_equal(decode(&WORKER_BUSY, bytes, len - 1, false, &got), SK_E_FORMAT);
    m.bytes.len = 0;
    len = encode(SCAN_BYTES, &m, bytes);
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_OK);
    assert_int_equal(got.bytes.bytes.len, 0);
    struct scan_fact f = {.id = 1, .word = "w", .value = {raw, 3}, .has_value = 1};
    len = encode(SCAN_FACT, &f, bytes);
    bytes[len - 5] = 0xff; /* a length beyond the field's limit */
    bytes[len - 4] = 0xff;
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_E_FORMAT);
}

static void test_long_text_is_cut_by_the_sender(void **state) {
    (void)state;
    static char text[3 * SCAN_PATH_MAX];
    memset(text, 'x', sizeof(text) - 1);
    uint8_t bytes[WIRE_MAX_BYTES];
    union scan_record got;
    struct scan_finding f = {.name = text, .layer = text, .layer_type = text};
    size_t len = encode(SCAN_FINDING, &f, bytes);
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_OK);
    assert_int_equal(strlen(got.finding.layer), SCAN_PATH_MAX);
    assert_int_equal(strlen(got.finding.name), SCAN_NAME_MAX);
    size_t small = 0;
    assert_int_equal(
        wire_encode(wire_find(&scan_dialog, SCAN_FINDING), &f, bytes, 100, &small).code,
        SK_E_LIMIT);
}

static void test_wrong_bytes_are_refused(void **state) {
    (void)state;
    uint8_t bytes[WIRE_MAX_BYTES];
    union scan_record got;
    struct scan_done done = {.id = 7, .verdict = 1, .complete = 1, .type = "zip"};
    size_t len = encode(SCAN_DONE, &done, bytes);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(decode(&WORKER_BUSY, bytes, cut, false, &got), SK_E_FORMAT);
    }
    bytes[len] = 0;
    assert_int_equal(decode(&WORKER_BUSY, bytes, len + 1, false, &got), SK_E_FORMAT);
    bytes[2] = 9; /* version */
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_E_FORMAT);
    bytes[2] = 1;
    done.verdict = 4;
    len = encode(SCAN_DONE, &done, bytes);
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_E_FORMAT);
    done.verdict = 0;
    len = encode(SCAN_DONE, &done, bytes);
    uint8_t *zip = memmem(bytes, len, "zip", 4);
    zip[1] = 0; /* NUL inside */
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_E_FORMAT);
    zip[1] = 'i';
    zip[3] = 'x'; /* not terminated */
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_E_FORMAT);
    zip[3] = 0;
    zip[-1] = zip[-2] = 0xff; /* NULL where none is allowed */
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_E_FORMAT);
}

static void test_wrong_peer_state_or_descriptor_is_refused(void **state) {
    (void)state;
    uint8_t bytes[WIRE_MAX_BYTES];
    union scan_record got;
    struct scan_done done = {.type = ""};
    size_t len = encode(SCAN_DONE, &done, bytes);
    struct wire_peer pool = {SCAN_FROM_POOL, SCAN_BUSY};
    struct wire_peer idle = {SCAN_FROM_WORKER, SCAN_IDLE};
    assert_int_equal(decode(&pool, bytes, len, false, &got), SK_E_PERM);
    assert_int_equal(decode(&idle, bytes, len, false, &got), SK_E_PERM);
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, true, &got), SK_E_PERM);
    assert_int_equal(decode(&WORKER_BUSY, bytes, len, false, &got), SK_OK);
    struct scan_request r = {.id = 1};
    struct wire_peer ask = {SCAN_FROM_POOL, SCAN_IDLE};
    len = encode(SCAN_REQUEST, &r, bytes);
    assert_int_equal(decode(&ask, bytes, len, false, &got), SK_E_PERM);
    assert_int_equal(decode(&ask, bytes, len, true, &got), SK_OK);
    bytes[0] = 99;
    assert_int_equal(decode(&ask, bytes, len, true, &got), SK_E_PERM);
}

static void test_messages_of_one_packet(void **state) {
    (void)state;
    uint8_t bytes[WIRE_MAX_BYTES];
    struct wire_peer ask = {SCAN_FROM_POOL, SCAN_IDLE};
    size_t len = 0;
    for (uint64_t id = 1; id <= 3; id++) {
        struct scan_request r = {.id = id, .shares = (uint32_t)id + 1};
        size_t more = 0;
        assert_false(sk_failed(wire_encode(wire_find(&scan_dialog, SCAN_REQUEST), &r, bytes + len,
                                           sizeof(bytes) - len, &more)));
        len += more;
    }
    union scan_record got;
    uint16_t type;
    struct wire_input input = {{bytes, len}, 3};
    for (uint64_t id = 1; id <= 3; id++) {
        assert_int_equal(wire_decode(&scan_dialog, &ask, &input, &type, &got).code, SK_OK);
        assert_int_equal(got.request.id, id);
        assert_int_equal(got.request.shares, id + 1);
        assert_int_equal(input.fds, 3 - id);
    }
    assert_int_equal(input.bytes.len, 0);
    /* a descriptor too few or too many is seen at the last message */
    for (unsigned fds = 2; fds <= 4; fds += 2) {
        input = (struct wire_input){{bytes, len}, fds};
        assert_int_equal(wire_decode(&scan_dialog, &ask, &input, &type, &got).code, SK_OK);
        assert_int_equal(wire_decode(&scan_dialog, &ask, &input, &type, &got).code, SK_OK);
        assert_int_equal(wire_decode(&scan_dialog, &ask, &input, &type, &got).code, SK_E_PERM);
    }
    input = (struct wire_input){{bytes, len - 1}, 3}; /* the last one is cut */
    assert_int_equal(wire_decode(&scan_dialog, &ask, &input, &type, &got).code, SK_OK);
    assert_int_equal(wire_decode(&scan_dialog, &ask, &input, &type, &got).code, SK_OK);
    assert_int_equal(wire_decode(&scan_dialog, &ask, &input, &type, &got).code, SK_E_FORMAT);
}

static unsigned open_count(void) {
    unsigned n = 0;
    for (int fd = 0; fd < 256; fd++) {
        n += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return n;
}

static void send_raw(int sock, const int *fds, size_t count, size_t len) {
    static uint8_t bytes[2 * WIRE_MAX_BYTES];
    uint8_t control[CMSG_SPACE((WIRE_FDS_MAX + 1) * sizeof(int))] = {0};
    struct iovec part = {bytes, len};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(h), fds, count * sizeof(int));
    }
    assert_true(sendmsg(sock, &msg, 0) >= 0);
}

/* `len` bytes of "abcdef" and so many descriptors. */
static enum wire_io send_packet(int sock, size_t len, unsigned fds, bool wait) {
    static struct wire_packet p = {.bytes = "abcdef"};
    p.len = len;
    p.fd_count = fds;
    for (unsigned i = 0; i < fds && i < WIRE_FDS_MAX; i++) {
        p.fd[i] = sock;
    }
    return wire_send(sock, &p, wait);
}

static void test_frames(void **state) {
    (void)state;
    static struct wire_packet p;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(wire_recv(pair[0], false, &p), WIRE_IO_AGAIN);
    unsigned before = open_count();
    for (unsigned fds = 0; fds <= WIRE_FDS_MAX; fds++) {
        assert_int_equal(send_packet(pair[1], 3, fds, true), WIRE_IO_OK);
        assert_int_equal(wire_recv(pair[0], true, &p), WIRE_IO_OK);
        assert_int_equal(p.len, 3);
        assert_memory_equal(p.bytes, "abc", 3);
        assert_int_equal(p.fd_count, fds);
        assert_int_equal(open_count(), before + fds);
        for (unsigned i = 0; i < fds; i++) {
            assert_int_equal(fcntl(p.fd[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        }
        wire_close(&p, fds > 1 ? 1 : 0);
        assert_int_equal(open_count(), before + (fds > 1 ? 1 : 0));
        wire_close(&p, 0);
        assert_int_equal(open_count(), before);
    }
    assert_int_equal(send_packet(pair[1], 0, 0, true), WIRE_IO_BAD);
    assert_int_equal(send_packet(pair[1], WIRE_MAX_BYTES + 1, 0, true), WIRE_IO_BAD);
    assert_int_equal(send_packet(pair[1], 3, WIRE_FDS_MAX + 1, true), WIRE_IO_BAD);

    int many[WIRE_FDS_MAX + 1];
    for (unsigned i = 0; i <= WIRE_FDS_MAX; i++) {
        many[i] = pair[i % 2];
    }
    send_raw(pair[1], many, WIRE_FDS_MAX + 1, 5);
    assert_int_equal(wire_recv(pair[0], true, &p), WIRE_IO_BAD);
    assert_int_equal(p.fd_count, 0);
    send_raw(pair[1], many, 2, WIRE_MAX_BYTES + 1);
    assert_int_equal(wire_recv(pair[0], true, &p), WIRE_IO_BAD);
    send_raw(pair[1], many, 2, 0);
    assert_int_equal(wire_recv(pair[0], true, &p), WIRE_IO_BAD);
    assert_int_equal(open_count(), before);

    enum wire_io io = WIRE_IO_OK;
    for (unsigned i = 0; i < 10000 && io == WIRE_IO_OK; i++) {
        io = send_packet(pair[1], 3, 0, false);
    }
    assert_int_equal(io, WIRE_IO_AGAIN);
    (void)close(pair[0]);
    assert_int_equal(send_packet(pair[1], 3, 0, true), WIRE_IO_CLOSED);
    (void)close(pair[1]);
}

static void test_last_words_of_the_dead_are_heard(void **state) {
    (void)state;
    static struct wire_packet p;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(send_packet(pair[1], 4, 0, true), WIRE_IO_OK);
    assert_int_equal(send_packet(pair[0], 6, 0, true), WIRE_IO_OK);
    (void)close(pair[1]);
    assert_int_equal(wire_recv(pair[0], false, &p), WIRE_IO_OK);
    assert_int_equal(p.len, 4);
    assert_int_equal(wire_recv(pair[0], false, &p), WIRE_IO_CLOSED);
    (void)close(pair[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_survives),
        cmocka_unit_test(test_bytes_field),
        cmocka_unit_test(test_long_text_is_cut_by_the_sender),
        cmocka_unit_test(test_wrong_bytes_are_refused),
        cmocka_unit_test(test_wrong_peer_state_or_descriptor_is_refused),
        cmocka_unit_test(test_messages_of_one_packet),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_last_words_of_the_dead_are_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
