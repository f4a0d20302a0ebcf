// SPDX-License-Identifier: Apache-2.0
/*
 * Body-signature tables: the structures that lie in a definitions image and are searched in place.
 *
 * All integers little-endian, naturally aligned, no pointers: references are indexes or byte
 * offsets into the named array. struct mt_segment is the in-memory view of one image (pointers into
 * the mapping, **borrowed** while the image is open). docs/DEFS-FORMAT.md describes the same bytes.
 *
 *   filter group --hash of q folded bytes--> bucket entries --tag--> trigger literal
 *   trigger -> signatures -> expression over subsignatures -> parts -> programs
 *
 * A *trigger* is a literal run out of a subsignature that must match for the signature to match.
 * Only triggers are searched for in every byte; a touched signature is evaluated on demand. See
 * ../shared/reference/matching.md section 3 for why (measured).
 *
 * Trust: the image may be hostile. Code using these tables range-checks every index at use.
 */
#ifndef SK_MATCH_TABLES_H
#define SK_MATCH_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/type.h"
#include "match/tables_filter.h"
#include "match/tables_special.h"

#define MT_TABLE_COUNT SK_TARGET_COUNT /* one table per target, target 0 folded into each */
#define MT_GROUP_MAX 4
#define MT_UNBOUNDED UINT32_MAX
#define MT_NESTING_MAX 32 /* depth of an expression */
#define MT_SUB_MAX 64     /* subsignatures of one signature */

/* ---- tables of targets ----------------------------------------------------------------------- */

/* A target for which no signature of its own exists has no table in the image: its table[] element
 * is the same as table[0] (the reader copies the struct). A target with own signatures has every
 * trigger of target 0 in its table as well. */
struct mt_table {
    uint32_t group_count;
    struct mt_group group[MT_GROUP_MAX];
    const struct mt_slow_head *slow_head; /* NULL: no slow set */
    const struct mt_slow_entry *slow;
    uint32_t slow_count;
    const struct mt_mark_head *mark_head; /* NULL: no marks */
    const struct mt_mark *mark;
    uint32_t mark_count;
    const struct mt_anchor *anchor; /* sorted by kind, section, off, delta */
    uint32_t anchor_count;
    const uint32_t *always; /* signatures evaluated on every layer */
    uint32_t always_count;
};

/* ---- triggers ------------------------------------------------------------------------------ */

#define MT_TRIG_NOCASE 1u
#define MT_TRIG_MASKED 2u /* behind the len bytes lie len masks */
struct mt_trig {
    uint32_t lit; /* byte offset in lit[]; lower-cased ASCII when NOCASE, & mask when MASKED */
    uint16_t len; /* 3.. */
    uint16_t flags;
    uint32_t sig_first; /* in trig_sig[] */
    uint32_t sig_count;
};

/* ---- subsignatures ------------------------------------------------------------------------- */

enum mt_off_kind {
    MT_OFF_ANY = 0,
    MT_OFF_ABS,       /* off from the start */
    MT_OFF_EOF,       /* size - off */
    MT_OFF_EP,        /* entry point + off (may be negative) */
    MT_OFF_SECT,      /* start of section `section` + off */
    MT_OFF_SECT_ANY,  /* SEx: anywhere inside section `section` */
    MT_OFF_SECT_LAST, /* start of the last section + off */
    MT_OFF_VI         /* at one of the version-information offsets */
};

#define MT_SUB_FULLWORD 1u /* bytes before and after must not be alphanumeric */
#define MT_SUB_WIDE 2u     /* full word is judged in UTF-16LE units */
/* Not a body (part_count 0): part_first is an index into regex[], compare[] or macro[]. Such a
 * subsignature belongs to one signature, because it speaks of others by their number in it. */
#define MT_SUB_REGEX 4u
#define MT_SUB_COMPARE 8u
#define MT_SUB_MACRO 16u
/* An image hash, which lies in part_first (low half) and shift: the layer is a picture with it. */
#define MT_SUB_IMAGE 32u
#define MT_SUB_SPECIAL (MT_SUB_REGEX | MT_SUB_COMPARE | MT_SUB_MACRO | MT_SUB_IMAGE)
#define MT_NO_SUB UINT32_MAX

