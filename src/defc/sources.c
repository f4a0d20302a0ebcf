// SPDX-License-Identifier: Apache-2.0
/*
 * From the names a person gives to the list of files a compile reads.
 *
 *   SOURCE is a file:      taken, whatever its owner; an unknown suffix is an error, and so are
 *                          YARA rules, which we cannot use: somebody asked for just these
 *   SOURCE is a directory: every entry with a known suffix; others are passed over. YARA rules in
 * it are told of and counted as not taken
 *
 * Order matters for two reasons: ignore lists act on what comes after them, and equal input must
 * give equal images, so a directory is sorted by name, never read in the order of the file system.
 * Of daily.cld and daily.cvd only the newer one counts: the first is the second, patched. Which is
 * newer stands in their headers. Segments: the part of the name before the first dot, when it is
 * one of the official ones; everything else is "local".
 */
#include "defc/sources.h"

#include <dirent.h>
#include <errno.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "defc/cvd.h"
#include "os/file.h"

#define LOCAL_SEGMENT "local"

void sources_release(struct source_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->item[i].path);
    }
    mem_free(list->item);
    *list = (struct source_list){0};
}

static void name_segment(struct source *s, const char *forced) {
    static const char *const official[] = {"main", "daily", "bytecode"};
    const char *segment = LOCAL_SEGMENT;
    size_t stem = strcspn(s->name, ".");
    for (size_t i = 0; i < sizeof official / sizeof official[0]; i++) {
        if (strlen(official[i]) == stem && strncmp(s->name, official[i], stem) == 0) {
            segment = official[i];
        }
    }
    (void)snprintf(s->segment, sizeof s->segment, "%s", forced != NULL ? forced : segment);
}

