// SPDX-License-Identifier: Apache-2.0
/*
 * What decides: one line that holds is enough, as several signers may sign for clients of different
 * age; a file in which none holds refuses the container. Lines of another method than pkcs7-pem are
 * passed over. The levels at the front are those of ClamAV releases that can read the line; what
 * they gate is the method, and that one is known here, so they are not asked.
 *
 * ClamAV 1.4.6 does not look at these files (their suffix is not one of its list); 1.5 asks for
 * them in its FIPS mode only.
 */
#include "defc/cvdsign.h"

#include <dirent.h>
#include <errno.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "crypto/detached.h"
#include "defc/text.h"
#include "os/file.h"

#define SIGN_MAX_BYTES ((size_t)1 << 20)
#define CERT_MAX_BYTES ((size_t)1 << 20)
#define HEADER "#clamsign-1.0"

struct cvdsign {
    struct crypto_trust *trust; /* NULL: nothing to check against */
};

/* ---- certificates --------------------------------------------------------------------------- */

static bool is_certificate(const char *name) {
    static const char *const SUFFIX[] = {".crt", ".pem", ".cer"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && name[0] != '.' && i < sizeof(SUFFIX) / sizeof(SUFFIX[0]);
         i++) {
        if (strcasecmp(dot, SUFFIX[i]) == 0) {
            return true;
        }
    }
    return false;
}

static sk_err add_certificate(struct crypto_trust *trust, const char *path, struct diag *diag) {
    struct buf text = {0};
    sk_err err = file_read_all(path, CERT_MAX_BYTES, &text);
    if (sk_failed(err)) {
        diag_say(diag, DIAG_ERROR, path, 0, "cannot read: %s",
                 err.code == SK_E_LIMIT ? sk_err_text(err) : strerror(errno));
    } else {
        err = crypto_trust_add(trust, (struct sk_bytes){text.data, text.len});
        if (err.code == SK_E_FORMAT) {
            diag_say(diag, DIAG_ERROR, path, 0, "holds no certificate in PEM form");
        }
    }
    buf_release(&text);
    return err;
}

static sk_err add_all(struct crypto_trust *trust, const char *certs, struct diag *diag) {
    unsigned count = 0;
    sk_err err = sk_ok();
    DIR *d = opendir(certs);
    if (d == NULL) {
        err = file_err(errno);
        diag_say(diag, DIAG_ERROR, certs, 0, "cannot read: %s", strerror(errno));
        return err;
    }
    for (const struct dirent *e = readdir(d); e != NULL && !sk_failed(err); e = readdir(d)) {
        struct buf path = {0};
        if (!is_certificate(e->d_name)) {
            continue;
        }
        count++;
        err = buf_printf(&path, "%s/%s", certs, e->d_name);
        err = sk_failed(err) ? err : add_certificate(trust, buf_text(&path), diag);
        buf_release(&path);
    }
    (void)closedir(d);
    if (!sk_failed(err) && count == 0) {
        diag_say(diag, DIAG_ERROR, certs, 0, "holds no certificate (*.crt, *.pem, *.cer)");
        return sk_fail(SK_E_NOTFOUND);
    }
    return err;
}

sk_err cvdsign_open(const char *certs, struct diag *diag, struct cvdsign **out_sign) {
    struct cvdsign *sign = mem_zalloc(1, sizeof(*sign));
    if (sign == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = certs == NULL ? sk_ok() : crypto_trust_new(&sign->trust);
    if (!sk_failed(err) && certs != NULL) {
        err = add_all(sign->trust, certs, diag);
    }
    if (sk_failed(err)) {
        cvdsign_close(sign);
        return err;
    }
    *out_sign = sign;
    return sk_ok();
}

void cvdsign_close(struct cvdsign *sign) {
    if (sign != NULL) {
        crypto_trust_free(sign->trust);
        mem_free(sign);
    }
}

/* ---- signatures ----------------------------------------------------------------------------- */

static sk_err path_of(const char *container, uint32_t version, struct buf *out) {
    const char *dot = strrchr(container, '.');
    int stem = (int)(dot != NULL ? dot - container : (ptrdiff_t)strlen(container));
    return buf_printf(out, "%.*s-%u.cvd.sign", stem, container, version);
}

/* One line: SK_E_UNSUPPORTED when it is none of ours. */
static sk_err check_line(const struct cvdsign *sign, struct cvd *c, struct sk_bytes line,
                         char *out_signer) {
    bool more = false;
    (void)text_cut(&line, ':', &more);
    if (more) {
        (void)text_cut(&line, ':', &more);
    }
    struct sk_bytes method = more ? text_cut(&line, ':', &more) : (struct sk_bytes){NULL, 0};
    if (!more || !text_is(method, "pkcs7-pem")) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct sk_source_stream stream;
    struct sk_source *src = cvd_source(c);
    return crypto_detached_verify(sign->trust, line,
                                  sk_source_stream_init(&stream, src, 0, src->size), out_signer);
}

static sk_err check_text(const struct cvdsign *sign, struct cvd *c, struct sk_bytes text,
                         char *out_signer) {
    bool more = false;
    struct sk_bytes line = text_cut(&text, '\n', &more);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    if (!text_is(line, HEADER)) {
        return sk_fail(SK_E_BAD_SIGNATURE);
    }
    while (more) {
        line = text_cut(&text, '\n', &more);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
            line.len--;
        }
        sk_err err = check_line(sign, c, line, out_signer);
        bool other = err.code == SK_E_UNSUPPORTED || err.code == SK_E_FORMAT ||
                     err.code == SK_E_BAD_SIGNATURE;
        if (!other) {
            return err;
        }
    }
    return sk_fail(SK_E_BAD_SIGNATURE);
}

static sk_err check_file(const struct cvdsign *sign, struct cvd *c, const char *path,
                         struct diag *diag) {
    struct buf text = {0};
    char signer[CRYPTO_SIGNER_BYTES];
    sk_err err = file_read_all(path, SIGN_MAX_BYTES, &text);
    if (err.code == SK_E_NOTFOUND) {
        diag_say(diag, DIAG_WARNING, path, 0,
                 "is not there: the container is checked by its own signatures only");
        return sk_ok();
    }
    if (sk_failed(err)) {
        diag_say(diag, DIAG_ERROR, path, 0, "cannot read: %s",
                 err.code == SK_E_LIMIT ? sk_err_text(err) : strerror(errno));
        return err;
    }
    err = check_text(sign, c, (struct sk_bytes){text.data, text.len}, signer);
    buf_release(&text);
    if (err.code == SK_E_BAD_SIGNATURE) {
        diag_say(diag, DIAG_ERROR, path, 0, "holds no signature of the container that verifies");
    } else if (!sk_failed(err)) {
        diag_say(diag, DIAG_INFO, path, 0, "verified, signed by %s", signer);
    }
    return err;
}

sk_err cvdsign_check(struct cvdsign *sign, struct cvd *c, const char *path, struct diag *diag) {
    struct buf file = {0};
    if (cvd_header(c)->kind != CVD_SIGNED) {
        return sk_ok();
    }
    sk_err err = path_of(path, cvd_header(c)->version, &file);
    if (!sk_failed(err) && sign->trust != NULL) {
        err = check_file(sign, c, buf_text(&file), diag);
    } else if (!sk_failed(err) && access(buf_text(&file), F_OK) == 0) {
        diag_say(diag, DIAG_INFO, buf_text(&file), 0,
                 "not checked: the certificates to believe were not named (--certs)");
    }
    buf_release(&file);
    return err;
}
