// SPDX-License-Identifier: Apache-2.0
/*
 * struct tell: one account of something, written once and read twice: as an indented text for
 * people or as one JSON value.
 *
 * Every call takes the key for JSON and the label for people; a label of NULL leaves the value out
 * of the text, a key of NULL (inside '{') leaves it out of the JSON. Labels are already translated.
 * Life cycle: tell_init -> calls in document order -> tell_end, which gives the first error.
 * Ownership: **borrows** the buffer. Values of tell_text are escaped; lines of tell_line are
 * printed as they are.
 */
#ifndef SK_CLI_TELL_H
#define SK_CLI_TELL_H

#include "base/json.h"

struct tell {
    struct buf *out;
    struct json own;
    struct json *json;
    bool as_json;
    unsigned depth; /* of the text, two blanks each */
    sk_err err;
};

void tell_init(struct tell *t, struct buf *out, bool as_json);
/* What follows belongs to this value; bracket as for JSON. */
void tell_open(struct tell *t, const char *key, const char *label, char bracket);
void tell_close(struct tell *t, const char *label, char bracket);
void tell_text(struct tell *t, const char *key, const char *label, const char *text);
void tell_number(struct tell *t, const char *key, const char *label, uint64_t value);
void tell_flag(struct tell *t, const char *key, const char *label, bool value);
/* Elements of a JSON array; they leave no line in the text. */
void tell_item(struct tell *t, uint64_t value);
void tell_word(struct tell *t, const char *text);
/* A line of the text only, `indent` steps deeper than where it stands. */
void tell_line(struct tell *t, unsigned indent, const char *text);
/* Instead of tell_init: go on inside a JSON value that the caller has open. **Borrows** it. */
void tell_join(struct tell *t, struct json *json);
sk_err tell_end(struct tell *t);

#endif
