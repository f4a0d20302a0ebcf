// SPDX-License-Identifier: Apache-2.0
/*
 * The manifest of a definitions directory: reading, writing, and clearing away what it no longer
 * names.
 *
 *   compile --> new images beside the old ones --> manifest_activate (one rename) --> sweep
 *
 * Readers open the manifest, then the images it names (defset.c), and start again when an image is
 * gone and the manifest has changed in between; so images may be removed as soon as the new
 * manifest is in place, and a reader that has mapped an old image keeps it until it lets go.
 *
 * The reader accepts nothing it would not write: known words, segment names of [a-z0-9_-], file
 * names that follow from segment and identity. What looks different is a damaged manifest, and a
 * damaged manifest is an error, never an empty set.
 */
#include "defs/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/atomic.h"
#include "os/file.h"

#define MANIFEST_MAX_BYTES 8192u
#define MANIFEST_FIRST_LINE "sekisho-definitions 1"
#define IDENTITY_DIGITS (IMAGE_IDENTITY_HEX - 1)
#define FILE_DIGITS 16

void manifest_file_name(const char *segment, const char *identity, char out[MANIFEST_FILE_BYTES]) {
    (void)snprintf(out, MANIFEST_FILE_BYTES, "%s-%.*s%s", segment, FILE_DIGITS, identity,
                   MANIFEST_SUFFIX);
}

static bool is_segment_name(const char *text) {
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return len > 0 && len < IMG_NAME_BYTES && text[len] == '\0';
}

static bool is_identity(const char *text) {
    return strspn(text, "0123456789abcdef") == IDENTITY_DIGITS && text[IDENTITY_DIGITS] == '\0';
}

sk_err manifest_set(struct manifest *m, const char *segment, const char *identity) {
    if (!is_segment_name(segment) || !is_identity(identity)) {
        return sk_fail(SK_E_USAGE);
    }
    unsigned at = 0;
    while (at < m->count && strcmp(m->row[at].segment, segment) != 0) {
        at++;
    }
    if (at == DEFSET_SEGMENT_MAX) {
        return sk_fail(SK_E_LIMIT);
    }
    struct manifest_row *row = &m->row[at];
    (void)snprintf(row->segment, sizeof row->segment, "%s", segment);
    (void)snprintf(row->identity, sizeof row->identity, "%s", identity);
    manifest_file_name(segment, identity, row->file);
    if (at == m->count) {
        m->count++;
    }
    return sk_ok();
}

/* line: NUL-terminated, without newline. */
static sk_err parse_row(struct manifest *m, char *line) {
    char *save = NULL;
    const char *word = strtok_r(line, " ", &save);
    const char *segment = strtok_r(NULL, " ", &save);
    const char *file = strtok_r(NULL, " ", &save);
    const char *identity = strtok_r(NULL, " ", &save);
    if (identity == NULL || strtok_r(NULL, " ", &save) != NULL || strcmp(word, "segment") != 0) {
        return sk_fail(SK_E_FORMAT);
    }
    unsigned before = m->count;
    sk_err err = manifest_set(m, segment, identity);
    if (err.code == SK_E_USAGE) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(err);
    /* The count stands still when the segment is named twice. */
    bool good = m->count == before + 1 && strcmp(m->row[before].file, file) == 0;
    return good ? sk_ok() : sk_fail(SK_E_FORMAT);
}

sk_err manifest_parse(const char *text, size_t len, struct manifest *out_manifest) {
    char copy[MANIFEST_MAX_BYTES + 1];
    if (len == 0 || len > MANIFEST_MAX_BYTES || memchr(text, '\0', len) != NULL ||
        text[len - 1] != '\n') {
        return sk_fail(SK_E_FORMAT);
    }
    memcpy(copy, text, len);
    copy[len - 1] = '\0';
    struct manifest m = {.count = 0};
    char *rest = copy;
    const char *first = strsep(&rest, "\n");
    if (strcmp(first, MANIFEST_FIRST_LINE) != 0) {
        return sk_fail(SK_E_FORMAT);
    }
    while (rest != NULL) {
        TRY(parse_row(&m, strsep(&rest, "\n")));
    }
    *out_manifest = m;
    return sk_ok();
}

static sk_err path_of(const char *dir, const char *file, struct buf *out) {
    return buf_printf(out, "%s/%s", dir, file);
}

