// SPDX-License-Identifier: Apache-2.0
/*
 * dpkg keeps one list of paths a package, and a list of diverted paths beside the folder. All of
 * them are read once into sorted 64-bit hashes (a system has some 300,000 paths: 2.4 MB), because
 * there may be many infected files. A wrong "owned" by a collision is harmless and does not happen.
 *
 * On systems with merged /usr the lists say /bin/x where the real path is /usr/bin/x: both are
 * asked.
 */
#include "cli/owner.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static uint64_t hash_of(const char *text, size_t len) {
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    }
    return h;
}

static bool add_line(struct owner *o, const char *line, size_t len) {
    uint64_t *grown = mem_grow(o->hash, &o->cap, o->count + 1, sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    o->hash = grown;
    grown[o->count++] = hash_of(line, len);
    return true;
}

static bool read_list(struct owner *o, const char *path) {
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return false;
    }
    char *line = NULL;
    size_t cap = 0;
    bool ok = true;
    for (ssize_t len; ok && (len = getline(&line, &cap, f)) > 0;) {
        len -= line[len - 1] == '\n' ? 1 : 0;
        ok = line[0] != '/' || len < 2 || add_line(o, line, (size_t)len);
    }
    ok = ok && ferror(f) == 0;
    free(line);
    (void)fclose(f);
    return ok;
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text);
    size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool read_lists(struct owner *o, DIR *dir, const char *info) {
    struct buf path = {0};
    bool ok = true;
    for (const struct dirent *d = readdir(dir); ok && d != NULL; d = readdir(dir)) {
        if (ends_with(d->d_name, ".list")) {
            buf_clear(&path);
            ok = !sk_failed(buf_printf(&path, "%s/%s", info, d->d_name)) &&
                 read_list(o, buf_text(&path));
        }
    }
    buf_clear(&path);
    if (ok && !sk_failed(buf_printf(&path, "%s/../diversions", info))) {
        (void)read_list(o, buf_text(&path)); /* need not exist */
    }
    buf_release(&path);
    return ok;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void owner_load(struct owner *owner, const char *info) {
    *owner = (struct owner){.loaded = true};
    DIR *dir = opendir(info);
    if (dir == NULL) {
        return;
    }
    owner->known = read_lists(owner, dir, info) && owner->count > 0;
    (void)closedir(dir);
    if (owner->known) {
        qsort(owner->hash, owner->count, sizeof(*owner->hash), by_value);
    }
}

static bool is_listed(const struct owner *o, const char *path) {
    uint64_t key = hash_of(path, strlen(path));
    return bsearch(&key, o->hash, o->count, sizeof(*o->hash), by_value) != NULL;
}

static bool is_system_place(const char *path) {
    static const char *const PLACES[] = {"/usr/",   "/bin/",   "/sbin/",   "/lib/",
                                         "/lib32/", "/lib64/", "/libx32/", "/boot/"};
    for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
        if (strncmp(path, PLACES[i], strlen(PLACES[i])) == 0) {
            return strncmp(path, "/usr/local/", 11) != 0;
        }
    }
    return false;
}

bool owner_has(const struct owner *owner, const char *path) {
    if (!owner->known) {
        return is_system_place(path);
    }
    return is_listed(owner, path) || (strncmp(path, "/usr/", 5) == 0 && is_listed(owner, path + 4));
}

void owner_release(struct owner *owner) {
    mem_free(owner->hash);
    *owner = (struct owner){0};
}
