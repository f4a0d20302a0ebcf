// SPDX-License-Identifier: Apache-2.0
/* Mappings of user files: what is told when bytes go away, also inside the cage, and what still
 * kills. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fault.h"
#include "os/file.h"
#include "os/filemap.h"
#include "os/sandbox.h"

#define PAGE ((size_t)4096)

static int file_of_pages(size_t pages) {
    uint8_t page[PAGE];
    int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    for (size_t i = 0; i < pages; i++) {
        memset(page, (int)(i + 1), sizeof(page));
        assert_false(sk_failed(file_write_all(fd, page, sizeof(page))));
    }
    return fd;
}

/* A byte of the mapping as it is now. */
static uint8_t look(const struct filemap *map, size_t at) {
    return *(const volatile uint8_t *)(map->ptr + at);
}

/* How a child ends that does this. */
static int in_child(void (*act)(void)) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGBUS, SIG_DFL); /* a sanitizer has its own */
        act();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void must(bool ok) {
    if (!ok) {
        _exit(1);
    }
}

static void test_nothing_without_the_guard(void **state) {
    (void)state;
    int fd = file_of_pages(1);
    assert_null(filemap_open(fd, PAGE));
    assert_true(filemap_guard());
    assert_true(filemap_guard());
    struct filemap *map = filemap_open(fd, PAGE);
    assert_non_null(map);
    filemap_release(map);
    filemap_release(NULL);
    assert_null(filemap_open(fd, 0));
    assert_null(filemap_open(-1, PAGE));
    os_fault_set(1);
    assert_null(filemap_open(fd, PAGE));
    os_fault_set(0);
    file_close(&fd);
}

static bool is_mapped(const uint8_t *at) {
    unsigned char resident;
    return mincore((void *)(uintptr_t)at, PAGE, &resident) == 0;
}

static void test_the_last_user_unmaps(void **state) {
    (void)state;
    int fd = file_of_pages(3);
    struct filemap *map = filemap_open(fd, 2 * PAGE + 100);
    assert_non_null(map);
    file_close(&fd);
    const uint8_t *at = map->ptr;
    assert_ptr_equal(filemap_hold(map), map);
    filemap_release(map);
    assert_true(is_mapped(at));
    assert_int_equal(look(map, 0), 1);
    assert_int_equal(look(map, 2 * PAGE + 99), 3);
    filemap_release(map);
    assert_false(is_mapped(at));
}

static void test_the_table_is_bounded(void **state) {
    (void)state;
    int fd = file_of_pages(1);
    struct filemap *map[FILEMAP_MAX];
    for (unsigned i = 0; i < FILEMAP_MAX; i++) {
        map[i] = filemap_open(fd, PAGE);
        assert_non_null(map[i]);
    }
    assert_null(filemap_open(fd, PAGE));
    filemap_release(map[7]);
    map[7] = filemap_open(fd, PAGE);
    assert_non_null(map[7]);
    for (unsigned i = 0; i < FILEMAP_MAX; i++) {
        filemap_release(map[i]);
    }
    assert_null(filemap_open(fd, FILEMAP_BYTES_MAX + 1));
    map[0] = filemap_open(fd, FILEMAP_BYTES_MAX - PAGE); /* never looked at behind the first page */
    assert_non_null(map[0]);
    assert_null(filemap_open(fd, PAGE + 1));
    map[1] = filemap_open(fd, PAGE);
    assert_non_null(map[1]);
    filemap_release(map[0]);
    filemap_release(map[1]);
    file_close(&fd);
}

/* Everything behind the cut reads as zeros, what lies before it stays; others know nothing of it.
 */
static void test_a_file_cut_short(void **state) {
    (void)state;
    assert_true(filemap_guard()); /* the test library has set its own */
    int fd = file_of_pages(8), other = file_of_pages(2);
    struct filemap *map = filemap_open(fd, 7 * PAGE + 1), *whole = filemap_open(other, 2 * PAGE);
    assert_non_null(map);
    assert_non_null(whole);
    assert_int_equal(look(map, 6 * PAGE), 7);
    assert_int_equal(ftruncate(fd, (off_t)(5 * PAGE)), 0);
    assert_false(filemap_lost(map)); /* nobody has looked */
    assert_int_equal(look(map, 5 * PAGE - 1), 5);
    assert_false(filemap_lost(map));
    assert_int_equal(look(map, 6 * PAGE + 9), 0);
    assert_true(filemap_lost(map));
    assert_int_equal(look(map, 7 * PAGE), 0);
    assert_int_equal(look(map, 5 * PAGE), 0);
    assert_int_equal(look(map, 4 * PAGE), 5);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(look(map, 0), 0);
    assert_int_equal(look(map, 4 * PAGE), 0);
    assert_false(filemap_lost(whole));
    assert_int_equal(look(whole, PAGE), 2);
    const uint8_t *at = map->ptr;
    filemap_release(map);
    for (size_t i = 0; i < 8; i++) {
        assert_false(is_mapped(at + i * PAGE));
    }
    filemap_release(whole);
    file_close(&fd);
    file_close(&other);
}

/* The row of a lost mapping is as good as new. */
static void test_touching(void **state) {
    (void)state;
    assert_true(filemap_guard());
    int fd = file_of_pages(64);
    struct filemap *map = filemap_open(fd, 64 * PAGE);
    assert_non_null(map);
    assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
    filemap_touch(map, 64 * PAGE, PAGE); /* there is nothing */
    filemap_touch(map, 0, PAGE);
    filemap_touch(map, 63 * PAGE, 0);
    assert_false(filemap_lost(map));
    filemap_touch(map, 0, UINT64_MAX);
    assert_true(filemap_lost(map));
    filemap_release(map);
    file_close(&fd);
}

