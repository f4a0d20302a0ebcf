// SPDX-License-Identifier: Apache-2.0
/*
 * Names of OLE2 entries as text for people and rules.
 *
 *     UTF-16LE  --> UTF-8; U+0005 in front of SummaryInformation --> "_5_" (as clamscan writes it);
 *                   '/' and '\' --> '_', since names are joined with '/'
 *     Windows Installer packs two characters of [0-9A-Za-z._] into one of U+3800..U+47FF, a single
 *     one into U+4800..U+483F; U+4840 marks a table ("!")
 *
 * Source: [MS-CFB] 2.6.1; the packing of Installer names as published by Wine and libgsf's manual.
 */
#include "format/ole2.h"

#include <string.h>

#include "base/utf8.h"

#define NAME_UNITS 32u
/* A unit becomes at most three bytes, or "_31_"; a packed one two. */
#define NAME_MAX_BYTES (NAME_UNITS * 4)

static size_t put_unit(char *out, uint16_t unit) {
    if (unit < 0x20) {
        size_t len = 0;
        out[len++] = '_';
        if (unit >= 10) {
            out[len++] = (char)('0' + unit / 10);
        }
        out[len++] = (char)('0' + unit % 10);
        out[len++] = '_';
        return len;
    }
    if (unit < 0x80) {
        out[0] = unit == '/' || unit == '\\' || unit == 0x7f ? '_' : (char)unit;
        return 1;
    }
    /* Pairs do not occur in names that programs write: each half becomes U+FFFD. */
    return sk_utf8_put((uint8_t *)out, unit);
}

static size_t put_packed(char *out, uint16_t unit) {
    static const char set[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    if (unit == 0x4840) {
        out[0] = '!';
        return 1;
    }
    if (unit >= 0x4800 && unit < 0x4840) {
        out[0] = set[unit - 0x4800];
        return 1;
    }
    if (unit >= 0x3800 && unit < 0x4800) {
        out[0] = set[(unit - 0x3800) & 0x3f];
        out[1] = set[(unit - 0x3800) >> 6];
        return 2;
    }
    return put_unit(out, unit);
}

char *ole2_name(struct arena *arena, struct sk_bytes utf16, bool is_msi) {
    char text[NAME_MAX_BYTES];
    size_t len = 0;
    for (size_t i = 0; i + 2 <= utf16.len && i < (size_t)NAME_UNITS * 2; i += 2) {
        uint16_t unit = sk_load_u16le(utf16.ptr + i);
        if (unit == 0) {
            break;
        }
        len += is_msi ? put_packed(text + len, unit) : put_unit(text + len, unit);
    }
    return arena_strndup(arena, text, len);
}
