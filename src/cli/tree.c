// SPDX-License-Identifier: Apache-2.0
/*
 * Directory walk without fts and without recursion: an explicit stack of open directories.
 *
 *   frame 0: fd of "d"       names: a  b  sub  z        <- next
 *   frame 1: fd of "d/sub"   names: q  r                <- next = where we are
 *   path   : "d/sub/q"       (cut back to path_len of the frame after each entry)
 *
 * fts changes or trusts path names; here each open is openat relative to the parent's descriptor
 * with O_NOFOLLOW. One descriptor per level of depth: the limit of open files is raised at the
 * start, and a tree deeper than that is reported, not skipped silently. A loop by followed links is
 * recognised by device and inode on the stack.
 */
#include "cli/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/map.h"
#include "os/file.h"

#define NAMES_CEILING ((size_t)1 << 30)
/* Deeper, paths of megabytes and the search for loops would cost time without end. */
#define DEPTH_MAX 4096u

struct name {
    const char *text;
    unsigned char type; /* DT_* */
};

struct frame {
    int fd;
    dev_t dev;
    ino_t ino;
    struct arena arena;
    struct name *name;
    size_t count, cap, next;
    size_t path_len;
};

/* A directory that has been entered by a link. */
struct place {
    dev_t dev;
    ino_t ino;
    size_t depth; /* the least at which */
};

struct tree {
    struct tree_options options;
    struct frame *frame;
    size_t depth, cap;
    struct buf path;
    bool started;
    dev_t root_dev;
    struct place *entered; /* by a link: each directory once */
    size_t entered_count, entered_cap;
    struct map entered_map;
};

static void raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

