// SPDX-License-Identifier: Apache-2.0
/* What is closed in ranges is all that was given, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "os/closing.h"

#define FIRST 100
#define COUNT 60

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

static void open_all(void) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(dup3(fd, FIRST + i, O_CLOEXEC), FIRST + i);
    }
    assert_int_equal(close(fd), 0);
}

/* Every third stays; the others are given in an order that is no order. */
static void test_some_between_others(void **state) {
    (void)state;
    struct closing closing = {0};
    open_all();
    for (int i = 0; i < COUNT; i++) {
        int at = i * 37 % COUNT;
        if (at % 3 != 0) {
            closing_add(&closing, FIRST + at);
        }
    }
    assert_true(closing.count > 0 && closing.count <= CLOSING_MAX);
    errno = ENOTTY;
    closing_end(&closing);
    assert_int_equal(errno, ENOTTY);
    assert_int_equal(closing.count, 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(is_open(FIRST + i), i % 3 == 0);
        (void)close(FIRST + i);
    }
}

static void test_a_row(void **state) {
    (void)state;
    struct closing closing = {0};
    open_all();
    closing_add(&closing, -1);
    closing_end(&closing);
    for (int i = 1; i < COUNT - 1; i++) {
        closing_add(&closing, FIRST + i);
        assert_true(is_open(FIRST + i)); /* not yet */
    }
    closing_end(&closing);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(is_open(FIRST + i), i == 0 || i == COUNT - 1);
        (void)close(FIRST + i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_some_between_others),
        cmocka_unit_test(test_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
