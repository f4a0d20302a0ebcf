// SPDX-License-Identifier: Apache-2.0
/* Ignore lists. What md5 of an entry covers was seen with clamscan 1.4.6: the line, no newline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "defc/line_ign.h"

static enum defc_reason add(struct ignore_list *list, unsigned segment, bool ign2,
                            const char *text) {
    struct ignore_line line = {segment, ign2, text, strlen(text)};
    struct defc_why why = {.reason = DEFC_TAKEN};
    assert_int_equal(ignore_add_line(list, &line, &why).code, SK_OK);
    return why.reason;
}

static bool has(const struct ignore_list *list, unsigned segment, const char *name,
                const char *line) {
    struct ignore_query q = {segment, name, strlen(name), line, strlen(line)};
    return ignore_has(list, &q);
}

static void names_and_versions_are_ignored(void **state) {
    (void)state;
    struct ignore_list *list = NULL;
    uint8_t md5[32];
    char hex[65];
    char text[200];
    assert_int_equal(ignore_list_new(&list).code, SK_OK);
    assert_true(ignore_is_empty(list));
    assert_int_equal(add(list, 1, true, "Plain.Name-1"), DEFC_TAKEN);
    assert_int_equal(add(list, 1, false, "main.ndb:77:Old.Name-2"), DEFC_TAKEN);
    assert_int_equal(crypto_digest(CRYPTO_MD5, "the line", 8, md5).code, SK_OK);
    crypto_hex(md5, 16, hex);
    (void)snprintf(text, sizeof text, "Exact.Name-3:%s", hex);
    assert_int_equal(add(list, 1, true, text), DEFC_TAKEN);
    assert_int_equal(add(list, 0, true, "Exact.Name-3:00000000000000000000000000000000"),
                     DEFC_TAKEN);
    static const char *const bad[] = {"Name:123", "Name:", ":123", "",
                                      "Name:0000000000000000000000000000000g"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(add(list, 1, true, bad[i]), DEFC_MALFORMED);
    }
    assert_int_equal(add(list, 1, false, "main.ndb:77"), DEFC_MALFORMED);
    assert_int_equal(add(list, 1, false, "main.ndb:77:Name:1"), DEFC_MALFORMED);
    assert_true(has(list, 1, "Plain.Name-1", "x"));
    assert_false(has(list, 0, "Plain.Name-1", "x")); /* across segments at scan time only */
    assert_true(has(list, 1, "Old.Name-2", "x"));
    assert_true(has(list, 0, "Exact.Name-3", "the line"));
    assert_false(has(list, 0, "Exact.Name-3", "another line"));
    assert_false(has(list, 1, "Unknown", "x"));
    struct buf section = {0};
    assert_int_equal(ignore_section(list, 1, &section).code, SK_OK);
    assert_int_equal(section.len, 16); /* the two without md5 */
    buf_clear(&section);
    assert_int_equal(ignore_section(list, 0, &section).code, SK_OK);
    assert_int_equal(section.len, 0);
    buf_release(&section);
    ignore_list_free(list);
}

static void thousands_and_failing_allocations(void **state) {
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        struct ignore_list *list = NULL;
        mem_fault_set(nth);
        sk_err err = ignore_list_new(&list);
        unsigned added = 0;
        while (!sk_failed(err) && added < 3000) {
            char name[32];
            struct ignore_line line = {0, true, name, 0};
            struct defc_why why = {.reason = DEFC_TAKEN};
            (void)snprintf(name, sizeof name, "Name-%u", added);
            line.len = strlen(name);
            err = ignore_add_line(list, &line, &why);
            added += !sk_failed(err);
        }
        bool done = mem_fault_seen() < nth;
        mem_fault_set(0);
        for (unsigned i = 0; list != NULL && i < added; i++) {
            char name[32];
            (void)snprintf(name, sizeof name, "Name-%u", i);
            assert_true(has(list, 0, name, ""));
        }
        ignore_list_free(list);
        assert_int_equal(err.code, done ? SK_OK : SK_E_NOMEM);
        if (done) {
            break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_versions_are_ignored),
        cmocka_unit_test(thousands_and_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
