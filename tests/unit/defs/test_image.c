// SPDX-License-Identifier: Apache-2.0
/* Opening and verifying images: every byte of a small one is damaged, with and without repaired
 * checksums. Nothing may crash (run under ASan), damage must be refused where it can be seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "defkit.h"

static struct scratch scratch;
static struct buf good;

static int setup(void **state) {
    (void)state;
    struct defc_report report;
    struct diag_tape tape;
    diag_tape_init(&tape);
    scratch_make(&scratch);
    defkit_sample(&scratch);
    assert_int_equal(defkit_compile(&scratch, &tape.diag, &report).code, SK_OK);
    defkit_image(&scratch, &good);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    buf_release(&good);
    scratch_remove(&scratch);
    return 0;
}

static struct image *open_good(void) {
    struct image *img = NULL;
    assert_int_equal(image_open_mem(good.data, good.len, NULL, &img).code, SK_OK);
    return img;
}

static bool note_name(void *ctx, uint32_t name) {
    *(uint32_t *)ctx = name;
    return true;
}

static void a_good_image_opens_and_verifies(void **state) {
    (void)state;
    struct image *img = open_good();
    struct diag_tape tape;
    diag_tape_init(&tape);
    assert_int_equal(image_verify(img, &tape.diag).code, SK_OK);
    assert_string_equal(image_header(img)->name, "local");
    assert_int_equal(image_header(img)->count_hash, 6);
    assert_int_equal(image_header(img)->count_allow, 1);
    assert_int_equal(image_header(img)->count_body, 4);
    defkit_exercise(img);
    image_close(img);
}

/* Which of the two it was matters to nobody but the disk; where nothing can be taken out of the
 * page cache (tmpfs), both are the first. */
