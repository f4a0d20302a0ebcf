// SPDX-License-Identifier: Apache-2.0
/*
 * Is a document of Office encrypted, and how?
 *
 *     EncryptionInfo + EncryptedPackage   an OOXML package: u16 major, minor: 4.4 agile, x.2
 *                                         standard, x.3 extensible
 *     WordDocument       FIB flags at 10: 0x0100 encrypted, 0x8000 by XOR obfuscation
 *     Workbook, Book     record FILEPASS (0x2F) behind the first BOF: u16 0 XOR, 1 RC4; u16 major:
 *                        1 RC4, 2 to 4 RC4 CryptoAPI
 *     Current User       header token F3D1C4DF
 *
 * What is told: the fact with the method, and, unless a password fits (ole2_package.c,
 * ole2_biff.c), the note that content was not scanned. Streams of the file are members nonetheless:
 * VBA projects, for one, are not encrypted by Word and Excel 97. Source: [MS-OFFCRYPTO] 2.3;
 * [MS-DOC] 2.5.1; [MS-XLS] 2.4.117; [MS-PPT] 2.3.2.
 */
#include "format/ole2_objects.h"

#include <string.h>

#include "format/office_key.h"

#define FIB_ENCRYPTED 0x0100u
#define FIB_XOR 0x8000u
#define REC_BOF_BYTE 0x09
#define REC_FILEPASS 0x002fu
#define PPT_ENCRYPTED 0xf3d1c4dfu
#define HEAD_BYTES ((size_t)512)

static const char *of_package(struct sk_cursor c) {
    uint16_t major = sk_cursor_u16le(&c);
    uint16_t minor = sk_cursor_u16le(&c);
    if (minor == 4 && major == 4) {
        return "AES, agile";
    }
    return minor == 2 ? "AES, standard" : "extensible";
}

static const char *of_word(struct sk_cursor c) {
    uint16_t ident = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 8);
    uint16_t flags = sk_cursor_u16le(&c);
    if (!sk_cursor_ok(&c) || (ident & 0xff) == 0 || (flags & FIB_ENCRYPTED) == 0) {
        return NULL;
    }
    return (flags & FIB_XOR) != 0 ? "XOR" : "RC4";
}

static const char *of_workbook(struct sk_cursor c) {
    for (unsigned n = 0; n < 8; n++) {
        uint16_t type = sk_cursor_u16le(&c);
        uint16_t len = sk_cursor_u16le(&c);
        if (n == 0 && (type & 0xff) != REC_BOF_BYTE) {
            return NULL;
        }
        if (type == REC_FILEPASS) {
            uint16_t method = len >= 2 ? sk_cursor_u16le(&c) : 0;
            uint16_t major = len >= 4 ? sk_cursor_u16le(&c) : 0;
            return !sk_cursor_ok(&c) ? NULL
                   : method == 0     ? "XOR"
                   : major == 1      ? "RC4"
                                     : "RC4 CryptoAPI";
        }
        sk_cursor_skip(&c, len);
        if (!sk_cursor_ok(&c)) {
            return NULL;
        }
    }
    return NULL;
}

static const char *of_slides(struct sk_cursor c) {
    sk_cursor_skip(&c, 12);
    return sk_cursor_u32le(&c) == PPT_ENCRYPTED ? "RC4 CryptoAPI" : NULL;
}

/* The package of an OOXML document, opened when a password fits. */
static sk_err open_package(struct ole2 *o) {
    uint32_t info = ole2_find(o, OLE2_ROOT, OLE2_STREAM, "EncryptionInfo");
    uint32_t package = ole2_find(o, OLE2_ROOT, OLE2_STREAM, "EncryptedPackage");
    if (info == OLE2_NONE || package == OLE2_NONE) {
        return sk_ok();
    }
    struct arena_mark mark = arena_mark(walk_arena(o->walk));
    TRY(ole2_package(o, info, package, &o->is_opened));
    arena_rewind(walk_arena(o->walk), mark);
    return sk_ok();
}

static const struct {
    const char *name;
    const char *(*method)(struct sk_cursor head);
} STREAMS[] = {
    {"EncryptionInfo", of_package}, {"WordDocument", of_word},   {"Workbook", of_workbook},
    {"Book", of_workbook},          {"Current User", of_slides},
};

sk_err ole2_crypt(struct ole2 *o) {
    for (uint32_t i = 1; i < o->entry_count && o->encrypted == NULL; i++) {
        if (o->entry[i].parent != OLE2_ROOT || o->entry[i].type != OLE2_STREAM) {
            continue;
        }
        for (size_t k = 0; k < sizeof(STREAMS) / sizeof(STREAMS[0]); k++) {
            if (!ole2_is_named(o, i, STREAMS[k].name)) {
                continue;
            }
            struct arena_mark mark = arena_mark(walk_arena(o->walk));
            struct sk_bytes head;
            TRY(ole2_load(o, i, HEAD_BYTES, &head));
            const char *method = STREAMS[k].method(sk_cursor_of(head));
            o->encrypted = o->encrypted == NULL ? method : o->encrypted;
            arena_rewind(walk_arena(o->walk), mark);
        }
    }
    return open_package(o);
}
