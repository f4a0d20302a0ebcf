// SPDX-License-Identifier: Apache-2.0
/* Hash lines: what is taken, what is refused and for which reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "defc/line_hash.h"

#define M "44d88612fea8a8f36de82e1278abb02f"
#define S1 "a9993e364706816aba3e25717850c26c9cd0d89d"
#define S2 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct {
    enum hs_role role;
    const char *line;
    enum defc_reason reason;
    enum hs_algo algo;
    uint32_t size;
    const char *name;
} cases[] = {
    {HS_FILE, M ":68:Name", DEFC_TAKEN, HS_MD5, 68, "Name"},
    {HS_FILE, S1 ":1:Name:73", DEFC_TAKEN, HS_SHA1, 1, "Name"},
    {HS_FILE, S2 ":4294967294:Name:1:255", DEFC_TAKEN, HS_SHA256, 4294967294u, "Name"},
    {HS_FILE, "44D88612FEA8A8F36DE82E1278ABB02F:68:N", DEFC_TAKEN, HS_MD5, 68, "N"},
    {HS_FILE, M ":*:Name:73", DEFC_TAKEN, HS_MD5, HS_SIZE_ANY, "Name"},
    {HS_FILE, M ":68:Old (Clam)", DEFC_TAKEN, HS_MD5, 68, "Old"},
    {HS_FILE, M ":68:Old (Clam)-9", DEFC_TAKEN, HS_MD5, 68, "Old"},
    {HS_FILE, M ":*:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":*:Name:72", DEFC_MALFORMED, 0, 0, NULL},
    {HS_IMPORTS, M ":*:Name", DEFC_TAKEN, HS_MD5, HS_SIZE_ANY, "Name"},
    {HS_ALLOW, M ":5:Name", DEFC_TAKEN, HS_MD5, 5, "Name"},
    {HS_SECTION, "512:" M ":Name", DEFC_TAKEN, HS_MD5, 512, "Name"},
    {HS_SECTION, M ":512:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, "512:" M ":Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":68:Name:217", DEFC_FLEVEL_TOO_HIGH, 0, 0, NULL},
    {HS_FILE, M ":68:Name:216", DEFC_TAKEN, HS_MD5, 68, "Name"},
    {HS_FILE, M ":68:Name:1:215", DEFC_FLEVEL_TOO_HIGH, 0, 0, NULL},
    {HS_FILE, M ":0:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":4294967295:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":4294967364:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":99999999999999999999:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":-1:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":6 8:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M "::Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":68:", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":68", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M, DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, "", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":68:Name:1:2:3", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":68:Name:x", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M ":68:Name::", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, M "0:68:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE, "44d88612fea8a8f36de82e1278abb02g:68:Name", DEFC_MALFORMED, 0, 0, NULL},
    {HS_FILE,
     "4\xff"
     "d88612fea8a8f36de82e1278abb02f:68:Name",
     DEFC_MALFORMED, 0, 0, NULL},
};

static void lines_are_judged(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hash_line out;
        struct defc_why why = {.reason = DEFC_IGNORED};
        size_t len = strlen(cases[i].line);
        bool taken = line_hash_parse(cases[i].role, cases[i].line, len, &out, &why);
        if (why.reason != cases[i].reason) {
            fail_msg("%s: reason %d", cases[i].line, why.reason);
        }
        assert_int_equal(taken, cases[i].reason == DEFC_TAKEN);
        if (taken) {
            assert_int_equal(out.algo, cases[i].algo);
            assert_int_equal(out.size, cases[i].size);
            assert_int_equal(out.name_len, strlen(cases[i].name));
            assert_memory_equal(out.name, cases[i].name, out.name_len);
        } else {
            assert_true(strlen(why.text) > 0);
        }
    }
    struct hash_line out;
    struct defc_why why;
    assert_true(line_hash_parse(HS_FILE, M ":68:Name", strlen(M ":68:Name"), &out, &why));
    static const uint8_t eicar[16] = {0x44, 0xd8, 0x86, 0x12, 0xfe, 0xa8, 0xa8, 0xf3,
                                      0x6d, 0xe8, 0x2e, 0x12, 0x78, 0xab, 0xb0, 0x2f};
    assert_memory_equal(out.digest, eicar, 16);
}

static void names_have_a_limit(void **state) {
    (void)state;
    char line[700];
    struct hash_line out;
    struct defc_why why;
    int head = snprintf(line, sizeof line, M ":68:");
    memset(&line[head], 'n', 600);
    assert_true(line_hash_parse(HS_FILE, line, (size_t)head + 512, &out, &why));
    assert_false(line_hash_parse(HS_FILE, line, (size_t)head + 513, &out, &why));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_judged),
        cmocka_unit_test(names_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
