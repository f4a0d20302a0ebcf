// SPDX-License-Identifier: Apache-2.0
/*
 * One subsignature: "[offset:]hex[::modifiers]".
 *
 *   text -> struct staged_sub (programs in b->stage)         nothing reaches the pools yet
 *        -> struct mt_sub, mt_part[], programs, key literals  equal ones are found by their hash
 *
 * Modifiers: i letters of either case, f whole word, w UTF-16LE, a plain bytes too. "wa" is two
 * forms: the wide one, and the plain one behind mt_sub.also.
 */
#include "defc/body_private.h"

#include <inttypes.h>

#include "defc/text.h"
#include "defc/why.h"

struct mods {
    bool i, f, w, a;
};

/* Cut "::mods" off the end. Seen with clamscan 1.4.6: where "::" stands more than once, what is in
 * front of the first one is the whole body, and it has no modifiers. */
static void cut_mods(struct sk_bytes *text, struct mods *out, struct defc_why *why) {
    size_t at = text->len;
    unsigned count = 0;
    for (size_t k = 0; k + 1 < text->len; k++) {
        if (text->ptr[k] == ':' && text->ptr[k + 1] == ':') {
            at = count++ == 0 ? k : at;
            k++;
        }
    }
    if (count > 1) {
        *text = text_upto(*text, at);
        return;
    }
    struct sk_bytes mods = text_from(*text, at + 2);
    *text = text_upto(*text, at);
    for (size_t k = 0; k < mods.len; k++) {
        switch (mods.ptr[k]) {
        case 'i':
            out->i = true;
            break;
        case 'f':
            out->f = true;
            break;
        case 'w':
            out->w = true;
            break;
        case 'a':
            out->a = true;
            break;
        default:
            why_say(why, DEFC_MALFORMED, "unknown modifier of a subsignature");
            return;
        }
    }
}

static struct sk_bytes cut_offset(struct sk_bytes *text) {
    bool more;
    struct sk_bytes rest = *text;
    struct sk_bytes offset = text_cut(&rest, ':', &more);
    if (!more) {
        return (struct sk_bytes){NULL, 0};
    }
    *text = rest;
    return offset;
}

sk_err subsig_stage(struct body_builder *b, struct sk_bytes text, unsigned target, bool with_mods,
                    struct defc_why *why) {
    struct staged_sub *s = &b->staged[b->staged_count];
    *s = (struct staged_sub){0};
    b->staged_target = target;
    struct mods mods = {0};
    if (with_mods) {
        cut_mods(&text, &mods, why);
    }
    struct sk_bytes offset = cut_offset(&text);
    offset_parse(offset, target, &s->offset, why);
    if (!why_taken(why)) {
        return sk_ok();
    }
    unsigned nocase = mods.i ? HEX_NOCASE : 0;
    uint16_t word = mods.f ? MT_SUB_FULLWORD : 0;
    TRY(hex_compile(&b->stage, text, nocase | (mods.w ? HEX_WIDE : 0), &s->main, why));
    s->main_flags = (uint16_t)(word | (mods.f && mods.w ? MT_SUB_WIDE : 0));
    s->has_also = mods.w && mods.a;
    if (s->has_also && why_taken(why)) {
        TRY(hex_compile(&b->stage, text, nocase, &s->also, why));
        s->also_flags = word;
    }
    b->staged_count++;
    return sk_ok();
}

/* ---- pools ---------------------------------------------------------------------------------- */

static struct sk_bytes stage_bytes(const struct body_builder *b, uint32_t at, uint32_t len) {
    return (struct sk_bytes){b->stage.prog.data + at, len};
}

