// SPDX-License-Identifier: Apache-2.0
/* SEKISHO_VECTORS takes paths away and never adds one; sixteen-byte vectors do what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/vec16.h"

static unsigned ask_with(const char *widest) {
    if (widest == NULL) {
        assert_int_equal(unsetenv("SEKISHO_VECTORS"), 0);
    } else {
        assert_int_equal(setenv("SEKISHO_VECTORS", widest, 1), 0);
    }
    return cpu_features_ask();
}

static void test_widest_path(void **state) {
    (void)state;
    static const char *const names[] = {"avx512", "avx2", VEC16_NAME, "scalar"};
    static const unsigned feature[] = {CPU_AVX512, CPU_AVX2, CPU_VEC16, 0};
    unsigned all = ask_with(NULL), before = all;
    assert_true(all != 0); /* asked */
    print_message("this machine: %s\n", cpu_path_name());
    for (unsigned i = 0; i < 4; i++) {
        unsigned now = ask_with(names[i]);
        assert_int_equal(now & ~before, 0);
        for (unsigned wider = 0; wider < i; wider++) {
            assert_int_equal(now & feature[wider], 0);
        }
        assert_int_equal(now & feature[i], all & feature[i]);
        assert_true(cpu_has(feature[i]) == ((all & feature[i]) == feature[i]));
        if (cpu_has(feature[i])) {
            assert_string_equal(cpu_path_name(), names[i]);
        }
        before = now;
    }
    assert_int_equal(ask_with("none of these"), all);
    assert_int_equal(ask_with(""), all);
    assert_int_equal(ask_with(NULL), all);
}

/* No instruction: it can be told. */
static void test_late_vectors(void **state) {
    (void)state;
    unsigned late = CPU_LATE_VECTORS, all = ask_with("avx512-late");
    assert_true(cpu_has(CPU_LATE_VECTORS) == cpu_has(CPU_AVX512));
    assert_int_equal(all & ~late, ask_with(NULL) & ~late);
    assert_int_equal(ask_with("avx512") & late, 0);
}

#if VEC16_BUILT

static uint64_t seed = 1;

static uint8_t next_random(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(seed >> 56);
}

static void random_bytes(uint8_t *p, size_t len) {
    for (size_t i = 0; i < len; i++) {
        p[i] = next_random();
    }
}

VEC16 static void one_round(unsigned bit) {
    uint8_t table[16], index[16], out[16], flag[64];
    random_bytes(table, sizeof(table));
    random_bytes(index, sizeof(index));
    random_bytes(flag, sizeof(flag));
    uint64_t mask = 0;
    uint32_t mask_u32 = 0;
    for (unsigned i = 0; i < 64; i++) {
        index[i % 16] &= 0x8f;
        flag[i] = flag[i] % 4 == 0 ? 255 : 0;
        mask |= (uint64_t)(flag[i] != 0) << i;
    }
    vec16_store(out, vec16_look(vec16_load(table), vec16_load(index)));
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(out[i], index[i] >= 128 ? 0 : table[index[i]]);
    }
    assert_true(vec16_mask(vec16_load(flag), vec16_load(flag + 16), vec16_load(flag + 32),
                           vec16_load(flag + 48)) == mask);
    vec16_u32 words[4];
    for (unsigned i = 0; i < 16; i++) {
        words[i / 4][i % 4] = flag[i] != 0 ? UINT32_MAX : 0;
        mask_u32 |= (uint32_t)(flag[i] != 0) << i;
    }
    assert_int_equal(vec16_mask_u32(words[0], words[1], words[2], words[3]), mask_u32);
    vec16 one = vec16_splat(0);
    assert_false(vec16_any(one));
    one[bit / 2 % 16] = (uint8_t)(1u << bit % 8);
    assert_true(vec16_any(one));
    vec16_u32 n = {bit, 31 - bit, 0, 31}, power = vec16_bit(n << 23);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(power[i], 1u << n[i]);
    }
}

static void test_vectors_of_sixteen_bytes(void **state) {
    (void)state;
    if (!cpu_has(CPU_VEC16)) {
        skip();
    }
    for (unsigned round = 0; round < 3200; round++) {
        one_round(round % 32);
    }
}

#else

static void test_vectors_of_sixteen_bytes(void **state) {
    (void)state;
    skip();
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_widest_path),
        cmocka_unit_test(test_late_vectors),
        cmocka_unit_test(test_vectors_of_sixteen_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