sk_err manifest_read(const char *dir, struct diag *diag, struct manifest *out_manifest) {
    struct buf path = {0};
    struct buf text = {0};
    sk_err err = path_of(dir, DEFSET_MANIFEST, &path);
    if (!sk_failed(err)) {
        err = file_read_all(buf_text(&path), MANIFEST_MAX_BYTES, &text);
        if (err.code == SK_E_LIMIT) {
            err = sk_fail(SK_E_FORMAT);
        }
    }
    if (!sk_failed(err)) {
        err = manifest_parse(buf_text(&text), text.len, out_manifest);
    }
    if (err.code == SK_E_NOTFOUND) {
        diag_say(diag, DIAG_ERROR, dir, 0, "holds no compiled definitions");
    } else if (err.code == SK_E_FORMAT || err.code == SK_E_LIMIT) {
        diag_say(diag, DIAG_ERROR, buf_text(&path), 0, "the manifest is damaged");
    } else if (sk_failed(err)) {
        diag_say(diag, DIAG_ERROR, buf_text(&path), 0, "cannot read: %s", sk_err_text(err));
    }
    buf_release(&text);
    buf_release(&path);
    return err;
}

sk_err manifest_activate(const char *dir, const struct manifest *m, struct diag *diag) {
    struct buf path = {0};
    struct buf text = {0};
    sk_err err = path_of(dir, DEFSET_MANIFEST, &path);
    if (!sk_failed(err)) {
        err = buf_puts(&text, MANIFEST_FIRST_LINE "\n");
    }
    for (unsigned i = 0; i < m->count && !sk_failed(err); i++) {
        const struct manifest_row *row = &m->row[i];
        err = buf_printf(&text, "segment %s %s %s\n", row->segment, row->file, row->identity);
    }
    if (!sk_failed(err)) {
        err = atomic_write_file(buf_text(&path), 0644, text.data, text.len);
        if (sk_failed(err)) {
            diag_say(diag, DIAG_ERROR, buf_text(&path), 0, "cannot write: %s",
                     err.code == SK_E_IO ? strerror(errno) : sk_err_text(err));
        }
    }
    buf_release(&text);
    buf_release(&path);
    return err;
}

#define WORD "abcdefghijklmnopqrstuvwxyz0123456789_-"

/* Does name end with a dot or dash (`mark`), FILE_DIGITS hex digits, and `end`? Gives the length
 * before that, 0 when not. */
static size_t before_digits(const char *name, char mark, const char *end) {
    size_t tail = 1 + FILE_DIGITS + strlen(end);
    size_t len = strlen(name);
    if (len <= tail || strcmp(&name[len - strlen(end)], end) != 0) {
        return 0;
    }
    const char *at = &name[len - tail];
    return *at == mark && strspn(at + 1, "0123456789abcdef") >= FILE_DIGITS ? len - tail : 0;
}

/* "segment-0123456789abcdef.skdef" */
static bool is_image_name(const char *name) {
    size_t segment = before_digits(name, '-', MANIFEST_SUFFIX);
    return segment > 0 && segment < IMG_NAME_BYTES && strspn(name, WORD) >= segment;
}

/* ".segment.skdef.0123456789abcdef", ".manifest.0123456789abcdef" */
static bool is_temp_name(const char *name) {
    size_t len = before_digits(name, '.', "");
    if (len == 0 || name[0] != '.') {
        return false;
    }
    size_t word = strspn(&name[1], WORD);
    const char *rest = &name[1 + word];
    size_t suffix = strlen(MANIFEST_SUFFIX);
    bool image =
        word > 0 && 1 + word + suffix == len && strncmp(rest, MANIFEST_SUFFIX, suffix) == 0;
    return image || (1 + word == len && strncmp(&name[1], DEFSET_MANIFEST, word) == 0 &&
                     word == strlen(DEFSET_MANIFEST));
}

static bool is_in_use(const struct manifest *m, const char *name) {
    for (unsigned i = 0; i < m->count; i++) {
        if (strcmp(m->row[i].file, name) == 0) {
            return true;
        }
    }
    return false;
}

void manifest_sweep(const char *dir, const struct manifest *m, struct diag *diag) {
    DIR *d = opendir(dir);
    if (d == NULL) {
        diag_say(diag, DIAG_WARNING, dir, 0, "cannot look for old images: %s", strerror(errno));
        return;
    }
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        bool old = is_image_name(e->d_name) && !is_in_use(m, e->d_name);
        if ((old || is_temp_name(e->d_name)) && unlinkat(dirfd(d), e->d_name, 0) != 0) {
            diag_say(diag, DIAG_WARNING, e->d_name, 0, "cannot remove: %s", strerror(errno));
        }
    }
    (void)closedir(d);
}
