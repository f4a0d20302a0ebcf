// SPDX-License-Identifier: Apache-2.0
/*
 * The readers over libarchive, and RPM: golden archives of real packers whole, cut, corrupted, with
 * failing allocations and reads, stopped, and where no file can be opened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/late.h"
#include "base/mem.h"
#include "format/libarchive.h"
#include "golden.h"
#include "walktest.h"

#define SK_FORMAT(id) extern const struct sk_format sk_format_##id;
SK_FORMAT(ar)
SK_FORMAT(cab)
SK_FORMAT(cpio)
SK_FORMAT(iso)
SK_FORMAT(lha)
SK_FORMAT(rar)
SK_FORMAT(rpm)
SK_FORMAT(sevenzip)
SK_FORMAT(sfx)
SK_FORMAT(tar)
SK_FORMAT(xar)
#undef SK_FORMAT

struct golden {
    const struct sk_format *format;
    const char *path;
    enum sk_type type;
    const char *note; /* word of the one expected note, or "" */
    bool known;
    size_t members;
    uint64_t bytes;
    uint32_t crc_sum;
};

#define GOLDEN(format, file, type, note, known, members, bytes, crc)                               \
    {&sk_format_##format,                                                                          \
     #format "/" file ".b64",                                                                      \
     SK_TYPE_##type,                                                                               \
     note,                                                                                         \
     known,                                                                                        \
     members,                                                                                      \
     bytes,                                                                                        \
     crc},
static const struct golden GOLDENS[] = {
#include "archives.def"
};
#undef GOLDEN
#define GOLDEN_COUNT (sizeof(GOLDENS) / sizeof(GOLDENS[0]))

struct tally {
    size_t members;
    uint64_t bytes;
    uint32_t crc_sum;
    unsigned notes; /* kinds that make the report incomplete */
};

static struct tally tally_of(const struct walktest *t) {
    struct tally sum = {0};
    for (size_t i = 0; i < t->child_count; i++) {
        sum.members += t->child[i].got_bytes > 0;
        sum.bytes += t->child[i].got_bytes;
        sum.crc_sum += t->child[i].got_crc32;
    }
    for (int i = 0; i < SK_NOTE_COUNT; i++) {
        sum.notes += t->note[i] > 0 && sk_note_incomplete((enum sk_note)i);
    }
    return sum;
}

static bool has_only_note(const struct walktest *t, const char *word) {
    bool found = word[0] == 0;
    for (int i = 0; i < SK_NOTE_COUNT; i++) {
        bool wanted = strcmp(sk_note_word((enum sk_note)i), word) == 0;
        if (t->note[i] > 0 && !wanted) {
            return false;
        }
        found = found || (wanted && t->note[i] > 0);
    }
    return found;
}

static void expect_golden(const struct golden *g, const struct walktest *t, sk_err err) {
    struct tally sum = tally_of(t);
    bool same = !g->known ||
                (sum.members == g->members && sum.bytes == g->bytes && sum.crc_sum == g->crc_sum);
    if (sk_failed(err) || !same || !has_only_note(t, g->note)) {
        fail_msg("%s: %s, %zu members (%zu), %llu bytes (%llu), last note: %s", g->path,
                 sk_err_text(err), sum.members, g->members, (unsigned long long)sum.bytes,
                 (unsigned long long)g->bytes, t->last_detail);
    }
}

static void test_golden(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct golden *g = &GOLDENS[i];
        size_t len;
        uint8_t *bytes = golden_load(g->path, &len);
        enum sk_type type = g->format->type;
        assert_true(walktest_bid(g->format, bytes, len, &type) >= SK_BID_WALK);
        assert_int_equal(type, g->type);
        for (int windowed = 0; windowed < 2; windowed++) {
            struct walktest t;
            walktest_init(&t);
            t.read_chunk_bytes = windowed ? 100 : t.read_chunk_bytes;
            sk_err err = windowed ? walktest_run_windowed(&t, g->format, bytes, len)
                                  : walktest_run(&t, g->format, bytes, len);
            expect_golden(g, &t, err);
            walktest_release(&t);
        }
        free(bytes);
    }
}

