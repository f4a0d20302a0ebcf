// SPDX-License-Identifier: Apache-2.0
/*
 * 7z archives written byte by byte: what no packer writes. Those that packers write are golden
 * (test_archives.c), and compared with bsdtar (tests/integ/test_libarchive_formats.py).
 *
 *     start header | packed streams | directory: streams, files
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/codec.h"
#include "walktest.h"

extern const struct sk_format sk_format_sevenzip;

#define BOX_BYTES ((size_t)1 << 16)
#define START_BYTES 32u
#define MANY (UINT64_C(1) << 60)

/* ---- a writer ---- */

struct box {
    uint8_t p[BOX_BYTES];
    size_t len;
};

static void put(struct box *b, const void *bytes, size_t len) {
    assert_true(len <= sizeof(b->p) - b->len);
    memcpy(b->p + b->len, bytes, len);
    b->len += len;
}

static void byte(struct box *b, uint8_t value) {
    put(b, &value, 1);
}

static void word(struct box *b, uint32_t value) {
    uint8_t le[4];
    sk_store_u32le(le, value);
    put(b, le, sizeof(le));
}

static void number(struct box *b, uint64_t value) {
    uint8_t le[8];
    sk_store_u64le(le, value);
    if (value < 0x80) {
        byte(b, (uint8_t)value);
    } else {
        byte(b, 0xff);
        put(b, le, sizeof(le));
    }
}

static void numbers(struct box *b, uint8_t type, const uint64_t *values, size_t count) {
    byte(b, type);
    for (size_t i = 0; i < count; i++) {
        number(b, values[i]);
    }
}

/* What the streams of an archive say. */
struct streams {
    uint64_t pack_off;
    uint64_t pack_size[8];
    size_t pack_count;
    const char *folders; /* as in the file */
    size_t folders_len;
    uint64_t folder_count;
    uint64_t coder_size[16];
    size_t coder_count;
    uint64_t count[8]; /* of streams, for each folder */
    uint64_t size[16];
    size_t size_count;
    uint32_t crc[16];
    size_t crc_count;
};

#define COPY "\x01\x01\x00" /* one coder, one byte of name */
#define FOLDERS(text) .folders = (text), .folders_len = sizeof(text) - 1

static void put_streams(struct box *h, const struct streams *s) {
    byte(h, 6);
    number(h, s->pack_off);
    number(h, s->pack_count);
    numbers(h, 9, s->pack_size, s->pack_count);
    byte(h, 0);
    byte(h, 7);
    byte(h, 11);
    number(h, s->folder_count);
    byte(h, 0);
    put(h, s->folders, s->folders_len);
    numbers(h, 12, s->coder_size, s->coder_count);
    byte(h, 0);
    byte(h, 8);
    numbers(h, 13, s->count, (size_t)(s->folder_count < 8 ? s->folder_count : 8));
    numbers(h, 9, s->size, s->size_count);
    if (s->crc_count > 0) {
        byte(h, 10);
        byte(h, 1);
        for (size_t i = 0; i < s->crc_count; i++) {
            word(h, s->crc[i]);
        }
    }
    byte(h, 0);
    byte(h, 0);
}

/* names: ASCII, a NUL behind each. */
static void put_names(struct box *h, const char *names, size_t len) {
    byte(h, 17);
    number(h, 1 + 2 * len);
    byte(h, 0);
    for (size_t i = 0; i < len; i++) {
        byte(h, (uint8_t)names[i]);
        byte(h, 0);
    }
}

struct archive {
    struct box packed;
    struct box header;
    uint8_t *bytes;
    size_t len;
};

static void begin(struct archive *a, const void *packed, size_t len, const struct streams *s) {
    a->packed.len = 0;
    a->header.len = 0;
    put(&a->packed, packed, len);
    put(&a->header, "\x01\x04", 2);
    put_streams(&a->header, s);
}

