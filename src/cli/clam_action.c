// SPDX-License-Identifier: Apache-2.0
/*
 * Removing files by name is where scanners get tricked (a directory on the way becomes a link to
 * /etc between scan and removal). So: resolve the path once, hold its directory, check in it that
 * the name still is the scanned file, and act relative to that directory. A file moved or copied
 * away keeps no permission but the owner's, so that it cannot be run by accident; names that exist
 * in the target get .001, .002 ...
 */
#include "cli/clam_action.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/file.h"

#define COPY_STEP ((size_t)64 * 1024)
#define NAMES_TRIED 1000

struct victim {
    char real[PATH_MAX];
    int dir;
    const char *name;
    char target[NAME_MAX + 8];
};

bool clam_action_open(struct clam_printer *printer, struct clam_action *out_action) {
    const struct clam_settings *s = printer->settings;
    *out_action = (struct clam_action){.dir = -1};
    int asked = (s->move != NULL) + (s->copy != NULL) + s->remove;
    if (asked > 1) {
        clam_line(printer, true, "ERROR: only one of --move, --copy, --remove");
        return false;
    }
    const char *dir = s->move != NULL ? s->move : s->copy;
    out_action->kind = s->move != NULL   ? ACTION_MOVE
                       : s->copy != NULL ? ACTION_COPY
                       : s->remove       ? ACTION_REMOVE
                                         : ACTION_NONE;
    if (dir == NULL) {
        return true;
    }
    char real[PATH_MAX];
    if (realpath(dir, real) == NULL ||
        sk_failed(file_open_dir(AT_FDCWD, real, FILE_FOLLOW, &out_action->dir)) ||
        faccessat(out_action->dir, ".", W_OK | X_OK, 0) != 0) {
        clam_line(printer, true, "ERROR: %s: %s", dir, strerror(errno));
        clam_action_close(out_action);
        return false;
    }
    out_action->dir_path = mem_strdup(real);
    return out_action->dir_path != NULL;
}

void clam_action_close(struct clam_action *action) {
    file_close(&action->dir);
    mem_free(action->dir_path);
    action->dir_path = NULL;
}

/* The file in its directory, checked to be the scanned one. errno says what is wrong. */
static bool hold(const struct outcome *o, struct victim *v) {
    struct stat st;
    v->dir = -1;
    if (realpath(o->path, v->real) == NULL) {
        return false;
    }
    char *slash = strrchr(v->real, '/');
    v->name = slash + 1;
    *slash = '\0';
    sk_err err = file_open_dir(AT_FDCWD, slash == v->real ? "/" : v->real, 0, &v->dir);
    *slash = '/';
    if (sk_failed(err) || fstatat(v->dir, v->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    if (!S_ISREG(st.st_mode) || st.st_dev != o->dev || st.st_ino != o->ino) {
        errno = ESTALE;
        return false;
    }
    return true;
}

static bool next_target(struct victim *v, unsigned try) {
    int len = try == 0 ? snprintf(v->target, sizeof(v->target), "%s", v->name)
                       : snprintf(v->target, sizeof(v->target), "%s.%03u", v->name, try);
    return len > 0 && (size_t)len < sizeof(v->target);
}

static bool copy_bytes(int from, int to) {
    uint8_t bytes[COPY_STEP];
    for (;;) {
        size_t got;
        if (sk_failed(file_read_chunk(from, bytes, sizeof(bytes), &got))) {
            return false;
        }
        if (got == 0) {
            return fsync(to) == 0;
        }
        if (sk_failed(file_write_all(to, bytes, got))) {
            return false;
        }
    }
}

static bool copy_to(const struct clam_action *a, struct victim *v, const struct outcome *o) {
    FILE_AUTO int from = -1;
    FILE_AUTO int to = -1;
    struct stat st;
    if (sk_failed(file_open_object(v->dir, v->name, 0, &from, &st))) {
        return false;
    }
    if (st.st_dev != o->dev || st.st_ino != o->ino) {
        errno = ESTALE;
        return false;
    }
    for (unsigned i = 0; i < NAMES_TRIED && to < 0 && next_target(v, i); i++) {
        to = openat(a->dir, v->target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0 && errno != EEXIST) {
            return false;
        }
    }
    if (to < 0 || copy_bytes(from, to)) {
        return to >= 0;
    }
    int saved = errno;
    (void)unlinkat(a->dir, v->target, 0);
    errno = saved;
    return false;
}

static bool move_to(const struct clam_action *a, struct victim *v, const struct outcome *o) {
    for (unsigned i = 0; i < NAMES_TRIED && next_target(v, i); i++) {
        if (renameat2(v->dir, v->name, a->dir, v->target, RENAME_NOREPLACE) == 0) {
            return fchmodat(a->dir, v->target, 0600, 0) == 0;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    /* Another file system (or one that knows no NOREPLACE): copy, then remove. */
    return (errno == EXDEV || errno == EINVAL) && copy_to(a, v, o) &&
           unlinkat(v->dir, v->name, 0) == 0;
}

bool clam_action_do(const struct clam_action *action, struct clam_printer *printer,
                    const struct outcome *outcome) {
    static const char *const DONE[] = {"", "moved", "copied", "Removed."};
    if (action->kind == ACTION_NONE || strcmp(outcome->path, "stdin") == 0) {
        return true;
    }
    struct victim v;
    bool ok = hold(outcome, &v);
    ok = ok && (action->kind == ACTION_MOVE   ? move_to(action, &v, outcome)
                : action->kind == ACTION_COPY ? copy_to(action, &v, outcome)
                                              : unlinkat(v.dir, v.name, 0) == 0);
    if (!ok) {
        clam_line(printer, true, "ERROR: Can't %s file '%s': %s",
                  action->kind == ACTION_REMOVE ? "remove"
                  : action->kind == ACTION_COPY ? "copy"
                                                : "move",
                  outcome->path, strerror(errno));
        printer->errors++;
    } else if (action->kind == ACTION_REMOVE) {
        clam_line(printer, false, "%s (real path: '%s'): Removed.", outcome->path, v.real);
    } else {
        clam_line(printer, false, "%s (real path: '%s'): %s to '%s/%s'", outcome->path, v.real,
                  DONE[action->kind], action->dir_path, v.target);
    }
    file_close(&v.dir);
    return ok;
}
