// SPDX-License-Identifier: Apache-2.0
/* Digests that were put off: what a report owes, when it stands, and that a second scan tells what
 * one scan with every digest in place would have told. */
#include "fixture.h"

#include <unistd.h>

#include "base/mem.h"
#include "crypto/lanes_kernel.h"
#include "engine/layer.h"
#include "engine/owed.h"
#include "engine/walk.h"
#include "os/file.h"

/* On a machine without lanes nothing is ever owed. */
static void skip_without_lanes(void) {
    if (lanes_kernel_best() == NULL) {
        print_message("[  note    ] no lanes on this machine: nothing is put off\n");
        skip();
    }
}

static int file_of(const void *bytes, size_t len) {
    int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    assert_false(sk_failed(file_write_all(fd, bytes, len)));
    return fd;
}

static int ahead(struct sk_scanner *sc, int fd, uint64_t tag) {
    const struct sk_report *report = NULL;
    int owes = 0;
    assert_int_equal(sk_scan_ahead(sc, fd, tag, &report, &owes), SK_OK);
    assert_int_equal(report->verdict, SK_VERDICT_CLEAN);
    return owes;
}

static const char CLEAN[] = "just as long as the evil one";
static const char EVIL[] = "an evil one known by digest.";

static void begin(void) {
    skip_without_lanes();
    fake_reset(NULL, 0);
    fake_hash(HS_FILE, HS_MD5, EVIL, strlen(EVIL), "Hash.Evil");
    fake_hash(HS_FILE, HS_SHA256, EVIL, strlen(EVIL), "Hash.Evil.Too");
}

static void test_only_the_known_one_falls(void **state) {
    (void)state;
    begin();
    struct sk_scanner *sc = scanner_flags(0);
    int fd[40];
    for (unsigned i = 0; i < 40; i++) {
        const char *text = i == 23 ? EVIL : CLEAN;
        fd[i] = file_of(text, strlen(text));
        assert_int_equal(ahead(sc, fd[i], 100 + i), 1);
    }
    uint64_t seen = 0, tag = 0;
    int stands = 0;
    while (sk_scan_settle(sc, 1, &tag, &stands) != 0) {
        assert_true(tag >= 100 && tag < 140);
        assert_int_equal(seen >> (tag - 100) & 1, 0);
        seen |= (uint64_t)1 << (tag - 100);
        assert_int_equal(stands, tag != 123);
        if (stands == 0) {
            const struct sk_report *report = NULL;
            assert_int_equal(sk_scan_fd(sc, fd[tag - 100], NULL, &report), SK_OK);
            expect_names(report, "Hash.Evil");
        }
    }
    assert_int_equal(seen, ((uint64_t)1 << 40) - 1);
    for (unsigned i = 0; i < 40; i++) {
        (void)close(fd[i]);
    }
    sk_scanner_free(sc);
}

/* Nothing owed: no signature of that size, tiny, or an algorithm the lanes do not have. */
static void test_what_owes_nothing(void **state) {
    (void)state;
    begin();
    fake_hash(HS_FILE, HS_SHA1, "sha-1 of this", 13, "Hash.Sha1");
    struct sk_scanner *sc = scanner_flags(0);
    static const char *const texts[] = {"another size", "tiny", "sha-1 of thaa"};
    for (unsigned i = 0; i < 3; i++) {
        int fd = file_of(texts[i], strlen(texts[i]));
        assert_int_equal(ahead(sc, fd, i), 0);
        (void)close(fd);
    }
    uint64_t tag = 0;
    int stands = 0;
    assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 0);
    sk_scanner_free(sc);
}

