// SPDX-License-Identifier: Apache-2.0
/* Attributes of signatures (struct mt_attr): does a layer have what is asked? Pure. */
#ifndef SK_MATCH_ATTRIBUTE_H
#define SK_MATCH_ATTRIBUTE_H

#include "match/matcher.h"

/* Unknown keys never hold: a newer image is refused by its reader before. */
bool attribute_holds(const struct match_layer *layer, const struct mt_attr *a);
/* Does it speak of the layers around, not of the layer itself? */
bool attribute_is_about_place(const struct mt_attr *a);

#endif
