// SPDX-License-Identifier: Apache-2.0
/* Files: safe opening, whole reads and writes, atomic replacement, mapping, failure at every step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/atomic.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/fdsource.h"
#include "os/file.h"
#include "os/mapping.h"

static char dir[64];

static const char *in_dir(const char *name) {
    static char path[4][128];
    static unsigned next;
    char *p = path[next++ % 4];
    (void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
    return p;
}

static void put(const char *name, const char *text) {
    assert_false(sk_failed(atomic_write_file(in_dir(name), 0644, text, strlen(text))));
}

static unsigned entries(void) {
    DIR *d = opendir(dir);
    unsigned n = 0;
    while (readdir(d) != NULL) {
        n++;
    }
    (void)closedir(d);
    return n - 2;
}

static int setup(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/test_os_file.XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int teardown(void **state) {
    (void)state;
    DIR *d = opendir(dir);
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    (void)closedir(d);
    return rmdir(dir);
}

static void test_open_refuses_what_is_not_a_file(void **state) {
    (void)state;
    int fd = -1;
    struct stat st;
    put("plain", "x");
    assert_int_equal(symlink("plain", in_dir("link")), 0);
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    /* What the caller was told may be out of date: nothing else is opened then. */
    for (unsigned told = 0; told <= FILE_REGULAR; told += FILE_REGULAR) {
        assert_int_equal(file_open_object(AT_FDCWD, in_dir("fifo"), told, &fd, &st).code,
                         SK_E_UNSUPPORTED);
        assert_true(S_ISFIFO(st.st_mode));
        assert_int_equal(file_open_object(AT_FDCWD, in_dir("link"), told, &fd, &st).code,
                         SK_E_UNSUPPORTED);
        assert_true(S_ISLNK(st.st_mode));
        assert_int_equal(file_open_object(AT_FDCWD, dir, told, &fd, &st).code, SK_E_UNSUPPORTED);
        assert_int_equal(file_open_object(AT_FDCWD, "/dev/null", told, &fd, &st).code,
                         SK_E_UNSUPPORTED);
        assert_int_equal(file_open_object(AT_FDCWD, in_dir("none"), told, &fd, &st).code,
                         SK_E_NOTFOUND);
    }
    assert_int_equal(fd, -1);
    assert_false(sk_failed(file_open_object(AT_FDCWD, in_dir("link"), FILE_FOLLOW, &fd, &st)));
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    file_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(file_open_dir(AT_FDCWD, in_dir("plain"), 0, &fd).code, SK_E_NOTFOUND);
    assert_int_equal(symlink(dir, in_dir("dlink")), 0);
    assert_true(sk_failed(file_open_dir(AT_FDCWD, in_dir("dlink"), 0, &fd)));
    assert_false(sk_failed(file_open_dir(AT_FDCWD, in_dir("dlink"), FILE_FOLLOW, &fd)));
    file_close(&fd);
}

static void test_what_was_just_written_need_not_be_waited_for(void **state) {
    (void)state;
    put("warm", "0123456789");
    FILE_AUTO int fd = open(in_dir("warm"), O_RDONLY | O_CLOEXEC);
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, 9), 1);
    bool end = file_would_wait(fd, 10), beyond = file_would_wait(fd, UINT64_MAX);
    assert_true(end && beyond); /* nothing is there: the system does not tell */
    assert_true(file_would_wait(-1, 0));
    if (file_would_wait(fd, 9)) {
        print_message("this file system does not tell what is in memory\n");
    }
}

#define AHEAD_BYTES ((size_t)300 * 1024)
#define AHEAD_PAGES (AHEAD_BYTES / 4096)

/* How many pages of the file are in memory; nothing is read by asking. */
static unsigned pages_there(int fd) {
    unsigned char there[AHEAD_PAGES] = {0};
    void *map = mmap(NULL, AHEAD_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mincore(map, AHEAD_BYTES, there), 0);
    assert_int_equal(munmap(map, AHEAD_BYTES), 0);
    unsigned count = 0;
    for (size_t i = 0; i < AHEAD_PAGES; i++) {
        count += there[i] & 1;
    }
    return count;
}

/* Few bytes by advice, many as a reader would come to them. */
static void test_read_ahead_brings_the_file_to_memory(void **state) {
    (void)state;
    static char bytes[AHEAD_BYTES + 1];
    memset(bytes, 'x', AHEAD_BYTES);
    put("ahead", bytes);
    for (uint64_t len = 4096; len <= AHEAD_BYTES; len += AHEAD_BYTES - 4096) {
        FILE_AUTO int fd = open(in_dir("ahead"), O_RDONLY | O_CLOEXEC);
        assert_int_equal(fsync(fd), 0);
        assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
        if (pages_there(fd) > 0) {
            print_message("this file system keeps its files in memory\n");
            return;
        }
        file_read_ahead(fd, len);
        /* those that are touched at the least, however little the system reads ahead */
        unsigned want = len > 4096 ? AHEAD_PAGES / 4 : 1;
        for (unsigned i = 0; i < 1000 && pages_there(fd) < want; i++) {
            (void)usleep(10000);
        }
        assert_true(pages_there(fd) >= want);
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    }
    file_read_ahead(-1, AHEAD_BYTES); /* advice: nothing comes of it */
}

