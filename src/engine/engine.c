// SPDX-License-Identifier: Apache-2.0
/*
 * The public face that is not a scan: definitions opened, scanners made and freed, results told.
 *
 * An engine holds the mapped definitions and nothing that changes, so one engine serves any number
 * of scanners; forked children share its pages. A scanner holds everything a scan needs (matcher,
 * digester, buffers), made before a sandbox closes: afterwards memory grows by brk and mmap alone.
 *
 * The arena gets a quarter of the memory limit, layer buffers the rest.
 */
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/late.h"
#include "base/mem.h"
#include "engine/known.h"
#include "engine/members.h"
#include "engine/phish.h"
#include "engine/owed.h"
#include "engine/scan.h"
#include "engine/switches.h"

#define MATCH_STEPS ((uint64_t)200 * 1000 * 1000)

void sk_options_init(struct sk_options *out_options) {
    *out_options = (struct sk_options){.limits = {.max_file_size = (uint64_t)100 << 20,
                                                  .max_scan_size = (uint64_t)400 << 20,
                                                  .max_files = 10000,
                                                  .max_recursion = 17,
                                                  .max_scan_time = 120000,
                                                  .max_ratio = 1000,
                                                  .max_memory = (uint64_t)256 << 20,
                                                  .max_html_normalise = (uint64_t)40 << 20},
                                       .spool_fd = -1};
}

/* ---- engine ------------------------------------------------------------------------------- */

struct why {
    char *text;
    size_t len;
};

/* The last error said is the one that counts. */
static void say_why(void *ctx, enum diag_level level, const char *where, uint64_t line,
                    const char *text) {
    struct why *why = ctx;
    if (level != DIAG_ERROR || why->text == NULL || why->len == 0) {
        return;
    }
    if (where != NULL && line > 0) {
        snprintf(why->text, why->len, "%s:%llu: %s", where, (unsigned long long)line, text);
    } else if (where != NULL) {
        snprintf(why->text, why->len, "%s: %s", where, text);
    } else {
        snprintf(why->text, why->len, "%s", text);
    }
}

static void take_segments(struct sk_engine *engine) {
    engine->segment_count = defset_count(engine->set);
    for (unsigned i = 0; i < engine->segment_count; i++) {
        engine->image[i] = defset_image(engine->set, i);
        engine->segment[i] = image_segment(engine->image[i]);
    }
    switches_read(engine);
}

int sk_engine_open(const char *definitions, struct sk_engine **out_engine, char *why,
                   size_t why_len) {
    struct why told = {why, why_len};
    struct diag diag = {.say = say_why, .ctx = &told};
    if (why != NULL && why_len > 0) {
        why[0] = '\0';
    }
    struct sk_engine *engine = mem_zalloc(1, sizeof(*engine));
    if (engine == NULL) {
        return SK_E_NOMEM;
    }
    sk_err err = defset_open(definitions, &diag, &engine->set);
    if (!sk_failed(err) && defset_count(engine->set) > MATCH_SEGMENT_MAX) {
        defset_close(engine->set);
        err = sk_fail(SK_E_LIMIT);
    }
    if (sk_failed(err)) {
        if (why != NULL && why_len > 0 && why[0] == '\0') {
            snprintf(why, why_len, "%s: %s", definitions, sk_err_text(err));
        }
        mem_free(engine);
        return err.code;
    }
    take_segments(engine);
    late_offer(sk_formats_prepare);
    *out_engine = engine;
    return SK_OK;
}

int sk_engine_official_only(struct sk_engine *engine) {
    defset_keep_official(engine->set);
    take_segments(engine);
    return engine->segment_count > 0 ? SK_OK : SK_E_NOTFOUND;
}

void sk_engine_close(struct sk_engine *engine) {
    if (engine != NULL) {
        defset_close(engine->set);
        mem_free(engine);
    }
}

uint64_t sk_engine_signature_count(const struct sk_engine *engine) {
    return defset_signature_count(engine->set);
}

/* ---- scanner ------------------------------------------------------------------------------ */

#define SHA1_MANY 1000u /* of fewer sizes hardly an object has one: then the worker gives way */

