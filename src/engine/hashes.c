// SPDX-License-Identifier: Apache-2.0
/*
 *   size --gate of every segment, algorithm--> mask --one pass--> digests --> lookup --> finding
 *
 * The gate answers "no" for nearly every size, and then nothing is read. When it answers "yes" for
 * two algorithms, one pass feeds both. Allow-lists are asked only when something was found, for the
 * layers from there up to the object; the answer is kept with the layer, because many signatures
 * may match in one.
 *
 * Digests can be put off and taken for many objects side by side (owed.h).
 *
 * A digest decides nothing alone: records state a size, and hs_lookup compares it (SIZE_ANY aside).
 */
#include "engine/hashes.h"

#include "engine/authenticode.h"
#include "engine/owed.h"
#include "engine/switches.h"

_Static_assert((int)HS_MD5 == (int)CRYPTO_MD5 && (int)HS_SHA1 == (int)CRYPTO_SHA1 &&
                   (int)HS_SHA256 == (int)CRYPTO_SHA256,
               "one order of algorithms");

#define SMALL_BYTES ((size_t)32 << 10) /* a source has so many in one piece */

typedef uint8_t digests[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX];

/* Which algorithms does any segment want for an object of this size? */
static unsigned wanted(struct sk_scanner *sc, enum hs_role role, uint64_t size) {
    unsigned mask = 0;
    for (unsigned i = 0; i < sc->engine->segment_count; i++) {
        for (unsigned algo = 0; algo < HS_ALGO_COUNT; algo++) {
            const struct hs_set *set = image_hashes(sc->engine->image[i], (enum hs_algo)algo, role);
            if (set->record_count > 0 && hs_gate(set, size)) {
                mask |= CRYPTO_MASK(algo);
            }
        }
    }
    sc->stats.gate_tests++;
    sc->stats.gate_passes += mask != 0;
    return mask;
}

/* Without libcrypto, which a lean worker has not loaded. */
static sk_err digest_small(const struct owed_ask *ask, digests out) {
    size_t len = (size_t)ask->len, avail = 0;
    const uint8_t *bytes =
        len == 0 ? (const uint8_t *)"" : sk_source_at(ask->src, ask->off, len, &avail);
    if (bytes == NULL || avail < len) {
        return sk_failed(ask->src->failed) ? ask->src->failed : sk_fail(SK_E_IO);
    }
    for (unsigned algo = 0; algo < HS_ALGO_COUNT; algo++) {
        if ((ask->mask & CRYPTO_MASK(algo)) != 0) {
            TRY(crypto_digest((enum crypto_algo)algo, bytes, len, out[algo]));
        }
    }
    return sk_ok();
}

static sk_err digest_now(struct sk_scanner *sc, const struct owed_ask *ask, digests out) {
    if (ask->len <= SMALL_BYTES) {
        sc->stats.hashed_bytes += ask->len;
        return digest_small(ask, out);
    }
    TRY(digester_begin(sc->digester, ask->mask));
    uint64_t end = ask->off + ask->len;
    for (uint64_t off = ask->off; off < end;) {
        size_t avail;
        const uint8_t *p = sk_source_at(ask->src, off, 1, &avail);
        if (p == NULL) {
            return sk_failed(ask->src->failed) ? ask->src->failed : sk_fail(SK_E_IO);
        }
        if (avail > end - off) {
            avail = (size_t)(end - off);
        }
        TRY(digester_update(sc->digester, p, avail));
        off += avail;
    }
    sc->stats.hashed_bytes += ask->len;
    return digester_end(sc->digester, out);
}

struct found_ctx {
    const struct sk_engine *engine;
    struct sk_scanner *sc;
    struct layer *layer;
    struct verdict_hit hit;
    unsigned count;
};

static bool on_found(void *ctx, uint32_t name) {
    struct found_ctx *f = ctx;
    f->count++;
    if (f->layer != NULL) {
        f->hit.name = name;
        verdict_find(f->sc, f->layer, &f->hit);
    }
    return true;
}

/* Ask every segment; f->layer NULL: only count. */
static void lookup(struct found_ctx *f, enum hs_role role, uint64_t size, unsigned mask,
                   const digests digest) {
    const struct sk_engine *engine = f->engine;
    for (unsigned i = 0; i < engine->segment_count; i++) {
        for (unsigned algo = 0; algo < HS_ALGO_COUNT; algo++) {
            const struct hs_set *set = image_hashes(engine->image[i], (enum hs_algo)algo, role);
            if ((mask & CRYPTO_MASK(algo)) != 0 && set->record_count > 0) {
                f->hit.image = engine->image[i];
                hs_lookup(set, digest[algo], size, on_found, f);
            }
        }
    }
}

