// SPDX-License-Identifier: Apache-2.0
/*
 * One pass over a layer gives its three digests, and hands out its bytes when they are wanted: a
 * second pass, so that the digests come first and whoever writes files knows what they are called.
 *
 * Only `sekisho inspect` observes; a scan pays one test of a pointer per call.
 */
#include "engine/observe.h"

#include <string.h>

typedef uint8_t digests[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX];

static sk_err digest_all(struct sk_scanner *sc, struct sk_source *src, digests out) {
    TRY(digester_begin(sc->digester, CRYPTO_MASK(CRYPTO_MD5) | CRYPTO_MASK(CRYPTO_SHA1) |
                                         CRYPTO_MASK(CRYPTO_SHA256)));
    for (uint64_t off = 0; off < src->size;) {
        size_t avail;
        const uint8_t *p = sk_source_at(src, off, 1, &avail);
        if (p == NULL) {
            return sk_failed(src->failed) ? src->failed : sk_fail(SK_E_IO);
        }
        TRY(digester_update(sc->digester, p, avail));
        off += avail;
    }
    return digester_end(sc->digester, out);
}

static void hand_out(const struct sk_observer *o, uint64_t id, struct sk_source *src) {
    for (uint64_t off = 0; off < src->size;) {
        size_t avail;
        const uint8_t *p = sk_source_at(src, off, 1, &avail);
        if (p == NULL) {
            return;
        }
        o->bytes(o->ctx, id, p, avail);
        off += avail;
    }
}

static void tell(struct sk_scanner *sc, struct sk_layer_seen *seen, struct sk_source *src) {
    const struct sk_observer *o = sc->options.observer;
    digests digest;
    seen->size = src->size;
    seen->opened = !sk_failed(digest_all(sc, src, digest));
    if (seen->opened) {
        memcpy(seen->md5, digest[CRYPTO_MD5], sizeof(seen->md5));
        memcpy(seen->sha1, digest[CRYPTO_SHA1], sizeof(seen->sha1));
        memcpy(seen->sha256, digest[CRYPTO_SHA256], sizeof(seen->sha256));
    }
    o->layer(o->ctx, seen);
    if (seen->opened && o->want_bytes != 0 && o->bytes != NULL) {
        hand_out(o, seen->id, src);
    }
}

static struct sk_layer_seen seen_of(const struct layer *layer) {
    return (struct sk_layer_seen){.id = layer->id,
                                  .parent = layer->parent == NULL ? 0 : layer->parent->id,
                                  .name = layer->name_len > 0 ? layer->name : "",
                                  .name_len = layer->name_len,
                                  .type = sk_type_word(layer->type)};
}

void observe_layer(struct sk_scanner *sc, struct layer *layer) {
    if (sc->options.observer != NULL) {
        struct sk_layer_seen seen = seen_of(layer);
        tell(sc, &seen, &layer->src);
    }
}

void observe_unopened(struct sk_scanner *sc, struct layer *layer, uint64_t size) {
    if (sc->options.observer != NULL) {
        struct sk_layer_seen seen = seen_of(layer);
        seen.size = size;
        sc->options.observer->layer(sc->options.observer->ctx, &seen);
    }
}

void observe_view(struct sk_scanner *sc, struct layer *layer, enum sk_target target,
                  struct sk_source *src) {
    if (sc->options.observer == NULL) {
        return;
    }
    struct sk_layer_seen seen = {.id = ++sc->layer_ids,
                                 .parent = layer->id,
                                 .view = 1,
                                 .name = "",
                                 .type = sk_target_word(target)};
    tell(sc, &seen, src);
}

void observe_fact(struct sk_scanner *sc, struct layer *layer, enum sk_fact fact,
                  struct sk_bytes value) {
    const struct sk_observer *o = sc->options.observer;
    if (o != NULL && o->fact != NULL) {
        struct sk_fact_seen seen = {layer->id, sk_fact_word(fact), (const char *)value.ptr,
                                    value.ptr == NULL ? 0 : value.len};
        o->fact(o->ctx, &seen);
    }
}

void observe_note(struct sk_scanner *sc, struct layer *layer, const struct sk_note_entry *note) {
    const struct sk_observer *o = sc->options.observer;
    if (o != NULL && o->note != NULL) {
        o->note(o->ctx, layer == NULL ? 0 : layer->id, note);
    }
}

void observe_type(struct sk_scanner *sc, struct layer *layer) {
    const struct sk_observer *o = sc->options.observer;
    if (o != NULL && o->retyped != NULL) {
        o->retyped(o->ctx, layer->id, sk_type_word(layer->type));
    }
}
