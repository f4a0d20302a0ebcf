// SPDX-License-Identifier: Apache-2.0
/*
 * The import directory of a PE image as one line of text: "kernel32.sleep,ws2_32.bind,foo.ord7".
 *
 *     directory: { lookup table RVA, time, forwarder, name RVA, address table RVA } 20 bytes each,
 *     lookup table: 4 or 8 bytes each, top bit = ordinal in the low 16 bits, else RVA of
 *     { hint 2 bytes, name NUL }, a zero ends it
 *
 * imp signatures hash this text, so that it must be ClamAV's to the byte. Established by
 * experiments with `sigtool --imp` 1.4.6:
 *
 * - The directory must lie in the file whole. Entries are read while more than 20 bytes of its
 *   stated size are left, at most 1024; a zero name RVA ends them.
 * - DLL name: at most 256 bytes, lower case (ASCII), cut at its first dot when "dll", "ocx" or
 *   "sys" follows that dot. Any byte is allowed.
 * - The lookup table is used when its RVA is in the file, else the address table.
 * - Function name: at most 256 bytes, lower case. A name RVA outside of the file gives an empty
 *   name; a name with fewer than 256 bytes between it and the end of the file is left out. A name
 *   with a byte other than letters, digits, '_' and '.' means that the image has no list at all
 *   (so C++ names give none).
 * - Ordinals are "ord%u", but ws2_32, wsock32 and oleaut32 give the name (pe_ordinals.def).
 *
 * Directories may point at each other's tables, so total work is limited by counts of our own.
 */
#include "format/pe.h"

#include "base/buf.h"

#define IMPORT_ENTRY_BYTES ((uint64_t)20)
#define IMPORT_DLLS_MAX 1024
#define IMPORT_NAME_MAX ((size_t)256)
#define IMPORT_FUNCTIONS_MAX ((uint32_t)256 * 1024)
#define IMPORT_TEXT_MAX ((size_t)4 * 1024 * 1024)

struct ordinal {
    uint32_t number;
    const char *name;
};

static const struct ordinal ordinals_ws2_32[] = {
#define ORDINAL_WS2_32(number, name) {number, name},
#define ORDINAL_OLEAUT32(number, name)
#include "format/pe_ordinals.def"
#undef ORDINAL_WS2_32
#undef ORDINAL_OLEAUT32
};

static const struct ordinal ordinals_oleaut32[] = {
#define ORDINAL_WS2_32(number, name)
#define ORDINAL_OLEAUT32(number, name) {number, name},
#include "format/pe_ordinals.def"
#undef ORDINAL_WS2_32
#undef ORDINAL_OLEAUT32
};

struct name {
    char text[IMPORT_NAME_MAX + 1];
    size_t len;
    bool near_end; /* fewer than IMPORT_NAME_MAX bytes of the file follow its start */
};

struct imports {
    const struct pe *pe;
    struct buf text;
    uint32_t functions;
    struct name dll;
};

static bool name_is(const struct name *name, const char *text) {
    return strcmp(name->text, text) == 0;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void read_name(const struct pe *pe, uint64_t off, struct name *out) {
    struct sk_cursor c = sk_source_cursor(pe->src, off, IMPORT_NAME_MAX);
    out->len = 0;
    out->near_end = sk_cursor_left(&c) < IMPORT_NAME_MAX;
    while (sk_cursor_left(&c) > 0) {
        char byte = (char)sk_cursor_u8(&c);
        if (byte == '\0') {
            break;
        }
        out->text[out->len++] = lower(byte);
    }
    out->text[out->len] = '\0';
}

static void strip_extension(struct name *name) {
    char *dot = strchr(name->text, '.');
    if (dot != NULL && (strncmp(dot + 1, "dll", 3) == 0 || strncmp(dot + 1, "ocx", 3) == 0 ||
                        strncmp(dot + 1, "sys", 3) == 0)) {
        *dot = '\0';
        name->len = (size_t)(dot - name->text);
    }
}

static bool is_plain(const struct name *name) {
    for (size_t i = 0; i < name->len; i++) {
        char c = name->text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.')) {
            return false;
        }
    }
    return true;
}

static const char *ordinal_find(const struct ordinal *table, size_t count, uint32_t number) {
    for (size_t i = 0; i < count; i++) {
        if (table[i].number == number) {
            return table[i].name;
        }
    }
    return NULL;
}