static void test_members_and_large_objects(void **state) {
    (void)state;
    begin();
    size_t len = 300 * 1024;
    uint8_t *large = mem_zalloc(1, len);
    assert_non_null(large);
    fake_hash(HS_FILE, HS_MD5, large, len, "Hash.Large");
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "a", CLEAN, 0);
    box_add_text(&box, FAKE_PLAIN, "b", EVIL, 0);
    struct sk_scanner *sc = scanner_flags(0);
    int boxed = file_of(box.data, box.len), big = file_of(large, len);
    large[len - 1] = 1;
    int other = file_of(large, len);
    assert_int_equal(ahead(sc, boxed, 1), 1);
    assert_int_equal(ahead(sc, big, 2), 1);
    assert_int_equal(ahead(sc, other, 3), 1);
    uint64_t tag = 0;
    int stands = 0;
    unsigned count = 0;
    for (; sk_scan_settle(sc, 1, &tag, &stands) != 0; count++) {
        assert_int_equal(stands, tag == 3);
    }
    assert_int_equal(count, 3);
    (void)close(boxed);
    (void)close(big);
    (void)close(other);
    mem_free(large);
    buf_release(&box);
    sk_scanner_free(sc);
}

static void test_a_changed_file_does_not_stand(void **state) {
    (void)state;
    begin();
    struct sk_scanner *sc = scanner_flags(0);
    int fd = file_of(CLEAN, strlen(CLEAN)), shrunk = file_of(CLEAN, strlen(CLEAN));
    assert_int_equal(ahead(sc, fd, 1), 1);
    assert_int_equal(ahead(sc, shrunk, 2), 1);
    usleep(20000); /* the clock of the file system is coarse */
    assert_false(sk_failed(file_write_all(fd, "more", 4)));
    assert_int_equal(ftruncate(shrunk, 3), 0);
    uint64_t tag = 0;
    int stands = 1;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 1);
        assert_int_equal(stands, 0);
    }
    (void)close(fd);
    (void)close(shrunk);
    sk_scanner_free(sc);
}

/* Beyond what may wait, digests are taken in place; and a scanner may be freed while some wait. */
static void test_too_many_objects(void **state) {
    (void)state;
    begin();
    struct sk_scanner *sc = scanner_flags(0);
    int fd = file_of(EVIL, strlen(EVIL));
    for (unsigned i = 0; i < OWED_OBJECTS_MAX; i++) {
        assert_int_equal(ahead(sc, fd, i), 1);
    }
    const struct sk_report *report = NULL;
    int owes = 0;
    assert_int_equal(sk_scan_ahead(sc, fd, 99, &report, &owes), SK_OK);
    assert_int_equal(owes, 0);
    expect_names(report, "Hash.Evil");
    (void)close(fd);
    sk_scanner_free(sc);
}

/* More members than may be kept: the first digests are taken while the object is scanned, and what
 * they told is not forgotten. */
static void more_members_than_fit(size_t len, unsigned count) {
    begin();
    uint8_t *member = mem_zalloc(1, len);
    assert_non_null(member);
    fake_hash(HS_FILE, HS_MD5, member, len, "Hash.Member");
    struct sk_scanner *sc = scanner_flags(0);
    for (unsigned evil = 0; evil < 2; evil++) {
        struct buf box = {0};
        box_begin(&box);
        for (unsigned i = 0; i < count; i++) {
            member[0] = evil == 1 && i == 0 ? 0 : 1;
            struct buf content = {.data = member, .len = len};
            box_add(&box, FAKE_PLAIN, "m", &content, 0);
        }
        int fd = file_of(box.data, box.len);
        assert_int_equal(ahead(sc, fd, evil), 1);
        uint64_t tag = 9;
        int stands = 9;
        assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 1);
        assert_int_equal(tag, evil);
        assert_int_equal(stands, evil == 0);
        assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 0);
        (void)close(fd);
        buf_release(&box);
    }
    mem_free(member);
    sk_scanner_free(sc);
}

static void test_no_room(void **state) {
    (void)state;
    more_members_than_fit((size_t)700 * 1024, 12);
}

