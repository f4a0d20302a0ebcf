// SPDX-License-Identifier: Apache-2.0
/*
 * The ZIP reader against honest archives and every lie we know: hidden and overlapping members,
 * archives in a row, headers that disagree, faked encryption, lost directories. Archives of real
 * tools are compared in tests/integ/test_archives.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "codec/codec.h"
#include "walktest.h"
#include "zipmake.h"

extern const struct sk_format sk_format_zip;

static const char long_text[] = "a rather long text, a rather long text, a rather long text, end";

struct run {
    struct zm z;
    struct walktest t;
};

static int set_up(void **state) {
    static struct run r;
    memset(&r, 0, sizeof(r));
    walktest_init(&r.t);
    *state = &r;
    return 0;
}

static int tear_down(void **state) {
    struct run *r = *state;
    buf_release(&r->z.out);
    walktest_release(&r->t);
    return 0;
}

/* Walk what was written, both in memory and through windows; both must say the same. */
static void walk(struct run *r) {
    struct walktest other;
    walktest_init(&other);
    other.read_chunk_bytes = 7;
    assert_int_equal(walktest_run(&r->t, &sk_format_zip, r->z.out.data, r->z.out.len).code, SK_OK);
    sk_err err = walktest_run_windowed(&other, &sk_format_zip, r->z.out.data, r->z.out.len);
    assert_int_equal(err.code, SK_OK);
    assert_int_equal(other.child_count, r->t.child_count);
    for (size_t i = 0; i < other.child_count; i++) {
        assert_int_equal(other.child[i].got_crc32, r->t.child[i].got_crc32);
        assert_int_equal(other.child[i].got_bytes, r->t.child[i].got_bytes);
    }
    assert_memory_equal(other.note, r->t.note, sizeof(other.note));
    assert_int_equal(other.uneven, r->t.uneven);
    walktest_release(&other);
}

static void assert_has(const struct run *r, const char *name, const char *content) {
    if (!walktest_has(&r->t, name, content, strlen(content))) {
        fail_msg("no member %s with \"%s\"", name, content);
    }
}

/* No note but these (SK_NOTE_COUNT: none). */
static void assert_notes(const struct run *r, int first, int second) {
    for (int i = 0; i < SK_NOTE_COUNT; i++) {
        bool want = i == first || i == second;
        if ((r->t.note[i] != 0) != want) {
            fail_msg("note %s is %u (%s)", sk_note_word((enum sk_note)i), r->t.note[i],
                     r->t.last_detail);
        }
    }
}
#define NONE SK_NOTE_COUNT

static void test_honest_archive(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {
        {.name = "folder/", .content = ""},
        {.name = "folder/stored", .content = "stored text"},
        {.name = "deflated", .content = long_text, .method = 8},
        {.name = "streamed", .content = long_text, .method = 8, .descriptor = true}};
    enum sk_type type;
    zm_all(&r->z, e, 4);
    walk(r);
    assert_int_equal(r->t.child_count, 3);
    assert_has(r, "folder/stored", "stored text");
    assert_has(r, "deflated", long_text);
    assert_has(r, "streamed", long_text);
    assert_notes(r, NONE, NONE);
    assert_true(walktest_find(&r->t, "folder/stored")->is_slice);
    assert_int_equal(walktest_bid(&sk_format_zip, r->z.out.data, r->z.out.len, &type), 90);
    assert_int_equal(type, SK_TYPE_ZIP);
}

static void test_empty_archive(void **state) {
    struct run *r = *state;
    enum sk_type type;
    zm_all(&r->z, NULL, 0);
    walk(r);
    assert_int_equal(r->t.child_count, 0);
    assert_notes(r, NONE, NONE);
    assert_true(walktest_bid(&sk_format_zip, r->z.out.data, r->z.out.len, &type) >= SK_BID_WALK);
}

static void test_not_an_archive(void **state) {
    struct run *r = *state;
    enum sk_type type;
    static const char text[] = "PK is a name; PK\5\6 alone is nothing much at all ................";
    assert_int_equal(walktest_run(&r->t, &sk_format_zip, text, sizeof(text)).code, SK_E_FORMAT);
    assert_int_equal(walktest_bid(&sk_format_zip, text, sizeof(text), &type), 0);
    assert_int_equal(walktest_bid(&sk_format_zip, "", 0, &type), 0);
}

