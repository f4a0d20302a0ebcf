// SPDX-License-Identifier: Apache-2.0
/* Writer of honest and lying ZIP files; see zipmake.h. */
#include "zipmake.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/cursor.h"

#define DESCRIPTOR_FLAG 8u

void zm_raw(struct zm *z, const void *bytes, size_t len) {
    if (sk_failed(buf_append(&z->out, bytes, len))) {
        abort();
    }
}

static size_t content_len(const struct zm_entry *e) {
    return e->content_len != 0 ? e->content_len : strlen(e->content);
}

static void u16(struct zm *z, uint64_t v) {
    uint8_t b[2];
    sk_store_u16le(b, (uint16_t)v);
    zm_raw(z, b, 2);
}

static void u32(struct zm *z, uint64_t v) {
    uint8_t b[4];
    sk_store_u32le(b, (uint32_t)v);
    zm_raw(z, b, 4);
}

static void u64(struct zm *z, uint64_t v) {
    uint8_t b[8];
    sk_store_u64le(b, v);
    zm_raw(z, b, 8);
}

static void pack(struct buf *out, const struct zm_entry *e) {
    size_t len = content_len(e);
    if (e->method != 8) {
        if (sk_failed(buf_append(out, e->content, len))) {
            abort();
        }
        return;
    }
    z_stream s = {0};
    size_t room = len + 1000;
    if (sk_failed(buf_reserve(out, room)) ||
        deflateInit2(&s, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        abort();
    }
    s.next_in = (Bytef *)(uintptr_t)e->content;
    s.avail_in = (unsigned)len;
    s.next_out = out->data;
    s.avail_out = (unsigned)room;
    if (deflate(&s, Z_FINISH) != Z_STREAM_END) {
        abort();
    }
    out->len = room - s.avail_out;
    deflateEnd(&s);
}

void zm_local(struct zm *z, struct zm_entry *e) {
    struct buf data = {0};
    pack(&data, e);
    e->off = z->out.len;
    e->packed = data.len;
    e->size = content_len(e);
    e->crc32 = (uint32_t)crc32_z(0, (const uint8_t *)e->content, content_len(e));
    zm_raw(z, "PK\x03\x04", 4);
    u16(z, 20);
    u16(z, e->flags | (e->descriptor ? DESCRIPTOR_FLAG : 0));
    u16(z, e->method);
    u32(z, 0x58210000);
    u32(z, e->descriptor ? 0 : e->crc32);
    u32(z, e->descriptor ? 0 : e->packed);
    u32(z, e->descriptor ? 0 : e->size);
    u16(z, strlen(e->name));
    u16(z, 0);
    zm_raw(z, e->name, strlen(e->name));
    zm_raw(z, data.data, data.len);
    if (e->descriptor) {
        zm_raw(z, "PK\x07\x08", 4);
        u32(z, e->crc32);
        u32(z, e->packed);
        u32(z, e->size);
    }
    buf_release(&data);
}

void zm_dir_begin(struct zm *z) {
    z->dir_off = z->out.len;
    z->count = 0;
}

void zm_central(struct zm *z, const struct zm_entry *e) {
    zm_raw(z, "PK\x01\x02", 4);
    u16(z, 20);
    u16(z, 20);
    u16(z, e->flags | (e->descriptor ? DESCRIPTOR_FLAG : 0));
    u16(z, e->method);
    u32(z, 0x58210000);
    u32(z, e->crc32);
    u32(z, e->packed);
    u32(z, e->size);
    u16(z, strlen(e->name));
    u16(z, 0);
    u16(z, 0);
    u16(z, 0);
    u16(z, 0);
    u32(z, 0);
    u32(z, e->off - z->base);
    zm_raw(z, e->name, strlen(e->name));
    z->count++;
}

void zm_end(struct zm *z, const char *comment) {
    uint64_t size = z->out.len - z->dir_off;
    zm_raw(z, "PK\x05\x06", 4);
    u16(z, z->disk);
    u16(z, z->disk);
    u16(z, z->count);
    u16(z, z->count);
    u32(z, size);
    u32(z, z->dir_off - z->base);
    u16(z, strlen(comment));
    zm_raw(z, comment, strlen(comment));
}

void zm_end64(struct zm *z) {
    uint64_t end64 = z->out.len;
    zm_raw(z, "PK\x06\x06", 4);
    u64(z, 44);
    u16(z, 45);
    u16(z, 45);
    u32(z, 0);
    u32(z, 0);
    u64(z, z->count);
    u64(z, z->count);
    u64(z, end64 - z->dir_off);
    u64(z, z->dir_off - z->base);
    zm_raw(z, "PK\x06\x07", 4);
    u32(z, 0);
    u64(z, end64 - z->base);
    u32(z, 1);
    zm_raw(z, "PK\x05\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0", 22);
}

void zm_all(struct zm *z, struct zm_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        zm_local(z, &entries[i]);
    }
    zm_dir_begin(z);
    for (size_t i = 0; i < count; i++) {
        zm_central(z, &entries[i]);
    }
    zm_end(z, "");
}

void zm_start(struct zm *z) {
    z->base = z->out.len;
}
