// SPDX-License-Identifier: Apache-2.0
/* A forward-only writer: it remembers only whether a comma is due, so there is no tree to build. */
#include "base/json.h"

void json_init(struct json *j, struct buf *out) {
    *j = (struct json){.out = out};
}

static void step(struct json *j, sk_err err) {
    if (!sk_failed(j->err)) {
        j->err = err;
    }
}

static bool begin(struct json *j, const char *key) {
    if (j->comma) {
        step(j, buf_puts(j->out, ","));
    }
    j->comma = true;
    if (key != NULL) {
        step(j, buf_put_json(j->out, key, strlen(key)));
        step(j, buf_puts(j->out, ":"));
    }
    return !sk_failed(j->err);
}

void json_open(struct json *j, const char *key, char bracket) {
    if (begin(j, key)) {
        step(j, buf_append(j->out, &bracket, 1));
    }
    j->depth++;
    j->comma = false;
}

void json_close(struct json *j, char bracket) {
    step(j, j->depth == 0 ? sk_fail(SK_E_INTERNAL) : buf_append(j->out, &bracket, 1));
    j->depth -= j->depth != 0;
    j->comma = true;
}

void json_strn(struct json *j, const char *key, const char *text, size_t len) {
    if (begin(j, key)) {
        step(j, buf_put_json(j->out, text, len));
    }
}

void json_str(struct json *j, const char *key, const char *text) {
    json_strn(j, key, text, strlen(text));
}

void json_u64(struct json *j, const char *key, uint64_t value) {
    if (begin(j, key)) {
        step(j, buf_printf(j->out, "%llu", (unsigned long long)value));
    }
}

void json_double(struct json *j, const char *key, double value) {
    if (begin(j, key)) {
        step(j, buf_printf(j->out, "%.3f", value));
    }
}

void json_bool(struct json *j, const char *key, bool value) {
    if (begin(j, key)) {
        step(j, buf_puts(j->out, value ? "true" : "false"));
    }
}

void json_null(struct json *j, const char *key) {
    if (begin(j, key)) {
        step(j, buf_puts(j->out, "null"));
    }
}
