// SPDX-License-Identifier: Apache-2.0
/*
 * The lines of clamscan 1.4 (observed, see tests/integ/test_clamscan_face.py), and one that
 * clamscan does not have: what could not be scanned fully is never OK. Scripts that test the exit
 * code see 2 instead of 0 then; --incomplete-as-ok gives the old answer.
 *
 *   PATH: NAME FOUND      PATH: OK      PATH: Empty file / Symbolic link / Excluded / Access denied
 *   PATH!(1)ZIP:MEMBER: NAME FOUND                           with -a: which member
 *   PATH: Not fully scanned: REASON ERROR                    ours
 */
#include "cli/clam_print.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/type.h"
#include "cli/say.h"

#define RULER "-------------------------------------------------------------------------------"

bool clam_open_log(struct clam_printer *printer) {
    printer->log = fopen(printer->settings->log, "ae");
    return printer->log != NULL && fputs("\n" RULER "\n\n", printer->log) >= 0;
}

bool clam_close_log(struct clam_printer *printer) {
    FILE *log = printer->log;
    printer->log = NULL;
    if (log == NULL) {
        return true;
    }
    bool ok = fflush(log) == 0 && ferror(log) == 0;
    return fclose(log) == 0 && ok;
}

void clam_print_release(struct clam_printer *printer) {
    (void)clam_close_log(printer);
    buf_release(&printer->line);
}

static void emit(struct clam_printer *p, FILE *out) {
    SK_IGNORE(buf_puts(&p->line, "\n"), "cut when memory is gone");
    if (out != NULL) {
        (void)fwrite(p->line.data, 1, p->line.len, out);
    }
    if (p->log != NULL) {
        (void)fwrite(p->line.data, 1, p->line.len, p->log);
    }
    buf_clear(&p->line);
}

static FILE *info(const struct clam_printer *p) {
    return p->settings->quiet ? NULL : stdout;
}

static FILE *warnings(const struct clam_printer *p) {
    return p->settings->to_stdout ? stdout : stderr;
}

void clam_line(struct clam_printer *printer, bool warning, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    buf_clear(&printer->line);
    SK_IGNORE(buf_vprintf(&printer->line, fmt, args), "cut when memory is gone");
    va_end(args);
    emit(printer, warning ? warnings(printer) : info(printer));
}

static bool has_control(const char *name) {
    for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++) {
        bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
        if ((*p < 0x20 && *p != '\t') || *p == 0x7f || c1) {
            return true;
        }
    }
    return false;
}

sk_err clam_put_name(const struct clam_printer *printer, struct buf *out, const char *name) {
    return printer->terminal || has_control(name) ? buf_put_escaped(out, name, strlen(name))
                                                  : buf_puts(out, name);
}

/* A name from outside, at the end of the line being built. */
static void put_name(struct clam_printer *p, const char *name) {
    SK_IGNORE(clam_put_name(p, &p->line, name), "cut when memory is gone");
}

static void name_line(struct clam_printer *p, FILE *out, const char *before, const char *name,
                      const char *after) {
    buf_clear(&p->line);
    SK_IGNORE(buf_puts(&p->line, before), "cut when memory is gone");
    put_name(p, name);
    SK_IGNORE(buf_puts(&p->line, after), "cut when memory is gone");
    emit(p, out);
}

static void path_line(struct clam_printer *p, FILE *out, const char *path, const char *text) {
    buf_clear(&p->line);
    put_name(p, path);
    SK_IGNORE(buf_printf(&p->line, ": %s", text), "cut when memory is gone");
    emit(p, out);
}

static const char *clam_type(const char *word) {
    static const char PREFIX[] = "CL_TYPE_";
    for (int t = 0; t < SK_TYPE_COUNT; t++) {
        const char *clam = sk_type_clam_name((enum sk_type)t);
        if (strcmp(sk_type_word((enum sk_type)t), word) == 0 &&
            strncmp(clam, PREFIX, sizeof(PREFIX) - 1) == 0) {
            return clam + sizeof(PREFIX) - 1;
        }
    }
    return "ANY";
}

