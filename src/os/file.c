// SPDX-License-Identifier: Apache-2.0
/*
 * The one place that opens and reads files by name. The rules for objects to scan:
 *
 *   - O_NONBLOCK, O_NOCTTY: a FIFO or terminal with an inviting name must not hang the scanner. The
 *     kind is looked at before the open (opening a device can start it) and again after it (the
 *     name may have been exchanged in between).
 *   - RESOLVE_NO_MAGICLINKS: a path through /proc/PID/fd or /proc/PID/root would leave the tree
 * that the user named. openat2 came with Linux 5.6 and may be forbidden by a container's filter;
 *     then plain openat is used, without this one guarantee.
 *   - pread: a file that another process truncates gives an error, not SIGBUS. Who may map instead,
 *     and survives that, is told in filemap.h.
 *
 * Who calls: everybody above who needs a file. What this file must not know: what the bytes mean.
 */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/fault.h"

#define PAGE_BYTES ((uint64_t)4096)
#define ADVISE_BYTES ((uint64_t)64 << 10)
#define READ_STEP ((size_t)64 * 1024)
/* read() and write() move at most this in one call; asking for more is no error. */
#define IO_STEP_MAX ((size_t)1 << 30)

sk_err file_err(int errnum) {
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return sk_fail(SK_E_NOTFOUND);
    case EACCES:
    case EPERM:
        return sk_fail(SK_E_PERM);
    case ENOMEM:
        return sk_fail(SK_E_NOMEM);
    default:
        return sk_fail(SK_E_IO);
    }
}

static int open_guarded(int dirfd, const char *path, int flags) {
    static bool no_openat2;
    int fd;
    if (!no_openat2) {
        struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_NO_MAGICLINKS};
        do {
            fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
        } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL && errno != E2BIG)) {
            return fd;
        }
        no_openat2 = errno == ENOSYS;
    }
    do {
        fd = openat(dirfd, path, flags);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static sk_err look_at(int dirfd, const char *path, int flags, struct stat *out_st) {
    struct stat st;
    if (fstatat(dirfd, path, &st, flags) != 0) {
        return file_err(errno);
    }
    *out_st = st;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return sk_fail(SK_E_UNSUPPORTED);
    }
    return sk_ok();
}

sk_err file_open_object(int dirfd, const char *path, unsigned flags, int *out_fd,
                        struct stat *out_st) {
    bool follow = (flags & FILE_FOLLOW) != 0;
    int at = follow ? 0 : AT_SYMLINK_NOFOLLOW;
    if ((flags & FILE_REGULAR) == 0) {
        TRY(look_at(dirfd, path, at, out_st));
    }
    int mode = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
    FILE_AUTO int fd = open_guarded(dirfd, path, mode);
    if (fd < 0) {
        int why = errno;
        if ((flags & FILE_REGULAR) != 0) {
            TRY(look_at(dirfd, path, at, out_st)); /* what it is, for the message */
        }
        errno = why;
        return why == ELOOP ? sk_fail(SK_E_UNSUPPORTED) : file_err(why);
    }
    TRY(look_at(fd, "", AT_EMPTY_PATH, out_st));
    *out_fd = fd;
    fd = -1;
    return sk_ok();
}

sk_err file_open_dir(int dirfd, const char *path, unsigned flags, int *out_fd) {
    int mode = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = open_guarded(dirfd, path, mode | ((flags & FILE_FOLLOW) != 0 ? 0 : O_NOFOLLOW));
    if (fd < 0) {
        return errno == ELOOP ? sk_fail(SK_E_UNSUPPORTED) : file_err(errno);
    }
    *out_fd = fd;
    return sk_ok();
}

sk_err file_read_chunk(int fd, void *buf, size_t cap, size_t *out_got) {
    ssize_t got;
    do {
        got = os_fault_hit() ? -1 : read(fd, buf, cap < IO_STEP_MAX ? cap : IO_STEP_MAX);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return file_err(errno);
    }
    *out_got = (size_t)got;
    return sk_ok();
}

/* expected: what is likely left, or 0. */
static sk_err append_rest(int fd, uint64_t expected, size_t cap, struct buf *out) {
    size_t start = out->len;
    size_t step = expected > 0 && expected < READ_STEP ? (size_t)expected + 1 : READ_STEP;
    for (;;) {
        TRY(buf_reserve(out, step + 1));
        size_t got;
        TRY(file_read_chunk(fd, out->data + out->len, step, &got));
        if (got == 0) {
            return sk_ok();
        }
        out->len += got;
        if (out->len - start > cap) {
            return sk_fail(SK_E_LIMIT);
        }
    }
}

sk_err file_read_all(const char *path, size_t cap, struct buf *out) {
    FILE_AUTO int fd = -1;
    struct stat st;
    TRY(file_open_object(AT_FDCWD, path, FILE_FOLLOW, &fd, &st));
    if (st.st_size > 0 && (uint64_t)st.st_size > cap) {
        return sk_fail(SK_E_LIMIT);
    }
    size_t start = out->len;
    sk_err err = append_rest(fd, (uint64_t)st.st_size, cap, out);
    if (sk_failed(err)) {
        out->len = start;
    }
    if (out->data != NULL) {
        out->data[out->len] = 0;
    }
    return err;
}