static void test_no_job_left(void **state) {
    (void)state;
    more_members_than_fit(64, OWED_JOBS_MAX + 100);
}

/* Members too large for a copy, in memory and in the spool: their digests are taken at once, with
 * what is owed beside them, and are as true as any. */
static void large_members(size_t len) {
    begin();
    uint8_t *member = mem_zalloc(1, len);
    assert_non_null(member);
    fake_hash(HS_FILE, HS_MD5, member, len, "Hash.Large");
    fake_hash(HS_FILE, HS_SHA256, member, len, "Hash.Large.Too");
    struct sk_scanner *sc = scanner_flags(0);
    int clean = file_of(CLEAN, strlen(CLEAN)), stands = 9;
    uint64_t tag = 9;
    for (int evil = 0; evil < 2; evil++) {
        assert_int_equal(ahead(sc, clean, 7), 1);
        member[len - 1] = evil == 1 ? 0 : 1;
        struct buf box = {0}, content = {.data = member, .len = len};
        box_begin(&box);
        box_add(&box, FAKE_PLAIN, "m", &content, 0);
        int fd = file_of(box.data, box.len);
        assert_int_equal(ahead(sc, fd, 8), evil);
        for (int i = 0; i < 1 + evil; i++) {
            assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 1);
            assert_int_equal(stands, tag == 7);
        }
        assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 0);
        (void)close(fd);
        buf_release(&box);
    }
    (void)close(clean);
    mem_free(member);
    sk_scanner_free(sc);
}

static void test_large_members(void **state) {
    (void)state;
    large_members(OWED_COPY_EACH + 1);
    large_members(STORE_MEMORY_BYTES + 4097);
}

/* A container of 4 to 8 MiB gives its memory back before it is opened: its members are read through
 * the descriptor, and are the same. */
static void test_container_that_waits(void **state) {
    (void)state;
    begin();
    size_t len = (size_t)5 << 20;
    uint8_t *large = mem_zalloc(1, len);
    assert_non_null(large);
    struct buf box = {0}, content = {.data = large, .len = len};
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "first", CLEAN, 0);
    box_add(&box, FAKE_PLAIN, "large", &content, 0);
    box_add_text(&box, FAKE_PLAIN, "last", EVIL, 0);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *report = scan_buf(sc, &box);
    expect_names(report, "Hash.Evil");
    uint64_t bytes = report->bytes_scanned, layers = report->layers;
    int fd = file_of(box.data, box.len);
    assert_int_equal(sk_scan_fd(sc, fd, NULL, &report), SK_OK);
    expect_names(report, "Hash.Evil");
    assert_string_equal(report->findings[0].layer, "last");
    assert_int_equal(report->note_count, 0);
    assert_true(report->bytes_scanned == bytes && report->layers == layers && layers == 4);
    (void)close(fd);
    sk_scanner_free(sc);
    buf_release(&box);
    mem_free(large);
}

/* Sections: of a small executable (copied), and a large one far inside an object (read again). */
static void test_sections(void **state) {
    (void)state;
    begin();
    fake_hash(HS_SECTION, HS_MD5, "0123456789abcdef", 16, "Section.X");
    struct sk_scanner *sc = scanner_flags(0);
    static const char *const texts[] = {"EXE10123456789abcdef exe", "EXE10123456789abcdeg exe"};
    int fd[3], stands = 1;
    uint64_t tag = 0;
    for (unsigned i = 0; i < 2; i++) {
        fd[i] = file_of(texts[i], strlen(texts[i]));
        assert_int_equal(ahead(sc, fd[i], i), 1);
    }
    size_t len = 600 * 1024, off = 100 * 1024 + 1;
    uint8_t *bytes = mem_zalloc(1, len);
    assert_non_null(bytes);
    bytes[off] = 1;
    bytes[len - 2] = 2;
    fake_hash(HS_SECTION, HS_MD5, bytes + off, len - off - 1, "Section.Far");
    fd[2] = file_of(bytes, len);
    struct stat st;
    assert_int_equal(fstat(fd[2], &st), 0);
    assert_true(owed_begin(sc->owed, fd[2], &st, 2));
    struct layer *root = layer_new(sc, NULL);
    sk_source_init_mem(&root->src, bytes, len);
    struct owed_ask ask = {&root->src, off, len - off - 1, HS_SECTION, CRYPTO_MASK(CRYPTO_MD5)};
    assert_true(owed_put(sc, root, &ask));
    assert_true(owed_end(sc->owed));
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 1);
        assert_int_equal(stands, tag == 1);
    }
    const struct sk_report *report = NULL;
    assert_int_equal(sk_scan_fd(sc, fd[0], NULL, &report), SK_OK);
    expect_names(report, "Section.X");
    for (unsigned i = 0; i < 3; i++) {
        (void)close(fd[i]);
    }
    mem_free(bytes);
    sk_scanner_free(sc);
}

