// SPDX-License-Identifier: Apache-2.0
/*
 * sekisho defs: make and look at compiled definitions.
 *
 *   compile SOURCE...   ClamAV databases and containers -> the active set of a directory
 *   info, list, find NAME, check
 *   decode NAME|-       a signature in words
 *   test FILE SIGNATURE does it match, and why not
 *   normalise KIND FILE DIR  what signatures of that kind are written against
 *
 * Exit: 0 done, 1 not found (find), damaged (check), no match (test), 2 could not, 64 wrong usage.
 * One option table serves all of them; an option that means nothing to a subcommand is accepted by
 * it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/definitions.h"
#include "cli/defs_common.h"
#include "cli/intl.h"
#include "cli/say.h"
#include "cli/scan_options.h"
#include "defc/defc.h"

#define STATE_DEFINITIONS "/var/lib/sekisho/definitions"

#define AT(field) offsetof(struct defs_settings, field)
#define TEXT(name, letter, field, arg, help)                                                       \
    { name, letter, CONF_TEXT, AT(field), 0, 0, NULL, arg, NULL, N_(help), NULL }
#define LIST(name, letter, field, arg, help)                                                       \
    { name, letter, CONF_LIST, AT(field), 0, 0, NULL, arg, NULL, N_(help), NULL }
#define FLAG(name, letter, field, help)                                                            \
    { name, letter, CONF_FLAG, AT(field), 0, 0, NULL, NULL, NULL, N_(help), NULL }

static const struct conf_option defs_options[] = {
    TEXT("output", 'o', output, "DIR", "compile: the directory of the set to make or renew"),
    TEXT("definitions", 'd', definitions, "PATH", "others: the set or image to look at"),
    TEXT("segment", 0, segment, "NAME", "compile: put everything into this segment"),
    FLAG("official", 0, official, "compile: names get no .UNOFFICIAL"),
    FLAG("official-db-only", 0, official_only,
         "compile: of directories take only signed containers (.cvd, .cld)"),
    FLAG("pua", 0, pua, "compile: take signatures of potentially unwanted programs, too"),
    LIST("include-pua", 0, include_pua, "CAT",
         "compile: with --pua, only those of category CAT (PUA.CAT.*); may be repeated"),
    LIST("exclude-pua", 0, exclude_pua, "CAT",
         "compile: with --pua, all but those of category CAT; may be repeated"),
    {"phishing-sigs", 0, CONF_FLAG, AT(phishing_sigs), 0, 0, "yes", NULL, NULL,
     N_("compile: take signatures of phishing (HTML.Phishing*, Email.Phishing*), too"), NULL},
    TEXT("certs", 0, certs, "DIR",
         "compile: check NAME-VERSION.cvd.sign beside a container against these certificates"),
    FLAG("rebuild", 0, rebuild, "compile: segments that have not changed, too"),
    FLAG("replace", 0, replace, "compile: forget segments that are not compiled now"),
    FLAG("skip-verify", 0, skip_verify, "compile: take containers with a wrong signature"),
    {"jobs", 'j', CONF_NUMBER, AT(jobs), 0, DEFC_JOBS_MAX, "0", "N", NULL,
     N_("compile: work in N processes; 0: one per CPU"), NULL},
    FLAG("part", 'p', part, "find: NAME may be any part of the name"),
    TEXT("line", 0, line, "SIGNATURE", "decode: this signature, given as text"),
    TEXT("kind", 0, kind, "SUFFIX",
         "decode, test: the kind of the text, as a file suffix: ldb, imp"),
    FLAG("json", 0, json, "Print JSON"),
    FLAG("quiet", 'q', quiet, "Print only errors"),
    FLAG("verbose", 'v', verbose, "Print more: details, lines that were not taken"),
    FLAG("help", 'h', help, "Print this help"),
    FLAG("man", 0, man, "Print the options in manual page form"),
};
static const struct conf_table defs_table = {defs_options,
                                             sizeof defs_options / sizeof defs_options[0]};

/* ---- compile -------------------------------------------------------------------------------- */

struct meter {
    unsigned shown; /* percent */
};

static void show_progress(void *ctx, uint64_t done, uint64_t total) {
    struct meter *m = ctx;
    unsigned percent = total == 0 ? 0 : (unsigned)(done * 100 / total);
    if (percent != m->shown && percent <= 100) {
        m->shown = percent;
        (void)fputc('\r', stderr);
        (void)fprintf(stderr, _("compiling: %u %%"), percent);
        (void)fflush(stderr);
    }
}

