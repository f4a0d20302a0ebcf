// SPDX-License-Identifier: Apache-2.0
/* Containers signed with keys of our own: good ones verify, every kind of tampering is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <openssl/bn.h>

#include "base/mem.h"
#include "cvdmake.h"
#include "defkit.h"
#include "os/file.h"

#define EICAR "44d88612fea8a8f36de82e1278abb02f:68:Test.Eicar-1\n"
static const struct cvdmake_file files[] = {{"test.hdb", EICAR, 0},
                                            {"test.ign2", "Test.Gone-1\n", 0}};
static struct cvd_keys keys;

static int setup(void **state) {
    (void)state;
    cvdmake_keys(&keys);
    return 0;
}

struct seen {
    unsigned count;
    bool read;
    struct buf text;
};

static sk_err note(void *ctx, struct cvd *c, const struct cvd_member *member) {
    struct seen *s = ctx;
    s->count++;
    while (s->read && strcmp(member->name, "test.hdb") == 0) {
        uint8_t chunk[7];
        size_t got = 0;
        TRY(sk_stream_read(cvd_stream(c), chunk, sizeof chunk, &got));
        if (got == 0) {
            break;
        }
        TRY(buf_append(&s->text, chunk, got));
    }
    return sk_ok();
}

static sk_err verify(const struct buf *b, const char *path, bool *out_verified) {
    struct cvd *c = NULL;
    TRY(cvd_open_mem((struct sk_bytes){b->data, b->len}, path, &keys, NULL, &c));
    sk_err err = cvd_verify(c, NULL, NULL);
    *out_verified = cvd_header(c)->verified;
    cvd_close(c);
    return err;
}

static const char *const paths[] = {"x.cvd", "x.cld", "x.cud"};

static void good_ones_verify_and_can_be_read(void **state) {
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        struct cvdmake_options o = {
            .version = 7, .kind = (enum cvd_kind)(kind % 3), .plain = kind >= 3};
        struct buf b = {0};
        struct cvd *c = NULL;
        struct seen seen = {.read = true};
        cvdmake_build(&o, files, 2, &b);
        struct sk_bytes bytes = {b.data, b.len};
        assert_int_equal(cvd_open_mem(bytes, paths[kind % 3], &keys, NULL, &c).code, SK_OK);
        assert_int_equal(cvd_header(c)->version, 7);
        assert_int_equal(cvd_header(c)->time, 1795446559);
        assert_string_equal(cvd_header(c)->builder, "me");
        assert_int_equal(cvd_walk(c, note, &seen).code, SK_E_USAGE);
        assert_int_equal(cvd_verify(c, note, &seen).code, SK_OK);
        assert_int_equal(cvd_header(c)->verified, o.kind != CVD_UNSIGNED);
        assert_int_equal(seen.count, 3);
        seen.read = false;
        assert_int_equal(cvd_walk(c, note, &seen).code, SK_OK);
        assert_int_equal(seen.count, 6);
        assert_string_equal(buf_text(&seen.text), EICAR);
        cvd_close(c);
        buf_release(&seen.text);
        buf_release(&b);
    }
}

static void tampering_is_refused(void **state) {
    (void)state;
    static const struct {
        struct cvdmake_options o;
        int code;
    } cases[] = {
        {{.kind = CVD_SIGNED, .no_dsig = true}, SK_E_BAD_SIGNATURE},
        {{.kind = CVD_LOCAL, .no_dsig = true}, SK_E_BAD_SIGNATURE},
        {{.kind = CVD_SIGNED, .wrong_listed = true}, SK_E_FORMAT},
        {{.kind = CVD_LOCAL, .wrong_listed = true}, SK_E_FORMAT},
        {{.kind = CVD_UNSIGNED, .wrong_listed = true}, SK_E_FORMAT},
        {{.kind = CVD_SIGNED, .lists_missing = true}, SK_E_FORMAT},
        {{.kind = CVD_SIGNED, .hides_first = true}, SK_E_FORMAT},
        {{.kind = CVD_SIGNED, .foreign_info = true}, SK_E_FORMAT},
        {{.kind = CVD_SIGNED, .type = '2'}, SK_E_FORMAT},
        {{.kind = CVD_SIGNED, .type = 'x'}, SK_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b = {0};
        bool verified = true;
        cvdmake_build(&cases[i].o, files, 2, &b);
        assert_int_equal(verify(&b, paths[cases[i].o.kind], &verified).code, cases[i].code);
        assert_false(verified);
        buf_release(&b);
    }
    /* An unsigned one does not become official by its name. */
    struct cvdmake_options o = {.kind = CVD_UNSIGNED};
    struct buf b = {0};
    bool verified = true;
    cvdmake_build(&o, files, 2, &b);
    assert_int_equal(verify(&b, "x.cvd", &verified).code, SK_E_BAD_SIGNATURE);
    assert_int_equal(verify(&b, "x.cld", &verified).code, SK_E_BAD_SIGNATURE);
    assert_false(verified);
    buf_release(&b);
}

static void names_that_lead_elsewhere_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"../x.hdb", "/etc/x.hdb", "a/b.hdb", ".hidden.hdb",
                                        "a b.hdb",  "x\xff.hdb",  "a:b.hdb", "test.info"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct cvdmake_file file = {names[i], EICAR, 0};
        struct cvdmake_options o = {.kind = CVD_UNSIGNED};
        struct buf b = {0};
        bool verified = true;
        cvdmake_build(&o, &file, 1, &b);
        assert_int_equal(verify(&b, "x.cud", &verified).code, SK_E_FORMAT);
        buf_release(&b);
    }
}

