// SPDX-License-Identifier: Apache-2.0
/*
 * The loop that joins walk, pool and printing. Objects get consecutive numbers; a ring of rows
 * holds those that are not printed yet:
 *
 *        first (oldest not handed out)            next (number of the next object)
 *          v                                        v
 *   ...  [ready][ready][waiting][ready][waiting] ...
 *          \___________/ handed out as soon as the oldest is ready
 *
 * So output is in walk order and repeatable although workers answer in any order, and one slow
 * object holds back at most ROWS others. A report that must wait is copied: mostly it tells of
 * nothing but a type, whose word is known; else into an arena of its row. There are as many rows as
 * ever had to wait: memory that is new was a twentieth of a folder of small files on machines where
 * a page is dear.
 */
#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/type.h"
#include "cli/intl.h"
#include "os/file.h"
#include "os/interrupt.h"

#define ROWS_FIRST 128u /* powers of two */
#define ROWS 8192u
#define ROW_REPORT_BYTES ((size_t)16 * 1024 * 1024)
#define ROW_BLOCK_BYTES ((size_t)1024) /* holds what is said of most others */
#define TICK_MS 200
#define PUMP_MS 20
#define SPOOL_STEP ((size_t)64 * 1024)

struct row {
    struct outcome outcome; /* path is owned by the row */
    char *path;
    bool ready;
    bool kept; /* the report had to wait: it is this one */
    struct sk_report report;
    struct arena arena; /* texts of it */
};

struct session {
    const struct session_options *options;
    struct pool *pool;
    struct row *row;
    uint64_t rows;
    uint64_t first, next;
    struct session_progress progress;
    struct session_facts *facts;
    bool stop;
};

static struct row *row_of(struct session *s, uint64_t number) {
    return &s->row[number % s->rows];
}

static void hand_out(struct session *s) {
    while (s->first < s->next && row_of(s, s->first)->ready) {
        struct row *row = row_of(s, s->first);
        if (row->kept) {
            row->outcome.report = &row->report;
        }
        if (!s->stop) {
            bool found = row->outcome.report != NULL && row->outcome.report->finding_count > 0;
            s->progress.found += found ? 1 : 0;
            s->progress.files += row->outcome.kind == OUTCOME_SCANNED ? 1 : 0;
            s->progress.bytes += row->outcome.kind == OUTCOME_SCANNED ? row->outcome.size : 0;
            s->stop = !s->options->on_outcome(s->options->ctx, &row->outcome) ||
                      (found && s->options->stop_at_first);
        }
        arena_release(&row->arena);
        mem_free(row->path);
        *row = (struct row){0};
        s->first++;
    }
}