sk_err tree_open(const struct tree_options *options, const char *path, struct tree **out_tree) {
    struct tree *tree = mem_zalloc(1, sizeof(*tree));
    if (tree == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    tree->options = *options;
    sk_err err = buf_append(&tree->path, path, len);
    if (sk_failed(err)) {
        tree_close(tree);
        return err;
    }
    raise_open_files();
    *out_tree = tree;
    return sk_ok();
}

static void pop(struct tree *tree) {
    struct frame *f = &tree->frame[--tree->depth];
    file_close(&f->fd);
    arena_release(&f->arena);
    mem_free(f->name);
    *f = (struct frame){.fd = -1};
}

void tree_close(struct tree *tree) {
    if (tree == NULL) {
        return;
    }
    while (tree->depth > 0) {
        pop(tree);
    }
    mem_free(tree->frame);
    mem_free(tree->entered);
    map_release(&tree->entered_map);
    buf_release(&tree->path);
    mem_free(tree);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static sk_err add_name(struct frame *f, const struct dirent *d) {
    struct name *grown = mem_grow(f->name, &f->cap, f->count + 1, sizeof(*grown));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    f->name = grown;
    const char *text = arena_strndup(&f->arena, d->d_name, strlen(d->d_name));
    if (text == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    grown[f->count++] = (struct name){.text = text, .type = d->d_type};
    return sk_ok();
}

/* All names of f->fd; *out_errnum is set when the directory could not be read to its end. */
static sk_err read_names(struct frame *f, int *out_errnum) {
    int fd = dup(f->fd);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        *out_errnum = errno;
        file_close(&fd);
        return sk_ok();
    }
    sk_err err = sk_ok();
    while (!sk_failed(err)) {
        errno = 0;
        struct dirent *d = readdir(dir);
        if (d == NULL) {
            *out_errnum = errno;
            break;
        }
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0) {
            err = add_name(f, d);
        }
    }
    (void)closedir(dir);
    if (f->count > 0) {
        qsort(f->name, f->count, sizeof(*f->name), by_name);
    }
    return err;
}

static bool on_stack(const struct tree *tree, const struct stat *st) {
    for (size_t i = 0; i < tree->depth; i++) {
        if (tree->frame[i].dev == st->st_dev && tree->frame[i].ino == st->st_ino) {
            return true;
        }
    }
    return false;
}

struct seeking {
    const struct tree *tree;
    struct place place;
};

static bool is_it(void *ctx, uint32_t value) {
    const struct seeking *s = ctx;
    const struct place *p = &s->tree->entered[value];
    return p->dev == s->place.dev && p->ino == s->place.ino;
}

/* Links make a graph of the tree: without this, a lattice of n links would be walked along each of
 * its 2^n ways. A directory is entered under its own name whatever links led to it (as clamscan
 * does), and once more by links. *out_again: a link led here before, and no deeper, so that no
 * limit of depth hid a part of it then. */
static sk_err enter_once(struct tree *tree, const struct stat *st, bool *out_again) {
    struct seeking s = {tree, {st->st_dev, st->st_ino, tree->depth}};
    uint64_t key[2] = {(uint64_t)st->st_dev, (uint64_t)st->st_ino};
    uint64_t hash = map_hash(key, sizeof(key));
    uint32_t known = map_get(&tree->entered_map, hash, is_it, &s);
    if (known != MAP_NONE) {
        *out_again = tree->depth >= tree->entered[known].depth;
        tree->entered[known].depth = *out_again ? tree->entered[known].depth : tree->depth;
        return sk_ok();
    }
    struct place *grown =
        mem_grow(tree->entered, &tree->entered_cap, tree->entered_count + 1, sizeof(*grown));
    if (grown == NULL || tree->entered_count >= MAP_NONE - 1) {
        return sk_fail(SK_E_NOMEM);
    }
    tree->entered = grown;
    grown[tree->entered_count++] = s.place;
    return map_put(&tree->entered_map, hash, (uint32_t)(tree->entered_count - 1));
}

/* Enter the directory of the entry; on failure the entry becomes TREE_FAILED. */
static sk_err enter(struct tree *tree, struct tree_entry *e) {
    struct frame f = {.fd = -1, .path_len = tree->path.len};
    struct stat st;
    e->kind = TREE_FAILED;
    if (sk_failed(file_open_dir(e->dirfd, e->name, e->follow ? FILE_FOLLOW : 0, &f.fd)) ||
        fstat(f.fd, &st) != 0) {
        e->errnum = errno;
        file_close(&f.fd);
        return sk_ok();
    }
    if (tree->depth >= DEPTH_MAX || on_stack(tree, &st)) {
        e->errnum = ELOOP;
        file_close(&f.fd);
        return sk_ok();
    }
    bool again = false;
    sk_err err = e->follow && !e->named ? enter_once(tree, &st, &again) : sk_ok();
    if (sk_failed(err) || again) {
        file_close(&f.fd);
        e->kind = TREE_LINK; /* or what a link led to before: its files have been told of */
        return err;
    }
    if (e->named) {
        tree->root_dev = st.st_dev;
    }
    f.dev = st.st_dev;
    f.ino = st.st_ino;
    struct frame *grown = mem_grow(tree->frame, &tree->cap, tree->depth + 1, sizeof(*grown));
    if (grown == NULL) {
        file_close(&f.fd);
        return sk_fail(SK_E_NOMEM);
    }
    tree->frame = grown;
    arena_init(&f.arena, NAMES_CEILING);
    grown[tree->depth++] = f;
    int errnum = 0;
    TRY(read_names(&grown[tree->depth - 1], &errnum));
    e->kind = errnum == 0 ? TREE_DIRECTORY : TREE_FAILED;
    e->errnum = errnum;
    return sk_ok();
}

static bool may_enter(const struct tree *tree, const struct tree_entry *e, const struct stat *st) {
    const struct tree_options *o = &tree->options;
    if (e->named) {
        return true;
    }
    if (!o->recursive || (o->max_depth != 0 && tree->depth >= o->max_depth)) {
        return false;
    }
    return o->cross_fs || st->st_dev == tree->root_dev;
}

static sk_err classify_dir(struct tree *tree, struct tree_entry *e, const struct stat *st,
                           bool *out_show) {
    e->directory = true;
    if (!may_enter(tree, e, st)) {
        *out_show = false;
        return sk_ok();
    }
    if (tree->options.dirs != NULL && !choice_take(tree->options.dirs, e->path)) {
        e->kind = TREE_EXCLUDED;
        return sk_ok();
    }
    return enter(tree, e);
}

/* st is of the entry itself, never of the target of a link. */
static sk_err classify(struct tree *tree, struct tree_entry *e, struct stat *st, bool *out_show) {
    const struct tree_options *o = &tree->options;
    if (S_ISLNK(st->st_mode)) {
        if (fstatat(e->dirfd, e->name, st, 0) != 0) {
            bool wanted = e->named || (errno != ENOENT && (o->file_links == TREE_LINKS_ALWAYS ||
                                                           o->dir_links == TREE_LINKS_ALWAYS));
            e->errnum = errno;
            e->kind = wanted ? TREE_FAILED : TREE_LINK; /* dangling */
            return sk_ok();
        }
        enum tree_links links = S_ISDIR(st->st_mode) ? o->dir_links : o->file_links;
        e->follow = links == TREE_LINKS_ALWAYS || (e->named && links == TREE_LINKS_NAMED);
        if (!e->follow) {
            e->kind = TREE_LINK;
            return sk_ok();
        }
    }
    if (S_ISDIR(st->st_mode)) {
        return classify_dir(tree, e, st, out_show);
    }
    if (!S_ISREG(st->st_mode)) {
        e->kind = TREE_SPECIAL;
        return sk_ok();
    }
    e->kind = o->files != NULL && !choice_take(o->files, e->path) ? TREE_EXCLUDED : TREE_FILE;
    return sk_ok();
}

static sk_err look_at(struct tree *tree, struct tree_entry *e, unsigned char type, bool *out_show) {
    struct stat st = {0};
    *out_show = true;
    if (type == DT_REG) {
        st.st_mode = S_IFREG; /* the open looks again */
        return classify(tree, e, &st, out_show);
    }
    if (fstatat(e->dirfd, e->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        e->kind = TREE_FAILED;
        e->errnum = errno;
        return sk_ok();
    }
    return classify(tree, e, &st, out_show);
}

static sk_err cut_path(struct tree *tree, size_t len) {
    tree->path.len = len;
    /* Appending nothing sets the NUL. */
    return buf_append(&tree->path, "", 0);
}

sk_err tree_next(struct tree *tree, struct tree_entry *out_entry, bool *out_more) {
    bool show = false;
    *out_more = true;
    if (!tree->started) {
        tree->started = true;
        struct tree_entry e = {.dirfd = AT_FDCWD, .named = true};
        e.path = buf_text(&tree->path);
        e.name = e.path;
        TRY(look_at(tree, &e, DT_UNKNOWN, &show));
        *out_entry = e;
        return sk_ok();
    }
    while (tree->depth > 0) {
        struct frame *f = &tree->frame[tree->depth - 1];
        if (f->next == f->count) {
            pop(tree);
            continue;
        }
        const struct name *name = &f->name[f->next++];
        TRY(cut_path(tree, f->path_len));
        bool slash = f->path_len > 0 && tree->path.data[f->path_len - 1] == '/';
        TRY(buf_printf(&tree->path, "%s%s", slash ? "" : "/", name->text));
        struct tree_entry e = {.dirfd = f->fd, .name = name->text};
        e.path = buf_text(&tree->path);
        TRY(look_at(tree, &e, name->type, &show));
        if (show) {
            *out_entry = e;
            return sk_ok();
        }
    }
    *out_more = false;
    return sk_ok();
}
