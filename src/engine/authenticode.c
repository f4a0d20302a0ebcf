// SPDX-License-Identifier: Apache-2.0
/*
 *     certificate table --> crypto/signed.h --> certificates
 *         one of them is blocked (subject, modulus, serial if stated)  --> finding
 *         chain up to a trusted one, signature holds, file fits        --> the layer is allowed
 *
 * Seen with clamscan 1.4.6 and osslsigncode (tests/differential/diff_authenticode.py):
 *   - The table ends where the file ends; revision 2.0, type PKCS#7. Else nothing is looked at.
 *   - A blocked certificate is told by its bare name, even if the signature does not hold, before
 *     everything else found in the program. It takes away trust. Allow-lists clear it.
 *   - Trust: a rule for a certificate inside (all of subject, modulus, serial if stated), or a rule
 *     for its issuer (subject alone; the key proves it), up to any number of steps. Uses count on
 *     the whole way: the signer needs CodeSign of itself and of everybody above, issuers CertSign.
 *   - The signer's certificate is valid now, or when the countersignature (PKCS#9) was made by a
 *     certificate that is trusted for TimeSign. Issuers may have expired. RFC 3161 stamps do not
 *     count.
 *   - What is allowed is the layer and all inside it, not a container around it: exactly what an
 *     allow-list does (hashes_allow), which is where trust is asked.
 *   - A program that a security catalogue (cat) lists by its digest, SHA-1 or SHA-256, is allowed
 *     as if it carried the catalogue's signature: the same rules, nothing blocked among the
 *     catalogue's certificates. One with a certificate table of its own is not asked about.
 * Stricter on purpose: crypto/signed.c says where.
 *
 * A chain is found by rounds: who is signed by somebody trusted is trusted in the next round; at
 * most as many rounds as certificates.
 */
#include "engine/authenticode.h"
#include "engine/switches.h"

#include <string.h>

#include "crypto/signed.h"
#include "os/clock.h"

#define WIN_CERTIFICATE_BYTES 8u
#define WIN_REVISION 0x0200u
#define WIN_TYPE_PKCS7 2u

/* Uses of a certificate: RULE_CERT_CODE, _TIME, _CERT; 0: not trusted. */
struct chain {
    const struct sk_engine *engine;
    struct crypto_signed *s;
    uint8_t uses[CRYPTO_SIGNED_CERTS_MAX];
};

/* ---- rules --------------------------------------------------------------------------------- */

typedef bool (*rule_fn)(void *ctx, const struct image *image, const struct rule_cert *rule,
                        struct sk_bytes modulus);