static void test_member_missing_from_directory(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {
        {.name = "front", .content = "hidden in front", .method = 8},
        {.name = "shown", .content = "shown text"},
        {.name = "middle", .content = long_text, .method = 8, .descriptor = true},
        {.name = "last", .content = "last text", .method = 8},
        {.name = "behind", .content = "hidden behind"}};
    for (size_t i = 0; i < 5; i++) {
        zm_local(&r->z, &e[i]);
    }
    zm_dir_begin(&r->z);
    zm_central(&r->z, &e[1]);
    zm_central(&r->z, &e[3]);
    zm_end(&r->z, "");
    walk(r);
    assert_int_equal(r->t.child_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_has(r, e[i].name, e[i].content);
    }
    assert_notes(r, SK_NOTE_HIDDEN_ENTRY, NONE);
}

/* An archive stored in an archive is a member, not a heap of hidden ones. But what only pretends to
 * be covered by a member is still found: see below. */
static void test_stored_archive_is_one_member(void **state) {
    struct run *r = *state;
    struct zm inner = {0};
    struct zm_entry in[] = {{.name = "in1", .content = "inner text one"},
                            {.name = "in2", .content = long_text, .method = 8}};
    zm_all(&inner, in, 2);
    struct zm_entry e[] = {{.name = "first", .content = "first text"},
                           {.name = "inner.zip",
                            .content = (const char *)inner.out.data,
                            .content_len = inner.out.len},
                           {.name = "last", .content = "last text"}};
    zm_all(&r->z, e, 3);
    walk(r);
    assert_int_equal(r->t.child_count, 3);
    assert_notes(r, NONE, NONE);
    assert_true(walktest_has(&r->t, "inner.zip", inner.out.data, inner.out.len));
    buf_release(&inner.out);
}

static void test_archive_behind_bytes_of_a_stored_member(void **state) {
    struct run *r = *state;
    struct zm inner = {0};
    struct zm_entry in[] = {{.name = "in1", .content = "inner text one"}};
    zm_raw(&inner, "some bytes in front of it", 25);
    zm_start(&inner);
    zm_all(&inner, in, 1);
    struct zm_entry e[] = {
        {.name = "blob", .content = (const char *)inner.out.data, .content_len = inner.out.len}};
    zm_all(&r->z, e, 1);
    walk(r);
    assert_has(r, "in1", "inner text one");
    buf_release(&inner.out);
}

static void test_archives_in_a_row(void **state) {
    struct run *r = *state;
    struct zm_entry a[] = {
        {.name = "a", .content = "first archive", .method = 8, .descriptor = true}};
    struct zm_entry b[] = {{.name = "b", .content = "second archive"}};
    struct zm_entry c[] = {{.name = "c", .content = "third archive", .method = 8}};
    zm_all(&r->z, a, 1);
    zm_start(&r->z);
    zm_all(&r->z, b, 1);
    zm_start(&r->z);
    zm_all(&r->z, c, 1);
    walk(r);
    assert_int_equal(r->t.child_count, 3);
    assert_has(r, "a", "first archive");
    assert_has(r, "b", "second archive");
    assert_has(r, "c", "third archive");
    assert_notes(r, NONE, NONE);
}

static void test_archive_behind_a_stub(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "inside", .content = long_text, .method = 8}};
    enum sk_type type;
    for (int fixed = 0; fixed < 2; fixed++) {
        buf_clear(&r->z.out);
        walktest_release(&r->t);
        zm_raw(&r->z, "MZ stub, not an archive, with the letters PK\3\4 in it ......", 60);
        r->z.base = fixed != 0 ? 0 : 60; /* offsets from the file or from the archive */
        zm_all(&r->z, e, 1);
        walk(r);
        assert_int_equal(r->t.child_count, 1);
        assert_has(r, "inside", long_text);
        assert_notes(r, NONE, NONE);
        assert_int_equal(walktest_bid(&sk_format_zip, r->z.out.data, r->z.out.len, &type), 60);
    }
}

