// SPDX-License-Identifier: Apache-2.0
/* Blocked certificates of signed programs: found, and never lost without a word when the signature
 * cannot be read. Signatures: fuzz/seeds/signed. */
#include "fixture.h"

#include <stdlib.h>

#include "base/mem.h"
#include "crypto/signed.h"
#include "engine/authenticode.h"
#include "engine/layer.h"
#include "golden.h"

#define TABLE_AT 64u

static const struct fake_sig SIGS[] = {
    {"not in there", "Blocked.UNOFFICIAL", SK_TARGET_ANY, false}};
static struct rule_cert rule;
static struct buf program; /* some bytes and a certificate table */

static int setup(void **state) {
    (void)state;
    static const uint8_t front[TABLE_AT], header[] = {0, 0, 0, 0, 0, 2, 2, 0};
    size_t len = 0;
    uint8_t *der = golden_load("../../fuzz/seeds/signed/sha256.b64", &len);
    struct crypto_signed *s = NULL;
    assert_int_equal(crypto_signed_open((struct sk_bytes){der, len}, &s).code, SK_OK);
    const struct crypto_cert *cert = crypto_signed_cert(s, 0);
    fake_reset(SIGS, 1);
    uint8_t *modulus = malloc(cert->modulus.len);
    assert_non_null(modulus);
    memcpy(modulus, cert->modulus.ptr, cert->modulus.len);
    memcpy(rule.subject, cert->subject, sizeof(rule.subject));
    rule.modulus_len = (uint16_t)cert->modulus.len;
    fake.rules = (struct rules){.text = (const char *)modulus,
                                .text_len = rule.modulus_len,
                                .cert = &rule,
                                .cert_count = 1};
    assert_false(sk_failed(buf_append(&program, front, sizeof(front))));
    assert_false(sk_failed(buf_append(&program, header, sizeof(header))));
    assert_false(sk_failed(buf_append(&program, der, len)));
    crypto_signed_close(s);
    free(der);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free((void *)(uintptr_t)fake.rules.text);
    buf_release(&program);
    return 0;
}

/* The report is of the scanner. */
static const struct sk_report *look(struct sk_scanner *sc, const struct buf *bytes, uint64_t nth) {
    verdict_start(sc);
    struct layer *layer = layer_new(sc, NULL);
    assert_non_null(layer);
    sk_source_init_mem(&layer->src, bytes->data, bytes->len);
    layer->open = true;
    struct sk_exe exe = {.cert_off = TABLE_AT, .cert_len = bytes->len - TABLE_AT};
    mem_fault_set(nth);
    authenticode_look(sc, layer, &exe);
    const struct sk_report *report = verdict_report(sc, layer);
    layer_drop(sc, layer);
    return report;
}

static void test_blocked(void **state) {
    (void)state;
    struct sk_scanner *sc = scanner_flags(0);
    expect_names(look(sc, &program, 0), "Blocked");
    rule.subject[0] ^= 1;
    assert_int_equal(look(sc, &program, 0)->verdict, SK_VERDICT_CLEAN);
    rule.subject[0] ^= 1;
    sk_scanner_free(sc);
}

static void test_what_is_no_signature_is_no_damage(void **state) {
    (void)state;
    struct sk_scanner *sc = scanner_flags(0);
    struct buf broken = {0};
    assert_false(sk_failed(buf_append(&broken, program.data, program.len)));
    broken.data[TABLE_AT + 8] ^= 0xff;
    assert_int_equal(look(sc, &broken, 0)->verdict, SK_VERDICT_CLEAN);
    buf_release(&broken);
    sk_scanner_free(sc);
}

/* Padding hides no blocked signer; where nothing is blocked, nothing was left out. */
static void test_large_table_is_told(void **state) {
    (void)state;
    struct sk_scanner *sc = scanner_flags(0);
    struct buf padded = {0};
    static const uint8_t zeros[CRYPTO_SIGNED_MAX_BYTES];
    assert_false(sk_failed(buf_append(&padded, program.data, program.len)));
    assert_false(sk_failed(buf_append(&padded, zeros, sizeof(zeros))));
    assert_int_equal(look(sc, &padded, 0)->verdict, SK_VERDICT_INCOMPLETE);
    rule.flags |= RULE_CERT_TRUSTED;
    assert_int_equal(look(sc, &padded, 0)->verdict, SK_VERDICT_CLEAN);
    rule.flags &= (uint8_t)~RULE_CERT_TRUSTED;
    buf_release(&padded);
    sk_scanner_free(sc);
}

static void test_no_memory_is_not_clean(void **state) {
    (void)state;
    bool reached = true;
    unsigned lost = 0;
    for (uint64_t n = 1; reached; n++) {
        struct sk_scanner *sc = scanner_flags(0);
        const struct sk_report *report = look(sc, &program, n);
        reached = mem_fault_seen() >= n;
        mem_fault_set(0);
        assert_int_not_equal(report->verdict, SK_VERDICT_CLEAN);
        lost += report->verdict == SK_VERDICT_INCOMPLETE;
        sk_scanner_free(sc);
    }
    assert_true(lost > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocked),
        cmocka_unit_test(test_what_is_no_signature_is_no_damage),
        cmocka_unit_test(test_large_table_is_told),
        cmocka_unit_test(test_no_memory_is_not_clean),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
