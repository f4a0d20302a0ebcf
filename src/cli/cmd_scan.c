// SPDX-License-Identifier: Apache-2.0
/*
 * sekisho scan: options -> definitions -> session -> lines and summary -> exit code.
 *
 *   0 clean   1 something found (wins)   2 something could not be scanned fully   64 wrong usage
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/commands.h"
#include "cli/definitions.h"
#include "cli/intl.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/scan_options.h"
#include "engine/scan.h"
#include "os/clock.h"
#include "os/interrupt.h"

struct scan_run {
    struct scan_settings settings;
    struct conf_list paths;
    struct buf *list_text;
    struct choice files;
    struct choice dirs;
    struct diag diag;
    struct printer printer;
    const struct print_face *face;
    struct progress progress;
    struct totals totals;
    struct sk_engine *engine;
};

static bool on_outcome(void *ctx, const struct outcome *outcome) {
    struct scan_run *run = ctx;
    totals_add(&run->totals, outcome);
    if (outcome_standing(outcome) != STANDING_CLEAN || run->settings.verbose) {
        progress_hide(&run->progress);
    }
    run->face->object(&run->printer, outcome);
    return ferror(stdout) == 0;
}

static void on_tick(void *ctx, const struct session_progress *now) {
    struct scan_run *run = ctx;
    (void)fflush(stdout);
    progress_show(&run->progress, now);
}

static int print_help(void) {
    struct buf out = {0};
    sk_err err = conf_help(&scan_table, intl_text, &out);
    (void)printf(_("Usage: sekisho scan [OPTION]... PATH...\n"
                   "Scan files and directories for malware; '-' is standard input.\n\n"));
    (void)fputs(buf_text(&out), stdout);
    (void)printf(_("\nExit status: 0 clean, 1 something found, 2 something could not be scanned "
                   "fully, 64 wrong usage.\n"));
    buf_release(&out);
    return sk_failed(err) ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static int print_man(void) {
    struct buf out = {0};
    sk_err err = conf_man(&scan_table, &out);
    (void)fputs(buf_text(&out), stdout);
    buf_release(&out);
    return sk_failed(err) ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static bool color_wanted(const struct scan_settings *s) {
    if (strcmp(s->color, "auto") != 0) {
        return strcmp(s->color, "always") == 0;
    }
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) == 1 && (no == NULL || no[0] == '\0');
}

static void fill_session(struct scan_run *run, struct session_options *o) {
    const struct scan_settings *s = &run->settings;
    *o = (struct session_options){.paths = &run->paths,
                                  .stop_at_first = s->fail_fast,
                                  .diag = &run->diag,
                                  .on_outcome = on_outcome,
                                  .on_tick = run->progress.on ? on_tick : NULL,
                                  .ctx = run};
    pool_options_init(&o->pool);
    limits_apply(&s->limits, &o->pool.scan.limits);
    o->pool.scan.flags = (s->all_match ? SK_SCAN_ALL_MATCHES : 0) |
                         (s->no_archives ? SK_SCAN_NO_ARCHIVES : 0) |
                         (s->explain ? SK_SCAN_EXPLAIN : 0);
    alerts_apply(&s->alert, &o->pool.scan);
    o->pool.engine = run->engine;
    o->pool.jobs = s->jobs != 0 ? (unsigned)s->jobs : cpus_usable();
    o->pool.spool_dir = s->temp_dir;
    o->pool.want_stats = s->stats;
    o->pool.sandbox = strcmp(s->sandbox, "off") == 0       ? POOL_SANDBOX_OFF
                      : strcmp(s->sandbox, "require") == 0 ? POOL_SANDBOX_REQUIRE
                                                           : POOL_SANDBOX_AUTO;
    o->tree = (struct tree_options){
        .recursive = s->recursive,
        .cross_fs = s->cross_fs,
        .file_links = s->follow ? TREE_LINKS_ALWAYS : TREE_LINKS_NAMED,
        .dir_links = s->follow ? TREE_LINKS_ALWAYS : TREE_LINKS_NAMED,
        .max_depth = s->max_depth,
        .files = &run->files,
        .dirs = &run->dirs,
    };
}

static int scan(struct scan_run *run) {
    struct session_options options;
    struct session_facts facts;
    uint64_t start = clock_monotonic_ms();
    fill_session(run, &options);
    progress_start(&run->progress, run->settings.progress && !run->settings.quiet, &options.tree,
                   &run->paths);
    options.on_tick = run->progress.on ? on_tick : NULL;
    say_before(progress_hide, &run->progress);
    sk_err err = session_run(&options, &facts);
    progress_stop(&run->progress);
    int code = totals_exit(&run->totals);
    if (sk_failed(err)) {
        say_error(NULL, _("the scan could not be finished: %s"), intl_text(sk_err_text(err)));
        code = code == EXIT_FOUND ? code : EXIT_INCOMPLETE;
    }
    if (facts.stopped && code == EXIT_CLEAN) {
        code = EXIT_INCOMPLETE; /* what was not looked at is not clean */
    }
    if (facts.spool_missing) {
        say_error(run->settings.temp_dir, _("no temporary file could be made: large members of "
                                            "archives were not scanned"));
    }
    struct run_summary summary = {.totals = &run->totals,
                                  .facts = &facts,
                                  .signatures = sk_engine_signature_count(run->engine),
                                  .elapsed_ms = clock_monotonic_ms() - start,
                                  .jobs = options.pool.jobs,
                                  .exit_code = code};
    run->face->summary(&run->printer, &summary);
    return code;
}