static void a_file_opens_cached_or_not(void **state) {
    (void)state;
    scratch_write(&scratch, "good.skdef", good.data, good.len);
    for (unsigned cold = 0; cold < 2; cold++) {
        struct image *img = NULL;
        int fd = open(scratch_path(&scratch, "good.skdef"), O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        if (cold == 1) {
            (void)fsync(fd);
            (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        }
        (void)close(fd);
        assert_int_equal(image_open(scratch_path(&scratch, "good.skdef"), NULL, &img).code, SK_OK);
        image_prefetch(img);
        assert_int_equal(image_verify(img, NULL).code, SK_OK);
        defkit_exercise(img);
        image_close(img);
    }
}

static void a_hash_is_found_with_its_name(void **state) {
    (void)state;
    struct image *img = open_good();
    static const uint8_t eicar[16] = {0x44, 0xd8, 0x86, 0x12, 0xfe, 0xa8, 0xa8, 0xf3,
                                      0x6d, 0xe8, 0x2e, 0x12, 0x78, 0xab, 0xb0, 0x2f};
    const struct hs_set *set = image_hashes(img, HS_MD5, HS_FILE);
    uint32_t name = 0;
    struct buf text = {0};
    assert_true(hs_gate(set, 68));
    assert_true(hs_gate(set, 70000000));
    assert_false(hs_gate(set, 69));
    assert_int_equal(hs_lookup(set, eicar, 68, note_name, &name), 1);
    assert_int_equal(hs_lookup(set, eicar, 69, note_name, &name), 0);
    assert_int_equal(image_name(img, name, &text).code, SK_OK);
    assert_string_equal(buf_text(&text), "Test.Eicar-1.UNOFFICIAL");
    buf_release(&text);
    assert_true(hs_gate(image_hashes(img, HS_SHA256, HS_FILE), 12345));
    assert_int_equal(image_hashes(img, HS_SHA1, HS_ALLOW)->record_count, 0);
    assert_false(hs_gate(image_hashes(img, HS_SHA1, HS_ALLOW), 5));
    assert_true(image_ignores(img, "Test.Ignored-1"));
    assert_false(image_ignores(img, "Test.Ignored-2"));
    image_close(img);
}

static void a_target_without_own_signatures_shares_table_0(void **state) {
    (void)state;
    struct image *img = open_good();
    const struct mt_segment *seg = image_segment(img);
    assert_memory_equal(&seg->table[SK_TARGET_ELF], &seg->table[0], sizeof seg->table[0]);
    assert_memory_not_equal(&seg->table[SK_TARGET_PE], &seg->table[0], sizeof seg->table[0]);
    image_close(img);
}

static void truncation_is_refused_at_every_length(void **state) {
    (void)state;
    for (size_t len = 0; len < good.len; len += len < 2048 ? 1 : 61) {
        struct image *img = NULL;
        struct buf copy = {0};
        assert_false(sk_failed(buf_append(&copy, good.data, len)));
        assert_int_equal(image_open_mem(copy.data, len, NULL, &img).code, SK_E_FORMAT);
        buf_release(&copy);
    }
}

static void unaligned_bytes_are_a_usage_error(void **state) {
    (void)state;
    struct image *img = NULL;
    assert_int_equal(image_open_mem(good.data + 1, good.len - 1, NULL, &img).code, SK_E_USAGE);
}

/* Without repair: the header refuses at open, everything else in the verifier. */
static void every_flipped_byte_is_found(void **state) {
    (void)state;
    for (size_t i = 0; i < good.len; i++) {
        struct image *img = NULL;
        good.data[i] ^= 0x41;
        sk_err err = image_open_mem(good.data, good.len, NULL, &img);
        if (!sk_failed(err)) {
            assert_true(i >= IMG_HEADER_BYTES);
            err = image_verify(img, NULL);
            image_close(img);
        }
        assert_int_equal(err.code, SK_E_FORMAT);
        good.data[i] ^= 0x41;
    }
}

static void mutate(size_t at, uint8_t mask) {
    struct image *img = NULL;
    struct buf copy = {0};
    assert_false(sk_failed(buf_append(&copy, good.data, good.len)));
    copy.data[at] ^= mask;
    defkit_reseal(copy.data, copy.len);
    if (!sk_failed(image_open_mem(copy.data, copy.len, NULL, &img))) {
        defkit_exercise(img);
        image_close(img);
    }
    buf_release(&copy);
}

/* With repaired checksums: an enemy knows CRC, too. */
static void resealed_damage_is_harmless(void **state) {
    (void)state;
    const struct img_header *h = (const struct img_header *)(const void *)good.data;
    size_t used = offsetof(struct img_header, section) + h->section_count * sizeof h->section[0];
    for (size_t i = 0; i < used; i++) {
        mutate(i, i % 2 == 0 ? 0x01 : 0xff);
    }
    for (size_t i = IMG_HEADER_BYTES; i < good.len; i += good.data[i] == 0 ? 31 : 2) {
        mutate(i, i % 3 == 0 ? 0x01 : 0xff);
    }
}

struct row_case {
    const char *what;
    void (*change)(struct img_header *h, struct img_section *s);
};
static void off_outside(struct img_header *h, struct img_section *s) {
    s->off = h->file_len + 64;
}
static void off_huge(struct img_header *h, struct img_section *s) {
    (void)h;
    s->off = UINT64_MAX - 63;
}
static void len_huge(struct img_header *h, struct img_section *s) {
    (void)h;
    s->len = UINT64_MAX;
}
static void overlap(struct img_header *h, struct img_section *s) {
    (void)h;
    s->off = IMG_HEADER_BYTES;
    s->len = s[1].off - IMG_HEADER_BYTES + 64;
}
static void unaligned(struct img_header *h, struct img_section *s) {
    (void)h;
    s->off += 4;
    s->len -= 4;
}
static void elem_zero(struct img_header *h, struct img_section *s) {
    (void)h;
    s->elem = 0;
}
static void elem_wrong(struct img_header *h, struct img_section *s) {
    (void)h;
    s->elem = s->elem == 1 ? 1000003 : 1;
}
static void type_gone(struct img_header *h, struct img_section *s) {
    (void)h;
    s->type = 200;
    s->flags = 0;
}
static void unknown_required(struct img_header *h, struct img_section *s) {
    (void)h;
    s->type = 200;
    s->flags = IMG_REQUIRED;
}
static void count_zero(struct img_header *h, struct img_section *s) {
    (void)s;
    h->section_count = 0;
}
static void count_huge(struct img_header *h, struct img_section *s) {
    (void)s;
    h->section_count = IMG_SECTION_MAX + 1;
}
static void name_open(struct img_header *h, struct img_section *s) {
    (void)s;
    memset(h->name, 'a', sizeof h->name);
}
static void major_new(struct img_header *h, struct img_section *s) {
    (void)s;
    h->major++;
}
static void order_other(struct img_header *h, struct img_section *s) {
    (void)s;
    h->byte_order = __builtin_bswap32(h->byte_order);
}

/* The row of the header that this section has. */
static struct img_section *section_of(uint8_t *image, uint32_t type) {
    struct img_header *h = (struct img_header *)(void *)image;
    uint32_t row = 0;
    while (row < h->section_count && h->section[row].type != type) {
        row++;
    }
    assert_true(row < h->section_count);
    return &h->section[row];
}

static void wrong_marks_are_refused(void **state) {
    (void)state;
    static const size_t field[][2] = {{offsetof(struct mt_mark, window), 8},
                                      {offsetof(struct mt_mark, trig), 4},
                                      {offsetof(struct mt_mark, delta), 2},
                                      {offsetof(struct mt_mark, q), 2}};
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
        struct buf copy = {0};
        struct image *img = NULL;
        assert_false(sk_failed(buf_append(&copy, good.data, good.len)));
        memset(copy.data + section_of(copy.data, IMG_MARKS)->off + field[i][0], 0xff, field[i][1]);
        defkit_reseal(copy.data, copy.len);
        assert_int_equal(image_open_mem(copy.data, copy.len, NULL, &img).code, SK_OK);
        assert_int_equal(image_verify(img, NULL).code, SK_E_FORMAT);
        image_close(img);
        buf_release(&copy);
    }
}

/* A trigger without a mark would not be found: heads, marks and triggers are of one number. */
static void missing_marks_are_refused(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct buf copy = {0};
        struct image *img = NULL;
        assert_false(sk_failed(buf_append(&copy, good.data, good.len)));
        struct img_section *s = section_of(copy.data, i == 0 ? IMG_MARK_HEAD : IMG_MARKS);
        if (i < 2) {
            s->type = 200;
            s->flags = 0;
        } else {
            s->len -= s->elem;
        }
        defkit_reseal(copy.data, copy.len);
        assert_int_equal(image_open_mem(copy.data, copy.len, NULL, &img).code, SK_E_FORMAT);
        buf_release(&copy);
    }
}

