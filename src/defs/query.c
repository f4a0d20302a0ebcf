// SPDX-License-Identifier: Apache-2.0
/*
 * Walking a definition set for people.
 *
 * Names are referenced by eight million records in random order, so a search does not decode a name
 * for each record. It reads the names once, front to back, and marks the references that fit; then
 * it passes over records and signatures and looks only at the mark. Without a search text nothing
 * is marked and every record's name is decoded.
 */
#include "defs/query.h"

#include <stdio.h>

#include "base/mem.h"

static const char suffix[] = ".UNOFFICIAL";

struct query_walk {
    const struct defset *set;
    const struct image *img;
    query_fn seen;
    void *ctx;
    const struct query_filter *filter; /* for what has no name; NULL: all */
    uint64_t *marks;                   /* one bit a byte of IMG_NAMES; NULL: all */
    bool any_ignores;
    struct buf name;
    uint64_t count;
};

const char *query_kind_text(enum query_kind kind) {
    static const char *const text[QUERY_KIND_COUNT] = {
        "file hash", "section hash", "import hash", "allow list", "body", "logical",
        "member",    "certificate",  "link",        "address",    "icon"};
    return (unsigned)kind < QUERY_KIND_COUNT ? text[kind] : "?";
}

/* ---- names that fit ------------------------------------------------------------------------- */

static bool name_fits(const struct query_filter *f, size_t text_len, const struct buf *name) {
    if (f->part) {
        return memmem(name->data, name->len, f->text, text_len) != NULL;
    }
    return name->len == text_len && memcmp(name->data, f->text, text_len) == 0;
}