/* EXIT_CLEAN: go on. */
static int prepare(struct scan_run *run, int argc, const char *const *argv) {
    struct scan_settings *s = &run->settings;
    struct conf_words words = {argc, argv};
    run->diag = say_diag(false);
    if (sk_failed(conf_defaults(&scan_table, s, &run->diag)) ||
        sk_failed(conf_parse(&scan_table, &words, s, &run->paths, &run->diag))) {
        return EXIT_WRONG_USAGE;
    }
    if (s->help || s->man) {
        return EXIT_CLEAN;
    }
    if (sk_failed(choice_compile(&run->files, &s->include, &s->exclude, "", &run->diag)) ||
        sk_failed(
            choice_compile(&run->dirs, &s->include_dir, &s->exclude_dir, "-dir", &run->diag))) {
        return EXIT_WRONG_USAGE;
    }
    run->list_text = mem_zalloc(s->file_list.count + 1, sizeof(*run->list_text));
    if (run->list_text == NULL ||
        sk_failed(paths_from_lists(&s->file_list, &run->paths, run->list_text, &run->diag))) {
        return EXIT_INCOMPLETE;
    }
    if (run->paths.count == 0 && s->file_list.count == 0) {
        say_error(NULL, _("nothing to scan: name a file, a directory or - (standard input)"));
        return EXIT_WRONG_USAGE;
    }
    sk_err err = definitions_open(s->definitions, &run->diag, &run->engine);
    if (!sk_failed(err) && s->official_only) {
        err = definitions_official_only(s->definitions, &run->diag, &run->engine);
    }
    return sk_failed(err) ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static void release(struct scan_run *run) {
    definitions_leave(run->engine);
    for (size_t i = 0; run->list_text != NULL && i < run->settings.file_list.count; i++) {
        buf_release(&run->list_text[i]);
    }
    mem_free(run->list_text);
    conf_release(&scan_table, &run->settings);
    conf_list_release(&run->paths);
    choice_release(&run->files);
    choice_release(&run->dirs);
    buf_release(&run->printer.line);
    say_before(NULL, NULL);
}

int cmd_scan(int argc, const char *const *argv) {
    struct scan_run run = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    interrupt_catch();
    int code = prepare(&run, argc, argv);
    if (code == EXIT_CLEAN && run.settings.help) {
        code = print_help();
    } else if (code == EXIT_CLEAN && run.settings.man) {
        code = print_man();
    } else if (code == EXIT_CLEAN) {
        run.printer = (struct printer){.quiet = run.settings.quiet,
                                       .verbose = run.settings.verbose,
                                       .stats = run.settings.stats,
                                       .explain = run.settings.explain ? run.engine->set : NULL,
                                       .color = color_wanted(&run.settings)};
        run.face = run.settings.json ? &print_json : &print_text;
        if (run.settings.json) {
            intl_plain();
        }
        code = scan(&run);
    }
    release(&run);
    return code;
}