/* The whole, with right checksums. */
static void finish_at(struct archive *a, const uint8_t *header, size_t header_len) {
    a->len = START_BYTES + a->packed.len + header_len;
    a->bytes = malloc(a->len);
    assert_non_null(a->bytes);
    uint8_t *start = a->bytes;
    memcpy(start, "7z\xbc\xaf\x27\x1c\0\4", 8);
    sk_store_u64le(start + 12, a->packed.len);
    sk_store_u64le(start + 20, header_len);
    sk_store_u32le(start + 28, sk_crc32(0, header, header_len));
    sk_store_u32le(start + 8, sk_crc32(0, start + 12, 20));
    memcpy(start + START_BYTES, a->packed.p, a->packed.len);
    if (header_len > 0) {
        memcpy(start + START_BYTES + a->packed.len, header, header_len);
    }
}

static void finish(struct archive *a) {
    byte(&a->header, 0);
    byte(&a->header, 0);
    finish_at(a, a->header.p, a->header.len);
}

/* files(5), so many, of these names. */
static void files(struct archive *a, uint64_t count, const char *names, size_t len) {
    byte(&a->header, 5);
    number(&a->header, count);
    put_names(&a->header, names, len);
}

static sk_err walk(struct walktest *t, const struct archive *a) {
    sk_err windowed = walktest_run_windowed(t, &sk_format_sevenzip, a->bytes, a->len);
    size_t count = t->child_count;
    walktest_release(t);
    uint64_t max = t->child_max_bytes;
    walktest_init(t);
    t->child_max_bytes = max;
    sk_err err = walktest_run(t, &sk_format_sevenzip, a->bytes, a->len);
    assert_int_equal(windowed.code, err.code);
    assert_int_equal(count, t->child_count);
    free(a->bytes);
    return err;
}

/* Walks it; nothing but these notes, and no failure. */
static void expect_notes(struct walktest *t, const struct archive *a, const char *notes) {
    sk_err err = walk(t, a);
    if (sk_failed(err)) {
        fail_msg("%s", sk_err_text(err));
    }
    for (int i = 0; i < SK_NOTE_COUNT; i++) {
        bool wanted = strstr(notes, sk_note_word((enum sk_note)i)) != NULL;
        if ((t->note[i] > 0) != wanted) {
            fail_msg("note %s: %u", sk_note_word((enum sk_note)i), t->note[i]);
        }
    }
}

static void expect(struct walktest *t, const char *name, const char *content) {
    if (!walktest_has(t, name, content, strlen(content))) {
        fail_msg("no %s that holds %s", name == NULL ? "member" : name, content);
    }
}

/* ---- members ---- */

static const struct streams SOLID = {.pack_size = {12},
                                     .pack_count = 1,
                                     FOLDERS(COPY),
                                     .folder_count = 1,
                                     .coder_size = {12},
                                     .coder_count = 1,
                                     .count = {3},
                                     .size = {3, 4},
                                     .size_count = 2};
static const char SOLID_BYTES[] = "onefourfiver";

static struct streams solid_with_sums(void) {
    struct streams s = SOLID;
    s.crc_count = 3;
    s.crc[0] = sk_crc32(0, "one", 3);
    s.crc[1] = sk_crc32(0, "four", 4);
    s.crc[2] = sk_crc32(0, "fiver", 5);
    return s;
}

static struct archive A; /* large: not on the stack */

static void test_solid(void **state) {
    (void)state;
    struct walktest t;
    walktest_init(&t);
    struct streams s = solid_with_sums();
    begin(&A, SOLID_BYTES, 12, &s);
    files(&A, 3, "a\0b\0c", 6);
    finish(&A);
    expect_notes(&t, &A, "");
    assert_int_equal(t.child_count, 3);
    expect(&t, "a", "one");
    expect(&t, "b", "four");
    expect(&t, "c", "fiver");
    assert_int_equal(t.child[2].index, 2);
    assert_int_equal(t.child[2].size, 5);
    walktest_release(&t);
}

