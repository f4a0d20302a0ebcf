// SPDX-License-Identifier: Apache-2.0
/*
 * ELF: entry point and sections, 32 and 64 bit, both byte orders.
 *
 *     e_ident 16 | type 2 machine 2 version 4 | entry, phoff, shoff (4 or 8 each) | flags 4
 *     | ehsize phentsize phnum shentsize shnum shstrndx (2 each)
 *
 * Specification: System V gABI, chapter 4. The numbers follow what clamscan 1.4.6 was seen to use
 * (tests/integ/test_exe_oracle.py):
 *
 * - Sections count in the order of the section header table, the null section included; a section
 *   without bytes in the file (NOBITS) keeps its stated offset and size.
 * - The entry point is mapped by the first program header of any type with
 *   vaddr <= entry < vaddr + memsz. An entry of zero and a file without program headers (an object
 *   file) give the offset 0.
 *
 * ClamAV gives up on a file with more than 256 sections, with damaged tables, or without a section
 * table (then EP+n never matches). The kernel needs no section table and malware has none, so here
 * each table is read by itself and what can be read is reported. e_ident values that the kernel
 * does not look at, but that confuse tools, are guessed from the machine. There is no note about
 * damage: all bytes of the layer are searched in any case.
 */
#include "format/format.h"

#define ELF_IDENT_BYTES 16
#define ELF_CLASS_32 1
#define ELF_CLASS_64 2
#define ELF_DATA_LE 1
#define ELF_DATA_BE 2
#define ELF_MACHINE_X86_64 62
#define ELF_MACHINE_AARCH64 183
#define ELF_HEADER_BYTES ((size_t)64)
#define SECTIONS_AT_ONCE 64u

struct elf {
    struct sk_source *src;
    bool is_64;
    bool is_be;
    uint64_t entry;
    uint64_t ph_off;
    uint64_t sh_off;
    uint32_t ph_count;
    uint32_t sh_count;
    bool sh_bad; /* entries of another size */
};

static uint16_t get16(const struct elf *elf, struct sk_cursor *c) {
    return elf->is_be ? sk_cursor_u16be(c) : sk_cursor_u16le(c);
}

static uint32_t get32(const struct elf *elf, struct sk_cursor *c) {
    return elf->is_be ? sk_cursor_u32be(c) : sk_cursor_u32le(c);
}

/* An address or offset: as wide as the class. */
static uint64_t get_word(const struct elf *elf, struct sk_cursor *c) {
    if (!elf->is_64) {
        return get32(elf, c);
    }
    return elf->is_be ? sk_cursor_u64be(c) : sk_cursor_u64le(c);
}

static size_t ph_bytes(const struct elf *elf) {
    return elf->is_64 ? 56 : 32;
}

static size_t sh_bytes(const struct elf *elf) {
    return elf->is_64 ? 64 : 40;
}

/* Class and byte order. */
static void read_ident(struct elf *elf, struct sk_cursor c) {
    sk_cursor_seek(&c, 4);
    uint8_t class = sk_cursor_u8(&c);
    elf->is_be = sk_cursor_u8(&c) == ELF_DATA_BE;
    sk_cursor_seek(&c, ELF_IDENT_BYTES + 2);
    uint16_t machine = get16(elf, &c);
    elf->is_64 = class == ELF_CLASS_64 ||
                 (class != ELF_CLASS_32 &&
                  (machine == ELF_MACHINE_X86_64 || machine == ELF_MACHINE_AARCH64));
}

static sk_err read_header(struct elf *elf) {
    struct sk_cursor c = sk_source_cursor(elf->src, 0, ELF_HEADER_BYTES);
    const uint8_t *magic = sk_cursor_take(&c, 4);
    if (magic == NULL || memcmp(magic, "\177ELF", 4) != 0) {
        return sk_failed(elf->src->failed) ? elf->src->failed : sk_fail(SK_E_FORMAT);
    }
    read_ident(elf, c);
    sk_cursor_seek(&c, ELF_IDENT_BYTES + 8);
    elf->entry = get_word(elf, &c);
    elf->ph_off = get_word(elf, &c);
    elf->sh_off = get_word(elf, &c);
    sk_cursor_skip(&c, 6);
    uint16_t ph_each = get16(elf, &c);
    elf->ph_count = get16(elf, &c);
    uint16_t sh_each = get16(elf, &c);
    elf->sh_count = get16(elf, &c);
    if (!sk_cursor_ok(&c)) {
        return sk_fail(SK_E_FORMAT);
    }
    /* Like the kernel: a table with entries of another size is no table. */
    if (ph_each != ph_bytes(elf) && elf->ph_count > 0) {
        elf->ph_off = elf->src->size;
    }
    if (sh_each != sh_bytes(elf)) {
        elf->sh_bad = elf->sh_count > 0;
        elf->sh_count = 0;
    }
    return sk_ok();
}

