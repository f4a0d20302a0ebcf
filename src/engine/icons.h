// SPDX-License-Identifier: Apache-2.0
/*
 * The icons of a program, as signatures ask for them (IconGroup1, IconGroup2): read when the first
 * signature asks whose rest has matched, and kept with the layer.
 *
 * struct icon_ask is what the matcher hands back (match_layer.icon_ctx); it **borrows** everything.
 * What is damaged has no icons; what a limit left out is noted.
 */
#ifndef SK_ENGINE_ICONS_H
#define SK_ENGINE_ICONS_H

#include "engine/scan.h"

struct icon_ask {
    struct sk_scanner *sc;
    struct layer *layer;
    const struct sk_exe *exe;
};

/* Fingerprints of one program, in the arena of the scan. */
struct layer_icons {
    unsigned count;
    unsigned cap;
    struct icon_print *print;
};

/* ctx: struct icon_ask; exe is what the PE reader told about the layer. */
bool icons_have(void *ctx, const struct match_icon_groups *groups);

#endif
