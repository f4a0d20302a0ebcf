// SPDX-License-Identifier: Apache-2.0
/*
 * pdf_lex: tokens of PDF syntax (ISO 32000-1, 7.2 and 7.3) out of bytes in memory.
 *
 * Nothing fails: any bytes are some tokens, PDF_END comes at the end. A token **borrows** the bytes
 * under the cursor. Nesting is counted by the callers, never by recursion. Names are compared with
 * their #xx escapes undone. Offsets are in bytes.
 */
#ifndef SK_FORMAT_PDF_LEX_H
#define SK_FORMAT_PDF_LEX_H

#include "base/buf.h"
#include "base/cursor.h"

enum pdf_kind {
    PDF_END,
    PDF_INT,
    PDF_NAME,   /* with its slash */
    PDF_STRING, /* "(...)" */
    PDF_HEX,    /* "<...>" */
    PDF_ARRAY,
    PDF_ARRAY_END,
    PDF_DICT,
    PDF_DICT_END,
    PDF_WORD, /* keywords, reals, anything else */
    PDF_REF   /* "12 0 R", only from pdf_value */
};

struct pdf_token {
    enum pdf_kind kind;
    const uint8_t *ptr; /* all of the token */
    size_t len;
    int64_t value; /* PDF_INT; PDF_REF: the object number */
    bool cut;      /* the bytes ended inside the token */
};

void pdf_lex(struct sk_cursor *c, struct pdf_token *out_token);
/* The same, but "n g R" is one token. */
void pdf_value(struct sk_cursor *c, struct pdf_token *out_token);

bool pdf_is_space(uint8_t c);
bool pdf_is_regular(uint8_t c);

/* `name` without slash. */
bool pdf_name_is(const struct pdf_token *t, const char *name);
bool pdf_word_is(const struct pdf_token *t, const char *word);
/* Does the token begin with this? For keywords that are glued to what follows. */
bool pdf_word_begins(const struct pdf_token *t, const char *word);
/* A name spelt with escapes that ClamAV's list of structural names holds: nobody writes
 * "/Java#53cript" by chance. */
bool pdf_name_hides(const struct pdf_token *t);
/* Append the bytes a string or hex string stands for. SK_E_NOMEM. */
sk_err pdf_string_bytes(const struct pdf_token *t, struct buf *out);

/* Put the cursor behind `key` of the first dictionary in the bytes (keys of that level only). */
bool pdf_dict_find(struct sk_bytes bytes, const char *key, struct sk_cursor *out_at);
/* The value as an integer; `otherwise` when it is absent or something else. */
int64_t pdf_dict_int(struct sk_bytes bytes, const char *key, int64_t otherwise);
bool pdf_dict_name_is(struct sk_bytes bytes, const char *key, const char *name);

#endif