static void test_names(void **state) {
    (void)state;
    assert_true(sk_libarchive_load());
    static const struct {
        const struct sk_format *format;
        const char *path;
        const char *name;
        const char *content;
    } cases[] = {
        {&sk_format_tar, "tar/pax.tar.b64", "a.txt", "hello\n"},
        {&sk_format_cpio, "cpio/crc.cpio.b64", "a.txt", "hello\n"},
        {&sk_format_cpio, "cpio/bin-be.cpio.b64", "a.txt", "hello\n"},
        {&sk_format_sevenzip, "sevenzip/name.7z.b64", "\xe6\x97\xa5\xe6\x9c\xac.txt", "utf-8\n"},
        {&sk_format_rar, "rar/stored5.rar.b64", "a.txt", "hello\n"},
        {&sk_format_cab, "cab/mszip.cab.b64", "a.txt", "hello\n"},
        {&sk_format_iso, "iso/joliet-rock.iso.b64", "a.txt", "hello\n"},
        {&sk_format_lha, "lha/level2.lzh.b64", "a.txt", "hello\n"},
        {&sk_format_xar, "xar/gzip.xar.b64", "a.txt", "hello\n"},
        {&sk_format_ar, "ar/gnu.a.b64", "a-name-longer-than-fifteen.txt", "long name\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len;
        uint8_t *bytes = golden_load(cases[i].path, &len);
        struct walktest t;
        walktest_init(&t);
        assert_false(sk_failed(walktest_run(&t, cases[i].format, bytes, len)));
        if (!walktest_has(&t, cases[i].name, cases[i].content, strlen(cases[i].content))) {
            fail_msg("%s: no %s", cases[i].path, cases[i].name);
        }
        walktest_release(&t);
        free(bytes);
    }
}

static void test_encrypted_members_have_no_data(void **state) {
    (void)state;
    static const char *const paths[] = {"sevenzip/encrypted.7z.b64", "rar/encrypted3.rar.b64"};
    for (size_t i = 0; i < 2; i++) {
        size_t len;
        uint8_t *bytes = golden_load(paths[i], &len);
        struct walktest t;
        walktest_init(&t);
        assert_false(
            sk_failed(walktest_run(&t, i == 0 ? &sk_format_sevenzip : &sk_format_rar, bytes, len)));
        assert_true(t.child_count > 0);
        for (size_t c = 0; c < t.child_count; c++) {
            assert_true(t.child[c].encrypted || t.child[c].got_bytes == 0);
            assert_true(!t.child[c].encrypted || !t.child[c].has_data);
        }
        walktest_release(&t);
        free(bytes);
    }
}

static void test_rpm_payload(void **state) {
    (void)state;
    size_t len;
    uint8_t *bytes = golden_load("rpm/noarch.rpm.b64", &len);
    struct walktest t;
    walktest_init(&t);
    assert_false(sk_failed(walktest_run(&t, &sk_format_rpm, bytes, len)));
    assert_int_equal(t.child_count, 1);
    assert_true(t.child[0].is_slice);
    assert_memory_equal(t.child[0].head, "\x1f\x8b\x08", 3);
    walktest_release(&t);
    bytes[96] ^= 1; /* magic of the first header */
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_rpm, bytes, len).code, SK_E_FORMAT);
    walktest_release(&t);
    free(bytes);
}

