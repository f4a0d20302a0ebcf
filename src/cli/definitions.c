// SPDX-License-Identifier: Apache-2.0
/*
 * Finding, opening and, for the clamscan face, compiling definitions on the fly.
 *
 * A compiled set is a directory with a manifest, or one image file. Anything else given to clamscan
 * with -d is compiled into a fresh directory, opened (the images are mapped), and the directory is
 * removed at once: mapped files live on without a name, and nothing is left behind even when the
 * process is killed later. One that is killed while it compiles leaves a directory, which the next
 * removes (scratch.c).
 */
#include "cli/definitions.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/intl.h"
#include "cli/place.h"
#include "cli/scratch.h"
#include "defc/defc.h"
#include "defs/defset.h"
#include "defs/layout.h"
#include "os/file.h"

#ifndef SEKISHO_STATE_DEFINITIONS
#define SEKISHO_STATE_DEFINITIONS "/var/lib/sekisho/definitions"
#endif
#ifndef SEKISHO_BUNDLED_DEFINITIONS
#define SEKISHO_BUNDLED_DEFINITIONS "/usr/local/share/sekisho/definitions"
#endif
#ifndef SEKISHO_DEFINITIONS_BESIDE
#define SEKISHO_DEFINITIONS_BESIDE "../share/sekisho/definitions"
#endif

static bool has_manifest(const char *dir) {
    struct buf path = {0};
    bool has = !sk_failed(buf_printf(&path, "%s/%s", dir, DEFSET_MANIFEST)) &&
               access(buf_text(&path), F_OK) == 0;
    buf_release(&path);
    return has;
}

typedef sk_err (*place_finder)(const char *name, struct buf *out);

static bool find_set(place_finder find, const char *name, struct buf *path) {
    buf_clear(path);
    return !sk_failed(find(name, path)) && has_manifest(buf_text(path));
}

sk_err definitions_default(struct buf *out_path) {
    const char *env = secure_getenv("SEKISHO_DEFINITIONS");
    if (env != NULL && env[0] != '\0') {
        return buf_puts(out_path, env);
    }
    struct buf path = {0};
    const char *use = SEKISHO_STATE_DEFINITIONS;
    if (find_set(place_in_build, "definitions", &path)) {
        use = buf_text(&path);
    } else if (has_manifest(SEKISHO_STATE_DEFINITIONS)) {
        use = SEKISHO_STATE_DEFINITIONS;
    } else if (find_set(place_moved, SEKISHO_DEFINITIONS_BESIDE, &path)) {
        use = buf_text(&path);
    } else if (has_manifest(SEKISHO_BUNDLED_DEFINITIONS)) {
        use = SEKISHO_BUNDLED_DEFINITIONS;
    }
    sk_err err = buf_puts(out_path, use);
    buf_release(&path);
    return err;
}

static sk_err open_path(const char *path, struct diag *diag, struct sk_engine **out_engine) {
    struct stat st;
    if (stat(path, &st) != 0) {
        sk_err err = file_err(errno);
        diag_say(diag, DIAG_ERROR, path, 0, _("cannot open the definitions: %s"), strerror(errno));
        return err;
    }
    if (S_ISDIR(st.st_mode) && !has_manifest(path)) {
        diag_say(diag, DIAG_ERROR, path, 0,
                 _("no compiled definitions here (no file '%s'); make them with: "
                   "sekisho defs compile SOURCE... -o DIRECTORY"),
                 DEFSET_MANIFEST);
        return sk_fail(SK_E_NOTFOUND);
    }
    char why[512] = "";
    int code = sk_engine_open(path, out_engine, why, sizeof(why));
    if (code != 0) {
        diag_say(diag, DIAG_ERROR, path, 0, _("cannot open the definitions: %s"),
                 why[0] != '\0' ? why : intl_text(sk_result_text(code)));
        return sk_fail((enum sk_err_code)code);
    }
    return sk_ok();
}

sk_err definitions_open(const char *path, struct diag *diag, struct sk_engine **out_engine) {
    struct buf chosen = {0};
    sk_err err = path != NULL ? buf_puts(&chosen, path) : definitions_default(&chosen);
    err = sk_failed(err) ? err : open_path(buf_text(&chosen), diag, out_engine);
    buf_release(&chosen);
    return err;
}

sk_err definitions_official_only(const char *path, struct diag *diag, struct sk_engine **engine) {
    if (sk_engine_official_only(*engine) == 0) {
        return sk_ok();
    }
    diag_say(diag, DIAG_ERROR, path, 0, _("there are no official definitions"));
    sk_engine_close(*engine);
    *engine = NULL;
    return sk_fail(SK_E_NOTFOUND);
}

static bool is_image(const char *path) {
    char magic[8] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
              memcmp(magic, IMG_MAGIC, sizeof(magic)) == 0;
    file_close(&fd);
    return is;
}

sk_err definitions_compile_use(const struct conf_list *paths, const struct definitions_compile *how,
                               struct diag *diag, definitions_use use, void *ctx) {
    struct scratch scratch;
    TRY(scratch_make(how->temp_dir, diag, &scratch));
    struct defc_options options = {.sources = paths->item,
                                   .source_count = (unsigned)paths->count,
                                   .out_dir = scratch.path,
                                   .pua = how->pua,
                                   .official_only = how->official_only,
                                   .wanted = how->wanted,
                                   .diag = diag};
    struct defc_report report;
    sk_err err = defc_compile(&options, &report);
    err = sk_failed(err) ? err : use(ctx, scratch.path);
    scratch_remove(&scratch);
    return err;
}

struct opening {
    struct diag *diag;
    struct sk_engine **out_engine;
};

static sk_err open_compiled(void *ctx, const char *dir) {
    struct opening *o = ctx;
    return open_path(dir, o->diag, o->out_engine);
}

/* A set that was compiled before. */
static sk_err open_ready(const char *path, const struct definitions_compile *how, struct diag *diag,
                         struct sk_engine **out_engine) {
    struct sk_engine *engine = NULL;
    TRY(definitions_open(path, diag, &engine));
    if (how->official_only) {
        TRY(definitions_official_only(path, diag, &engine));
    }
    *out_engine = engine;
    return sk_ok();
}

sk_err definitions_open_any(const struct conf_list *paths, const struct definitions_compile *how,
                            struct diag *diag, struct sk_engine **out_engine) {
    if (paths->count == 0) {
        return open_ready(NULL, how, diag, out_engine);
    }
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = paths->item[i];
        bool compiled = has_manifest(path) || is_image(path);
        if (paths->count == 1 && (compiled || access(path, F_OK) != 0)) {
            return open_ready(path, how, diag, out_engine);
        }
        if (compiled) {
            diag_say(diag, DIAG_ERROR, path, 0,
                     _("a compiled set cannot be combined with other databases"));
            return sk_fail(SK_E_USAGE);
        }
    }
    struct opening opening = {diag, out_engine};
    return definitions_compile_use(paths, how, diag, open_compiled, &opening);
}

void definitions_leave(struct sk_engine *engine) {
    static struct sk_engine *left; /* reachable: no leak */
    sk_engine_close(left);
    left = engine;
}
