// SPDX-License-Identifier: Apache-2.0
/*
 * sekisho defs test FILE SIGNATURE: does this signature match this file, and if not, why not?
 *
 *   SIGNATURE is text  -> compiled into a set of its own (sigtext.h)     all its signatures are
 * tried SIGNATURE is a name -> looked up in the set                           those of that name
 * are tried
 *   -> one scan in a sandboxed worker, as `sekisho scan` does it, that also tries them on every
 *      layer, whatever target and attributes say
 *   -> for each signature the trials: hits and offsets, values of the expression, what failed
 *
 * Hashes and rules about members have nothing to try: they match or not, and are shown in words;
 * for a hash size and digest of the file are shown beside it.
 * Exit: 0 it matches, 1 it does not, 2 could not, or not fully: then it may match where nobody
 * looked.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/decode.h"
#include "cli/definitions.h"
#include "cli/defs_common.h"
#include "cli/intl.h"
#include "cli/say.h"
#include "cli/session.h"
#include "cli/sigtext.h"
#include "cli/trial.h"
#include "crypto/digest.h"
#include "engine/scan.h"
#include "os/file.h"

#define TRIES_MAX 256u
#define CHUNK_BYTES ((size_t)64 * 1024)

struct test_run {
    const struct defs_settings *s;
    const char *file;
    const char *name; /* NULL: every signature of the set */
    struct diag diag;
    struct sk_engine *engine;
    struct sk_try tries[TRIES_MAX];
    size_t try_count;
    uint64_t signatures;
    uint64_t untried; /* beyond TRIES_MAX */
    struct tell t;
    struct buf out;
    const struct sk_report *report;
    bool matched;
    bool list; /* part of a list that cannot be tried alone */
    bool done; /* the file was scanned, fully or until it matched */
};

/* ---- what to try ------------------------------------------------------------------------------
 */

static bool has_trials(enum query_kind kind) {
    return kind == QUERY_BODY || kind == QUERY_LOGICAL;
}

static uint32_t segment_of(const struct test_run *run, const struct image *image) {
    uint32_t i = 0;
    while (i < run->engine->segment_count && run->engine->image[i] != image) {
        i++;
    }
    return i;
}

static sk_err add_try(void *ctx, const struct query_signature *sig) {
    struct test_run *run = ctx;
    run->signatures++;
    if (has_trials(sig->kind)) {
        if (run->try_count == TRIES_MAX) {
            run->untried++;
            return sk_ok();
        }
        run->tries[run->try_count++] = (struct sk_try){segment_of(run, sig->image), sig->index};
    }
    return sk_ok();
}

static sk_err each_signature(struct test_run *run, query_fn seen) {
    struct query_filter filter = {.text = run->name};
    uint64_t count = 0;
    return query_signatures(run->engine->set, run->name == NULL ? NULL : &filter, seen, run,
                            &count);
}

/* ---- telling -----------------------------------------------------------------------------------
 */

