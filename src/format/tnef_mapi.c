// SPDX-License-Identifier: Apache-2.0
/*
 * MAPI properties as TNEF stores them ([MS-OXTNEF] 2.1.3.4).
 *
 *     count (4)
 *     property: type (2), id (2)
 *               id >= 8000: GUID (16), kind (4), number (4) or length (4) and name, padded to 4
 *               fixed type: value, at least 4 bytes        many-valued: count (4) first
 *               strings, bytes, objects: count (4), each length (4) and bytes, padded to 4
 *
 * Types that are not known end the list: where the next property begins cannot be told.
 */
#include "format/tnef.h"

#include "codec/codec.h"

#define MANY_VALUES 0x1000u
#define NAMED_ID 0x8000u
#define OBJECT_GUID_BYTES 16u

enum property {
    PR_BODY = 0x1000,
    PR_RTF_COMPRESSED = 0x1009,
    PR_BODY_HTML = 0x1013,
    PR_DISPLAY_NAME = 0x3001,
    PR_ATTACH_DATA = 0x3701,
    PR_ATTACH_FILENAME = 0x3704,
    PR_ATTACH_LONG_FILENAME = 0x3707
};

enum mapi_type { PT_OBJECT = 0x000d, PT_STRING8 = 0x001e, PT_UNICODE = 0x001f, PT_BINARY = 0x0102 };

struct reader {
    struct tnef *t;
    uint64_t pos;
    uint64_t end;
    bool bad;
};

static uint32_t take_u32(struct reader *r) {
    if (r->end - r->pos < 4) {
        r->bad = true;
        r->pos = r->end;
        return 0;
    }
    struct sk_cursor c = sk_source_cursor(r->t->src, r->pos, 4);
    r->pos += 4;
    return sk_cursor_u32le(&c);
}

static void skip(struct reader *r, uint64_t len) {
    r->bad = r->bad || len > r->end - r->pos;
    r->pos += len < r->end - r->pos ? len : r->end - r->pos;
}

/* Length and bytes, padded to 4; clipped to what is there. */
static struct tnef_slice take_value(struct reader *r) {
    uint64_t len = take_u32(r);
    struct tnef_slice value = {r->pos, len < r->end - r->pos ? len : r->end - r->pos};
    skip(r, (len + 3) & ~UINT64_C(3));
    return value;
}

static bool is_variable(unsigned type) {
    return type == PT_STRING8 || type == PT_UNICODE || type == PT_BINARY || type == PT_OBJECT;
}

/* Bytes of one value of a fixed type; 0: not known. */
static uint64_t fixed_size(unsigned type) {
    switch (type) {
    case 0x0001: /* null */
    case 0x0002:
    case 0x0003:
    case 0x0004:
    case 0x000a:
    case 0x000b:
        return 4;
    case 0x0005:
    case 0x0006:
    case 0x0007:
    case 0x0014:
    case 0x0040:
        return 8;
    case 0x0048:
        return 16;
    default:
        return 0;
    }
}

/* ---- values ---- */

static sk_err give_rtf(struct tnef *t, struct tnef_slice value) {
    static const char name[] = "body.rtf";
    struct sk_source_stream raw;
    struct sk_stream *codec = NULL;
    struct sk_child child = {.name = name,
                             .name_len = sizeof(name) - 1,
                             .packed_size = value.len,
                             .size = SK_SIZE_UNKNOWN,
                             .index = t->index++};
    TRY(sk_lzfu_open(sk_source_stream_init(&raw, t->src, value.off, value.len), &codec));
    sk_err err = walk_child(t->walk, &child, codec);
    sk_stream_close(codec);
    return err;
}

static sk_err give_object(struct tnef *t, struct tnef_slice value) {
    if (value.len <= OBJECT_GUID_BYTES) {
        return sk_ok();
    }
    struct tnef_slice inner = {value.off + OBJECT_GUID_BYTES, value.len - OBJECT_GUID_BYTES};
    return tnef_data(t, inner, true);
}

static sk_err use_value(struct tnef *t, unsigned id, unsigned type, struct tnef_slice value) {
    bool wide = type == PT_UNICODE;
    switch (id) {
    case PR_BODY:
        return tnef_give(t, value, SK_TYPE_ANY, (struct sk_bytes){NULL, 0});
    case PR_BODY_HTML:
        return tnef_give(t, value, SK_TYPE_HTML, (struct sk_bytes){NULL, 0});
    case PR_RTF_COMPRESSED:
        return give_rtf(t, value);
    case PR_ATTACH_DATA:
        return type == PT_OBJECT ? give_object(t, value) : tnef_data(t, value, false);
    case PR_DISPLAY_NAME:
        tnef_name(t, value, wide, 2);
        return sk_ok();
    case PR_ATTACH_FILENAME:
        tnef_name(t, value, wide, 3);
        return sk_ok();
    case PR_ATTACH_LONG_FILENAME:
        tnef_name(t, value, wide, 4);
        return sk_ok();
    default:
        return sk_ok();
    }
}

/* ---- the list ---- */

static sk_err take_values(struct reader *r, unsigned id, unsigned type) {
    uint32_t count = take_u32(r);
    for (uint32_t i = 0; i < count && r->pos < r->end; i++) {
        TRY(walk_tick(r->t->walk));
        TRY(use_value(r->t, id, type, take_value(r)));
    }
    return sk_ok();
}

static void skip_name(struct reader *r) {
    skip(r, 16);
    uint32_t kind = take_u32(r);
    if (kind == 0) {
        skip(r, 4);
    } else {
        (void)take_value(r);
    }
}

static sk_err one_property(struct reader *r) {
    uint32_t tag = take_u32(r);
    unsigned type = tag & 0xffffu;
    unsigned id = tag >> 16;
    if (id >= NAMED_ID) {
        skip_name(r);
    }
    unsigned base = type & ~MANY_VALUES;
    if (is_variable(base)) {
        return take_values(r, id, base);
    }
    uint64_t size = fixed_size(base);
    uint64_t count = (type & MANY_VALUES) != 0 ? take_u32(r) : 1;
    if (size == 0) {
        r->bad = true;
    } else {
        skip(r, size * count);
    }
    return sk_ok();
}

sk_err tnef_mapi(struct tnef *t, struct tnef_slice props) {
    struct reader r = {.t = t, .pos = props.off, .end = props.off + props.len};
    uint32_t count = take_u32(&r);
    for (uint32_t i = 0; i < count && !r.bad && r.pos < r.end; i++) {
        TRY(walk_tick(t->walk));
        TRY(one_property(&r));
    }
    if (r.bad && !t->damaged) {
        t->damaged = true;
        walk_note(t->walk, SK_NOTE_DAMAGED, "properties");
    }
    return sk_ok();
}
