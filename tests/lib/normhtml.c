// SPDX-License-Identifier: Apache-2.0
/*
 * normhtml FILE...: each FILE is normalised into FILE.nocomment, FILE.notags, FILE.script, for
 * comparison with `sigtool --html-normalise`.
 */
#include <stdio.h>

#include "norm/html.h"

struct outs {
    FILE *file[SK_HTML_OUT_COUNT];
};

static sk_err put(void *ctx, enum sk_html_out out, const uint8_t *bytes, size_t len) {
    struct outs *outs = ctx;
    return fwrite(bytes, 1, len, outs->file[out]) == len ? sk_ok() : sk_fail(SK_E_IO);
}

static sk_err normalise(FILE *in, struct outs *outs) {
    const struct sk_html_events events = {.put = put, .ctx = outs};
    struct sk_norm_html *h;
    uint8_t bytes[4096];
    size_t got;
    TRY(sk_norm_html_new(&events, &h));
    sk_err err = sk_ok();
    while (!sk_failed(err) && (got = fread(bytes, 1, sizeof(bytes), in)) > 0) {
        err = sk_norm_html_feed(h, bytes, got);
    }
    if (!sk_failed(err)) {
        err = sk_norm_html_finish(h);
    }
    sk_norm_html_free(h);
    return err;
}

int main(int argc, char **argv) {
    static const char *const NAMES[SK_HTML_OUT_COUNT] = {"nocomment", "notags", "script"};
    int status = 0;
    for (int a = 1; a < argc; a++) {
        FILE *in = fopen(argv[a], "rb");
        struct outs outs = {{NULL}};
        if (in == NULL) {
            return 66;
        }
        for (int i = 0; i < SK_HTML_OUT_COUNT; i++) {
            char name[4096];
            (void)snprintf(name, sizeof(name), "%s.%s", argv[a], NAMES[i]);
            outs.file[i] = fopen(name, "wb");
            if (outs.file[i] == NULL) {
                return 73;
            }
        }
        status |= sk_failed(normalise(in, &outs));
        for (int i = 0; i < SK_HTML_OUT_COUNT; i++) {
            status |= fclose(outs.file[i]) != 0;
        }
        (void)fclose(in);
    }
    return status;
}
