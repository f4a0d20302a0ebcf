// SPDX-License-Identifier: Apache-2.0
/*
 * The active set: every segment of a manifest, opened together or not at all.
 *
 *   path --is a directory--> manifest -> image_open + identity, one a row -> set
 *        --is a file-------> image_open ---------------------------------> set of one
 *
 * The identity in the manifest ties the set together: an image whose header and section digests
 * give another identity, or that names another segment, is refused. Between reading the manifest
 * and opening its images the updater may swap both; then an image is missing while the manifest
 * has changed, and opening starts again. After OPEN_TRIES changes in a row something else is wrong.
 *
 * Ignore lists act across segments, so defset_ignores asks every image.
 */
#include "defs/defset.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "defs/manifest.h"
#include "os/file.h"

#define OPEN_TRIES 8

struct defset {
    unsigned count;
    struct image *image[DEFSET_SEGMENT_MAX];
};

static sk_err open_row(const char *dir, const struct manifest_row *row, struct diag *diag,
                       struct image **out_image) {
    struct buf path = {0};
    struct image *img = NULL;
    char identity[IMAGE_IDENTITY_HEX];
    sk_err err = buf_printf(&path, "%s/%s", dir, row->file);
    if (!sk_failed(err)) {
        err = image_open(buf_text(&path), diag, &img);
    }
    if (!sk_failed(err)) {
        err = image_identity(img, diag, identity);
    }
    if (!sk_failed(err) && (strcmp(identity, row->identity) != 0 ||
                            strcmp(image_header(img)->name, row->segment) != 0)) {
        diag_say(diag, DIAG_ERROR, buf_text(&path), 0, "is not the image the manifest names");
        err = sk_fail(SK_E_FORMAT);
    }
    buf_release(&path);
    if (sk_failed(err)) {
        image_close(img);
        return err;
    }
    *out_image = img;
    return sk_ok();
}

static void clear(struct defset *set) {
    for (unsigned i = 0; i < set->count; i++) {
        image_close(set->image[i]);
    }
    set->count = 0;
}

static sk_err open_manifest(const char *dir, const struct manifest *m, struct diag *diag,
                            struct defset *set) {
    for (unsigned i = 0; i < m->count; i++) {
        sk_err err = open_row(dir, &m->row[i], diag, &set->image[i]);
        if (sk_failed(err)) {
            clear(set);
            return err;
        }
        set->count = i + 1;
    }
    return sk_ok();
}

static sk_err open_dir(const char *dir, struct diag *diag, struct defset *set) {
    struct manifest m;
    TRY(manifest_read(dir, diag, &m));
    if (m.count == 0) {
        diag_say(diag, DIAG_ERROR, dir, 0, "the manifest names no definitions");
        return sk_fail(SK_E_NOTFOUND);
    }
    for (unsigned tries = 1; tries < OPEN_TRIES; tries++) {
        /* Silent: when it fails for good, the last round tells why. */
        sk_err err = open_manifest(dir, &m, NULL, set);
        if (!sk_failed(err)) {
            return err;
        }
        struct manifest again;
        TRY(manifest_read(dir, diag, &again));
        bool same = again.count == m.count;
        for (unsigned i = 0; same && i < m.count; i++) {
            same = strcmp(again.row[i].file, m.row[i].file) == 0;
        }
        if (same) {
            break;
        }
        m = again;
    }
    sk_err err = open_manifest(dir, &m, diag, set);
    /* The directory has a manifest: a missing image is damage, not absence. */
    return err.code == SK_E_NOTFOUND ? sk_fail(SK_E_FORMAT) : err;
}

sk_err defset_open(const char *path, struct diag *diag, struct defset **out_set) {
    struct stat st;
    if (stat(path, &st) != 0) {
        diag_say(diag, DIAG_ERROR, path, 0, "%s", strerror(errno));
        return file_err(errno);
    }
    if (S_ISDIR(st.st_mode) && (st.st_mode & S_IWOTH) != 0) {
        diag_say(diag, DIAG_ERROR, path, 0, "is writable by everybody: not trusted");
        return sk_fail(SK_E_PERM);
    }
    struct defset *set = mem_zalloc(1, sizeof *set);
    if (set == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err;
    if (S_ISDIR(st.st_mode)) {
        err = open_dir(path, diag, set);
    } else {
        err = image_open(path, diag, &set->image[0]);
        set->count = sk_failed(err) ? 0 : 1;
    }
    if (sk_failed(err)) {
        mem_free(set);
        return err;
    }
    *out_set = set;
    return sk_ok();
}

void defset_close(struct defset *set) {
    if (set != NULL) {
        clear(set);
        mem_free(set);
    }
}

void defset_keep_official(struct defset *set) {
    unsigned kept = 0;
    for (unsigned i = 0; i < set->count; i++) {
        if ((image_header(set->image[i])->flags & IMG_OFFICIAL) != 0) {
            set->image[kept++] = set->image[i];
        } else {
            image_close(set->image[i]);
        }
    }
    set->count = kept;
}

unsigned defset_count(const struct defset *set) {
    return set->count;
}

const struct image *defset_image(const struct defset *set, unsigned index) {
    return index < set->count ? set->image[index] : NULL;
}

uint64_t defset_signature_count(const struct defset *set) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < set->count; i++) {
        const struct img_header *h = image_header(set->image[i]);
        sum += h->count_hash + h->count_body;
    }
    return sum;
}

bool defset_ignores(const struct defset *set, const char *name) {
    for (unsigned i = 0; i < set->count; i++) {
        if (image_ignores(set->image[i], name)) {
            return true;
        }
    }
    return false;
}
