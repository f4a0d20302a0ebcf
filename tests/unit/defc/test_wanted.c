// SPDX-License-Identifier: Apache-2.0
/* What is left out because it was not asked for: the table is what clamscan 1.4.6 loads. */
#include "defc/wanted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "defc/text.h"

static const char *const ONE[] = {"Win"};
static const char *const TWO[] = {"Doc", "Win"};

static void names(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum kind_id kind;
        struct defc_wanted wanted;
        bool want;
    } rows[] = {
        {"PUA.Win.A", KIND_ndu, {NULL, 0, false, false}, true},
        {"PUA.Win.A", KIND_ndu, {ONE, 1, false, false}, true},
        {"PUA.Win.A", KIND_ldu, {ONE, 1, true, false}, false},
        {"PUA.Doc.A", KIND_hdu, {ONE, 1, false, false}, false},
        {"PUA.Doc.A", KIND_hdu, {ONE, 1, true, false}, true},
        {"PUA.Doc.A", KIND_hdu, {TWO, 2, false, false}, true},
        {"PUA.Windows.A", KIND_ndu, {ONE, 1, false, false}, false},
        {"PUA.Win", KIND_ndu, {ONE, 1, false, false}, false},
        {"Win.A", KIND_ndu, {ONE, 1, true, false}, false},
        {"Win.A", KIND_ndu, {ONE, 1, false, false}, false},
        {"PUA.Win.A", KIND_ndb, {ONE, 1, true, false}, true},
        {"HTML.Phishing.A", KIND_ndb, {NULL, 0, false, true}, false},
        {"HTML.PhishingA", KIND_ndb, {NULL, 0, false, true}, false},
        {"Email.Phishing", KIND_ndb, {NULL, 0, false, true}, false},
        {"Html.Phishing.A", KIND_ndb, {NULL, 0, false, true}, true},
        {"Phishing.A", KIND_ndb, {NULL, 0, false, true}, true},
        {"HTML.Phishing.A", KIND_ldb, {NULL, 0, false, true}, true},
        {"HTML.Phishing.A", KIND_hdb, {NULL, 0, false, true}, true},
        {"HTML.Phishing.A", KIND_ndb, {NULL, 0, false, false}, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (wanted_signature(&rows[i].wanted, rows[i].kind, text_of(rows[i].name)) !=
            rows[i].want) {
            fail_msg("row %zu: %s", i, rows[i].name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
