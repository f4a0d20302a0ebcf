// SPDX-License-Identifier: Apache-2.0
/*
 * The small tables of an image (rules.h): found, and proved at once.
 *
 * Unlike the big tables these are checked element by element at open: they are a few hundred
 * elements, and a scan then uses them without looking. Only names are left to image_verify, which
 * alone knows where a name starts.
 */
#include "defs/image_private.h"

struct rule_row {
    uint16_t type;
    uint32_t elem;
    size_t pointer; /* in struct rules */
    size_t count;
};
#define ROW(type, field, count)                                                                    \
    {                                                                                              \
        type, sizeof(*((struct rules *)0)->field), offsetof(struct rules, field),                  \
            offsetof(struct rules, count)                                                          \
    }
static const struct rule_row rows[] = {
    ROW(IMG_RULE_TEXT, text, text_len),
    ROW(IMG_RULE_MEMBERS, member, member_count),
    ROW(IMG_RULE_PASSWORDS, password, password_count),
    ROW(IMG_RULE_SWITCHES, switches, switch_count),
    ROW(IMG_RULE_MAGIC, magic, magic_count),
    ROW(IMG_RULE_LINKS, link, link_count),
    ROW(IMG_RULE_URLS, url, url_count),
    ROW(IMG_RULE_CERTS, cert, cert_count),
    ROW(IMG_RULE_ICONS, icon, icon_count),
    ROW(IMG_RULE_CATALOGUES, catalogue, catalogue_count),
    ROW(IMG_RULE_LISTED, listed, listed_count),
};

sk_err image_fill_rules(struct image *img, const struct img_section *s, struct diag *diag) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].type != s->type) {
            continue;
        }
        uint8_t *rules = (uint8_t *)&img->rules;
        const void **pointer = (const void **)(void *)&rules[rows[i].pointer];
        if (s->elem != rows[i].elem || s->sub != 0 || *pointer != NULL) {
            return image_refuse(img, diag, "section of type %u is malformed", s->type);
        }
        *pointer = image_section_bytes(img, s).ptr;
        *(uint32_t *)(void *)&rules[rows[i].count] = (uint32_t)(s->len / s->elem);
        return sk_ok();
    }
    return image_refuse(img, diag, "section of type %u is not known", s->type);
}

static bool is_text(const struct rules *r, uint32_t ref, size_t max) {
    return ref < r->text_len && strnlen(&r->text[ref], r->text_len - ref) <= max;
}

/* ---- expressions ---------------------------------------------------------------------------- */

/* What comes out of a piece of an expression when repetitions are unrolled. */
struct regex_size {
    uint64_t atoms;
    uint64_t loops;
    bool empty; /* it may match nothing */
};

struct regex_walk {
    struct sk_cursor c;
    /* What stands so far at each depth of groups; `empty` is that of the present alternative. */
    struct regex_size sum[RULE_REGEX_DEPTH_MAX + 1];
    bool any_empty[RULE_REGEX_DEPTH_MAX + 1]; /* of the alternatives before */
    unsigned depth;
    struct regex_size last; /* what a repetition would repeat */
    uint8_t before;         /* '(' '|' '^' '*' (any repetition), 'a' (anything else) */
    bool circles;           /* an endless repetition of what may match nothing */
    bool bad;
};

static void add_size(struct regex_size *to, struct regex_size more) {
    to->atoms += more.atoms;
    to->loops += more.loops;
    to->empty = to->empty && more.empty;
}

static void add_atom(struct regex_walk *r, uint64_t atoms) {
    add_size(&r->sum[r->depth], r->last);
    r->last = (struct regex_size){atoms, 0, atoms == 0};
    r->before = 'a';
}

/* "m,n}" behind the brace: the larger of the numbers. *out_endless: "m,}". */
static uint64_t largest_bound(struct sk_cursor *c, bool *out_endless) {
    uint64_t bound = 0, largest = 1;
    *out_endless = false; /* after a comma, until digits follow */
    while (sk_cursor_left(c) > 0) {
        uint8_t byte = c->ptr[c->pos];
        if (byte >= '0' && byte <= '9') {
            bound = bound > UINT32_MAX ? bound : bound * 10 + (uint64_t)(byte - '0');
            largest = bound > largest ? bound : largest;
            *out_endless = false;
        } else if (byte == ',') {
            bound = 0;
            *out_endless = true;
        } else {
            sk_cursor_skip(c, byte == '}');
            break;
        }
        sk_cursor_skip(c, 1);
    }
    return largest;
}

