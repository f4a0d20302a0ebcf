// SPDX-License-Identifier: Apache-2.0
/*
 * Removing files by name is where scanners get tricked (a directory on the way becomes a link to
 * /etc between scan and removal). So: resolve the path once, hold its directory, check in it that
 * the name still is the scanned file, and act relative to that directory. A file moved or copied
 * away keeps no permission but the owner's, so that it cannot be run by accident; names that exist
 * in the target get .001, .002 ...
 *
 *   hold    resolve, open the directory, open the file in it, compare device and inode
 *   remove  compare once more, unlink in that directory
 *   move    rename, compare what arrived; something else goes back. Rights change through the open
 *           file, never by name: a link put there meanwhile would lead chmod elsewhere. A file with
 *           several names is copied: its rights belong to the other names too.
 *
 * What can still be exchanged in the last moment is an entry of a directory that whoever exchanges
 * it may remove himself. Files of packages are never moved or removed, see owner.h.
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
#include "cli/owner.h"
#include "os/file.h"

#define COPY_STEP ((size_t)64 * 1024)
#define NAMES_TRIED 1000

struct victim {
    char real[PATH_MAX];
    int dir;
    int file; /* the scanned file, open for reading */
    struct stat st;
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
    owner_release(&action->owner);
}

static bool is_scanned(const struct outcome *o, const struct stat *st) {
    return S_ISREG(st->st_mode) && st->st_dev == o->dev && st->st_ino == o->ino;
}

/* Is the name in the directory (still) the scanned file? errno says what is wrong. */
static bool still_there(int dir, const char *name, const struct outcome *o) {
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    errno = ESTALE;
    return is_scanned(o, &st);
}

/* The file in its directory, checked to be the scanned one. errno says what is wrong. */
static bool hold(const struct outcome *o, struct victim *v) {
    v->dir = -1;
    v->file = -1;
    if (realpath(o->path, v->real) == NULL) {
        return false;
    }
    char *slash = strrchr(v->real, '/');
    v->name = slash + 1;
    *slash = '\0';
    sk_err err = file_open_dir(AT_FDCWD, slash == v->real ? "/" : v->real, 0, &v->dir);
    *slash = '/';
    if (sk_failed(err) || sk_failed(file_open_object(v->dir, v->name, 0, &v->file, &v->st))) {
        return false;
    }
    errno = ESTALE;
    return is_scanned(o, &v->st);
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

static bool copy_to(const struct clam_action *a, struct victim *v) {
    FILE_AUTO int to = -1;
    for (unsigned i = 0; i < NAMES_TRIED && to < 0 && next_target(v, i); i++) {
        to = openat(a->dir, v->target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0 && errno != EEXIST) {
            return false;
        }
    }
    if (to < 0 || (lseek(v->file, 0, SEEK_SET) == 0 && copy_bytes(v->file, to))) {
        return to >= 0;
    }
    int saved = errno;
    (void)unlinkat(a->dir, v->target, 0);
    errno = saved;
    return false;
}

static bool remove_it(struct victim *v, const struct outcome *o) {
    return still_there(v->dir, v->name, o) && unlinkat(v->dir, v->name, 0) == 0;
}

/* True: renamed, and it is the right one. errno EXDEV, EINVAL: to be copied. */
static bool rename_to(const struct clam_action *a, struct victim *v, const struct outcome *o) {
    for (unsigned i = 0; i < NAMES_TRIED && next_target(v, i); i++) {
        if (renameat2(v->dir, v->name, a->dir, v->target, RENAME_NOREPLACE) == 0) {
            if (still_there(a->dir, v->target, o)) {
                return true;
            }
            (void)renameat2(a->dir, v->target, v->dir, v->name, RENAME_NOREPLACE);
            errno = ESTALE;
            return false;
        }
        if (errno != EEXIST) {
            return false;
        }
    }
    return false;
}

static bool move_to(const struct clam_action *a, struct victim *v, const struct outcome *o) {
    errno = EXDEV;
    if (v->st.st_nlink == 1 && rename_to(a, v, o)) {
        return fchmod(v->file, 0600) == 0;
    }
    /* Another file system (or one that knows no NOREPLACE): copy, then remove. */
    return (errno == EXDEV || errno == EINVAL) && copy_to(a, v) && remove_it(v, o);
}

/* False: it is not ours to touch, which was said. */
static bool may_touch(struct clam_action *action, struct clam_printer *printer,
                      const struct victim *v, const struct outcome *o) {
    if (action->kind == ACTION_COPY) {
        return true;
    }
    if (!action->owner.loaded) {
        owner_load(&action->owner, OWNER_DPKG_INFO);
    }
    if (!owner_has(&action->owner, v->real)) {
        return true;
    }
    struct buf path = {0};
    SK_IGNORE(clam_put_name(printer, &path, o->path), "cut when memory is gone");
    clam_line(printer, true, "ERROR: Not %s, it belongs to the operating system: '%s'",
              action->kind == ACTION_REMOVE ? "removed" : "moved", buf_text(&path));
    buf_release(&path);
    printer->errors++;
    return false;
}

static bool act(const struct clam_action *action, struct victim *v, const struct outcome *o) {
    return action->kind == ACTION_MOVE   ? move_to(action, v, o)
           : action->kind == ACTION_COPY ? copy_to(action, v)
                                         : remove_it(v, o);
}

static void tell(const struct clam_action *action, struct clam_printer *printer,
                 const struct victim *v, const struct outcome *o) {
    struct buf path = {0};
    struct buf real = {0};
    struct buf target = {0};
    sk_err err = clam_put_name(printer, &path, o->path);
    err = sk_failed(err) ? err : clam_put_name(printer, &real, v->real);
    err = sk_failed(err) ? err : clam_put_name(printer, &target, v->target);
    SK_IGNORE(err, "cut when memory is gone");
    if (action->kind == ACTION_REMOVE) {
        clam_line(printer, false, "%s (real path: '%s'): Removed.", buf_text(&path),
                  buf_text(&real));
    } else {
        clam_line(printer, false, "%s (real path: '%s'): %s to '%s/%s'", buf_text(&path),
                  buf_text(&real), action->kind == ACTION_MOVE ? "moved" : "copied",
                  action->dir_path, buf_text(&target));
    }
    buf_release(&path);
    buf_release(&real);
    buf_release(&target);
}

bool clam_action_do(struct clam_action *action, struct clam_printer *printer,
                    const struct outcome *outcome) {
    static const char *const VERB[] = {"", "move", "copy", "remove"};
    if (action->kind == ACTION_NONE || strcmp(outcome->path, "stdin") == 0) {
        return true;
    }
    struct victim v = {.target = ""};
    bool ok = hold(outcome, &v);
    bool told = ok && !may_touch(action, printer, &v, outcome);
    ok = ok && !told && act(action, &v, outcome);
    if (ok) {
        tell(action, printer, &v, outcome);
    } else if (!told) {
        const char *why = strerror(errno);
        struct buf path = {0};
        SK_IGNORE(clam_put_name(printer, &path, outcome->path), "cut when memory is gone");
        clam_line(printer, true, "ERROR: Can't %s file '%s': %s", VERB[action->kind],
                  buf_text(&path), why);
        buf_release(&path);
        printer->errors++;
    }
    file_close(&v.file);
    file_close(&v.dir);
    return ok;
}