static void test_trailing_data_and_end_record_in_comment(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "x", .content = "content of x"}};
    zm_local(&r->z, &e[0]);
    zm_dir_begin(&r->z);
    zm_central(&r->z, &e[0]);
    zm_end(&r->z, "comment with PK\5\6 in the middle of it, long enough to be one");
    zm_raw(&r->z, "trailing", 8);
    walk(r);
    assert_int_equal(r->t.child_count, 1);
    assert_notes(r, SK_NOTE_TRAILING, NONE);
}

static void test_directory_lost(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "one", .content = long_text, .method = 8},
                           {.name = "two", .content = "text of two"},
                           {.name = "three", .content = "text of three", .descriptor = true},
                           {.name = "four", .content = long_text, .method = 8, .descriptor = true}};
    for (size_t i = 0; i < 4; i++) {
        zm_local(&r->z, &e[i]);
    }
    walk(r);
    assert_int_equal(r->t.child_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_has(r, e[i].name, e[i].content);
    }
    assert_notes(r, SK_NOTE_DAMAGED, NONE);
}

static void test_wrong_checksum_is_damage_but_scanned(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "s", .content = "stored one"},
                           {.name = "d", .content = long_text, .method = 8}};
    for (size_t i = 0; i < 2; i++) {
        zm_local(&r->z, &e[i]);
        e[i].crc32 ^= 1;
    }
    zm_dir_begin(&r->z);
    zm_central(&r->z, &e[0]);
    zm_central(&r->z, &e[1]);
    zm_end(&r->z, "");
    walk(r);
    assert_int_equal(r->t.child_count, 2);
    assert_has(r, "s", "stored one");
    assert_has(r, "d", long_text);
    assert_notes(r, SK_NOTE_DAMAGED, NONE);
    assert_int_equal(r->t.note[SK_NOTE_DAMAGED], 2);
}

static void test_headers_disagree_on_method(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "x", .content = long_text, .method = 8}};
    /* The directory calls the deflated bytes stored: both readings are given out. */
    zm_local(&r->z, &e[0]);
    zm_dir_begin(&r->z);
    e[0].method = 0;
    e[0].size = e[0].packed;
    zm_central(&r->z, &e[0]);
    zm_end(&r->z, "");
    walk(r);
    assert_int_equal(r->t.child_count, 2);
    assert_has(r, "x", long_text);
    assert_true(r->t.child[0].is_slice);
    assert_int_equal(r->t.child[0].got_bytes, e[0].packed);
    assert_notes(r, SK_NOTE_DAMAGED, NONE); /* checksum of the stored reading */
}

static void test_headers_disagree_on_size(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "x", .content = "short and hidden tail"}};
    zm_local(&r->z, &e[0]);
    zm_dir_begin(&r->z);
    e[0].packed = e[0].size = 5;
    zm_central(&r->z, &e[0]);
    zm_end(&r->z, "");
    walk(r);
    assert_has(r, "x", "short");
    assert_has(r, "x", "short and hidden tail");
}

static void test_directory_lies_about_packed_size(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "x", .content = long_text, .method = 8, .descriptor = true}};
    zm_local(&r->z, &e[0]);
    zm_dir_begin(&r->z);
    e[0].packed = 3;
    e[0].size = 3;
    zm_central(&r->z, &e[0]);
    zm_end(&r->z, "");
    walk(r);
    assert_int_equal(r->t.child_count, 1);
    assert_has(r, "x", long_text);
}

/* Bytes that a packed member claims and does not use are searched: who leaves it unread would not
 * find what is there. */
static void test_what_reading_alone_shows_is_told(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "a", .content = long_text, .method = 8},
                           {.name = "b", .content = "hidden", .method = 8},
                           {.name = "c", .content = "last", .method = 8}};
    zm_all(&r->z, e, 3);
    walk(r);
    assert_int_equal(r->t.uneven, 0);
    buf_clear(&r->z.out);
    r->z.count = 0;
    walktest_release(&r->t);
    walktest_init(&r->t);
    for (unsigned i = 0; i < 3; i++) {
        zm_local(&r->z, &e[i]);
    }
    e[0].packed = e[2].off - e[0].off - 31;
    zm_dir_begin(&r->z);
    zm_central(&r->z, &e[0]);
    zm_central(&r->z, &e[2]);
    zm_end(&r->z, "");
    walk(r);
    assert_has(r, "b", "hidden");
    assert_true(r->t.uneven > 0);
}

