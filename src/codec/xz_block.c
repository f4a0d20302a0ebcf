// SPDX-License-Identifier: Apache-2.0
/*
 * Header of a block of .xz:
 *
 *     size / 4 - 1 (1)  flags (1)  [packed size]  [size]  filters, up to 4  zeros  CRC-32 (4)
 *
 *     filter: id  bytes of properties  properties
 *
 * The last filter is LZMA2, which is the only one that packs; the others are undone in the opposite
 * order.
 */
#include "codec/xz_block.h"

#include "codec/codec.h"

#define FLAG_FILTERS 0x03u
#define FLAGS_RESERVED 0x3cu
#define FLAG_PACKED 0x40u
#define FLAG_SIZE 0x80u
#define FILTER_LZMA2 0x21u
#define FILTER_DELTA 0x03u
#define FILTER_RESERVED (UINT64_C(1) << 62)
#define LZMA2_PROPS_MAX 40u

uint64_t xz_number(struct sk_cursor *c) {
    uint64_t value = 0;
    for (unsigned i = 0; i < XZ_NUMBER_BYTES; i++) {
        unsigned byte = sk_cursor_u8(c);
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            if (byte == 0 && i > 0) {
                c->bad = true;
            }
            return value;
        }
    }
    c->bad = true;
    return 0;
}

/* Filters with an address where the counting begins: which one, and of what it is a multiple. */
static bool find_branch(uint64_t id, enum sk_branch *out_kind, uint32_t *out_align) {
    static const struct {
        enum sk_branch kind;
        uint32_t align;
    } known[] = {[0x04] = {SK_BRANCH_X86, 1},       [0x05] = {SK_BRANCH_POWERPC, 4},
                 [0x06] = {SK_BRANCH_IA64, 16},     [0x07] = {SK_BRANCH_ARM, 4},
                 [0x08] = {SK_BRANCH_ARM_THUMB, 2}, [0x09] = {SK_BRANCH_SPARC, 4},
                 [0x0a] = {SK_BRANCH_ARM64, 4}};
    if (id >= sizeof(known) / sizeof(known[0]) || known[id].align == 0) {
        return false;
    }
    *out_kind = known[id].kind;
    *out_align = known[id].align;
    return true;
}

static sk_err read_branch(struct xz_block *b, unsigned place, uint64_t id, struct sk_cursor props) {
    enum sk_branch kind = SK_BRANCH_DELTA;
    uint32_t align = 1, number = 0;
    bool sound;
    if (id == FILTER_DELTA) {
        sound = props.len == 1;
        number = sk_cursor_u8(&props) + 1u;
    } else {
        sound = find_branch(id, &kind, &align) && (props.len == 0 || props.len == 4);
        number = props.len == 0 ? 0 : sk_cursor_u32le(&props);
    }
    b->branch[place].kind = kind;
    b->branch[place].number = number;
    return sound && number % align == 0 ? sk_ok() : sk_fail(SK_E_UNSUPPORTED);
}

static sk_err read_filter(struct xz_block *b, unsigned place, struct sk_cursor *c) {
    uint64_t id = xz_number(c), len = xz_number(c);
    if (id >= FILTER_RESERVED || len > XZ_BLOCK_HEADER_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    const uint8_t *bytes = sk_cursor_take(c, (size_t)len);
    if (!sk_cursor_ok(c)) {
        return sk_fail(SK_E_FORMAT);
    }
    struct sk_cursor props = sk_cursor_make(bytes, (size_t)len);
    if (place < b->branches) {
        return read_branch(b, b->branches - 1 - place, id, props);
    }
    b->dict = sk_cursor_u8(&props);
    bool sound = id == FILTER_LZMA2 && len == 1 && b->dict <= LZMA2_PROPS_MAX;
    return sound ? sk_ok() : sk_fail(SK_E_UNSUPPORTED);
}

sk_err xz_block_read(struct xz_block *b, const uint8_t *header, size_t len) {
    struct sk_cursor c = sk_cursor_make(header, len - 4);
    if (sk_crc32(0, header, len - 4) != sk_load_u32le(header + len - 4)) {
        return sk_fail(SK_E_FORMAT);
    }
    sk_cursor_skip(&c, 1);
    unsigned flags = sk_cursor_u8(&c);
    if ((flags & FLAGS_RESERVED) != 0) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    b->packed = (flags & FLAG_PACKED) != 0 ? xz_number(&c) : XZ_NUMBER_NONE;
    b->size = (flags & FLAG_SIZE) != 0 ? xz_number(&c) : XZ_NUMBER_NONE;
    b->branches = flags & FLAG_FILTERS;
    if (!sk_cursor_ok(&c) || b->packed == 0) {
        return sk_fail(SK_E_FORMAT);
    }
    for (unsigned i = 0; i <= b->branches; i++) {
        TRY(read_filter(b, i, &c));
    }
    while (sk_cursor_left(&c) > 0) {
        if (sk_cursor_u8(&c) != 0) {
            return sk_fail(SK_E_UNSUPPORTED);
        }
    }
    return sk_ok();
}