/* What is copied is what was searched, what is read again is what the file holds: here they differ.
 */
static void test_which_sections_are_copied(void **state) {
    (void)state;
    static const struct {
        size_t len;
        bool copied;
    } CASE[] = {{64, true}, {100 * 1024, true}, {256 * 1024, true}, {256 * 1024 + 1, false}};
    const size_t size = 600 * 1024, off = 10;
    uint8_t *bytes = mem_zalloc(1, size);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof(CASE) / sizeof(CASE[0]); i++) {
        begin();
        struct sk_scanner *sc = scanner_flags(0);
        memset(bytes, 'f', size);
        int fd = file_of(bytes, size);
        memset(bytes, 'm', size);
        fake_hash(HS_SECTION, HS_MD5, bytes + off, CASE[i].len, "Section.Searched");
        struct stat st;
        assert_int_equal(fstat(fd, &st), 0);
        assert_true(owed_begin(sc->owed, fd, &st, 1));
        struct layer *root = layer_new(sc, NULL);
        sk_source_init_mem(&root->src, bytes, size);
        struct owed_ask ask = {&root->src, off, CASE[i].len, HS_SECTION, CRYPTO_MASK(CRYPTO_MD5)};
        assert_true(owed_put(sc, root, &ask));
        assert_true(owed_end(sc->owed));
        uint64_t tag = 0;
        int stands = 9;
        assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 1);
        assert_int_equal(stands, !CASE[i].copied);
        (void)close(fd);
        sk_scanner_free(sc);
    }
    mem_free(bytes);
}

/* Room is made in the time of the object that needs it. */
static void test_no_room_without_time(void **state) {
    (void)state;
    begin();
    struct sk_scanner *sc = scanner_flags(0);
    int fd = file_of(CLEAN, strlen(CLEAN));
    assert_int_equal(ahead(sc, fd, 1), 1);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(owed_begin(sc->owed, fd, &st, 2));
    struct layer *root = layer_new(sc, NULL), *member = layer_new(sc, root);
    uint8_t *bytes = mem_zalloc(1, OWED_COPY_EACH);
    assert_non_null(bytes);
    sk_source_init_mem(&member->src, bytes, OWED_COPY_EACH);
    budget_start(&sc->budget);
    struct owed_ask ask = {&member->src, 0, OWED_COPY_EACH, HS_FILE, CRYPTO_MASK(CRYPTO_MD5)};
    for (size_t held = 0; held <= OWED_HELD_BYTES; held += OWED_COPY_EACH) {
        assert_true(owed_put(sc, member, &ask));
    }
    fake.clock_ms += 1000ull * 3600;
    assert_false(owed_put(sc, member, &ask));
    assert_true(sc->stop);
    assert_true(owed_end(sc->owed));
    mem_free(bytes);
    sk_scanner_free(sc);
    (void)close(fd);
}

