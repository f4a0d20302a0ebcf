// SPDX-License-Identifier: Apache-2.0
/* Fingerprints of icons: the digits are those that `clamscan --debug` 1.4.6 printed for programs
 * with these pictures; the likenesses those it printed for changed lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "norm/icon_print.h"

static uint32_t pixel_of(int kind, unsigned x, unsigned y) {
    unsigned b, g, r;
    switch (kind) {
    case 0:
        b = x * 37 + y * 91 + x * y * 13;
        g = (b >> 2) * 7;
        r = x * x + y * 29;
        break;
    case 1:
        b = g = r = x * 11 + y * 23 + x * y * 5;
        break;
    default:
        b = (x / 5 + y / 7) % 3 == 0 ? 0x28 : 250;
        g = b == 250 ? 250 : 200;
        r = b == 250 ? 250 : 90;
        break;
    }
    return (r & 0xff) << 16 | (g & 0xff) << 8 | (b & 0xff);
}

static struct icon_print print_of(int kind, unsigned side) {
    uint32_t rgb[ICON_SIDE_MAX * ICON_SIDE_MAX];
    struct icon_print print = {0};
    for (unsigned i = 0; i < side * side; i++) {
        rgb[i] = pixel_of(kind, i % side, i / side);
    }
    assert_int_equal(icon_print_make(rgb, side, &print).code, SK_OK);
    return print;
}

static void digits_of(const struct icon_print *p, char out[125]) {
    int n = snprintf(out, 125, "%02x", p->side);
    for (unsigned t = 0; t < ICON_TRAITS; t++) {
        for (unsigned i = 0; i < ICON_AREAS; i++) {
            const struct icon_area *a = &p->area[t][i];
            n += snprintf(out + n, 125 - (size_t)n, "%0*x%02x%02x", t <= ICON_GREY ? 3 : 2,
                          a->value, a->x, a->y);
        }
    }
    for (unsigned i = 0; i < ICON_SPREADS; i++) {
        n += snprintf(out + n, 125 - (size_t)n, "%02x", p->spread[i]);
    }
    assert_int_equal(n, 124);
}

static void test_digits(void **state) {
    (void)state;
    static const struct {
        int kind;
        unsigned side;
        const char *want;
    } CASES[] = {
        {0, 16,
         "10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a30707600a09600"
         "10a5c"
         "0a012a00003800043c040020222152"},
        {0, 24,
         "18b480c10a3508039d20c097ad02027ff060a830000bd10402ce0d02cd0b11a9080caf0109b001116c100e6b0"
         "61069"
         "0d033000003a000c3d060023212054"},
        {0, 32,
         "20a070a0f9a4131499c06038270413868040a8761600ca0201c80e0ec80512b1060ab50417b7150c6d16105b0"
         "71156"
         "14012f000035001737000822202253"},
        {1, 16,
         "1008406060820a0107b020b05c060605f0a01061020b9a04019a0a079800043e00006903056c0a0b9106028f0"
         "2078e"
         "02033f0000430a0b59000b00000000"},
        {1, 24,
         "1806308070440e020410110022080702c0e0203c01109009048f10008c02026600006d0b0c6f040a8f0204810"
         "8017a"
         "010a0d101118100b1b0a1100000000"},
        {1, 32,
         "20043160103b0a09029011701a160101f0a0903101179314128c0a038a0a17710c0e7400007401088b0203650"
         "10b63"
         "0a0109111412110c15091400000000"},
        {2, 16,
         "10b440000b440a078730004000050000009000000504fa0500fa0900fa0504c80000c80a07d4000494080b8c0"
         "2048c"
         "090600070002000a04040800452021"},
        {2, 24,
         "1896300009630e009630907000050000000070000f07fa0500fa0007fa0f07d00000d00e00d009078a09098a0"
         "41087"
         "0e020507000f00081a0c0e00452022"},
        {2, 32,
         "206b00c006b016076b0050d087050008714000870c0df70500f71400f70c0ddc0c00dc1607dc050d8b09068b1"
         "30d89"
         "030e24000828060028150000452021"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char got[125];
        struct icon_print print = print_of(CASES[i].kind, CASES[i].side);
        digits_of(&print, got);
        assert_string_equal(got, CASES[i].want);
    }
}

static void test_likeness(void **state) {
    (void)state;
    struct icon_print a = print_of(0, 32), b = a, plain = print_of(1, 32);
    assert_int_equal(icon_print_likeness(&a, &a), 100);
    assert_int_equal(icon_print_likeness(&plain, &plain), 83);
    for (unsigned i = 0; i < ICON_AREAS; i++) {
        b.area[ICON_DARK][i].x++;
    }
    assert_int_equal(icon_print_likeness(&a, &b), 98);
    b = a;
    b.area[ICON_COLOURED][0].value += 814;
    assert_int_equal(icon_print_likeness(&a, &b), 100);
    b.area[ICON_COLOURED][0].value++;
    assert_int_equal(icon_print_likeness(&a, &b), 94);
    b = a;
    b.spread[ICON_SHARE]--;
    assert_int_equal(icon_print_likeness(&a, &b), 99);
    b.spread[ICON_SHARE] -= 9;
    assert_int_equal(icon_print_likeness(&a, &b), 95);
    b.spread[ICON_SHARE] = 0; /* colours on one side only */
    assert_int_equal(icon_print_likeness(&a, &b), 68);
    assert_true(icon_print_is(&a, &b));
}

static void test_limits(void **state) {
    (void)state;
    static const unsigned SIDES[] = {16, 24, 32};
    for (size_t i = 0; i < 3; i++) {
        struct icon_print a = print_of(0, SIDES[i]), b = a;
        memset(b.area, 0, sizeof(b.area)); /* whatever is left is the spread: far too little */
        assert_true(icon_print_is(&a, &a));
        assert_false(icon_print_is(&a, &b));
    }
    struct icon_print small = print_of(0, 16), large = print_of(0, 32);
    assert_int_equal(icon_print_likeness(&small, &large), 0);
    uint32_t rgb[ICON_SIDE_MAX * ICON_SIDE_MAX] = {0};
    assert_int_equal(icon_print_make(rgb, 18, &small).code, SK_E_USAGE);
    mem_fault_set(1);
    assert_int_equal(icon_print_make(rgb, 16, &small).code, SK_E_NOMEM);
    mem_fault_set(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_likeness),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
