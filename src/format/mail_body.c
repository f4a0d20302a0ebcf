// SPDX-License-Identifier: Apache-2.0
/*
 * One leaf of a mail as a member.
 *
 *     source [start, end) --base64 | quoted-printable--> bytes ----------------> member
 *                                                          \--charset--> UTF-8 -> member again
 *
 * Encoded content is read once before it is given (survey): rules about members ask for its size,
 * and whether base64 can be read in a second way or text needs a second reading in UTF-8 must be
 * known then. Decoding is cheap beside the search. Content that is not encoded is a slice of the
 * mail and is scanned in place.
 *
 * UTF-8 comes beside the bytes, not instead of them: signatures for either shall match. Text that
 * says nothing of its character set but switches sets by escape sequences is taken for ISO-2022-JP,
 * which mail of the eighties and today's worms have in common.
 */
#include "format/mail_parts.h"

#include <string.h>

#include "codec/codec.h"

#define CHUNK_BYTES ((size_t)16 * 1024)
#define CHARSETS_TOLD_MAX 8u

struct survey {
    uint64_t size;
    bool odd;    /* base64 with letters behind padding */
    bool high;   /* a byte above 127 */
    bool escape; /* ESC $ or ESC ( */
    bool plus;   /* how UTF-7 begins its runs */
};

/* The decoders of one leaf. */
struct chain {
    struct sk_source_stream raw;
    struct sk_stream *decoder; /* NULL: plain */
    struct sk_stream *charset; /* NULL: not converted */
};

static sk_err chain_open(struct mail *m, const struct mail_leaf *leaf, struct chain *out) {
    struct mail_range r = leaf->range;
    *out = (struct chain){0};
    struct sk_stream *raw = sk_source_stream_init(&out->raw, m->src, r.start, r.end - r.start);
    switch (leaf->encoding) {
    case MAIL_BASE64:
        return sk_base64_open(raw, SK_BASE64_GO_ON, &out->decoder);
    case MAIL_BASE64_IGNORE:
        return sk_base64_open(raw, SK_BASE64_IGNORE, &out->decoder);
    case MAIL_BASE64_LINE:
        return sk_base64_open(raw, SK_BASE64_LINE, &out->decoder);
    case MAIL_BASE64_STOP:
        return sk_base64_open(raw, SK_BASE64_STOP, &out->decoder);
    case MAIL_QUOTED:
        return sk_quoted_open(raw, &out->decoder);
    default:
        return sk_ok();
    }
}

static struct sk_stream *chain_end(struct chain *chain) {
    struct sk_stream *s = chain->decoder == NULL ? &chain->raw.base : chain->decoder;
    return chain->charset == NULL ? s : chain->charset;
}

static void chain_close(struct chain *chain) {
    sk_stream_close(chain->charset);
    sk_stream_close(chain->decoder);
}

/* *before: the last byte of the chunk before this one. */
static void look_at(struct survey *s, const uint8_t *p, size_t len, uint8_t *before) {
    s->size += len;
    for (size_t i = 0; i < len; i++) {
        s->high = s->high || p[i] >= 0x80;
        s->plus = s->plus || p[i] == '+';
        s->escape = s->escape || (*before == 0x1b && (p[i] == '$' || p[i] == '('));
        *before = p[i];
    }
}

static sk_err take_survey(struct mail *m, const struct mail_leaf *leaf, struct survey *out) {
    *out = (struct survey){.size = leaf->range.end - leaf->range.start};
    if (leaf->encoding == MAIL_PLAIN && !leaf->text) {
        return sk_ok();
    }
    struct chain chain;
    uint8_t *chunk = arena_alloc(walk_arena(m->walk), CHUNK_BYTES);
    sk_err err = chunk == NULL ? sk_fail(SK_E_NOMEM) : chain_open(m, leaf, &chain);
    if (sk_failed(err)) {
        return err;
    }
    uint8_t before = 0;
    size_t got = 1;
    out->size = 0;
    while (!sk_failed(err) && got > 0) {
        err = walk_tick(m->walk);
        if (!sk_failed(err)) {
            err = sk_stream_read(chain_end(&chain), chunk, CHUNK_BYTES, &got);
        }
        if (!sk_failed(err)) {
            look_at(out, chunk, got, &before);
        }
    }
    out->odd = leaf->encoding == MAIL_BASE64 && sk_base64_odd(chain.decoder);
    chain_close(&chain);
    return err;
}

/* ---- character sets ---- */

