// SPDX-License-Identifier: Apache-2.0
/* Objects that are mapped: which ones, by whom they are looked at, and that bytes which are gone,
 * or change meanwhile, never make a clean report or end the process. */
#include "fixture.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/lanes_kernel.h"
#include "engine/layer.h"
#include "engine/owed.h"
#include "os/fault.h"
#include "os/file.h"

#define MIB ((size_t)1 << 20)
#define LARGE (9 * MIB) /* read in windows whatever it is */

static int file_of(const uint8_t *bytes, size_t len) {
    int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    assert_false(sk_failed(file_write_all(fd, bytes, len)));
    return fd;
}

static uint8_t *bytes_of(size_t len) {
    uint8_t *p = mem_alloc(len);
    assert_non_null(p);
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    }
    return p;
}

/* Nobody holds a mapping any more. */
static void expect_none_mapped(void) {
    int fd = file_of((const uint8_t *)"a", 1);
    struct filemap *map[FILEMAP_MAX];
    for (unsigned i = 0; i < FILEMAP_MAX; i++) {
        map[i] = filemap_open(fd, 1);
        assert_non_null(map[i]);
    }
    for (unsigned i = 0; i < FILEMAP_MAX; i++) {
        filemap_release(map[i]);
    }
    file_close(&fd);
}

static void begin(void) {
    assert_true(filemap_guard()); /* the test library sets a handler of its own for each test */
    fake_reset(NULL, 0);
}

static void test_not_without_the_guard(void **state) {
    (void)state;
    fake_reset(NULL, 0);
    uint8_t *bytes = bytes_of(LARGE);
    int fd = file_of(bytes, LARGE);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *report = NULL;
    assert_int_equal(sk_scan_fd(sc, fd, NULL, &report), SK_OK);
    assert_int_equal(report->verdict, SK_VERDICT_CLEAN);
    assert_int_equal(fake.glanced, 0);
    sk_scanner_free(sc);
    mem_free(bytes);
    file_close(&fd);
}

struct mapped_case {
    enum sk_type type;
    size_t len;
    bool looks; /* root_glance */
    bool maps;  /* root_map */
};

static void try_case(const struct mapped_case *c) {
    begin();
    struct sk_scanner *sc = scanner_flags(0);
    uint8_t *bytes = bytes_of(c->len);
    int fd = file_of(bytes, c->len);
    struct layer *layer = layer_new(sc, NULL);
    assert_non_null(layer);
    assert_false(sk_failed(root_open(sc, layer, fd, c->len)));
    layer->type = c->type;
    assert_false(sk_failed(root_settle(&sc->root, layer)));
    struct sk_source *src = root_glance(sc, layer);
    assert_int_equal(src != NULL, c->looks);
    struct layer member = {.parent = layer};
    assert_null(root_glance(sc, &member));
    for (uint64_t at = 0; src != NULL && at < c->len; at += 12288) {
        size_t want = c->len - at < 14000 ? (size_t)(c->len - at) : 14000, avail;
        const uint8_t *p = sk_source_at(src, at, want, &avail);
        assert_non_null(p);
        assert_true(avail >= want);
        assert_memory_equal(p, bytes + at, want);
    }
    if (c->looks) {
        assert_int_equal(src->size, c->len);
        assert_true(sc->root.read_bytes == 0); /* nothing was copied for it */
        if (sc->root.watches) {
            assert_non_null(root_seen(sc, layer));
        }
    }
    struct filemap *map = root_map(&sc->root, layer->src.size);
    assert_int_equal(map != NULL, c->maps);
    if (map != NULL) {
        assert_memory_equal(map->ptr, bytes, c->len);
        assert_ptr_equal(root_map(&sc->root, layer->src.size), map);
    }
    assert_false(root_lost(&sc->root));
    layer_drop(sc, layer);
    root_close(&sc->root);
    assert_null(root_glance(sc, layer));
    expect_none_mapped();
    sk_scanner_free(sc);
    mem_free(bytes);
    file_close(&fd);
}

static void test_who_is_mapped(void **state) {
    (void)state;
    static const struct mapped_case CASE[] = {
        {.type = SK_TYPE_ELF, .len = 300 * 1024, .looks = true, .maps = true},
        {.type = SK_TYPE_ELF, .len = LARGE + 5, .looks = true, .maps = true},
        {.type = SK_TYPE_ELF, .len = SK_SOURCE_WINDOW_BYTES, .maps = true}, /* read whole */
        {.type = SK_TYPE_ELF, .len = 128 * 1024 - 1},
        {.type = SK_TYPE_PE, .len = 2 * MIB + 1, .maps = true},
        {.type = SK_TYPE_ZIP, .len = LARGE, .looks = true, .maps = true},
        {.type = SK_TYPE_BINARY, .len = MIB, .maps = true},
        {.type = SK_TYPE_BINARY, .len = 1000},
    };
    for (size_t i = 0; i < sizeof(CASE) / sizeof(CASE[0]); i++) {
        try_case(&CASE[i]);
    }
}