static bool has_finding(const struct sk_report *report, const char *name) {
    for (size_t i = 0; i < report->finding_count; i++) {
        if (strcmp(report->findings[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static sk_err digest_file(const char *path, enum crypto_algo algo, char *out_text) {
    FILE_AUTO int fd = -1;
    struct stat st;
    uint8_t bytes[CHUNK_BYTES], digest[3][CRYPTO_DIGEST_MAX] = {{0}};
    struct digester *d = NULL;
    TRY(file_open_object(AT_FDCWD, path, FILE_FOLLOW, &fd, &st));
    TRY(digester_new(&d));
    sk_err err = digester_begin(d, CRYPTO_MASK(algo));
    for (size_t got = 1; !sk_failed(err) && got > 0;) {
        err = file_read_chunk(fd, bytes, sizeof(bytes), &got);
        err = sk_failed(err) || got == 0 ? err : digester_update(d, bytes, got);
    }
    err = sk_failed(err) ? err : digester_end(d, digest);
    digester_free(d);
    if (!sk_failed(err)) {
        crypto_hex(digest[algo], crypto_digest_bytes(algo), out_text);
    }
    return err;
}

/* What the file itself has, beside what the signature asks for. Reading is all that is done here:
 * nothing is parsed outside the sandbox. */
static sk_err tell_hash(struct test_run *run, const struct query_signature *sig, uint64_t size) {
    static const enum crypto_algo ALGO[HS_ALGO_COUNT] = {CRYPTO_MD5, CRYPTO_SHA1, CRYPTO_SHA256};
    char hex[2 * CRYPTO_DIGEST_MAX + 1] = "";
    TRY(decode_signature(&run->t, sig));
    if (sig->kind == QUERY_FILE_HASH || sig->kind == QUERY_ALLOW) {
        TRY(digest_file(run->file, ALGO[sig->algo], hex));
        tell_number(&run->t, "file_size", _("size of the file"), size);
        tell_text(&run->t, "file_digest", _("digest of the file"), hex);
    }
    return sk_ok();
}

static sk_err tell_trials(struct test_run *run, const struct query_signature *sig, bool *out_any) {
    uint32_t segment = segment_of(run, sig->image);
    tell_open(&run->t, "trials", NULL, '[');
    for (size_t i = 0; i < run->report->trial_count; i++) {
        const struct sk_trial *trial = &run->report->trials[i];
        if (trial->segment == segment && trial->signature == sig->index) {
            tell_line(&run->t, 0, trial_matches(trial) ? _("matches") : _("does not match"));
            run->t.depth++;
            TRY(trial_tell(&run->t, NULL, run->engine->set, trial));
            run->t.depth--;
            *out_any = *out_any || trial_matches(trial);
        }
    }
    tell_close(&run->t, NULL, ']');
    return sk_ok();
}

struct telling {
    struct test_run *run;
    uint64_t size;
};

static sk_err tell_signature(void *ctx, const struct query_signature *sig) {
    struct telling *telling = ctx;
    struct test_run *run = telling->run;
    struct tell *t = &run->t;
    bool any = has_finding(run->report, sig->name);
    tell_open(t, NULL, NULL, '{');
    tell_text(t, NULL, _("name"), sig->name);
    t->depth++;
    if (has_trials(sig->kind)) {
        tell_text(t, "name", NULL, sig->name);
        tell_text(t, "kind", NULL, query_kind_text(sig->kind));
        tell_text(t, "segment", NULL, sig->segment);
        TRY(tell_trials(run, sig, &any));
    } else if (sig->kind == QUERY_LINK || sig->kind == QUERY_URL) {
        TRY(decode_signature(t, sig));
        tell_line(t, 0, _("not tried: lists of links are asked together, when a mail is scanned"));
        run->list = true;
    } else {
        TRY(tell_hash(run, sig, telling->size));
        tell_line(t, 0, any ? _("matches") : _("does not match"));
    }
    tell_flag(t, "matches", NULL, any);
    tell_flag(t, "ignored", _("on an ignore list: it is never reported"), sig->ignored);
    t->depth--;
    tell_close(t, NULL, '}');
    run->matched = run->matched || any;
    return sk_ok();
}

/* They took part in the scan like any other, so "matches" holds for them; only how they fared is
 * not known. */
static sk_err tell_untried(struct test_run *run) {
    struct buf says = {0};
    if (run->untried == 0) {
        return sk_ok();
    }
    tell_number(&run->t, "untried", NULL, run->untried);
    sk_err err = buf_printf(&says,
                            ngettext("%llu more signature was scanned for, without these details",
                                     "%llu more signatures were scanned for, without these details",
                                     (unsigned long)run->untried),
                            (unsigned long long)run->untried);
    tell_line(&run->t, 0, sk_failed(err) ? "" : buf_text(&says));
    buf_release(&says);
    return err;
}

static sk_err tell_all(struct test_run *run, uint64_t size) {
    struct telling telling = {run, size};
    struct query_filter filter = {.text = run->name};
    uint64_t count = 0;
    tell_init(&run->t, &run->out, run->s->json);
    tell_open(&run->t, NULL, NULL, '{');
    tell_text(&run->t, "file", NULL, run->file);
    tell_flag(&run->t, "complete", NULL, run->report->complete != 0);
    tell_open(&run->t, "signatures", NULL, '[');
    TRY(query_signatures(run->engine->set, run->name == NULL ? NULL : &filter, tell_signature,
                         &telling, &count));
    tell_close(&run->t, NULL, ']');
    if (!run->report->complete) {
        tell_line(&run->t, 0, _("the file could not be scanned fully"));
    }
    TRY(tell_untried(run));
    tell_flag(&run->t, "matches", NULL, run->matched);
    tell_close(&run->t, NULL, '}');
    TRY(tell_end(&run->t));
    return run->s->json ? buf_puts(&run->out, "\n") : sk_ok();
}

static bool on_outcome(void *ctx, const struct outcome *o) {
    struct test_run *run = ctx;
    if (o->report == NULL || o->result != 0) {
        say_error(o->path, "%s",
                  o->kind == OUTCOME_EMPTY    ? _("the file is empty")
                  : o->kind == OUTCOME_FAILED ? strerror(o->errnum)
                                              : _("not a regular file"));
        return true;
    }
    run->report = o->report;
    sk_err err = tell_all(run, o->size);
    if (sk_failed(err)) {
        say_error(o->path, _("cannot be decoded: %s"), intl_text(sk_err_text(err)));
    } else {
        (void)fwrite(run->out.data, 1, run->out.len, stdout);
        run->done = run->matched || (run->report->complete != 0 && !run->list);
    }
    return true;
}

/* ---- the scan ----------------------------------------------------------------------------------
 */

/* A directory would be many objects; what else is wrong with the file, the scan says. */
static bool is_directory(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return false;
    }
    say_error(path, _("not a regular file"));
    return true;
}

static sk_err scan(struct test_run *run) {
    const char *path[] = {run->file};
    struct conf_list paths = {.item = path, .count = 1};
    struct session_facts facts;
    struct session_options o = {
        .paths = &paths, .diag = &run->diag, .on_outcome = on_outcome, .ctx = run};
    TRY(each_signature(run, add_try));
    if (run->signatures == 0) {
        say_error(run->name, _("no signature of this name"));
        return sk_fail(SK_E_NOTFOUND);
    }
    pool_options_init(&o.pool);
    o.pool.engine = run->engine;
    o.pool.jobs = 1;
    o.pool.scan.flags = SK_SCAN_ALL_MATCHES;
    o.pool.scan.tries = run->tries;
    o.pool.scan.try_count = run->try_count;
    o.tree = (struct tree_options){.file_links = TREE_LINKS_NAMED};
    return session_run(&o, &facts);
}

static sk_err open_and_scan(void *ctx, const char *dir) {
    struct test_run *run = ctx;
    TRY(definitions_open(dir, &run->diag, &run->engine));
    sk_err err = scan(run);
    sk_engine_close(run->engine);
    return err;
}

int defs_test(const char *file, const char *signature, const struct defs_settings *s) {
    struct test_run *run = mem_zalloc(1, sizeof(*run));
    sk_err err = run == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
    if (sk_failed(err)) {
        say_error(NULL, "%s", intl_text(sk_err_text(err)));
        return EXIT_INCOMPLETE;
    }
    *run = (struct test_run){.s = s, .file = file, .diag = say_diag(true)};
    size_t len = strlen(signature);
    if (is_directory(file)) {
        err = sk_fail(SK_E_UNSUPPORTED);
    } else if (s->kind != NULL || sigtext_kind(signature, strcspn(signature, "\n")) != NULL) {
        struct sigtext st = {
            .text = {(const uint8_t *)signature, len}, .kind = s->kind, .pua = true};
        err = sigtext_compile(&st, &run->diag, open_and_scan, run);
    } else {
        run->name = signature;
        run->diag = say_diag(s->verbose);
        err = open_and_scan(run, s->definitions);
    }
    int code = sk_failed(err) || !run->done ? EXIT_INCOMPLETE
               : run->matched               ? EXIT_CLEAN
                                            : EXIT_FOUND;
    code = err.code == SK_E_USAGE ? EXIT_WRONG_USAGE : code;
    buf_release(&run->out);
    mem_free(run);
    return code;
}