static unsigned depth_of(const char *layer) {
    unsigned depth = 1;
    for (const char *p = layer; *p != '\0'; p++) {
        depth += *p == '!' ? 1 : 0;
    }
    return depth;
}

static void found_line(struct clam_printer *p, const struct outcome *o, const char *name) {
    buf_clear(&p->line);
    put_name(p, o->path);
    SK_IGNORE(buf_puts(&p->line, ": "), "cut when memory is gone");
    put_name(p, name);
    SK_IGNORE(buf_puts(&p->line, " FOUND"), "cut when memory is gone");
    emit(p, info(p));
    if (p->settings->bell && !p->settings->quiet) {
        (void)fputc('\a', stderr);
    }
}

static void member_line(struct clam_printer *p, const struct outcome *o,
                        const struct sk_finding *f) {
    buf_clear(&p->line);
    put_name(p, o->path);
    SK_IGNORE(buf_printf(&p->line, "!(%u)%s:", depth_of(f->layer), clam_type(o->report->type)),
              "cut when memory is gone");
    put_name(p, f->layer);
    SK_IGNORE(buf_puts(&p->line, ": "), "cut when memory is gone");
    put_name(p, f->name);
    SK_IGNORE(buf_puts(&p->line, " FOUND"), "cut when memory is gone");
    emit(p, info(p));
}

static void print_found(struct clam_printer *p, const struct outcome *o) {
    for (size_t i = 0; i < o->report->finding_count; i++) {
        found_line(p, o, o->report->findings[i].name);
    }
    for (size_t i = 0; p->settings->members && i < o->report->finding_count; i++) {
        if (o->report->findings[i].layer[0] != '\0') {
            member_line(p, o, &o->report->findings[i]);
        }
    }
}

static void print_incomplete(struct clam_printer *p, const struct outcome *o) {
    const struct sk_note_entry *reason = NULL;
    for (size_t i = 0; i < o->report->note_count && reason == NULL; i++) {
        reason = o->report->notes[i].incomplete ? &o->report->notes[i] : NULL;
    }
    p->errors++;
    buf_clear(&p->line);
    put_name(p, o->path);
    SK_IGNORE(buf_printf(&p->line, ": Not fully scanned%s%s ERROR", reason != NULL ? ": " : "",
                         reason != NULL ? reason->text : ""),
              "cut when memory is gone");
    emit(p, info(p));
}

static void print_failed(struct clam_printer *p, const struct outcome *o) {
    struct buf text = {0};
    FILE *out = p->settings->infected ? NULL : info(p);
    bool absent = o->kind == OUTCOME_FAILED && (o->errnum == ENOENT || o->errnum == ENOTDIR);
    p->failed = true;
    p->errors += absent || o->kind == OUTCOME_SPECIAL ? 0 : 1;
    if (o->kind == OUTCOME_SCANNED) {
        SK_IGNORE(buf_printf(&text, "%s ERROR", sk_result_text(o->result)), "cut");
        path_line(p, info(p), o->path, buf_text(&text));
    } else if (o->kind == OUTCOME_SPECIAL) {
        name_line(p, warnings(p), "WARNING: ", o->path, ": Not supported file type");
    } else if (o->directory) {
        path_line(p, out, o->path, "Can't open directory.");
    } else if (absent) {
        path_line(p, stderr, o->path, "No such file or directory");
        name_line(p, warnings(p), "WARNING: ", o->path, ": Can't access file");
    } else if (o->errnum == EACCES || o->errnum == EPERM) {
        path_line(p, out, o->path, "Access denied");
    } else {
        SK_IGNORE(buf_printf(&text, "%s ERROR", strerror(o->errnum)), "cut");
        path_line(p, info(p), o->path, buf_text(&text));
    }
    buf_release(&text);
}

