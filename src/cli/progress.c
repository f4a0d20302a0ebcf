// SPDX-License-Identifier: Apache-2.0
/*
 *   [ 42%] 12,345 files, 1.20 GB, 310.0 MB/s, 2 found, 0:37 left
 *
 * The counter is a forked child with the same walk and no pool: it opens directories only, asks
 * each file's size, and sends (files, bytes, final) every few thousand files. Until it has finished
 * there is no percentage and no remaining time: a guess that grows would be worse than none.
 */
#include "cli/progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/intl.h"
#include "cli/print.h"
#include "os/clock.h"

#define REPORT_EVERY 4096u

struct count_job {
    const struct tree_options *tree;
    const struct conf_list *paths;
};

static void tell_count(int fd, uint64_t files, uint64_t bytes, uint64_t final) {
    uint64_t message[3] = {files, bytes, final};
    (void)send(fd, message, sizeof(message), MSG_NOSIGNAL);
}

struct sums {
    uint64_t files;
    uint64_t bytes;
};

static void count_path(const struct count_job *job, const char *path, int fd, struct sums *sums) {
    struct tree *tree = NULL;
    struct tree_entry e;
    bool more = true;
    if (strcmp(path, "-") == 0 || sk_failed(tree_open(job->tree, path, &tree))) {
        return;
    }
    while (!sk_failed(tree_next(tree, &e, &more)) && more) {
        struct stat st;
        if (e.kind != TREE_FILE || fstatat(e.dirfd, e.name, &st, 0) != 0) {
            continue;
        }
        sums->files++;
        sums->bytes += (uint64_t)st.st_size;
        if (sums->files % REPORT_EVERY == 0) {
            tell_count(fd, sums->files, sums->bytes, 0);
        }
    }
    tree_close(tree);
}

static int count(void *ctx, int fd) {
    const struct count_job *job = ctx;
    struct sums sums = {0};
    for (size_t i = 0; i < job->paths->count; i++) {
        count_path(job, job->paths->item[i], fd, &sums);
    }
    tell_count(fd, sums.files, sums.bytes, 1);
    return 0;
}

void progress_start(struct progress *progress, bool wanted, const struct tree_options *tree,
                    const struct conf_list *paths) {
    *progress = (struct progress){.counter = {.fd = -1}};
    progress->on = wanted && isatty(STDERR_FILENO) == 1;
    progress->start_ms = clock_monotonic_ms();
    if (progress->on) {
        struct count_job job = {tree, paths};
        struct spawn_options options = {.entry = count, .ctx = &job};
        SK_IGNORE(spawn_fork(&options, &progress->counter), "no percentage then");
    }
}

static void hear_count(struct progress *p) {
    uint64_t message[3];
    while (p->counter.fd >= 0 &&
           recv(p->counter.fd, message, sizeof(message), MSG_DONTWAIT) == sizeof(message)) {
        p->total_files = message[0];
        p->total_bytes = message[1];
        p->counted = message[2] != 0;
        if (p->counted) {
            (void)spawn_end(&p->counter, false);
        }
    }
}

/* Files cost time as well as bytes: a file counts like this many bytes. */
#define FILE_COST 20000.0

static void put_rest(struct progress *p, const struct session_progress *now, uint64_t ms,
                     struct buf *line) {
    double done = (double)now->bytes + FILE_COST * (double)now->files;
    double all = (double)p->total_bytes + FILE_COST * (double)p->total_files;
    if (!p->counted || all <= 0 || done <= 0 || ms < 1000 || done > all) {
        return;
    }
    uint64_t left = (uint64_t)((all - done) / done * (double)ms / 1000);
    SK_IGNORE(buf_printf(line, _(", %llu:%02llu left"), (unsigned long long)left / 60,
                         (unsigned long long)left % 60),
              "cut");
}

static size_t columns(void) {
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
}

/* Bytes of the line that surely fit: no character has more columns than bytes. Never half of one.
 */
static size_t fitting(const struct buf *line, size_t width) {
    if (line->len < width) {
        return line->len;
    }
    size_t len = width - 1;
    while (len > 0 && (line->data[len] & 0xc0) == 0x80) {
        len--;
    }
    return len;
}

void progress_show(struct progress *progress, const struct session_progress *now) {
    if (!progress->on) {
        return;
    }
    hear_count(progress);
    uint64_t ms = clock_monotonic_ms() - progress->start_ms;
    struct buf line = {0};
    if (progress->counted && progress->total_files > 0) {
        uint64_t percent = now->files * 100 / progress->total_files;
        SK_IGNORE(buf_printf(&line, "[%3u%%] ", (unsigned)(percent > 100 ? 100 : percent)), "cut");
    }
    SK_IGNORE(put_count(&line, now->files), "cut");
    SK_IGNORE(buf_printf(&line, " %s, ", ngettext("file", "files", now->files)), "cut");
    SK_IGNORE(put_bytes(&line, now->bytes), "cut");
    SK_IGNORE(buf_puts(&line, ", "), "cut");
    SK_IGNORE(put_bytes(&line, now->bytes * 1000 / (ms > 0 ? ms : 1)), "cut");
    SK_IGNORE(buf_printf(&line, _("/s, %llu found"), (unsigned long long)now->found), "cut");
    put_rest(progress, now, ms, &line);
    size_t width = columns();
    (void)fprintf(stderr, "\r\033[K%.*s", (int)fitting(&line, width), buf_text(&line));
    (void)fflush(stderr);
    buf_release(&line);
    progress->visible = true;
}

void progress_hide(void *progress) {
    struct progress *p = progress;
    if (p->visible) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        p->visible = false;
    }
}

void progress_stop(struct progress *progress) {
    progress_hide(progress);
    (void)spawn_end(&progress->counter, true);
}