static void every_flipped_byte_is_found(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct cvdmake_options o = {.kind = (enum cvd_kind)kind};
        struct buf b = {0};
        cvdmake_build(&o, files, 2, &b);
        for (size_t i = 0; i < b.len; i++) {
            bool verified = false;
            b.data[i] ^= 0x10;
            sk_err err = verify(&b, paths[kind], &verified);
            /* Of a cld nothing covers the gzip header's time and flags, and the md5 field says X:
             * there the members are what counts, and they are intact. */
            if (!sk_failed(err)) {
                assert_true(kind == CVD_LOCAL || kind == CVD_UNSIGNED);
                assert_true(kind == CVD_UNSIGNED ? i < 512 : i < 522 || i + 600 > b.len);
            }
            b.data[i] ^= 0x10;
        }
        buf_release(&b);
    }
}

static void truncation_is_refused(void **state) {
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        struct cvdmake_options o = {.kind = CVD_LOCAL, .plain = plain != 0};
        struct buf b = {0};
        cvdmake_build(&o, files, 2, &b);
        size_t whole = b.len - (plain ? 1024 : 0); /* the end marks of a tar may be missing */
        for (b.len = 0; b.len < whole; b.len += plain ? 37 : 1) {
            bool verified = true;
            sk_err err = verify(&b, "x.cld", &verified);
            assert_true(sk_failed(err));
        }
        buf_release(&b);
    }
}

static void foreign_keys_do_not_verify(void **state) {
    (void)state;
    struct cvdmake_options o = {.kind = CVD_SIGNED};
    struct buf b = {0};
    struct cvd *c = NULL;
    struct diag_tape tape;
    diag_tape_init(&tape);
    cvdmake_build(&o, files, 2, &b);
    struct sk_bytes bytes = {b.data, b.len};
    assert_int_equal(cvd_open_mem(bytes, "x.cvd", NULL, &tape.diag, &c).code, SK_OK);
    assert_int_equal(cvd_verify(c, NULL, NULL).code, SK_E_BAD_SIGNATURE);
    assert_string_equal(tape.text, "x.cvd:0: the digital signature does not verify");
    cvd_accept_unverified(c);
    assert_int_equal(cvd_verify(c, NULL, NULL).code, SK_OK);
    assert_false(cvd_header(c)->verified);
    assert_int_equal(tape.diag.count[DIAG_WARNING], 2);
    cvd_close(c);
    /* The second signature alone, with the right first key. */
    struct cvd_keys half = keys;
    half.info_modulus = cvd_keys_builtin()->info_modulus;
    assert_int_equal(cvd_open_mem(bytes, "x.cvd", &half, &tape.diag, &c).code, SK_OK);
    assert_int_equal(cvd_verify(c, NULL, NULL).code, SK_E_BAD_SIGNATURE);
    assert_string_equal(tape.text, "x.cvd:0: the signature of the inventory does not verify");
    cvd_close(c);
    buf_release(&b);
}

static bool holds_number(const struct buf *file, struct sk_bytes modulus) {
    BIGNUM *n = BN_bin2bn(modulus.ptr, (int)modulus.len, NULL);
    char *text = BN_bn2dec(n);
    bool found = memmem(file->data, file->len, text, strlen(text) + 1) != NULL;
    OPENSSL_free(text);
    BN_free(n);
    return found;
}

/* Keys are facts of the peer; where it is installed they are compared with what it holds. */
static void the_built_in_keys_are_those_of_libclamav(void **state) {
    (void)state;
    glob_t found;
    struct buf file = {0};
    if (glob("/usr/lib/*/libclamav.so.*", 0, NULL, &found) != 0) {
        skip();
    }
    assert_int_equal(file_read_all(found.gl_pathv[0], (size_t)1 << 28, &file).code, SK_OK);
    globfree(&found);
    const struct cvd_keys *real = cvd_keys_builtin();
    assert_true(holds_number(&file, real->payload_modulus));
    assert_true(holds_number(&file, real->info_modulus));
    buf_release(&file);
}

static void the_nth_allocation_may_fail(void **state) {
    (void)state;
    struct cvdmake_options o = {.kind = CVD_SIGNED};
    struct buf b = {0};
    cvdmake_build(&o, files, 2, &b);
    for (uint64_t n = 1;; n++) {
        bool verified = false;
        mem_fault_set(n);
        sk_err err = verify(&b, "x.cvd", &verified);
        bool reached = mem_fault_seen() >= n;
        mem_fault_set(0);
        assert_int_equal(err.code, reached ? SK_E_NOMEM : SK_OK);
        assert_int_equal(verified, !reached);
        if (!reached) {
            break;
        }
    }
    buf_release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_verify_and_can_be_read),
        cmocka_unit_test(tampering_is_refused),
        cmocka_unit_test(names_that_lead_elsewhere_are_refused),
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(truncation_is_refused),
        cmocka_unit_test(foreign_keys_do_not_verify),
        cmocka_unit_test(the_built_in_keys_are_those_of_libclamav),
        cmocka_unit_test(the_nth_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
