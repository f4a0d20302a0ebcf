// SPDX-License-Identifier: Apache-2.0
/* Prints "FILE: hash hash ..." for the icons of each program, the hashes as lines of idb hold them:
 * the judge of diff_icons.py. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/icon.h"
#include "format/pe_icons.h"
#include "norm/icon_print.h"
#include "walktest.h"

extern const struct sk_format sk_format_pe;

static void show(const struct icon_print *p) {
    printf(" %02x", p->side);
    for (unsigned t = 0; t < ICON_TRAITS; t++) {
        for (unsigned i = 0; i < ICON_AREAS; i++) {
            const struct icon_area *a = &p->area[t][i];
            printf("%0*x%02x%02x", t <= ICON_GREY ? 3 : 2, a->value, a->x, a->y);
        }
    }
    for (unsigned i = 0; i < ICON_SPREADS; i++) {
        printf("%02x", p->spread[i]);
    }
}

static sk_err on_icon(void *ctx, uint64_t off) {
    struct icon_picture picture;
    struct icon_print print;
    if (!sk_failed(icon_decode(ctx, off, &picture)) &&
        !sk_failed(icon_print_make(picture.rgb, picture.side, &print))) {
        show(&print);
    }
    return sk_ok();
}

static void tell(const char *path) {
    static uint8_t bytes[16 << 20];
    FILE *f = fopen(path, "rb");
    size_t len = f == NULL ? 0 : fread(bytes, 1, sizeof(bytes), f);
    if (f != NULL) {
        fclose(f);
    }
    struct walktest t;
    struct sk_source src;
    walktest_init(&t);
    (void)walktest_run(&t, &sk_format_pe, bytes, len);
    sk_source_init_mem(&src, bytes, len);
    printf("%s:", path);
    if (t.has_exe && t.exe.resource_size > 0) {
        SK_IGNORE(pe_icons(&src, &t.exe, on_icon, &src), "what was found has been printed");
    }
    printf("\n");
    sk_source_release(&src);
    walktest_release(&t);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        tell(argv[i]);
    }
    return EXIT_SUCCESS;
}
