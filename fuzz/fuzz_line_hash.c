// SPDX-License-Identifier: Apache-2.0
/* Lines of hash signatures and ignore lists, cut by the line reader out of raw bytes. */
#include "base/mem.h"
#include "defc/line_hash.h"
#include "defc/line_ign.h"
#include "defc/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sk_err one_line(struct ignore_list *ign, const struct line *line) {
    struct defc_why why = {.reason = DEFC_TAKEN};
    struct hash_line out;
    struct ignore_line entry = {0, line->len % 2 == 0, line->text, line->len};
    for (int role = 0; role < HS_ROLE_COUNT; role++) {
        if (line_hash_parse((enum hs_role)role, line->text, line->len, &out, &why)) {
            struct ignore_query q = {0, out.name, out.name_len, line->text, line->len};
            (void)ignore_has(ign, &q);
        }
    }
    return ignore_add_line(ign, &entry, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sk_source src;
    struct sk_source_stream stream;
    struct lines lines;
    struct ignore_list *ign = NULL;
    sk_source_init_mem(&src, data, size);
    if (sk_failed(ignore_list_new(&ign))) {
        return 0;
    }
    struct sk_stream *in = sk_source_stream_init(&stream, &src, 0, size);
    if (!sk_failed(lines_init(&lines, in, 200))) {
        struct line line = {.end = false};
        while (!sk_failed(lines_next(&lines, &line)) && !line.end) {
            if (line.fault == NULL && sk_failed(one_line(ign, &line))) {
                break;
            }
        }
        lines_release(&lines);
    }
    struct buf section = {0};
    SK_IGNORE(ignore_section(ign, 0, &section), "any answer will do");
    buf_release(&section);
    ignore_list_free(ign);
    return 0;
}
