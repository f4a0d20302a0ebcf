// SPDX-License-Identifier: Apache-2.0
/*
 *     object    u32 version | u32 format | class | topic | item | u32 size | native data
 *               class, topic, item: u32 length, bytes with NUL; format 5 has no topic and item, but
 *               u32 width, u32 height
 *     package   u16 2 | label NUL | path NUL | u16 0 | u16 3 | u32 length, path NUL |
 *               u32 size | file
 *
 * The version is not looked at: Word does not care. Lengths beyond NAME_MAX_BYTES make it no
 * header.
 */
#include "format/ole1.h"

#include <string.h>

#define NAME_MAX_BYTES 1024u

/* u32 length and that many bytes, of which a NUL ends the text. */
static struct sk_bytes counted(struct sk_cursor *c) {
    uint32_t len = sk_cursor_u32le(c);
    if (len > NAME_MAX_BYTES) {
        c->bad = true;
        len = 0;
    }
    const uint8_t *text = sk_cursor_take(c, len);
    const uint8_t *end = text == NULL || len == 0 ? NULL : memchr(text, 0, len);
    return (struct sk_bytes){text, end == NULL ? (text == NULL ? 0 : len) : (size_t)(end - text)};
}

bool ole1_object_read(struct sk_bytes head, struct ole1_object *out_object) {
    struct sk_cursor c = sk_cursor_of(head);
    struct ole1_object o = {0};
    sk_cursor_skip(&c, 4);
    o.format = sk_cursor_u32le(&c);
    o.class_name = counted(&c);
    if (o.format == OLE1_PRESENTATION) {
        sk_cursor_skip(&c, 8);
    } else {
        o.topic = counted(&c);
        (void)counted(&c);
    }
    o.size = o.format == OLE1_LINKED ? 0 : sk_cursor_u32le(&c);
    o.off = c.pos;
    bool known =
        o.format == OLE1_LINKED || o.format == OLE1_EMBEDDED || o.format == OLE1_PRESENTATION;
    if (!known || !sk_cursor_ok(&c)) {
        return false;
    }
    *out_object = o;
    return true;
}

/* Text up to its NUL. */
static struct sk_bytes terminated(struct sk_cursor *c) {
    const uint8_t *text = c->ptr + c->pos;
    const uint8_t *end = sk_cursor_left(c) == 0 ? NULL : memchr(text, 0, sk_cursor_left(c));
    if (end == NULL) {
        c->bad = true;
        return (struct sk_bytes){NULL, 0};
    }
    sk_cursor_skip(c, (uint64_t)(end - text) + 1);
    return (struct sk_bytes){text, (size_t)(end - text)};
}

static struct sk_bytes last_part(struct sk_bytes path) {
    size_t from = path.len;
    while (from > 0 && path.ptr[from - 1] != '\\' && path.ptr[from - 1] != '/') {
        from--;
    }
    return (struct sk_bytes){path.ptr + from, path.len - from};
}

bool ole1_package_read(struct sk_bytes native, struct ole1_package *out_package) {
    struct sk_cursor c = sk_cursor_of(native);
    bool marked = sk_cursor_u16le(&c) == 2;
    struct sk_bytes label = terminated(&c);
    struct sk_bytes path = terminated(&c);
    sk_cursor_skip(&c, 4);
    sk_cursor_skip(&c, sk_cursor_u32le(&c));
    uint32_t size = sk_cursor_u32le(&c);
    if (!marked || !sk_cursor_ok(&c) || size == 0) {
        return false;
    }
    struct sk_bytes name = last_part(label.len > 0 ? label : path);
    *out_package = (struct ole1_package){name, c.pos, size};
    return true;
}
