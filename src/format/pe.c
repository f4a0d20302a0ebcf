// SPDX-License-Identifier: Apache-2.0
/*
 * Portable Executable: entry point and sections as signatures count them.
 *
 *     0x00 "MZ" ... 0x3c e_lfanew -> "PE\0\0" | file header 20 | optional header 96/112 + dirs
 *                                    | section table, 40 bytes each | ... raw data of sections
 *
 * Specification: Microsoft "PE Format". Signatures are written against the numbers that ClamAV
 * computes, which differ from what a loader does; they were established by experiments with
 * clamscan and sigtool 1.4.6 (tests/integ/test_exe_oracle.py repeats them):
 *
 * - PointerToRawData is rounded down and SizeOfRawData up to FileAlignment, except that an image
 *   in which some PointerToRawData is a multiple of 512 but not of FileAlignment is read as if
 *   FileAlignment were 512. An alignment of 0 rounds nothing. VirtualAddress is rounded down.
 * - Raw data is clipped to the file. A section that starts behind it has no bytes, yet it counts.
 * - Sections keep the order of the table. mdb hashes are taken over exactly these raw bytes, for
 *   PE32 and PE32+ alike.
 * - An RVA below SizeOfHeaders (rounded up to SectionAlignment) is itself the file offset. Others
 *   are looked up from the last section to the first, in [vaddr, vaddr + raw size): VirtualSize
 *   plays no part. An entry point of 0 is the offset 0.
 * - Magic 0x20b means PE32+, anything else is read as PE32.
 *
 * ClamAV gives up on an image with an entry point outside the file, a SizeOfOptionalHeader too
 * small for its directories, values above 2^31 or a cut section table: no offset form and no
 * section hash matches there. Malware can choose such values freely, so this reader reports what
 * it can read. It leaves no note about damage: all bytes of the layer are searched in any case.
 *
 * "MZ" alone makes the type, as for ClamAV: signatures for DOS programs have target 1, too.
 */
#include "format/pe.h"

#define PE_LFANEW_OFF 0x3c
#define PE_FILE_HEADER_BYTES ((size_t)24) /* with the signature */
#define PE_OPTIONAL_BYTES ((size_t)112)   /* of PE32+, without directories */
#define PE_SECTION_BYTES ((size_t)40)
#define PE_CHECKSUM_OFF 64 /* in the optional header */
#define PE_DIRS_OFF 96     /* of PE32; PE32+ 16 later */
#define PE_MAGIC_64 0x20b
#define PE_SECTOR_BYTES ((uint64_t)512)

struct pe_headers {
    bool is_pe; /* the signature is there */
    uint32_t section_count;
    uint64_t section_table;
    uint32_t entry_rva;
    uint32_t section_align;
    uint32_t file_align;
    uint32_t headers_bytes;
};

static uint64_t round_down(uint64_t value, uint64_t align) {
    return align == 0 ? value : value - value % align;
}

static uint64_t round_up(uint64_t value, uint64_t align) {
    return align == 0 || value % align == 0 ? value : round_down(value, align) + align;
}

bool pe_map(const struct pe *pe, uint64_t rva, uint64_t *out_off) {
    if (rva < pe->header_bytes) {
        if (rva >= pe->src->size) {
            return false;
        }
        *out_off = rva;
        return true;
    }
    for (uint32_t i = pe->section_count; i > 0; i--) {
        const struct sk_exe_section *s = &pe->section[i - 1];
        if (rva >= s->vaddr && rva - s->vaddr < s->size) {
            *out_off = s->off + (rva - s->vaddr);
            return true;
        }
    }
    return false;
}

static void read_optional(struct pe *pe, struct sk_cursor *c, struct pe_headers *out) {
    pe->is_64 = sk_cursor_u16le(c) == PE_MAGIC_64;
    sk_cursor_skip(c, 14);
    out->entry_rva = sk_cursor_u32le(c);
    sk_cursor_skip(c, 12);
    out->section_align = sk_cursor_u32le(c);
    out->file_align = sk_cursor_u32le(c);
    sk_cursor_skip(c, 20);
    out->headers_bytes = sk_cursor_u32le(c);
    sk_cursor_skip(c, pe->is_64 ? 44 : 28);
    uint32_t dirs = sk_cursor_u32le(c);
    if (!sk_cursor_ok(c)) {
        return;
    }
    struct sk_cursor d = *c; /* directories may be cut off: then they are absent */
    for (uint32_t i = 0; i < PE_DIR_COUNT && i < dirs; i++) {
        pe->dir[i].rva = sk_cursor_u32le(&d);
        pe->dir[i].size = sk_cursor_u32le(&d);
    }
}