bool hashes_known(const struct sk_scanner *sc, enum hs_role role, const struct lanes_job *job) {
    struct found_ctx f = {sc->engine, NULL, NULL, {0}, 0};
    lookup(&f, role, job->size, job->mask, job->digest);
    return f.count > 0;
}

/* The digests of these bytes, later or now; hit: how to tell of one that is known. */
static sk_err seek(struct sk_scanner *sc, struct layer *layer, const struct owed_ask *ask,
                   const struct verdict_hit *hit) {
    if (ask->mask == 0 || owed_put(sc, layer, ask)) {
        return sk_ok();
    }
    digests digest;
    TRY(digest_now(sc, ask, digest));
    struct found_ctx f = {sc->engine, sc, layer, *hit, 0};
    lookup(&f, ask->role, ask->len, ask->mask, digest);
    return sk_ok();
}

/* All of a source. */
static struct owed_ask whole(struct sk_scanner *sc, struct sk_source *src, enum hs_role role) {
    return (struct owed_ask){
        .src = src, .len = src->size, .role = role, .mask = wanted(sc, role, src->size)};
}

sk_err hashes_file(struct sk_scanner *sc, struct layer *layer) {
    struct owed_ask ask = whole(sc, &layer->src, HS_FILE);
    return seek(sc, layer, &ask, &(struct verdict_hit){.offset = UINT64_MAX, .rank = RANK_HASH});
}

sk_err hashes_view(struct sk_scanner *sc, struct layer *layer, struct sk_source *src,
                   unsigned rank) {
    struct owed_ask ask = whole(sc, src, HS_FILE);
    return seek(sc, layer, &ask,
                &(struct verdict_hit){.offset = UINT64_MAX, .rank = rank + RANK_HASH});
}

static sk_err hash_section(struct sk_scanner *sc, struct layer *layer,
                           const struct sk_exe_section *section, uint64_t *left) {
    if (section->size == 0 || section->off > layer->src.size ||
        section->size > layer->src.size - section->off) {
        return sk_ok();
    }
    unsigned mask = wanted(sc, HS_SECTION, section->size);
    if (mask == 0) {
        return sk_ok();
    }
    if (section->size > *left) {
        return sk_fail(SK_E_LIMIT);
    }
    *left -= section->size;
    struct owed_ask ask = {&layer->src, section->off, section->size, HS_SECTION, mask};
    return seek(sc, layer, &ask,
                &(struct verdict_hit){.offset = section->off, .rank = RANK_SECTION});
}

sk_err hashes_exe(struct sk_scanner *sc, struct layer *layer, const struct sk_exe *exe) {
    uint64_t left = layer->src.size * HASHES_SECTION_FACTOR;
    if (exe->section_hashes_alert && (sc->engine->without & WITHOUT_SECTION_HASHES) == 0) {
        for (uint32_t i = 0; i < exe->section_count; i++) {
            TRY(hash_section(sc, layer, &exe->section[i], &left));
        }
    }
    if (exe->imports == NULL || exe->imports_len == 0 ||
        (sc->engine->without & WITHOUT_IMPORT_HASHES) != 0) {
        return sk_ok();
    }
    struct sk_source src;
    sk_source_init_mem(&src, exe->imports, exe->imports_len);
    struct owed_ask ask = whole(sc, &src, HS_IMPORTS);
    return seek(sc, layer, &ask, &(struct verdict_hit){.offset = UINT64_MAX, .rank = RANK_IMPORTS});
}

static bool is_listed(struct sk_scanner *sc, struct layer *layer) {
    struct owed_ask ask = whole(sc, &layer->src, HS_ALLOW);
    digests digest;
    if (ask.mask == 0 || sk_failed(digest_now(sc, &ask, digest))) {
        return false;
    }
    struct found_ctx f = {sc->engine, sc, NULL, {0}, 0};
    lookup(&f, HS_ALLOW, ask.len, ask.mask, digest);
    return f.count > 0;
}

bool hashes_allow(struct sk_scanner *sc, struct layer *layer) {
    if (layer->allowed != LAYER_ALLOWED_UNKNOWN) {
        return layer->allowed == LAYER_ALLOWED_YES;
    }
    if (!layer->open) {
        return false;
    }
    bool allowed = is_listed(sc, layer) || authenticode_trusts(sc, layer);
    layer->allowed = allowed ? LAYER_ALLOWED_YES : LAYER_ALLOWED_NO;
    return allowed;
}
