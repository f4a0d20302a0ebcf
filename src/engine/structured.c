// SPDX-License-Identifier: Apache-2.0
/*
 * Seen with clamscan 1.4.6: numbers are counted for each layer that is text (ASCII, UTF-8; also the
 * text part of a mail and a member of an archive), as its bytes stand; not in HTML, UTF-16 or plain
 * data. heuristic-alerts=no does not switch it off.
 */
#include "engine/structured.h"

#include "engine/heuristics.h"
#include "engine/switches.h"
#include "norm/digits.h"

_Static_assert((int)SK_STRUCTURED_CARDS == (int)DIGITS_CARDS &&
                   (int)SK_STRUCTURED_OTHER_CARDS == (int)DIGITS_OTHER_CARDS &&
                   (int)SK_STRUCTURED_SSN_HYPHENS == (int)DIGITS_SSN_HYPHENS &&
                   (int)SK_STRUCTURED_SSN_STRIPPED == (int)DIGITS_SSN_STRIPPED,
               "one meaning of the bits");

static bool is_asked(const struct sk_scanner *sc, const struct layer *layer) {
    return sc->options.structured.what != 0 && !sc->stop &&
           (sc->engine->without & WITHOUT_STRUCTURED) == 0 &&
           (layer->type == SK_TYPE_TEXT_ASCII || layer->type == SK_TYPE_TEXT_UTF8);
}

static void tell(struct sk_scanner *sc, struct layer *layer, const struct digits_found *found) {
    const struct sk_structured *s = &sc->options.structured;
    if (found->cards > 0 && found->cards >= s->card_count) {
        heuristics_find(sc, layer, "Heuristics.Structured.CreditCardNumber");
    }
    if (found->ssns > 0 && found->ssns >= s->ssn_count) {
        heuristics_find(sc, layer, "Heuristics.Structured.SSN");
    }
}

void structured_check(struct sk_scanner *sc, struct layer *layer) {
    struct digits_found found = {0};
    struct sk_source *src = &layer->src;
    bool before = false;
    if (!is_asked(sc, layer)) {
        return;
    }
    for (uint64_t off = 0; off < src->size;) {
        size_t avail;
        uint64_t left = src->size - off;
        size_t need = left < 2 * DIGITS_SPAN ? (size_t)left : 2 * DIGITS_SPAN;
        const uint8_t *p = sk_source_at(src, off, need, &avail);
        if (p == NULL) {
            scan_note_error(sc, layer, sk_failed(src->failed) ? src->failed : sk_fail(SK_E_IO));
            break;
        }
        avail = avail < left ? avail : (size_t)left;
        size_t limit = avail == left ? avail : avail - DIGITS_SPAN;
        size_t at = digits_count((struct sk_bytes){p, avail}, limit, before,
                                 sc->options.structured.what, &found);
        before = p[at - 1] >= '0' && p[at - 1] <= '9';
        off += at;
        if (!scan_time_left(sc, layer)) {
            break;
        }
    }
    tell(sc, layer, &found);
}