/* Hits of a subsignature are counted at the start of part 0, which must lie in the offset window
 * [place, place + shift]; a multi-part one counts once per distinct chain end. */
struct mt_sub {
    uint8_t off_kind;
    uint8_t part_count; /* at least 1, but 0 of a special one */
    uint16_t flags;
    uint16_t section;
    uint16_t pad;
    int32_t off;
    uint32_t shift;
    uint32_t part_first;
    uint32_t also; /* second form whose hits count too (modifiers "wa"), or MT_NO_SUB */
};

#define MT_PART_KEY_NOCASE 1u
/* One stretch without an unlimited or ranged gap. gap_*: distance from the end of the previous part
 * to the start of this one (first part: 0, 0). key: the best literal at a fixed distance from the
 * start. */
struct mt_part {
    uint32_t prog;
    uint32_t prog_len;
    uint32_t gap_min;
    uint32_t gap_max; /* MT_UNBOUNDED: any */
    uint32_t len_min; /* bytes this part covers */
    uint32_t len_max;
    uint32_t key; /* byte offset in lit[]; key_len 0: none, try every offset */
    uint16_t key_len;
    uint16_t key_flags;
    uint32_t key_delta; /* from the start of the part */
};

/*
 * Programs: a byte string of operations, matched left to right from the start of the part.
 * u16, u32 little-endian, unaligned. The end of prog_len is success.
 */
enum mt_op {
    MT_OP_LIT = 1, /* u16 n, n bytes: equal */
    MT_OP_LITI,    /* u16 n, n bytes (lower case): equal ignoring ASCII case */
    MT_OP_MASK,    /* u16 n, n x (value, mask): (byte & mask) == value */
    MT_OP_SKIP,    /* u16 n: any n bytes */
    MT_OP_SET,     /* 32 bytes bitmap: one byte that is in the set (negation already applied) */
    MT_OP_FIXED, /* u8 negated, u8 nocase, u16 n, u16 count, count x n x (value, mask): one of equal
                    length */
    MT_OP_ALT,   /* u16 count, count x (u16 len, program): alternatives of various lengths, tried in
                    order,   backtracking; may nest MT_ALT_NESTING_MAX deep */
    MT_OP_BOUND, /* u8 kind ('B','L','W'), u8 negated, u8 side (MT_SIDE_*): zero-width */
    MT_OP_NEAR   /* u8 side, u8 min, u8 max, u8 value, u8 mask: zero-width, see below */
};
/* NEAR is the one-byte anchor HH[x-y]BODY, BODY[x-y]HH: some byte inside the layer with
 * (byte & mask) == value has `min` to `max` other bytes between it and the current position, to the
 * left or to the right. Seen with clamscan 1.4.6: it is a look-around; offsets and gaps are
 * measured from BODY alone, and the byte may lie inside the previous or the next part. It is the
 * first operation of a program (left) or the last one (right). */
/* Zero-width boundaries exist only at the ends of a subsignature. Seen with clamscan 1.4.6: in the
 * middle (B) and (W) take one byte (write them as MT_OP_SET, set bytes from match/bound.h, negated
 * too), (L) takes LF or CR LF (MT_OP_ALT), !(L) one byte that is not LF (MT_OP_SET). */
enum mt_side { MT_SIDE_LEFT = 0, MT_SIDE_RIGHT };
#define MT_ALT_NESTING_MAX 15

/* ---- signatures ---------------------------------------------------------------------------- */

enum mt_node_op { MT_NODE_SUB = 1, MT_NODE_AND, MT_NODE_OR };
enum mt_cmp { MT_CMP_NONE = 0, MT_CMP_EQ, MT_CMP_GT, MT_CMP_LT };
#define MT_NODE_GROUP 1u /* parenthesised: cmp applies to the sum of its matched members */

