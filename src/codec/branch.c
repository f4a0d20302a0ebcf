// SPDX-License-Identifier: Apache-2.0
/*
 * Calls back to what they were, as .xz ("The .xz File Format" 1.1.0, 5.3.2) and 7z have them.
 *
 * A packer adds the place of a call to its target, so that all calls of one function look alike:
 *
 *     before   place 100: call +50   place 120: call +30        absolute: 150 both times
 *
 * All but x86 have instructions of one size at aligned places, and a mask tells a call (or ADRP of
 * ARM64, which names a page). x86 has them at any place: E8 or E9, then a distance whose highest
 * byte is 00 or FF. Whether such a byte begins a call is guessed the way the packer guessed it: not
 * if it may be within another one. For that `calls` has a bit for each of the last bytes that is
 * E8 or E9 but was left alone (bits 0 to 2, moved up byte by byte), and with it, four bits higher,
 * whether it failed only because of that. When a distance overlaps such bytes, the packer turned
 * it until the byte they would have taken for the highest is neither 00 nor FF; so does this.
 */
#include "codec/branch.h"

#include <string.h>

#include "base/cursor.h"

#define X86_CALL_BYTES 5u
#define X86_CALLS_KEPT 0x77u /* what can still be within reach a byte later */
#define X86_OUTSIDE 0x10u    /* from here on: the byte before failed by its neighbours */

void branch_init(struct branch *b, enum sk_branch kind, uint32_t number) {
    *b = (struct branch){.kind = kind};
    if (kind == SK_BRANCH_DELTA) {
        b->distance = number;
    } else {
        b->pos = number;
    }
}

static bool is_sign(unsigned byte) {
    return byte == 0 || byte == 0xff;
}

/* ---- x86 ---------------------------------------------------------------------------------- */

/* The distance of a call that ends at the address `end`, made relative. One turn is enough: the
 * byte in question is the fifth of the call before, which is no sign, or this one would not be
 * turned. */
static uint32_t x86_turn(uint32_t absolute, uint32_t end, unsigned calls) {
    static const uint8_t overlap[8] = {[1] = 1, [2] = 2, [4] = 3}; /* bytes, by the call before */
    uint32_t relative = absolute - end;
    unsigned shift = 24 - 8u * overlap[calls >> 1 & 7];
    if (calls == 0 || !is_sign(relative >> shift & 0xff)) {
        return relative;
    }
    return (relative ^ (uint32_t)((UINT64_C(1) << (shift + 8)) - 1)) - end;
}

static size_t x86_run(struct branch *b, uint8_t *bytes, size_t len) {
    size_t i = 0;
    unsigned calls = b->calls;
    while (len - i >= X86_CALL_BYTES) {
        uint8_t *at = bytes + i;
        calls = (calls & X86_CALLS_KEPT) << 1;
        if ((at[0] & 0xfe) != 0xe8) {
            i++;
            continue;
        }
        unsigned near = calls >> 1 & 7;
        bool apart = near != 3 && near < 5 && calls >> 1 < X86_OUTSIDE;
        if (!is_sign(at[4]) || !apart) {
            calls |= is_sign(at[4]) ? X86_OUTSIDE | 1 : 1;
            i++;
            continue;
        }
        uint32_t end = b->pos + (uint32_t)i + X86_CALL_BYTES;
        uint32_t to = x86_turn(sk_load_u32le(at + 1), end, calls);
        sk_store_u32le(at + 1, (to & 0x1ffffff) | (0u - (to >> 24 & 1)) << 24);
        calls = 0;
        i += X86_CALL_BYTES;
    }
    b->calls = calls;
    return i;
}

/* ---- one instruction, at a place ---------------------------------------------------------- */

static void arm_one(uint8_t *at, uint32_t place) {
    if (at[3] == 0xeb) {
        uint32_t to = sk_load_u32le(at) - ((place + 8) >> 2);
        sk_store_u32le(at, (to & 0xffffff) | 0xeb000000u);
    }
}

static void arm64_one(uint8_t *at, uint32_t place) {
    uint32_t word = sk_load_u32le(at);
    if (word >> 26 == 0x25) { /* BL */
        sk_store_u32le(at, 0x94000000u | ((word - (place >> 2)) & 0x3ffffff));
        return;
    }
    uint32_t page = (word >> 29 & 3) | (word >> 3 & 0x1ffffc);
    if ((word & 0x9f000000u) != 0x90000000u || ((page + 0x20000) & 0x1c0000) != 0) {
        return; /* no ADRP, or one beyond 512 MiB */
    }
    page -= place >> 12;
    uint32_t high = (page & 0x3fffc) | ((0u - (page >> 17 & 1)) << 18 & 0x1c0000);
    sk_store_u32le(at, (word & 0x9000001fu) | (page & 3) << 29 | high << 3);
}