static void hide_progress(void *ctx) {
    struct meter *m = ctx;
    if (m->shown != 0) {
        (void)fputs("\r\033[K", stderr);
        m->shown = 0;
    }
}

static sk_err report_json(const struct defc_report *r, struct buf *out) {
    struct json j;
    json_init(&j, out);
    json_open(&j, NULL, '{');
    json_u64(&j, "signatures", r->signatures);
    json_u64(&j, "lines", r->lines);
    json_u64(&j, "taken", r->taken);
    json_u64(&j, "segments", r->segments);
    json_u64(&j, "kept", r->kept);
    json_u64(&j, "kept_signatures", r->kept_signatures);
    json_u64(&j, "bytes", r->bytes_written);
    json_open(&j, "skipped", '{');
    for (int i = 0; i < DEFC_REASON_COUNT; i++) {
        json_u64(&j, defc_reason_word((enum defc_reason)i), r->skipped[i]);
    }
    json_close(&j, '}');
    json_close(&j, '}');
    TRY(j.err);
    return buf_puts(out, "\n");
}

static sk_err report_text(const struct defc_report *r, struct buf *out) {
    TRY(buf_printf(out,
                   ngettext("%llu signatures from %llu lines in %u segment, %llu bytes\n",
                            "%llu signatures from %llu lines in %u segments, %llu bytes\n",
                            r->segments),
                   (unsigned long long)r->signatures, (unsigned long long)r->lines, r->segments,
                   (unsigned long long)r->bytes_written));
    if (r->kept != 0) {
        TRY(buf_printf(out,
                       ngettext("  %u segment has not changed: %llu signatures\n",
                                "  %u segments have not changed: %llu signatures\n", r->kept),
                       r->kept, (unsigned long long)r->kept_signatures));
    }
    for (int i = 0; i < DEFC_REASON_COUNT; i++) {
        if (r->skipped[i] != 0) {
            TRY(buf_printf(out, _("  %llu not taken: %s\n"), (unsigned long long)r->skipped[i],
                           intl_text(defc_reason_text((enum defc_reason)i))));
        }
    }
    return sk_ok();
}

static const char *output_dir(const struct defs_settings *s) {
    const char *env = secure_getenv("SEKISHO_DEFINITIONS");
    if (s->output != NULL) {
        return s->output;
    }
    return env != NULL && env[0] != '\0' ? env : STATE_DEFINITIONS;
}