static void named_damage_is_refused(void **state) {
    (void)state;
    static const struct row_case cases[] = {
        {"off outside", off_outside},
        {"off huge", off_huge},
        {"len huge", len_huge},
        {"overlap", overlap},
        {"unaligned", unaligned},
        {"elem 0", elem_zero},
        {"elem wrong", elem_wrong},
        {"companion missing", type_gone},
        {"unknown, required", unknown_required},
        {"no sections", count_zero},
        {"too many sections", count_huge},
        {"name without end", name_open},
        {"newer major", major_new},
        {"byte order", order_other},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf copy = {0};
        struct image *img = NULL;
        assert_false(sk_failed(buf_append(&copy, good.data, good.len)));
        struct img_header *h = (struct img_header *)(void *)copy.data;
        uint32_t row = 0;
        /* Index pages: an array that is needed, with a neighbour after it. */
        while (h->section[row].type != IMG_HASH_INDEX) {
            row++;
        }
        cases[i].change(h, &h->section[row]);
        defkit_reseal(copy.data, copy.len);
        if (image_open_mem(copy.data, copy.len, NULL, &img).code != SK_E_FORMAT) {
            fail_msg("not refused: %s", cases[i].what);
        }
        buf_release(&copy);
    }
}

static void unknown_sections_are_passed_over(void **state) {
    (void)state;
    struct buf copy = {0};
    struct image *img = NULL;
    assert_false(sk_failed(buf_append(&copy, good.data, good.len)));
    struct img_header *h = (struct img_header *)(void *)copy.data;
    uint32_t row = 0;
    while (h->section[row].type != IMG_META) {
        row++;
    }
    h->section[row].type = 200;
    h->minor++;
    defkit_reseal(copy.data, copy.len);
    assert_int_equal(image_open_mem(copy.data, copy.len, NULL, &img).code, SK_OK);
    assert_int_equal(image_meta(img).len, 0);
    image_close(img);
    buf_release(&copy);
}

static void the_nth_allocation_may_fail(void **state) {
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct image *img = NULL;
        mem_fault_set(n);
        sk_err err = image_open_mem(good.data, good.len, NULL, &img);
        if (!sk_failed(err)) {
            err = image_verify(img, NULL);
            image_close(img);
        }
        bool reached = mem_fault_seen() >= n;
        mem_fault_set(0);
        if (!reached) {
            assert_int_equal(err.code, SK_OK);
            break;
        }
        assert_int_equal(err.code, SK_E_NOMEM);
    }
}

static void what_is_not_there_is_told(void **state) {
    (void)state;
    struct image *img = NULL;
    struct diag_tape tape;
    diag_tape_init(&tape);
    assert_int_equal(image_open("/nonexistent/x.skdef", &tape.diag, &img).code, SK_E_NOTFOUND);
    assert_int_equal(tape.diag.count[DIAG_ERROR], 1);
    scratch_text(&scratch, "plain.skdef", "not an image");
    assert_int_equal(image_open(scratch_path(&scratch, "plain.skdef"), &tape.diag, &img).code,
                     SK_E_FORMAT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_image_opens_and_verifies),
        cmocka_unit_test(a_file_opens_cached_or_not),
        cmocka_unit_test(a_hash_is_found_with_its_name),
        cmocka_unit_test(a_target_without_own_signatures_shares_table_0),
        cmocka_unit_test(truncation_is_refused_at_every_length),
        cmocka_unit_test(unaligned_bytes_are_a_usage_error),
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(resealed_damage_is_harmless),
        cmocka_unit_test(wrong_marks_are_refused),
        cmocka_unit_test(missing_marks_are_refused),
        cmocka_unit_test(named_damage_is_refused),
        cmocka_unit_test(unknown_sections_are_passed_over),
        cmocka_unit_test(the_nth_allocation_may_fail),
        cmocka_unit_test(what_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