static sk_err mark_names(struct query_walk *w, const struct query_filter *f) {
    const struct names_view *names = image_names(w->img);
    size_t tail = sizeof suffix - 1;
    size_t text_len = strlen(f->text);
    if (text_len > tail && strcmp(&f->text[text_len - tail], suffix) == 0) {
        text_len -= tail;
    }
    w->marks = mem_zalloc(names->name.len / 64 + 1, sizeof *w->marks);
    if (w->marks == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    uint32_t ref = 0;
    while (ref < names->name.len) {
        uint32_t next = 0;
        buf_clear(&w->name);
        TRY(names_decode(names, ref, &w->name, &next));
        if (name_fits(f, text_len, &w->name)) {
            w->marks[ref / 64] |= (uint64_t)1 << (ref % 64);
        }
        ref = next;
    }
    return sk_ok();
}

static bool is_marked(const struct query_walk *w, uint32_t ref) {
    if (w->marks == NULL) {
        return true;
    }
    return ref < image_names(w->img)->name.len && (w->marks[ref / 64] >> (ref % 64) & 1) != 0;
}

/* ---- walking -------------------------------------------------------------------------------- */

static sk_err tell(struct query_walk *w, uint32_t ref, struct query_signature *sig) {
    buf_clear(&w->name);
    TRY(names_decode(image_names(w->img), ref, &w->name, NULL));
    sig->ignored = w->any_ignores && defset_ignores(w->set, buf_text(&w->name));
    buf_clear(&w->name);
    TRY(image_name(w->img, ref, &w->name));
    sig->name = buf_text(&w->name);
    sig->segment = image_header(w->img)->name;
    sig->image = w->img;
    w->count++;
    return w->seen(w->ctx, sig);
}

static sk_err walk_set(struct query_walk *w, const struct hs_set *set, enum query_kind kind) {
    size_t digest_bytes = hs_digest_bytes(set->algo);
    size_t each = hs_record_bytes(set->algo);
    size_t per_page = HS_PAGE_BYTES / each;
    for (size_t i = 0; i < set->record_count; i++) {
        const uint8_t *record = &set->record[i / per_page * HS_PAGE_BYTES + i % per_page * each];
        uint32_t ref = sk_load_u32le(&record[digest_bytes + 4]);
        if (is_marked(w, ref)) {
            struct query_signature sig = {.kind = kind,
                                          .algo = set->algo,
                                          .digest = record,
                                          .size = sk_load_u32le(&record[digest_bytes])};
            TRY(tell(w, ref, &sig));
        }
    }
    return sk_ok();
}

/* What stands for a name in rules that have none. */
static sk_err tell_nameless(struct query_walk *w, struct query_signature *sig) {
    if (w->filter != NULL && w->filter->text != NULL &&
        !name_fits(w->filter, strlen(w->filter->text), &w->name)) {
        return sk_ok();
    }
    sig->name = buf_text(&w->name);
    sig->segment = image_header(w->img)->name;
    sig->image = w->img;
    w->count++;
    return w->seen(w->ctx, sig);
}

static sk_err walk_links(struct query_walk *w, const struct rules *rules) {
    for (uint32_t i = 0; i < rules->link_count; i++) {
        struct query_signature sig = {.kind = QUERY_LINK, .index = i};
        buf_clear(&w->name);
        const char *text = &rules->text[rules->link[i].text];
        size_t len = strlen(text);
        TRY(buf_append(&w->name, text, len > 0 ? len - 1 : 0)); /* the '/' at its end is ours */
        TRY(tell_nameless(w, &sig));
    }
    for (uint32_t i = 0; i < rules->url_count; i++) {
        struct query_signature sig = {.kind = QUERY_URL, .index = i};
        char hex[2 * RULE_URL_DIGEST + 1];
        for (unsigned k = 0; k < RULE_URL_DIGEST; k++) {
            (void)snprintf(&hex[2 * k], 3, "%02x", rules->url[i].digest[k]);
        }
        buf_clear(&w->name);
        TRY(buf_puts(&w->name, hex));
        TRY(tell_nameless(w, &sig));
    }
    return sk_ok();
}

static sk_err walk_image(struct query_walk *w) {
    static const enum query_kind kind[HS_ROLE_COUNT] = {QUERY_FILE_HASH, QUERY_SECTION_HASH,
                                                        QUERY_IMPORT_HASH, QUERY_ALLOW};
    for (int algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (int role = 0; role < HS_ROLE_COUNT; role++) {
            TRY(walk_set(w, image_hashes(w->img, (enum hs_algo)algo, (enum hs_role)role),
                         kind[role]));
        }
    }
    const struct mt_segment *seg = image_segment(w->img);
    for (uint32_t i = 0; i < seg->sig_count; i++) {
        const struct mt_sig *s = &seg->sig[i];
        if (is_marked(w, s->name) && (s->flags & MT_SIG_TYPE) == 0) {
            struct query_signature sig = {.kind = (s->flags & MT_SIG_LOGICAL) != 0 ? QUERY_LOGICAL
                                                                                   : QUERY_BODY,
                                          .target = s->target,
                                          .index = i};
            TRY(tell(w, s->name, &sig));
        }
    }
    const struct rules *rules = image_rules(w->img);
    for (uint32_t i = 0; i < rules->member_count; i++) {
        if (is_marked(w, rules->member[i].name)) {
            struct query_signature sig = {.kind = QUERY_MEMBER, .index = i};
            TRY(tell(w, rules->member[i].name, &sig));
        }
    }
    for (uint32_t i = 0; i < rules->cert_count; i++) {
        if (is_marked(w, rules->cert[i].name)) {
            struct query_signature sig = {.kind = QUERY_CERTIFICATE, .index = i};
            TRY(tell(w, rules->cert[i].name, &sig));
        }
    }
    for (uint32_t i = 0; i < rules->icon_count; i++) {
        if (is_marked(w, rules->icon[i].name)) {
            struct query_signature sig = {.kind = QUERY_ICON, .index = i};
            TRY(tell(w, rules->icon[i].name, &sig));
        }
    }
    return walk_links(w, rules);
}

static bool has_ignores(const struct defset *set) {
    for (unsigned i = 0; i < defset_count(set); i++) {
        if (image_has_ignores(defset_image(set, i))) {
            return true;
        }
    }
    return false;
}

sk_err query_signatures(const struct defset *set, const struct query_filter *filter, query_fn seen,
                        void *ctx, uint64_t *out_count) {
    struct query_walk w = {
        .set = set, .seen = seen, .ctx = ctx, .filter = filter, .any_ignores = has_ignores(set)};
    sk_err err = sk_ok();
    for (unsigned i = 0; i < defset_count(set) && !sk_failed(err); i++) {
        w.img = defset_image(set, i);
        if (filter != NULL && filter->text != NULL) {
            err = mark_names(&w, filter);
        }
        if (!sk_failed(err)) {
            err = walk_image(&w);
        }
        mem_free(w.marks);
        w.marks = NULL;
    }
    buf_release(&w.name);
    if (sk_failed(err) && err.code != SK_E_STOP) {
        return err;
    }
    *out_count = w.count;
    return sk_ok();
}

void query_meta(const struct image *img,
                bool (*seen)(void *ctx, struct sk_bytes key, struct sk_bytes value), void *ctx) {
    struct sk_cursor c = sk_cursor_of(image_meta(img));
    while (sk_cursor_left(&c) > 0) {
        const uint8_t *line = &c.ptr[c.pos];
        const uint8_t *nl = memchr(line, '\n', sk_cursor_left(&c));
        size_t len = nl != NULL ? (size_t)(nl - line) : sk_cursor_left(&c);
        sk_cursor_skip(&c, len + (nl != NULL));
        const uint8_t *equal = len > 0 ? memchr(line, '=', len) : NULL;
        if (equal == NULL) {
            continue;
        }
        size_t key = (size_t)(equal - line);
        if (!seen(ctx, (struct sk_bytes){line, key}, (struct sk_bytes){equal + 1, len - key - 1})) {
            return;
        }
    }
}
