// SPDX-License-Identifier: Apache-2.0
/* Security catalogues: a good one and a forged one (made by tests/differential/diff_catalogue.py,
 * which compares their effect with clamscan), damage, and the tables of an image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "defc/catalogue.h"
#include "defkit.h"
#include "golden.h"

static uint8_t *good;
static size_t good_len;

static int setup(void **state) {
    (void)state;
    good = golden_load("catalogues/good.cat.b64", &good_len);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free(good);
    return 0;
}

static enum defc_reason add(struct rule_builder *b, const uint8_t *bytes, size_t len) {
    struct defc_why why;
    assert_false(sk_failed(catalogue_add(b, (struct sk_bytes){bytes, len}, &why)));
    return why.reason;
}

static void programs_are_taken(void **state) {
    (void)state;
    static const uint8_t sha1[] = {0xf2, 0x01, 0x35, 0x08, 0xe0, 0x7d, 0x7f, 0x60, 0x01, 0x59,
                                   0x47, 0x61, 0x5d, 0x15, 0xff, 0xf3, 0x34, 0x8d, 0xeb, 0x87};
    static const uint8_t zeros[12] = {0};
    struct rule_builder b = {0};
    assert_int_equal(add(&b, good, good_len), DEFC_TAKEN);
    assert_int_equal(b.catalogue.count, 1);
    assert_int_equal(b.listed.count, 2); /* a cabinet stands between the two */
    const struct rule_listed *l = b.listed.data;
    assert_int_equal(l[0].len, sizeof(sha1));
    assert_memory_equal(l[0].digest, sha1, sizeof(sha1));
    assert_memory_equal(l[0].digest + sizeof(sha1), zeros, sizeof(zeros));
    assert_int_equal(l[1].len, 32);
    const struct rule_catalogue *c = b.catalogue.data;
    assert_int_equal(c->len, good_len);
    assert_memory_equal(b.text.data + c->text, good, good_len);
    rules_release(&b);
}

static void forged_and_damaged_ones_are_not(void **state) {
    (void)state;
    struct rule_builder b = {0};
    size_t forged_len;
    uint8_t *forged = golden_load("catalogues/forged.cat.b64", &forged_len);
    assert_int_equal(add(&b, forged, forged_len), DEFC_MALFORMED);
    free(forged);
    for (size_t len = 0; len < good_len; len += 7) {
        assert_int_equal(add(&b, good, len), DEFC_MALFORMED);
    }
    /* Flipped bits: outside of what is signed (certificates, unused fields) some may pass. */
    unsigned refused = 0, tried = 0;
    for (size_t i = 0; i < good_len; i += 5, tried++) {
        struct rule_builder other = {0};
        good[i] ^= 0x10;
        refused += add(&other, good, good_len) != DEFC_TAKEN;
        good[i] ^= 0x10;
        rules_release(&other);
    }
    assert_true(refused > tried / 3);
    assert_int_equal(b.catalogue.count, 0);
    assert_int_equal(b.listed.count, 0);
    rules_release(&b);
}

static void memory_that_runs_out(void **state) {
    (void)state;
    sk_err err = sk_fail(SK_E_NOMEM);
    for (uint64_t n = 1; sk_failed(err); n++) {
        struct rule_builder b = {0};
        struct defc_why why;
        assert_true(n < 100);
        mem_fault_set(n);
        err = catalogue_add(&b, (struct sk_bytes){good, good_len}, &why);
        mem_fault_set(0);
        assert_true(!sk_failed(err) || err.code == SK_E_NOMEM);
        rules_release(&b);
    }
}

static void tables_of_the_image(void **state) {
    (void)state;
    static const struct {
        uint32_t type;
        size_t offset;
        uint32_t value;
    } DAMAGE[] = {
        {IMG_RULE_CATALOGUES, offsetof(struct rule_catalogue, text), UINT32_MAX},
        {IMG_RULE_CATALOGUES, offsetof(struct rule_catalogue, len), UINT32_MAX},
        {IMG_RULE_LISTED, offsetof(struct rule_listed, len), 21},
        {IMG_RULE_LISTED, offsetof(struct rule_listed, catalogue), 1},
    };
    struct scratch scratch;
    struct defc_report report;
    struct diag_tape tape;
    struct buf bytes = {0};
    struct image *img = NULL;
    diag_tape_init(&tape);
    scratch_make(&scratch);
    scratch_write(&scratch, "src/a.cat", (const char *)good, good_len);
    scratch_text(&scratch, "src/b.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Test.Eicar-1\n");
    assert_int_equal(defkit_compile(&scratch, &tape.diag, &report).code, SK_OK);
    defkit_image(&scratch, &bytes);
    assert_int_equal(image_open_mem(bytes.data, bytes.len, &tape.diag, &img).code, SK_OK);
    const struct rules *r = image_rules(img);
    assert_int_equal(r->catalogue_count, 1);
    assert_int_equal(r->listed_count, 2);
    assert_true(memcmp(r->listed[0].digest, r->listed[1].digest, RULE_LISTED_BYTES) < 0);
    image_close(img);
    for (size_t i = 0; i < sizeof(DAMAGE) / sizeof(DAMAGE[0]); i++) {
        struct buf copy = {0};
        assert_false(sk_failed(buf_append(&copy, bytes.data, bytes.len)));
        const struct img_header *h = (const struct img_header *)(const void *)copy.data;
        uint32_t row = 0;
        while (row < h->section_count && h->section[row].type != DAMAGE[i].type) {
            row++;
        }
        assert_true(row < h->section_count);
        memcpy(&copy.data[h->section[row].off + DAMAGE[i].offset], &DAMAGE[i].value, 4);
        defkit_reseal(copy.data, copy.len);
        assert_int_equal(image_open_mem(copy.data, copy.len, NULL, &img).code, SK_E_FORMAT);
        buf_release(&copy);
    }
    buf_release(&bytes);
    scratch_remove(&scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_taken),
        cmocka_unit_test(forged_and_damaged_ones_are_not),
        cmocka_unit_test(memory_that_runs_out),
        cmocka_unit_test(tables_of_the_image),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