static void test_sfx_finds(void **state) {
    (void)state;
    static const struct {
        const char *path;
        size_t count;
        const char *magic[2];
    } cases[] = {
        {"sfx/sevenzip.exe.b64", 1, {"7z\xbc\xaf", NULL}},
        {"sfx/rar.elf.b64", 1, {"Rar!", NULL}},
        {"sfx/cab-in-resources.exe.b64", 1, {"MSCF", NULL}},
        {"sfx/cab-and-rar.exe.b64", 2, {"MSCF", "Rar!"}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len;
        uint8_t *bytes = golden_load(cases[i].path, &len);
        struct walktest t;
        walktest_init(&t);
        assert_false(sk_failed(walktest_run_windowed(&t, &sk_format_sfx, bytes, len)));
        assert_int_equal(t.child_count, cases[i].count);
        for (size_t k = 0; k < t.child_count; k++) {
            assert_true(t.child[k].is_slice);
            assert_memory_equal(t.child[k].head, cases[i].magic[k], 4);
        }
        walktest_release(&t);
        free(bytes);
    }
}

/* A program without room for an archive is not walked at all. */
static void test_sfx_leaves_plain_programs(void **state) {
    (void)state;
    size_t len;
    uint8_t *bytes = golden_load("sfx/rar.elf.b64", &len);
    enum sk_type type;
    assert_int_equal(walktest_bid(&sk_format_sfx, bytes, 256, &type), 0);
    assert_int_equal(walktest_bid(&sk_format_sfx, bytes, len, &type), SK_BID_WALK);
    free(bytes);
}

/* Cut anywhere: no crash, and nothing lost without a word. A TAR, CPIO or AR archive cut between
 * two members cannot be told from a shorter one; every member it gives must then be whole. */
static void test_truncated(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct golden *g = &GOLDENS[i];
        size_t len;
        uint8_t *bytes = golden_load(g->path, &len);
        for (size_t part = 0; part < 16; part++) {
            struct walktest t;
            walktest_init(&t);
            sk_err err = walktest_run_windowed(&t, g->format, bytes, len * part / 16);
            assert_true(!sk_failed(err) || err.code == SK_E_FORMAT);
            struct tally sum = tally_of(&t);
            for (size_t c = 0; c < t.child_count && sum.notes == 0 && !sk_failed(err); c++) {
                const struct walktest_child *child = &t.child[c];
                if (!child->is_slice && child->size != SK_SIZE_UNKNOWN &&
                    child->got_bytes != child->size) {
                    fail_msg("%s cut to %zu/16: %s is short, without a note", g->path, part,
                             child->name);
                }
            }
            walktest_release(&t);
        }
        free(bytes);
    }
}

/* These have a directory or an end mark: no cut may pass for a whole archive. */
static void test_truncated_is_told(void **state) {
    (void)state;
    static const char *const told[] = {"sevenzip/",   "xar/",      "cab/",
                                       "rar/stored5", "iso/plain", "rpm/"};
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct golden *g = &GOLDENS[i];
        bool wanted = false;
        for (size_t k = 0; k < sizeof(told) / sizeof(told[0]); k++) {
            wanted = wanted || strncmp(g->path, told[k], strlen(told[k])) == 0;
        }
        size_t len;
        uint8_t *bytes = golden_load(g->path, &len);
        for (size_t part = 0; wanted && g->known && part < 16; part++) {
            struct walktest t;
            walktest_init(&t);
            sk_err err = walktest_run(&t, g->format, bytes, len * part / 16);
            struct tally sum = tally_of(&t);
            if (!sk_failed(err) && sum.notes == 0 && sum.bytes != g->bytes) {
                fail_msg("%s cut to %zu/16 passes for whole", g->path, part);
            }
            walktest_release(&t);
        }
        free(bytes);
    }
}

static void test_corrupted(void **state) {
    (void)state;
    uint32_t seed = 7;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct golden *g = &GOLDENS[i];
        size_t len;
        uint8_t *bytes = golden_load(g->path, &len);
        for (int round = 0; round < 24; round++) {
            uint8_t *bad = malloc(len);
            assert_non_null(bad);
            memcpy(bad, bytes, len);
            size_t within = round % 2 == 0 ? len : (len < 512 ? len : 512);
            for (int k = 0; k < 1 + round % 3; k++) {
                seed = seed * 1664525 + 1013904223;
                bad[(seed >> 8) % within] ^= (uint8_t)(1 + (seed >> 24) % 255);
            }
            struct walktest t;
            walktest_init(&t);
            t.child_max_bytes = (uint64_t)1 << 20;
            t.stop_after_ticks = 200000;
            sk_err err = walktest_run(&t, g->format, bad, len);
            assert_true(err.code != SK_E_INTERNAL && err.code != SK_E_IO);
            walktest_release(&t);
            free(bad);
        }
        free(bytes);
    }
}

static void test_allocation_failures(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct golden *g = &GOLDENS[i];
        size_t len;
        uint8_t *bytes = golden_load(g->path, &len);
        for (uint64_t nth = 1;; nth++) {
            struct walktest t;
            walktest_init(&t);
            mem_fault_set(nth);
            sk_err err = walktest_run_windowed(&t, g->format, bytes, len);
            bool all = mem_fault_seen() < nth;
            mem_fault_set(0);
            if (all) {
                expect_golden(g, &t, err);
            } else {
                assert_int_equal(err.code, SK_E_NOMEM);
            }
            walktest_release(&t);
            if (all) {
                break;
            }
        }
        free(bytes);
    }
}

