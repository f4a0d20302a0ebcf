// SPDX-License-Identifier: Apache-2.0
/*
 * Files: safe opening of objects to scan, whole reads and writes, unlinked temporary files.
 *
 * Ownership: descriptors in out_fd are **returned owned**: close them with file_close. All are
 * close-on-exec. Errors: file_err maps errno (ENOENT, ENOTDIR: SK_E_NOTFOUND; EACCES, EPERM:
 * SK_E_PERM; ENOMEM: SK_E_NOMEM; rest SK_E_IO); errno is left as the system set it, for messages.
 * EINTR is retried everywhere. Units: bytes.
 */
#ifndef SK_OS_FILE_H
#define SK_OS_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

/* Follow a symbolic link in the last component (a path named by the user). */
#define FILE_FOLLOW 1u
/* The caller was just told that it is a regular file: nobody asks again before the open. */
#define FILE_REGULAR 2u

sk_err file_err(int errnum);

/*
 * Open a regular file for reading so that opening cannot hang, take a terminal, start a device or
 * pass through /proc magic links. path is relative to dirfd (AT_FDCWD allowed). Anything that is
 * not a regular file: SK_E_UNSUPPORTED, with *out_st filled. A symbolic link without FILE_FOLLOW:
 * SK_E_UNSUPPORTED too.
 */
sk_err file_open_object(int dirfd, const char *path, unsigned flags, int *out_fd,
                        struct stat *out_st);
/* Open a directory for walking, under the same rules. */
sk_err file_open_dir(int dirfd, const char *path, unsigned flags, int *out_fd);

/* Append all of a file of at most cap bytes; SK_E_LIMIT when it is larger. On failure out keeps
 * its old length. */
sk_err file_read_all(const char *path, size_t cap, struct buf *out);
/* Exactly len bytes at off; SK_E_IO at the end of the file. */
sk_err file_pread_all(int fd, void *buf, size_t len, uint64_t off);
/* Up to len bytes at off; *out_got is short only at the end of the file. */
sk_err file_pread_some(int fd, void *buf, size_t len, uint64_t off, size_t *out_got);
/* The first len bytes will be read soon: the system may begin, nobody waits. Advice only. */
void file_read_ahead(int fd, uint64_t len);
/* Would reading the byte at off wait for the disk? Also true when the system does not tell. */
bool file_would_wait(int fd, uint64_t off);
/* What one read gives: 0 is the end. */
sk_err file_read_chunk(int fd, void *buf, size_t cap, size_t *out_got);
sk_err file_pwrite_all(int fd, const void *buf, size_t len, uint64_t off);
sk_err file_write_all(int fd, const void *buf, size_t len);

/* An empty file without a name, read and write, in directory dir (NULL: $TMPDIR or /tmp). */
sk_err file_temp(const char *dir, int *out_fd);

/* The same file, with the size and the times it had? Its time of modification can be set back by
 * whoever may write, that of its change cannot. */
bool file_unchanged(int fd, const struct stat *before);

/* Close *fd when it is not negative and set it to -1; errno survives. */
void file_close(int *fd);
#define FILE_AUTO __attribute__((cleanup(file_close)))

#endif