static void test_same_place_is_walked_once(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "x", .content = long_text, .method = 8}};
    zm_local(&r->z, &e[0]);
    zm_dir_begin(&r->z);
    for (int i = 0; i < 500; i++) {
        zm_central(&r->z, &e[0]);
    }
    zm_end(&r->z, "");
    walk(r);
    assert_int_equal(r->t.child_count, 1);
    assert_notes(r, NONE, NONE);
}

static void test_overlap_is_noted(void **state) {
    struct run *r = *state;
    struct zm_entry outer = {.name = "outer", .content = ""};
    struct zm_entry inner = {.name = "inner", .content = long_text, .method = 8};
    zm_local(&r->z, &outer);
    size_t data = r->z.out.len;
    zm_local(&r->z, &inner);
    outer.packed = outer.size = r->z.out.len - data;
    zm_dir_begin(&r->z);
    zm_central(&r->z, &outer);
    zm_central(&r->z, &inner);
    zm_end(&r->z, "");
    walk(r);
    assert_has(r, "inner", long_text);
    assert_int_equal(r->t.note[SK_NOTE_OVERLAP], 1);
}

static void test_encryption_is_told(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {
        {.name = "old", .content = "\x91\x17\x03junk of a cipher", .flags = 1},
        {.name = "aes", .content = "\x91\x17\x03junk", .method = 99, .flags = 1},
        {.name = "strong", .content = "\x91\x17\x03junk", .flags = 0x41, .method = 8}};
    for (size_t i = 0; i < 3; i++) {
        zm_local(&r->z, &e[i]);
        e[i].size = 7;
    }
    /* the local record of "old" must not look plain either */
    sk_store_u32le(r->z.out.data + 22, 7);
    e[2].method = 8;
    r->z.out.data[e[2].off + 30 + 6] = 0x07; /* block type 3: no deflate data */
    zm_dir_begin(&r->z);
    for (size_t i = 0; i < 3; i++) {
        zm_central(&r->z, &e[i]);
    }
    zm_end(&r->z, "");
    walk(r);
    assert_int_equal(r->t.child_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(r->t.child[i].encrypted);
        assert_false(r->t.child[i].has_data);
    }
    assert_int_equal(r->t.note[SK_NOTE_ENCRYPTED], 3);
    assert_notes(r, SK_NOTE_ENCRYPTED, NONE);
}

/* Info-ZIP: "a" (deflated, password infected), "b" (stored, password secret). */
/* clang-format off */
static const uint8_t with_passwords[] = {
    0x50, 0x4b, 0x03, 0x04, 0x14, 0x00, 0x09, 0x00, 0x08, 0x00, 0x00, 0x00, 0x21, 0x5c,
    0x09, 0x57, 0xa3, 0x67, 0x28, 0x00, 0x00, 0x00, 0x3f, 0x00, 0x00, 0x00, 0x01, 0x00,
    0x00, 0x00, 0x61, 0x78, 0xec, 0x9e, 0x6f, 0xc4, 0xf9, 0x63, 0x86, 0x2e, 0x9f, 0x12,
    0x8a, 0xd0, 0x70, 0x5a, 0x9b, 0x07, 0x52, 0x51, 0xae, 0xa1, 0x87, 0x39, 0x1a, 0xff,
    0x53, 0x24, 0x7a, 0x96, 0xda, 0x1d, 0xb3, 0xd0, 0x2d, 0x1b, 0xfd, 0x05, 0xb5, 0x78,
    0x14, 0x50, 0x4b, 0x07, 0x08, 0x09, 0x57, 0xa3, 0x67, 0x28, 0x00, 0x00, 0x00, 0x3f,
    0x00, 0x00, 0x00, 0x50, 0x4b, 0x03, 0x04, 0x0a, 0x00, 0x09, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x21, 0x5c, 0x78, 0x77, 0xa6, 0x0f, 0x18, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x00,
    0x00, 0x01, 0x00, 0x00, 0x00, 0x62, 0xc7, 0x1d, 0x9c, 0x95, 0xd3, 0xe1, 0x6a, 0x65,
    0x1d, 0xb7, 0x32, 0xc3, 0xcc, 0xbf, 0x42, 0x7d, 0x15, 0x5a, 0xe4, 0x3c, 0x50, 0x45,
    0xc1, 0x31, 0x50, 0x4b, 0x07, 0x08, 0x78, 0x77, 0xa6, 0x0f, 0x18, 0x00, 0x00, 0x00,
    0x0c, 0x00, 0x00, 0x00, 0x50, 0x4b, 0x01, 0x02, 0x1e, 0x03, 0x14, 0x00, 0x09, 0x00,
    0x08, 0x00, 0x00, 0x00, 0x21, 0x5c, 0x09, 0x57, 0xa3, 0x67, 0x28, 0x00, 0x00, 0x00,
    0x3f, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
    0x00, 0x00, 0xa4, 0x81, 0x00, 0x00, 0x00, 0x00, 0x61, 0x50, 0x4b, 0x01, 0x02, 0x1e,
    0x03, 0x0a, 0x00, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x21, 0x5c, 0x78, 0x77, 0xa6,
    0x0f, 0x18, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa4, 0x81, 0x57, 0x00, 0x00, 0x00, 0x62,
    0x50, 0x4b, 0x05, 0x06, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x02, 0x00, 0x5e, 0x00,
    0x00, 0x00, 0x9e, 0x00, 0x00, 0x00, 0x00, 0x00};
