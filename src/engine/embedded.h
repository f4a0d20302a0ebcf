// SPDX-License-Identifier: Apache-2.0
/*
 * Objects inside the bytes of a layer, that no reader tells of: found by their first bytes
 * (format/embedded.h) or by file typing of the definitions (ftm, kind 1). They are kept with the
 * layer and become members of it when it is walked.
 *
 * Errors: none: what goes wrong becomes a note; no memory costs the find, with a note.
 */
#ifndef SK_ENGINE_EMBEDDED_H
#define SK_ENGINE_EMBEDDED_H

#include "engine/scan.h"

/* May something be embedded in a layer of this type, which is no archive itself? */
bool embedded_host(enum sk_type type);
/* Looks for them, if the layer is of a type in which they count. */
void embedded_look(struct sk_scanner *sc, struct layer *layer);
/* From within a hit of matcher_scan, of a signature that tells a type (MT_ATTR_TELLS). */
struct embedded_hit {
    const struct match_layer *match;
    struct match_sig which;
    const struct mt_attr *tells;
};
void embedded_hit(struct sk_scanner *sc, struct layer *layer, const struct embedded_hit *hit);
/* The name a find is shown under; static storage. */
const char *embedded_name(enum sk_type type);

#endif
