// SPDX-License-Identifier: Apache-2.0
/*
 * Header line and inventory of a container. The header is 512 bytes of text padded with spaces; the
 * inventory repeats it (without digest and signature, which cover the inventory itself) and lists
 * the members. Unknown lines in the inventory are refused: what is not understood is not vouched
 * for.
 */
#include "defc/cvd_info.h"

#include "base/hex.h"
#include "base/mem.h"

#define SHA256_DIGITS 64u

static bool read_u64(struct sk_bytes f, uint64_t max, uint64_t *out) {
    uint64_t value = 0;
    if (f.len == 0 || f.len > 19) {
        return false;
    }
    for (size_t i = 0; i < f.len; i++) {
        if (f.ptr[i] < '0' || f.ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(f.ptr[i] - '0');
    }
    *out = value;
    return value <= max;
}

/* The text up to `mark` or the end; the cursor moves behind the mark. */
static struct sk_bytes take_until(struct sk_cursor *c, uint8_t mark) {
    size_t left = sk_cursor_left(c);
    if (left == 0) {
        return (struct sk_bytes){NULL, 0};
    }
    const uint8_t *from = &c->ptr[c->pos];
    const uint8_t *at = memchr(from, mark, left);
    size_t n = at != NULL ? (size_t)(at - from) : left;
    sk_cursor_skip(c, n + (at != NULL));
    return (struct sk_bytes){from, n};
}

bool cvd_text_parse(const char *text, size_t len, struct cvd_text *out) {
    memset(out, 0, sizeof *out);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\n' || text[len - 1] == '\0')) {
        len--;
    }
    if (len > CVD_HEADER_BYTES) {
        return false;
    }
    memcpy(out->copy, text, len);
    struct sk_cursor c = sk_cursor_make(out->copy, len);
    for (int i = 0; i < CVD_FIELD_COUNT; i++) {
        out->field[i] = take_until(&c, ':');
    }
    uint64_t version = 0;
    uint64_t signatures = 0;
    uint64_t flevel = 0;
    static const char magic[] = "ClamAV-VDB";
    bool good = out->field[0].len == sizeof magic - 1 &&
                memcmp(out->field[0].ptr, magic, sizeof magic - 1) == 0 && sk_cursor_left(&c) == 0;
    good = good && read_u64(out->field[CVD_FIELD_VERSION], UINT32_MAX, &version) &&
           read_u64(out->field[CVD_FIELD_SIGNATURES], UINT32_MAX, &signatures) &&
           read_u64(out->field[CVD_FIELD_FLEVEL], UINT32_MAX, &flevel);
    /* Very old containers have no time as a number. */
    good = good && (out->field[CVD_FIELD_TIME].len == 0 ||
                    read_u64(out->field[CVD_FIELD_TIME], INT64_MAX, &out->time));
    out->version = (uint32_t)version;
    out->signatures = (uint32_t)signatures;
    out->flevel = (uint32_t)flevel;
    return good;
}

static bool same_header(const struct cvd_text *a, const struct cvd_text *b) {
    for (int i = 0; i < CVD_FIELD_COUNT; i++) {
        bool covered = i != CVD_FIELD_MD5 && i != CVD_FIELD_DSIG;
        const struct sk_bytes *x = &a->field[i];
        const struct sk_bytes *y = &b->field[i];
        if (covered && (x->len != y->len || (x->len > 0 && memcmp(x->ptr, y->ptr, x->len) != 0))) {
            return false;
        }
    }
    return true;
}

static bool read_sha256(struct sk_bytes f, uint8_t out[32]) {
    if (f.len != SHA256_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < f.len; i += 2) {
        int high = sk_hex_digit(f.ptr[i]);
        int low = sk_hex_digit(f.ptr[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* name:size:sha256 */
static sk_err add_row(struct cvd_info *info, struct sk_bytes line) {
    struct cvd_row row = {.seen = false};
    struct sk_cursor c = sk_cursor_of(line);
    struct sk_bytes name = take_until(&c, ':');
    struct sk_bytes size = take_until(&c, ':');
    struct sk_bytes digest = take_until(&c, ':');
    if (name.len == 0 || name.len >= CVD_NAME_BYTES || sk_cursor_left(&c) != 0 ||
        !read_u64(size, CVD_TOTAL_MAX, &row.size) || !read_sha256(digest, row.sha256)) {
        return sk_fail(SK_E_FORMAT);
    }
    memcpy(row.name, name.ptr, name.len);
    if (info->count == CVD_MEMBER_MAX || cvd_info_find(info, row.name) != NULL) {
        return sk_fail(SK_E_FORMAT);
    }
    struct cvd_row *grown = mem_grow(info->row, &info->cap, info->count + 1, sizeof row);
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    info->row = grown;
    info->row[info->count++] = row;
    return sk_ok();
}

sk_err cvd_info_parse(struct cvd_info *info, const struct cvd_text *outer, struct buf *text) {
    static const char mark[] = "DSIG:";
    size_t mark_len = sizeof mark - 1;
    struct cvd_text inner;
    cvd_info_release(info);
    info->text = *text;
    *text = (struct buf){0};
    struct sk_cursor c = sk_cursor_make(info->text.data, info->text.len);
    struct sk_bytes first = take_until(&c, '\n');
    if (first.len == 0 || first.len > CVD_HEADER_BYTES ||
        !cvd_text_parse((const char *)first.ptr, first.len, &inner) ||
        !same_header(outer, &inner)) {
        return sk_fail(SK_E_FORMAT);
    }
    info->signed_len = info->text.len;
    while (sk_cursor_left(&c) > 0) {
        size_t start = c.pos;
        struct sk_bytes line = take_until(&c, '\n');
        if (info->dsig.len > 0) {
            return sk_fail(SK_E_FORMAT);
        }
        if (line.len > mark_len && memcmp(line.ptr, mark, mark_len) == 0) {
            info->dsig = (struct sk_bytes){&line.ptr[mark_len], line.len - mark_len};
            info->signed_len = start;
            continue;
        }
        TRY(add_row(info, line));
    }
    return sk_ok();
}

struct cvd_row *cvd_info_find(struct cvd_info *info, const char *name) {
    for (size_t i = 0; i < info->count; i++) {
        if (strcmp(info->row[i].name, name) == 0) {
            return &info->row[i];
        }
    }
    return NULL;
}

bool cvd_info_all_seen(const struct cvd_info *info) {
    for (size_t i = 0; i < info->count; i++) {
        if (!info->row[i].seen) {
            return false;
        }
    }
    return true;
}

void cvd_info_forget_seen(struct cvd_info *info) {
    for (size_t i = 0; i < info->count; i++) {
        info->row[i].seen = false;
    }
}

void cvd_info_release(struct cvd_info *info) {
    buf_release(&info->text);
    mem_free(info->row);
    *info = (struct cvd_info){0};
}
