// SPDX-License-Identifier: Apache-2.0
/* Addresses in the text of mail: which of several between white space are looked up, and whether
 * each is found in lists of every size, evenly spread or not. */
#include "fixture.h"

#include <stdlib.h>

#include "crypto/digest.h"

#define LISTED "http://listed.example/"

static struct rule_url listed;

static void hash_form(const char *form, struct rule_url *out) {
    uint8_t digest[CRYPTO_DIGEST_MAX];
    assert_false(sk_failed(crypto_digest(CRYPTO_SHA256, form, strlen(form), digest)));
    *out = (struct rule_url){.kind = RULE_URL_BLOCKED};
    memcpy(out->digest, digest, RULE_URL_DIGEST);
}

static void list(const char *form) {
    hash_form(form, &listed);
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

static int by_digest(const void *a, const void *b) {
    return memcmp(((const struct rule_url *)a)->digest, ((const struct rule_url *)b)->digest,
                  RULE_URL_DIGEST);
}

#define LINES_MAX 40000u

static void number_form(unsigned i, struct rule_url *out) {
    char form[40];
    (void)snprintf(form, sizeof(form), "h%u.example/", i);
    hash_form(form, out);
}

/* The hosts h0 ... are listed, each with `twins` lines that begin as it does, and `zeros` lines
 * that begin with zeros. */
static void list_hosts(struct rule_url *line, unsigned hosts, unsigned twins, unsigned zeros) {
    unsigned n = 0;
    for (unsigned i = 0; i < hosts; i++) {
        number_form(i, &line[n++]);
        for (unsigned k = 0; k < twins; k++, n++) {
            number_form(1000000 + i * twins + k, &line[n]);
            memcpy(line[n].digest, line[n - 1 - k].digest, 4);
        }
    }
    for (unsigned i = 0; i < zeros; i++, n++) {
        number_form(2000000 + i, &line[n]);
        memset(line[n].digest, 0, 6);
    }
    assert_true(n <= LINES_MAX);
    qsort(line, n, sizeof(*line), by_digest);
    fake.rules.url = line;
    fake.rules.url_count = n;
}

static void expect_host(struct sk_scanner *sc, unsigned host, bool found) {
    struct buf box = {0}, text = {0};
    assert_false(sk_failed(buf_printf(&text, "TXT1 http://h%u.example/\n", host)));
    box_begin(&box);
    memcpy(box.data, "MBX1", 4);
    box_add(&box, FAKE_PLAIN, "body", &text, 0);
    expect_names(scan_buf(sc, &box), found ? "Heuristics.Phishing.URL.Blocked" : "");
    buf_release(&text);
    buf_release(&box);
}

static void test_lists_of_every_size(void **state) {
    (void)state;
    static const unsigned shapes[][3] = {{1, 0, 0},  {2, 0, 0},     {3, 0, 0},
                                         {70, 0, 0}, {20000, 0, 0}, {50, 9, 0},
                                         {1, 40, 0}, {3, 0, 20000}, {300, 30, 20000}};
    struct rule_url *line = mem_zalloc(LINES_MAX, sizeof(*line));
    assert_non_null(line);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        fake_reset(NULL, 0);
        list_hosts(line, shapes[i][0], shapes[i][1], shapes[i][2]);
        struct sk_scanner *sc = scanner_flags(0);
        unsigned step = shapes[i][0] / 60 + 1;
        for (unsigned host = 0; host < shapes[i][0]; host += step) {
            expect_host(sc, host, true);
            expect_host(sc, host + 500000, false);
        }
        sk_scanner_free(sc);
    }
    mem_free(line);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_white_space),
        cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_inside_each_other),
        cmocka_unit_test(test_lists_of_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
