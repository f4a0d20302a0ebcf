// SPDX-License-Identifier: Apache-2.0
/* A signature container of each kind: headers, inventory, archive, packing. Signatures are accepted
 * unverified, so that what lies behind them is reached. */
#include "defc/cvd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sk_err read_all(void *ctx, struct cvd *c, const struct cvd_member *member) {
    uint64_t sum = 0;
    (void)ctx;
    for (;;) {
        uint8_t chunk[1000];
        size_t got = 0;
        TRY(sk_stream_read(cvd_stream(c), chunk, sizeof chunk, &got));
        if (got == 0) {
            break;
        }
        sum += got;
    }
    /* A stream longer than its member would be a bug. */
    return sum <= member->size ? sk_ok() : (__builtin_trap(), sk_ok());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const paths[] = {"x.cvd", "x.cld", "x.cud"};
    for (int i = 0; i < 3; i++) {
        struct cvd *c = NULL;
        if (sk_failed(cvd_open_mem((struct sk_bytes){data, size}, paths[i], NULL, NULL, &c))) {
            continue;
        }
        cvd_accept_unverified(c);
        if (!sk_failed(cvd_verify(c, NULL, NULL))) {
            SK_IGNORE(cvd_walk(c, read_all, NULL), "any answer will do");
        }
        cvd_close(c);
    }
    return 0;
}
