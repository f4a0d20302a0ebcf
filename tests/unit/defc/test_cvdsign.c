// SPDX-License-Identifier: Apache-2.0
/* Detached signatures of containers, made here with OpenSSL: the good one verifies, whatever is
 * changed does not, and what is not checked is told. */
#include "defc/cvdsign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include "cvdmake.h"
#include "defkit.h"

static const struct cvdmake_file files[] = {
    {"test.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Test.Eicar-1\n", 0}};
static struct cvd_keys keys;

struct party {
    EVP_PKEY *key;
    X509 *cert;
};

static void extend(X509 *cert, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    assert_int_equal(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

/* issuer NULL: signs itself. */
static struct party party_make(const char *name, const struct party *issuer, long end_seconds) {
    struct party p = {EVP_EC_gen("P-256"), X509_new()};
    assert_non_null(p.key);
    assert_non_null(p.cert);
    X509_set_version(p.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(p.cert), issuer == NULL ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(p.cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(p.cert), end_seconds);
    X509_set_pubkey(p.cert, p.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(p.cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(p.cert, X509_get_subject_name(issuer == NULL ? p.cert : issuer->cert));
    extend(p.cert, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    if (issuer != NULL) {
        extend(p.cert, NID_ext_key_usage, "codeSigning");
    }
    assert_true(X509_sign(p.cert, issuer == NULL ? p.key : issuer->key, EVP_sha256()) > 0);
    return p;
}

static void party_free(struct party *p) {
    EVP_PKEY_free(p->key);
    X509_free(p->cert);
}

struct box {
    struct scratch s;
    struct diag_tape tape;
    struct buf container;
    struct party root, signer;
};

static void write_cert(const struct box *b, const char *name, const struct party *p) {
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_int_equal(PEM_write_bio_X509(out, p->cert), 1);
    long len = BIO_get_mem_data(out, &text);
    scratch_write(&b->s, name, text, (size_t)len);
    BIO_free(out);
}

/* The base64 of a detached signature over the container. */
static void sign(const struct box *b, const struct party *by, struct buf *out) {
    BIO *data = BIO_new_mem_buf(b->container.data, (int)b->container.len);
    PKCS7 *p7 = PKCS7_sign(by->cert, by->key, NULL, data, PKCS7_DETACHED | PKCS7_BINARY);
    assert_non_null(p7);
    uint8_t *der = NULL;
    int len = i2d_PKCS7(p7, &der);
    assert_true(len > 0);
    assert_int_equal(buf_reserve(out, (size_t)len * 2).code, SK_OK);
    out->len = (size_t)EVP_EncodeBlock(out->data, der, len);
    OPENSSL_free(der);
    PKCS7_free(p7);
    BIO_free(data);
}

static void write_sign(const struct box *b, const char *before, const struct buf *base64) {
    struct buf text = {0};
    assert_int_equal(buf_printf(&text, "%s%s\n", before, buf_text(base64)).code, SK_OK);
    scratch_write(&b->s, "x-7.cvd.sign", text.data, text.len);
    buf_release(&text);
}

static int setup(void **state) {
    static struct box box;
    cvdmake_keys(&keys);
    scratch_make(&box.s);
    static const char *const dirs[] = {"certs", "none", "bad"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mkdir(scratch_path(&box.s, dirs[i]), 0755), 0);
    }
    diag_tape_init(&box.tape);
    struct cvdmake_options o = {.version = 7, .kind = CVD_SIGNED};
    cvdmake_build(&o, files, 1, &box.container);
    scratch_write(&box.s, "x.cvd", box.container.data, box.container.len);
    box.root = party_make("Test root", NULL, 86400);
    box.signer = party_make("Test signer", &box.root, 86400);
    scratch_write(&box.s, "certs/README", "no certificate", 14);
    write_cert(&box, "certs/root.crt", &box.root);
    *state = &box;
    return 0;
}

static int teardown(void **state) {
    struct box *b = *state;
    scratch_remove(&b->s);
    buf_release(&b->container);
    party_free(&b->root);
    party_free(&b->signer);
    *b = (struct box){0};
    return 0;
}

static int check(struct box *b, const char *certs) {
    struct cvdsign *sign = NULL;
    struct cvd *c = NULL;
    const char *path = scratch_path(&b->s, "x.cvd");
    b->tape.text[0] = '\0';
    sk_err err =
        cvdsign_open(certs == NULL ? NULL : scratch_path(&b->s, certs), &b->tape.diag, &sign);
    if (!sk_failed(err)) {
        assert_int_equal(cvd_open(path, &keys, &b->tape.diag, &c).code, SK_OK);
        err = cvdsign_check(sign, c, path, &b->tape.diag);
    }
    cvd_close(c);
    cvdsign_close(sign);
    return err.code;
}

static void a_good_one_verifies(void **state) {
    struct box *b = *state;
    struct buf text = {0};
    sign(b, &b->signer, &text);
    write_sign(b, "#clamsign-1.0\n220:4294967295:pkcs7-pem:", &text);
    assert_int_equal(check(b, "certs"), SK_OK);
    write_sign(b, "#clamsign-1.0\r\n1:2:other:AAAA\n1:2:pkcs7-pem:AAAA\n1:2:pkcs7-pem:", &text);
    assert_int_equal(check(b, "certs"), SK_OK); /* lines of others are passed over */
    buf_release(&text);
}

static void what_is_changed_is_refused(void **state) {
    struct box *b = *state;
    struct buf text = {0};
    sign(b, &b->signer, &text);
    static const char *const wrong[] = {
        "#clamsign-2.0\n1:2:pkcs7-pem:", "1:2:pkcs7-pem:", "#clamsign-1.0\n1:2:pkcs7:",
        "#clamsign-1.0\npkcs7-pem:", "#clamsign-1.0\n1:2:pkcs7-pem:A"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_sign(b, wrong[i], &text);
        assert_int_equal(check(b, "certs"), SK_E_BAD_SIGNATURE);
    }
    /* Another container: header and last byte. */
    write_sign(b, "#clamsign-1.0\n1:2:pkcs7-pem:", &text);
    size_t at[] = {40, b->container.len - 1};
    for (size_t i = 0; i < 2; i++) {
        b->container.data[at[i]] ^= 1;
        scratch_write(&b->s, "x.cvd", b->container.data, b->container.len);
        assert_int_equal(check(b, "certs"), SK_E_BAD_SIGNATURE);
        b->container.data[at[i]] ^= 1;
    }
    scratch_write(&b->s, "x.cvd", b->container.data, b->container.len);
    assert_int_equal(check(b, "certs"), SK_OK);
    /* Cut anywhere: never a success, never a crash. */
    for (size_t len = 0; len < text.len; len += 7) {
        struct buf cut = {.data = text.data, .len = len, .cap = text.cap};
        struct buf copy = {0};
        assert_int_equal(buf_append(&copy, cut.data, cut.len).code, SK_OK);
        write_sign(b, "#clamsign-1.0\n1:2:pkcs7-pem:", &copy);
        assert_int_equal(check(b, "certs"), SK_E_BAD_SIGNATURE);
        buf_release(&copy);
    }
    buf_release(&text);
}

static void strangers_are_refused(void **state) {
    struct box *b = *state;
    struct party other = party_make("Other root", NULL, 86400);
    struct party stranger = party_make("Stranger", &other, 86400);
    struct party late = party_make("Too late", &b->root, -60);
    const struct party *by[] = {&stranger, &other, &late};
    for (size_t i = 0; i < 3; i++) {
        struct buf text = {0};
        sign(b, by[i], &text);
        write_sign(b, "#clamsign-1.0\n1:2:pkcs7-pem:", &text);
        assert_int_equal(check(b, "certs"), SK_E_BAD_SIGNATURE);
        buf_release(&text);
    }
    party_free(&other);
    party_free(&stranger);
    party_free(&late);
}

static void what_is_not_checked_is_told(void **state) {
    struct box *b = *state;
    scratch_write(&b->s, "x-7.cvd.sign", "anything", 8);
    assert_int_equal(check(b, NULL), SK_OK);
    assert_int_equal(remove(scratch_path(&b->s, "x-7.cvd.sign")), 0);
    uint64_t warnings = b->tape.diag.count[DIAG_WARNING];
    assert_int_equal(check(b, NULL), SK_OK);
    assert_int_equal(b->tape.diag.count[DIAG_WARNING], warnings);
    assert_int_equal(check(b, "certs"), SK_OK);
    assert_int_equal(b->tape.diag.count[DIAG_WARNING], warnings + 1);
}

static void certificates_must_be_there(void **state) {
    struct box *b = *state;
    assert_int_equal(check(b, "nowhere"), SK_E_NOTFOUND);
    scratch_write(&b->s, "none/README", "x", 1);
    assert_int_equal(check(b, "none"), SK_E_NOTFOUND);
    scratch_write(&b->s, "bad/a.pem", "x", 1);
    assert_int_equal(check(b, "bad"), SK_E_FORMAT);
}

/* The whole compile: nothing is installed when the signature does not hold. */
static void a_compile_asks_for_it(void **state) {
    struct box *b = *state;
    struct buf text = {0};
    struct defc_report report;
    char certs[128], out[128], path[128];
    const char *source[] = {path};
    (void)snprintf(path, sizeof path, "%s/x.cvd", b->s.dir);
    (void)snprintf(certs, sizeof certs, "%s/certs", b->s.dir);
    (void)snprintf(out, sizeof out, "%s/made", b->s.dir);
    struct defc_options o = {.sources = source,
                             .source_count = 1,
                             .out_dir = out,
                             .keys = &keys,
                             .certs = certs,
                             .diag = &b->tape.diag};
    scratch_text(&b->s, "x-7.cvd.sign", "#clamsign-1.0\n1:2:pkcs7-pem:AAAA\n");
    assert_int_equal(defc_compile(&o, &report).code, SK_E_BAD_SIGNATURE);
    assert_int_equal(scratch_count(&b->s, "made", ".skdef"), 0);
    o.skip_verify = true; /* taken, and not official any more */
    assert_int_equal(defc_compile(&o, &report).code, SK_OK);
    assert_int_equal(scratch_count(&b->s, "made", ".skdef"), 1);
    o.skip_verify = false;
    sign(b, &b->signer, &text);
    write_sign(b, "#clamsign-1.0\n1:2:pkcs7-pem:", &text);
    assert_int_equal(defc_compile(&o, &report).code, SK_OK);
    buf_release(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_one_verifies, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_changed_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_checked_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(certificates_must_be_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_compile_asks_for_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
