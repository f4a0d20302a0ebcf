// SPDX-License-Identifier: Apache-2.0
/* Lines about members, certificates and icons: each row is a line and what becomes of it. What is
 * right was asked of clamscan 1.4.6, which refuses a database with a malformed line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "defc/defc.h"
#include "defc/rules.h"

struct row {
    enum rule_kind kind;
    const char *line;
    enum defc_reason want;
};

static const struct row rows[] = {
    {RULE_CDB, "a:CL_TYPE_ZIP:*:x:*:*:*:*:*:*", DEFC_TAKEN},
    {RULE_CDB, "a:*:1-2:*:3:4-5:0:1:ff:zz", DEFC_TAKEN},
    {RULE_CDB, "a:*:*:x:5-3:*:1:*:*:*:", DEFC_TAKEN},
    {RULE_CDB, "a:*:*:x:*:*:*:*:*:*:51:255", DEFC_TAKEN},
    {RULE_CDB, "a:*:*:x:*:*:*:*:*:*:300", DEFC_FLEVEL_TOO_HIGH},
    {RULE_CDB, "a:*:*:x:*:*:*:*:*:*:51:100", DEFC_FLEVEL_TOO_HIGH},
    {RULE_CDB, "a:*:*:x:*:*:*:*:*:*:51:60:70", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:x:*:*:*:*:*:*:y", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:x:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:CL_TYPE_FOO:*:x:*:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:ZIP:*:x:*:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a::*:x:*:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:x:*:*:2:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:x:1-:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:x:-5:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:(:*:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:[:*:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:x{64}y{64}:*:*:*:*:*:*", DEFC_TAKEN},
    {RULE_CDB, "a:*:*:(x{64}){65}:*:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:x{1,99999999999999999999999}:*:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*::*:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "a:*:*:x\\:y:*:*:*:*:*:*", DEFC_MALFORMED},
    {RULE_CDB, "", DEFC_MALFORMED},
    {RULE_ZMD, "a:*:x:*:*:*:*:*:*", DEFC_TAKEN},
    {RULE_RMD, "a:1:x:260:31:c1820d98:8:1:0", DEFC_TAKEN},
    {RULE_ZMD, "a:1:x:260:31:0:8:1:0", DEFC_MALFORMED},
    {RULE_ZMD, "a:1:x:260:31:-1820d98:8:1:0", DEFC_MALFORMED},
    {RULE_ZMD, "a:1:x:1-260:31:*:8:1:0", DEFC_MALFORMED},
    {RULE_ZMD, "a:1:x:260:31:*:8:1", DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222152",
     DEFC_TAKEN},
    {RULE_IDB,
     "a:G:H:10B6D0A03B1903089E001006F20404734060A7C90800DE0406D70A02D500059C000A9E0700A3070760"
     "0A0960010A5C0A012A00003800043C040020222152",
     DEFC_TAKEN},
    {RULE_IDB,
     "a:::10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a30707600a"
     "0960010a5c0a012a00003800043c040020222152",
     DEFC_TAKEN},
    {RULE_IDB,
     ":G:H:10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a30707600"
     "a0960010a5c0a012a00003800043c040020222152",
     DEFC_MALFORMED},
    {RULE_IDB, "a:G:H", DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222152:51",
     DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:0b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a30707600"
     "a0960010a5c0a012a00003800043c040020222152",
     DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:10b6d0a03x1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222152",
     DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:11b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222152",
     DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:10fe80a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222152",
     DEFC_TAKEN},
    {RULE_IDB,
     "a:G:H:10fe90a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222152",
     DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:10b6d0e0eb1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222152",
     DEFC_TAKEN},
    {RULE_IDB,
     "a:G:H:10b6d0f00b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222152",
     DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:10b6d0a0fb1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222152",
     DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040022232252",
     DEFC_TAKEN},
    {RULE_IDB,
     "a:G:H:10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040022232352",
     DEFC_MALFORMED},
    {RULE_IDB,
     "a:G:H:10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222164",
     DEFC_TAKEN},
    {RULE_IDB,
     "a:G:H:10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a3070760"
     "0a0960010a5c0a012a00003800043c040020222165",
     DEFC_MALFORMED},
    {RULE_CRB,
     "a;1;0123456789abcdef0123456789ABCDEF01234567;0123456789abcdef0123456789ABCDEF01234567;00c1;;"
     "1;0;1;;c",
     DEFC_TAKEN},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;c1;x;0;0;0;y;", DEFC_TAKEN},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;c1;;0;0;0;;c;10;300", DEFC_TAKEN},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;c1;;0;0;0;;c;300",
     DEFC_FLEVEL_TOO_HIGH},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;c1;;0;0;0;;c;10;20",
     DEFC_FLEVEL_TOO_HIGH},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;c1;;0;0;0;", DEFC_MALFORMED},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;c1;;0;0;0;;c;1;2;3", DEFC_MALFORMED},
    {RULE_CRB, "a;2;0123456789abcdef0123456789ABCDEF01234567;;c1;;0;0;0;;c", DEFC_MALFORMED},
    {RULE_CRB, "a;0;;;c1;;0;0;0;;c", DEFC_MALFORMED},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;;;0;0;0;;c", DEFC_MALFORMED},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;0000;;0;0;0;;c", DEFC_MALFORMED},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;c;;0;0;0;;c", DEFC_MALFORMED},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;;c1;;;0;0;;c", DEFC_MALFORMED},
    {RULE_CRB, "a;0;0123456789abcdef0123456789ABCDEF01234567;12;c1;;0;0;0;;c", DEFC_MALFORMED},
    {RULE_CRB, ";0;0123456789abcdef0123456789ABCDEF01234567;;c1;;0;0;0;;c", DEFC_MALFORMED},
};

static void lines_and_reasons(void **state) {
    (void)state;
    struct rule_builder b = {0};
    uint64_t taken = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct defc_why why;
        struct sk_bytes line = text_of(rows[i].line);
        assert_false(sk_failed(rules_add_line(&b, rows[i].kind, line, &why)));
        if (why.reason != rows[i].want) {
            fail_msg("%s: reason %d, not %d", rows[i].line, why.reason, rows[i].want);
        }
        taken += rows[i].want == DEFC_TAKEN;
        assert_int_equal(rules_count(&b), taken);
    }
    const struct rule_member *m = b.member.data;
    assert_int_equal(m[0].container, SK_TYPE_ZIP);
    assert_string_equal((const char *)&b.text.data[m[0].regex], "x");
    assert_int_equal(m[0].position.max, UINT64_MAX);
    assert_int_equal(m[1].regex, RULE_NO_TEXT);
    assert_int_equal(m[1].container_size.max, 2);
    assert_int_equal(m[1].packed_size.min, 3);
    assert_int_equal(m[1].packed_size.max, 3);
    assert_int_equal(m[1].encrypted, RULE_PLAIN);
    assert_int_equal(m[6].container, SK_TYPE_RAR);
    assert_int_equal(m[6].crc32, 0xc1820d98);
    rules_release(&b);
}

static const struct row silent_rows[] = {
    {RULE_FTM, "0:0:4d5a:PE:CL_TYPE_ANY:CL_TYPE_MSEXE", DEFC_TAKEN},
    {RULE_FTM, "0:257:7573:TAR:CL_TYPE_ANY:CL_TYPE_POSIX_TAR:51", DEFC_TAKEN},
    {RULE_FTM, "0:0:4d5a:PE:CL_TYPE_ANY:CL_TYPE_MSEXE:300", DEFC_FLEVEL_TOO_HIGH},
    {RULE_FTM, "1:*:4d??5a:PE:CL_TYPE_ANY:CL_TYPE_MSEXE", DEFC_MALFORMED}, /* a body */
    {RULE_FTM, "4:0:4d5a:PE:CL_TYPE_ANY:CL_TYPE_MSEXE", DEFC_NOT_YET_FORMAT},
    {RULE_FTM, "2:0:4d5a:PE:CL_TYPE_ANY:CL_TYPE_MSEXE", DEFC_MALFORMED},
    {RULE_FTM, "0:*:4d5a:PE:CL_TYPE_ANY:CL_TYPE_MSEXE", DEFC_MALFORMED},
    {RULE_FTM, "0:0:4d??:PE:CL_TYPE_ANY:CL_TYPE_MSEXE", DEFC_MALFORMED},
    {RULE_FTM, "0:0:4d5a:PE:CL_TYPE_ANY:CL_TYPE_FOO", DEFC_MALFORMED},
    {RULE_FTM, "0:0:4d5a:x", DEFC_MALFORMED},
    {RULE_PWDB, "P;Engine:81-255,Container:CL_TYPE_ZIP;0;infected", DEFC_TAKEN},
    {RULE_PWDB, "P;Engine:81-255;1;01026162", DEFC_TAKEN},
    {RULE_PWDB, "P;Engine:81-255,Container:CL_TYPE_ZIP;0;", DEFC_TAKEN},
    {RULE_PWDB, "P;Engine:300-400;0;infected", DEFC_FLEVEL_TOO_HIGH},
    {RULE_PWDB, "P;Engine:81-255;1;zz", DEFC_MALFORMED},
    {RULE_PWDB, "P;Engine:81-255;2;infected", DEFC_MALFORMED},
    {RULE_PWDB, "P;Engine:81-255;0;a;b", DEFC_MALFORMED},
    {RULE_PWDB, "P;Engine:81-255,Container:CL_TYPE_GZ;0;infected", DEFC_MALFORMED},
    {RULE_PWDB, "P;Container:CL_TYPE_ZIP;0;infected", DEFC_MALFORMED},
    {RULE_PWDB, "P;;0;infected", DEFC_MALFORMED},
    {RULE_CFG, "PE:0x0", DEFC_TAKEN},
    {RULE_CFG, "ARCHIVE:0xfFfFfFfF:1:500", DEFC_TAKEN},
    {RULE_CFG, "PE:0x0:300:500", DEFC_FLEVEL_TOO_HIGH},
    {RULE_CFG, "pe:0x0:1:500", DEFC_NOT_YET_ATTRIBUTE},
    {RULE_CFG, "PE:0:1:500", DEFC_MALFORMED},
    {RULE_CFG, "PE:zz:1:500", DEFC_MALFORMED},
    {RULE_CFG, "PE:0x-1", DEFC_MALFORMED},
};