/* Until one is answered with true. */
static bool any_rule(const struct sk_engine *engine, rule_fn seen, void *ctx) {
    for (unsigned i = 0; i < engine->segment_count; i++) {
        const struct rules *rules = image_rules(engine->image[i]);
        for (uint32_t k = 0; k < rules->cert_count; k++) {
            const struct rule_cert *rule = &rules->cert[k];
            struct sk_bytes modulus = {(const uint8_t *)rules->text + rule->modulus,
                                       rule->modulus_len};
            if (seen(ctx, engine->image[i], rule, modulus)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_it(const struct crypto_cert *cert, const struct rule_cert *rule,
                  struct sk_bytes modulus) {
    return memcmp(cert->subject, rule->subject, sizeof(rule->subject)) == 0 &&
           cert->modulus.len == modulus.len &&
           memcmp(cert->modulus.ptr, modulus.ptr, modulus.len) == 0 &&
           ((rule->flags & RULE_CERT_SERIAL) == 0 ||
            memcmp(cert->serial, rule->serial, sizeof(rule->serial)) == 0);
}

/* ---- reading ------------------------------------------------------------------------------- */

static sk_err open_signature(struct layer *layer, struct crypto_signed **out_signed) {
    size_t len = (size_t)layer->cert_len - WIN_CERTIFICATE_BYTES;
    uint8_t *der = mem_alloc(len);
    size_t got = 0;
    if (der == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err =
        sk_source_read(&layer->src, layer->cert_off + WIN_CERTIFICATE_BYTES, der, len, &got);
    if (!sk_failed(err)) {
        err = got < len ? sk_fail(SK_E_IO)
                        : crypto_signed_open((struct sk_bytes){der, len}, out_signed);
    }
    mem_free(der);
    return err;
}

/* ---- blocked ------------------------------------------------------------------------------- */

struct blocking {
    struct sk_scanner *sc;
    struct layer *layer;
    const struct crypto_cert *cert;
};

static bool tell_blocked(void *ctx, const struct image *image, const struct rule_cert *rule,
                         struct sk_bytes modulus) {
    static const char tail[] = ".UNOFFICIAL";
    struct blocking *b = ctx;
    if ((rule->flags & RULE_CERT_TRUSTED) != 0 || !is_it(b->cert, rule, modulus)) {
        return false;
    }
    struct buf name = {0};
    struct verdict_hit hit = {.image = image,
                              .name = rule->name,
                              .offset = b->layer->cert_off,
                              .rank = RANK_PLAIN,
                              .early = true};
    b->layer->cert_blocked = true;
    if (!sk_failed(image_name(image, rule->name, &name))) {
        size_t cut = sizeof(tail) - 1;
        if (name.len > cut && memcmp(name.data + name.len - cut, tail, cut) == 0) {
            name.data[name.len - cut] = '\0';
        }
        hit.text = buf_text(&name);
    }
    verdict_find(b->sc, b->layer, &hit);
    buf_release(&name);
    return false;
}

static bool has_rule(void *ctx, const struct image *image, const struct rule_cert *rule,
                     struct sk_bytes modulus) {
    (void)ctx;
    (void)image;
    (void)rule;
    (void)modulus;
    return true;
}

static bool blocks(void *ctx, const struct image *image, const struct rule_cert *rule,
                   struct sk_bytes modulus) {
    (void)ctx;
    (void)image;
    (void)modulus;
    return (rule->flags & RULE_CERT_TRUSTED) == 0;
}

static bool has_catalogues(const struct sk_engine *engine) {
    for (unsigned i = 0; i < engine->segment_count; i++) {
        if (image_rules(engine->image[i])->catalogue_count > 0) {
            return true;
        }
    }
    return false;
}

/* Remembers what a catalogue would be asked about. */
static void keep_program(struct sk_scanner *sc, struct layer *layer, const struct sk_exe *exe) {
    if (exe->cert_dir_off == 0 || exe->cert_len > 0 ||
        (sc->options.parts_off & SK_PART_CERTIFICATES) != 0 ||
        (sc->engine->without & WITHOUT_CERTIFICATES) != 0 || !has_catalogues(sc->engine)) {
        return;
    }
    layer->checksum_off = exe->checksum_off;
    layer->cert_dir_off = exe->cert_dir_off;
    layer->listed_end = layer->src.size;
}

void authenticode_look(struct sk_scanner *sc, struct layer *layer, const struct sk_exe *exe) {
    keep_program(sc, layer, exe);
    if (exe->cert_len <= WIN_CERTIFICATE_BYTES || exe->cert_off > layer->src.size ||
        exe->cert_len != layer->src.size - exe->cert_off ||
        (sc->options.parts_off & SK_PART_CERTIFICATES) != 0 ||
        (sc->engine->without & WITHOUT_CERTIFICATES) != 0 ||
        !any_rule(sc->engine, has_rule, NULL)) {
        return;
    }
    if (exe->cert_len > CRYPTO_SIGNED_MAX_BYTES) { /* padding must not hide a blocked signer */
        if (any_rule(sc->engine, blocks, NULL)) {
            verdict_note(sc, layer, SK_NOTE_LIMIT_MEMORY, "certificate table");
        }
        return;
    }
    struct sk_cursor c = sk_source_cursor(&layer->src, exe->cert_off, WIN_CERTIFICATE_BYTES);
    sk_cursor_skip(&c, 4);
    if (sk_cursor_u16le(&c) != WIN_REVISION || sk_cursor_u16le(&c) != WIN_TYPE_PKCS7 ||
        !sk_cursor_ok(&c)) {
        return;
    }
    layer->cert_off = exe->cert_off;
    layer->cert_len = exe->cert_len;
    layer->checksum_off = exe->checksum_off;
    layer->cert_dir_off = exe->cert_dir_off;
    struct crypto_signed *s = NULL;
    sk_err err = open_signature(layer, &s);
    if (err.code !=
        SK_E_FORMAT) { /* what is no signature blocks nothing, what was not read might */
        scan_note_error(sc, layer, err);
    }
    for (uint32_t i = 0; s != NULL && i < crypto_signed_cert_count(s); i++) {
        struct blocking b = {sc, layer, crypto_signed_cert(s, i)};
        any_rule(sc->engine, tell_blocked, &b);
    }
    crypto_signed_close(s);
}

/* ---- trusted ------------------------------------------------------------------------------- */

static uint8_t own_uses(const struct crypto_cert *c) {
    return (uint8_t)((c->code_sign ? RULE_CERT_CODE : 0) | (c->time_sign ? RULE_CERT_TIME : 0) |
                     (c->cert_sign ? RULE_CERT_CERT : 0));
}

struct asking {
    struct chain *chain;
    uint32_t cert;
};

static bool rule_vouches(void *ctx, const struct image *image, const struct rule_cert *rule,
                         struct sk_bytes modulus) {
    struct asking *a = ctx;
    const struct crypto_cert *c = crypto_signed_cert(a->chain->s, a->cert);
    (void)image;
    if ((rule->flags & RULE_CERT_TRUSTED) == 0) {
        return false;
    }
    if (is_it(c, rule, modulus)) {
        a->chain->uses[a->cert] = rule->flags & RULE_CERT_USES;
        return true;
    }
    if ((rule->flags & RULE_CERT_CERT) == 0 ||
        memcmp(c->issuer, rule->subject, sizeof(rule->subject)) != 0 ||
        !crypto_signed_issued(a->chain->s, a->cert, modulus)) {
        return false;
    }
    a->chain->uses[a->cert] = own_uses(c) & rule->flags;
    return true;
}

static void vouch(struct chain *ch, uint32_t cert) {
    const struct crypto_cert *c = crypto_signed_cert(ch->s, cert);
    struct asking a = {ch, cert};
    if (any_rule(ch->engine, rule_vouches, &a)) {
        return;
    }
    for (uint32_t i = 0; i < crypto_signed_cert_count(ch->s); i++) {
        const struct crypto_cert *issuer = crypto_signed_cert(ch->s, i);
        if (i != cert && (ch->uses[i] & RULE_CERT_CERT) != 0 &&
            memcmp(c->issuer, issuer->subject, sizeof(issuer->subject)) == 0 &&
            crypto_signed_issued(ch->s, cert, issuer->modulus)) {
            ch->uses[cert] = own_uses(c) & ch->uses[i];
            return;
        }
    }
}

static void build_chain(struct chain *ch) {
    uint32_t count = crypto_signed_cert_count(ch->s);
    bool again = true;
    for (uint32_t round = 0; round < count && again; round++) {
        again = false;
        for (uint32_t i = 0; i < count; i++) {
            if (ch->uses[i] == 0) {
                vouch(ch, i);
                again = again || ch->uses[i] != 0;
            }
        }
    }
}

static bool is_valid_at(const struct crypto_cert *c, int64_t time) {
    return time >= c->not_before && time <= c->not_after;
}

static bool signer_is_trusted(const struct chain *ch) {
    uint32_t signer = crypto_signed_signer(ch->s), stamper;
    int64_t when = clock_wall_seconds();
    if (signer == CRYPTO_NO_CERT || (ch->uses[signer] & RULE_CERT_CODE) == 0) {
        return false;
    }
    if (crypto_signed_stamp(ch->s, &stamper, &when) &&
        ((ch->uses[stamper] & RULE_CERT_TIME) == 0 ||
         !is_valid_at(crypto_signed_cert(ch->s, stamper), when))) {
        when = clock_wall_seconds();
    }
    return is_valid_at(crypto_signed_cert(ch->s, signer), when);
}

/* ---- the bytes that count ------------------------------------------------------------------ */

typedef sk_err (*bytes_fn)(void *to, const void *bytes, size_t len);

static bool give_range(struct sk_source *src, uint64_t off, uint64_t end, bytes_fn give, void *to) {
    while (off < end) {
        size_t avail = 0;
        const uint8_t *p = sk_source_at(src, off, 1, &avail);
        if (p == NULL) {
            return false;
        }
        avail = avail > end - off ? (size_t)(end - off) : avail;
        if (sk_failed(give(to, p, avail))) {
            return false;
        }
        off += avail;
    }
    return true;
}

/* All up to `end` but the checksum and the directory entry of the certificate table. False: they do
 * not stand in that order, or could not be read. */
static bool give_program(struct layer *layer, uint64_t end, bytes_fn give, void *to) {
    struct sk_source *src = &layer->src;
    return layer->checksum_off + 4 <= layer->cert_dir_off && layer->cert_dir_off + 8 <= end &&
           give_range(src, 0, layer->checksum_off, give, to) &&
           give_range(src, layer->checksum_off + 4, layer->cert_dir_off, give, to) &&
           give_range(src, layer->cert_dir_off + 8, end, give, to);
}

static sk_err to_signed(void *to, const void *bytes, size_t len) {
    return crypto_signed_feed(to, bytes, len);
}

static sk_err to_digester(void *to, const void *bytes, size_t len) {
    return digester_update(to, bytes, len);
}

static bool file_fits(struct crypto_signed *s, struct layer *layer) {
    return give_program(layer, layer->cert_off, to_signed, s) && crypto_signed_fits(s);
}

static bool own_signature_trusts(struct sk_scanner *sc, struct layer *layer) {
    if (layer->cert_len == 0) {
        return false;
    }
    struct chain ch = {.engine = sc->engine};
    if (sk_failed(open_signature(layer, &ch.s))) {
        return false;
    }
    build_chain(&ch);
    bool trusted = signer_is_trusted(&ch) && crypto_signed_holds(ch.s) && file_fits(ch.s, layer);
    crypto_signed_close(ch.s);
    return trusted;
}

/* ---- catalogues ---------------------------------------------------------------------------- */

/* SHA-1 and SHA-256 of a program as the lists have them. False: it could not be read. */
static bool digest_program(struct layer *layer, uint8_t out[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX]) {
    struct digester *d = NULL;
    if (sk_failed(digester_new(&d))) {
        return false;
    }
    unsigned mask = CRYPTO_MASK(CRYPTO_SHA1) | CRYPTO_MASK(CRYPTO_SHA256);
    bool good = !sk_failed(digester_begin(d, mask)) &&
                give_program(layer, layer->listed_end, to_digester, d) &&
                !sk_failed(digester_end(d, out));
    digester_free(d);
    return good;
}

struct blocked_ask {
    const struct crypto_cert *cert;
};

static bool is_blocked(void *ctx, const struct image *image, const struct rule_cert *rule,
                       struct sk_bytes modulus) {
    const struct blocked_ask *ask = ctx;
    (void)image;
    return (rule->flags & RULE_CERT_TRUSTED) == 0 && is_it(ask->cert, rule, modulus);
}

static bool catalogue_is_trusted(const struct sk_engine *engine, const struct rules *rules,
                                 uint32_t catalogue) {
    const struct rule_catalogue *row = &rules->catalogue[catalogue];
    struct sk_bytes der = {(const uint8_t *)rules->text + row->text, row->len};
    struct chain ch = {.engine = engine};
    if (sk_failed(crypto_signed_open_list(der, &ch.s))) {
        return false;
    }
    build_chain(&ch);
    bool trusted = signer_is_trusted(&ch) && crypto_signed_holds(ch.s);
    for (uint32_t i = 0; trusted && i < crypto_signed_cert_count(ch.s); i++) {
        struct blocked_ask ask = {crypto_signed_cert(ch.s, i)};
        trusted = !any_rule(engine, is_blocked, &ask);
    }
    crypto_signed_close(ch.s);
    return trusted;
}

/* Is it on a list whose signer is trusted? */
static bool lists_trust(const struct sk_engine *engine, const uint8_t *digest, uint32_t len) {
    uint8_t key[RULE_LISTED_BYTES] = {0};
    memcpy(key, digest, len);
    for (unsigned s = 0; s < engine->segment_count; s++) {
        const struct rules *rules = image_rules(engine->image[s]);
        uint32_t low = 0, high = rules->listed_count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            bool less = memcmp(rules->listed[middle].digest, key, sizeof(key)) < 0;
            low = less ? middle + 1 : low;
            high = less ? high : middle;
        }
        for (;
             low < rules->listed_count && memcmp(rules->listed[low].digest, key, sizeof(key)) == 0;
             low++) {
            if (rules->listed[low].len == len &&
                catalogue_is_trusted(engine, rules, rules->listed[low].catalogue)) {
                return true;
            }
        }
    }
    return false;
}

static bool catalogue_trusts(struct sk_scanner *sc, struct layer *layer) {
    uint8_t digest[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX];
    return layer->listed_end > 0 && digest_program(layer, digest) &&
           (lists_trust(sc->engine, digest[CRYPTO_SHA1], 20) ||
            lists_trust(sc->engine, digest[CRYPTO_SHA256], RULE_LISTED_BYTES));
}

bool authenticode_trusts(struct sk_scanner *sc, struct layer *layer) {
    return !layer->cert_blocked && (own_signature_trusts(sc, layer) || catalogue_trusts(sc, layer));
}
