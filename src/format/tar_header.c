// SPDX-License-Identifier: Apache-2.0
/*
 * Fields of one TAR header.
 *
 *     0    name      100            156  type      1
 *     100  mode      8              157  link      100
 *     108  uid, gid  8 + 8          257  magic     8   "ustar\0" "00", GNU "ustar  \0", or none
 *     124  size      12             345  prefix    155 (ustar)
 *     136  mtime     12             386  extents, 482 more follow, 483 real size (GNU, type 'S')
 *     148  checksum  8
 *
 * No magic is believed: what counts is the checksum, the sum of the 512 bytes with its own field
 * read as blanks, unsigned or (old systems) signed.
 */
#include "format/tar_parts.h"

#include <string.h>

#define CHECKSUM_OFF ((size_t)148)
#define CHECKSUM_LEN ((size_t)8)
#define MAGIC_OFF 257u
#define NAME_LEN ((size_t)100)
#define PREFIX_OFF 345u
#define PREFIX_LEN ((size_t)155)
#define NUMBER_MAX (UINT64_C(1) << 62)
#define BINARY_FLAG 0x80u
#define BINARY_SIGN 0x40u

bool tar_block_is_zero(const uint8_t *block) {
    uint64_t all = 0;
    for (size_t i = 0; i < TAR_BLOCK_BYTES; i += sizeof(uint64_t)) {
        all |= sk_load_u64le(block + i);
    }
    return all == 0;
}

static bool binary(struct sk_bytes field, uint64_t *out) {
    uint64_t value = field.ptr[0] & (BINARY_SIGN - 1);
    if ((field.ptr[0] & BINARY_SIGN) != 0) {
        return false;
    }
    for (size_t i = 1; i < field.len; i++) {
        value = value << 8 | field.ptr[i];
        if (value > NUMBER_MAX) {
            return false;
        }
    }
    *out = value;
    return true;
}

/* How many digits; *out is their value, or NUMBER_MAX + 1 for more. */
static size_t octal(struct sk_bytes field, uint64_t *out) {
    size_t i = 0;
    uint64_t value = 0;
    while (i < field.len && (field.ptr[i] == ' ' || field.ptr[i] == '\t')) {
        i++;
    }
    size_t first = i;
    for (; i < field.len && field.ptr[i] >= '0' && field.ptr[i] <= '7'; i++) {
        value = value > NUMBER_MAX / 8 ? NUMBER_MAX + 1 : value * 8 + (field.ptr[i] - '0');
    }
    *out = value;
    return i - first;
}

bool tar_number(struct sk_bytes field, uint64_t *out) {
    uint64_t value = 0;
    if (field.len > 0 && (field.ptr[0] & BINARY_FLAG) != 0) {
        return binary(field, out);
    }
    if (octal(field, &value) == 0) {
        for (size_t i = 0; i < field.len; i++) {
            if (field.ptr[i] != 0 && field.ptr[i] != ' ') {
                return false;
            }
        }
    }
    if (value > NUMBER_MAX) {
        return false;
    }
    *out = value;
    return true;
}

bool tar_block_is_header(const uint8_t *block) {
    uint64_t want = 0;
    struct sk_bytes field = {&block[CHECKSUM_OFF], CHECKSUM_LEN};
    size_t digits = octal(field, &want);
    if (digits == 0) {
        return false; /* nearly always: then there is nothing to add up */
    }
    int64_t plain = 0;
    int64_t with_sign = 0;
    for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) {
        bool in_field = i >= CHECKSUM_OFF && i < CHECKSUM_OFF + CHECKSUM_LEN;
        uint8_t byte = in_field ? ' ' : block[i];
        plain += byte;
        with_sign += (int8_t)byte;
    }
    return (int64_t)want == plain || (int64_t)want == with_sign;
}

/* Binary, or octal digits with blanks around them. */
static bool is_field(const uint8_t *p, size_t len) {
    size_t i = 0;
    if ((p[0] & BINARY_FLAG) != 0) {
        return true;
    }
    while (i < len && p[i] == ' ') {
        i++;
    }
    while (i < len && p[i] >= '0' && p[i] <= '7') {
        i++;
    }
    while (i < len && (p[i] == ' ' || p[i] == 0)) {
        i++;
    }
    return i == len;
}

bool tar_block_begins(const uint8_t *block) {
    static const struct {
        uint16_t off;
        uint16_t len;
    } numbers[] = {{100, 8}, {108, 8}, {116, 8}, {124, 12}, {136, 12}};
    if (!tar_block_is_header(block) || tar_form_of(block) != TAR_FORM_OLD) {
        return tar_block_is_header(block);
    }
    uint8_t kind = block[TAR_TYPE_OFF], lower = kind | 0x20;
    bool good = kind == 0 || (kind >= '0' && kind <= '9') || (lower >= 'a' && lower <= 'z');
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        good = good && is_field(block + numbers[i].off, numbers[i].len);
    }
    return good;
}

enum tar_form tar_form_of(const uint8_t *block) {
    if (memcmp(block + MAGIC_OFF, "ustar  ", 8) == 0) {
        return TAR_FORM_GNU;
    }
    return memcmp(block + MAGIC_OFF, "ustar", 5) == 0 ? TAR_FORM_USTAR : TAR_FORM_OLD;
}

size_t tar_header_name(const uint8_t *block, char *out) {
    size_t n = 0;
    const char *prefix = (const char *)block + PREFIX_OFF;
    if (tar_form_of(block) == TAR_FORM_USTAR && prefix[0] != 0) {
        n = strnlen(prefix, PREFIX_LEN);
        memcpy(out, prefix, n);
        if (out[n - 1] != '/') {
            out[n++] = '/';
        }
    }
    size_t len = strnlen((const char *)block, NAME_LEN);
    memcpy(out + n, block, len);
    return n + len;
}
