// SPDX-License-Identifier: Apache-2.0
/*
 * libarchive's functions, looked up when the first such archive comes (sk_libarchive_load): after
 * that, la.archive_read_new() and so on as in archive(3). Which version: the headers we are built
 * with; its soname stands in archive_calls.c.
 */
#ifndef SK_FORMAT_ARCHIVE_CALLS_H
#define SK_FORMAT_ARCHIVE_CALLS_H

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>

#define ARCHIVE_CALLS(CALL)                                                                        \
    CALL(archive_entry_filetype)                                                                   \
    CALL(archive_entry_hardlink)                                                                   \
    CALL(archive_entry_is_encrypted)                                                               \
    CALL(archive_entry_pathname)                                                                   \
    CALL(archive_entry_pathname_utf8)                                                              \
    CALL(archive_entry_size)                                                                       \
    CALL(archive_entry_size_is_set)                                                                \
    CALL(archive_errno)                                                                            \
    CALL(archive_error_string)                                                                     \
    CALL(archive_format)                                                                           \
    CALL(archive_read_data_block)                                                                  \
    CALL(archive_read_free)                                                                        \
    CALL(archive_read_has_encrypted_entries)                                                       \
    CALL(archive_read_new)                                                                         \
    CALL(archive_read_next_header)                                                                 \
    CALL(archive_read_open1)                                                                       \
    CALL(archive_read_set_callback_data)                                                           \
    CALL(archive_read_set_read_callback)                                                           \
    CALL(archive_read_set_seek_callback)                                                           \
    CALL(archive_read_set_skip_callback)                                                           \
    CALL(archive_read_support_format_7zip)                                                         \
    CALL(archive_read_support_format_cab)                                                          \
    CALL(archive_read_support_format_cpio)                                                         \
    CALL(archive_read_support_format_iso9660)                                                      \
    CALL(archive_read_support_format_lha)                                                          \
    CALL(archive_read_support_format_rar)                                                          \
    CALL(archive_read_support_format_rar5)                                                         \
    CALL(archive_read_support_format_xar)

struct archive_calls {
#define CALL(name) __typeof__(&(name)) name;
    ARCHIVE_CALLS(CALL)
#undef CALL
};

/* Valid once archive_calls_load has been true. */
extern struct archive_calls la;

/* For sk_libarchive_load. False: the library is not on this system, or another version of it. */
bool archive_calls_load(void);

#endif
