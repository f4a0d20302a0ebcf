// SPDX-License-Identifier: Apache-2.0
/*
 * sekisho defs info, list, find, check: what a definition set holds, for people and as JSON.
 *
 * Text from the set (names, META) may come from anybody, so it is escaped before it meets a
 * terminal. list and find with --json print one object a line, as a set has millions of names;
 * info and check print one object.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/json.h"
#include "cli/defs_common.h"
#include "cli/intl.h"
#include "cli/say.h"
#include "crypto/digest.h"
#include "defs/query.h"

static int print_buf(struct buf *b, sk_err err) {
    if (!sk_failed(err)) {
        (void)fwrite(b->data, 1, b->len, stdout);
    }
    buf_release(b);
    return sk_failed(err) ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

/* ---- info ----------------------------------------------------------------------------------- */

struct meta_print {
    struct buf *out;
    struct json *json; /* NULL: text */
    const char *key;   /* only lines of this key; NULL: all but sources and warnings */
    sk_err err;
    bool open_line; /* a line of print_kind is not ended yet */
};

static bool key_is(struct sk_bytes key, const char *text) {
    return key.len == strlen(text) && memcmp(key.ptr, text, key.len) == 0;
}

static bool print_meta(void *ctx, struct sk_bytes key, struct sk_bytes value) {
    struct meta_print *m = ctx;
    bool repeated = key_is(key, "source") || key_is(key, "warning");
    if (m->key != NULL ? !key_is(key, m->key) : repeated) {
        return true;
    }
    if (m->json != NULL) {
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", (int)key.len, (const char *)key.ptr);
        json_strn(m->json, m->key != NULL ? NULL : name, (const char *)value.ptr, value.len);
        return true;
    }
    m->err = buf_printf(m->out, "  %.*s: ", (int)key.len, (const char *)key.ptr);
    if (!sk_failed(m->err)) {
        m->err = buf_put_escaped(m->out, (const char *)value.ptr, value.len);
    }
    if (!sk_failed(m->err)) {
        m->err = buf_puts(m->out, "\n");
    }
    return !sk_failed(m->err);
}

/* One line for each kind of source file: what was in it, what was taken, why the rest was not. META
 * has the keys kind.K.lines, .taken and .skipped.REASON of one kind behind each other. */
static bool print_kind(void *ctx, struct sk_bytes key, struct sk_bytes value) {
    struct meta_print *m = ctx;
    char text[96];
    char word[32] = "";
    char what[48] = "";
    int value_len = (int)(value.len < 24 ? value.len : 24);
    (void)snprintf(text, sizeof text, "%.*s", (int)key.len, (const char *)key.ptr);
    if (sscanf(text, "kind.%31[^.].%47s", word, what) != 2) {
        return true;
    }
    const char *number = (const char *)value.ptr;
    if (strcmp(what, "lines") == 0) {
        m->err = buf_printf(m->out, _("  .%s: %.*s lines"), word, value_len, number);
    } else if (strcmp(what, "taken") == 0) {
        m->err = buf_printf(m->out, _(", %.*s taken"), value_len, number);
    } else {
        const char *dot = strchr(what, '.');
        m->err = buf_printf(m->out, ", %.*s %s", value_len, number, dot != NULL ? dot + 1 : what);
    }
    m->open_line = true;
    return !sk_failed(m->err);
}

static bool print_kind_lines(void *ctx, struct sk_bytes key, struct sk_bytes value) {
    struct meta_print *m = ctx;
    bool first = key.len > 6 && memcmp(&key.ptr[key.len - 6], ".lines", 6) == 0;
    if (m->open_line && (first || key.len < 5 || memcmp(key.ptr, "kind.", 5) != 0)) {
        m->open_line = false;
        m->err = buf_puts(m->out, "\n");
    }
    return !sk_failed(m->err) && print_kind(ctx, key, value);
}

