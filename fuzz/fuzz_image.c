// SPDX-License-Identifier: Apache-2.0
/* A definitions image: opened, asked, verified; with its checksums as they are and made right, as
 * an enemy would make them. */
#include <stdlib.h>

#include "defkit.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_image(const uint8_t *bytes, size_t len) {
    struct image *img = NULL;
    if (!sk_failed(image_open_mem(bytes, len, NULL, &img))) {
        defkit_exercise(img);
        image_close(img);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    MEM_AUTO uint8_t *copy = mem_alloc(size + 1);
    if (copy == NULL || size > (size_t)1 << 20) {
        return 0;
    }
    memcpy(copy, data, size);
    try_image(copy, size);
    if (size >= IMG_HEADER_BYTES) {
        ((struct img_header *)(void *)copy)->file_len = size;
        defkit_reseal(copy, size);
        try_image(copy, size);
    }
    return 0;
}