static void test_magic_link_is_refused(void **state) {
    (void)state;
    int fd = -1;
    struct stat st;
    put("secret", "x");
    int held = open(in_dir("secret"), O_RDONLY | O_CLOEXEC);
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
    sk_err err = file_open_object(AT_FDCWD, path, FILE_FOLLOW, &fd, &st);
    assert_int_equal(err.code, SK_E_UNSUPPORTED);
    assert_int_equal(fd, -1);
    (void)close(held);
}

static void test_read_all_respects_cap_and_failure(void **state) {
    (void)state;
    put("text", "0123456789");
    struct buf b = {0};
    assert_false(sk_failed(buf_puts(&b, "keep")));
    assert_int_equal(file_read_all(in_dir("text"), 9, &b).code, SK_E_LIMIT);
    assert_int_equal(file_read_all("/proc/self/maps", 100, &b).code, SK_E_LIMIT);
    assert_string_equal(buf_text(&b), "keep");
    os_fault_set(1);
    assert_int_equal(file_read_all(in_dir("text"), 10, &b).code, SK_E_IO);
    os_fault_set(0);
    assert_string_equal(buf_text(&b), "keep");
    assert_false(sk_failed(file_read_all(in_dir("text"), 10, &b)));
    assert_string_equal(buf_text(&b), "keep0123456789");
    buf_release(&b);
}

static void test_shrunk_file_is_an_error(void **state) {
    (void)state;
    put("text", "0123456789");
    int fd = open(in_dir("text"), O_RDWR | O_CLOEXEC);
    struct sk_source s;
    assert_int_equal(fdsource_init(&s, -1, 10).code, SK_E_USAGE);
    assert_false(sk_failed(fdsource_init(&s, fd, 10)));
    assert_int_equal(ftruncate(fd, 5), 0);
    size_t avail;
    assert_null(sk_source_at(&s, 0, 10, &avail));
    assert_int_equal(s.failed.code, SK_E_IO);
    sk_source_release(&s);
    (void)close(fd);
}

static void test_atomic_fails_cleanly_at_every_step(void **state) {
    (void)state;
    put("conf", "old");
    unsigned before = entries();
    uint64_t n = 1;
    for (;; n++) {
        os_fault_set(n);
        sk_err err = atomic_write_file(in_dir("conf"), 0640, "new!", 4);
        uint64_t seen = os_fault_seen();
        os_fault_set(0);
        struct buf b = {0};
        assert_false(sk_failed(file_read_all(in_dir("conf"), 100, &b)));
        assert_true(strcmp(buf_text(&b), "old") == 0 || strcmp(buf_text(&b), "new!") == 0);
        buf_release(&b);
        assert_int_equal(entries(), before);
        if (seen < n) {
            assert_false(sk_failed(err));
            break;
        }
        assert_true(sk_failed(err));
    }
    assert_true(n >= 4);
    struct stat st;
    assert_int_equal(stat(in_dir("conf"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(atomic_write_file("/nonexistent-dir/x", 0600, "", 0).code, SK_E_NOTFOUND);
    assert_int_equal(atomic_write_file("dir/", 0600, "", 0).code, SK_E_USAGE);
}

static void test_temp_has_no_name(void **state) {
    (void)state;
    int fd = -1;
    unsigned before = entries();
    assert_false(sk_failed(file_temp(dir, &fd)));
    assert_int_equal(entries(), before);
    assert_false(sk_failed(file_pwrite_all(fd, "abc", 3, 10)));
    char got[4] = "";
    assert_false(sk_failed(file_pread_all(fd, got, 3, 10)));
    assert_string_equal(got, "abc");
    assert_int_equal(file_pread_all(fd, got, 4, 10).code, SK_E_IO);
    assert_int_equal(file_pread_all(fd, got, 1, UINT64_MAX).code, SK_E_IO);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    file_close(&fd);
    assert_int_equal(file_temp("/nonexistent-dir", &fd).code, SK_E_NOTFOUND);
}

static void test_map(void **state) {
    (void)state;
    struct mapping m;
    put("image", "hello");
    put("empty", "");
    assert_false(sk_failed(mapping_file(in_dir("image"), &m)));
    assert_int_equal(m.len, 5);
    assert_memory_equal(m.ptr, "hello", 5);
    mapping_advise_random(&m, 0, 5);
    mapping_advise_sequential(&m, 0, 5);
    mapping_advise_soon(&m, 3, 2);
    mapping_advise_soon(&m, 3, 3); /* beyond the end: nothing happens */
    assert_memory_equal(m.ptr, "hello", 5);
    mapping_release(&m);
    assert_null(m.ptr);
    assert_false(sk_failed(mapping_file(in_dir("empty"), &m)));
    assert_null(m.ptr);
    assert_int_equal(mapping_file(dir, &m).code, SK_E_UNSUPPORTED);
    os_fault_set(1);
    assert_int_equal(mapping_file(in_dir("image"), &m).code, SK_E_IO);
    os_fault_set(0);
}

static void test_clock_moves_forward(void **state) {
    (void)state;
    uint64_t a = clock_monotonic_us();
    uint64_t b = clock_monotonic_us();
    assert_true(b >= a);
    assert_true(clock_monotonic_ms() >= a / 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_refuses_what_is_not_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_ahead_brings_the_file_to_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_just_written_need_not_be_waited_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_magic_link_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_all_respects_cap_and_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shrunk_file_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_atomic_fails_cleanly_at_every_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_temp_has_no_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map, setup, teardown),
        cmocka_unit_test(test_clock_moves_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