/* A member that the engine does not want to the end is unpacked and dropped. */
static void test_unread_rest_is_skipped(void **state) {
    (void)state;
    struct walktest t;
    walktest_init(&t);
    t.child_max_bytes = 2;
    t.read_chunk_bytes = 1;
    struct streams s = solid_with_sums();
    begin(&A, SOLID_BYTES, 12, &s);
    files(&A, 3, "a\0b\0c", 6);
    finish(&A);
    expect_notes(&t, &A, "");
    assert_int_equal(t.child_count, 3);
    assert_memory_equal(t.child[1].head, "fo", 2);
    assert_memory_equal(t.child[2].head, "fi", 2);
    walktest_release(&t);
}

static void test_wrong_checksum_costs_nothing_else(void **state) {
    (void)state;
    struct walktest t;
    walktest_init(&t);
    struct streams s = solid_with_sums();
    s.crc[1] ^= 1;
    begin(&A, SOLID_BYTES, 12, &s);
    files(&A, 3, "a\0b\0c", 6);
    finish(&A);
    expect_notes(&t, &A, "damaged");
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 1);
    expect(&t, "a", "one");
    assert_memory_equal(t.child[1].head, "four", 4);
    assert_int_equal(t.child[1].data_err.code, SK_E_FORMAT);
    expect(&t, "c", "fiver");
    walktest_release(&t);
}

/* The packed stream ends too early: what is there is given, the folder's others fail. */
static void test_cut_stream(void **state) {
    (void)state;
    struct walktest t;
    walktest_init(&t);
    struct streams s = SOLID;
    s.pack_size[0] = 5;
    begin(&A, SOLID_BYTES, 12, &s);
    files(&A, 3, "a\0b\0c", 6);
    finish(&A);
    expect_notes(&t, &A, "damaged");
    expect(&t, "a", "one");
    assert_int_equal(t.child[1].got_bytes, 2);
    assert_int_equal(t.child_count, 3);
    assert_int_equal(t.child[2].data_err.code, SK_E_FORMAT);
    walktest_release(&t);
}

static void test_streams_count(void **state) {
    (void)state;
    struct walktest t;
    walktest_init(&t);
    begin(&A, SOLID_BYTES, 12, &SOLID);
    files(&A, 1, "a", 2);
    finish(&A);
    expect_notes(&t, &A, ""); /* streams that no file claims */
    expect(&t, "a", "one");
    expect(&t, NULL, "four");
    expect(&t, NULL, "fiver");
    walktest_release(&t);

    walktest_init(&t);
    begin(&A, SOLID_BYTES, 12, &SOLID);
    finish(&A);
    expect_notes(&t, &A, ""); /* no list of files at all */
    assert_int_equal(t.child_count, 3);
    assert_null(t.child[0].name);
    walktest_release(&t);

    walktest_init(&t);
    begin(&A, SOLID_BYTES, 12, &SOLID);
    files(&A, MANY, "a\0b\0c\0d", 8);
    finish(&A);
    expect_notes(&t, &A, "damaged"); /* files without streams */
    assert_int_equal(t.child_count, 3);
    walktest_release(&t);

    walktest_init(&t);
    begin(&A, SOLID_BYTES, 12, &SOLID);
    byte(&A.header, 5);
    number(&A.header, 3);
    byte(&A.header, 17);
    number(&A.header, 5000); /* longer than the directory */
    finish(&A);
    expect_notes(&t, &A, "damaged");
    assert_int_equal(t.child_count, 3);
    walktest_release(&t);
}

static void test_sizes_beyond_the_folder(void **state) {
    (void)state;
    struct walktest t;
    walktest_init(&t);
    struct streams s = SOLID;
    s.size[1] = MANY;
    begin(&A, SOLID_BYTES, 12, &s);
    files(&A, 3, "a\0b\0c", 6);
    finish(&A);
    expect_notes(&t, &A, "damaged");
    expect(&t, "a", "one");
    expect(&t, "b", "fourfiver");
    walktest_release(&t);

    walktest_init(&t);
    s = SOLID;
    s.pack_off = UINT64_MAX - 8;
    begin(&A, SOLID_BYTES, 12, &s);
    files(&A, 3, "a\0b\0c", 6);
    finish(&A);
    expect_notes(&t, &A, "damaged");
    walktest_release(&t);
}

