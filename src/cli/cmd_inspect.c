// SPDX-License-Identifier: Apache-2.0
/*
 * sekisho inspect: what is in an object, layer by layer, in text or JSON; with --extract every
 * layer as a file.
 *
 *   worker (sandboxed): scan with an observer --messages--> here: inspection, files --> printed
 *
 * One worker, so that what it tells belongs to the object whose result comes next. The scan is the
 * ordinary one in all-match mode: what inspect shows is what scan looks at.
 *
 *   0 all of it was looked at, nothing found   1 something found (wins)   2 not all of it could be
 *   looked at or written   64 wrong usage
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/definitions.h"
#include "cli/inspect_files.h"
#include "cli/inspect_print.h"
#include "cli/intl.h"
#include "cli/print.h"
#include "cli/say.h"
#include "cli/scan_options.h"
#include "cli/totals.h"
#include "os/interrupt.h"

/* Views of a layer may together be as large again and more; beyond this a worker is lying. */
#define EXTRACT_FACTOR 4u
#define EXTRACT_SLACK ((uint64_t)64 << 20)
#define MAX_BYTES ((uint64_t)1 << 50)

struct inspect_settings {
    const char *definitions, *extract, *sandbox, *temp_dir;
    struct limit_settings limits;
    bool json, help, man;
};

#define AT(field) offsetof(struct inspect_settings, field)
#define FLAG(name, letter, field, help)                                                            \
    { name, letter, CONF_FLAG, AT(field), 0, 0, NULL, NULL, NULL, N_(help), NULL }
#define LIMIT(name, kind, field, top, initial, arg, help)                                          \
    { name, 0, kind, AT(limits.field), 0, top, initial, arg, NULL, N_(help), NULL }

static const struct conf_option OPTIONS[] = {
    {"definitions", 'd', CONF_TEXT, AT(definitions), 0, 0, NULL, "DIR", NULL,
     N_("Use these compiled definitions"), NULL},
    {"extract", 'x', CONF_TEXT, AT(extract), 0, 0, NULL, "DIR", NULL,
     N_("Write the bytes of every layer to a file in DIR"),
     "DIR is made when it does not exist. Files are new (an existing one is an error), readable by "
     "you alone, never executable, and called OBJECT.LAYER-NAME: two numbers and what is harmless "
     "of the member's name. They hold what the object holds: malware, if it is malware."},
    FLAG("json", 0, json, "Print JSON Lines (see docs/inspect-output.md)"),
    LIMIT("max-filesize", CONF_SIZE, file_size, MAX_BYTES, "100M", "SIZE",
          N_("Do not scan files and members larger than this")),
    LIMIT("max-scansize", CONF_SIZE, scan_size, MAX_BYTES, "400M", "SIZE",
          N_("Unpack at most this much from one file")),
    LIMIT("max-files", CONF_NUMBER, files, UINT32_MAX, "10000", "N",
          N_("Look at most at N members of one file")),
    LIMIT("max-recursion", CONF_NUMBER, recursion, 100, "17", "N",
          N_("Unpack at most N archives inside each other")),
    LIMIT("max-scantime", CONF_NUMBER, scan_time, UINT32_MAX, "120000", "MS",
          N_("Spend at most this many milliseconds on one file")),
    {"tempdir", 0, CONF_TEXT, AT(temp_dir), 0, 0, NULL, "DIR", NULL, N_("Put temporary files here"),
     NULL},
    {"sandbox", 0, CONF_CHOICE, AT(sandbox), 0, 0, "auto", "MODE", "auto|require|off",
     N_("Sandbox of the scanning processes: auto, require, off"), NULL},
    FLAG("help", 'h', help, "Print this help"),
    FLAG("man", 0, man, "Print the options in manual page form"),
};
static const struct conf_table inspect_table = {OPTIONS, sizeof(OPTIONS) / sizeof(OPTIONS[0])};

struct inspect_run {
    struct inspect_settings settings;
    struct conf_list paths;
    struct diag diag;
    struct choice none; /* every path is taken */
    struct sk_engine *engine;
    struct inspection in;
    struct inspect_files files;
    struct totals totals;
    struct buf line;
    bool incomplete; /* beside what totals say */
};

