// SPDX-License-Identifier: Apache-2.0
/*
 * struct json: writer of one JSON value into a struct buf; commas and nesting are its business.
 *
 * Life cycle: json_init(&j, &buf), calls in document order, then `j.err` says whether all went well
 * (the first error sticks; later calls do nothing). Ownership: **borrows** the buffer.
 * key is NULL inside arrays and for the outermost value. Text need not be UTF-8 (see buf_put_json).
 */
#ifndef SK_BASE_JSON_H
#define SK_BASE_JSON_H

#include "base/buf.h"

struct json {
    struct buf *out;
    sk_err err;
    uint32_t depth;
    bool comma; /* a value precedes at this level */
};

void json_init(struct json *j, struct buf *out);
void json_open(struct json *j, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);                 /* '}' or ']' */
void json_str(struct json *j, const char *key, const char *text);
void json_strn(struct json *j, const char *key, const char *text, size_t len);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_double(struct json *j, const char *key, double value); /* three decimals */
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

#endif