static void test_empty_files_and_directories(void **state) {
    (void)state;
    struct walktest t;
    walktest_init(&t);
    begin(&A, SOLID_BYTES, 12, &SOLID);
    files(&A, 5, "a\0d\0e\0b\0c", 10);
    put(&A.header, "\x0e\x01\x60", 3); /* the second and third have no stream */
    put(&A.header, "\x0f\x01\x40", 3); /* of these the second is a file */
    finish(&A);
    expect_notes(&t, &A, "");
    assert_int_equal(t.child_count, 4);
    expect(&t, "a", "one");
    assert_string_equal(t.child[1].name, "e");
    assert_int_equal(t.child[1].size, 0);
    assert_int_equal(t.child[1].index, 2);
    expect(&t, "c", "fiver");
    walktest_release(&t);
}

static void test_names(void **state) {
    (void)state;
    static const char NAMES[] = "\x11\x11\0"
                                "\x3d\xd8\x00\xde\0\0" /* a pair */
                                "\x00\xdcx\0\0\0"      /* half of one */
                                "\xe5\x65\0\0";
    struct walktest t;
    walktest_init(&t);
    begin(&A, SOLID_BYTES, 12, &SOLID);
    byte(&A.header, 5);
    number(&A.header, 3);
    put(&A.header, NAMES, sizeof(NAMES) - 1);
    finish(&A);
    expect_notes(&t, &A, "");
    assert_string_equal(t.child[0].name, "\xf0\x9f\x98\x80");
    assert_string_equal(t.child[1].name, "\xef\xbf\xbdx");
    assert_string_equal(t.child[2].name, "\xe6\x97\xa5");
    walktest_release(&t);
}

/* ---- coders ---- */

/* Two folders of one stream each, of which the second is stored. */
static struct streams pair_of(const char *first, size_t first_len, char *folders) {
    struct streams s = {.pack_size = {3, 4},
                        .pack_count = 2,
                        .folder_count = 2,
                        .coder_size = {3, 4},
                        .coder_count = 2,
                        .count = {1, 1}};
    memcpy(folders, first, first_len);
    memcpy(folders + first_len, COPY, 3);
    s.folders = folders;
    s.folders_len = first_len + 3;
    return s;
}

static void expect_first(const char *folder, size_t len, const char *note) {
    char folders[64];
    struct walktest t;
    walktest_init(&t);
    struct streams s = pair_of(folder, len, folders);
    begin(&A, "onefour", 7, &s);
    files(&A, 2, "a\0b", 4);
    finish(&A);
    expect_notes(&t, &A, note);
    assert_int_equal(t.child_count, 2);
    assert_int_equal(t.child[0].got_bytes, 0);
    expect(&t, "b", "four");
    walktest_release(&t);
}

static void test_what_we_cannot_open(void **state) {
    (void)state;
    expect_first("\x01\x02\x7f\x7f", 4, "unsupported-method");
    expect_first("\x01\x04\x06\xf1\x07\x01", 6, "encrypted");
    expect_first("\x01\x24\x06\xf1\x07\x01\x01\x00", 8, "encrypted");
    expect_first("\x01\x21\x21\x01\x29", 5, "unsupported-method");     /* LZMA2: no such size */
    expect_first("\x01\x21\x03\x02\x00\x00", 6, "unsupported-method"); /* Delta: two properties */
    expect_first("\x01\x23\x03\x01\x01\x04\x5d\x00\x00\x01", 10, "unsupported-method");
}

