// SPDX-License-Identifier: Apache-2.0
/*
 * Neighbouring bytes of one kind share one operation:
 *
 *     61 62 63 ?? ?? 6? 00   ->   LIT 3 "abc"  SKIP 2  MASK 1 (60,f0)  LIT 1 00
 *
 * An operation stays open while it grows; its opcode and count are patched when it closes. Only
 * then is it known whether a literal of a case-insensitive body holds letters at all: without them
 * it is written as an exact one, which is cheaper and makes a better trigger.
 *
 * A literal at top level becomes a struct hex_run: it is the raw material of keys and triggers.
 */
#include "defc/hexprog.h"

static bool is_letter(uint8_t b) {
    return (b | 0x20) >= 'a' && (b | 0x20) <= 'z';
}
static uint8_t lower(uint8_t b) {
    return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}

bool hex_byte_holds(struct hex_byte want, bool nocase, uint8_t byte) {
    if ((byte & want.mask) == want.value) {
        return true;
    }
    if (!nocase) {
        return false;
    }
    uint8_t value = want.mask == 0xff ? lower(want.value) : want.value;
    return (lower(byte) & want.mask) == value;
}

void hexprog_part(struct hexprog *w) {
    hexprog_close(w);
    w->len_min = 0;
    w->len_max = 0;
    w->nested = false;
}

static void put(struct hexprog *w, const void *bytes, size_t len) {
    if (!w->failed && sk_failed(buf_append(&w->st->prog, bytes, len))) {
        w->failed = true;
    }
}

static void note_run(struct hexprog *w, bool nocase) {
    struct hex_run *run = vec_push(&w->st->run, 1, sizeof(*run));
    if (run == NULL) {
        w->failed = true;
        return;
    }
    *run = (struct hex_run){(uint32_t)(w->op_at + 3), w->op_n, w->op_delta, nocase};
}

void hexprog_close(struct hexprog *w) {
    uint8_t op = w->op;
    w->op = 0;
    if (op == 0 || w->failed) {
        return;
    }
    uint8_t *at = w->st->prog.data + w->op_at;
    sk_store_u16le(at + 1, (uint16_t)w->op_n);
    if (op == MT_OP_LIT) {
        bool nocase = w->nocase && w->op_letters;
        at[0] = nocase ? MT_OP_LITI : MT_OP_LIT;
        if (!w->nested) {
            note_run(w, nocase);
        }
    }
}

static void open_op(struct hexprog *w, uint8_t op) {
    if (w->op == op && w->op_n < UINT16_MAX) {
        return;
    }
    hexprog_close(w);
    w->op_at = w->st->prog.len;
    put(w, (const uint8_t[]){op, 0, 0}, 3);
    w->op = w->failed ? 0 : op;
    w->op_n = 0;
    w->op_letters = false;
    w->op_delta =
        w->len_min == w->len_max && w->len_min < HEX_FLOATING ? (uint32_t)w->len_min : HEX_FLOATING;
}

void hexprog_skip(struct hexprog *w, uint32_t n) {
    while (n > 0) {
        open_op(w, MT_OP_SKIP);
        uint32_t take = UINT16_MAX - w->op_n < n ? UINT16_MAX - w->op_n : n;
        w->op_n += take;
        w->len_min += take;
        w->len_max += take;
        n -= take;
    }
}

void hexprog_set(struct hexprog *w, const uint8_t set[32]) {
    hexprog_close(w);
    put(w, (const uint8_t[]){MT_OP_SET}, 1);
    put(w, set, 32);
    w->len_min++;
    w->len_max++;
}

/* A high nibble 6 or 7 also holds for upper-case letters: no mask can say that. */
static void put_nibble_nocase(struct hexprog *w, struct hex_byte one) {
    uint8_t set[32] = {0};
    for (unsigned b = 0; b < 256; b++) {
        if (hex_byte_holds(one, true, (uint8_t)b)) {
            set[b / 8] |= (uint8_t)(1u << b % 8);
        }
    }
    hexprog_set(w, set);
}

void hexprog_byte(struct hexprog *w, struct hex_byte one) {
    if (one.mask == 0) {
        hexprog_skip(w, 1);
        return;
    }
    if (one.mask != 0xff && w->nocase && one.mask == 0xf0 && one.value >= 0x60 &&
        one.value <= 0x70) {
        put_nibble_nocase(w, one);
        return;
    }
    if (one.mask == 0xff) {
        open_op(w, MT_OP_LIT);
        w->op_letters |= is_letter(one.value);
        uint8_t byte = w->nocase ? lower(one.value) : one.value;
        put(w, &byte, 1);
    } else {
        open_op(w, MT_OP_MASK);
        put(w, (const uint8_t[]){one.value, one.mask}, 2);
    }
    w->op_n++;
    w->len_min++;
    w->len_max++;
}

void hexprog_raw(struct hexprog *w, const void *bytes, size_t len) {
    hexprog_close(w);
    put(w, bytes, len);
}
