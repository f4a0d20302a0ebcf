// SPDX-License-Identifier: Apache-2.0
/*
 *     matcher asks --> decode (codec/image.h) --rows--> norm/image_hash.h --> 64 bits
 *
 * Which layers: seen with clamscan 1.4.6, those typed GIF, PNG, JPEG, TIFF or (BMP) GRAPHICS, and
 * none with --scan-image=no or --scan-image-fuzzy-hash=no. A picture is decoded only when a
 * signature hangs on it, once, in time that counts against the scan's.
 */
#include "engine/picture.h"
#include "engine/switches.h"

#include "codec/image.h"
#include "norm/image_hash.h"

struct making {
    struct picture_ask *ask;
    struct image_hash hash;
    unsigned rows;
};

#define ROWS_A_TICK 16u

bool picture_has_hash(const struct sk_scanner *sc, const struct layer *layer) {
    switch (layer->type) {
    case SK_TYPE_GIF:
    case SK_TYPE_PNG:
    case SK_TYPE_JPEG:
    case SK_TYPE_TIFF:
    case SK_TYPE_GRAPHICS:
        return !sc->off[layer->type] && (sc->engine->without & WITHOUT_IMAGE_HASHES) == 0 &&
               (sc->options.parts_off & SK_PART_IMAGE_HASH) == 0;
    default:
        return false;
    }
}

static sk_err on_size(void *ctx, uint32_t width, uint32_t height) {
    struct making *m = ctx;
    return image_hash_begin(&m->hash, width, height);
}

static sk_err on_tick(void *ctx) {
    struct making *m = ctx;
    if (m->rows++ % ROWS_A_TICK != 0) {
        return sk_ok();
    }
    return scan_time_left(m->ask->sc, m->ask->layer) ? sk_ok() : sk_fail(SK_E_STOP);
}

static sk_err on_row(void *ctx, const uint8_t *rgb) {
    struct making *m = ctx;
    image_hash_row(&m->hash, rgb);
    return on_tick(ctx);
}

bool picture_hash(void *ctx, uint64_t *out_hash) {
    struct making m = {.ask = ctx};
    struct layer *layer = m.ask->layer;
    if (layer->picture == LAYER_PICTURE_UNKNOWN) {
        struct image_sink sink = {on_size, on_row, on_tick, &m};
        sk_err err = image_decode(&layer->src, &sink);
        layer->picture = sk_failed(err) ? LAYER_PICTURE_NONE : LAYER_PICTURE_HASHED;
        layer->picture_hash = sk_failed(err) ? 0 : image_hash_end(&m.hash);
        image_hash_release(&m.hash);
        /* What cannot be decoded has no hash for ClamAV either; a limit of ours is another thing.
         */
        if (err.code != SK_E_FORMAT && err.code != SK_E_UNSUPPORTED) {
            scan_note_error(m.ask->sc, layer, err);
        }
    }
    *out_hash = layer->picture_hash;
    return layer->picture == LAYER_PICTURE_HASHED;
}
