// SPDX-License-Identifier: Apache-2.0
/*
 * walkdump FORMAT FILE: walk one file with one format reader and print what it says, a JSON
 * object a line: each child, then a summary with bid, result and notes. For integration tests,
 * which compare it with what other tools unpack.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "walktest.h"

static void print_line(struct buf *line) {
    (void)printf("%s\n", buf_text(line));
    buf_clear(line);
}

static void dump_child(struct buf *line, const struct walktest_child *c) {
    struct json j;
    json_init(&j, line);
    json_open(&j, NULL, '{');
    if (c->name != NULL) {
        json_strn(&j, "name", c->name, c->name_len);
    }
    json_u64(&j, "bytes", c->got_bytes);
    json_u64(&j, "crc32", c->got_crc32);
    json_u64(&j, "stated_crc32", c->crc32);
    json_bool(&j, "encrypted", c->encrypted);
    json_bool(&j, "slice", c->is_slice);
    json_bool(&j, "data", c->has_data || c->is_slice);
    json_str(&j, "end", sk_err_text(c->data_err));
    json_close(&j, '}');
    print_line(line);
}

static void dump_summary(struct buf *line, const struct walktest *t, int bid, sk_err err) {
    struct json j;
    json_init(&j, line);
    json_open(&j, NULL, '{');
    json_u64(&j, "bid", (uint64_t)bid);
    json_str(&j, "result", sk_err_text(err));
    if (t->has_type) {
        json_str(&j, "type", sk_type_word(t->type));
    }
    json_open(&j, "notes", '{');
    for (int i = 0; i < SK_NOTE_COUNT; i++) {
        if (t->note[i] != 0) {
            json_u64(&j, sk_note_word((enum sk_note)i), t->note[i]);
        }
    }
    json_close(&j, '}');
    json_str(&j, "detail", t->last_detail);
    json_close(&j, '}');
    print_line(line);
}

static uint8_t *read_file(const char *path, size_t *out_len) {
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t len = 0;
    size_t cap = 0;
    while (f != NULL) {
        if (len == cap) {
            cap = cap == 0 ? 65536 : cap * 2;
            bytes = realloc(bytes, cap);
        }
        size_t got = bytes == NULL ? 0 : fread(bytes + len, 1, cap - len, f);
        if (got == 0) {
            (void)fclose(f);
            break;
        }
        len += got;
    }
    *out_len = len;
    return bytes;
}

int main(int argc, char **argv) {
    size_t len = 0;
    uint8_t *bytes = argc == 3 ? read_file(argv[2], &len) : NULL;
    if (bytes == NULL) {
        (void)fprintf(stderr, "usage: walkdump FORMAT FILE\n");
        return 64;
    }
    for (unsigned i = 0; i < sk_format_count; i++) {
        if (strcmp(sk_formats[i]->name, argv[1]) != 0 || sk_formats[i]->walk == NULL) {
            continue;
        }
        struct buf line = {0};
        struct walktest t;
        enum sk_type type;
        walktest_init(&t);
        sk_err err = walktest_run_windowed(&t, sk_formats[i], bytes, len);
        for (size_t k = 0; k < t.child_count; k++) {
            dump_child(&line, &t.child[k]);
        }
        dump_summary(&line, &t, walktest_bid(sk_formats[i], bytes, len, &type), err);
        walktest_release(&t);
        buf_release(&line);
        free(bytes);
        return 0;
    }
    (void)fprintf(stderr, "walkdump: no format %s\n", argv[1]);
    return 64;
}
