// SPDX-License-Identifier: Apache-2.0
/*
 * Both ends of the relay. A worker may be hostile: the parent checks shapes here (digests of full
 * length, nothing from a worker that was not asked to tell), and whoever observes bounds how much
 * it keeps.
 */
#include "pool/relay.h"

#include <string.h>

#define MD5_AT 0u
#define SHA1_AT 16u
#define SHA256_AT 36u
#define DIGESTS_LEN 68u

/* ---- in the worker ------------------------------------------------------------------------ */

static void send_message(struct relay *relay, enum scan_message type, const void *record) {
    relay->failed = relay->failed || !relay->send(relay->ctx, type, record);
}

static void on_layer(void *ctx, const struct sk_layer_seen *layer) {
    struct relay *relay = ctx;
    if (!relay->on) {
        return;
    }
    uint8_t digests[DIGESTS_LEN];
    memcpy(digests + MD5_AT, layer->md5, sizeof(layer->md5));
    memcpy(digests + SHA1_AT, layer->sha1, sizeof(layer->sha1));
    memcpy(digests + SHA256_AT, layer->sha256, sizeof(layer->sha256));
    struct scan_layer m = {.id = relay->id,
                           .layer = layer->id,
                           .parent = layer->parent,
                           .size = layer->size,
                           .opened = layer->opened != 0,
                           .view = layer->view != 0,
                           .name = {(const uint8_t *)layer->name, layer->name_len},
                           .type = layer->type,
                           .digests = {digests, sizeof(digests)}};
    send_message(relay, SCAN_LAYER, &m);
}

static void on_bytes(void *ctx, uint64_t layer, const void *bytes, size_t len) {
    struct relay *relay = ctx;
    const uint8_t *p = bytes;
    while (relay->on && len > 0 && !relay->failed) {
        size_t n = len < SCAN_BYTES_MAX ? len : SCAN_BYTES_MAX;
        struct scan_bytes m = {relay->id, layer, {p, n}};
        send_message(relay, SCAN_BYTES, &m);
        p += n;
        len -= n;
    }
}

static void on_fact(void *ctx, const struct sk_fact_seen *fact) {
    struct relay *relay = ctx;
    struct scan_fact m = {.id = relay->id,
                          .layer = fact->layer,
                          .has_value = fact->value != NULL,
                          .word = fact->word,
                          .value = {(const uint8_t *)fact->value, fact->value_len}};
    if (relay->on) {
        send_message(relay, SCAN_FACT, &m);
    }
}

static void on_note(void *ctx, uint64_t layer, const struct sk_note_entry *note) {
    struct relay *relay = ctx;
    struct scan_remark m = {.id = relay->id,
                            .layer = layer,
                            .incomplete = note->incomplete != 0,
                            .word = note->word,
                            .text = note->text,
                            .path = note->layer,
                            .detail = note->detail};
    if (relay->on) {
        send_message(relay, SCAN_REMARK, &m);
    }
}

static void on_retyped(void *ctx, uint64_t layer, const char *type) {
    struct relay *relay = ctx;
    struct scan_retyped m = {relay->id, layer, type};
    if (relay->on) {
        send_message(relay, SCAN_RETYPED, &m);
    }
}

void relay_init(struct relay *relay, const struct sk_observer *wanted,
                bool (*send)(void *ctx, enum scan_message type, const void *record), void *ctx) {
    *relay = (struct relay){.observer = {.ctx = relay,
                                         .want_bytes = wanted->want_bytes,
                                         .layer = on_layer,
                                         .bytes = on_bytes,
                                         .fact = on_fact,
                                         .note = on_note,
                                         .retyped = on_retyped},
                            .send = send,
                            .ctx = ctx};
}

/* ---- in the parent ------------------------------------------------------------------------ */

bool relay_object(uint16_t type, const union scan_record *r, uint64_t *out_id) {
    switch (type) {
    case SCAN_LAYER:
        *out_id = r->layer.id;
        return true;
    case SCAN_BYTES:
        *out_id = r->bytes.id;
        return true;
    case SCAN_FACT:
        *out_id = r->fact.id;
        return true;
    case SCAN_REMARK:
        *out_id = r->remark.id;
        return true;
    case SCAN_RETYPED:
        *out_id = r->retyped.id;
        return true;
    default:
        return false;
    }
}

static bool deliver_layer(const struct sk_observer *o, const struct scan_layer *m) {
    if (m->digests.len != DIGESTS_LEN || m->layer == 0 || m->parent >= m->layer) {
        return false;
    }
    struct sk_layer_seen seen = {.id = m->layer,
                                 .parent = m->parent,
                                 .name = (const char *)m->name.ptr,
                                 .name_len = m->name.len,
                                 .type = m->type,
                                 .size = m->size,
                                 .opened = m->opened != 0,
                                 .view = m->view != 0};
    memcpy(seen.md5, m->digests.ptr + MD5_AT, sizeof(seen.md5));
    memcpy(seen.sha1, m->digests.ptr + SHA1_AT, sizeof(seen.sha1));
    memcpy(seen.sha256, m->digests.ptr + SHA256_AT, sizeof(seen.sha256));
    o->layer(o->ctx, &seen);
    return true;
}

bool relay_deliver(const struct sk_observer *observer, uint16_t type, const union scan_record *r) {
    if (observer == NULL) {
        return false;
    }
    if (type == SCAN_LAYER) {
        return deliver_layer(observer, &r->layer);
    }
    if (type == SCAN_BYTES) {
        if (observer->want_bytes == 0) {
            return false;
        }
        observer->bytes(observer->ctx, r->bytes.layer, r->bytes.bytes.ptr, r->bytes.bytes.len);
    } else if (type == SCAN_FACT) {
        struct sk_fact_seen seen = {r->fact.layer, r->fact.word,
                                    r->fact.has_value != 0 ? (const char *)r->fact.value.ptr : NULL,
                                    r->fact.value.len};
        observer->fact(observer->ctx, &seen);
    } else if (type == SCAN_REMARK) {
        struct sk_note_entry note = {.word = r->remark.word,
                                     .text = r->remark.text,
                                     .layer = r->remark.path,
                                     .detail = r->remark.detail,
                                     .incomplete = r->remark.incomplete != 0};
        observer->note(observer->ctx, r->remark.layer, &note);
    } else {
        observer->retyped(observer->ctx, r->retyped.layer, r->retyped.type);
    }
    return true;
}
