// SPDX-License-Identifier: Apache-2.0
/*
 * struct names_view: reads signature names out of an image; a name is referenced by byte offset.
 *
 *   IMG_NAME_STEMS  u32 count, u32 offset[count + 1] into the bytes that follow, stem bytes
 *   stem            01 = a number stands here; 02 xx = the byte xx (for 00, 01, 02); else itself
 *   IMG_NAMES       name after name: varint stem number, then one varint for each 01 of the stem
 *
 * "Win.Worm.Zbot-4000-0" = stem "Win.Worm.Zbot-\1-\1" and the numbers 4000, 0. A run of digits with
 * a leading zero or above 64 bit stays in the stem as text.
 *
 * A view **borrows** the bytes of the image. Every read is checked: a damaged section or a wrong
 * reference gives SK_E_FORMAT, never a crash. Limits: NAMES_NAME_MAX bytes a name.
 */
#ifndef SK_DEFS_NAMES_H
#define SK_DEFS_NAMES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cursor.h"

#define NAMES_NAME_MAX 512u
#define NAMES_MARK_NUMBER 0x01u
#define NAMES_MARK_BYTE 0x02u

struct names_view {
    uint32_t stem_count;
    const uint32_t *stem_off; /* stem_count + 1 elements */
    struct sk_bytes stem;
    struct sk_bytes name;
};

/* Both sections empty is a view without names. O(1). */
sk_err names_view_init(struct names_view *view, struct sk_bytes stems, struct sk_bytes names);
/* Append the name at ref; *out_next (may be NULL) is the reference of the name after it. */
sk_err names_decode(const struct names_view *view, uint32_t ref, struct buf *out,
                    uint32_t *out_next);

/*
 * Names are read one after the other by the verifier. This says whether names_decode takes the one
 * at ref, and where the next one is, without making its text. `stems` has one element for each stem
 * of the view, zeroed before the first call; it remembers what each stem is made of.
 */
struct names_stem {
    uint16_t letters; /* bytes that stand as they are */
    uint16_t numbers; /* of the name, to be put in */
    bool seen;
    bool bad;
};
bool names_check(const struct names_view *view, struct names_stem *stems, uint32_t ref,
                 uint32_t *out_next);

#endif
