// SPDX-License-Identifier: Apache-2.0
/* normtext FILE: the file as normalised text on standard output, for comparison with sigtool. */
#include <stdio.h>

#include "norm/text.h"

int main(int argc, char **argv) {
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (f == NULL) {
        (void)fprintf(stderr, "usage: normtext FILE\n");
        return 64;
    }
    struct sk_norm_text n = {0};
    uint8_t bytes[4096];
    size_t got;
    int status = 0;
    while ((got = fread(bytes, 1, sizeof(bytes), f)) > 0) {
        size_t len = sk_norm_text_feed(&n, bytes, got, bytes);
        status |= fwrite(bytes, 1, len, stdout) != len;
    }
    (void)fclose(f);
    return status;
}
