// SPDX-License-Identifier: Apache-2.0
/*
 * Reading hash signature lines. The compiler sees millions of them, so the fields are found with
 * memchr and decoded in place.
 *
 *   split at ':' into 3..5 fields -> hex of 32, 40 or 64 digits -> size -> levels -> name
 *
 * A field that is not exactly what the format says makes the line malformed: a signature read
 * half right would look for something nobody meant. Levels outside ours are no fault of the line;
 * they have their own reason.
 */
#include "defc/line_hash.h"

#include <stdarg.h>
#include <string.h>

#include "defc/names.h"
#include "defs/names.h"

#define FIELDS_MIN 3u
#define FIELDS_MAX 5u
#define ANY_SIZE_LEVEL 73u

bool line_refuse(struct defc_why *why, enum defc_reason reason, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why->text, sizeof why->text, fmt, args);
    va_end(args);
    why->reason = reason;
    return false;
}

struct field {
    const char *text;
    size_t len;
};

/* Number of fields; FIELDS_MAX + 1 when there are more. */
static unsigned split(const char *line, size_t len, struct field out[FIELDS_MAX]) {
    unsigned n = 0;
    size_t pos = 0;
    while (n < FIELDS_MAX) {
        const char *colon = memchr(&line[pos], ':', len - pos);
        size_t end = colon != NULL ? (size_t)(colon - line) : len;
        out[n++] = (struct field){&line[pos], end - pos};
        if (colon == NULL) {
            return n;
        }
        pos = end + 1;
    }
    return n + 1;
}

/* Value of a hex digit, 255 for other characters. */
static const uint8_t hex_value[256] = {
    [0 ... '0' - 1] = 255,
    ['0'] = 0,
    ['1'] = 1,
    ['2'] = 2,
    ['3'] = 3,
    ['4'] = 4,
    ['5'] = 5,
    ['6'] = 6,
    ['7'] = 7,
    ['8'] = 8,
    ['9'] = 9,
    ['9' + 1 ... 'A' - 1] = 255,
    ['A'] = 10,
    ['B'] = 11,
    ['C'] = 12,
    ['D'] = 13,
    ['E'] = 14,
    ['F'] = 15,
    ['F' + 1 ... 'a' - 1] = 255,
    ['a'] = 10,
    ['b'] = 11,
    ['c'] = 12,
    ['d'] = 13,
    ['e'] = 14,
    ['f'] = 15,
    ['f' + 1 ... 255] = 255,
};

static bool read_digest(const struct field *f, struct hash_line *out) {
    switch (f->len) {
    case 32:
        out->algo = HS_MD5;
        break;
    case 40:
        out->algo = HS_SHA1;
        break;
    case 64:
        out->algo = HS_SHA256;
        break;
    default:
        return false;
    }
    unsigned bad = 0;
    for (size_t i = 0; i < f->len; i += 2) {
        unsigned high = hex_value[(uint8_t)f->text[i]];
        unsigned low = hex_value[(uint8_t)f->text[i + 1]];
        bad |= high | low;
        out->digest[i / 2] = (uint8_t)(high << 4 | low);
    }
    return bad <= 15;
}

/* Plain decimal up to 2^32 - 1. */
static bool read_number(const struct field *f, uint32_t *out) {
    uint64_t value = 0;
    if (f->len == 0 || f->len > 10) {
        return false;
    }
    for (size_t i = 0; i < f->len; i++) {
        if (f->text[i] < '0' || f->text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(f->text[i] - '0');
    }
    *out = (uint32_t)value;
    return value <= UINT32_MAX;
}

static bool check_levels(const struct field *f, unsigned count, uint32_t *out_min,
                         struct defc_why *why) {
    uint32_t min = 0;
    uint32_t max = UINT32_MAX;
    if ((count > 3 && !read_number(&f[3], &min)) || (count > 4 && !read_number(&f[4], &max))) {
        return line_refuse(why, DEFC_MALFORMED, "the functionality level is not a number");
    }
    if (min > DEFC_FLEVEL) {
        return line_refuse(why, DEFC_FLEVEL_TOO_HIGH, "is for functionality level %u and above",
                           min);
    }
    if (max < DEFC_FLEVEL) {
        return line_refuse(why, DEFC_FLEVEL_TOO_HIGH, "is for functionality levels up to %u", max);
    }
    *out_min = min;
    return true;
}

static bool read_size(const struct field *f, uint32_t *out_size, bool *out_any) {
    *out_any = f->len == 1 && f->text[0] == '*';
    if (*out_any) {
        *out_size = HS_SIZE_ANY;
        return true;
    }
    return read_number(f, out_size) && *out_size != 0 && *out_size != HS_SIZE_ANY;
}

bool line_hash_parse(enum hs_role role, const char *line, size_t len, struct hash_line *out,
                     struct defc_why *why) {
    struct field f[FIELDS_MAX];
    unsigned count = split(line, len, f);
    if (count < FIELDS_MIN || count > FIELDS_MAX) {
        return line_refuse(why, DEFC_MALFORMED, "expected 3 to 5 fields separated by colons");
    }
    const struct field *digest = role == HS_SECTION ? &f[1] : &f[0];
    const struct field *size = role == HS_SECTION ? &f[0] : &f[1];
    bool any = false;
    uint32_t level = 0;
    if (!read_digest(digest, out)) {
        return line_refuse(why, DEFC_MALFORMED, "the hash is not 32, 40 or 64 hex digits");
    }
    if (!read_size(size, &out->size, &any)) {
        return line_refuse(why, DEFC_MALFORMED,
                           "the size is not a number from 1 to 4294967294 or *");
    }
    if (!check_levels(f, count, &level, why)) {
        return false;
    }
    if (any && role != HS_IMPORTS && level < ANY_SIZE_LEVEL) {
        return line_refuse(why, DEFC_MALFORMED, "size * needs a minimum functionality level of %u",
                           ANY_SIZE_LEVEL);
    }
    out->name = f[2].text;
    out->name_len = names_clean_len(f[2].text, f[2].len);
    if (out->name_len == 0 || out->name_len > NAMES_NAME_MAX) {
        return line_refuse(why, DEFC_MALFORMED, "the name is empty or too long");
    }
    why->reason = DEFC_REASON_COUNT;
    return true;
}