/* ---- what the worker tells ---------------------------------------------------------------- */

static void on_layer(void *ctx, const struct sk_layer_seen *seen) {
    struct inspect_run *run = ctx;
    char name[INSPECT_FILE_NAME_MAX] = "";
    struct inspect_layer *layer = inspection_layer(&run->in, seen);
    if (layer == NULL) {
        return; /* too many, or a lie: nothing is written of it */
    }
    if (run->settings.extract != NULL) {
        inspect_files_begin(&run->files, seen, name);
    }
    if (name[0] != '\0') {
        layer->file = arena_strndup(&run->in.arena, name, strlen(name));
    }
}

static void on_bytes(void *ctx, uint64_t layer, const void *bytes, size_t len) {
    struct inspect_run *run = ctx;
    inspect_files_put(&run->files, layer, bytes, len);
}

static void on_fact(void *ctx, const struct sk_fact_seen *fact) {
    inspection_fact(&((struct inspect_run *)ctx)->in, fact);
}

static void on_note(void *ctx, uint64_t layer, const struct sk_note_entry *note) {
    inspection_note(&((struct inspect_run *)ctx)->in, layer, note);
}

static void on_retyped(void *ctx, uint64_t layer, const char *type) {
    inspection_type(&((struct inspect_run *)ctx)->in, layer, type);
}

/* ---- printing ----------------------------------------------------------------------------- */

static uint64_t extract_budget(const struct inspect_run *run) {
    uint64_t size = run->settings.limits.scan_size;
    return size == 0 || size > MAX_BYTES ? UINT64_MAX : EXTRACT_FACTOR * size + EXTRACT_SLACK;
}

static void say_write_failed(struct inspect_run *run) {
    const struct inspect_files *f = &run->files;
    say_error(run->settings.extract, _("not everything could be written: %s"),
              f->errnum != 0 ? strerror(f->errnum) : intl_text(sk_err_text(f->failed)));
    run->files.failed = sk_ok();
    run->incomplete = true;
}

static sk_err print_object(struct inspect_run *run, const struct outcome *o) {
    inspection_finish(&run->in);
    buf_clear(&run->line);
    if (run->settings.json) {
        return inspect_print_json(&run->in, o, &run->line);
    }
    if (o->kind == OUTCOME_EMPTY) {
        TRY(buf_put_escaped(&run->line, o->path, strlen(o->path)));
        return buf_printf(&run->line, ": %s\n", _("empty file"));
    }
    return inspect_print_text(&run->in, o, &run->line);
}

static bool on_outcome(void *ctx, const struct outcome *o) {
    struct inspect_run *run = ctx;
    enum standing standing = outcome_standing(o);
    totals_add(&run->totals, o);
    run->incomplete = run->incomplete || run->in.dropped;
    if (standing == STANDING_FAILED && !run->settings.json) {
        say_error(o->path, "%s", outcome_error(o));
    } else if (standing != STANDING_SKIPPED) {
        sk_err err = print_object(run, o);
        if (sk_failed(err)) {
            say_error(o->path, "%s", intl_text(sk_err_text(err)));
            run->incomplete = true;
        }
        (void)fwrite(run->line.data, 1, sk_failed(err) ? 0 : run->line.len, stdout);
    }
    if (run->settings.extract != NULL) {
        inspect_files_end(&run->files, extract_budget(run));
        if (sk_failed(run->files.failed)) {
            say_write_failed(run);
        }
    }
    inspection_clear(&run->in);
    return ferror(stdout) == 0;
}

/* ---- the run ------------------------------------------------------------------------------ */