/* False: not a PE image (a DOS program, perhaps). */
static bool read_headers(struct pe *pe, struct pe_headers *out) {
    struct sk_cursor c = sk_source_cursor(pe->src, 0, 64);
    bool is_mz = sk_cursor_u8(&c) == 'M' && sk_cursor_u8(&c) == 'Z';
    sk_cursor_seek(&c, PE_LFANEW_OFF);
    uint64_t at = sk_cursor_u32le(&c);
    if (!is_mz || !sk_cursor_ok(&c) || at == 0) {
        return false;
    }
    c = sk_source_cursor(pe->src, at,
                         PE_FILE_HEADER_BYTES + PE_OPTIONAL_BYTES +
                             PE_DIR_COUNT * sizeof(struct pe_dir));
    if (sk_cursor_u32le(&c) != 0x00004550) { /* "PE\0\0" */
        return false;
    }
    out->is_pe = true;
    sk_cursor_skip(&c, 2);
    out->section_count = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 12);
    out->section_table = at + PE_FILE_HEADER_BYTES + sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 2);
    pe->optional_off = at + PE_FILE_HEADER_BYTES;
    read_optional(pe, &c, out);
    return sk_cursor_ok(&c) && out->section_count > 0;
}

static void align_section(struct sk_exe_section *s, const struct pe_headers *h, uint64_t size) {
    s->vaddr = round_down(s->vaddr, h->section_align);
    s->vsize = round_up(s->vsize != 0 ? s->vsize : s->size, h->section_align);
    s->off = round_down(s->off, h->file_align);
    s->size = round_up(s->size, h->file_align);
    if (s->off > size) {
        s->off = size;
    }
    if (s->size > size - s->off) {
        s->size = size - s->off;
    }
}

/* The section table, aligned; a cut table ends early. */
static sk_err read_sections(struct pe *pe, struct pe_headers *h) {
    uint64_t left = pe->src->size > h->section_table ? pe->src->size - h->section_table : 0;
    uint64_t count = left / PE_SECTION_BYTES;
    if (count > h->section_count) {
        count = h->section_count;
    }
    struct sk_exe_section *list = arena_zalloc(walk_arena(pe->walk), (size_t)count, sizeof(*list));
    if (list == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    bool odd = false;
    for (uint32_t i = 0; i < count; i++) {
        struct sk_cursor c =
            sk_source_cursor(pe->src, h->section_table + i * PE_SECTION_BYTES, PE_SECTION_BYTES);
        sk_cursor_skip(&c, 8);
        struct sk_exe_section *s = &list[i];
        s->vsize = sk_cursor_u32le(&c);
        s->vaddr = sk_cursor_u32le(&c);
        s->size = sk_cursor_u32le(&c);
        s->off = sk_cursor_u32le(&c);
        if (h->file_align != 0 && s->off % h->file_align != 0 && s->off % PE_SECTOR_BYTES == 0) {
            odd = true;
        }
    }
    if (odd) {
        h->file_align = (uint32_t)PE_SECTOR_BYTES;
    }
    for (uint32_t i = 0; i < count; i++) {
        align_section(&list[i], h, pe->src->size);
    }
    pe->section = list;
    pe->section_count = (uint32_t)count;
    return pe->src->failed;
}

static int pe_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    if (!sk_peek_has(peek, 0, "MZ", 2)) {
        return 0;
    }
    struct sk_cursor c = sk_cursor_make(peek->head, peek->head_len);
    sk_cursor_seek(&c, PE_LFANEW_OFF);
    uint32_t at = sk_cursor_u32le(&c);
    return sk_cursor_ok(&c) && sk_peek_has(peek, at, "PE\0\0", 4) ? 95 : 60;
}

/* Seen with clamscan 1.4.6: headers or the section table cut off, no section, an entry point in no
 * section are "broken". Other things it calls so (odd alignments, sections beyond the end) are not
 * told here. */
static void tell_broken(struct pe *pe, bool broken) {
    if (broken && !sk_failed(pe->src->failed)) {
        walk_fact(pe->walk, SK_FACT_BROKEN_EXE, NULL, 0);
    }
}

static sk_err pe_walk(struct sk_walk *walk, struct sk_source *src) {
    struct pe pe = {.walk = walk, .src = src};
    struct pe_headers h = {0};
    if (!read_headers(&pe, &h)) {
        tell_broken(&pe, h.is_pe);
        return src->failed;
    }
    TRY(read_sections(&pe, &h));
    bool broken = pe.section_count < h.section_count;
    pe.header_bytes = round_up(h.headers_bytes, h.section_align);

    struct sk_exe exe = {
        .section_count = pe.section_count, .section = pe.section, .section_hashes_alert = true};
    exe.cert_off = pe.dir[PE_DIR_SECURITY].rva;
    exe.cert_len = pe.dir[PE_DIR_SECURITY].size;
    exe.checksum_off = pe.optional_off + PE_CHECKSUM_OFF;
    exe.cert_dir_off = pe.optional_off + PE_DIRS_OFF + (pe.is_64 ? 16 : 0) +
                       PE_DIR_SECURITY * sizeof(struct pe_dir);
    exe.header_bytes = pe.header_bytes;
    exe.resource_rva = pe.dir[PE_DIR_RESOURCE].rva;
    exe.resource_size = pe.dir[PE_DIR_RESOURCE].size;
    exe.has_entry = pe_map(&pe, h.entry_rva, &exe.entry);
    tell_broken(&pe, broken || (h.entry_rva != 0 && !exe.has_entry));
    TRY(pe_imports(&pe, &exe));
    TRY(pe_version(&pe, &exe));
    walk_exe(walk, &exe);
    return src->failed;
}

const struct sk_format sk_format_pe = {
    .name = "pe", .type = SK_TYPE_PE, .probe = pe_probe, .walk = pe_walk};
