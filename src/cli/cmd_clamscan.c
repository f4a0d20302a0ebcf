// SPDX-License-Identifier: Apache-2.0
/*
 * The second face: called as clamscan (or `sekisho clamscan`), takes clamscan's options and answers
 * with clamscan's lines and exit codes, so that scripts keep working.
 *
 *   0 nothing found   1 something found (wins)   2 any error, wrong options among them
 *
 * Behind it is the same session as behind `sekisho scan`. Known differences are listed in
 * docs/differences-from-clamav.md: files come sorted by name, and what could not be scanned fully
 * is an error line.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/clam_action.h"
#include "cli/clam_print.h"
#include "cli/commands.h"
#include "cli/definitions.h"
#include "cli/intl.h"
#include "cli/say.h"
#include "os/clock.h"
#include "os/interrupt.h"

struct clam_run {
    struct clam_settings settings;
    struct conf_list paths;
    struct buf *list_text;
    struct choice files;
    struct choice dirs;
    struct diag diag;
    struct clam_printer printer;
    struct clam_action action;
    struct sk_engine *engine;
    char cwd[PATH_MAX];
};

static void say_clam(void *ctx, enum diag_level level, const char *where, uint64_t line,
                     const char *text) {
    struct clam_run *run = ctx;
    if (level == DIAG_INFO) {
        return;
    }
    struct buf b = {0};
    sk_err err = where == NULL ? sk_ok() : clam_put_name(&run->printer, &b, where);
    if (!sk_failed(err) && where != NULL) {
        err = line == 0 ? buf_puts(&b, ": ") : buf_printf(&b, ":%llu: ", (unsigned long long)line);
    }
    err = sk_failed(err) ? err : clam_put_name(&run->printer, &b, text);
    SK_IGNORE(err, "cut when memory is gone");
    clam_line(&run->printer, true, "%s: %s", level == DIAG_ERROR ? "ERROR" : "WARNING",
              buf_text(&b));
    buf_release(&b);
}

static bool on_outcome(void *ctx, const struct outcome *outcome) {
    struct clam_run *run = ctx;
    if (clam_object(&run->printer, outcome)) {
        (void)clam_action_do(&run->action, &run->printer, outcome);
    }
    return ferror(stdout) == 0;
}

static void print_help(const struct clam_settings *s) {
    struct buf out = {0};
    if (!s->man) {
        intl_init(); /* help is for people; everything else here is read by scripts */
    }
    sk_err err = s->man ? conf_man(&clam_table, &out) : conf_help(&clam_table, intl_text, &out);
    if (!s->man) {
        (void)printf("\n                       Sekisho %s: clamscan-compatible scanner\n\n"
                     "    clamscan [options] [file/directory/-]\n\n",
                     SEKISHO_VERSION);
    }
    (void)fputs(sk_failed(err) ? "" : buf_text(&out), stdout);
    buf_release(&out);
}

static int open_all(struct clam_run *run) {
    const struct clam_settings *s = &run->settings;
    if (s->log != NULL && !clam_open_log(&run->printer)) {
        clam_line(&run->printer, true, "ERROR: %s: %s", s->log, strerror(errno));
        return EXIT_INCOMPLETE;
    }
    if (!clam_action_open(&run->printer, &run->action) ||
        sk_failed(choice_compile(&run->files, &s->include, &s->exclude, "", &run->diag)) ||
        sk_failed(
            choice_compile(&run->dirs, &s->include_dir, &s->exclude_dir, "-dir", &run->diag))) {
        return EXIT_INCOMPLETE;
    }
    run->list_text = mem_zalloc(s->file_list.count + 1, sizeof(*run->list_text));
    if (run->list_text == NULL ||
        sk_failed(paths_from_lists(&s->file_list, &run->paths, run->list_text, &run->diag))) {
        return EXIT_INCOMPLETE;
    }
    if (run->paths.count == 0 && s->file_list.count == 0 &&
        (getcwd(run->cwd, sizeof(run->cwd)) == NULL ||
         sk_failed(conf_list_add(&run->paths, run->cwd)))) {
        return EXIT_INCOMPLETE;
    }
    bool exclude = s->exclude_pua.count > 0;
    const struct conf_list *categories = exclude ? &s->exclude_pua : &s->include_pua;
    if (exclude && s->include_pua.count > 0) {
        say_error(NULL, _("--exclude-pua and --include-pua cannot be used at the same time"));
        return EXIT_INCOMPLETE;
    }
    struct definitions_compile how = {.pua = s->pua,
                                      .official_only = s->official_only,
                                      .wanted = {.category = (const char *const *)categories->item,
                                                 .category_count = (unsigned)categories->count,
                                                 .exclude = exclude,
                                                 .no_phishing = !s->phishing_sigs},
                                      .temp_dir = s->temp_dir};
    return sk_failed(definitions_open_any(&s->database, &how, &run->diag, &run->engine))
               ? EXIT_INCOMPLETE
               : EXIT_CLEAN;
}