static int print_help(const struct inspect_settings *s) {
    struct buf out = {0};
    sk_err err =
        s->man ? conf_man(&inspect_table, &out) : conf_help(&inspect_table, intl_text, &out);
    if (!s->man) {
        (void)printf(
            _("Usage: sekisho inspect [OPTION]... FILE...\n"
              "Show what is in files, layer by layer: types, sizes, digests, facts, notes.\n\n"));
    }
    (void)fputs(buf_text(&out), stdout);
    buf_release(&out);
    return sk_failed(err) ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static void fill_session(struct inspect_run *run, const struct sk_observer *observer,
                         struct session_options *o) {
    const struct inspect_settings *s = &run->settings;
    *o = (struct session_options){
        .paths = &run->paths, .diag = &run->diag, .on_outcome = on_outcome, .ctx = run};
    pool_options_init(&o->pool);
    struct sk_limits defaults = o->pool.scan.limits;
    limits_apply(&s->limits, &o->pool.scan.limits);
    o->pool.scan.limits.max_ratio = defaults.max_ratio;
    o->pool.scan.limits.max_memory = defaults.max_memory;
    o->pool.scan.limits.max_html_normalise = defaults.max_html_normalise;
    o->pool.scan.flags = SK_SCAN_ALL_MATCHES;
    o->pool.scan.observer = observer;
    o->pool.engine = run->engine;
    o->pool.jobs = 1;
    o->pool.spool_dir = s->temp_dir;
    o->pool.sandbox = strcmp(s->sandbox, "off") == 0       ? POOL_SANDBOX_OFF
                      : strcmp(s->sandbox, "require") == 0 ? POOL_SANDBOX_REQUIRE
                                                           : POOL_SANDBOX_AUTO;
    o->tree = (struct tree_options){.recursive = true,
                                    .cross_fs = true,
                                    .file_links = TREE_LINKS_NAMED,
                                    .dir_links = TREE_LINKS_NAMED,
                                    .files = &run->none,
                                    .dirs = &run->none};
}

static int inspect(struct inspect_run *run) {
    struct session_options options;
    struct session_facts facts;
    struct sk_observer observer = {.ctx = run,
                                   .want_bytes = run->settings.extract != NULL,
                                   .layer = on_layer,
                                   .bytes = on_bytes,
                                   .fact = on_fact,
                                   .note = on_note,
                                   .retyped = on_retyped};
    if (run->settings.extract != NULL) {
        if (sk_failed(inspect_files_open(&run->files, run->settings.extract))) {
            say_error(run->settings.extract, "%s", strerror(errno));
            return EXIT_INCOMPLETE;
        }
        run->files.budget = extract_budget(run);
    }
    inspection_init(&run->in);
    fill_session(run, &observer, &options);
    sk_err err = session_run(&options, &facts);
    int code = totals_exit(&run->totals);
    if (sk_failed(err)) {
        say_error(NULL, _("the scan could not be finished: %s"), intl_text(sk_err_text(err)));
    }
    bool wrong = sk_failed(err) || facts.stopped || run->incomplete;
    return wrong && code == EXIT_CLEAN ? EXIT_INCOMPLETE : code;
}

static int prepare(struct inspect_run *run, const struct conf_words *words) {
    run->diag = say_diag(false);
    if (sk_failed(conf_defaults(&inspect_table, &run->settings, &run->diag)) ||
        sk_failed(conf_parse(&inspect_table, words, &run->settings, &run->paths, &run->diag))) {
        return EXIT_WRONG_USAGE;
    }
    if (run->settings.help || run->settings.man) {
        return EXIT_CLEAN;
    }
    if (run->paths.count == 0) {
        say_error(NULL, _("nothing to inspect: name a file or - (standard input)"));
        return EXIT_WRONG_USAGE;
    }
    return sk_failed(definitions_open(run->settings.definitions, &run->diag, &run->engine))
               ? EXIT_INCOMPLETE
               : EXIT_CLEAN;
}

int cmd_inspect(int argc, const char *const *argv) {
    struct inspect_run run = {.files = {.dir = -1, .fd = -1}};
    struct conf_words words = {argc, argv};
    (void)signal(SIGPIPE, SIG_IGN);
    interrupt_catch();
    int code = prepare(&run, &words);
    if (code == EXIT_CLEAN && (run.settings.help || run.settings.man)) {
        code = print_help(&run.settings);
    } else if (code == EXIT_CLEAN) {
        if (run.settings.json) {
            intl_plain();
        }
        code = inspect(&run);
    }
    inspect_files_close(&run.files);
    inspection_release(&run.in);
    sk_engine_close(run.engine);
    conf_release(&inspect_table, &run.settings);
    conf_list_release(&run.paths);
    buf_release(&run.line);
    return code;
}
