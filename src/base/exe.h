// SPDX-License-Identifier: Apache-2.0
/*
 * struct sk_exe: what signatures ask about an executable, whatever its format (PE, ELF, Mach-O).
 *
 * Filled by the format reader, read by the matcher (offsets EP+n, Sx+n, SEx, SL+n, VI; attributes
 * EntryPoint, NumberOfSections) and by the engine (section and import hashes). All offsets are file
 * offsets in bytes, already clipped by the reader to the size of the layer. SEx lets a match start
 * anywhere in [off, off + size], the end included; sections of size 0 have no hash, but Sx+n works.
 * Ownership: arrays live in the arena of the scan, **borrowed** until it is rewound.
 */
#ifndef SK_BASE_EXE_H
#define SK_BASE_EXE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sk_exe_section {
    uint64_t off;  /* raw data in the file */
    uint64_t size; /* raw bytes, clipped to the file */
    uint64_t vaddr;
    uint64_t vsize;
};

struct sk_exe {
    bool has_entry;
    uint64_t entry; /* file offset of the entry point */
    uint32_t section_count;
    const struct sk_exe_section *section;
    bool section_hashes_alert; /* PE: mdb/msb signatures apply, to PE32+ too (clamscan 1.4.6) */
    /* File offsets inside PE version information where a VI pattern may start, ascending. */
    const uint32_t *vinfo;
    uint32_t vinfo_count;
    /* "dll.func,dll.func": normalised import list for imp signatures; NULL when there is none. */
    const char *imports;
    size_t imports_len;
    /* PE: the certificate table; cert_len 0: none. And two header fields a signature leaves out. */
    uint64_t cert_off, cert_len;
    uint64_t checksum_off, cert_dir_off;
    /* PE: what it takes to find resources later (format/pe_icons.h). An address below header_bytes
     * is a file offset; resource_size 0: no resources. */
    uint64_t header_bytes;
    uint64_t resource_rva, resource_size;
};

#endif
