// SPDX-License-Identifier: Apache-2.0
/* Attributes of signatures (struct mt_attr): does a layer have what is asked? Pure. */
#ifndef SK_MATCH_ATTRIBUTE_H
#define SK_MATCH_ATTRIBUTE_H

#include "match/matcher.h"

/* Unknown keys never hold: a newer image is refused by its reader before. */
bool attribute_holds(const struct match_layer *layer, const struct mt_attr *a);
/* Icon groups are asked for when everything else holds, both in one question. Ranges of the
 * signature are proved. */
bool attribute_is_icon(const struct mt_attr *a);
bool attribute_icons_hold(const struct match_layer *layer, const struct mt_segment *seg,
                          const struct mt_sig *sig);
/* Does it speak of the layers around, not of the layer itself? */
bool attribute_is_about_place(const struct mt_attr *a);

#endif