static sk_err add_rows(struct session *s) {
    struct row *more = mem_zalloc((size_t)s->rows * 2, sizeof(*more));
    if (more == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (uint64_t i = s->first; i < s->next; i++) {
        more[i % (s->rows * 2)] = *row_of(s, i);
    }
    mem_free(s->row);
    s->row = more;
    s->rows *= 2;
    return sk_ok();
}

/* There are fewer than ROWS. */
static sk_err add_row(struct session *s, const struct outcome *outcome, struct row **out_row) {
    if (s->next - s->first == s->rows) {
        TRY(add_rows(s));
    }
    struct row *row = row_of(s, s->next);
    char *path = mem_strdup(outcome->path);
    if (path == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *row = (struct row){.outcome = *outcome, .path = path};
    row->outcome.path = path;
    s->next++;
    *out_row = row;
    return sk_ok();
}

static sk_err add_ready(struct session *s, const struct outcome *outcome) {
    struct row *row;
    TRY(add_row(s, outcome, &row));
    row->ready = true;
    hand_out(s);
    return sk_ok();
}

static const char *keep_text(struct row *row, const char *text) {
    if (text == NULL) {
        return NULL;
    }
    const char *copy = arena_strndup(&row->arena, text, strlen(text));
    return copy != NULL ? copy : "";
}

/* Trials that there is no memory for are left out; findings then point to none. */
static void keep_trials(struct row *row, const struct sk_report *report) {
    row->report.trial_count = 0;
    struct sk_trial *trial = arena_zalloc(&row->arena, report->trial_count + 1, sizeof(*trial));
    for (size_t i = 0; trial != NULL && i < report->trial_count; i++) {
        const struct sk_trial *from = &report->trials[i];
        struct sk_hits *hits = arena_zalloc(&row->arena, from->sub_count + 1, sizeof(*hits));
        trial[i] = *from;
        trial[i].layer = keep_text(row, from->layer);
        trial[i].layer_type = keep_text(row, from->layer_type);
        trial[i].view = keep_text(row, from->view);
        trial[i].subs = hits;
        for (size_t k = 0; hits != NULL && k < from->sub_count; k++) {
            size_t count = from->subs[k].offset_count;
            uint64_t *offset = arena_zalloc(&row->arena, count + 1, sizeof(*offset));
            hits[k] = from->subs[k];
            hits[k].offsets = offset;
            hits[k].offset_count = offset == NULL ? 0 : count;
            if (offset != NULL) {
                memcpy(offset, from->subs[k].offsets, count * sizeof(*offset));
            }
        }
        if (hits == NULL) {
            break;
        }
        row->report.trial_count = i + 1;
    }
    row->report.trials = trial;
}

/* No memory for a report that must wait: what was found is still told, if not by its name. */
static const struct sk_finding NAMELESS = {
    .name = "Unnamed", .layer = "", .layer_type = "", .offset = UINT64_MAX};

static const char *keep_type(struct row *row, const char *word) {
    for (unsigned t = 0; t < SK_TYPE_COUNT; t++) {
        if (strcmp(sk_type_word((enum sk_type)t), word) == 0) {
            return sk_type_word((enum sk_type)t);
        }
    }
    return keep_text(row, word);
}

static void keep_report(struct row *row, const struct sk_report *report) {
    arena_init_small(&row->arena, ROW_REPORT_BYTES, ROW_BLOCK_BYTES);
    row->kept = true;
    row->report = *report;
    row->report.type = keep_type(row, report->type);
    if (report->finding_count == 0 && report->note_count == 0 && report->trial_count == 0) {
        row->report.findings = NULL;
        row->report.notes = NULL;
        row->report.trials = NULL;
        return;
    }
    struct sk_finding *finding =
        arena_zalloc(&row->arena, report->finding_count + 1, sizeof(*finding));
    struct sk_note_entry *note = arena_zalloc(&row->arena, report->note_count + 1, sizeof(*note));
    if (finding == NULL || note == NULL) {
        row->report.findings = &NAMELESS;
        row->report.finding_count = report->finding_count > 0 ? 1 : 0;
        row->report.note_count = 0;
        row->report.trial_count = 0;
        row->report.complete = 0;
        return;
    }
    keep_trials(row, report);
    for (size_t i = 0; i < report->finding_count; i++) {
        finding[i] = report->findings[i];
        finding[i].name = keep_text(row, finding[i].name);
        finding[i].layer = keep_text(row, finding[i].layer);
        finding[i].layer_type = keep_text(row, finding[i].layer_type);
        finding[i].trial = finding[i].trial <= row->report.trial_count ? finding[i].trial : 0;
    }
    for (size_t i = 0; i < report->note_count; i++) {
        note[i] = report->notes[i];
        note[i].word = keep_text(row, note[i].word);
        note[i].text = keep_text(row, note[i].text);
        note[i].layer = keep_text(row, note[i].layer);
        note[i].detail = keep_text(row, note[i].detail);
    }
    row->report.findings = finding;
    row->report.notes = note;
}

static void on_result(void *ctx, const struct pool_result *result) {
    struct session *s = ctx;
    struct row *row = row_of(s, result->tag);
    row->ready = true;
    row->outcome.result = result->result;
    row->outcome.report = result->report;
    if (result->tag != s->first) {
        keep_report(row, result->report);
    }
    hand_out(s);
}

static bool stopped(struct session *s) {
    s->stop = s->stop || interrupt_seen();
    return s->stop;
}

static sk_err poll_once(struct session *s) {
    TRY(pool_poll(s->pool, s->options->on_tick != NULL ? TICK_MS : -1));
    if (s->options->on_tick != NULL) {
        s->options->on_tick(s->options->ctx, &s->progress);
    }
    return sk_ok();
}

static sk_err make_room(struct session *s) {
    while (!stopped(s) && (!pool_has_room(s->pool) || s->next - s->first >= ROWS)) {
        TRY(poll_once(s));
    }
    return sk_ok();
}

/* Takes fd. */
static sk_err submit(struct session *s, struct outcome *outcome, int fd) {
    if (outcome->size == 0) {
        file_close(&fd);
        outcome->kind = OUTCOME_EMPTY;
        return add_ready(s, outcome);
    }
    struct row *row;
    sk_err err = make_room(s);
    err = sk_failed(err) ? err : add_row(s, outcome, &row);
    if (sk_failed(err)) {
        file_close(&fd);
        return err;
    }
    return pool_submit(s->pool, fd, outcome->size, s->next - 1);
}

/* More than the engine would look at is not worth the disk: one byte above the limit says enough.
 */
static uint64_t spool_max(const struct session *s) {
    uint64_t max = s->options->pool.scan.limits.max_file_size;
    return max == 0 ? UINT64_MAX : max + 1;
}

/* Waiting here, not in read, lets a signal end it and answers be told meanwhile. */
static sk_err wait_for_bytes(struct session *s, int from) {
    struct pollfd ready = {.fd = from, .events = POLLIN};
    while (!stopped(s) && poll(&ready, 1, pool_in_flight(s->pool) > 0 ? PUMP_MS : -1) <= 0) {
        TRY(pool_poll(s->pool, 0));
    }
    errno = EINTR;
    return s->stop ? sk_fail(SK_E_STOP) : sk_ok();
}

/* What cannot be read at any place (a pipe, a file that hides its size) goes to a file without a
 * name: the engine needs to seek. */
static sk_err spool(struct session *s, int from, int *out_fd, uint64_t *out_size) {
    FILE_AUTO int fd = -1;
    uint8_t bytes[SPOOL_STEP];
    uint64_t size = 0;
    TRY(file_temp(s->options->pool.spool_dir, &fd));
    while (size < spool_max(s)) {
        size_t got = 0;
        TRY(wait_for_bytes(s, from));
        TRY(file_read_chunk(from, bytes, sizeof(bytes), &got));
        if (got == 0) {
            break;
        }
        TRY(file_write_all(fd, bytes, got));
        size += got;
    }
    *out_fd = fd;
    *out_size = size;
    fd = -1;
    return sk_ok();
}

/* Files of /proc and of some FUSE file systems state no size. True: it is really empty. */
static bool is_empty(int fd) {
    uint8_t byte;
    size_t got = 0;
    return !sk_failed(file_pread_some(fd, &byte, 1, 0, &got)) && got == 0;
}

/* Put a copy with a size in the place of *fd. */
static sk_err measure(struct session *s, int *fd, struct outcome *o) {
    int copy = -1;
    sk_err err = spool(s, *fd, &copy, &o->size);
    o->errnum = sk_failed(err) ? errno : 0;
    file_close(fd);
    *fd = copy;
    return err;
}

static sk_err scan_file(struct session *s, const struct tree_entry *e) {
    int fd = -1;
    struct stat st = {0};
    struct outcome o = {.kind = OUTCOME_SCANNED, .path = e->path, .named = e->named};
    unsigned flags = FILE_REGULAR | (e->follow ? FILE_FOLLOW : 0);
    sk_err err = file_open_object(e->dirfd, e->name, flags, &fd, &st);
    if (err.code == SK_E_UNSUPPORTED) {
        o.kind = S_ISLNK(st.st_mode) ? OUTCOME_LINK : OUTCOME_SPECIAL;
        return add_ready(s, &o);
    }
    if (sk_failed(err)) {
        o.errnum = errno;
        o.kind = OUTCOME_FAILED;
        return add_ready(s, &o);
    }
    o.size = (uint64_t)st.st_size;
    o.dev = st.st_dev;
    o.ino = st.st_ino;
    if (o.size == 0 && !is_empty(fd) && sk_failed(measure(s, &fd, &o))) {
        o.kind = OUTCOME_FAILED;
        return add_ready(s, &o);
    }
    return submit(s, &o, fd);
}

static sk_err step(struct session *s, const struct tree_entry *e) {
    static const enum outcome_kind KINDS[] = {
        [TREE_SPECIAL] = OUTCOME_SPECIAL,
        [TREE_LINK] = OUTCOME_LINK,
        [TREE_EXCLUDED] = OUTCOME_EXCLUDED,
        [TREE_FAILED] = OUTCOME_FAILED,
    };
    if (e->kind == TREE_FILE) {
        return scan_file(s, e);
    }
    if (e->kind == TREE_DIRECTORY) {
        s->facts->directories++;
        return sk_ok();
    }
    struct outcome o = {.kind = KINDS[e->kind],
                        .path = e->path,
                        .named = e->named,
                        .directory = e->directory,
                        .errnum = e->errnum};
    return add_ready(s, &o);
}

static sk_err run_path(struct session *s, const char *path) {
    struct tree *tree = NULL;
    TRY(tree_open(&s->options->tree, path, &tree));
    bool more = true;
    sk_err err = sk_ok();
    while (!sk_failed(err) && !stopped(s)) {
        struct tree_entry entry;
        err = tree_next(tree, &entry, &more);
        if (sk_failed(err) || !more) {
            break;
        }
        err = make_room(s);
        err = sk_failed(err) || s->stop ? err : step(s, &entry);
    }
    tree_close(tree);
    return err;
}

static sk_err run_stdin(struct session *s) {
    int fd = -1;
    struct outcome o = {.kind = OUTCOME_SCANNED, .path = "stdin", .named = true};
    TRY(make_room(s));
    if (sk_failed(spool(s, STDIN_FILENO, &fd, &o.size))) {
        o.kind = OUTCOME_FAILED;
        o.errnum = errno;
        return add_ready(s, &o);
    }
    return submit(s, &o, fd);
}

static sk_err run_all(struct session *s) {
    const struct conf_list *paths = s->options->paths;
    for (size_t i = 0; i < paths->count && !stopped(s); i++) {
        TRY(strcmp(paths->item[i], "-") == 0 ? run_stdin(s) : run_path(s, paths->item[i]));
    }
    while (!stopped(s) && pool_in_flight(s->pool) > 0) {
        TRY(poll_once(s));
    }
    return sk_ok();
}

static void finish(struct session *s) {
    s->facts->sandbox_known = pool_sandbox_state(s->pool, &s->facts->sandbox);
    s->facts->deaths = pool_deaths(s->pool);
    s->facts->spool_missing = pool_spool_missing(s->pool);
    s->facts->stopped = s->stop;
    pool_stats(s->pool, &s->facts->stats);
    pool_free(s->pool);
    s->stop = true; /* rows left are released, not printed */
    for (; s->first < s->next; s->first++) {
        arena_release(&row_of(s, s->first)->arena);
        mem_free(row_of(s, s->first)->path);
    }
    mem_free(s->row);
}

sk_err session_run(const struct session_options *options, struct session_facts *out_facts) {
    *out_facts = (struct session_facts){0};
    struct session s = {.options = options, .facts = out_facts};
    struct pool_options pool = options->pool;
    pool.on_result = on_result;
    pool.ctx = &s;
    s.rows = ROWS_FIRST;
    s.row = mem_zalloc(ROWS_FIRST, sizeof(*s.row));
    if (s.row == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = pool_new(&pool, &s.pool);
    if (sk_failed(err)) {
        mem_free(s.row);
        return err;
    }
    err = run_all(&s);
    if (sk_failed(err) && pool_why(s.pool)[0] != '\0') {
        diag_say(options->diag, DIAG_ERROR, NULL, 0, "%s", pool_why(s.pool));
    }
    finish(&s);
    return err;
}