/*
 * Expression tree in preorder; children follow their parent, `size` nodes including itself.
 * Seen with clamscan 1.4.6 and encoded in tests: a text outside parentheses is split at its first
 * operator (0|1&2 is 0|(1&2)); inside parentheses at the last one, and what stands left of it is
 * read like a text outside: (0&1|2&3) is (0&(1|2))&3. A SUB that holds adds its count and itself to
 * `distinct` (0=0 too); a group with cmp that holds adds its sum but nothing to `distinct`; a false
 * member adds nothing.
 */
struct mt_node {
    uint8_t op;
    uint8_t cmp;
    uint16_t arg;      /* SUB: number of the subsignature; AND, OR: how many children */
    uint32_t value;    /* of cmp */
    uint32_t distinct; /* ",Y": at least so many different subsignatures; 0 = none asked */
    uint16_t size;
    uint16_t flags;
};

enum mt_attr_key {
    MT_ATTR_FILE_SIZE = 1,
    MT_ATTR_ENTRY_POINT,
    MT_ATTR_SECTION_COUNT,
    MT_ATTR_CONTAINER, /* min = enum sk_type of the direct parent; SK_TYPE_ANY: is the root */
    MT_ATTR_ANCESTOR,  /* min = enum sk_type, SK_TYPE_ANY: whatever it is, but it must exist;
                          max = how far up: 0 is the direct parent */
    MT_ATTR_HANDLER,   /* min = enum sk_type to scan the layer as; always holds (engine/layer.c) */
    MT_ATTR_TELLS, /* min = enum sk_type that begins at a hit, max = the type the layer must have,
                      SK_TYPE_ANY: whatever; always holds (engine/embedded.c) */
    MT_ATTR_ICON_GROUP1, /* min = byte offset in lit[], max = length of the group's name, "*": any;
                            asked for last (match_layer.icon) */
    MT_ATTR_ICON_GROUP2,
    MT_ATTR_KEY_END
};
struct mt_attr {
    uint32_t key;
    uint32_t min;
    uint32_t max;
};

/* From a logical line (ldb). ClamAV tells of plain ones first: decides which name is *the* name. */
#define MT_SIG_LOGICAL 1u
/* Has MT_ATTR_HANDLER. */
#define MT_SIG_HANDLER 2u
/* Has a subsignature of MT_SUB_SPECIAL. */
#define MT_SIG_SPECIAL 4u
/* Tells a type and finds nothing; has MT_ATTR_TELLS. */
#define MT_SIG_TYPE 8u
/* Has MT_ATTR_ICON_GROUP1 or 2. */
#define MT_SIG_ICON 16u

struct mt_sig {
    uint32_t name;      /* reference for defs names */
    uint32_t sub_first; /* in sig_sub[] */
    uint32_t node_first;
    uint32_t attr_first;
    uint16_t sub_count;
    uint16_t node_count;
    uint8_t attr_count;
    uint8_t target;
    uint16_t flags;
};

/* ---- one segment --------------------------------------------------------------------------- */

struct mt_segment {
    const struct mt_sig *sig;
    const uint32_t *sig_sub;
    const struct mt_sub *sub;
    const struct mt_part *part;
    const uint8_t *prog;
    const uint8_t *lit;
    const struct mt_node *node;
    const struct mt_attr *attr;
    const struct mt_trig *trig;
    const uint32_t *trig_sig;
    const struct mt_regex *regex;
    const struct mt_compare *compare;
    const struct mt_macro *macro;
    const struct mt_macro_body *macro_body;
    uint32_t sig_count;
    uint32_t sig_sub_count;
    uint32_t sub_count;
    uint32_t part_count;
    uint32_t prog_len;
    uint32_t lit_len;
    uint32_t node_count;
    uint32_t attr_count;
    uint32_t trig_count;
    uint32_t trig_sig_count;
    uint32_t regex_count;
    uint32_t compare_count;
    uint32_t macro_count;
    uint32_t macro_body_count;
    struct mt_table table[MT_TABLE_COUNT];
};

#endif