static void repeat(struct regex_walk *r, uint8_t byte) {
    uint64_t times = byte == '+' ? 2 : 1;
    bool proper = true, endless = byte != '?';
    if (byte == '{') {
        /* Without a digit it stands for itself there, and for {0,n} in the C library. */
        const uint8_t *next = sk_cursor_left(&r->c) > 0 ? &r->c.ptr[r->c.pos] : NULL;
        proper = next != NULL && *next >= '0' && *next <= '9';
        times = largest_bound(&r->c, &endless);
    }
    r->bad = r->bad || (proper && r->before != 'a');
    r->circles = r->circles || (endless && r->last.empty);
    r->last.empty = r->last.empty || byte == '*' || byte == '?' || byte == '{';
    r->last.atoms *= times;
    r->last.loops = (r->last.loops + 1) * times;
    r->before = proper ? '*' : 'a';
}

/* Behind '[': to its ']', which may stand first as itself, as may "^]". */
static void skip_class(struct sk_cursor *c) {
    uint8_t byte = sk_cursor_u8(c);
    byte = byte == '^' ? sk_cursor_u8(c) : byte;
    while (sk_cursor_left(c) > 0 && (byte = sk_cursor_u8(c)) != ']') {
    }
}

static void open_group(struct regex_walk *r) {
    add_atom(r, 0);
    r->before = '(';
    if (r->depth == RULE_REGEX_DEPTH_MAX) {
        r->bad = true;
        return;
    }
    r->sum[++r->depth] = (struct regex_size){0, 0, true};
    r->any_empty[r->depth] = false;
}

static void close_group(struct regex_walk *r) {
    r->bad = r->bad || r->before == '|';
    if (r->depth > 0) {
        struct regex_size inside = r->sum[r->depth];
        add_size(&inside, r->last);
        inside.atoms += inside.atoms == 0;
        inside.empty = inside.empty || r->any_empty[r->depth];
        r->depth--;
        r->last = inside;
    }
    r->before = 'a';
}

static void end_alternative(struct regex_walk *r) {
    r->bad = r->bad || r->before == '(' || r->before == '|';
    add_atom(r, 0);
    r->any_empty[r->depth] = r->any_empty[r->depth] || r->sum[r->depth].empty;
    r->sum[r->depth].empty = true;
    r->before = '|';
}

static void take_regex_byte(struct regex_walk *r, uint8_t byte) {
    switch (byte) {
    case '(':
        open_group(r);
        break;
    case ')':
        close_group(r);
        break;
    case '*':
    case '+':
    case '?':
    case '{':
        repeat(r, byte);
        break;
    case '|':
        end_alternative(r);
        break;
    case '[':
        skip_class(&r->c);
        add_atom(r, 1);
        break;
    case '\\':
        (void)sk_cursor_u8(&r->c);
        add_atom(r, 1);
        break;
    default:
        add_atom(r, 1);
        r->last.empty = byte == '^' || byte == '$';
        r->before = byte == '^' ? '^' : 'a';
    }
}

bool rule_regex_is_good(const char *regex, size_t len) {
    struct regex_walk r = {.c = sk_cursor_make(regex, strnlen(regex, len)), .before = '('};
    struct regex_size all = {0, 0, true};
    r.last.empty = r.sum[0].empty = true;
    while (sk_cursor_left(&r.c) > 0) {
        take_regex_byte(&r, sk_cursor_u8(&r.c));
        if (r.bad || r.last.atoms > RULE_REGEX_ATOMS_MAX || r.last.loops > RULE_REGEX_LOOPS_MAX) {
            return false;
        }
    }
    for (unsigned i = 0; i <= r.depth; i++) {
        add_size(&all, r.sum[i]);
    }
    add_size(&all, r.last);
    return r.before != '|' && all.atoms <= RULE_REGEX_ATOMS_MAX &&
           all.loops <= (r.circles ? RULE_REGEX_CIRCLE_MAX : RULE_REGEX_LOOPS_MAX);
}

static bool regex_is_good(const struct rules *r, uint32_t ref) {
    return ref == RULE_NO_TEXT || (is_text(r, ref, RULE_REGEX_MAX_BYTES) &&
                                   rule_regex_is_good(&r->text[ref], RULE_REGEX_MAX_BYTES));
}

static bool member_is_good(const struct rules *r, const struct rule_member *m) {
    return regex_is_good(r, m->regex) && m->container < SK_TYPE_COUNT &&
           m->encrypted <= RULE_ENCRYPTED_ANY && m->flags <= RULE_MEMBER_CRC;
}

static bool link_is_good(const struct rules *r, const struct rule_link *l) {
    bool regex = l->kind == RULE_LINK_DOMAIN_REGEX || l->kind == RULE_LINK_ALLOW_REGEX;
    return l->kind < RULE_LINK_KIND_COUNT && is_text(r, l->text, RULE_REGEX_MAX_BYTES) &&
           (!regex || rule_regex_is_good(&r->text[l->text], RULE_REGEX_MAX_BYTES));
}

static sk_err check_links(const struct image *img, struct diag *diag) {
    const struct rules *r = &img->rules;
    for (uint32_t i = 0; i < r->link_count; i++) {
        if (!link_is_good(r, &r->link[i])) {
            return image_refuse(img, diag, "rule %u about links is malformed", i);
        }
    }
    for (uint32_t i = 0; i < r->url_count; i++) {
        if (r->url[i].kind >= RULE_URL_KIND_COUNT) {
            return image_refuse(img, diag, "hashed address %u is malformed", i);
        }
    }
    return sk_ok();
}

