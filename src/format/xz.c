// SPDX-License-Identifier: Apache-2.0
/*
 * The LZMA family as layers: .xz, .lz and .lzma.
 *
 * .lzma has no magic: properties(1) dictionary(4) size(8) data. It is recognised as xz(1) does it:
 * the usual properties, a dictionary of 2^n or 2^n + 2^(n-1) bytes, a size that is unknown or below
 * 256 GiB, and the zero byte with which every LZMA stream begins.
 */
#include "base/cursor.h"
#include "codec/codec.h"
#include "format/single.h"

#define XZ_MAGIC                                                                                   \
    "\xfd"                                                                                         \
    "7zXZ\0"
#define LZIP_MAGIC "LZIP"
#define LZMA_HEADER_BYTES 13u
#define LZMA_USUAL_PROPS 0x5du /* lc 3, lp 0, pb 2 */
#define LZMA_SIZE_MAX ((uint64_t)1 << 38)

static bool plausible_dictionary(uint32_t dict) {
    uint32_t lowest = dict & (~dict + 1u);
    bool one_bit = dict == lowest;
    bool two_bits = lowest != 0 && dict == (lowest | lowest << 1);
    return dict >= 4096 && (one_bit || two_bits);
}

static bool is_lzma(const struct sk_peek *peek) {
    struct sk_cursor c = sk_cursor_make(peek->head, peek->head_len);
    unsigned props = sk_cursor_u8(&c);
    uint32_t dict = sk_cursor_u32le(&c);
    uint64_t size = sk_cursor_u64le(&c);
    unsigned first = sk_cursor_u8(&c);
    return sk_cursor_ok(&c) && props == LZMA_USUAL_PROPS && plausible_dictionary(dict) &&
           (size == UINT64_MAX || size < LZMA_SIZE_MAX) && first == 0;
}

static int xz_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    if (sk_peek_has(peek, 0, XZ_MAGIC, 6)) {
        return 95;
    }
    if (sk_peek_has(peek, 0, LZIP_MAGIC "\x01", 5)) {
        *out_type = SK_TYPE_LZIP;
        return 90;
    }
    if (is_lzma(peek)) {
        *out_type = SK_TYPE_LZMA;
        return 50;
    }
    return 0;
}

static sk_err open_xz(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_unxz_open(up, SK_CODEC_MEM_BYTES, out_stream);
}

static sk_err open_lzip(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_unlzip_open(up, SK_CODEC_MEM_BYTES, out_stream);
}

static sk_err open_lzma(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_unlzma_open(up, SK_CODEC_MEM_BYTES, out_stream);
}

static sk_err xz_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sk_cursor c = sk_source_cursor(src, 0, LZMA_HEADER_BYTES);
    struct sk_peek peek = {.head = c.ptr, .head_len = c.len, .size = src->size};
    if (sk_peek_has(&peek, 0, XZ_MAGIC, 6)) {
        return single_walk(walk, src, &(struct single){.open = open_xz});
    }
    if (sk_peek_has(&peek, 0, LZIP_MAGIC, 4)) {
        return single_walk(walk, src, &(struct single){.open = open_lzip});
    }
    return single_walk(walk, src, &(struct single){.open = open_lzma});
}

const struct sk_format sk_format_xz = {
    .name = "xz", .type = SK_TYPE_XZ, .probe = xz_probe, .walk = xz_walk};
