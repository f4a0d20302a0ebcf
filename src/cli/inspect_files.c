// SPDX-License-Identifier: Apache-2.0
/*
 * The numbers make every name unique, so the rest is for people only and may lose anything: of the
 * member's name the part behind the last slash or backslash, letters, digits, '.', '-' and '_', the
 * rest as '_', no leading dot, at most NAME_KEEP characters.
 *
 * The parent writes, not the worker: a worker can open nothing. What the worker sends is bounded by
 * the budget whatever it says about sizes.
 */
#include "cli/inspect_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/file.h"

#define NAME_KEEP 80u

sk_err inspect_files_open(struct inspect_files *files, const char *dir) {
    *files = (struct inspect_files){.dir = -1, .fd = -1, .object = 1};
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return file_err(errno);
    }
    return file_open_dir(AT_FDCWD, dir, FILE_FOLLOW, &files->dir);
}

void inspect_files_close(struct inspect_files *files) {
    file_close(&files->fd);
    file_close(&files->dir);
}

static bool is_harmless(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

void inspect_files_name(uint64_t object, const struct sk_layer_seen *layer,
                        char name[INSPECT_FILE_NAME_MAX]) {
    int at = snprintf(name, INSPECT_FILE_NAME_MAX, "%llu.%04llu", (unsigned long long)object,
                      (unsigned long long)layer->id);
    size_t from = 0;
    for (size_t i = 0; i < layer->name_len; i++) {
        if (layer->name[i] == '/' || layer->name[i] == '\\') {
            from = i + 1;
        }
    }
    size_t used = (size_t)at;
    for (size_t i = from; i < layer->name_len && i - from < NAME_KEEP; i++) {
        char c = is_harmless(layer->name[i]) ? layer->name[i] : '_';
        if (i == from) {
            name[used++] = '-';
            c = c == '.' ? '_' : c;
        }
        name[used++] = c;
    }
    name[used] = '\0';
}

static void fail(struct inspect_files *files, sk_err err, int errnum) {
    files->failed = err;
    files->errnum = errnum;
    file_close(&files->fd);
}

/* Less than the layer holds came: the scan ended before its bytes did. */
static void finish(struct inspect_files *files) {
    if (files->fd >= 0 && files->left > 0) {
        fail(files, sk_fail(SK_E_IO), 0);
    }
    file_close(&files->fd);
}

void inspect_files_begin(struct inspect_files *files, const struct sk_layer_seen *layer,
                         char name[INSPECT_FILE_NAME_MAX]) {
    name[0] = '\0';
    finish(files);
    if (files->dir < 0 || layer->opened == 0 || sk_failed(files->failed)) {
        return;
    }
    inspect_files_name(files->object, layer, name);
    files->fd =
        openat(files->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    files->layer = layer->id;
    files->left = layer->size;
    if (files->fd < 0) {
        name[0] = '\0';
        fail(files, file_err(errno), errno);
    }
}

void inspect_files_put(struct inspect_files *files, uint64_t layer, const void *bytes, size_t len) {
    if (files->fd < 0 || files->layer != layer) {
        return;
    }
    if (len > files->budget || len > files->left) {
        fail(files, sk_fail(SK_E_LIMIT), 0);
        return;
    }
    files->budget -= len;
    files->left -= len;
    sk_err err = file_write_all(files->fd, bytes, len);
    if (sk_failed(err)) {
        fail(files, err, errno);
    }
}

void inspect_files_end(struct inspect_files *files, uint64_t budget) {
    finish(files);
    files->object++;
    files->budget = budget;
}