static void test_chains(void **state) {
    (void)state;
    /* Delta of distance 1 on LZMA2 of the largest dictionary there is. */
    static const char DELTA[] = "\x02\x21\x03\x01\x00\x21\x21\x01\x28\x00\x01";
    static const char PACKED[] = "\x01\x00\x02"
                                 "a\x01\x01\x00";
    struct streams s = {.pack_size = {7},
                        .pack_count = 1,
                        FOLDERS(DELTA),
                        .folder_count = 1,
                        .coder_size = {3, 3},
                        .coder_count = 2,
                        .count = {1}};
    struct walktest t;
    walktest_init(&t);
    begin(&A, PACKED, 7, &s);
    files(&A, 1, "a", 2);
    finish(&A);
    expect_notes(&t, &A, "");
    expect(&t, "a", "abc");
    walktest_release(&t);

    /* The same coders, named the other way round. */
    static const char TURNED[] = "\x02\x21\x21\x01\x28\x21\x03\x01\x00\x01\x00";
    walktest_init(&t);
    s.folders = TURNED;
    begin(&A, PACKED, 7, &s);
    files(&A, 1, "a", 2);
    finish(&A);
    expect_notes(&t, &A, "");
    expect(&t, "a", "abc");
    walktest_release(&t);
}

static void test_chains_without_sense(void **state) {
    (void)state;
    static const char *const LOOPS[] = {"\x02\x01\x00\x01\x00\x00\x00",  /* into itself */
                                        "\x02\x01\x00\x01\x00\x01\x01",  /* the other one */
                                        "\x02\x01\x00\x01\x00\x07\x01",  /* into nothing */
                                        "\x02\x01\x00\x01\x00\x00\x09"}; /* out of nothing */
    for (size_t i = 0; i < 4; i++) {
        struct streams s = {.pack_size = {3},
                            .pack_count = 1,
                            .folders = LOOPS[i],
                            .folders_len = 7,
                            .folder_count = 1,
                            .coder_size = {3, 3},
                            .coder_count = 2,
                            .count = {1}};
        struct walktest t;
        walktest_init(&t);
        begin(&A, "one", 3, &s);
        files(&A, 1, "a", 2);
        finish(&A);
        sk_err err = walk(&t, &A);
        assert_true(!sk_failed(err) || err.code == SK_E_FORMAT);
        assert_true(sk_failed(err) || t.note[SK_NOTE_DAMAGED] > 0 || t.child[0].got_bytes == 3);
        walktest_release(&t);
    }
}

static void test_huge_dictionary(void **state) {
    (void)state;
    struct streams s = {.pack_size = {7},
                        .pack_count = 1,
                        FOLDERS("\x01\x21\x21\x01\x28"),
                        .folder_count = 1,
                        .coder_size = {MANY},
                        .coder_count = 1,
                        .count = {1}};
    struct walktest t;
    walktest_init(&t);
    begin(&A, "\x01\x00\x02one\x00", 7, &s);
    files(&A, 1, "a", 2);
    finish(&A);
    expect_notes(&t, &A, "limit-memory");
    walktest_release(&t);
}

/* ---- the directory ---- */

static void expect_format(const uint8_t *header, size_t len) {
    struct walktest t;
    walktest_init(&t);
    A.packed.len = 0;
    finish_at(&A, header, len);
    assert_int_equal(walk(&t, &A).code, SK_E_FORMAT);
    assert_int_equal(t.child_count, 0);
    walktest_release(&t);
}

#define BAD(text) expect_format((const uint8_t *)(text), sizeof(text) - 1)
#define ALL_ONES "\xff\xff\xff\xff\xff\xff\xff\xff\xff"