/* Is the file mapped? */
static bool opens(int fd, size_t pages) {
    struct filemap *map = filemap_open(fd, pages * PAGE);
    filemap_release(map);
    return map != NULL;
}

static void test_what_is_told_is_done(void **state) {
    (void)state;
    int fd = file_of_pages(64);
    assert_int_equal(setenv("SEKISHO_OBJECTS", "read", 1), 0);
    filemap_weigh();
    assert_false(opens(fd, 64));
    assert_int_equal(setenv("SEKISHO_OBJECTS", "map", 1), 0);
    filemap_weigh();
    assert_true(opens(fd, 64));
    assert_int_equal(unsetenv("SEKISHO_OBJECTS"), 0);
    file_close(&fd);
}

/* Which way is for the machine to say, but it is one way. */
static void test_weighing_tells_once(void **state) {
    (void)state;
    assert_true(filemap_pays(1000, 2000));
    assert_false(filemap_pays(2000, 1000));
    int fd = file_of_pages(64);
    filemap_weigh();
    bool maps = opens(fd, 64);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(opens(fd, 64), maps);
        assert_int_equal(opens(fd, 1), maps);
    }
    file_close(&fd);
}

/* Too small, cut short, not to be read: such an object is mapped, and the next one tells. */
static void test_what_cannot_be_weighed_is_mapped(void **state) {
    (void)state;
    assert_true(filemap_guard());
    int fd = file_of_pages(64);
    for (unsigned i = 0; i < 20; i++) {
        filemap_weigh();
        assert_true(opens(fd, 15));
    }
    for (unsigned call = 2; call <= 13; call++) { /* the first maps, twelve read */
        filemap_weigh();
        os_fault_set(call);
        struct filemap *map = filemap_open(fd, 64 * PAGE);
        assert_true(os_fault_seen() >= call);
        os_fault_set(0);
        assert_non_null(map);
        filemap_release(map);
    }
    assert_int_equal(ftruncate(fd, (off_t)(4 * PAGE)), 0);
    for (unsigned i = 0; i < 20; i++) {
        filemap_weigh();
        assert_true(opens(fd, 64));
    }
    assert_int_equal(setenv("SEKISHO_OBJECTS", "map", 1), 0);
    filemap_weigh();
    assert_int_equal(unsetenv("SEKISHO_OBJECTS"), 0);
    file_close(&fd);
}

static void test_lost_is_of_one_mapping(void **state) {
    (void)state;
    int fd = file_of_pages(1);
    struct filemap *map = filemap_open(fd, PAGE);
    assert_non_null(map);
    assert_false(filemap_lost(map));
    assert_int_equal(look(map, 0), 1);
    filemap_release(map);
    file_close(&fd);
}

static void look_beyond_a_mapping_of_others(void) {
    int fd = file_of_pages(1);
    must(filemap_guard());
    struct filemap *map = filemap_open(fd, PAGE);
    must(map != NULL);
    volatile const uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    must(p != MAP_FAILED && p[0] == 1);
    must(p[PAGE] != p[PAGE]);
}

static void be_sent_a_signal(void) {
    must(filemap_guard());
    (void)kill(getpid(), SIGBUS);
}

static void test_other_errors_still_kill(void **state) {
    (void)state;
    int status = in_child(look_beyond_a_mapping_of_others);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    status = in_child(be_sent_a_signal);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
}

static void lose_one_in_the_cage(void) {
    int fd = file_of_pages(64);
    struct sandbox_options cage = {
        .socket_fd = -1, .spool_fd = fd, .memory_bytes = (uint64_t)64 << 20}; /* may cut it */
    struct sandbox_state held;
    must(filemap_guard());
    sandbox_enter(&cage, &held);
    struct filemap *map = filemap_open(fd, 64 * PAGE);
    must(map != NULL);
    must(look(map, 63 * PAGE) == 64 && !filemap_lost(map));
    must(ftruncate(fd, (off_t)PAGE) == 0);
    must(look(map, 30 * PAGE) == 0 && filemap_lost(map));
    must(look(map, 20 * PAGE) == 0 && look(map, 63 * PAGE) == 0 && look(map, 0) == 1);
    filemap_release(map);
    must(filemap_open(fd, PAGE) == map);
}

static void be_sent_one_in_the_cage(void) {
    struct sandbox_options cage = {.socket_fd = -1, .spool_fd = -1};
    struct sandbox_state held;
    int fd = file_of_pages(1);
    must(filemap_guard());
    sandbox_enter(&cage, &held);
    volatile const uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    must(p != MAP_FAILED && p[PAGE] != p[PAGE]);
}

static void test_inside_the_cage(void **state) {
    (void)state;
    int status = in_child(lose_one_in_the_cage);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    status = in_child(be_sent_one_in_the_cage);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_without_the_guard),
        cmocka_unit_test(test_the_last_user_unmaps),
        cmocka_unit_test(test_the_table_is_bounded),
        cmocka_unit_test(test_a_file_cut_short),
        cmocka_unit_test(test_touching),
        cmocka_unit_test(test_what_is_told_is_done),
        cmocka_unit_test(test_weighing_tells_once),
        cmocka_unit_test(test_what_cannot_be_weighed_is_mapped),
        cmocka_unit_test(test_lost_is_of_one_mapping),
        cmocka_unit_test(test_other_errors_still_kill),
        cmocka_unit_test(test_inside_the_cage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