static int the_fd;
static void cut_it(void) {
    assert_int_equal(ftruncate(the_fd, 5000), 0);
}

/* While it is searched: what a short read would have said. */
static void test_cut_short_while_searched(void **state) {
    (void)state;
    begin();
    fake.on_look = cut_it;
    uint8_t *bytes = bytes_of(LARGE);
    the_fd = file_of(bytes, LARGE);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *report = NULL;
    assert_int_equal(sk_scan_fd(sc, the_fd, NULL, &report), SK_OK);
    assert_int_equal(fake.glanced, 1);
    assert_int_equal(report->verdict, SK_VERDICT_INCOMPLETE);
    assert_true(has_note(report, "read-error"));
    expect_none_mapped();
    sk_scanner_free(sc);
    mem_free(bytes);
    file_close(&the_fd);
}

static void skip_without_lanes(void) {
    if (lanes_kernel_best() == NULL) {
        print_message("[  note    ] no lanes on this machine: nothing is put off\n");
        skip();
    }
}

static int ahead(struct sk_scanner *sc, int fd, uint64_t tag) {
    const struct sk_report *report = NULL;
    int owes = 0;
    assert_int_equal(sk_scan_ahead(sc, fd, tag, &report, &owes), SK_OK);
    return owes;
}

/* Digests come from the mapping, which lives until the last of them is taken. */
static void test_digests(void **state) {
    (void)state;
    skip_without_lanes();
    static const size_t LENS[] = {200 * 1024, MIB, LARGE};
    for (size_t i = 0; i < sizeof(LENS) / sizeof(LENS[0]); i++) {
        begin();
        uint8_t *bytes = bytes_of(LENS[i]);
        fake_hash(HS_FILE, HS_MD5, bytes, LENS[i], "Hash.Large");
        fake_hash(HS_FILE, HS_SHA256, bytes, LENS[i], "Hash.Large.Too");
        int evil = file_of(bytes, LENS[i]);
        bytes[LENS[i] - 1] ^= 1;
        int clean = file_of(bytes, LENS[i]);
        bytes[0] ^= 1;
        int cut = file_of(bytes, LENS[i]);
        struct sk_scanner *sc = scanner_flags(0);
        assert_int_equal(ahead(sc, evil, 1), 1);
        assert_int_equal(ahead(sc, clean, 2), 1);
        assert_int_equal(ahead(sc, cut, 3), 1);
        assert_int_equal(ftruncate(cut, 5000), 0);
        uint64_t tag = 0;
        int stands = 0;
        unsigned seen = 0;
        while (sk_scan_settle(sc, 1, &tag, &stands) != 0) {
            seen |= 1u << tag;
            assert_int_equal(stands, tag == 2);
        }
        assert_int_equal(seen, 2 + 4 + 8);
        expect_none_mapped();
        sk_scanner_free(sc);
        file_close(&evil);
        file_close(&clean);
        file_close(&cut);
        mem_free(bytes);
    }
}

/* A mapping is lost even when times and size say nothing of it: as by a disk that fails. */
static void test_lost_digests_do_not_stand(void **state) {
    (void)state;
    skip_without_lanes();
    begin();
    uint8_t *bytes = bytes_of(MIB);
    fake_hash(HS_FILE, HS_MD5, bytes, MIB, "Hash.Large");
    bytes[5] ^= 1;
    int fd = file_of(bytes, MIB);
    struct sk_scanner *sc = scanner_flags(0);
    assert_int_equal(ahead(sc, fd, 1), 1);
    int probe = file_of(bytes, 1);
    struct filemap *row = filemap_open(probe, 1); /* the row behind the object's */
    assert_non_null(row);
    struct filemap *object = row - 1;
    assert_int_equal(object->len, MIB);
    object->lost = 1;
    uint64_t tag = 0;
    int stands = 1;
    assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 1);
    assert_int_equal(stands, 0);
    filemap_release(row);
    expect_none_mapped();
    sk_scanner_free(sc);
    file_close(&fd);
    file_close(&probe);
    mem_free(bytes);
}