static void test_directories_without_sense(void **state) {
    (void)state;
    BAD("\x02");
    BAD("\x01\x07");
    BAD("\x01\x04");
    BAD("\x01\x04\x06\x00" ALL_ONES "\x09");                     /* packed streams */
    BAD("\x01\x04\x06\x00" ALL_ONES "\x0a\x01");                 /* their checksums */
    BAD("\x01\x04\x06\x00" ALL_ONES "\x0a\x00");                 /* which of them are known */
    BAD("\x01\x04\x07\x0b" ALL_ONES "\x00");                     /* folders */
    BAD("\x01\x04\x07\x0b\x01\x01");                             /* which are elsewhere */
    BAD("\x01\x04\x07\x0b\x01\x00" ALL_ONES);                    /* coders */
    BAD("\x01\x04\x07\x0b\x01\x00\x01\x80");                     /* a flag that nobody knows */
    BAD("\x01\x04\x07\x0b\x01\x00\x01\x11\x00\x01\x00");         /* a coder that gives nothing */
    BAD("\x01\x04\x07\x0b\x01\x00\x01\x11\x00" ALL_ONES "\x01"); /* inputs */
    BAD("\x01\x04\x07\x0b\x01\x00\x01\x11\x00\x01\x03\x00"); /* outputs and no inputs for them */
    BAD("\x01\x04\x07\x0b\x01\x00\x01\x21\x00" ALL_ONES);    /* properties */
    BAD("\x01\x04\x07\x0b\x01\x00" COPY "\x0c\x01\x00\x08\x0d" ALL_ONES "\x09");
    BAD("\x01\x04\x07\x0b\x02\x00" COPY COPY "\x0c\x01\x01\x00\x08\x0d" ALL_ONES ALL_ONES "\x0a");
    BAD("\x17\x00"); /* packed, in no stream */
}

static void test_no_directory(void **state) {
    (void)state;
    struct walktest t;
    walktest_init(&t);
    A.packed.len = 0;
    finish_at(&A, NULL, 0);
    expect_notes(&t, &A, ""); /* an archive without members */
    assert_int_equal(t.child_count, 0);
    walktest_release(&t);

    for (size_t at = 8; at < START_BYTES; at += 4) {
        walktest_init(&t);
        begin(&A, SOLID_BYTES, 12, &SOLID);
        finish(&A);
        A.bytes[at] ^= 0x40;
        assert_int_equal(walk(&t, &A).code, SK_E_FORMAT);
        walktest_release(&t);
    }
    walktest_init(&t); /* behind the end of the file, with right checksums */
    begin(&A, SOLID_BYTES, 12, &SOLID);
    finish(&A);
    sk_store_u64le(A.bytes + 12, UINT64_MAX - 16);
    sk_store_u32le(A.bytes + 8, sk_crc32(0, A.bytes + 12, 20));
    assert_int_equal(walk(&t, &A).code, SK_E_FORMAT);
    walktest_release(&t);
}

/* The directory so far becomes one more packed stream, and what says so the new directory. */
static void pack_directory(struct archive *a, uint32_t crc_error) {
    size_t len = a->header.len;
    struct streams s = {.pack_off = a->packed.len,
                        .pack_size = {len},
                        .pack_count = 1,
                        FOLDERS(COPY),
                        .folder_count = 1,
                        .coder_size = {len},
                        .coder_count = 1,
                        .count = {1},
                        .crc_count = 1};
    s.crc[0] = sk_crc32(0, a->header.p, len) ^ crc_error;
    put(&a->packed, a->header.p, len);
    a->header.len = 0;
    byte(&a->header, 0x17);
    put_streams(&a->header, &s);
}

static void test_packed_directories(void **state) {
    (void)state;
    for (unsigned depth = 1; depth < 7; depth++) {
        struct walktest t;
        walktest_init(&t);
        begin(&A, SOLID_BYTES, 12, &SOLID);
        files(&A, 3, "a\0b\0c", 6);
        put(&A.header, "\0\0", 2);
        for (unsigned i = 0; i < depth; i++) {
            pack_directory(&A, 0);
        }
        finish_at(&A, A.header.p, A.header.len);
        sk_err err = walk(&t, &A);
        assert_int_equal(err.code, depth <= 4 ? SK_OK : SK_E_FORMAT);
        assert_int_equal(t.child_count, depth <= 4 ? 3 : 0);
        walktest_release(&t);
    }
    struct walktest t;
    walktest_init(&t);
    begin(&A, SOLID_BYTES, 12, &SOLID);
    put(&A.header, "\0\0", 2);
    pack_directory(&A, 1);
    finish_at(&A, A.header.p, A.header.len);
    assert_int_equal(walk(&t, &A).code, SK_E_FORMAT);
    walktest_release(&t);
}

