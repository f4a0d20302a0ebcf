// SPDX-License-Identifier: Apache-2.0
/*
 * sekisho defs decode: signatures in words, out of a set by name or out of a text.
 *
 * With --json one object a line, as `find` prints. A text is compiled first (sigtext.h); lines of
 * it that cannot be taken are told on standard error and make the exit code 1.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/decode.h"
#include "cli/defs_common.h"
#include "cli/intl.h"
#include "cli/say.h"
#include "cli/sigtext.h"

struct decode_run {
    const struct defs_settings *s;
    struct diag diag;
    struct buf out;
    uint64_t count;
};

static sk_err print_decoded(void *ctx, const struct query_signature *sig) {
    struct decode_run *run = ctx;
    struct tell t;
    buf_clear(&run->out);
    tell_init(&t, &run->out, run->s->json);
    if (run->count++ > 0 && !run->s->json) {
        TRY(buf_puts(&run->out, "\n"));
    }
    tell_open(&t, NULL, NULL, '{');
    TRY(decode_signature(&t, sig));
    tell_close(&t, NULL, '}');
    TRY(tell_end(&t));
    TRY(run->s->json ? buf_puts(&run->out, "\n") : sk_ok());
    size_t put = fwrite(run->out.data, 1, run->out.len, stdout);
    return put == run->out.len ? sk_ok() : sk_fail(SK_E_IO);
}

int defs_decode(const struct defset *set, const char *name, const struct defs_settings *s) {
    struct decode_run run = {.s = s};
    struct query_filter filter = {.text = name, .part = s->part};
    uint64_t count = 0;
    sk_err err = query_signatures(set, &filter, print_decoded, &run, &count);
    buf_release(&run.out);
    if (sk_failed(err)) {
        say_error(name, _("cannot be decoded: %s"), intl_text(sk_err_text(err)));
        return EXIT_INCOMPLETE;
    }
    if (count == 0) {
        say_error(name, _("no signature of this name"));
        return EXIT_FOUND;
    }
    return EXIT_CLEAN;
}

/* ---- text ------------------------------------------------------------------------------------ */

static sk_err decode_set(void *ctx, const char *dir) {
    struct decode_run *run = ctx;
    struct defset *set = NULL;
    uint64_t count = 0;
    TRY(defset_open(dir, &run->diag, &set));
    sk_err err = query_signatures(set, NULL, print_decoded, run, &count);
    defset_close(set);
    return err;
}

static sk_err read_input(struct buf *out) {
    for (;;) {
        TRY(buf_reserve(out, 65536));
        ssize_t n = read(STDIN_FILENO, &out->data[out->len], 65536);
        if (n == 0) {
            return sk_ok();
        }
        if (n < 0 && errno != EINTR) {
            return sk_fail(SK_E_IO);
        }
        out->len += n > 0 ? (size_t)n : 0;
        if (out->len > SIGTEXT_BYTES_MAX) {
            return sk_fail(SK_E_LIMIT);
        }
    }
}

int defs_decode_text(const char *text, const struct defs_settings *s) {
    struct decode_run run = {.s = s, .diag = say_diag(true)};
    struct buf input = {0};
    sk_err err = text != NULL ? buf_puts(&input, text) : read_input(&input);
    struct sigtext st = {.text = {input.data, input.len}, .kind = s->kind, .pua = true};
    err = sk_failed(err) ? err : sigtext_compile(&st, &run.diag, decode_set, &run);
    buf_release(&input);
    buf_release(&run.out);
    if (err.code == SK_E_USAGE) {
        return EXIT_WRONG_USAGE;
    }
    if (sk_failed(err)) {
        say_error(NULL, _("cannot be decoded: %s"), intl_text(sk_err_text(err)));
        return EXIT_INCOMPLETE;
    }
    return run.count > 0 && run.diag.count[DIAG_ERROR] == 0 ? EXIT_CLEAN : EXIT_FOUND;
}
