// SPDX-License-Identifier: Apache-2.0
/* Icons of programs: any bytes as a program, from its resources to fingerprints; and as the bitmap
 * of one icon. */
#include "codec/icon.h"
#include "format/pe_icons.h"
#include "norm/icon_print.h"
#include "walk.h"

extern const struct sk_format sk_format_pe;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct sk_source *src;
    unsigned count;
};

static void look(struct sk_source *src, uint64_t off) {
    struct icon_picture picture;
    struct icon_print print;
    if (sk_failed(icon_decode(src, off, &picture))) {
        return;
    }
    if (sk_failed(icon_print_make(picture.rgb, picture.side, &print)) ||
        icon_print_likeness(&print, &print) < 55) {
        abort();
    }
}

static sk_err on_icon(void *ctx, uint64_t off) {
    struct seen *s = ctx;
    if (off > s->src->size) {
        abort();
    }
    look(s->src, off);
    return ++s->count < 16 ? sk_ok() : sk_fail(SK_E_STOP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct walktest t;
    struct sk_source src;
    walktest_init(&t);
    t.child_max_bytes = 0;
    sk_err err = walktest_run(&t, &sk_format_pe, data, size);
    sk_source_init_mem(&src, data, size);
    if (!sk_failed(err) && t.has_exe) {
        struct seen seen = {&src, 0};
        err = pe_icons(&src, &t.exe, on_icon, &seen);
        if (sk_failed(err) && err.code != SK_E_STOP && err.code != SK_E_LIMIT) {
            abort();
        }
    }
    look(&src, 0);
    sk_source_release(&src);
    walktest_release(&t);
    return 0;
}