/* Digests that our own lanes cannot take, most likely of one of the first objects already. */
static bool hashes_by_library(const struct sk_scanner *sc) {
    bool needed = sc->owed == NULL;
    for (unsigned i = 0; i < sc->engine->segment_count && !needed; i++) {
        needed = image_hashes(sc->engine->image[i], HS_SHA1, HS_FILE)->record_count > SHA1_MANY ||
                 image_hashes(sc->engine->image[i], HS_SHA1, HS_SECTION)->record_count > SHA1_MANY;
    }
    return needed;
}

static sk_err make_parts(struct sk_scanner *sc) {
    for (unsigned i = 0; i < sc->engine->segment_count; i++) {
        image_prefetch(sc->engine->image[i]);
    }
    sk_formats_prepare();
    TRY(digester_new(&sc->digester));
    TRY(members_new(sc->engine, &sc->members));
    TRY(phish_new(sc->engine, &sc->phish));
    TRY(owed_new(&sc->owed));
    if (hashes_by_library(sc)) {
        crypto_prepare();
    }
    if ((sc->options.flags & SK_SCAN_REMEMBER) != 0 && sc->options.observer == NULL &&
        sc->options.try_count == 0) {
        TRY(known_new(&sc->known));
    }
    TRY(matcher_new(sc->engine->segment, sc->engine->segment_count, &sc->matcher));
    const uint32_t options = MT_REGEX_CASELESS | MT_REGEX_DOTALL | MT_REGEX_MULTILINE |
                             MT_REGEX_EXTENDED | MT_REGEX_ANCHORED | MT_REGEX_DOLLAR_END |
                             MT_REGEX_UNGREEDY;
    uint32_t without = sc->engine->without;
    matcher_regexes_off(sc->matcher, (without & WITHOUT_REGEX) != 0,
                        ((without & WITHOUT_REGEX_OPTIONS) != 0 ? options : 0) |
                            ((without & WITHOUT_REGEX_GLOBAL) != 0 ? MT_REGEX_GLOBAL : 0));
    return sk_ok();
}

int sk_scanner_new(struct sk_engine *engine, const struct sk_options *options,
                   struct sk_scanner **out_scanner) {
    struct sk_scanner *sc = mem_zalloc(1, sizeof(*sc));
    if (sc == NULL) {
        return SK_E_NOMEM;
    }
    sc->engine = engine;
    sc->options = *options;
    sc->steps = MATCH_STEPS;
    switches_parts(sc, options->parts_off);
    budget_init(&sc->budget, &options->limits);
    uint64_t memory = sc->budget.limits.max_memory;
    arena_init(&sc->arena, (size_t)(memory / 8));
    arena_init(&sc->walk_arena, (size_t)(memory / 8));
    store_pool_init(&sc->pool, options->spool_fd, memory - memory / 4);
    sk_err err = make_parts(sc);
    if (sk_failed(err)) {
        sk_scanner_free(sc);
        return err.code;
    }
    *out_scanner = sc;
    return SK_OK;
}

void sk_scanner_free(struct sk_scanner *scanner) {
    if (scanner == NULL) {
        return;
    }
    matcher_free(scanner->matcher);
    mem_free(scanner->raw_hits.item);
    phish_free(scanner->phish);
    digester_free(scanner->digester);
    members_free(scanner->members);
    owed_free(scanner->owed);
    known_free(scanner->known);
    store_pool_release(&scanner->pool);
    buf_release(&scanner->text);
    root_release(&scanner->root);
    arena_release(&scanner->walk_arena);
    arena_release(&scanner->arena);
    mem_free(scanner);
}

void sk_scanner_stats(const struct sk_scanner *scanner, struct sk_stats *out_stats) {
    const struct match_stats *m = matcher_stats(scanner->matcher);
    *out_stats = scanner->stats;
    out_stats->candidates = m->candidates;
    out_stats->literals = m->literals;
    out_stats->touched = m->touched;
    out_stats->evaluated = m->evaluated;
    out_stats->hits = m->hits;
}

const char *sk_result_text(int result) {
    return sk_err_text((sk_err){result});
}