sk_err file_pread_some(int fd, void *buf, size_t len, uint64_t off, size_t *out_got) {
    size_t done = 0;
    while (done < len) {
        uint64_t at;
        if (__builtin_add_overflow(off, done, &at) || at > INT64_MAX) {
            errno = EOVERFLOW;
            return sk_fail(SK_E_IO);
        }
        size_t step = len - done < IO_STEP_MAX ? len - done : IO_STEP_MAX;
        ssize_t got = os_fault_hit() ? -1 : pread(fd, (uint8_t *)buf + done, step, (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return file_err(errno);
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    *out_got = done;
    return sk_ok();
}

enum touched { TOUCHED, TOUCH_WAITS, TOUCH_FAILS };

/* Reads a byte if it is there. If not, the system begins to read it and what comes behind it. */
static enum touched touch(int fd, uint64_t off) {
    uint8_t byte;
    struct iovec part = {.iov_base = &byte, .iov_len = sizeof(byte)};
    ssize_t got = off > INT64_MAX ? 0 : preadv2(fd, &part, 1, (off_t)off, RWF_NOWAIT);
    return got > 0 ? TOUCHED : got < 0 && errno == EAGAIN ? TOUCH_WAITS : TOUCH_FAILS;
}

bool file_would_wait(int fd, uint64_t off) {
    return touch(fd, off) != TOUCHED;
}

/* Where the system's read-ahead leaves its marks: on page 1 and on multiples of four. */
static uint64_t next_mark(uint64_t off) {
    return off == 0 ? PAGE_BYTES : off / (4 * PAGE_BYTES) * (4 * PAGE_BYTES) + 4 * PAGE_BYTES;
}

/*
 * The system reads ahead of who reads in order: a little at first, more whenever the reader comes
 * to a page that it marked, in ever larger pieces of the page cache. Touching pages without waiting
 * for them plays that reader. Advice has the same bytes read into single pages at twice the
 * cost, and every copy out of those takes up to half as long again (Linux 6.18, ext4; scans of
 * programs and libraries a seventh and a ninth longer, with nothing in the cache before by a third
 * and a quarter). For small files it costs less, as one call and one request to the disk.
 */
void file_read_ahead(int fd, uint64_t len) {
    uint64_t off = len > ADVISE_BYTES ? 0 : len;
    while (off < len && touch(fd, off) != TOUCH_FAILS) {
        off = next_mark(off);
    }
    if (len <= ADVISE_BYTES || off < len) {
        (void)posix_fadvise(fd, 0, len > INT32_MAX ? INT32_MAX : (off_t)len, POSIX_FADV_WILLNEED);
    }
}

sk_err file_pread_all(int fd, void *buf, size_t len, uint64_t off) {
    size_t got;
    TRY(file_pread_some(fd, buf, len, off, &got));
    if (got != len) {
        errno = EIO;
        return sk_fail(SK_E_IO);
    }
    return sk_ok();
}

/* At *off, which moves on, or where the file stands (off NULL). */
static ssize_t put_some(int fd, const uint8_t *buf, size_t len, uint64_t *off) {
    size_t step = len < IO_STEP_MAX ? len : IO_STEP_MAX;
    if (os_fault_hit()) {
        return -1;
    }
    if (off == NULL) {
        return write(fd, buf, step);
    }
    if (*off > INT64_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    ssize_t put = pwrite(fd, buf, step, (off_t)*off);
    *off += put > 0 ? (uint64_t)put : 0;
    return put;
}

static sk_err put_all(int fd, const uint8_t *buf, size_t len, uint64_t *off) {
    for (size_t done = 0; done < len;) {
        ssize_t put = put_some(fd, buf + done, len - done, off);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put == 0 ? sk_fail(SK_E_IO) : file_err(errno);
        }
        done += (size_t)put;
    }
    return sk_ok();
}

sk_err file_pwrite_all(int fd, const void *buf, size_t len, uint64_t off) {
    return put_all(fd, buf, len, &off);
}

sk_err file_write_all(int fd, const void *buf, size_t len) {
    return put_all(fd, buf, len, NULL);
}

static int temp_by_name(const char *dir) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/.sekisho-XXXXXX", dir);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0 && unlink(path) != 0) {
        file_close(&fd);
    }
    return fd;
}

sk_err file_temp(const char *dir, int *out_fd) {
    if (dir == NULL) {
        const char *env = secure_getenv("TMPDIR");
        dir = env != NULL && env[0] != '\0' ? env : "/tmp";
    }
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        fd = temp_by_name(dir);
    }
    if (fd < 0) {
        return file_err(errno);
    }
    *out_fd = fd;
    return sk_ok();
}

bool file_unchanged(int fd, const struct stat *before) {
    struct stat now;
    return fstat(fd, &now) == 0 && now.st_size == before->st_size &&
           now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
           now.st_ctim.tv_sec == before->st_ctim.tv_sec &&
           now.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}

void file_close(int *fd) {
    if (*fd >= 0) {
        int saved = errno;
        /* Linux releases the number even when close is interrupted: never retry. */
        (void)close(*fd);
        errno = saved;
        *fd = -1;
    }
}
