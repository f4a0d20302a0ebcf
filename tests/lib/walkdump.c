// SPDX-License-Identifier: Apache-2.0
/*
 * walkdump FORMAT FILE [DIR]: walk one file with one format reader and print what it says, a JSON
 * object a line: each child, view and fact, then a summary with bid, result and notes. DIR: write
 * the views there as view-0, view-1... and the heads of the children as child-0... For integration
 * tests, which compare it with what other tools unpack.
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
    json_strn(&j, "head", (const char *)c->head, c->got_bytes < 64 ? (size_t)c->got_bytes : 64);
    json_close(&j, '}');
    print_line(line);
}

static void dump_view(struct buf *line, const struct walktest_view *v) {
    struct json j;
    json_init(&j, line);
    json_open(&j, NULL, '{');
    json_u64(&j, "view_target", v->target);
    json_u64(&j, "bytes", v->len);
    json_close(&j, '}');
    print_line(line);
}

static void dump_fact(struct buf *line, const struct walktest_fact *f) {
    struct json j;
    json_init(&j, line);
    json_open(&j, NULL, '{');
    json_str(&j, "fact", sk_fact_word(f->fact));
    if (f->value != NULL) {
        json_strn(&j, "value", f->value, f->value_len);
    }
    json_close(&j, '}');
    print_line(line);
}

static void save(const char *dir, const char *kind, size_t index, struct sk_bytes bytes) {
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s-%zu", dir, kind, index);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes.ptr, 1, bytes.len, f) != bytes.len || fclose(f) != 0) {
        (void)fprintf(stderr, "walkdump: cannot write %s\n", path);
        exit(1);
    }
}

static void save_all(const char *dir, const struct walktest *t) {
    for (size_t k = 0; k < t->child_count; k++) {
        uint64_t got = t->child[k].got_bytes;
        size_t len = got < WALKTEST_KEEP_BYTES ? (size_t)got : WALKTEST_KEEP_BYTES;
        save(dir, "child", k, (struct sk_bytes){t->child[k].head, len});
    }
    for (size_t k = 0; k < t->view_count; k++) {
        save(dir, "view", k, (struct sk_bytes){t->view[k].bytes, t->view[k].len});
    }
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
    uint8_t *bytes = argc == 3 || argc == 4 ? read_file(argv[2], &len) : NULL;
    if (bytes == NULL) {
        (void)fprintf(stderr, "usage: walkdump FORMAT FILE [DIR]\n");
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
        for (size_t k = 0; k < t.view_count; k++) {
            dump_view(&line, &t.view[k]);
        }
        for (size_t k = 0; k < t.fact_count; k++) {
            dump_fact(&line, &t.fact[k]);
        }
        if (argc == 4) {
            save_all(argv[3], &t);
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