static void powerpc_one(uint8_t *at, uint32_t place) {
    uint32_t word = sk_load_u32be(at);
    if ((word & 0xfc000003u) == 0x48000001u) {
        sk_store_u32be(at, 0x48000001u | (((word & 0x3fffffc) - place) & 0x3fffffc));
    }
}

static void sparc_one(uint8_t *at, uint32_t place) {
    uint32_t word = sk_load_u32be(at);
    if (word >> 22 == 0x100 || word >> 22 == 0x1ff) {
        uint32_t to = ((word << 2) - place) >> 2;
        uint32_t sign = (0u - (to >> 22 & 1)) << 22 & 0x3fffffff;
        sk_store_u32be(at, sign | (to & 0x3fffff) | 0x40000000u);
    }
}

/* Three instructions of 41 bits behind a template of 5; the template tells which are branches. */
static void ia64_one(uint8_t *at, uint32_t place) {
    static const uint8_t branches[32] = {
        [0x10] = 4, [0x11] = 4, [0x12] = 6, [0x13] = 6, [0x16] = 7,
        [0x17] = 7, [0x18] = 4, [0x19] = 4, [0x1c] = 4, [0x1d] = 4};
    for (unsigned slot = 0; slot < 3; slot++) {
        unsigned bit = 5 + 41 * slot;
        uint8_t *from = at + bit / 8;
        uint8_t bytes[8] = {0};
        memcpy(bytes, from, 6);
        uint64_t word = sk_load_u64le(bytes);
        uint64_t code = word >> bit % 8;
        bool call = (code >> 37 & 15) == 5 && (code >> 9 & 7) == 0;
        if ((branches[at[0] & 31] >> slot & 1) == 0 || !call) {
            continue;
        }
        uint64_t to = (code >> 13 & 0xfffff) | (code >> 36 & 1) << 20;
        to -= place >> 4;
        uint64_t mask = UINT64_C(0x8fffff) << 13;
        uint64_t put = ((to & 0xfffff) << 13 | (to >> 20 & 1) << 36);
        word = (word & ~(mask << bit % 8)) | put << bit % 8;
        sk_store_u64le(bytes, word);
        memcpy(from, bytes, 6);
    }
}

/* ---- all of them -------------------------------------------------------------------------- */

static size_t thumb_run(struct branch *b, uint8_t *bytes, size_t len) {
    size_t i = 0;
    while (len - i >= 4) {
        uint8_t *at = bytes + i;
        i += 2;
        if ((at[1] & 0xf8) != 0xf0 || (at[3] & 0xf8) != 0xf8) {
            continue;
        }
        uint32_t high = sk_load_u16le(at) & 0x7ffu, low = sk_load_u16le(at + 2) & 0x7ffu;
        uint32_t to = (high << 11 | low) - ((b->pos + (uint32_t)i + 2) >> 1);
        sk_store_u16le(at, (uint16_t)(0xf000 | (to >> 11 & 0x7ff)));
        sk_store_u16le(at + 2, (uint16_t)(0xf800 | (to & 0x7ff)));
        i += 2;
    }
    return i;
}

static size_t aligned_run(struct branch *b, uint8_t *bytes, size_t len) {
    static void (*const one[])(uint8_t * at, uint32_t place) = {[SK_BRANCH_ARM] = arm_one,
                                                                [SK_BRANCH_ARM64] = arm64_one,
                                                                [SK_BRANCH_POWERPC] = powerpc_one,
                                                                [SK_BRANCH_SPARC] = sparc_one,
                                                                [SK_BRANCH_IA64] = ia64_one};
    size_t each = b->kind == SK_BRANCH_IA64 ? 16 : 4;
    size_t i = 0;
    for (; len - i >= each; i += each) {
        one[b->kind](bytes + i, b->pos + (uint32_t)i);
    }
    return i;
}

static size_t delta_run(struct branch *b, uint8_t *bytes, size_t len) {
    uint8_t pos = (uint8_t)b->pos;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(bytes[i] + b->past[(uint8_t)(pos - b->distance)]);
        b->past[pos++] = bytes[i];
    }
    return len;
}

size_t branch_run(struct branch *b, uint8_t *bytes, size_t len) {
    size_t done;
    switch (b->kind) {
    case SK_BRANCH_DELTA:
        done = delta_run(b, bytes, len);
        break;
    case SK_BRANCH_X86:
        done = x86_run(b, bytes, len);
        break;
    case SK_BRANCH_ARM_THUMB:
        done = thumb_run(b, bytes, len);
        break;
    default:
        done = aligned_run(b, bytes, len);
        break;
    }
    b->pos += (uint32_t)done;
    return done;
}