/* Entries of a table that lie in the file. */
static uint32_t fitting(const struct elf *elf, uint64_t off, uint32_t count, size_t each) {
    uint64_t left = off < elf->src->size ? elf->src->size - off : 0;
    return left / each < count ? (uint32_t)(left / each) : count;
}

/* The segment that holds the entry point: its file offset for the entry. */
static bool map_entry(struct sk_walk *walk, const struct elf *elf, uint64_t *out_off,
                      sk_err *out_err) {
    uint32_t count = fitting(elf, elf->ph_off, elf->ph_count, ph_bytes(elf));
    for (uint32_t i = 0; i < count; i++) {
        *out_err = walk_tick(walk);
        if (sk_failed(*out_err)) {
            return false;
        }
        struct sk_cursor c =
            sk_source_cursor(elf->src, elf->ph_off + i * ph_bytes(elf), ph_bytes(elf));
        sk_cursor_skip(&c, elf->is_64 ? 8 : 4);
        uint64_t off = get_word(elf, &c);
        uint64_t vaddr = get_word(elf, &c);
        sk_cursor_skip(&c, elf->is_64 ? 16 : 8);
        uint64_t memsz = get_word(elf, &c);
        if (elf->entry >= vaddr && elf->entry - vaddr < memsz) {
            return !__builtin_add_overflow(off, elf->entry - vaddr, out_off) &&
                   *out_off < elf->src->size;
        }
    }
    return false;
}

static sk_err find_entry(struct sk_walk *walk, const struct elf *elf, struct sk_exe *out) {
    sk_err err = sk_ok();
    if (elf->entry == 0 || elf->ph_count == 0) {
        out->has_entry = true;
        out->entry = 0;
    } else {
        out->has_entry = map_entry(walk, elf, &out->entry, &err);
    }
    return err;
}

static void read_section(const struct elf *elf, struct sk_cursor *c, struct sk_exe_section *out) {
    uint64_t size = elf->src->size;
    sk_cursor_skip(c, elf->is_64 ? 16 : 12);
    uint64_t vaddr = get_word(elf, c);
    uint64_t off = get_word(elf, c);
    uint64_t bytes = get_word(elf, c);
    sk_cursor_skip(c, elf->is_64 ? 24 : 16);
    out->vaddr = vaddr;
    out->vsize = bytes;
    out->off = off < size ? off : size;
    out->size = bytes < size - out->off ? bytes : size - out->off;
}

/* Some at a time: asking for the bytes and the clock costs more than a section does. */
static sk_err read_sections(struct sk_walk *walk, const struct elf *elf, struct sk_exe *out) {
    uint64_t at = elf->sh_off;
    uint32_t count = at == 0 ? 0 : fitting(elf, at, elf->sh_count, sh_bytes(elf));
    struct sk_exe_section *list = arena_zalloc(walk_arena(walk), count, sizeof(*list));
    if (list == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (uint32_t i = 0; i < count;) {
        TRY(walk_tick(walk));
        uint32_t end = count - i > SECTIONS_AT_ONCE ? i + SECTIONS_AT_ONCE : count;
        struct sk_cursor c = sk_source_cursor(elf->src, at, (end - i) * sh_bytes(elf));
        at += (end - i) * sh_bytes(elf);
        while (i < end) {
            read_section(elf, &c, &list[i++]);
        }
    }
    out->section = list;
    out->section_count = count;
    return sk_ok();
}

static int elf_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "\177ELF", 4) ? 95 : 0;
}

/* Seen with clamscan 1.4.6: a table that is not all in the file, entries of the wrong size, an
 * entry point in no segment. */
static void tell_broken(struct sk_walk *walk, const struct elf *elf, const struct sk_exe *exe) {
    uint32_t ph = fitting(elf, elf->ph_off, elf->ph_count, ph_bytes(elf));
    uint32_t sh =
        elf->sh_off == 0 ? elf->sh_count : fitting(elf, elf->sh_off, elf->sh_count, sh_bytes(elf));
    if (ph < elf->ph_count || sh < elf->sh_count || elf->sh_bad || !exe->has_entry) {
        walk_fact(walk, SK_FACT_BROKEN_EXE, NULL, 0);
    }
}

static sk_err elf_walk(struct sk_walk *walk, struct sk_source *src) {
    struct elf elf = {.src = src};
    sk_err err = read_header(&elf);
    if (err.code == SK_E_FORMAT) {
        walk_fact(walk, SK_FACT_BROKEN_EXE, NULL, 0);
    }
    TRY(err);
    struct sk_exe exe = {0};
    TRY(find_entry(walk, &elf, &exe));
    tell_broken(walk, &elf, &exe);
    TRY(read_sections(walk, &elf, &exe));
    if (sk_failed(src->failed)) {
        return src->failed;
    }
    walk_exe(walk, &exe);
    return sk_ok();
}

const struct sk_format sk_format_elf = {
    .name = "elf", .type = SK_TYPE_ELF, .probe = elf_probe, .walk = elf_walk};