/* clang-format on */

static void test_known_passwords_open(void **state) {
    struct run *r = *state;
    assert_false(sk_failed(buf_append(&r->z.out, with_passwords, sizeof(with_passwords))));
    walk(r);
    assert_has(r, "a", long_text);
    assert_has(r, "b", "stored bytes");
    assert_int_equal(r->t.child_count, 2);
    assert_true(r->t.child[0].encrypted);
    assert_int_equal(r->t.note[SK_NOTE_ENCRYPTED], 0);
}

/* Traditional encryption of one byte (APPNOTE 6.1), or its undoing. */
static uint8_t crypt_byte(uint32_t key[3], uint8_t byte, bool undo) {
    uint32_t t = (key[2] | 2) & 0xffff;
    uint8_t other = (uint8_t)(byte ^ (uint8_t)((t * (t ^ 1)) >> 8));
    uint8_t plain = undo ? other : byte;
    key[0] = ~sk_crc32(~key[0], &plain, 1);
    key[1] = (key[1] + (key[0] & 0xff)) * 134775813u + 1;
    uint8_t high = (uint8_t)(key[1] >> 24);
    key[2] = ~sk_crc32(~key[2], &high, 1);
    return other;
}

static void crypt_bytes(const char *password, uint8_t *bytes, size_t len, bool undo) {
    uint32_t key[3] = {0x12345678u, 0x23456789u, 0x34567890u};
    for (; *password != '\0'; password++) {
        (void)crypt_byte(key, (uint8_t)*password, false);
    }
    for (size_t i = 0; i < len; i++) {
        bytes[i] = crypt_byte(key, bytes[i], undo);
    }
}

#define LOCK_BYTES ((size_t)12)

/* A stored member under "secret" whose header agrees with "infected" as well. */
static void put_ambiguous(struct run *r, const char *text, bool damaged) {
    uint8_t bytes[256], other[LOCK_BYTES];
    size_t len = strlen(text);
    uint32_t crc = sk_crc32(0, (const uint8_t *)text, len);
    bool agrees = false;
    for (unsigned n = 0; n < 65536 && !agrees; n++) {
        memset(bytes, 0, LOCK_BYTES);
        sk_store_u16le(bytes, (uint16_t)n);
        bytes[LOCK_BYTES - 1] = (uint8_t)(crc >> 24);
        memcpy(bytes + LOCK_BYTES, text, len);
        crypt_bytes("secret", bytes, LOCK_BYTES + len, false);
        memcpy(other, bytes, LOCK_BYTES);
        crypt_bytes("infected", other, LOCK_BYTES, true);
        agrees = other[LOCK_BYTES - 1] == (uint8_t)(crc >> 24);
    }
    assert_true(agrees);
    bytes[LOCK_BYTES] ^= damaged;
    struct zm_entry e = {
        .name = "a", .content = (const char *)bytes, .content_len = LOCK_BYTES + len, .flags = 1};
    zm_local(&r->z, &e);
    e.crc32 = crc;
    e.size = len;
    sk_store_u32le(r->z.out.data + e.off + 14, crc);
    sk_store_u32le(r->z.out.data + e.off + 22, (uint32_t)len);
    zm_dir_begin(&r->z);
    zm_central(&r->z, &e);
    zm_end(&r->z, "");
}

