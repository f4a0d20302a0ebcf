// SPDX-License-Identifier: Apache-2.0
/*
 * What the parts of the PE reader share: the headers of one image, parsed once by pe.c.
 *
 * Life cycle: pe.c fills a struct pe on the stack of its walk and hands it to the parts in turn.
 * Ownership: everything **borrows** the source and the arena of the walk. Units: bytes; an RVA is
 * an address relative to the image base, an offset a position in the file.
 */
#ifndef SK_FORMAT_PE_H
#define SK_FORMAT_PE_H

#include "format/format.h"

#define PE_DIR_IMPORT 1
#define PE_DIR_RESOURCE 2
#define PE_DIR_SECURITY 4 /* its address is a file offset */
#define PE_DIR_COUNT 5    /* the directories that somebody here reads */

struct pe_dir {
    uint32_t rva;
    uint32_t size;
};

struct pe {
    struct sk_walk *walk;
    struct sk_source *src;
    bool is_64;            /* PE32+ */
    uint64_t header_bytes; /* RVAs below this are file offsets */
    uint32_t section_count;
    const struct sk_exe_section *section; /* aligned and clipped; vaddr is rounded down */
    struct pe_dir dir[PE_DIR_COUNT];
    uint64_t optional_off; /* of the optional header */
};

/* File offset behind an RVA; false when no byte of the file is there. */
bool pe_map(const struct pe *pe, uint64_t rva, uint64_t *out_off);

/* Sets out->imports when the import directory can be written as a list. Errors: of walk_tick and
 * of memory; a damaged directory is no error, it gives no list. */
sk_err pe_imports(const struct pe *pe, struct sk_exe *out);

/* Sets out->vinfo. Errors as above. */
sk_err pe_version(const struct pe *pe, struct sk_exe *out);

#endif