static void print_skipped(struct clam_printer *p, const struct outcome *o) {
    const char *text = o->kind == OUTCOME_LINK       ? "Symbolic link"
                       : o->kind == OUTCOME_EMPTY    ? "Empty file"
                       : o->kind == OUTCOME_EXCLUDED ? "Excluded"
                                                     : NULL;
    if (text != NULL && !p->settings->infected) {
        path_line(p, info(p), o->path, text);
    }
}

static void print_ok(struct clam_printer *p, const struct outcome *o) {
    if (!p->settings->infected && !p->settings->no_ok) {
        FILE *log = p->log;
        p->log = NULL; /* clamscan keeps OK lines out of its log */
        path_line(p, info(p), o->path, "OK");
        p->log = log;
    }
}

bool clam_object(struct clam_printer *printer, const struct outcome *outcome) {
    enum standing standing = outcome_standing(outcome);
    if (outcome->kind == OUTCOME_SCANNED) {
        printer->scanned++;
        printer->bytes_scanned += outcome->report->bytes_scanned;
        printer->bytes_read += outcome->size;
        if (printer->settings->verbose) {
            name_line(printer, info(printer), "Scanning ", outcome->path, "");
        }
    }
    if (standing == STANDING_FOUND) {
        print_found(printer, outcome);
    } else if (standing == STANDING_FAILED) {
        print_failed(printer, outcome);
    } else if (outcome->kind != OUTCOME_SCANNED) {
        print_skipped(printer, outcome);
    } else if (standing == STANDING_INCOMPLETE && !printer->settings->incomplete_as_ok) {
        print_incomplete(printer, outcome);
    } else {
        print_ok(printer, outcome);
    }
    printer->infected += standing == STANDING_FOUND ? 1 : 0;
    return standing == STANDING_FOUND;
}

static void put_date(struct clam_printer *p, const char *label, time_t when) {
    struct tm tm;
    char text[32] = "";
    if (localtime_r(&when, &tm) != NULL) {
        (void)strftime(text, sizeof(text), "%Y:%m:%d %H:%M:%S", &tm);
    }
    clam_line(p, false, "%s%s", label, text);
}

void clam_summary(struct clam_printer *printer, const struct session_facts *facts,
                  uint64_t signatures, uint64_t elapsed_ms) {
    double mib = 1024.0 * 1024.0;
    double scanned = (double)printer->bytes_scanned / mib;
    double read = (double)printer->bytes_read / mib;
    unsigned long long ms = elapsed_ms;
    clam_line(printer, false, "\n----------- SCAN SUMMARY -----------");
    clam_line(printer, false, "Known viruses: %llu", (unsigned long long)signatures);
    clam_line(printer, false, "Engine version: %s", SEKISHO_VERSION);
    clam_line(printer, false, "Scanned directories: %llu", (unsigned long long)facts->directories);
    clam_line(printer, false, "Scanned files: %llu", (unsigned long long)printer->scanned);
    clam_line(printer, false, "Infected files: %llu", (unsigned long long)printer->infected);
    if (printer->errors > 0) {
        clam_line(printer, false, "Total errors: %llu", (unsigned long long)printer->errors);
    }
    clam_line(printer, false, "Data scanned: %.2f MB", scanned);
    clam_line(printer, false, "Data read: %.2f MB (ratio %.2f:1)", read,
              read < 0.005 ? 0.0 : scanned / read);
    clam_line(printer, false, "Time: %llu.%03llu sec (%llu m %llu s)", ms / 1000, ms % 1000,
              ms / 60000, ms / 1000 % 60);
    put_date(printer, "Start Date: ", printer->start);
    put_date(printer, "End Date:   ", time(NULL));
}

int clam_exit(const struct clam_printer *printer) {
    if (printer->infected > 0) {
        return EXIT_FOUND;
    }
    return printer->errors > 0 || printer->failed ? EXIT_INCOMPLETE : EXIT_CLEAN;
}