static bool cert_is_good(const struct rules *r, const struct rule_cert *c) {
    return c->modulus <= r->text_len && c->modulus_len <= r->text_len - c->modulus &&
           c->modulus_len > 0 && c->modulus_len <= RULE_MODULUS_MAX_BYTES &&
           (c->flags & ~RULE_CERT_ALL) == 0;
}

static bool icon_is_good(const struct rules *r, const struct rule_icon *icon) {
    bool good = icon->side == 16 || icon->side == 24 || icon->side == 32;
    for (unsigned i = 0; i < RULE_ICON_GROUPS; i++) {
        good = good && icon->group[i] < r->text_len;
    }
    return good;
}

static sk_err check_programs(const struct image *img, struct diag *diag) {
    const struct rules *r = &img->rules;
    for (uint32_t i = 0; i < r->cert_count; i++) {
        if (!cert_is_good(r, &r->cert[i])) {
            return image_refuse(img, diag, "certificate %u is malformed", i);
        }
    }
    for (uint32_t i = 0; i < r->icon_count; i++) {
        if (!icon_is_good(r, &r->icon[i])) {
            return image_refuse(img, diag, "icon %u is malformed", i);
        }
    }
    return sk_ok();
}

static sk_err check_catalogues(const struct image *img, struct diag *diag) {
    const struct rules *r = &img->rules;
    for (uint32_t i = 0; i < r->catalogue_count; i++) {
        const struct rule_catalogue *c = &r->catalogue[i];
        if (c->text > r->text_len || c->len > r->text_len - c->text) {
            return image_refuse(img, diag, "catalogue %u is malformed", i);
        }
    }
    for (uint32_t i = 0; i < r->listed_count; i++) {
        const struct rule_listed *l = &r->listed[i];
        if (l->catalogue >= r->catalogue_count || (l->len != 20 && l->len != RULE_LISTED_BYTES)) {
            return image_refuse(img, diag, "program %u of the catalogues is malformed", i);
        }
    }
    return sk_ok();
}

sk_err image_check_rules(const struct image *img, struct diag *diag) {
    const struct rules *r = &img->rules;
    /* First: everything below reads texts up to their NUL. */
    if (r->text_len > 0 && r->text[r->text_len - 1] != '\0') {
        return image_refuse(img, diag, "the texts of rules do not end");
    }
    TRY(check_links(img, diag));
    for (uint32_t i = 0; i < r->member_count; i++) {
        if (!member_is_good(r, &r->member[i])) {
            return image_refuse(img, diag, "rule %u about members is malformed", i);
        }
    }
    for (uint32_t i = 0; i < r->password_count; i++) {
        const struct rule_password *p = &r->password[i];
        if (p->text > r->text_len || p->len > r->text_len - p->text ||
            p->container >= SK_TYPE_COUNT) {
            return image_refuse(img, diag, "password %u is malformed", i);
        }
    }
    for (uint32_t i = 0; i < r->switch_count; i++) {
        if (r->switches[i].category >= RULE_SWITCH_COUNT) {
            return image_refuse(img, diag, "switch %u is malformed", i);
        }
    }
    for (uint32_t i = 0; i < r->magic_count; i++) {
        const struct rule_magic *m = &r->magic[i];
        if (m->text > r->text_len || m->len > r->text_len - m->text || m->len == 0 ||
            m->type >= SK_TYPE_COUNT) {
            return image_refuse(img, diag, "file typing %u is malformed", i);
        }
    }
    TRY(check_programs(img, diag));
    return check_catalogues(img, diag);
}

sk_err image_check_rule_names(const struct image *img, const uint64_t *name_starts,
                              struct diag *diag) {
    const struct rules *r = &img->rules;
    for (uint32_t i = 0; i < r->member_count; i++) {
        if (!image_is_name(img, name_starts, r->member[i].name)) {
            return image_refuse(img, diag, "rule %u about members has no name", i);
        }
    }
    for (uint32_t i = 0; i < r->password_count; i++) {
        if (!image_is_name(img, name_starts, r->password[i].name)) {
            return image_refuse(img, diag, "password %u has no name", i);
        }
    }
    for (uint32_t i = 0; i < r->cert_count; i++) {
        if (!image_is_name(img, name_starts, r->cert[i].name)) {
            return image_refuse(img, diag, "certificate %u has no name", i);
        }
    }
    for (uint32_t i = 0; i < r->icon_count; i++) {
        if (!image_is_name(img, name_starts, r->icon[i].name)) {
            return image_refuse(img, diag, "icon %u has no name", i);
        }
    }
    return sk_ok();
}

const struct rules *image_rules(const struct image *img) {
    return &img->rules;
}
