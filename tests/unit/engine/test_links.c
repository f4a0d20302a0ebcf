// SPDX-License-Identifier: Apache-2.0
/* Addresses in the text of mail: which of several between white space are looked up. */
#include "fixture.h"

#include "crypto/digest.h"

#define LISTED "http://listed.example/"

static struct rule_url listed;

static void list(const char *form) {
    uint8_t digest[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX];
    struct digester *digester = NULL;
    assert_int_equal(digester_new(&digester).code, SK_OK);
    assert_false(sk_failed(digester_begin(digester, CRYPTO_MASK(CRYPTO_SHA256))));
    assert_false(sk_failed(digester_update(digester, form, strlen(form))));
    assert_false(sk_failed(digester_end(digester, digest)));
    digester_free(digester);
    listed = (struct rule_url){.kind = RULE_URL_BLOCKED};
    memcpy(listed.digest, digest[CRYPTO_SHA256], RULE_URL_DIGEST);
    fake.rules.url = &listed;
    fake.rules.url_count = 1;
}

/* before, `times` times between, the listed address, behind */
static void expect(bool found, const char *before, const char *between, unsigned times,
                   const char *behind) {
    struct buf box = {0}, text = {0};
    fake_reset(NULL, 0);
    list("listed.example/");
    assert_false(sk_failed(buf_printf(&text, "TXT1 %s", before)));
    for (unsigned i = 0; i < times; i++) {
        assert_false(sk_failed(buf_puts(&text, between)));
    }
    assert_false(sk_failed(buf_printf(&text, LISTED "%s\n", behind)));
    box_begin(&box);
    memcpy(box.data, "MBX1", 4);
    box_add(&box, FAKE_PLAIN, "body", &text, 0);
    struct sk_scanner *sc = scanner_flags(0);
    expect_names(scan_buf(sc, &box), found ? "Heuristics.Phishing.URL.Blocked" : "");
    sk_scanner_free(sc);
    buf_release(&text);
    buf_release(&box);
}

static void test_between_white_space(void **state) {
    (void)state;
    expect(true, "see ", "", 0, " now");
    expect(true, "see ", "http://other.example/ ", 1000, "");
    expect(true, "see (", "", 0, ")");
}

static void test_side_by_side(void **state) {
    (void)state;
    expect(true, "[", "\"http://other.example/\",", 1000, "\"]");
    expect(true, "<", "http://other.example/><", 1000, ">");
}

/* In front of it as many as count, and one more; then in another place all the same. */
static void test_inside_each_other(void **state) {
    (void)state;
    expect(true, "", "http://other.example/?u=", 3, "");
    expect(false, "", "http://other.example/?u=", 4, "");
    expect(true, "", "http://other.example/?u=", 3, ")");
    expect(true, "http://a/http://b/http://c/http://d/http://e/ ", "", 0, "");
    expect(true, "http://a/http://b/http://c/http://d/http://e/,\"", "", 0, "\"");
    expect(true, "http://a/http://b/http://c/http://d/http://e/ ", "http://other.example/?u=", 3,
           "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_white_space),
        cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_inside_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
