// SPDX-License-Identifier: Apache-2.0
/*
 * One row per form: prefix, what follows, which targets may use it. The order matters: "SE" and
 * "SL" before "S", "EOF" before "EP" would not matter but reads better.
 *
 *   EP+12,100   ->  kind EP, off 12, shift 100: a hit may start at entry + 12 .. entry + 112
 */
#include "defc/offset.h"

#include "defc/text.h"
#include "defc/why.h"

enum follows {
    NUMBER,       /* digits */
    MINUS_NUMBER, /* "-" digits, kept positive: distance from the end */
    SIGNED,       /* "+" or "-" digits */
    PLUS_NUMBER,  /* "+" digits */
    SECTION,      /* digits: which section */
    SECTION_PLUS, /* digits "+" digits */
    NOTHING
};

#define EXECUTABLES (1u << SK_TARGET_PE | 1u << SK_TARGET_ELF | 1u << SK_TARGET_MACHO)
#define ANY_TARGET UINT32_MAX

static const struct form {
    const char *prefix;
    enum mt_off_kind kind;
    enum follows follows;
    uint32_t targets;
} forms[] = {
    {"EOF", MT_OFF_EOF, MINUS_NUMBER, ANY_TARGET},
    {"EP", MT_OFF_EP, SIGNED, EXECUTABLES},
    {"SE", MT_OFF_SECT_ANY, SECTION, EXECUTABLES},
    {"SL", MT_OFF_SECT_LAST, PLUS_NUMBER, EXECUTABLES},
    {"S", MT_OFF_SECT, SECTION_PLUS, EXECUTABLES},
    {"VI", MT_OFF_VI, NOTHING, 1u << SK_TARGET_PE},
    {"", MT_OFF_ABS, NUMBER, ANY_TARGET},
};

static bool read_off(struct sk_bytes t, int32_t *out) {
    uint64_t n;
    if (!text_number(t, INT32_MAX, &n)) {
        return false;
    }
    *out = (int32_t)n;
    return true;
}

static bool read_section(struct sk_bytes t, uint16_t *out) {
    uint64_t n;
    if (!text_number(t, UINT16_MAX, &n)) {
        return false;
    }
    *out = (uint16_t)n;
    return true;
}

static bool read_signed(struct sk_bytes t, const char *signs, struct offset *o) {
    if (t.len == 0 || strchr(signs, t.ptr[0]) == NULL || t.ptr[0] == 0 ||
        !read_off(text_from(t, 1), &o->off)) {
        return false;
    }
    if (t.ptr[0] == '-' && o->kind != MT_OFF_EOF) {
        o->off = -o->off;
    }
    return true;
}

static bool read_form(enum follows follows, struct sk_bytes t, struct offset *o) {
    bool more;
    struct sk_bytes section;
    switch (follows) {
    case NUMBER:
        return read_off(t, &o->off);
    case MINUS_NUMBER:
        return read_signed(t, "-", o);
    case SIGNED:
        return read_signed(t, "+-", o);
    case PLUS_NUMBER:
        return read_signed(t, "+", o);
    case SECTION:
        return read_section(t, &o->section);
    case SECTION_PLUS:
        section = text_cut(&t, '+', &more);
        return more && read_section(section, &o->section) && read_off(t, &o->off);
    case NOTHING:
        return t.len == 0;
    }
    return false;
}

static bool parse_place(struct sk_bytes text, unsigned target, struct offset *o,
                        struct defc_why *why) {
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const struct form *f = &forms[i];
        if (!text_starts(text, f->prefix)) {
            continue;
        }
        o->kind = f->kind;
        if (!read_form(f->follows, text_from(text, strlen(f->prefix)), o)) {
            return false;
        }
        if ((f->targets >> target & 1) == 0) {
            why_say(why, DEFC_MALFORMED, "offset %s is not for target %u", f->prefix, target);
        }
        return true;
    }
    return false;
}

void offset_parse(struct sk_bytes text, unsigned target, struct offset *out, struct defc_why *why) {
    struct offset o = {.kind = MT_OFF_ANY};
    if (text.len == 0 || text_is(text, "*")) {
        *out = o;
        return;
    }
    if (text.ptr[0] == '$') {
        why_say(why, DEFC_MALFORMED, "a macro group is no offset here");
        return;
    }
    bool more;
    struct sk_bytes shift = text;
    struct sk_bytes place = text_cut(&shift, ',', &more);
    uint64_t n = 0;
    if (!parse_place(place, target, &o, why) ||
        (shift.len > 0 && !text_number(shift, UINT32_MAX - 1, &n))) {
        why_say(why, DEFC_MALFORMED, "malformed offset");
        return;
    }
    o.shift = (uint32_t)n;
    *out = o;
}