static void test_proven_password_counts(void **state) {
    struct run *r = *state;
    put_ambiguous(r, "the only plain text of these", false);
    walk(r);
    assert_int_equal(r->t.child_count, 1);
    assert_has(r, "a", "the only plain text of these");
    assert_notes(r, NONE, NONE);
}

/* With no proof every reading is looked at. */
static void test_unproven_passwords_are_all_read(void **state) {
    struct run *r = *state;
    put_ambiguous(r, "the only plain text of these", true);
    walk(r);
    assert_int_equal(r->t.child_count, 3); /* two, and the encrypted one */
    assert_true(r->t.child[0].has_data && r->t.child[1].has_data && !r->t.child[2].has_data);
    assert_notes(r, SK_NOTE_ENCRYPTED, NONE);
}

/* A damaged byte of cipher text: the member is told to be encrypted or damaged, never just gone. */
static void test_damage_in_encrypted_members(void **state) {
    (void)state;
    size_t first = 31; /* header and the name "a" */
    size_t end = first + sk_load_u32le(&with_passwords[18]);
    for (size_t i = first; i < end; i++) {
        uint8_t bytes[sizeof(with_passwords)];
        struct walktest t;
        memcpy(bytes, with_passwords, sizeof(bytes));
        bytes[i] ^= 0x5a;
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, &sk_format_zip, bytes, sizeof(bytes)).code, SK_OK);
        assert_false(walktest_has(&t, "a", long_text, strlen(long_text)));
        assert_true(t.note[SK_NOTE_ENCRYPTED] + t.note[SK_NOTE_DAMAGED] > 0);
        assert_true(walktest_has(&t, "b", "stored bytes", strlen("stored bytes")));
        walktest_release(&t);
    }
}

static void test_faked_encryption_is_read(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "a", .content = long_text, .method = 8, .flags = 1},
                           {.name = "b", .content = "stored all the same", .flags = 1}};
    zm_all(&r->z, e, 2);
    walk(r);
    assert_int_equal(r->t.child_count, 2);
    assert_has(r, "a", long_text);
    assert_has(r, "b", "stored all the same");
    assert_notes(r, NONE, NONE);
}

static void test_flags_disagree_on_encryption(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "a", .content = long_text, .method = 8}};
    zm_local(&r->z, &e[0]);
    zm_dir_begin(&r->z);
    e[0].flags = 1;
    zm_central(&r->z, &e[0]);
    zm_end(&r->z, "");
    walk(r);
    assert_has(r, "a", long_text);
}

static void test_unknown_methods(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "shrunk", .content = "xyz", .method = 1},
                           {.name = "imploded", .content = "xyz", .method = 6},
                           {.name = "ppmd", .content = "xyz", .method = 98},
                           {.name = "bogus", .content = "xyz", .method = 4711}};
    zm_all(&r->z, e, 4);
    walk(r);
    assert_int_equal(r->t.child_count, 4);
    assert_int_equal(r->t.note[SK_NOTE_METHOD], 4);
    assert_notes(r, SK_NOTE_METHOD, NONE);
}

static void test_split_marker_and_last_volume(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "x", .content = long_text, .method = 8}};
    enum sk_type type;
    zm_raw(&r->z, "PK00", 4);
    zm_all(&r->z, e, 1);
    walk(r);
    assert_int_equal(walktest_bid(&sk_format_zip, r->z.out.data, r->z.out.len, &type), 90);
    assert_has(r, "x", long_text);
    assert_notes(r, NONE, NONE);
    buf_clear(&r->z.out);
    walktest_release(&r->t);
    r->z.disk = 2;
    zm_raw(&r->z, "the end of a member of the volume before", 40);
    zm_dir_begin(&r->z);
    zm_central(&r->z, &e[0]);
    zm_end(&r->z, "");
    walk(r);
    assert_int_equal(r->t.child_count, 0);
    assert_notes(r, SK_NOTE_MISSING_VOLUME, NONE);
}

