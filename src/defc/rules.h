// SPDX-License-Identifier: Apache-2.0
/*
 * struct rule_builder: collects the small tables of one segment (defs/rules.h) and writes them.
 *
 * Life cycle: zero-initialise with the names it may add to, rules_add_line..., rules_finish,
 * rules_release. **Borrows** `names` (NULL: names are not kept, for tests). Errors: SK_E_NOMEM,
 * SK_E_IO, SK_E_LIMIT. A line that cannot be taken is no error: *why says so (DEFC_TAKEN when it
 * was).
 */
#ifndef SK_DEFC_RULES_H
#define SK_DEFC_RULES_H

#include "base/buf.h"
#include "defc/body.h"
#include "defc/text.h"
#include "defc/vec.h"
#include "defs/rules.h"

/* Kinds of lines. */
enum rule_kind {
    RULE_CDB,
    RULE_ZMD,
    RULE_RMD,
    RULE_PWDB,
    RULE_CFG,
    RULE_FTM,
    RULE_PDB,
    RULE_WDB,
    RULE_GDB,
    RULE_CRB,
    RULE_IDB,
    RULE_KIND_COUNT
};

struct img_writer;
struct names_builder;

struct rule_builder {
    struct names_builder *names;
    struct buf text;
    struct vec member;    /* struct rule_member */
    struct vec password;  /* struct rule_password */
    struct vec switches;  /* struct rule_switch */
    struct vec magic;     /* struct rule_magic */
    struct vec link;      /* struct rule_link */
    struct vec url;       /* struct rule_url */
    struct vec cert;      /* struct rule_cert */
    struct vec icon;      /* struct rule_icon */
    struct vec catalogue; /* struct rule_catalogue */
    struct vec listed;    /* struct rule_listed */
};

sk_err rules_add_line(struct rule_builder *b, enum rule_kind kind, struct sk_bytes line,
                      struct defc_why *why);
/* What clamscan counts as signatures: passwords, switches and allowed links do not count. */
uint64_t rules_count(const struct rule_builder *b);
sk_err rules_finish(struct rule_builder *b, struct img_writer *w);
void rules_release(struct rule_builder *b);

/* For the readers of single kinds. */
/* A NUL-terminated copy in b->text. */
sk_err rules_put_text(struct rule_builder *b, struct sk_bytes text, uint32_t *out_ref);
/* Cut a line at each ':' (at most `max` fields). Returns how many, max + 1 when there are more. */
unsigned rules_fields(struct sk_bytes line, struct sk_bytes *out_fields, unsigned max);
/* Optional min and max functionality level in the last fields. */
void rules_check_levels(const struct sk_bytes *field, unsigned count, struct defc_why *why);
/* Gives SK_OK and says why when the name is refused. */
sk_err rules_name(struct rule_builder *b, struct sk_bytes name, struct defc_why *why,
                  uint32_t *out_ref);
/* One reader a kind; each refuses through *why. */
sk_err line_member(struct rule_builder *b, enum rule_kind kind, struct sk_bytes line,
                   struct defc_why *why);
sk_err line_password(struct rule_builder *b, struct sk_bytes line, struct defc_why *why);
sk_err line_magic(struct rule_builder *b, struct sk_bytes line, struct defc_why *why);
/* pdb, wdb; gdb. */
sk_err line_link(struct rule_builder *b, enum rule_kind kind, struct sk_bytes line,
                 struct defc_why *why);
sk_err line_url(struct rule_builder *b, struct sk_bytes line, struct defc_why *why);
sk_err line_cert(struct rule_builder *b, struct sk_bytes line, struct defc_why *why);
sk_err line_icon(struct rule_builder *b, struct sk_bytes line, struct defc_why *why);
/* Hex digits to at most `cap` bytes. */
bool rules_hex(struct sk_bytes text, uint8_t *out, size_t cap, size_t *out_len);
sk_err line_switch(struct rule_builder *b, struct sk_bytes line, struct defc_why *why);

#endif