static int compile(const struct conf_list *words, const struct defs_settings *s) {
    struct meter meter = {0};
    struct defc_report report = {0};
    struct diag diag = say_diag(s->verbose);
    if (words->count < 2) {
        say_error(NULL, _("nothing to compile: name files or directories"));
        return EXIT_WRONG_USAGE;
    }
    bool exclude = s->exclude_pua.count > 0;
    const struct conf_list *categories = exclude ? &s->exclude_pua : &s->include_pua;
    if ((exclude && s->include_pua.count > 0) || (categories->count > 0 && !s->pua)) {
        say_error(NULL, s->pua
                            ? _("--exclude-pua and --include-pua cannot be used at the same time")
                            : _("--include-pua and --exclude-pua need --pua"));
        return EXIT_WRONG_USAGE;
    }
    struct defc_options o = {
        .sources = (const char *const *)&words->item[1],
        .source_count = (unsigned)(words->count - 1),
        .out_dir = output_dir(s),
        .segment = s->segment,
        .official = s->official,
        .official_only = s->official_only,
        .pua = s->pua,
        .wanted = {.category = (const char *const *)categories->item,
                   .category_count = (unsigned)categories->count,
                   .exclude = exclude,
                   .no_phishing = !s->phishing_sigs},
        .certs = s->certs,
        .jobs = s->jobs != 0 ? (unsigned)s->jobs : cpus_usable(),
        .rebuild = s->rebuild,
        .replace = s->replace,
        .skip_verify = s->skip_verify,
        .diag = &diag,
        .progress = !s->quiet && !s->json && isatty(STDERR_FILENO) == 1 ? show_progress : NULL,
        .progress_ctx = &meter,
    };
    say_before(hide_progress, &meter);
    sk_err err = defc_compile(&o, &report);
    hide_progress(&meter);
    say_before(NULL, NULL);
    if (sk_failed(err)) {
        return err.code == SK_E_USAGE ? EXIT_WRONG_USAGE : EXIT_INCOMPLETE;
    }
    struct buf out = {0};
    err = s->json ? report_json(&report, &out) : s->quiet ? sk_ok() : report_text(&report, &out);
    (void)fputs(buf_text(&out), stdout);
    buf_release(&out);
    return sk_failed(err) ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

/* ---- looking -------------------------------------------------------------------------------- */

static int look(const char *what, const char *name, const struct defs_settings *s) {
    struct buf path = {0};
    struct defset *set = NULL;
    struct diag diag = say_diag(s->verbose);
    sk_err err =
        s->definitions != NULL ? buf_puts(&path, s->definitions) : definitions_default(&path);
    int code = EXIT_INCOMPLETE;
    if (!sk_failed(err) && strcmp(what, "check") == 0) {
        code = defs_check(buf_text(&path), s);
    } else if (!sk_failed(err) && !sk_failed(defset_open(buf_text(&path), &diag, &set))) {
        code = strcmp(what, "info") == 0     ? defs_info(set, buf_text(&path), s)
               : strcmp(what, "decode") == 0 ? defs_decode(set, name, s)
                                             : defs_list(set, name, s);
        defset_close(set);
    }
    buf_release(&path);
    return code;
}

/* ---- door ----------------------------------------------------------------------------------- */

static int print_help(void) {
    struct buf out = {0};
    sk_err err = conf_help(&defs_table, intl_text, &out);
    (void)printf(_("Usage: sekisho defs compile [OPTION]... SOURCE...\n"
                   "       sekisho defs info|list|check [OPTION]...\n"
                   "       sekisho defs find [OPTION]... NAME\n"
                   "       sekisho defs decode [OPTION]... NAME|-|--line=SIGNATURE\n"
                   "       sekisho defs test [OPTION]... FILE NAME|SIGNATURE\n"
                   "       sekisho defs normalise html|javascript|text|utf16 FILE DIR\n"
                   "Compile ClamAV databases (files, directories, CVD, CLD, CUD) into definitions, "
                   "and look at them.\n\n"));
    (void)fputs(buf_text(&out), stdout);
    (void)printf(
        _("\nExit status: 0 done, 1 not found, damaged or (test) no match, 2 could not, 64 wrong "
          "usage.\n"));
    buf_release(&out);
    return sk_failed(err) ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static int print_man(void) {
    struct buf out = {0};
    sk_err err = conf_man(&defs_table, &out);
    (void)fputs(buf_text(&out), stdout);
    buf_release(&out);
    return sk_failed(err) ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static int dispatch(const struct conf_list *words, const struct defs_settings *s) {
    const char *what = words->count > 0 ? words->item[0] : "";
    size_t operands = words->count > 0 ? words->count - 1 : 0;
    if (strcmp(what, "compile") == 0) {
        return compile(words, s);
    }
    bool find = strcmp(what, "find") == 0;
    bool decode = strcmp(what, "decode") == 0;
    if (decode && (s->line != NULL || (operands == 1 && strcmp(words->item[1], "-") == 0))) {
        return defs_decode_text(s->line, s);
    }
    if (strcmp(what, "test") == 0) {
        if (operands != 2) {
            say_error(what, _("expected a file and a signature"));
            return EXIT_WRONG_USAGE;
        }
        return defs_test(words->item[1], words->item[2], s);
    }
    if (strcmp(what, "normalise") == 0) {
        if (operands != 3) {
            say_error(what, _("expected a kind, a file and a directory"));
            return EXIT_WRONG_USAGE;
        }
        return defs_normalise(words->item[1], words->item[2], words->item[3]);
    }
    find = find || decode;
    bool known = find || strcmp(what, "info") == 0 || strcmp(what, "list") == 0 ||
                 strcmp(what, "check") == 0;
    if (!known) {
        say_error(
            words->count > 0 ? what : NULL,
            _("expected compile, info, list, find, decode, test, normalise or check; see 'sekisho "
              "defs --help'"));
        return EXIT_WRONG_USAGE;
    }
    if (operands != (find ? 1u : 0u)) {
        say_error(what, find ? _("expected one name") : _("takes no argument"));
        return EXIT_WRONG_USAGE;
    }
    return look(what, find ? words->item[1] : NULL, s);
}

int cmd_defs(int argc, const char *const *argv) {
    struct defs_settings s = {0};
    struct conf_list words = {0};
    struct diag diag = say_diag(false);
    int code = EXIT_WRONG_USAGE;
    if (!sk_failed(conf_defaults(&defs_table, &s, &diag)) &&
        !sk_failed(conf_parse(&defs_table, &(struct conf_words){argc, argv}, &s, &words, &diag))) {
        if (s.json) {
            intl_plain();
        }
        code = s.help ? print_help() : s.man ? print_man() : dispatch(&words, &s);
    }
    conf_release(&defs_table, &s);
    conf_list_release(&words);
    return code;
}
