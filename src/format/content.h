// SPDX-License-Identifier: Apache-2.0
/*
 * What a layer is when no format bids for it: one of the text types, HTML, mail, script or binary.
 *
 * Pure: looks at peek->head only, keeps nothing, cannot fail. The signature target of the layer
 * follows from the answer, so a wrong one means missed signatures.
 */
#ifndef SK_FORMAT_CONTENT_H
#define SK_FORMAT_CONTENT_H

#include "format/format.h"

enum sk_type sk_content_type(const struct sk_peek *peek);

#endif
