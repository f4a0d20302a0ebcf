// SPDX-License-Identifier: Apache-2.0
/*
 * What the headers of other kinds say of the member that follows.
 *
 *     'L'        its name            'x' and 'X' (Solaris)   records: "27 path=some/long/name\n"
 *
 * Of a record only its length is believed to find the next one, so a long comment costs nothing.
 * Records that say nothing of where bytes lie or what a member is called are passed over. A record
 * that follows no rules ends the list. Global headers ('g') are not asked: bsdtar and clamscan
 * ignore them, GNU tar takes even sizes from them.
 *
 * GNU.sparse.*, format 0.0: offset and numbytes for each extent, size; 0.1: map, size, name;
 * 1.0: major, minor, realsize, name, and the map in front of the content.
 */
#include "format/tar_parts.h"

#include <string.h>

#define LENGTH_DIGITS_MAX 18u
#define RECORD_LOOK_BYTES (TAR_NAME_MAX + 128)
#define DECIMAL_MAX (UINT64_C(1) << 62)

bool tar_decimal(struct sk_bytes text, uint64_t *out) {
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || value > DECIMAL_MAX / 10 - 1) {
            return false;
        }
        value = value * 10 + (text.ptr[i] - '0');
    }
    if (text.len > 0) {
        *out = value;
    }
    return text.len > 0;
}

/* Up to, not with, the first `mark`. False: it is not there. */
static bool take_until(struct sk_cursor *c, char mark, struct sk_bytes *out) {
    size_t left = sk_cursor_left(c);
    struct sk_cursor look = *c;
    const uint8_t *p = sk_cursor_take(&look, left);
    const uint8_t *at = left == 0 ? NULL : memchr(p, mark, left);
    if (at == NULL) {
        return false;
    }
    *out = (struct sk_bytes){p, (size_t)(at - p)};
    sk_cursor_skip(c, out->len + 1);
    return true;
}

bool tar_record_next(struct sk_source *src, uint64_t *at, uint64_t end, struct tar_record *out) {
    uint64_t left = *at < end ? end - *at : 0;
    struct sk_cursor c =
        sk_source_cursor(src, *at, left < RECORD_LOOK_BYTES ? (size_t)left : RECORD_LOOK_BYTES);
    size_t all = sk_cursor_left(&c);
    struct sk_bytes digits;
    uint64_t len = 0;
    if (!take_until(&c, ' ', &digits) || digits.len > LENGTH_DIGITS_MAX ||
        !tar_decimal(digits, &len) || len > left || !take_until(&c, '=', &out->key)) {
        return false;
    }
    uint64_t head = all - sk_cursor_left(&c);
    if (len <= head) {
        return false; /* not even a line end: it may be a record of its own, or two */
    }
    out->value_off = *at + head;
    out->value_end = *at + len - 1;
    uint64_t value = len - 1 - head;
    out->value.len = value < sk_cursor_left(&c) ? (size_t)value : sk_cursor_left(&c);
    out->value.ptr = sk_cursor_take(&c, out->value.len);
    *at += len;
    return true;
}

void tar_says_name(struct tar_says *says, enum tar_name_from from, struct sk_bytes name) {
    size_t n = 0;
    if (from < says->name_from) {
        return;
    }
    says->name_from = from;
    while (n < name.len && n < TAR_NAME_MAX && name.ptr[n] != 0) {
        says->name[n] = (char)name.ptr[n];
        n++;
    }
    says->name_len = n;
}

bool tar_key_is(struct sk_bytes key, const char *word) {
    return key.len == strlen(word) && memcmp(key.ptr, word, key.len) == 0;
}

static void sparse_record(struct tar_says *says, struct sk_bytes key,
                          const struct tar_record *record) {
    struct tar_map *map = &says->map;
    if (tar_key_is(key, "name")) {
        tar_says_name(says, TAR_NAME_SPARSE, record->value);
    } else if (tar_key_is(key, "size") || tar_key_is(key, "realsize")) {
        says->has_real_size = tar_decimal(record->value, &says->real_size);
        says->wrong = says->wrong || !says->has_real_size;
    } else if (tar_key_is(key, "major")) {
        says->map_in_data = tar_key_is(record->value, "1");
    } else if (tar_key_is(key, "map")) {
        *map = (struct tar_map){
            .kind = TAR_MAP_NUMBERS, .at = record->value_off, .end = record->value_end};
    } else if (tar_key_is(key, "offset") && map->kind == TAR_MAP_NONE) {
        map->kind = TAR_MAP_RECORDS;
    }
}

void tar_says_record(struct tar_says *says, const struct tar_record *record) {
    static const char SPARSE[] = "GNU.sparse.";
    size_t prefix = sizeof(SPARSE) - 1;
    uint64_t size;
    if (tar_key_is(record->key, "size")) {
        says->has_size = tar_decimal(record->value, &size);
        says->size = says->has_size ? size : 0;
        says->wrong = says->wrong || !says->has_size;
    } else if (tar_key_is(record->key, "path")) {
        tar_says_name(says, TAR_NAME_PATH, record->value);
    } else if (record->key.len > prefix && memcmp(record->key.ptr, SPARSE, prefix) == 0) {
        struct sk_bytes key = {record->key.ptr + prefix, record->key.len - prefix};
        sparse_record(says, key, record);
    }
}
