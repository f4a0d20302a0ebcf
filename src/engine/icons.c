// SPDX-License-Identifier: Apache-2.0
/*
 *     matcher asks --> pe_icons.h --places--> codec/icon.h --pixels--> norm/icon_print.h
 *                  --> each icon x each line of idb in these groups, of all segments
 *
 * Seen with clamscan 1.4.6: one icon has to fit one line that is in both groups; "*" is any group;
 * a group no line is in fits nothing; an icon that cannot be read (damaged, PNG) is passed over.
 */
#include "engine/icons.h"

#include "codec/icon.h"
#include "format/pe_icons.h"
#include "norm/icon_print.h"

_Static_assert(RULE_ICON_AREAS == ICON_TRAITS * ICON_AREAS, "areas of a line");
_Static_assert(RULE_ICON_SPREADS == ICON_SPREADS, "spreads of a line");

struct reading {
    struct icon_ask *ask;
    struct layer_icons *icons;
};

static sk_err keep(struct reading *r, const struct icon_print *print) {
    struct layer_icons *icons = r->icons;
    if (icons->count == icons->cap) {
        unsigned cap = icons->cap == 0 ? 8 : 2 * icons->cap;
        struct icon_print *grown = arena_zalloc(&r->ask->sc->arena, cap, sizeof(*grown));
        if (grown == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        if (icons->count > 0) {
            memcpy(grown, icons->print, icons->count * sizeof(*grown));
        }
        icons->print = grown;
        icons->cap = cap;
    }
    icons->print[icons->count++] = *print;
    return sk_ok();
}

static sk_err on_icon(void *ctx, uint64_t off) {
    struct reading *r = ctx;
    struct icon_picture picture;
    struct icon_print print;
    if (!scan_time_left(r->ask->sc, r->ask->layer)) {
        return sk_fail(SK_E_STOP);
    }
    if (r->icons->count == PE_ICONS_MAX * PE_ICON_LANGUAGES) {
        return sk_fail(SK_E_LIMIT);
    }
    sk_err err = icon_decode(&r->ask->layer->src, off, &picture);
    if (err.code == SK_E_FORMAT || err.code == SK_E_UNSUPPORTED) {
        return sk_ok();
    }
    TRY(err);
    TRY(icon_print_make(picture.rgb, picture.side, &print));
    return keep(r, &print);
}

static const struct layer_icons *icons_of(struct icon_ask *ask) {
    struct layer *layer = ask->layer;
    if (layer->icons != NULL) {
        return layer->icons;
    }
    layer->icons = arena_zalloc(&ask->sc->arena, 1, sizeof(*layer->icons));
    if (layer->icons == NULL) {
        scan_note_error(ask->sc, layer, sk_fail(SK_E_NOMEM));
        return NULL;
    }
    struct reading r = {ask, layer->icons};
    sk_err err = pe_icons(&layer->src, ask->exe, on_icon, &r);
    if (err.code == SK_E_LIMIT) {
        verdict_note(ask->sc, layer, SK_NOTE_LIMIT_MATCH, "icons of a program");
    } else {
        scan_note_error(ask->sc, layer, err);
    }
    return layer->icons;
}

static bool is_group(const struct rules *rules, uint32_t text, struct sk_bytes want) {
    const char *name = &rules->text[text];
    return want.ptr == NULL || (strlen(name) == want.len && memcmp(name, want.ptr, want.len) == 0);
}

static struct icon_print print_of(const struct rule_icon *line) {
    struct icon_print print = {.side = line->side};
    memcpy(print.spread, line->spread, sizeof(print.spread));
    for (unsigned i = 0; i < RULE_ICON_AREAS; i++) {
        const struct rule_icon_area *a = &line->area[i];
        print.area[i / ICON_AREAS][i % ICON_AREAS] = (struct icon_area){a->value, a->x, a->y};
    }
    return print;
}

static bool any_is(const struct layer_icons *icons, const struct rule_icon *line) {
    struct icon_print wanted = print_of(line);
    for (unsigned i = 0; i < icons->count; i++) {
        if (icon_print_is(&icons->print[i], &wanted)) {
            return true;
        }
    }
    return false;
}

bool icons_have(void *ctx, const struct match_icon_groups *groups) {
    struct icon_ask *ask = ctx;
    const struct layer_icons *icons = NULL;
    for (unsigned s = 0; s < ask->sc->engine->segment_count; s++) {
        const struct rules *rules = image_rules(ask->sc->engine->image[s]);
        for (uint32_t i = 0; i < rules->icon_count; i++) {
            const struct rule_icon *line = &rules->icon[i];
            if (!is_group(rules, line->group[0], groups->name[0]) ||
                !is_group(rules, line->group[1], groups->name[1])) {
                continue;
            }
            icons = icons != NULL ? icons : icons_of(ask);
            if (icons == NULL || any_is(icons, line)) {
                return icons != NULL;
            }
        }
    }
    return false;
}
