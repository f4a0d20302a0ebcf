// SPDX-License-Identifier: Apache-2.0
/*
 * Where definitions are compiled that are used once (clamscan -d, defs test).
 *
 *     $TMPDIR/sekisho-defs-XXXXXX/   locked (flock) by who made it and by its children
 *                     files/         what callers see: the compiler locks its directory itself
 *
 * A killed process cannot clean up, but the kernel takes its lock away. So who makes a directory
 * looks first for those that nobody holds any more. The look and the lock leave two gaps, both
 * harmless: a directory that is swept between its making and its locking is gone from under its
 * name, which the maker notices and makes another; and a name of somebody else, or a link, is not
 * touched: only directories of this user are opened, without following links, and only plain files
 * and `files` are removed from them.
 */
#include "cli/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/intl.h"
#include "os/file.h"

#define PREFIX "sekisho-defs-"
#define RANDOM "XXXXXX"
#define INNER "files"
#define TRIES_MAX 16u

static int open_dir(int at, const char *name) {
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A directory with the plain files in it. */
static void remove_flat(int at, const char *name) {
    int fd = open_dir(at, name);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *d;
    while (dir != NULL && (d = readdir(dir)) != NULL) {
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0) {
            (void)unlinkat(dirfd(dir), d->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    } else {
        file_close(&fd);
    }
    (void)unlinkat(at, name, AT_REMOVEDIR);
}

/* The outer directory `name` below `at`, which is open as outer. */
static void remove_tree(int at, const char *name, int outer) {
    remove_flat(outer, INNER);
    remove_flat(at, name);
}

/* Locked, ours, and still under its name? */
static bool is_held(int at, const char *name, int fd) {
    struct stat is, named;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &is) == 0 && is.st_uid == geteuid() &&
           fstatat(at, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == is.st_ino &&
           named.st_dev == is.st_dev;
}

/* Removes directories whose makers are gone. */
static void sweep(const char *base) {
    DIR *dir = opendir(base);
    struct dirent *d;
    while (dir != NULL && (d = readdir(dir)) != NULL) {
        if (strncmp(d->d_name, PREFIX, strlen(PREFIX)) != 0 ||
            strlen(d->d_name) != strlen(PREFIX RANDOM)) {
            continue;
        }
        FILE_AUTO int fd = open_dir(dirfd(dir), d->d_name);
        if (fd >= 0 && is_held(dirfd(dir), d->d_name, fd)) {
            remove_tree(dirfd(dir), d->d_name, fd);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

/* One try. False with errno 0: another process swept it; try again. */
static bool make(const char *base, struct scratch *s) {
    int len = snprintf(s->path, sizeof(s->path), "%s/" PREFIX RANDOM, base);
    if (len < 0 || (size_t)len + sizeof("/" INNER) > sizeof(s->path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (mkdtemp(s->path) == NULL) {
        return false;
    }
    s->outer_len = (size_t)len;
    s->lock = open_dir(AT_FDCWD, s->path);
    if (s->lock < 0 || !is_held(AT_FDCWD, s->path, s->lock)) {
        errno = errno == ENOENT || errno == EWOULDBLOCK ? 0 : errno;
        file_close(&s->lock);
        (void)rmdir(s->path);
        return false;
    }
    memcpy(&s->path[len], "/" INNER, sizeof("/" INNER));
    if (mkdir(s->path, 0700) != 0) {
        int why = errno;
        scratch_remove(s);
        errno = why;
        return false;
    }
    return true;
}

sk_err scratch_make(const char *base, struct diag *diag, struct scratch *out) {
    base = base != NULL ? base : secure_getenv("TMPDIR");
    base = base != NULL && base[0] != '\0' ? base : "/tmp";
    struct scratch s = {.lock = -1};
    sweep(base);
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        errno = 0;
        if (make(base, &s)) {
            *out = s;
            return sk_ok();
        }
        if (errno != 0) {
            break;
        }
    }
    diag_say(diag, DIAG_ERROR, base, 0, _("cannot make a temporary directory: %s"),
             strerror(errno));
    return sk_fail(SK_E_IO);
}

void scratch_remove(struct scratch *s) {
    if (s->lock >= 0) {
        s->path[s->outer_len] = '\0';
        remove_tree(AT_FDCWD, s->path, s->lock);
        file_close(&s->lock);
    }
}
