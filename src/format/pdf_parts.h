// SPDX-License-Identifier: Apache-2.0
/*
 * The parts of the PDF reader (pdf.c has the picture): what they share during one walk. Nothing
 * here outlives sk_format_pdf.walk.
 *
 * Ownership: struct pdf owns its tables and buffers (pdf_release); it **borrows** walk and source.
 * struct sk_bytes of pdf_body are **borrowed** until the next pdf_body. Errors: those of format.h;
 * damage is a note, not an error.
 */
#ifndef SK_FORMAT_PDF_PARTS_H
#define SK_FORMAT_PDF_PARTS_H

#include "base/buf.h"
#include "format/format.h"
#include "format/pdf_lex.h"

#define PDF_NO_NUMBER UINT32_MAX
#define PDF_KEY_MAX 32

/* What was seen in an object's own syntax, whatever the depth: says which passes must look again.
 */
enum pdf_seen {
    PDF_SEEN_OBJSTM = 1u << 0,
    PDF_SEEN_XREF = 1u << 1,
    PDF_SEEN_ENCRYPT = 1u << 2,
    PDF_SEEN_ACTIVE = 1u << 3, /* something harvest wants: scripts, addresses, files */
    PDF_SEEN_IMAGE = 1u << 4,
    PDF_SEEN_TRAILER = 1u << 5, /* not an object: the dictionary behind "trailer" */
    PDF_SEEN_STREAM = 1u << 6
};

/* One "n g obj", wherever it stands; or one trailer. */
struct pdf_object {
    uint64_t off;       /* of its body, behind the keyword */
    uint32_t num;       /* PDF_NO_NUMBER: none could be read */
    uint32_t body_len;  /* up to "endobj" or "stream" */
    uint32_t stream_at; /* of the stream's data, from off; PDF_SEEN_STREAM */
    uint16_t gen;
    uint16_t seen;
};

/* Where a member's content comes from, when an object elsewhere says what it is. */
enum pdf_role_kind { PDF_ROLE_SCRIPT, PDF_ROLE_FILE, PDF_ROLE_XFA, PDF_ROLE_PAGE };

struct pdf_role {
    uint32_t num;
    enum pdf_role_kind kind;
    char *name; /* NULL: none; in the arena */
    size_t name_len;
};

/* An object inside an object stream. */
struct pdf_packed {
    uint32_t num;
    uint32_t container; /* index in pdf.object */
    uint32_t slot;      /* position in the container */
};

enum pdf_cipher { PDF_PLAIN, PDF_RC4, PDF_AES_128, PDF_AES_256 };

struct pdf_crypt {
    bool active;   /* the empty password opens it */
    bool locked;   /* it does not, or the method is unknown */
    bool doubtful; /* another trailer does not encrypt: what is decrypted is read plainly as well */
    bool metadata;
    uint8_t key[PDF_KEY_MAX];
    size_t key_len;
    enum pdf_cipher strings, streams, files;
};

enum pdf_once {
    PDF_ONCE_SCRIPT = 1u << 0,
    PDF_ONCE_HIDDEN_NAME = 1u << 1,
    PDF_ONCE_OBJECTS = 1u << 3,
    PDF_ONCE_BODY = 1u << 4,
    PDF_ONCE_OBJSTM = 1u << 5,
    PDF_ONCE_OPENS = 1u << 6,
    PDF_ONCE_ROLES = 1u << 7,
    PDF_ONCE_FILTER = 1u << 8,
    PDF_ONCE_LOAD = 1u << 9
};

struct pdf {
    struct sk_walk *walk;
    struct sk_source *src;
    struct pdf_object *object;
    size_t count, cap;
    uint32_t *by_num; /* indices of numbered objects by (num, place) */
    size_t by_num_count;
    struct pdf_role *role;
    size_t role_count, role_cap;
    struct pdf_packed *packed; /* by number, once all are known */
    size_t packed_count, packed_cap;
    bool packed_sorted;
    struct pdf_crypt crypt;
    struct buf body;   /* of the object at hand */
    struct buf unpack; /* object stream at hand */
    uint32_t unpacked; /* its index, UINT32_MAX: none */
    bool unpacking;    /* no second one meanwhile */
    struct buf text;   /* a string at hand */
    uint64_t lex_left; /* bytes that may still be read twice: bounds overlapping objects */
    uint64_t objstm_left;
    uint64_t load_left; /* bytes of long objects that references may still load */
    uint32_t facts_left;
    uint32_t members; /* told so far: index of the next */
    unsigned once;
};

void pdf_release(struct pdf *p);
/* True the first time. */
bool pdf_once(struct pdf *p, enum pdf_once what);
/* walk_fact, at most so many of them. */
void pdf_fact(struct pdf *p, enum sk_fact fact, const char *value, size_t len);

/* pdf_index.c: finds all objects and trailers. */
sk_err pdf_index(struct pdf *p);
/* Index in p->object of the last object of that number in the file; SIZE_MAX: none. */
size_t pdf_index_find(const struct pdf *p, uint32_t num);
/* The syntax of one object (its dictionary, for one with a stream) into p->body. */
sk_err pdf_body(struct pdf *p, const struct pdf_object *o, struct sk_bytes *out_body);

/* pdf_crypt.c: looks for /Encrypt and makes the key. */
sk_err pdf_crypt_open(struct pdf *p);
/* Key of one object; key must hold PDF_KEY_MAX bytes. */
sk_err pdf_crypt_key(const struct pdf *p, const struct pdf_object *o, enum pdf_cipher cipher,
                     struct sk_bytes *out_key, uint8_t *key);
/* A string in place. o NULL: in an object stream, not encrypted by itself. */
sk_err pdf_crypt_string(const struct pdf *p, const struct pdf_object *o, struct buf *text);
/* A stream on a stream; **returns owned**. key: PDF_KEY_MAX bytes at most, copied. */
sk_err pdf_decrypt_open(struct sk_stream *up, enum pdf_cipher cipher, struct sk_bytes key,
                        struct sk_stream **out_stream);

/* pdf_stream.c: gives the stream of one object to the engine, unpacked. */
sk_err pdf_stream_give(struct pdf *p, size_t index, const struct pdf_role *role);
/* Unpack an object stream (again) into p->unpack, bounded. What stays empty is damaged. */
sk_err pdf_stream_unpack(struct pdf *p, size_t index);

/* pdf_harvest.c: what one object's syntax says. o: NULL inside an object stream. */
sk_err pdf_harvest(struct pdf *p, const struct pdf_object *o, struct sk_bytes body);
/* A string token as a script: a member. num: of the object it stands in, for its name. */
sk_err pdf_script_string(struct pdf *p, const struct pdf_object *o, const struct pdf_token *t,
                         uint32_t num);

/* pdf.c */
/* The syntax of the last object of that number, in the file or packed, from its start on (a packed
 * one to the end of its stream), into p->text; empty: none. p->body stays as it is. Once long
 * objects were loaded too often (noted) no more than their start. */
sk_err pdf_load_other(struct pdf *p, uint32_t num, struct sk_cursor *out_at);
/* First role of that number, named ones first; only once the roles are sorted. NULL: none. */
const struct pdf_role *pdf_role_find(const struct pdf *p, uint32_t num);
bool pdf_has_role(const struct pdf *p, uint32_t num, enum pdf_role_kind kind);

#endif