static void test_stop(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct golden *g = &GOLDENS[i];
        if (g->members < 2 || !g->known) {
            continue;
        }
        size_t len;
        uint8_t *bytes = golden_load(g->path, &len);
        struct walktest t;
        walktest_init(&t);
        t.stop_after_children = 1;
        assert_int_equal(walktest_run(&t, g->format, bytes, len).code, SK_E_STOP);
        assert_int_equal(t.child_count, 1);
        walktest_release(&t);
        for (uint64_t ticks = 1; ticks < 8; ticks++) {
            walktest_init(&t);
            t.stop_after_ticks = ticks;
            sk_err err = walktest_run(&t, g->format, bytes, len);
            assert_true(err.code == SK_E_STOP || t.ticks <= ticks);
            walktest_release(&t);
        }
        free(bytes);
    }
}

struct failing_source {
    const uint8_t *bytes;
    uint64_t fail_from;
};

static sk_err failing_read(void *ctx, uint64_t off, void *buf, size_t len) {
    struct failing_source *f = ctx;
    if (off + len > f->fail_from) {
        return sk_fail(SK_E_IO);
    }
    memcpy(buf, f->bytes + off, len);
    return sk_ok();
}

static void test_read_failure_is_no_damage(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct golden *g = &GOLDENS[i];
        size_t len;
        uint8_t *bytes = golden_load(g->path, &len);
        struct failing_source f = {bytes, 0};
        struct sk_source src;
        sk_source_init_read(&src, len, failing_read, &f);
        struct walktest t;
        walktest_init(&t);
        assert_int_equal(walktest_run_source(&t, g->format, &src).code, SK_E_IO);
        walktest_release(&t);
        sk_source_release(&src);
        free(bytes);
    }
}

/* In a child where every open is refused: exit status 0 when all golden archives read the same. */
static int read_all_without_files(void) {
    uint8_t *bytes[GOLDEN_COUNT];
    size_t len[GOLDEN_COUNT];
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        bytes[i] = golden_load(GOLDENS[i].path, &len[i]);
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    static const int calls[] = {SCMP_SYS(open),   SCMP_SYS(openat), SCMP_SYS(openat2),
                                SCMP_SYS(socket), SCMP_SYS(execve), SCMP_SYS(clone)};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls[i], 0) != 0) {
            return 2;
        }
    }
    if (seccomp_load(filter) != 0 || fopen("/dev/null", "r") != NULL) {
        return 3;
    }
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct walktest t;
        walktest_init(&t);
        sk_err err = walktest_run(&t, GOLDENS[i].format, bytes[i], len[i]);
        struct tally sum = tally_of(&t);
        bool same = !GOLDENS[i].known ||
                    (sum.members == GOLDENS[i].members && sum.crc_sum == GOLDENS[i].crc_sum);
        if (sk_failed(err) || !same || !has_only_note(&t, GOLDENS[i].note)) {
            (void)fprintf(stderr, "%s: %s, %zu members\n", GOLDENS[i].path, sk_err_text(err),
                          sum.members);
            return 1;
        }
        walktest_release(&t);
    }
    return 0;
}

/* A process that closed itself in too early says so, once, and nothing else is made of it. */
static int lacks_the_library(void) {
    late_seal();
    return !sk_libarchive_load() && late_lacks() && late_take_lack() && !late_take_lack() ? 0 : 1;
}

static void run_without_files(bool prepared, const char *locale) {
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setlocale(LC_ALL, locale);
        if (prepared && !sk_libarchive_load()) {
            _exit(4);
        }
        _exit(prepared ? read_all_without_files() : lacks_the_library());
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* First of all: no other test must have loaded tables into the process. */
static void test_no_file_can_be_opened(void **state) {
    (void)state;
    run_without_files(false, "C");
    run_without_files(true, "C");
    run_without_files(true, "C.UTF-8");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_file_can_be_opened),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_encrypted_members_have_no_data),
        cmocka_unit_test(test_rpm_payload),
        cmocka_unit_test(test_sfx_finds),
        cmocka_unit_test(test_sfx_leaves_plain_programs),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_truncated_is_told),
        cmocka_unit_test(test_corrupted),
        cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_read_failure_is_no_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