static void test_zip64(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "x", .content = long_text, .method = 8}};
    zm_local(&r->z, &e[0]);
    zm_dir_begin(&r->z);
    zm_central(&r->z, &e[0]);
    zm_end64(&r->z);
    walk(r);
    assert_int_equal(r->t.child_count, 1);
    assert_has(r, "x", long_text);
    assert_notes(r, NONE, NONE);
}

static void test_ooxml_is_told(void **state) {
    struct run *r = *state;
    static const struct {
        const char *part;
        enum sk_type type;
    } kinds[] = {{"word/document.xml", SK_TYPE_OOXML_WORD},
                 {"xl/workbook.xml", SK_TYPE_OOXML_XL},
                 {"ppt/presentation.xml", SK_TYPE_OOXML_PPT}};
    for (size_t i = 0; i < 3; i++) {
        struct zm_entry e[] = {{.name = "[Content_Types].xml", .content = "<Types/>", .method = 8},
                               {.name = kinds[i].part, .content = "<x/>", .method = 8}};
        buf_clear(&r->z.out);
        walktest_release(&r->t);
        zm_all(&r->z, e, 2);
        walk(r);
        assert_true(r->t.has_type);
        assert_int_equal(r->t.type, kinds[i].type);
    }
    struct zm_entry plain[] = {{.name = "word/document.xml", .content = "<x/>"}};
    buf_clear(&r->z.out);
    walktest_release(&r->t);
    zm_all(&r->z, plain, 1);
    walk(r);
    assert_false(r->t.has_type);
}

static void test_directory_entry_leads_nowhere(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "x", .content = "text of x"}, {.name = "y", .content = "?"}};
    zm_local(&r->z, &e[0]);
    e[1].off = 5;
    zm_dir_begin(&r->z);
    zm_central(&r->z, &e[0]);
    zm_central(&r->z, &e[1]);
    e[1].off = 0x7fffffff;
    zm_central(&r->z, &e[1]);
    zm_end(&r->z, "");
    walk(r);
    assert_has(r, "x", "text of x");
    assert_int_equal(r->t.note[SK_NOTE_DAMAGED], 1);
}

static void test_local_name_is_reported(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "evil.exe", .content = "text of x"}};
    zm_local(&r->z, &e[0]);
    e[0].name = "good.txt";
    zm_dir_begin(&r->z);
    zm_central(&r->z, &e[0]);
    zm_end(&r->z, "");
    walk(r);
    assert_int_equal(r->t.child_count, 1);
    assert_non_null(walktest_find(&r->t, "evil.exe"));
}

static void test_every_truncation(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "a", .content = "stored text"},
                           {.name = "b", .content = long_text, .method = 8},
                           {.name = "c", .content = long_text, .method = 8, .descriptor = true}};
    zm_all(&r->z, e, 3);
    for (size_t len = 0; len < r->z.out.len; len++) {
        walktest_release(&r->t);
        sk_err err = walktest_run(&r->t, &sk_format_zip, r->z.out.data, len);
        assert_true(err.code == SK_OK || err.code == SK_E_FORMAT);
        if (err.code == SK_OK) {
            assert_true(r->t.note[SK_NOTE_DAMAGED] > 0);
        }
    }
}

static void test_every_allocation_may_fail(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "a", .content = "stored text"},
                           {.name = "b", .content = long_text, .method = 8},
                           {.name = "c", .content = long_text, .method = 8, .flags = 1}};
    zm_all(&r->z, e, 3);
    for (uint64_t nth = 1;; nth++) {
        walktest_release(&r->t);
        mem_fault_set(nth);
        sk_err err = walktest_run_windowed(&r->t, &sk_format_zip, r->z.out.data, r->z.out.len);
        uint64_t seen = mem_fault_seen();
        mem_fault_set(0);
        if (seen < nth) {
            assert_int_equal(err.code, SK_OK);
            break;
        }
        /* Said in one way or another, never a quiet "all well". */
        assert_true(err.code == SK_E_NOMEM || r->t.note[SK_NOTE_LIMIT_MEMORY] > 0);
    }
}

