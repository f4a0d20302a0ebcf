// SPDX-License-Identifier: Apache-2.0
/* Prints the image hash of each file, as `sigtool --fuzzy-img` does: the judge of
 * diff_image_hash.py. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/image.h"
#include "norm/image_hash.h"

static sk_err on_size(void *ctx, uint32_t width, uint32_t height) {
    return image_hash_begin(ctx, width, height);
}

static sk_err on_row(void *ctx, const uint8_t *rgb) {
    image_hash_row(ctx, rgb);
    return sk_ok();
}

static sk_err on_tick(void *ctx) {
    (void)ctx;
    return sk_ok();
}

static void tell(const char *path) {
    static uint8_t bytes[16 << 20];
    FILE *f = fopen(path, "rb");
    size_t len = f == NULL ? 0 : fread(bytes, 1, sizeof(bytes), f);
    if (f != NULL) {
        fclose(f);
    }
    struct sk_source src;
    struct image_hash hash = {0};
    struct image_sink sink = {on_size, on_row, on_tick, &hash};
    sk_source_init_mem(&src, bytes, len);
    sk_err err = image_decode(&src, &sink);
    if (sk_failed(err)) {
        printf("%s: ERROR %s\n", path, sk_err_text(err));
    } else {
        printf("%s: %016" PRIx64 "\n", path, image_hash_end(&hash));
    }
    image_hash_release(&hash);
    sk_source_release(&src);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        tell(argv[i]);
    }
    return EXIT_SUCCESS;
}