static sk_err info_json(const struct defset *set, const char *path, struct buf *out) {
    struct json j;
    json_init(&j, out);
    json_open(&j, NULL, '{');
    json_str(&j, "path", path);
    json_u64(&j, "signatures", defset_signature_count(set));
    json_open(&j, "segments", '[');
    for (unsigned i = 0; i < defset_count(set); i++) {
        const struct image *img = defset_image(set, i);
        const struct img_header *h = image_header(img);
        char identity[IMAGE_IDENTITY_HEX];
        TRY(image_identity(img, NULL, identity));
        json_open(&j, NULL, '{');
        json_str(&j, "name", h->name);
        json_bool(&j, "official", (h->flags & IMG_OFFICIAL) != 0);
        json_str(&j, "identity", identity);
        json_u64(&j, "version", h->source_version);
        json_u64(&j, "time", h->source_time);
        json_u64(&j, "hashes", h->count_hash);
        json_u64(&j, "bodies", h->count_body);
        json_u64(&j, "allow", h->count_allow);
        json_u64(&j, "skipped", h->count_skipped);
        json_u64(&j, "bytes", h->file_len);
        struct meta_print m = {.json = &j, .key = "source"};
        json_open(&j, "sources", '[');
        query_meta(img, print_meta, &m);
        json_close(&j, ']');
        m.key = NULL;
        json_open(&j, "meta", '{');
        query_meta(img, print_meta, &m);
        json_close(&j, '}');
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
    TRY(j.err);
    return buf_puts(out, "\n");
}

static void format_time(uint64_t when, char out[32]) {
    time_t t = (time_t)when;
    struct tm tm;
    if (when == 0 || gmtime_r(&t, &tm) == NULL ||
        strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0) {
        (void)snprintf(out, 32, "-");
    }
}

static sk_err info_segment(const struct image *img, const struct defs_settings *s,
                           struct buf *out) {
    const struct img_header *h = image_header(img);
    char when[32];
    struct meta_print m = {.out = out, .key = "source"};
    format_time(h->source_time, when);
    TRY(buf_printf(
        out,
        _("%s: %llu signatures (hashes: %llu, patterns: %llu), allow-list entries: %llu, "
          "lines not taken: %llu\n"),
        h->name, (unsigned long long)(h->count_hash + h->count_body),
        (unsigned long long)h->count_hash, (unsigned long long)h->count_body,
        (unsigned long long)h->count_allow, (unsigned long long)h->count_skipped));
    if (h->source_version != 0 || h->source_time != 0) {
        TRY(buf_printf(out, _("  version %u of %s\n"), h->source_version, when));
    }
    TRY(buf_puts(out, (h->flags & IMG_OFFICIAL) != 0 ? _("  official names\n")
                                                     : _("  names end in .UNOFFICIAL\n")));
    query_meta(img, print_meta, &m);
    TRY(m.err);
    query_meta(img, print_kind_lines, &m);
    TRY(m.err);
    if (m.open_line) {
        TRY(buf_puts(out, "\n"));
    }
    if (s->verbose) {
        m.key = NULL;
        query_meta(img, print_meta, &m);
        m.key = "warning";
        query_meta(img, print_meta, &m);
    }
    return m.err;
}

static sk_err info_text(const struct defset *set, const char *path, const struct defs_settings *s,
                        struct buf *out) {
    TRY(buf_puts(out, _("Definitions: ")));
    TRY(buf_put_escaped(out, path, strlen(path)));
    TRY(buf_printf(out,
                   ngettext("\nSignatures: %llu in %u segment\n",
                            "\nSignatures: %llu in %u segments\n", defset_count(set)),
                   (unsigned long long)defset_signature_count(set), defset_count(set)));
    for (unsigned i = 0; i < defset_count(set); i++) {
        TRY(info_segment(defset_image(set, i), s, out));
    }
    return sk_ok();
}

int defs_info(const struct defset *set, const char *path, const struct defs_settings *s) {
    struct buf out = {0};
    sk_err err = s->json ? info_json(set, path, &out) : info_text(set, path, s, &out);
    if (sk_failed(err)) {
        say_error(path, "%s", intl_text(sk_err_text(err)));
    }
    return print_buf(&out, err);
}

/* ---- list, find ------------------------------------------------------------------------------ */

struct list_print {
    const struct defs_settings *s;
    struct buf line;
    bool details;
};

static sk_err signature_json(struct buf *line, const struct query_signature *sig) {
    static const char *const algo[HS_ALGO_COUNT] = {"md5", "sha1", "sha256"};
    struct json j;
    char hex[2 * CRYPTO_DIGEST_MAX + 1];
    json_init(&j, line);
    json_open(&j, NULL, '{');
    json_str(&j, "name", sig->name);
    json_str(&j, "kind", query_kind_text(sig->kind));
    json_str(&j, "segment", sig->segment);
    json_bool(&j, "ignored", sig->ignored);
    if (sig->digest != NULL) {
        crypto_hex(sig->digest, hs_digest_bytes(sig->algo), hex);
        json_str(&j, algo[sig->algo], hex);
        if (sig->size != HS_SIZE_ANY) {
            json_u64(&j, "size", sig->size);
        }
    } else {
        json_u64(&j, "target", sig->target);
    }
    json_close(&j, '}');
    return j.err;
}

static sk_err signature_text(struct buf *line, const struct query_signature *sig, bool details) {
    TRY(buf_put_escaped(line, sig->name, strlen(sig->name)));
    if (!details) {
        return sk_ok();
    }
    TRY(buf_printf(line, "\t%s\t%s", query_kind_text(sig->kind), sig->segment));
    if (sig->digest != NULL) {
        char hex[2 * CRYPTO_DIGEST_MAX + 1];
        crypto_hex(sig->digest, hs_digest_bytes(sig->algo), hex);
        TRY(buf_printf(line, "\t%s", hex));
        TRY(sig->size == HS_SIZE_ANY ? buf_puts(line, ":*") : buf_printf(line, ":%u", sig->size));
    }
    return sig->ignored ? buf_printf(line, "\t%s", _("ignored")) : sk_ok();
}

static sk_err print_signature(void *ctx, const struct query_signature *sig) {
    struct list_print *p = ctx;
    buf_clear(&p->line);
    TRY(p->s->json ? signature_json(&p->line, sig) : signature_text(&p->line, sig, p->details));
    TRY(buf_puts(&p->line, "\n"));
    size_t put = fwrite(p->line.data, 1, p->line.len, stdout);
    return put == p->line.len ? sk_ok() : sk_fail(SK_E_IO);
}

int defs_list(const struct defset *set, const char *name, const struct defs_settings *s) {
    struct list_print p = {.s = s, .details = name != NULL || s->verbose};
    struct query_filter filter = {.text = name, .part = s->part};
    uint64_t count = 0;
    sk_err err = query_signatures(set, &filter, print_signature, &p, &count);
    buf_release(&p.line);
    if (sk_failed(err)) {
        say_error(NULL, _("the list is not complete: %s"), intl_text(sk_err_text(err)));
        return EXIT_INCOMPLETE;
    }
    if (name != NULL && count == 0) {
        if (!s->quiet && !s->json) {
            say_error(name, _("no signature of this name"));
        }
        return EXIT_FOUND;
    }
    return EXIT_CLEAN;
}

/* ---- check ----------------------------------------------------------------------------------- */

static sk_err check_set(const char *path, struct diag *diag, unsigned *out_segments) {
    struct defset *set = NULL;
    TRY(defset_open(path, diag, &set));
    sk_err err = sk_ok();
    for (unsigned i = 0; i < defset_count(set) && !sk_failed(err); i++) {
        err = image_verify(defset_image(set, i), diag);
    }
    *out_segments = defset_count(set);
    defset_close(set);
    return err;
}

int defs_check(const char *path, const struct defs_settings *s) {
    struct diag diag = say_diag(s->verbose);
    unsigned segments = 0;
    sk_err err = check_set(path, &diag, &segments);
    if (s->json) {
        struct buf out = {0};
        struct json j;
        json_init(&j, &out);
        json_open(&j, NULL, '{');
        json_str(&j, "path", path);
        json_bool(&j, "ok", !sk_failed(err));
        json_u64(&j, "segments", segments);
        json_close(&j, '}');
        sk_err put = sk_failed(j.err) ? j.err : buf_puts(&out, "\n");
        int code = print_buf(&out, put);
        if (code != EXIT_CLEAN) {
            return code;
        }
    } else if (!sk_failed(err) && !s->quiet) {
        (void)printf(
            ngettext("%u segment is whole: checksums, digests and references are right\n",
                     "%u segments are whole: checksums, digests and references are right\n",
                     segments),
            segments);
    }
    if (err.code == SK_E_FORMAT || err.code == SK_E_BAD_SIGNATURE) {
        return EXIT_FOUND;
    }
    return sk_failed(err) ? EXIT_INCOMPLETE : EXIT_CLEAN;
}
