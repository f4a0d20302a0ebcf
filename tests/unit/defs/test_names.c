// SPDX-License-Identifier: Apache-2.0
/* Names through builder, image and back: any bytes, any numbers, hostile dictionaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "defc/names.h"
#include "defc/write.h"
#include "defkit.h"

static void names_come_back_as_they_were(void **state) {
    (void)state;
    static const char *const names[] = {"Win.Worm.Zbot-4000-0",
                                        "Win.Worm.Zbot-4001-0",
                                        "a",
                                        "0",
                                        "00",
                                        "007",
                                        "1",
                                        "x0y00z",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "99999999999999999999999999",
                                        "no-numbers.at.all",
                                        "-1-2-3-4-5-6-7-8-9-10",
                                        "\x01\x02\x03",
                                        "name with \xff\xfe bytes"};
    size_t count = sizeof names / sizeof names[0];
    struct scratch s;
    struct names_builder *nb = NULL;
    struct img_writer *w = NULL;
    struct image *img = NULL;
    uint32_t ref[32];
    scratch_make(&s);
    assert_int_equal(names_builder_new(s.dir, NULL, &nb).code, SK_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(names_add(nb, names[i], strlen(names[i]), &ref[i]).code, SK_OK);
    }
    char longest[NAMES_NAME_MAX + 1];
    memset(longest, 'q', sizeof longest);
    assert_int_equal(names_add(nb, longest, NAMES_NAME_MAX, &ref[count]).code, SK_OK);
    assert_int_equal(names_add(nb, longest, NAMES_NAME_MAX + 1, &ref[count + 1]).code, SK_E_LIMIT);
    assert_int_equal(names_add(nb, "", 0, &ref[count + 1]).code, SK_E_LIMIT);
    assert_int_equal(names_add(nb, "nul\0in", 6, &ref[count + 1]).code, SK_OK);
    assert_int_equal(names_add(nb, "Old.Name (Clam)-3", 17, &ref[count + 2]).code, SK_OK);
    for (unsigned i = 0; i < 20000; i++) { /* the table grows */
        char name[64];
        uint32_t unused = 0;
        (void)snprintf(name, sizeof name, "%c%c%c%c-%u", 'a' + i % 26, 'a' + i / 26 % 26,
                       'a' + i / 676 % 26, 'a' + i / 17576, i);
        assert_int_equal(names_add(nb, name, strlen(name), &unused).code, SK_OK);
    }
    assert_int_equal(img_writer_new(s.dir, "local", NULL, &w).code, SK_OK);
    img_writer_header(w)->flags = IMG_OFFICIAL;
    assert_int_equal(names_finish(nb, w).code, SK_OK);
    assert_int_equal(img_writer_finish(w).code, SK_OK);
    assert_int_equal(image_open(scratch_path(&s, img_writer_temp_name(w)), NULL, &img).code, SK_OK);
    assert_int_equal(image_verify(img, NULL).code, SK_OK);
    for (size_t i = 0; i < count; i++) {
        struct buf text = {0};
        assert_int_equal(image_name(img, ref[i], &text).code, SK_OK);
        assert_string_equal(buf_text(&text), names[i]);
        buf_release(&text);
    }
    struct buf text = {0};
    assert_int_equal(image_name(img, ref[count + 1], &text).code, SK_OK);
    assert_int_equal(text.len, 6);
    assert_memory_equal(text.data, "nul\0in", 6);
    buf_clear(&text);
    assert_int_equal(image_name(img, ref[count + 2], &text).code, SK_OK);
    assert_string_equal(buf_text(&text), "Old.Name");
    buf_release(&text);
    image_close(img);
    img_writer_free(w);
    names_builder_free(nb);
    assert_int_equal(scratch_count(&s, ".", ".skdef"), 0);
    scratch_remove(&s);
}

/* Over random dictionaries and names: the check says yes exactly where decoding gives a name, and
 * goes on at the same place. */
static void checking_agrees_with_decoding(void **state) {
    (void)state;
    uint64_t seed = 42;
    unsigned good = 0;
    for (unsigned round = 0; round < 4000; round++) {
        struct {
            uint32_t count, off[5];
            uint8_t text[1200];
        } dict = {.count = 4};
        uint8_t name[64];
        for (size_t i = 0; i < sizeof dict.text; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            dict.text[i] = (uint8_t)(seed >> 60 < 4 ? seed >> 60 : seed >> 40);
        }
        for (unsigned i = 0; i < 5; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            dict.off[i] = (uint32_t)(seed >> 33) % 1210;
        }
        for (unsigned i = 0; i < 64; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            name[i] = (uint8_t)(i % 5 == 0 ? seed >> 61 : seed >> 50);
        }
        if (round % 2 == 0) { /* short stems, as real ones */
            for (unsigned i = 0; i < 5; i++) {
                dict.off[i] = i * (round % 40);
            }
        }
        struct names_view v;
        struct names_stem stem[4] = {0};
        struct sk_bytes stems = {(const uint8_t *)&dict, 24 + sizeof dict.text};
        assert_int_equal(names_view_init(&v, stems, (struct sk_bytes){name, 64}).code, SK_OK);
        for (uint32_t ref = 0; ref <= 64; ref++) {
            struct buf text = {0};
            uint32_t next = 0, same = 0;
            bool decodes = !sk_failed(names_decode(&v, ref, &text, &next));
            assert_int_equal(names_check(&v, stem, ref, &same), decodes);
            assert_int_equal(same, next);
            good += decodes;
            buf_release(&text);
        }
    }
    assert_true(good > 1000);
}

static void hostile_dictionaries_are_refused(void **state) {
    (void)state;
    static const uint32_t stems[] = {2, 0, 4, 2, 0x01010101, 0};
    struct names_view v = {0};
    struct buf out = {0};
    struct sk_bytes dict = {(const uint8_t *)stems, sizeof stems};
    static const uint8_t text[] = {0, 1, 2, 3, 4, 1, 9, 0, 0x80, 0x80};
    struct sk_bytes names = {text, sizeof text};
    assert_int_equal(names_view_init(&v, dict, names).code, SK_OK);
    assert_int_equal(names_decode(&v, 0, &out, NULL).code, SK_OK);
    assert_string_equal(buf_text(&out), "1234");
    assert_int_equal(names_decode(&v, 5, &out, NULL).code, SK_E_FORMAT);  /* bounds cross */
    assert_int_equal(names_decode(&v, 6, &out, NULL).code, SK_E_FORMAT);  /* no such stem */
    assert_int_equal(names_decode(&v, 7, &out, NULL).code, SK_E_FORMAT);  /* number cut */
    assert_int_equal(names_decode(&v, 10, &out, NULL).code, SK_E_FORMAT); /* the end */
    assert_int_equal(names_decode(&v, UINT32_MAX, &out, NULL).code, SK_E_FORMAT);
    assert_string_equal(buf_text(&out), "1234");
    static const uint32_t huge[] = {UINT32_MAX, 0, 0};
    dict = (struct sk_bytes){(const uint8_t *)huge, sizeof huge};
    assert_int_equal(names_view_init(&v, dict, names).code, SK_E_FORMAT);
    dict.len = 4;
    assert_int_equal(names_view_init(&v, dict, names).code, SK_E_FORMAT);
    dict.len = 0;
    assert_int_equal(names_view_init(&v, dict, names).code, SK_E_FORMAT);
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_back_as_they_were),
        cmocka_unit_test(checking_agrees_with_decoding),
        cmocka_unit_test(hostile_dictionaries_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
