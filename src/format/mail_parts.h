// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of the mail reader, shared by mail.c (order of the walk), mail_head.c (header blocks),
 * mail_param.c (fields and their parameters), mail_name.c (names), mail_split.c (boundaries,
 * lines), mail_body.c (leaves) and mail_inline.c (what stands in text). Internal to src/format.
 *
 * Offsets are absolute in the source. Text of fields lives in walk_arena() until mail_entity is
 * done with the header it came from. Everything that comes from the mail is bounded: MAIL_*_MAX.
 * Source: RFC 5322, 2045-2049, 2231, 2047, 4155 (mbox), 2557 (MHTML).
 */
#ifndef SK_FORMAT_MAIL_PARTS_H
#define SK_FORMAT_MAIL_PARTS_H

#include "format/format.h"

#define MAIL_FIELD_MAX_BYTES ((size_t)32 * 1024) /* of one field that matters */
#define MAIL_READINGS_MAX 6u                     /* of one field or parameter */
#define MAIL_BODIES_MAX 3u                       /* places where a body may begin */
#define MAIL_BOUNDARY_MAX_BYTES ((size_t)1000)   /* only so many bytes of one are compared */
#define MAIL_NAME_MAX_BYTES ((size_t)1024)
#define MAIL_FRAMES_MAX 256u
#define MAIL_DEPTH_MAX 100u
#define MAIL_LINE_PEEK_BYTES ((size_t)1024) /* so much of a line can be looked at */
#define MAIL_SEEN_SLOTS 8192u
/* All ranges together may be so many times the mail, and so many bytes more. */
#define MAIL_WORK_TIMES 32u
#define MAIL_WORK_BYTES ((uint64_t)1 << 20)

struct mail_range {
    uint64_t start;
    uint64_t end;
};

/* The distinct ways to read one thing, in order of likelihood. */
struct mail_readings {
    struct sk_bytes text[MAIL_READINGS_MAX];
    unsigned count;
};

/* One header block. */
struct mail_head {
    struct mail_readings type;        /* Content-Type fields, unfolded */
    struct mail_readings encoding;    /* Content-Transfer-Encoding */
    struct mail_readings disposition; /* Content-Disposition */
    struct mail_readings location;    /* Content-Location */
    uint64_t body[MAIL_BODIES_MAX];   /* [0]: behind the empty line */
    unsigned body_count;
};

enum mail_kind {
    MAIL_KIND_NONE = 0, /* no Content-Type */
    MAIL_KIND_TEXT = 1u << 0,
    MAIL_KIND_HTML = 1u << 1,
    MAIL_KIND_MULTIPART = 1u << 2,
    MAIL_KIND_DIGEST = 1u << 3,
    MAIL_KIND_MESSAGE = 1u << 4,
    MAIL_KIND_PARTIAL = 1u << 5,
    MAIL_KIND_EXTERNAL = 1u << 6,
    MAIL_KIND_OTHER = 1u << 7
};

enum mail_encoding {
    MAIL_PLAIN = 0,
    MAIL_BASE64,
    MAIL_BASE64_IGNORE, /* the other ways to take padding */
    MAIL_BASE64_LINE,
    MAIL_BASE64_STOP,
    MAIL_QUOTED,
    MAIL_ENCODINGS
};

/* Work that waits: the rest of one range. */
enum mail_work { MAIL_SPLIT, MAIL_INLINE };
struct mail_frame {
    enum mail_work work;
    struct mail_range range; /* whole */
    uint64_t pos;            /* up to here it is done */
    unsigned depth;
    bool cr; /* lone CRs end its lines */
    /* MAIL_SPLIT: */
    unsigned parts;
    bool lenient;  /* second reading: what merely begins like a delimiter counts */
    bool unsure;   /* such a line was seen */
    bool epilogue; /* what comes next is one */
    bool digest;
    size_t boundary_len;
    uint8_t boundary[MAIL_BOUNDARY_MAX_BYTES];
};

struct mail {
    struct sk_walk *walk;
    struct sk_source *src;
    struct mail_frame *frame; /* MAIL_FRAMES_MAX, a stack */
    unsigned frame_count;
    uint64_t *seen; /* MAIL_SEEN_SLOTS keys; forgetting one only costs time */
    uint32_t index; /* of the next member */
    uint32_t parts;
    uint64_t work; /* bytes of all ranges that were pushed */
    unsigned told; /* enum mail_once bits */
    unsigned charsets_told;
};

/* Told once a mail. */
enum mail_once {
    MAIL_ONCE_DEPTH = 1,
    MAIL_ONCE_PARTIAL = 2,
    MAIL_ONCE_HEADER_BYTES = 4,
    MAIL_ONCE_HEADERS = 8,
    MAIL_ONCE_FOLDS = 16,
    MAIL_ONCE_ARGUMENTS = 32,
    MAIL_ONCE_PARTS = 64,
    MAIL_ONCE_WORK = 128
};

