// SPDX-License-Identifier: Apache-2.0
/*
 * Write aside, sync, rename, sync the directory. The order matters: rename before the data is on
 * disk could leave an empty file under the good name after a power cut; without the last sync the
 * rename itself may be lost.
 *
 *   DIR/.NAME.XXXXXX  --write--  --fsync--  --rename-->  DIR/NAME  --fsync(DIR)
 *
 * The temporary file lies in the target directory (a rename works only inside one file system) and
 * starts with a dot, so that directory scans of ours skip it. All names are used relative to the
 * directory descriptor: replacing the path of the directory meanwhile changes nothing.
 */
#include "os/atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/fault.h"
#include "os/file.h"

#define TEMP_TRIES 32
#define TEMP_EXTRA 24 /* dot, dot, 16 hex digits, NUL and some */

static void forget(struct atomic_file *file) {
    file_close(&file->fd);
    file_close(&file->dirfd);
    mem_free(file->name);
    mem_free(file->temp);
    *file = (struct atomic_file){.fd = -1, .dirfd = -1};
}

static sk_err open_parent(const char *path, struct atomic_file *file) {
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    if (base[0] == '\0') {
        return sk_fail(SK_E_USAGE);
    }
    MEM_AUTO char *dir = mem_strdup(slash == NULL ? "." : path);
    file->name = mem_strdup(base);
    file->temp = mem_alloc(strlen(base) + TEMP_EXTRA);
    if (dir == NULL || file->name == NULL || file->temp == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (slash != NULL) {
        dir[slash == path ? 1 : slash - path] = '\0';
    }
    return file_open_dir(AT_FDCWD, dir, FILE_FOLLOW, &file->dirfd);
}

static sk_err open_temp(struct atomic_file *file, mode_t mode) {
    size_t size = strlen(file->name) + TEMP_EXTRA;
    for (int i = 0; i < TEMP_TRIES; i++) {
        uint64_t salt = 0;
        if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt)) {
            return file_err(errno);
        }
        (void)snprintf(file->temp, size, ".%s.%016llx", file->name, (unsigned long long)salt);
        file->fd = openat(file->dirfd, file->temp,
                          O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file->fd >= 0) {
            break;
        }
        if (errno != EEXIST) {
            return file_err(errno);
        }
    }
    if (file->fd < 0) {
        return sk_fail(SK_E_IO);
    }
    if (fchmod(file->fd, mode & 07777) != 0) {
        int saved = errno;
        (void)unlinkat(file->dirfd, file->temp, 0);
        return file_err(saved);
    }
    return sk_ok();
}

sk_err atomic_begin(const char *path, mode_t mode, struct atomic_file *out_file) {
    struct atomic_file file = {.fd = -1, .dirfd = -1};
    sk_err err = open_parent(path, &file);
    if (!sk_failed(err)) {
        err = open_temp(&file, mode);
    }
    if (sk_failed(err)) {
        forget(&file);
        return err;
    }
    *out_file = file;
    return sk_ok();
}

static int sync_fd(int fd) {
    return os_fault_hit() ? -1 : fsync(fd);
}

sk_err atomic_commit_as(struct atomic_file *file, const char *name) {
    if (sync_fd(file->fd) != 0 || os_fault_hit() ||
        renameat(file->dirfd, file->temp, file->dirfd, name) != 0) {
        sk_err err = file_err(errno);
        atomic_abort(file);
        return err;
    }
    /* From here on the new file is in place; only its endurance is in question. */
    sk_err err = sync_fd(file->dirfd) != 0 && errno != EINVAL ? file_err(errno) : sk_ok();
    forget(file);
    return err;
}

sk_err atomic_commit(struct atomic_file *file) {
    return atomic_commit_as(file, file->name);
}

void atomic_abort(struct atomic_file *file) {
    if (file->fd >= 0) {
        int saved = errno;
        (void)unlinkat(file->dirfd, file->temp, 0);
        errno = saved;
    }
    forget(file);
}

sk_err atomic_write_file(const char *path, mode_t mode, const void *bytes, size_t len) {
    struct atomic_file file;
    TRY(atomic_begin(path, mode, &file));
    sk_err err = file_write_all(file.fd, bytes, len);
    if (sk_failed(err)) {
        atomic_abort(&file);
        return err;
    }
    return atomic_commit(&file);
}