static void test_table_refused_by_the_arena(void **state) {
    struct run *r = *state;
    static struct zm_entry e[400];
    for (size_t i = 0; i < 400; i++) {
        e[i] = (struct zm_entry){.name = "member", .content = "content"};
    }
    zm_all(&r->z, e, 400);
    r->t.arena_ceiling_bytes = 1000;
    assert_int_equal(walktest_run(&r->t, &sk_format_zip, r->z.out.data, r->z.out.len).code, SK_OK);
    assert_int_equal(r->t.child_count, 400);
    assert_true(r->t.note[SK_NOTE_LIMIT_MEMORY] > 0);
}

static void test_stop_is_obeyed(void **state) {
    struct run *r = *state;
    struct zm_entry e[] = {{.name = "a", .content = "stored text"},
                           {.name = "b", .content = long_text, .method = 8},
                           {.name = "c", .content = long_text, .method = 8}};
    zm_all(&r->z, e, 3);
    r->t.stop_after_children = 2;
    assert_int_equal(walktest_run(&r->t, &sk_format_zip, r->z.out.data, r->z.out.len).code,
                     SK_E_STOP);
    assert_int_equal(r->t.child_count, 2);
    walktest_release(&r->t);
    assert_int_equal(walktest_run(&r->t, &sk_format_zip, r->z.out.data, r->z.out.len).code, SK_OK);
    uint64_t all = r->t.ticks;
    for (uint64_t n = 1; n <= all; n++) {
        walktest_release(&r->t);
        r->t.stop_after_ticks = n;
        sk_err err = walktest_run(&r->t, &sk_format_zip, r->z.out.data, r->z.out.len);
        assert_int_equal(err.code, SK_E_STOP);
    }
}

static void test_many_members_in_any_order(void **state) {
    struct run *r = *state;
    static struct zm_entry e[5000];
    static char names[5000][12];
    for (size_t i = 0; i < 5000; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "m%zu", i);
        e[i] = (struct zm_entry){.name = names[i], .content = names[i]};
        zm_local(&r->z, &e[i]);
    }
    zm_dir_begin(&r->z);
    for (size_t i = 0; i < 5000; i++) {
        zm_central(&r->z, &e[i * 1999 % 5000]);
    }
    zm_end(&r->z, "");
    walk(r);
    assert_int_equal(r->t.child_count, 5000);
    for (size_t i = 0; i < 5000; i++) {
        assert_string_equal(r->t.child[i].name, names[i]);
        assert_string_equal((const char *)r->t.child[i].head, names[i]);
    }
    assert_notes(r, NONE, NONE);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_honest_archive),
        T(test_empty_archive),
        T(test_not_an_archive),
        T(test_member_missing_from_directory),
        T(test_stored_archive_is_one_member),
        T(test_archive_behind_bytes_of_a_stored_member),
        T(test_archives_in_a_row),
        T(test_archive_behind_a_stub),
        T(test_trailing_data_and_end_record_in_comment),
        T(test_directory_lost),
        T(test_wrong_checksum_is_damage_but_scanned),
        T(test_headers_disagree_on_method),
        T(test_headers_disagree_on_size),
        T(test_directory_lies_about_packed_size),
        T(test_what_reading_alone_shows_is_told),
        T(test_same_place_is_walked_once),
        T(test_overlap_is_noted),
        T(test_encryption_is_told),
        T(test_known_passwords_open),
        T(test_proven_password_counts),
        T(test_unproven_passwords_are_all_read),
        T(test_damage_in_encrypted_members),
        T(test_faked_encryption_is_read),
        T(test_flags_disagree_on_encryption),
        T(test_unknown_methods),
        T(test_split_marker_and_last_volume),
        T(test_zip64),
        T(test_ooxml_is_told),
        T(test_directory_entry_leads_nowhere),
        T(test_local_name_is_reported),
        T(test_every_truncation),
        T(test_every_allocation_may_fail),
        T(test_table_refused_by_the_arena),
        T(test_stop_is_obeyed),
        T(test_many_members_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