/* A scanner may be freed while digests wait. */
static void test_freed_while_owing(void **state) {
    (void)state;
    skip_without_lanes();
    begin();
    uint8_t *bytes = bytes_of(MIB);
    fake_hash(HS_FILE, HS_MD5, bytes, MIB, "Hash.Large");
    int fd = file_of(bytes, MIB);
    struct sk_scanner *sc = scanner_flags(0);
    for (unsigned i = 0; i < OWED_OBJECTS_MAX; i++) {
        assert_int_equal(ahead(sc, fd, i), 1);
    }
    sk_scanner_free(sc);
    expect_none_mapped();
    file_close(&fd);
    mem_free(bytes);
}

/* Whichever call fails, the report is that of today or says what was not done; nothing stays. */
static void test_every_nth_failure(void **state) {
    (void)state;
    begin();
    uint8_t *bytes = bytes_of(LARGE);
    fake_hash(HS_FILE, HS_MD5, bytes, LARGE, "Hash.Large");
    bytes[7] ^= 1;
    int fd = file_of(bytes, LARGE);
    for (unsigned kind = 0; kind < 2; kind++) {
        uint64_t seen = 1, nth = 1;
        for (bool failed = true; failed; nth++) {
            struct sk_scanner *sc = scanner_flags(0);
            const struct sk_report *report = NULL;
            int owes = 0;
            (kind == 0 ? os_fault_set : mem_fault_set)(nth);
            int result = sk_scan_ahead(sc, fd, nth, &report, &owes);
            bool clean = result == SK_OK && report->verdict == SK_VERDICT_CLEAN;
            bool noted = result == SK_OK && report->note_count > 0;
            uint64_t tag = 0;
            int stands = 1;
            while (owes != 0 && sk_scan_settle(sc, 1, &tag, &stands) != 0) {
            }
            seen = kind == 0 ? os_fault_seen() : mem_fault_seen();
            (kind == 0 ? os_fault_set : mem_fault_set)(0);
            failed = seen >= nth;
            assert_true(clean || noted || result != SK_OK || stands == 0);
            sk_scanner_free(sc);
            expect_none_mapped();
        }
        assert_true(nth > (kind == 0 ? 4 : 3)); /* both ends are read, then it is mapped; windows */
    }
    file_close(&fd);
    mem_free(bytes);
}

/* Another process writes to the file all the time. */
static pid_t start_scribbler(int fd, size_t len) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        volatile uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        static const char *const WORDS[] = {"MZ", "7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07", "MSCF"};
        if (p == MAP_FAILED) {
            _exit(1);
        }
        for (uint64_t seed = 1;; seed++) {
            uint64_t r = seed * 0x9e3779b97f4a7c15u;
            const char *word = WORDS[r >> 62];
            for (size_t i = 0; word[i] != '\0'; i++) {
                p[(r >> 8) % (len - 8) + i] = (uint8_t)word[i];
            }
            p[(r >> 20) % len] = (uint8_t)(r >> 3);
        }
    }
    return pid;
}

static void test_a_file_that_is_written_to(void **state) {
    (void)state;
    begin();
    uint8_t *bytes = bytes_of(LARGE);
    fake_hash(HS_FILE, HS_MD5, bytes, LARGE, "Hash.Large");
    fake_hash(HS_FILE, HS_SHA256, bytes, LARGE, "Hash.Large.Too");
    int fd = file_of(bytes, LARGE);
    pid_t scribbler = start_scribbler(fd, LARGE);
    struct sk_scanner *sc = scanner_flags(0);
    uint64_t tag = 0;
    int stands = 0;
    for (unsigned i = 0; i < 12; i++) {
        const struct sk_report *report = NULL;
        int owes = 0;
        assert_int_equal(sk_scan_ahead(sc, fd, i, &report, &owes), SK_OK);
        assert_int_equal(report->finding_count, 0);
        while (owes != 0 && sk_scan_settle(sc, 1, &tag, &stands) != 0) {
        }
    }
    assert_int_equal(fake.glanced, 12);
    assert_int_equal(kill(scribbler, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(scribbler, &status, 0), scribbler);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    sk_scanner_free(sc);
    mem_free(bytes);
    file_close(&fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_without_the_guard), /* first */
        cmocka_unit_test(test_who_is_mapped),
        cmocka_unit_test(test_cut_short_while_searched),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_lost_digests_do_not_stand),
        cmocka_unit_test(test_freed_while_owing),
        cmocka_unit_test(test_every_nth_failure),
        cmocka_unit_test(test_a_file_that_is_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
