// SPDX-License-Identifier: Apache-2.0
/*
 * The whole engine over arbitrary objects: every reader, the matcher, limits, verdict. Small
 * limits, so that an input that takes long shows as a time-out. A report must agree with itself.
 */
#include <stdlib.h>

#include "lib/fakedefs.h"

static struct fakedefs defs;
static struct sk_scanner *scanner;

static void require(int ok) {
    if (!ok) {
        abort();
    }
}

static void prepare(void) {
    static const struct fakedefs_file FILES[] = {
        {"a.ndb",
         "Any:0:*:6d61726b6572616c706861\nPe:1:EP+0:5589e5??83ec\nElf:6:*:7f454c46{-64}02\n"
         "Text:7:*:68656c6c6f20776f726c64\nHtml:3:*:3c736372697074\nSect:1:S0+0:90909090\n"
         "Eof:0:EOF-16,8:656e646d61726b\n"},
        {"a.ldb", "L1;Engine:51-255,Target:0;(0&1)|2;6d61726b6572;616c706861*62657461;(41|42)4344\n"
                  "L2;Engine:51-255,Target:1;0>2;9090909090\n"},
        {"a.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Hash\n"},
        {"a.mdb", "512:bf619eac0cdf3f68d496ea9344137e8b:Section\n"},
        {"a.fp", "d41d8cd98f00b204e9800998ecf8427f:100:Allowed\n"},
        {NULL, NULL}};
    fakedefs_open(&defs, FILES);
    struct sk_options options;
    sk_options_init(&options);
    options.flags = SK_SCAN_ALL_MATCHES;
    options.limits.max_file_size = 8 << 20;
    options.limits.max_scan_size = 16 << 20;
    options.limits.max_files = 200;
    options.limits.max_recursion = 6;
    options.limits.max_memory = 64 << 20;
    options.limits.max_scan_time = 20000;
    require(sk_scanner_new(defs.engine, &options, &scanner) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (scanner == NULL) {
        prepare();
    }
    const struct sk_report *r = NULL;
    require(sk_scan_mem(scanner, data, size, NULL, &r) == 0);
    int incomplete = 0;
    for (size_t i = 0; i < r->note_count; i++) {
        incomplete |= r->notes[i].incomplete;
        require(r->notes[i].word != NULL && r->notes[i].layer != NULL);
    }
    require(r->complete == !incomplete);
    require((r->finding_count > 0) == (r->verdict == SK_VERDICT_INFECTED));
    require(r->verdict != SK_VERDICT_CLEAN || r->complete);
    for (size_t i = 0; i < r->finding_count; i++) {
        require(r->findings[i].name[0] != '\0' && r->findings[i].layer != NULL);
    }
    return 0;
}
