// SPDX-License-Identifier: Apache-2.0
/*
 * sekisho defs normalise KIND FILE DIR: what signatures are written against, as files, under the
 * names that sigtool gives them where it has one.
 *
 *     html        nocomment.html, notags.html, javascript
 *     javascript  javascript     (FILE is a script without HTML around it)
 *     text        normalised_text
 *     utf16       utf16_text     (sigtool: FILE.ascii)
 *
 * The bytes are those of the engine's views: the same code makes them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/defs_common.h"
#include "cli/intl.h"
#include "cli/say.h"
#include "norm/html.h"
#include "norm/js.h"
#include "norm/text.h"
#include "norm/utf16.h"

#define CHUNK_BYTES ((size_t)64 * 1024)

struct work {
    const char *dir;
    FILE *in;
    FILE *out[SK_HTML_OUT_COUNT];
    uint8_t chunk[CHUNK_BYTES];
};

/* 0 at the end of the file. */
static size_t next_chunk(struct work *w) {
    return fread(w->chunk, 1, sizeof(w->chunk), w->in);
}

static sk_err put_file(FILE *file, const uint8_t *bytes, size_t len) {
    return fwrite(bytes, 1, len, file) == len ? sk_ok() : sk_fail(SK_E_IO);
}

static sk_err put_html(void *ctx, enum sk_html_out out, const uint8_t *bytes, size_t len) {
    struct work *w = ctx;
    return put_file(w->out[out], bytes, len);
}

static sk_err put_script(void *ctx, const uint8_t *bytes, size_t len) {
    struct work *w = ctx;
    return put_file(w->out[0], bytes, len);
}

static sk_err make_html(struct work *w) {
    const struct sk_html_events events = {.put = put_html, .ctx = w};
    struct sk_norm_html *html;
    size_t len;
    TRY(sk_norm_html_new(&events, &html));
    sk_err err = sk_ok();
    while (!sk_failed(err) && (len = next_chunk(w)) > 0) {
        err = sk_norm_html_feed(html, w->chunk, len);
    }
    if (!sk_failed(err)) {
        err = sk_norm_html_finish(html);
    }
    sk_norm_html_free(html);
    return err;
}

static sk_err make_script(struct work *w) {
    static const char END[] = "</script>";
    struct sk_norm_js *js;
    size_t len;
    TRY(sk_norm_js_new(&js));
    sk_err err = sk_ok();
    while (!sk_failed(err) && (len = next_chunk(w)) > 0) {
        err = sk_norm_js_feed(js, w->chunk, len);
    }
    if (!sk_failed(err)) {
        err = sk_norm_js_feed(js, (const uint8_t *)END, sizeof(END) - 1);
    }
    if (!sk_failed(err)) {
        err = sk_norm_js_finish(js, put_script, w);
    }
    sk_norm_js_free(js);
    return err;
}

static sk_err make_text(struct work *w) {
    struct sk_norm_text text = {0};
    size_t len;
    while ((len = next_chunk(w)) > 0) {
        TRY(put_file(w->out[0], w->chunk, sk_norm_text_feed(&text, w->chunk, len, w->chunk)));
    }
    return sk_ok();
}

static sk_err make_utf16(struct work *w) {
    struct sk_norm_utf16 text = {.as_sigtool = true};
    size_t len;
    while ((len = next_chunk(w)) > 0) {
        TRY(put_file(w->out[0], w->chunk, sk_norm_utf16_feed(&text, w->chunk, len, w->chunk)));
    }
    return sk_ok();
}

static const struct kind {
    const char *name;
    sk_err (*make)(struct work *w);
    const char *file[SK_HTML_OUT_COUNT]; /* NULL: no more */
} KINDS[] = {
    {"html", make_html, {"nocomment.html", "notags.html", "javascript"}},
    {"javascript", make_script, {"javascript"}},
    {"text", make_text, {"normalised_text"}},
    {"utf16", make_utf16, {"utf16_text"}},
};

static FILE *open_output(const char *dir, const char *name) {
    struct buf path = {0};
    FILE *file = NULL;
    if (!sk_failed(buf_printf(&path, "%s/%s", dir, name))) {
        file = fopen(buf_text(&path), "wbe");
    }
    if (file == NULL) {
        say_error(buf_text(&path), _("cannot be written: %s"), strerror(errno));
    }
    buf_release(&path);
    return file;
}

static bool open_outputs(struct work *w, const struct kind *kind) {
    if (mkdir(w->dir, 0777) != 0 && errno != EEXIST) {
        say_error(w->dir, _("cannot be written: %s"), strerror(errno));
        return false;
    }
    for (unsigned i = 0; i < SK_HTML_OUT_COUNT && kind->file[i] != NULL; i++) {
        w->out[i] = open_output(w->dir, kind->file[i]);
        if (w->out[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* False: something did not reach its file. */
static bool close_outputs(struct work *w) {
    bool good = true;
    for (unsigned i = 0; i < SK_HTML_OUT_COUNT; i++) {
        good = (w->out[i] == NULL || fclose(w->out[i]) == 0) && good;
    }
    return good;
}

static int normalise(const struct kind *kind, const char *file, const char *dir) {
    static struct work w;
    w = (struct work){.dir = dir, .in = fopen(file, "rbe")};
    if (w.in == NULL) {
        say_error(file, _("cannot be read: %s"), strerror(errno));
        return EXIT_INCOMPLETE;
    }
    sk_err err = open_outputs(&w, kind) ? kind->make(&w) : sk_fail(SK_E_IO);
    bool read = ferror(w.in) == 0;
    (void)fclose(w.in);
    bool written = close_outputs(&w);
    if (sk_failed(err) || !read || !written) {
        say_error(file, _("not normalised: %s"),
                  intl_text(sk_err_text(sk_failed(err) ? err : sk_fail(SK_E_IO))));
        return EXIT_INCOMPLETE;
    }
    return EXIT_CLEAN;
}

int defs_normalise(const char *kind, const char *file, const char *dir) {
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        if (strcmp(KINDS[i].name, kind) == 0) {
            return normalise(&KINDS[i], file, dir);
        }
    }
    say_error(kind, _("expected html, javascript, text or utf16"));
    return EXIT_WRONG_USAGE;
}