static const char *ordinal_name(const struct name *dll, uint32_t number) {
    if (name_is(dll, "ws2_32") || name_is(dll, "wsock32")) {
        return ordinal_find(ordinals_ws2_32, sizeof(ordinals_ws2_32) / sizeof(struct ordinal),
                            number);
    }
    if (name_is(dll, "oleaut32")) {
        return ordinal_find(ordinals_oleaut32, sizeof(ordinals_oleaut32) / sizeof(struct ordinal),
                            number);
    }
    return NULL;
}

static sk_err add(struct imports *im, const char *function) {
    if (++im->functions > IMPORT_FUNCTIONS_MAX || im->text.len > IMPORT_TEXT_MAX) {
        return sk_fail(SK_E_LIMIT);
    }
    return buf_printf(&im->text, "%s%s.%s", im->text.len > 0 ? "," : "", im->dll.text, function);
}

static sk_err add_ordinal(struct imports *im, uint32_t number) {
    const char *known = ordinal_name(&im->dll, number);
    char text[16];
    snprintf(text, sizeof(text), "ord%u", number);
    return add(im, known != NULL ? known : text);
}

static sk_err add_named(struct imports *im, uint32_t rva) {
    uint64_t off;
    if (!pe_map(im->pe, rva, &off)) {
        return add(im, "");
    }
    struct name name;
    read_name(im->pe, off + 2, &name);
    if (name.near_end) {
        return sk_ok();
    }
    return is_plain(&name) ? add(im, name.text) : sk_fail(SK_E_FORMAT);
}

static sk_err read_table(struct imports *im, uint64_t off) {
    const struct pe *pe = im->pe;
    size_t width = pe->is_64 ? 8 : 4;
    for (;; off += width) {
        TRY(walk_tick(pe->walk));
        struct sk_cursor c = sk_source_cursor(pe->src, off, width);
        uint64_t entry = pe->is_64 ? sk_cursor_u64le(&c) : sk_cursor_u32le(&c);
        if (!sk_cursor_ok(&c) || entry == 0) {
            return sk_ok();
        }
        if ((entry >> (width * 8 - 1)) != 0) {
            TRY(add_ordinal(im, (uint32_t)(entry & 0xffff)));
        } else {
            TRY(add_named(im, (uint32_t)entry));
        }
    }
}

/* One entry of the directory. *out_last: it was the terminator. */
static sk_err read_dll(struct imports *im, uint64_t off, bool *out_last) {
    const struct pe *pe = im->pe;
    struct sk_cursor c = sk_source_cursor(pe->src, off, IMPORT_ENTRY_BYTES);
    uint32_t lookup = sk_cursor_u32le(&c);
    sk_cursor_skip(&c, 8);
    uint32_t name_rva = sk_cursor_u32le(&c);
    uint32_t address = sk_cursor_u32le(&c);
    *out_last = !sk_cursor_ok(&c) || name_rva == 0;
    if (*out_last) {
        return sk_ok();
    }
    uint64_t at;
    if (!pe_map(pe, name_rva, &at)) {
        return sk_fail(SK_E_FORMAT);
    }
    read_name(pe, at, &im->dll);
    strip_extension(&im->dll);
    if ((lookup == 0 || !pe_map(pe, lookup, &at)) && !pe_map(pe, address, &at)) {
        return sk_fail(SK_E_FORMAT);
    }
    return read_table(im, at);
}

static sk_err read_directory(struct imports *im, uint64_t off, uint64_t left) {
    bool last = false;
    for (unsigned n = 0; n < IMPORT_DLLS_MAX && left > IMPORT_ENTRY_BYTES && !last; n++) {
        TRY(read_dll(im, off, &last));
        off += IMPORT_ENTRY_BYTES;
        left -= IMPORT_ENTRY_BYTES;
    }
    return sk_ok();
}

sk_err pe_imports(const struct pe *pe, struct sk_exe *out) {
    const struct pe_dir *dir = &pe->dir[PE_DIR_IMPORT];
    uint64_t off;
    if (dir->size == 0 || !pe_map(pe, dir->rva, &off) || dir->size > pe->src->size - off) {
        return sk_ok();
    }
    struct imports im = {.pe = pe};
    sk_err err = read_directory(&im, off, dir->size);
    if (!sk_failed(err)) {
        out->imports = arena_strndup(walk_arena(pe->walk), buf_text(&im.text), im.text.len);
        out->imports_len = im.text.len;
        err = out->imports == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
    } else if (err.code == SK_E_FORMAT || err.code == SK_E_LIMIT) {
        err = sk_ok(); /* no list: what ClamAV has no hash for, no signature is about */
    }
    buf_release(&im.text);
    return err;
}