/* Before something large: no copy is kept after that, so nothing of them is owed. */
static void test_room_is_made(void **state) {
    (void)state;
    begin();
    struct sk_scanner *sc = scanner_flags(0);
    int fd = file_of(CLEAN, strlen(CLEAN));
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(owed_begin(sc->owed, fd, &st, 2));
    struct layer *root = layer_new(sc, NULL), *member = layer_new(sc, root);
    sk_source_init_mem(&member->src, (const uint8_t *)CLEAN, strlen(CLEAN));
    budget_start(&sc->budget);
    struct owed_ask ask = {&member->src, 0, strlen(CLEAN), HS_FILE, CRYPTO_MASK(CRYPTO_MD5)};
    owed_make_room(sc, member);
    for (unsigned i = 0; i < 40; i++) {
        assert_true(owed_put(sc, member, &ask));
    }
    assert_true(owed_waits(sc->owed));
    owed_make_room(sc, member);
    assert_false(owed_waits(sc->owed));
    assert_false(owed_end(sc->owed));
    sk_scanner_free(sc);
    (void)close(fd);
}

/* ---- lent bytes ------------------------------------------------------------------------------ */

#define LENT_BYTES (OWED_COPY_EACH + 1)

/* An object that owes, and its only member, LENT_BYTES of `fill` in a store. */
struct lent {
    struct sk_scanner *sc;
    int fd;
    struct layer *root, *member;
};

static void lent_begin(struct lent *l, enum sk_type container, uint8_t fill) {
    struct stat st;
    begin();
    l->sc = scanner_flags(0);
    l->fd = file_of(CLEAN, strlen(CLEAN));
    assert_int_equal(fstat(l->fd, &st), 0);
    assert_true(owed_begin(l->sc->owed, l->fd, &st, 2));
    budget_start(&l->sc->budget);
    l->root = layer_new(l->sc, NULL);
    l->root->type = container;
    l->member = layer_new(l->sc, l->root);
    l->member->type = SK_TYPE_TEXT_ASCII;
    struct store *store = &l->member->store;
    store_begin(store, &l->sc->pool);
    while (store->len < LENT_BYTES) {
        uint8_t *room;
        size_t cap, left = LENT_BYTES - (size_t)store->len;
        assert_false(sk_failed(store_room(store, &room, &cap)));
        cap = cap < left ? cap : left;
        memset(room, fill, cap);
        assert_false(sk_failed(store_put(store, cap)));
    }
    layer_open_store(l->member);
}

static void lent_put(struct lent *l) {
    struct owed_ask ask = {&l->member->src, 0, LENT_BYTES, HS_FILE, CRYPTO_MASK(CRYPTO_MD5)};
    assert_true(owed_put(l->sc, l->member, &ask));
}

static void lent_end(struct lent *l) {
    sk_scanner_free(l->sc);
    (void)close(l->fd);
}

/* The layer is done, others write over what memory there is: the digest is that of its bytes. */
static void test_lent_bytes_outlive_the_layer(void **state) {
    (void)state;
    MEM_AUTO uint8_t *evil = mem_alloc(LENT_BYTES);
    assert_non_null(evil);
    memset(evil, 'e', LENT_BYTES);
    for (int known = 0; known < 2; known++) {
        struct lent l, other;
        lent_begin(&l, SK_TYPE_GZIP, known ? 'e' : 'c');
        fake_hash(HS_FILE, HS_MD5, evil, LENT_BYTES, "Hash.Large");
        lent_put(&l);
        assert_true(owed_waits(l.sc->owed));
        size_t held = l.sc->pool.held;
        layer_drop(l.sc, l.member);
        assert_true(owed_waits(l.sc->owed) && l.sc->pool.held + LENT_BYTES <= held);
        struct store store;
        store_begin(&store, &l.sc->pool);
        store_expect(&store, LENT_BYTES, LENT_BYTES);
        memset(store.buf.ptr, 'x', store.buf.cap);
        store_release(&store);
        assert_true(owed_end(l.sc->owed));
        uint64_t tag = 0;
        int stands = 9;
        assert_int_equal(sk_scan_settle(l.sc, 1, &tag, &stands), 1);
        assert_int_equal(tag, 2);
        assert_int_equal(stands, !known);
        lent_end(&l);
        lent_begin(&other, SK_TYPE_GZIP,
                   'c'); /* given up with a digest that waits: nothing leaks */
        lent_put(&other);
        layer_drop(other.sc, other.member);
        lent_end(&other);
    }
}

