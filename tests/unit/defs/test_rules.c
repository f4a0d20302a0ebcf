// SPDX-License-Identifier: Apache-2.0
/* The small tables of an image, of every kind, damaged with checksums made right, as an enemy
 * would: what opens may be used without looking, what cannot be used is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "defkit.h"
#include "golden.h"

static struct scratch scratch;
static struct buf good;

static int setup(void **state) {
    (void)state;
    struct defc_report report;
    struct diag_tape tape;
    diag_tape_init(&tape);
    scratch_make(&scratch);
    defkit_rules(&scratch);
    size_t len;
    uint8_t *catalogue = golden_load("catalogues/good.cat.b64", &len);
    scratch_write(&scratch, "src/z.cat", (const char *)catalogue, len);
    free(catalogue);
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

static const struct img_section *section_of(const uint8_t *bytes, uint32_t type) {
    const struct img_header *h = (const struct img_header *)(const void *)bytes;
    uint32_t row = 0;
    while (row < h->section_count && h->section[row].type != type) {
        row++;
    }
    assert_true(row < h->section_count);
    return &h->section[row];
}

static void every_kind_is_there_and_verifies(void **state) {
    (void)state;
    struct image *img = NULL;
    struct diag_tape tape;
    diag_tape_init(&tape);
    assert_int_equal(image_open_mem(good.data, good.len, &tape.diag, &img).code, SK_OK);
    const struct rules *r = image_rules(img);
    assert_int_equal(r->member_count, 1);
    assert_int_equal(r->password_count, 1);
    assert_int_equal(r->switch_count, 1);
    assert_int_equal(r->magic_count, 1);
    assert_int_equal(r->link_count, 4);
    assert_int_equal(r->url_count, 4);
    assert_int_equal(r->cert_count, 2);
    assert_int_equal(r->icon_count, 1);
    assert_int_equal(r->catalogue_count, 1);
    assert_int_equal(r->listed_count, 2);
    assert_int_equal(image_verify(img, &tape.diag).code, SK_OK);
    defkit_exercise(img);
    image_close(img);
}

/* Each bit of each byte of each of these tables. */
static void resealed_damage_is_harmless(void **state) {
    (void)state;
    struct buf copy = {0};
    unsigned refused = 0, opened = 0;
    for (uint32_t type = IMG_RULE_TEXT; type <= IMG_RULE_LAST; type++) {
        const struct img_section *s = section_of(good.data, type);
        for (uint64_t at = s->off * 8; at < (s->off + s->len) * 8; at++) {
            struct image *img = NULL;
            buf_clear(&copy);
            assert_false(sk_failed(buf_append(&copy, good.data, good.len)));
            copy.data[at / 8] ^= (uint8_t)(1u << at % 8);
            defkit_reseal(copy.data, copy.len);
            if (sk_failed(image_open_mem(copy.data, copy.len, NULL, &img))) {
                refused++;
                continue;
            }
            opened++;
            defkit_exercise(img);
            image_close(img);
        }
    }
    assert_true(refused > 0 && opened > 0);
    buf_release(&copy);
}

struct damage {
    const char *what;
    uint32_t type;
    size_t offset, len;
    uint32_t value;
};

static void named_damage_is_refused(void **state) {
    (void)state;
#define AT(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)
    static const struct damage CASES[] = {
        {"text of a link outside", IMG_RULE_LINKS, AT(rule_link, text), UINT32_MAX},
        {"kind of a link", IMG_RULE_LINKS, AT(rule_link, kind), RULE_LINK_KIND_COUNT},
        {"kind of an address", IMG_RULE_URLS, AT(rule_url, kind), RULE_URL_KIND_COUNT},
        {"modulus outside", IMG_RULE_CERTS, AT(rule_cert, modulus), UINT32_MAX},
        {"modulus too long", IMG_RULE_CERTS, AT(rule_cert, modulus_len), UINT16_MAX},
        {"no modulus", IMG_RULE_CERTS, AT(rule_cert, modulus_len), 0},
        {"flags of a certificate", IMG_RULE_CERTS, AT(rule_cert, flags), RULE_CERT_ALL + 1},
        {"group of an icon outside", IMG_RULE_ICONS, offsetof(struct rule_icon, group), 4,
         UINT32_MAX},
        {"side of an icon", IMG_RULE_ICONS, AT(rule_icon, side), 17},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct buf copy = {0};
        struct image *img = NULL;
        assert_false(sk_failed(buf_append(&copy, good.data, good.len)));
        const struct img_section *s = section_of(copy.data, CASES[i].type);
        memcpy(&copy.data[s->off + CASES[i].offset], &CASES[i].value, CASES[i].len);
        defkit_reseal(copy.data, copy.len);
        if (image_open_mem(copy.data, copy.len, NULL, &img).code != SK_E_FORMAT) {
            fail_msg("not refused: %s", CASES[i].what);
        }
        buf_release(&copy);
    }
}

/* Text that does not end would be read past its section by whatever looks for a NUL. */
static void texts_without_end_are_refused_first(void **state) {
    (void)state;
    struct buf copy = {0};
    struct image *img = NULL;
    struct diag_tape tape;
    diag_tape_init(&tape);
    assert_false(sk_failed(buf_append(&copy, good.data, good.len)));
    const struct img_section *text = section_of(copy.data, IMG_RULE_TEXT);
    const struct img_section *links = section_of(copy.data, IMG_RULE_LINKS);
    memset(&copy.data[text->off], '(', (size_t)text->len);
    uint32_t last = (uint32_t)text->len - 1;
    memcpy(&copy.data[links->off], &last, sizeof last);
    uint32_t far = UINT32_MAX; /* also wrong, and looked at later */
    memcpy(&copy.data[links->off + sizeof(struct rule_link)], &far, sizeof far);
    defkit_reseal(copy.data, copy.len);
    assert_int_equal(image_open_mem(copy.data, copy.len, &tape.diag, &img).code, SK_E_FORMAT);
    assert_non_null(strstr(tape.text, "the texts of rules do not end"));
    buf_release(&copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_there_and_verifies),
        cmocka_unit_test(resealed_damage_is_harmless),
        cmocka_unit_test(named_damage_is_refused),
        cmocka_unit_test(texts_without_end_are_refused_first),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