/* Sets in which even ASCII is written with other bytes. */
static bool is_wide(struct sk_bytes name) {
    static const char *const WIDE[] = {"16", "32", "ucs", "unicode", "037", "500"};
    size_t at;
    for (size_t i = 0; i < sizeof(WIDE) / sizeof(WIDE[0]); i++) {
        if (mail_word_in(name, WIDE[i], &at)) {
            return true;
        }
    }
    return false;
}

/* The set to convert from; empty: the bytes say it all. */
static struct sk_bytes charset_for(const struct mail_leaf *leaf, const struct survey *s) {
    static const char JAPANESE[] = "iso-2022-jp";
    struct sk_bytes none = {NULL, 0};
    size_t at;
    if (!leaf->text) {
        return none;
    }
    if (leaf->charset.len == 0 || !sk_charset_known(leaf->charset)) {
        struct sk_bytes japanese = {(const uint8_t *)JAPANESE, sizeof(JAPANESE) - 1};
        return s->escape ? japanese : none;
    }
    bool needed = s->high || s->escape || is_wide(leaf->charset) ||
                  (s->plus && mail_word_in(leaf->charset, "utf-7", &at));
    return needed ? leaf->charset : none;
}

static void tell_charset(struct mail *m, struct sk_bytes charset) {
    if (m->charsets_told < CHARSETS_TOLD_MAX) {
        m->charsets_told++;
        walk_fact(m->walk, SK_FACT_CHARSET, (const char *)charset.ptr, charset.len);
    }
}

/* ---- giving ---- */

static struct sk_child child_of(struct mail *m, const struct mail_leaf *leaf, uint64_t size) {
    struct sk_child child = {.name = (const char *)leaf->name.ptr,
                             .name_len = leaf->name.len,
                             .packed_size = leaf->range.end - leaf->range.start,
                             .size = size,
                             .index = m->index++,
                             .as = leaf->as};
    return child;
}

static sk_err give_bytes(struct mail *m, const struct mail_leaf *leaf, uint64_t size) {
    struct sk_child child = child_of(m, leaf, size);
    if (leaf->encoding == MAIL_PLAIN) {
        child.is_slice = true;
        child.slice_off = leaf->range.start;
        child.slice_len = leaf->range.end - leaf->range.start;
        return walk_child(m->walk, &child, NULL);
    }
    struct chain chain;
    TRY(chain_open(m, leaf, &chain));
    sk_err err = walk_child(m->walk, &child, chain_end(&chain));
    chain_close(&chain);
    return err;
}

static sk_err give_utf8(struct mail *m, const struct mail_leaf *leaf, struct sk_bytes charset) {
    struct chain chain;
    TRY(chain_open(m, leaf, &chain));
    sk_err err = sk_charset_open(chain_end(&chain), charset, &chain.charset);
    if (err.code == SK_E_UNSUPPORTED) { /* tables missing: the bytes have been scanned */
        chain_close(&chain);
        return sk_ok();
    }
    if (!sk_failed(err)) {
        struct sk_child child = child_of(m, leaf, SK_SIZE_UNKNOWN);
        err = walk_child(m->walk, &child, chain.charset);
    }
    chain_close(&chain);
    return err;
}

static sk_err give_reading(struct mail *m, const struct mail_leaf *leaf, bool *out_odd) {
    struct survey survey;
    TRY(take_survey(m, leaf, &survey));
    *out_odd = survey.odd;
    if (survey.size == 0 ||
        !mail_is_new(m, leaf->range, (unsigned)leaf->encoding | (unsigned)leaf->as << 8)) {
        return sk_ok();
    }
    TRY(give_bytes(m, leaf, survey.size));
    struct sk_bytes charset = charset_for(leaf, &survey);
    if (charset.len == 0) {
        return sk_ok();
    }
    tell_charset(m, charset);
    return give_utf8(m, leaf, charset);
}

sk_err mail_leaf_give(struct mail *m, const struct mail_leaf *leaf) {
    static const enum mail_encoding others[] = {MAIL_BASE64_STOP, MAIL_BASE64_IGNORE,
                                                MAIL_BASE64_LINE};
    bool odd = false;
    if (leaf->range.start >= leaf->range.end) {
        return sk_ok();
    }
    TRY(give_reading(m, leaf, &odd));
    if (!odd) {
        return sk_ok();
    }
    struct mail_leaf other = *leaf;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        other.encoding = others[i];
        TRY(give_reading(m, &other, &odd));
    }
    return sk_ok();
}