static sk_err intern_parts(struct body_builder *b, struct hex_range range) {
    b->parts.count = 0;
    struct mt_part *out = vec_push(&b->parts, range.part_count, sizeof(*out));
    if (out == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (uint32_t i = 0; i < range.part_count; i++) {
        const struct hex_part *p =
            &((const struct hex_part *)b->stage.part.data)[range.part_first + i];
        struct trigger_key key = trigger_key(&b->stage, p);
        struct mt_part *o = &out[i];
        *o = (struct mt_part){.prog_len = p->prog_len,
                              .gap_min = p->gap_min,
                              .gap_max = p->gap_max,
                              .len_min = p->len_min,
                              .len_max = p->len_max,
                              .key_len = key.len,
                              .key_flags = key.nocase ? MT_PART_KEY_NOCASE : 0,
                              .key_delta = key.delta};
        TRY(strpool_put(&b->prog, stage_bytes(b, p->prog, p->prog_len), &o->prog));
        if (key.len > 0) {
            TRY(strpool_put(&b->lit, stage_bytes(b, key.prog, key.len), &o->key));
        }
    }
    return sk_ok();
}

struct looking {
    const struct body_builder *b;
    const struct mt_sub *sub; /* part_first says nothing */
};

static bool is_it(void *ctx, uint32_t value) {
    const struct looking *l = ctx;
    struct mt_sub there = *body_sub(l->b, value);
    const struct mt_part *parts = &((const struct mt_part *)l->b->part.data)[there.part_first];
    there.part_first = l->sub->part_first;
    return memcmp(&there, l->sub, sizeof(there)) == 0 &&
           memcmp(parts, l->b->parts.data, there.part_count * sizeof(*parts)) == 0;
}

static sk_err push_sub(struct body_builder *b, struct mt_sub sub, struct trigger trigger) {
    struct mt_part *parts = vec_push(&b->part, sub.part_count, sizeof(*parts));
    struct mt_sub *s = vec_push(&b->sub, 1, sizeof(*s));
    struct trigger *t = vec_push(&b->trigger, 1, sizeof(*t));
    if (parts == NULL || s == NULL || t == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    memcpy(parts, b->parts.data, sub.part_count * sizeof(*parts));
    *s = sub;
    s->part_first = (uint32_t)(b->part.count - sub.part_count);
    *t = trigger;
    return sk_ok();
}

static sk_err intern_form(struct body_builder *b, struct mt_sub sub, struct hex_range range,
                          const struct offset *offset, uint32_t *out_sub) {
    TRY(intern_parts(b, range));
    sub.part_count = (uint8_t)range.part_count;
    uint64_t hash = map_hash(&sub, sizeof(sub)) ^
                    map_hash(b->parts.data, range.part_count * sizeof(struct mt_part)) * 3;
    hash ^= b->staged_target == SK_TARGET_ELF; /* its trigger is chosen otherwise (trigger.c) */
    struct looking l = {b, &sub};
    uint32_t found = map_get(&b->sub_map, hash, is_it, &l);
    if (found != MAP_NONE) {
        *out_sub = found;
        return sk_ok();
    }
    struct trigger t = trigger_choose(&b->stage, range, offset, b->staged_target);
    const struct hex_part *stage_part =
        &((const struct hex_part *)b->stage.part.data)[range.part_first + t.part];
    if (t.how != TRIGGER_MASKED) { /* its bytes are with it */
        t.prog = t.prog - stage_part->prog + ((const struct mt_part *)b->parts.data)[t.part].prog;
    }
    TRY(push_sub(b, sub, t));
    *out_sub = (uint32_t)(b->sub.count - 1);
    return map_put(&b->sub_map, hash, *out_sub);
}

sk_err subsig_intern(struct body_builder *b, const struct staged_sub *staged, uint32_t *out_sub) {
    const struct offset *o = &staged->offset;
    struct mt_sub sub = {.off_kind = (uint8_t)o->kind,
                         .section = o->section,
                         .off = o->off,
                         .shift = o->shift,
                         .also = MT_NO_SUB};
    if (staged->has_also) {
        uint32_t also = 0;
        sub.flags = staged->also_flags;
        TRY(intern_form(b, sub, staged->also, o, &also));
        sub.also = also;
    }
    sub.flags = staged->main_flags;
    return intern_form(b, sub, staged->main, o, out_sub);
}

double subsig_cost(const struct body_builder *b, uint32_t sub) {
    uint32_t also = body_sub(b, sub)->also;
    double cost = body_trigger(b, sub)->cost;
    return also == MT_NO_SUB ? cost : cost + body_trigger(b, also)->cost;
}

double subsig_order(const struct body_builder *b, uint32_t sub) {
    uint32_t also = body_sub(b, sub)->also;
    double order = body_trigger(b, sub)->order;
    return also == MT_NO_SUB ? order : order + body_trigger(b, also)->order;
}
