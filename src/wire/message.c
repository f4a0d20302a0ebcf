// SPDX-License-Identifier: Apache-2.0
/*
 * One encoder and one decoder for every message of the project. Each peer treats the other as
 * hostile: a worker may have been taken over by the file it scanned. So the decoder believes
 * nothing: the type must be in the table, from this sender, in this state, with a descriptor
 * exactly when the row says so; every length is checked by the cursor; text must end where it says;
 * and nothing may be left over in a packet, because bytes nobody reads are where surprises hide.
 */
#include "wire/message.h"

#include <string.h>

#define HEAD_BYTES 4
#define TEXT_NULL 0xffffu
#define TEXT_MAX 0xfffeu

struct writer {
    uint8_t *out;
    size_t cap;
    size_t len;
    bool full;
};

static uint8_t *claim(struct writer *w, size_t n) {
    if (w->full || n > w->cap - w->len) {
        w->full = true;
        return NULL;
    }
    uint8_t *p = w->out + w->len;
    w->len += n;
    return p;
}

static void put_u16(struct writer *w, uint16_t v) {
    uint8_t *p = claim(w, 2);
    if (p != NULL) {
        sk_store_u16le(p, v);
    }
}

static void put_text(struct writer *w, const struct wire_field *f, const char *text) {
    if (text == NULL && f->kind == WIRE_TEXT_OPT) {
        put_u16(w, TEXT_NULL);
        return;
    }
    size_t cap = f->max < TEXT_MAX ? f->max : TEXT_MAX;
    size_t len = text == NULL ? 0 : strnlen(text, cap);
    put_u16(w, (uint16_t)len);
    uint8_t *p = claim(w, len + 1);
    if (p != NULL) {
        if (len > 0) {
            memcpy(p, text, len);
        }
        p[len] = 0;
    }
}

static void put_bytes(struct writer *w, const struct wire_field *f, struct sk_bytes bytes) {
    size_t cap = f->max < TEXT_MAX ? f->max : TEXT_MAX;
    size_t len = bytes.len < cap ? bytes.len : cap;
    put_u16(w, (uint16_t)len);
    uint8_t *p = claim(w, len);
    if (p != NULL && len > 0) {
        memcpy(p, bytes.ptr, len);
    }
}

static void put_field(struct writer *w, const struct wire_field *f, const void *record) {
    const uint8_t *at = (const uint8_t *)record + f->offset;
    uint8_t *p;
    uint32_t u32;
    uint64_t u64;
    const char *text;
    struct sk_bytes bytes;
    switch (f->kind) {
    case WIRE_U32:
        memcpy(&u32, at, sizeof(u32));
        p = claim(w, 4);
        if (p != NULL) {
            sk_store_u32le(p, u32);
        }
        break;
    case WIRE_U64:
        memcpy(&u64, at, sizeof(u64));
        p = claim(w, 8);
        if (p != NULL) {
            sk_store_u64le(p, u64);
        }
        break;
    case WIRE_TEXT:
    case WIRE_TEXT_OPT:
        memcpy(&text, at, sizeof(text));
        put_text(w, f, text);
        break;
    case WIRE_BYTES:
        memcpy(&bytes, at, sizeof(bytes));
        put_bytes(w, f, bytes);
        break;
    }
}

const struct wire_message *wire_find(const struct wire_table *table, uint16_t type) {
    for (unsigned i = 0; i < table->count; i++) {
        if (table->message[i].type == type) {
            return &table->message[i];
        }
    }
    return NULL;
}

sk_err wire_encode(const struct wire_message *message, const void *record, uint8_t *out, size_t cap,
                   size_t *out_len) {
    struct writer w = {.out = out, .cap = cap};
    put_u16(&w, message->type);
    put_u16(&w, WIRE_VERSION);
    for (unsigned i = 0; i < message->field_count; i++) {
        put_field(&w, &message->field[i], record);
    }
    if (w.full) {
        return sk_fail(SK_E_LIMIT);
    }
    *out_len = w.len;
    return sk_ok();
}

static bool take_text(struct sk_cursor *c, const struct wire_field *f, const char **out_text) {
    uint16_t len = sk_cursor_u16le(c);
    if (len == TEXT_NULL) {
        *out_text = NULL;
        return f->kind == WIRE_TEXT_OPT;
    }
    const uint8_t *p = sk_cursor_take(c, (size_t)len + 1);
    if (p == NULL || len > f->max || memchr(p, 0, (size_t)len + 1) != p + len) {
        return false;
    }
    *out_text = (const char *)p;
    return true;
}

static bool take_field(struct sk_cursor *c, const struct wire_field *f, void *record) {
    uint8_t *at = (uint8_t *)record + f->offset;
    if (f->kind == WIRE_U32) {
        uint32_t v = sk_cursor_u32le(c);
        memcpy(at, &v, sizeof(v));
        return f->max == 0 || v <= f->max;
    }
    if (f->kind == WIRE_U64) {
        uint64_t v = sk_cursor_u64le(c);
        memcpy(at, &v, sizeof(v));
        return f->max == 0 || v <= f->max;
    }
    if (f->kind == WIRE_BYTES) {
        struct sk_bytes bytes = {NULL, sk_cursor_u16le(c)};
        bytes.ptr = sk_cursor_take(c, bytes.len);
        memcpy(at, &bytes, sizeof(bytes));
        return bytes.ptr != NULL && bytes.len <= f->max;
    }
    const char *text = NULL;
    bool ok = take_text(c, f, &text);
    memcpy(at, &text, sizeof(text));
    return ok;
}

sk_err wire_decode(const struct wire_table *table, const struct wire_peer *peer,
                   struct wire_input *input, uint16_t *out_type, void *out_record) {
    struct sk_cursor c = sk_cursor_of(input->bytes);
    uint16_t type = sk_cursor_u16le(&c);
    uint16_t version = sk_cursor_u16le(&c);
    if (!sk_cursor_ok(&c) || version != WIRE_VERSION) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct wire_message *m = wire_find(table, type);
    if (m == NULL || (m->senders & peer->sender) == 0 || (m->states & peer->state) == 0 ||
        (m->carries_fd && input->fds == 0)) {
        return sk_fail(SK_E_PERM);
    }
    for (unsigned i = 0; i < m->field_count; i++) {
        if (!take_field(&c, &m->field[i], out_record)) {
            return sk_fail(SK_E_FORMAT);
        }
    }
    if (!sk_cursor_ok(&c)) {
        return sk_fail(SK_E_FORMAT);
    }
    size_t left = sk_cursor_left(&c);
    unsigned fds = input->fds - (m->carries_fd ? 1 : 0);
    if (left == 0 && fds > 0) {
        return sk_fail(SK_E_PERM);
    }
    input->bytes = (struct sk_bytes){input->bytes.ptr + (input->bytes.len - left), left};
    input->fds = fds;
    *out_type = type;
    return sk_ok();
}