/* Digests that are taken at once, because the bytes may not be lent. */
static void test_what_is_not_lent(void **state) {
    (void)state;
    static const struct {
        enum sk_type container, type;
        size_t other_bytes; /* that the scanner holds */
        bool lent;
    } ROWS[] = {{SK_TYPE_GZIP, SK_TYPE_TEXT_ASCII, 0, true},
                {SK_TYPE_ZIP, SK_TYPE_TEXT_ASCII, 0, false},
                {SK_TYPE_GZIP, SK_TYPE_TAR, 0, false},
                {SK_TYPE_GZIP, SK_TYPE_TEXT_ASCII, OWED_MEMORY_BYTES - 2 * OWED_COPY_EACH, false}};
    for (unsigned i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct lent l;
        lent_begin(&l, ROWS[i].container, 'c');
        l.member->type = ROWS[i].type;
        l.sc->root.buf.cap = ROWS[i].other_bytes;
        lent_put(&l);
        assert_int_equal(owed_waits(l.sc->owed), ROWS[i].lent);
        l.sc->root.buf.cap = 0;
        layer_drop(l.sc, l.member);
        lent_end(&l);
    }
}

/* A layer that waits moves its bytes. */
static void test_bytes_that_move_are_returned(void **state) {
    (void)state;
    struct lent l;
    lent_begin(&l, SK_TYPE_GZIP, 'c');
    lent_put(&l);
    layer_keep(l.sc, l.member);
    assert_false(owed_waits(l.sc->owed));
    l.sc->pending = NULL;
    layer_drop(l.sc, l.member);
    lent_end(&l);
}

static void test_lent_bytes_make_way(void **state) {
    (void)state;
    struct lent l;
    lent_begin(&l, SK_TYPE_GZIP, 'c');
    lent_put(&l);
    layer_drop(l.sc, l.member);
    owed_make_way(l.sc, l.root, OWED_COPY_EACH);
    walk_members(l.sc, l.root);
    assert_true(owed_waits(l.sc->owed));
    owed_make_way(l.sc, l.root, OWED_MEMORY_BYTES - OWED_COPY_EACH);
    assert_false(owed_waits(l.sc->owed));
    lent_end(&l);
    lent_begin(&l, SK_TYPE_GZIP, 'c');
    lent_put(&l);
    layer_drop(l.sc, l.member);
    l.root->type = SK_TYPE_XZ; /* its decoder has memory of its own */
    walk_members(l.sc, l.root);
    assert_false(owed_waits(l.sc->owed));
    lent_end(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lent_bytes_outlive_the_layer),
        cmocka_unit_test(test_what_is_not_lent),
        cmocka_unit_test(test_bytes_that_move_are_returned),
        cmocka_unit_test(test_lent_bytes_make_way),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_no_job_left),
        cmocka_unit_test(test_large_members),
        cmocka_unit_test(test_room_is_made),
        cmocka_unit_test(test_only_the_known_one_falls),
        cmocka_unit_test(test_what_owes_nothing),
        cmocka_unit_test(test_members_and_large_objects),
        cmocka_unit_test(test_container_that_waits),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_which_sections_are_copied),
        cmocka_unit_test(test_no_room_without_time),
        cmocka_unit_test(test_a_changed_file_does_not_stand),
        cmocka_unit_test(test_too_many_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