static sk_err add_file(struct source_list *list, const struct defc_options *o, const char *path,
                       const struct stat *st) {
    struct source *grown = mem_grow(list->item, &list->cap, list->count + 1, sizeof *list->item);
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    list->item = grown;
    struct source *s = &list->item[list->count];
    *s = (struct source){.size = (uint64_t)st->st_size};
    s->path = mem_strdup(path);
    if (s->path == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    const char *slash = strrchr(s->path, '/');
    s->name = slash != NULL ? slash + 1 : s->path;
    s->kind = kind_of_file(s->name);
    name_segment(s, o->segment);
    list->count++;
    return sk_ok();
}

static sk_err cannot(const struct defc_options *o, const char *path) {
    sk_err err = file_err(errno);
    diag_say(o->diag, DIAG_ERROR, path, 0, "cannot read: %s", strerror(errno));
    return err;
}

/* ---- directories -------------------------------------------------------------------------- */

static int compare_sources(const void *a, const void *b) {
    const struct source *x = a;
    const struct source *y = b;
    bool x_ign = x->kind == KIND_ign || x->kind == KIND_ign2;
    bool y_ign = y->kind == KIND_ign || y->kind == KIND_ign2;
    if (x_ign != y_ign) {
        return x_ign ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

static bool same_stem(const struct source *a, const struct source *b) {
    size_t stem = strcspn(a->name, ".");
    return stem == strcspn(b->name, ".") && strncmp(a->name, b->name, stem) == 0;
}

static bool has_suffix(const struct source *s, const char *suffix) {
    const char *dot = strrchr(s->name, '.');
    return dot != NULL && strcasecmp(dot, suffix) == 0;
}

static sk_err version_of(const struct source *s, const struct defc_options *o, uint32_t *out) {
    struct cvd *c = NULL;
    TRY(cvd_open(s->path, o->keys, o->diag, &c));
    *out = cvd_header(c)->version;
    cvd_close(c);
    return sk_ok();
}

static void drop(struct source_list *list, size_t index) {
    mem_free(list->item[index].path);
    for (size_t i = index + 1; i < list->count; i++) {
        list->item[i - 1] = list->item[i];
    }
    list->count--;
}

/* Items from `first` on are one directory. */
static sk_err drop_older(struct source_list *list, size_t first, const struct defc_options *o) {
    for (size_t i = first; i < list->count; i++) {
        size_t other = first;
        while (other < list->count &&
               !(has_suffix(&list->item[i], ".cld") && has_suffix(&list->item[other], ".cvd") &&
                 same_stem(&list->item[i], &list->item[other]))) {
            other++;
        }
        if (other == list->count) {
            continue;
        }
        uint32_t cld = 0;
        uint32_t cvd = 0;
        TRY(version_of(&list->item[i], o, &cld));
        TRY(version_of(&list->item[other], o, &cvd));
        size_t old = cvd > cld ? i : other;
        diag_say(o->diag, DIAG_INFO, list->item[old].path, 0, "passed over: there is a newer one");
        drop(list, old);
        i = first;
    }
    return sk_ok();
}

static sk_err add_entry(struct source_list *list, const struct defc_options *o, const char *dir,
                        const char *name) {
    struct buf path = {0};
    struct stat st;
    sk_err err = buf_printf(&path, "%s/%s", dir, name);
    if (!sk_failed(err) && stat(buf_text(&path), &st) != 0) {
        err = cannot(o, buf_text(&path));
    }
    if (!sk_failed(err) && S_ISREG(st.st_mode)) {
        err = add_file(list, o, buf_text(&path), &st);
    }
    buf_release(&path);
    return err;
}

/* A .cud is a container that nobody signed. */
static bool may_be_official(const char *name) {
    const char *dot = strrchr(name, '.');
    return kind_is_container(name) && strcasecmp(dot, ".cud") != 0;
}

static sk_err pass_over(const struct defc_options *o, const char *dir, const char *name) {
    struct buf path = {0};
    sk_err err = buf_printf(&path, "%s/%s", dir, name);
    if (!sk_failed(err)) {
        diag_say(o->diag, DIAG_INFO, buf_text(&path), 0, "passed over: it is not official");
    }
    buf_release(&path);
    return err;
}

static sk_err add_directory(struct source_list *list, const struct defc_options *o,
                            const char *path) {
    size_t first = list->count;
    DIR *d = opendir(path);
    if (d == NULL) {
        return cannot(o, path);
    }
    sk_err err = sk_ok();
    for (const struct dirent *e = readdir(d); e != NULL && !sk_failed(err); e = readdir(d)) {
        bool known = kind_of_file(e->d_name) != KIND_COUNT || kind_is_container(e->d_name);
        if (known && e->d_name[0] != '.') {
            err = o->official_only && !may_be_official(e->d_name)
                      ? pass_over(o, path, e->d_name)
                      : add_entry(list, o, path, e->d_name);
        }
    }
    (void)closedir(d);
    TRY(err);
    if (list->count > first) {
        qsort(&list->item[first], list->count - first, sizeof *list->item, compare_sources);
    }
    return drop_older(list, first, o);
}

static bool is_yara(enum kind_id kind) {
    return kind == KIND_yar || kind == KIND_yara;
}

static void tell_yara(const struct defc_options *o, enum diag_level level, const char *path) {
    diag_say(o->diag, level, path, 0, "holds YARA rules, which this version cannot use");
}

static sk_err add_source(struct source_list *list, const struct defc_options *o, const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) {
        return cannot(o, path);
    }
    if (S_ISDIR(st.st_mode)) {
        return add_directory(list, o, path);
    }
    if (!S_ISREG(st.st_mode) || (kind_of_file(path) == KIND_COUNT && !kind_is_container(path))) {
        diag_say(o->diag, DIAG_ERROR, path, 0, "is not a signature file of a known kind");
        return sk_fail(SK_E_USAGE);
    }
    if (is_yara(kind_of_file(path))) {
        tell_yara(o, DIAG_ERROR, path);
        return sk_fail(SK_E_USAGE);
    }
    return add_file(list, o, path, &st);
}

sk_err sources_collect(struct source_list *list, const struct defc_options *options) {
    for (unsigned i = 0; i < options->source_count; i++) {
        TRY(add_source(list, options, options->sources[i]));
    }
    if (list->count == 0) {
        diag_say(options->diag, DIAG_ERROR, NULL, 0, "there are no signature files to compile");
        return sk_fail(SK_E_NOTFOUND);
    }
    for (size_t i = 0; i < list->count; i++) {
        list->bytes += list->item[i].size;
        if (is_yara(list->item[i].kind)) {
            tell_yara(options, DIAG_WARNING, list->item[i].path);
        }
    }
    return sk_ok();
}