static void fill_session(struct clam_run *run, struct session_options *o) {
    const struct clam_settings *s = &run->settings;
    *o = (struct session_options){
        .paths = &run->paths, .diag = &run->diag, .on_outcome = on_outcome, .ctx = run};
    pool_options_init(&o->pool);
    uint32_t ratio = o->pool.scan.limits.max_ratio;
    uint64_t memory = o->pool.scan.limits.max_memory;
    limits_apply(&s->limits, &o->pool.scan.limits);
    o->pool.scan.limits.max_ratio = ratio;
    o->pool.scan.limits.max_memory = memory;
    o->pool.scan.flags = s->all_match ? SK_SCAN_ALL_MATCHES : 0;
    alerts_apply(&s->alert, &o->pool.scan);
    o->pool.engine = run->engine;
    o->pool.jobs = s->jobs != 0 ? (unsigned)s->jobs : cpus_usable();
    o->pool.spool_dir = s->temp_dir;
    o->tree = (struct tree_options){
        .recursive = s->recursive,
        .cross_fs = s->cross_fs,
        .file_links = (enum tree_links)s->file_links,
        .dir_links = (enum tree_links)s->dir_links,
        .max_depth = s->max_depth,
        .files = &run->files,
        .dirs = &run->dirs,
    };
}

static int scan(struct clam_run *run) {
    struct session_options options;
    struct session_facts facts = {0};
    uint64_t start = clock_monotonic_ms();
    run->printer.start = time(NULL);
    int code = open_all(run);
    if (code == EXIT_CLEAN) {
        fill_session(run, &options);
        run->printer.failed = sk_failed(session_run(&options, &facts)) || run->printer.failed;
        if (facts.stopped) {
            clam_line(&run->printer, true, "ERROR: Stopped early: not everything was scanned");
            run->printer.failed = true;
        }
        code = clam_exit(&run->printer);
    }
    if (!run->settings.no_summary) {
        uint64_t signatures = run->engine != NULL ? sk_engine_signature_count(run->engine) : 0;
        clam_summary(&run->printer, &facts, signatures, clock_monotonic_ms() - start);
    }
    if (!clam_close_log(&run->printer)) {
        clam_line(&run->printer, true, "ERROR: %s: %s", run->settings.log, strerror(errno));
        code = code == EXIT_FOUND ? code : EXIT_INCOMPLETE;
    }
    return code;
}

static void release(struct clam_run *run) {
    definitions_leave(run->engine);
    for (size_t i = 0; run->list_text != NULL && i < run->settings.file_list.count; i++) {
        buf_release(&run->list_text[i]);
    }
    mem_free(run->list_text);
    conf_release(&clam_table, &run->settings);
    conf_list_release(&run->paths);
    choice_release(&run->files);
    choice_release(&run->dirs);
    clam_action_close(&run->action);
    clam_print_release(&run->printer);
}

int cmd_clamscan(int argc, const char *const *argv) {
    struct clam_run run = {.action = {.dir = -1}};
    struct conf_words words = {argc, argv};
    (void)signal(SIGPIPE, SIG_IGN);
    interrupt_catch();
    run.printer.settings = &run.settings;
    run.printer.terminal = isatty(STDOUT_FILENO) == 1;
    run.diag = (struct diag){.say = say_clam, .ctx = &run};
    intl_plain();
    int code = EXIT_INCOMPLETE;
    if (sk_failed(conf_defaults(&clam_table, &run.settings, &run.diag)) ||
        sk_failed(conf_parse(&clam_table, &words, &run.settings, &run.paths, &run.diag))) {
        clam_line(&run.printer, true, "ERROR: Can't parse command line options");
    } else if (run.settings.help || run.settings.man) {
        print_help(&run.settings);
        code = EXIT_CLEAN;
    } else if (run.settings.version) {
        (void)printf("Sekisho %s\n", SEKISHO_VERSION);
        code = EXIT_CLEAN;
    } else {
        code = scan(&run);
    }
    release(&run);
    return code;
}
