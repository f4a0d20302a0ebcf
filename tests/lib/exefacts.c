// SPDX-License-Identifier: Apache-2.0
/*
 * exefacts FILE...: prints what the PE and ELF readers report, one fact a line, for golden files
 * and for the comparison with sigtool and clamscan.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "walktest.h"

extern const struct sk_format sk_format_pe;
extern const struct sk_format sk_format_elf;

static void print_exe(const struct sk_exe *exe) {
    if (exe->has_entry) {
        printf("entry %" PRIu64 "\n", exe->entry);
    }
    for (uint32_t i = 0; i < exe->section_count; i++) {
        const struct sk_exe_section *s = &exe->section[i];
        printf("section %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIx64 "\n", s->off, s->size,
               s->vaddr, s->vsize);
    }
    printf("hashes %d\n", exe->section_hashes_alert);
    for (uint32_t i = 0; i < exe->vinfo_count; i++) {
        printf("vinfo %" PRIu32 "\n", exe->vinfo[i]);
    }
    if (exe->imports != NULL) {
        printf("imports %zu ", exe->imports_len);
        for (size_t i = 0; i < exe->imports_len; i++) {
            printf("%02x", (unsigned char)exe->imports[i]);
        }
        printf("\n");
    }
}

static void print_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    size_t len = (size_t)ftell(f);
    uint8_t *bytes = malloc(len + 1);
    rewind(f);
    if (bytes == NULL || fread(bytes, 1, len, f) != len) {
        perror(path);
        exit(1);
    }
    fclose(f);
    enum sk_type type = SK_TYPE_BINARY;
    const struct sk_format *format =
        walktest_bid(&sk_format_elf, bytes, len, &type) > 0 ? &sk_format_elf : &sk_format_pe;
    struct walktest t;
    walktest_init(&t);
    printf("file %s\n", path);
    sk_err err = walktest_run_windowed(&t, format, bytes, len);
    printf("format %s bid %d result %d\n", format->name, walktest_bid(format, bytes, len, &type),
           err.code);
    if (t.has_exe) {
        print_exe(&t.exe);
    }
    walktest_release(&t);
    free(bytes);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        print_file(argv[i]);
    }
    return 0;
}