/* mail.c. One mail or mailbox. */
#define MAIL_BID 60
sk_err mail_walk(struct sk_walk *walk, struct sk_source *src);
/* True: this key was not met before. */
bool mail_is_new(struct mail *m, struct mail_range range, unsigned how);
/* A limit of ClamAV (its word, "EmailHeaders") was passed; nothing is left out for it. */
void mail_tell_limit(struct mail *m, enum mail_once once, const char *word);
/* A new frame, zeroed but for the parameters; NULL: nested too deep, or too many readings, which is
 * noted. */
struct mail_frame *mail_push(struct mail *m, enum mail_work work, struct mail_range range,
                             unsigned depth);
/* One header block and its body: gives members, pushes frames. */
sk_err mail_entity(struct mail *m, struct mail_range range, unsigned depth, bool digest);

/* mail_lines.c */
struct mail_line {
    uint64_t off;
    uint64_t len;         /* without its end */
    uint64_t next;        /* behind its end */
    struct sk_bytes head; /* its first bytes, up to MAIL_LINE_PEEK_BYTES; gone with the next call */
};
/* The line at off in range; a lone CR ends a line only when `cr` is set. False: at the end.
 * Errors: of the source, SK_E_STOP. */
sk_err mail_line_at(struct mail *m, uint64_t off, uint64_t end, bool cr,
                    struct mail_line *out_line);
/* Do lone CRs end the lines of this range? (No LF in its first 64 KiB, but CR.) */
bool mail_cr_lines(struct mail *m, struct mail_range range);
/* First place of needle in range, or range.end. Errors: of the source, SK_E_STOP. */
sk_err mail_find(struct mail *m, struct mail_range range, struct sk_bytes needle,
                 uint64_t *out_off);
/* The name of the header line when it is one; its length, 0: it is none. *out_value: behind ':'. */
size_t mail_header_name(struct sk_bytes line, size_t *out_value);
bool mail_word_is(struct sk_bytes text, const char *word); /* ASCII case ignored */
bool mail_word_in(struct sk_bytes text, const char *word, size_t *out_at);
struct sk_bytes mail_trim(struct sk_bytes text);

/* mail_head.c. Errors: of the source, SK_E_NOMEM, SK_E_STOP. */
sk_err mail_head_read(struct mail *m, struct mail_range range, struct mail_head *out_head);

/* mail_param.c. False: no memory. */
bool mail_readings_add(struct arena *arena, struct mail_readings *list, struct sk_bytes text);
bool mail_params(struct arena *arena, struct sk_bytes field, const char *name,
                 struct mail_readings *out_list);
/* The field up to its first ';', without comments and white space, lower case. */
bool mail_media(struct arena *arena, struct sk_bytes field, struct sk_bytes *out_text);

/* mail_name.c. UTF-8 as far as the mail says how; NULL with len 0: no name. False: no memory. */
bool mail_name(struct mail *m, const struct mail_head *head, struct sk_bytes *out_name);
/* Text in a character set as UTF-8; as it is when the set is unknown. False: no memory. */
bool mail_to_utf8(struct arena *arena, struct sk_bytes text, struct sk_bytes charset,
                  struct sk_bytes *out_utf8);
/* RFC 2047 words in text replaced. */
bool mail_decode_words(struct arena *arena, struct sk_bytes text, struct sk_bytes *out_text);

/* mail_split.c: the next part of a MAIL_SPLIT frame. MAIL_PART_NONE: that was all. */
enum mail_role { MAIL_PART_PREAMBLE, MAIL_PART_ENTITY, MAIL_PART_EPILOGUE, MAIL_PART_NONE };
struct mail_part {
    struct mail_range range;
    enum mail_role role;
};
sk_err mail_split_next(struct mail *m, struct mail_frame *frame, struct mail_part *out_part);

/* mail_body.c */
struct mail_leaf {
    struct mail_range range;
    enum mail_encoding encoding;
    enum sk_type as;
    struct sk_bytes name;
    struct sk_bytes charset; /* empty: not told */
    bool text;
};
sk_err mail_leaf_give(struct mail *m, const struct mail_leaf *leaf);

/* mail_inline.c: goes on with a MAIL_INLINE frame until something was found or it is done. */
sk_err mail_inline_next(struct mail *m, struct mail_frame *frame);
/* For uuencode.c: the whole layer is text with something in it. */
sk_err mail_walk_text(struct sk_walk *walk, struct sk_source *src);

/* mail_mbox.c. *out_many false: not a mailbox of several messages, nothing was done. */
sk_err mail_mbox_walk(struct mail *m, bool *out_many);

#endif
