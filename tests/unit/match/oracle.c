// SPDX-License-Identifier: Apache-2.0
/*
 * The slow matcher: for every part a table of "may start here", filled from the ends of the part
 * before by trying every byte. Written from the definition of hits in match/tables.h, not from
 * src/match. Quadratic; layers of a few kilobytes only.
 */
#include "build_internal.h"

#include <assert.h>
#include <ctype.h>

#include "base/mem.h"

struct oracle {
    const struct tb_parsed *sub;
    const uint8_t *text;
    size_t len;
    size_t end_elem; /* the part's elements end here */
    uint8_t *ends;   /* ends[i] = 1: some way ends at i */
};

static bool byte_is(const struct oracle *o, struct tb_byte b, size_t at) {
    if (at >= o->len) {
        return false;
    }
    uint8_t text = o->text[at], value = b.value;
    if ((o->sub->spec.flags & TB_NOCASE) != 0 && b.mask == 0xff) {
        text = (uint8_t)tolower(text);
        value = (uint8_t)tolower(value);
    }
    return (text & b.mask) == (value & b.mask);
}

static bool alt_is(const struct oracle *o, const struct tb_alt *alt, size_t at) {
    for (unsigned i = 0; i < alt->len; i++) {
        if (!byte_is(o, alt->byte[i], at + i)) {
            return false;
        }
    }
    return true;
}

static void walk(struct oracle *o, size_t elem, size_t at) {
    if (elem == o->end_elem) {
        o->ends[at] = 1;
        return;
    }
    const struct tb_elem *e = &o->sub->elem.at[elem];
    if (e->kind == TB_BYTE) {
        if (byte_is(o, e->byte, at)) {
            walk(o, elem + 1, at + 1);
        }
        return;
    }
    bool any = false;
    for (unsigned i = 0; i < e->alt_count; i++) {
        bool is = alt_is(o, &e->alt[i], at);
        any |= is;
        if (is && !e->negated) {
            walk(o, elem + 1, at + e->alt[i].len);
        }
    }
    if (e->negated && !any && at + e->alt[0].len <= o->len) {
        walk(o, elem + 1, at + e->alt[0].len);
    }
}

static bool alnum_at(const struct oracle *o, size_t at, size_t unit) {
    return at + unit <= o->len && isalnum(o->text[at]) && (unit == 1 || o->text[at + 1] == 0);
}

static void add_place(uint8_t *starts, size_t len, uint64_t place, uint64_t width) {
    for (uint64_t i = 0; i <= width && place + i <= len; i++) {
        starts[place + i] = 1;
    }
}

static void first_starts(const struct oracle *o, const struct sk_exe *exe, uint8_t *starts) {
    const struct tb_sub_spec *s = &o->sub->spec;
    int64_t base = -1;
    switch (s->off_kind) {
    case MT_OFF_ANY:
        add_place(starts, o->len, 0, o->len);
        return;
    case MT_OFF_ABS:
        base = s->off;
        break;
    case MT_OFF_EOF:
        base = (int64_t)o->len - s->off;
        break;
    case MT_OFF_EP:
        base = exe != NULL && exe->has_entry ? (int64_t)exe->entry + s->off : -1;
        break;
    case MT_OFF_SECT:
        base = exe != NULL && s->section < exe->section_count
                   ? (int64_t)exe->section[s->section].off + s->off
                   : -1;
        break;
    case MT_OFF_SECT_LAST:
        base = exe != NULL && exe->section_count > 0
                   ? (int64_t)exe->section[exe->section_count - 1].off + s->off
                   : -1;
        break;
    case MT_OFF_SECT_ANY:
        if (exe != NULL && s->section < exe->section_count) {
            add_place(starts, o->len, exe->section[s->section].off, exe->section[s->section].size);
        }
        return;
    case MT_OFF_VI:
        for (uint32_t i = 0; exe != NULL && i < exe->vinfo_count; i++) {
            add_place(starts, o->len, exe->vinfo[i], s->shift);
        }
        return;
    }
    if (base >= 0) {
        add_place(starts, o->len, (uint64_t)base, s->shift);
    }
}

/* After a part that ended at `end`: mark where the next may start. */
static void mark_next(uint8_t *next, size_t len, size_t end, const struct tb_elem *gap) {
    for (size_t at = end + gap->min; at <= len; at++) {
        if (gap->max != MT_UNBOUNDED && at > end + gap->max) {
            break;
        }
        next[at] = 1;
    }
}

uint64_t tb_oracle(const struct tb *b, uint32_t sub, const uint8_t *text, size_t len,
                   const struct sk_exe *exe) {
    struct oracle o = {.sub = &b->parsed.at[sub], .text = text, .len = len};
    const struct tb_sub_spec *spec = &o.sub->spec;
    uint8_t *starts = mem_zalloc(len + 1, 1), *next = mem_zalloc(len + 1, 1);
    o.ends = mem_zalloc(len + 1, 1);
    assert(starts != NULL && next != NULL && o.ends != NULL);
    first_starts(&o, exe, starts);
    size_t unit = (spec->flags & MT_SUB_WIDE) != 0 ? 2 : 1;
    bool word = (spec->flags & MT_SUB_FULLWORD) != 0;
    uint64_t count = 0;
    for (size_t first = 0; first <= o.sub->elem.count; first = o.end_elem + 1) {
        o.end_elem = first;
        while (o.end_elem < o.sub->elem.count && o.sub->elem.at[o.end_elem].kind != TB_GAP) {
            o.end_elem++;
        }
        bool last = o.end_elem == o.sub->elem.count;
        memset(next, 0, len + 1);
        for (size_t at = 0; at <= len; at++) {
            if (!starts[at] ||
                (word && first == 0 && at >= unit && alnum_at(&o, at - unit, unit))) {
                continue;
            }
            memset(o.ends, 0, len + 1);
            walk(&o, first, at);
            bool any = false;
            for (size_t end = 0; end <= len; end++) {
                if (o.ends[end] && !(last && word && alnum_at(&o, end, unit))) {
                    any = true;
                    if (!last) {
                        mark_next(next, len, end, &o.sub->elem.at[o.end_elem]);
                    }
                }
            }
            count += last && any;
        }
        uint8_t *swap = starts;
        starts = next;
        next = swap;
    }
    mem_free(starts);
    mem_free(next);
    mem_free(o.ends);
    return count;
}

static sk_err read_memory(void *ctx, uint64_t off, void *buf, size_t len) {
    const struct sk_bytes *bytes = ctx;
    assert(off + len <= bytes->len);
    memcpy(buf, bytes->ptr + off, len);
    return sk_ok();
}

void tb_read_source(struct sk_source *s, struct sk_bytes *bytes) {
    sk_source_init_read(s, bytes->len, read_memory, bytes);
}