/* Typing, passwords, switches: nothing that finds something by itself. */
static void silent_lines_and_reasons(void **state) {
    (void)state;
    struct rule_builder b = {0};
    for (size_t i = 0; i < sizeof(silent_rows) / sizeof(silent_rows[0]); i++) {
        struct defc_why why;
        struct sk_bytes line = text_of(silent_rows[i].line);
        assert_false(sk_failed(rules_add_line(&b, silent_rows[i].kind, line, &why)));
        if (why.reason != silent_rows[i].want) {
            fail_msg("%s: reason %d, not %d", silent_rows[i].line, why.reason, silent_rows[i].want);
        }
    }
    assert_int_equal(rules_count(&b), 0);
    assert_int_equal(b.magic.count, 2);
    assert_int_equal(b.password.count, 3);
    assert_int_equal(b.switches.count, 2);
    const struct rule_magic *m = b.magic.data;
    assert_int_equal(m[1].offset, 257);
    assert_memory_equal(&b.text.data[m[1].text], "us", 2);
    const struct rule_password *p = b.password.data;
    assert_memory_equal(&b.text.data[p[1].text], "\1\2ab", 4);
    assert_int_equal(p[1].len, 4);
    const struct rule_switch *s = b.switches.data;
    assert_int_equal(s[1].category, RULE_SWITCH_ARCHIVE);
    assert_int_equal(s[1].flags, UINT32_MAX);
    rules_release(&b);
}

static void long_expressions(void **state) {
    (void)state;
    struct rule_builder b = {0};
    struct buf line = {0};
    struct defc_why why;
    assert_false(sk_failed(buf_puts(&line, "a:*:*:")));
    for (unsigned i = 0; i <= RULE_REGEX_MAX_BYTES; i++) {
        assert_false(sk_failed(buf_puts(&line, "x")));
    }
    assert_false(sk_failed(buf_puts(&line, ":*:*:*:*:*:*")));
    struct sk_bytes bytes = {line.data, line.len};
    assert_false(sk_failed(rules_add_line(&b, RULE_CDB, bytes, &why)));
    assert_int_equal(why.reason, DEFC_MALFORMED);
    buf_release(&line);
    rules_release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_reasons),
        cmocka_unit_test(silent_lines_and_reasons),
        cmocka_unit_test(long_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
