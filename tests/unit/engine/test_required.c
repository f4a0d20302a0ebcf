// SPDX-License-Identifier: Apache-2.0
/* What an expression cannot match without: a table, and random expressions against regexec. */
#include "engine/required.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void known_expressions(void **state) {
    (void)state;
    static const struct {
        const char *regex, *text;
    } rows[] = {
        {"invoice", "invoice"},
        {"^invoice_[0-9]+\\.(exe|scr)$", "invoice_"},
        {"\\.exe$", "exe"},
        {"abc?de", "ab"},
        {"abcx*de", "abc"},
        {"abx+cdef", "cdef"},
        {"abc{0,2}de", "ab"},
        {"ab{2}", "a"},
        {"(longtext)ab", "ab"},
        {"(longtext)?ab", "ab"},
        {"((a|b)long)ab", "ab"},
        {"a|b", ""},
        {"abc|def", ""},
        {"(abc|def)", ""},
        {"[abc]x", "x"},
        {"[]abc]x", "x"},
        {"[^]abc]x", "x"},
        {"[[:alpha:]long]x", "x"},
        {"[[:alpha:]", ""},
        {"[abc", ""},
        {"\\wabc", "abc"},
        {"a\\|b", "a"},
        {"ab\\", ""},
        {"ab)", ""},
        {"(ab", ""},
        {"a b-c", "a b-c"},
        {".*", ""},
        {"", ""},
        {"a{", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sk_bytes got = required_text(rows[i].regex);
        if (got.len != strlen(rows[i].text) ||
            (got.len > 0 && memcmp(got.ptr, rows[i].text, got.len) != 0)) {
            fail_msg("%s: %.*s", rows[i].regex, (int)got.len,
                     got.len > 0 ? (const char *)got.ptr : "");
        }
    }
}

/* Whatever matches holds the text. */
static void random_expressions(void **state) {
    (void)state;
    static const char regex_chars[] = "aabbcc()|*+?.[]^$\\{1,}", name_chars[] = "aabbcc.()";
    unsigned matched = 0, asked = 0;
    srand(20261127);
    for (unsigned round = 0; round < 300000; round++) {
        char regex[16], name[12];
        size_t len = 1 + (size_t)rand() % 14;
        for (size_t i = 0; i < len; i++) {
            regex[i] = regex_chars[(size_t)rand() % (sizeof(regex_chars) - 1)];
        }
        regex[len] = '\0';
        struct sk_bytes text = required_text(regex);
        regex_t compiled;
        if (text.len == 0 || regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB) != 0) {
            continue;
        }
        asked++;
        for (unsigned k = 0; k < 6; k++) {
            len = (size_t)rand() % 11;
            for (size_t i = 0; i < len; i++) {
                name[i] = name_chars[(size_t)rand() % (sizeof(name_chars) - 1)];
            }
            name[len] = '\0';
            if (regexec(&compiled, name, 0, NULL, 0) == 0) {
                matched++;
                if (memmem(name, len, text.ptr, text.len) == NULL) {
                    fail_msg("%s matches %s without %.*s", regex, name, (int)text.len,
                             (const char *)text.ptr);
                }
            }
        }
        regfree(&compiled);
    }
    assert_true(asked > 10000 && matched > 10000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_expressions),
        cmocka_unit_test(random_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