/* What stands between nobody and the members is told once. */
static void test_closed_directories(void **state) {
    (void)state;
    static const struct {
        const char *folder;
        size_t len;
        uint64_t size;
        const char *note;
    } cases[] = {{"\x01\x04\x06\xf1\x07\x01", 6, 7, "encrypted"},
                 {"\x01\x02\x7f\x7f", 4, 7, "unsupported-method"}};
    for (size_t i = 0; i < 2; i++) {
        struct streams s = {.pack_size = {7},
                            .pack_count = 1,
                            .folders = cases[i].folder,
                            .folders_len = cases[i].len,
                            .folder_count = 1,
                            .coder_size = {cases[i].size},
                            .coder_count = 1,
                            .count = {1}};
        struct walktest t;
        walktest_init(&t);
        begin(&A, "\x01\x00\x02one\x00", 7, &s);
        A.header.len = 0;
        byte(&A.header, 0x17);
        put_streams(&A.header, &s);
        finish_at(&A, A.header.p, A.header.len);
        expect_notes(&t, &A, cases[i].note);
        assert_int_equal(t.child_count, 0);
        walktest_release(&t);
    }
}

/* Above what we hold in memory libarchive is asked, which reads the same. */
static void test_large_directory(void **state) {
    (void)state;
    struct walktest t;
    walktest_init(&t);
    struct streams s = solid_with_sums();
    size_t filler = (size_t)17 << 20;
    begin(&A, SOLID_BYTES, 12, &s);
    files(&A, 3, "a\0b\0c", 6);
    byte(&A.header, 0x19);
    number(&A.header, filler);
    uint8_t *header = calloc(1, A.header.len + filler + 2);
    assert_non_null(header);
    memcpy(header, A.header.p, A.header.len);
    finish_at(&A, header, A.header.len + filler + 2);
    free(header);
    expect_notes(&t, &A, "");
    assert_int_equal(t.child_count, 3);
    expect(&t, "c", "fiver");
    walktest_release(&t);
}

static void test_allocation_failures(void **state) {
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        begin(&A, SOLID_BYTES, 12, &SOLID);
        files(&A, 3, "a\0b\0c", 6);
        put(&A.header, "\0\0", 2);
        pack_directory(&A, 0);
        finish_at(&A, A.header.p, A.header.len);
        struct walktest t;
        walktest_init(&t);
        mem_fault_set(nth);
        sk_err err = walktest_run_windowed(&t, &sk_format_sevenzip, A.bytes, A.len);
        bool all = mem_fault_seen() < nth;
        mem_fault_set(0);
        assert_int_equal(err.code, all ? SK_OK : SK_E_NOMEM);
        assert_true(!all || t.child_count == 3);
        walktest_release(&t);
        free(A.bytes);
        if (all) {
            break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solid),
        cmocka_unit_test(test_unread_rest_is_skipped),
        cmocka_unit_test(test_wrong_checksum_costs_nothing_else),
        cmocka_unit_test(test_cut_stream),
        cmocka_unit_test(test_streams_count),
        cmocka_unit_test(test_sizes_beyond_the_folder),
        cmocka_unit_test(test_empty_files_and_directories),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_we_cannot_open),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_chains_without_sense),
        cmocka_unit_test(test_huge_dictionary),
        cmocka_unit_test(test_directories_without_sense),
        cmocka_unit_test(test_no_directory),
        cmocka_unit_test(test_packed_directories),
        cmocka_unit_test(test_closed_directories),
        cmocka_unit_test(test_large_directory),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
