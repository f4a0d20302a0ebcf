// SPDX-License-Identifier: Apache-2.0
/*
 * Text -> files by kind -> the ordinary compiler -> the set.
 *
 *   line 1  Name:0:*:4d5a        signature.ndb  "Name:0:*:4d5a\n\n"
 *   line 2  0123...:5:Name       signature.hdb  "\n0123...:5:Name\n"
 *
 * Every file has a line for each line of the text, empty where another kind stands, so the numbers
 * in the messages of the compiler are those of the text. Going through the compiler as it is means
 * that an explanation can never differ from what a scan would do.
 */
#include "cli/sigtext.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/definitions.h"
#include "cli/intl.h"
#include "cli/say.h"
#include "cli/scratch.h"
#include "defc/defc.h"
#include "defc/kinds.h"
#include "os/file.h"

/* ---- the kind of a line ---------------------------------------------------------------------- */

struct field {
    const char *text;
    size_t len;
};

static size_t split(const char *line, size_t len, struct field *out, size_t cap) {
    size_t n = 0, start = 0;
    for (size_t i = 0; i <= len && n < cap; i++) {
        if (i == len || line[i] == ':') {
            out[n++] = (struct field){&line[start], i - start};
            start = i + 1;
        }
    }
    return n;
}

static bool all_digits(struct field f) {
    for (size_t i = 0; i < f.len; i++) {
        if (!isdigit((unsigned char)f.text[i])) {
            return false;
        }
    }
    return f.len > 0;
}

static bool is_size(struct field f) {
    return all_digits(f) || (f.len == 1 && f.text[0] == '*');
}

static bool is_digest(struct field f) {
    for (size_t i = 0; i < f.len; i++) {
        if (!isxdigit((unsigned char)f.text[i])) {
            return false;
        }
    }
    return f.len == 32 || f.len == 40 || f.len == 64;
}

static bool is_one_of(struct field f, const char *letters) {
    return f.len == 1 && memchr(letters, f.text[0], strlen(letters)) != NULL;
}

/* Lines about links begin with a letter. */
static const char *link_kind(const struct field *f) {
    bool listed =
        f[0].text[0] == 'S' &&
        (f[0].len == 1 || (f[0].len == 2 && (f[0].text[1] == '1' || f[0].text[1] == '2')));
    if (listed && is_one_of(f[1], "PFW")) {
        return "gdb";
    }
    return is_one_of(f[0], "RH") ? "pdb" : is_one_of(f[0], "XYM") ? "wdb" : NULL;
}

const char *sigtext_kind(const char *line, size_t len) {
    struct field f[4];
    size_t n = split(line, len, f, 4);
    if (n >= 3 && is_digest(f[0]) && is_size(f[1])) {
        return f[0].len == 32 ? "hdb" : "hsb";
    }
    if (n >= 3 && is_size(f[0]) && is_digest(f[1])) {
        return f[1].len == 32 ? "mdb" : "msb";
    }
    const char *semicolon = memchr(line, ';', len);
    if (semicolon != NULL && memchr(semicolon + 1, ';', len - (size_t)(semicolon + 1 - line))) {
        return "ldb";
    }
    if (n >= 4 && is_size(f[1])) {
        return "ndb";
    }
    const char *link = n >= 2 ? link_kind(f) : NULL;
    return link != NULL ? link : memchr(line, '=', len) != NULL ? "db" : NULL;
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool is_known(const char *kind) {
    char name[32];
    (void)snprintf(name, sizeof name, "x.%s", kind);
    return kind_of_file(name) != KIND_COUNT;
}

/* The text with the lines of this kind only. True: there are any. */
static sk_err lines_of_kind(const struct sigtext *s, const char *kind, struct buf *out,
                            bool *out_any) {
    const char *text = (const char *)s->text.ptr;
    *out_any = false;
    for (size_t at = 0; at < s->text.len;) {
        const char *nl = memchr(&text[at], '\n', s->text.len - at);
        size_t len = nl == NULL ? s->text.len - at : (size_t)(nl - &text[at]);
        const char *own = s->kind != NULL ? s->kind : sigtext_kind(&text[at], len);
        if (len > 0 && text[at] != '#' && own != NULL && strcmp(own, kind) == 0) {
            TRY(buf_append(out, &text[at], len));
            *out_any = true;
        }
        TRY(buf_puts(out, "\n"));
        at += len + 1;
    }
    return sk_ok();
}

static sk_err write_file(const char *path, const struct buf *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return file_err(errno);
    }
    bool whole = write(fd, text->data, text->len) == (ssize_t)text->len;
    (void)close(fd);
    return whole ? sk_ok() : sk_fail(SK_E_IO);
}

static sk_err write_kind(const struct sigtext *s, const char *kind, const char *dir, bool *any) {
    struct buf text = {0};
    struct buf path = {0};
    bool has = false;
    sk_err err = lines_of_kind(s, kind, &text, &has);
    if (!sk_failed(err) && has) {
        *any = true;
        err = buf_printf(&path, "%s/signature.%s", dir, kind);
        err = sk_failed(err) ? err : write_file(buf_text(&path), &text);
    }
    buf_release(&text);
    buf_release(&path);
    return err;
}

static sk_err write_all(const struct sigtext *s, const char *dir, struct diag *diag) {
    static const char *const formed[] = {"ldb", "ndb", "db",  "hdb", "hsb",
                                         "mdb", "msb", "pdb", "wdb", "gdb"};
    bool any = false;
    if (s->kind != NULL) {
        if (!is_known(s->kind)) {
            diag_say(diag, DIAG_ERROR, s->kind, 0, _("there is no such kind of signature"));
            return sk_fail(SK_E_USAGE);
        }
        TRY(write_kind(s, s->kind, dir, &any));
    }
    for (size_t i = 0; s->kind == NULL && i < sizeof formed / sizeof formed[0]; i++) {
        TRY(write_kind(s, formed[i], dir, &any));
    }
    if (!any) {
        diag_say(diag, DIAG_ERROR, NULL, 0,
                 _("this does not look like a signature; name its kind with --kind"));
        return sk_fail(SK_E_USAGE);
    }
    return sk_ok();
}

/* Messages of the compiler speak of the temporary file: only the number of the line is of use. */
static void pass_on(void *ctx, enum diag_level level, const char *where, uint64_t line,
                    const char *text) {
    (void)where;
    if (line != 0 || level == DIAG_ERROR) {
        diag_say(ctx, DIAG_ERROR, line != 0 ? _("input") : NULL, line, "%s", text);
    }
}

sk_err sigtext_compile(const struct sigtext *s, struct diag *diag, sigtext_use use, void *ctx) {
    struct scratch scratch;
    TRY(scratch_make(NULL, diag, &scratch));
    struct diag inner = {.ctx = diag, .say = pass_on};
    const char *source[] = {scratch.path};
    struct definitions_compile how = {.pua = s->pua};
    sk_err err = write_all(s, scratch.path, diag);
    if (!sk_failed(err)) {
        err = definitions_compile_use(&(struct conf_list){.item = source, .count = 1}, &how, &inner,
                                      use, ctx);
    }
    scratch_remove(&scratch);
    return err;
}
