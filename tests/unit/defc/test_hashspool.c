// SPDX-License-Identifier: Apache-2.0
/* Hash sets as written and as read: every record is found, nothing else, first of equals wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "defc/hashspool.h"
#include "defc/names.h"
#include "defc/write.h"
#include "defkit.h"

#define COUNT 30000u

static uint64_t mix(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static struct hash_record record_of(enum hs_algo algo, unsigned i) {
    struct hash_record r = {.algo = algo, .role = HS_FILE};
    for (unsigned b = 0; b < 32; b += 8) {
        uint64_t v = mix(i / 3 + b * 1000003u); /* three records share each digest */
        memcpy(&r.digest[b], &v, 8);
    }
    r.size = (uint32_t)(mix(i) % 40000000) + 1;
    return r;
}

static bool note(void *ctx, uint32_t name) {
    *(uint32_t *)ctx = name;
    return true;
}

static void build_and_ask(enum hs_algo algo, unsigned count) {
    struct scratch s;
    struct names_builder *nb = NULL;
    struct hashspool *hs = NULL;
    struct img_writer *w = NULL;
    struct image *img = NULL;
    uint32_t *ref = mem_alloc(count * sizeof *ref);
    assert_non_null(ref);
    scratch_make(&s);
    assert_int_equal(names_builder_new(s.dir, NULL, &nb).code, SK_OK);
    assert_int_equal(hashspool_new(s.dir, &hs).code, SK_OK);
    for (unsigned i = 0; i < count; i++) {
        struct hash_record r = record_of(algo, i);
        char name[32];
        (void)snprintf(name, sizeof name, "N-%u", i);
        assert_int_equal(names_add(nb, name, strlen(name), &r.name).code, SK_OK);
        ref[i] = r.name;
        assert_int_equal(hashspool_add(hs, &r).code, SK_OK);
    }
    struct hash_record again = record_of(algo, 0);
    again.name = ref[count - 1];
    assert_int_equal(hashspool_add(hs, &again).code, SK_OK);
    assert_int_equal(img_writer_new(s.dir, "local", NULL, &w).code, SK_OK);
    assert_int_equal(hashspool_finish(hs, w).code, SK_OK);
    assert_int_equal(names_finish(nb, w).code, SK_OK);
    assert_int_equal(img_writer_finish(w).code, SK_OK);
    assert_int_equal(hashspool_dropped(hs), 1);
    assert_int_equal(hashspool_count(hs, HS_FILE), count);
    assert_int_equal(image_open(scratch_path(&s, img_writer_temp_name(w)), NULL, &img).code, SK_OK);
    assert_int_equal(image_verify(img, NULL).code, SK_OK);
    const struct hs_set *set = image_hashes(img, algo, HS_FILE);
    unsigned passed = 0;
    for (unsigned i = 0; i < count; i++) {
        struct hash_record r = record_of(algo, i);
        uint32_t name = UINT32_MAX;
        assert_true(hs_gate(set, r.size));
        assert_int_equal(hs_lookup(set, r.digest, r.size, note, &name), 1);
        assert_int_equal(name, ref[i]);
        assert_int_equal(hs_lookup(set, r.digest, r.size + 40000001u, note, &name), 0);
        r.digest[5] ^= 1;
        assert_int_equal(hs_lookup(set, r.digest, r.size, note, &name), 0);
        passed += hs_gate(set, mix(i + 77777777u) % 40000000 + 1);
    }
    assert_true(passed < count / 50 + 5); /* 30000 of 40 million sizes exist */
    image_close(img);
    img_writer_free(w);
    hashspool_free(hs);
    names_builder_free(nb);
    mem_free(ref);
    scratch_remove(&s);
}

static void every_record_is_found(void **state) {
    (void)state;
    for (int algo = 0; algo < HS_ALGO_COUNT; algo++) {
        build_and_ask((enum hs_algo)algo, COUNT);
        build_and_ask((enum hs_algo)algo, 3000);
        build_and_ask((enum hs_algo)algo, 1);
        build_and_ask((enum hs_algo)algo, 171); /* one page is full */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_record_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
