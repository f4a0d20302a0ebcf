// SPDX-License-Identifier: Apache-2.0
/*
 * Attributes compare numbers and types; what they need of the layer, the caller of the matcher
 * states in struct match_layer.
 */
#include "match/attribute.h"

static bool in_range(uint64_t value, const struct mt_attr *a) {
    return value >= a->min && (value <= a->max || a->max == UINT32_MAX);
}

bool attribute_is_about_place(const struct mt_attr *a) {
    return a->key == MT_ATTR_CONTAINER || a->key == MT_ATTR_ANCESTOR;
}

/* Several of these, one a place, are what Intermediates says. */
static bool ancestor_is(const struct match_layer *layer, const struct mt_attr *a) {
    return a->max < layer->ancestor_count &&
           (a->min == SK_TYPE_ANY || a->min == (uint32_t)layer->ancestor[a->max]);
}

bool attribute_holds(const struct match_layer *layer, const struct mt_attr *a) {
    const struct sk_exe *exe = layer->exe;
    switch (a->key) {
    case MT_ATTR_FILE_SIZE:
        return in_range(layer->file_size, a);
    case MT_ATTR_ENTRY_POINT:
        return exe != NULL && exe->has_entry && in_range(exe->entry, a);
    case MT_ATTR_SECTION_COUNT:
        return exe != NULL && in_range(exe->section_count, a);
    case MT_ATTR_CONTAINER:
        return a->min == (uint32_t)layer->container;
    case MT_ATTR_ANCESTOR:
        return ancestor_is(layer, a);
    case MT_ATTR_HANDLER:
    case MT_ATTR_TELLS:
    case MT_ATTR_ICON_GROUP1: /* not known yet: attribute_icons_hold */
    case MT_ATTR_ICON_GROUP2:
        return true;
    default:
        return false; /* a newer attribute: the reader refuses such images */
    }
}

bool attribute_is_icon(const struct mt_attr *a) {
    return a->key == MT_ATTR_ICON_GROUP1 || a->key == MT_ATTR_ICON_GROUP2;
}

bool attribute_icons_hold(const struct match_layer *layer, const struct mt_segment *seg,
                          const struct mt_sig *sig) {
    struct match_icon_groups groups = {{{NULL, 0}}};
    for (unsigned i = 0; i < sig->attr_count; i++) {
        const struct mt_attr *a = &seg->attr[sig->attr_first + i];
        if (!attribute_is_icon(a)) {
            continue;
        }
        if ((uint64_t)a->min + a->max > seg->lit_len) {
            return false; /* damaged; image_check.c finds it */
        }
        struct sk_bytes name = {(const uint8_t *)"", 0}; /* NULL means any */
        if (a->max > 0) {
            name = (struct sk_bytes){seg->lit + a->min, a->max};
        }
        bool any = name.len == 1 && name.ptr[0] == '*';
        groups.name[a->key - MT_ATTR_ICON_GROUP1] = any ? (struct sk_bytes){NULL, 0} : name;
    }
    return layer->icon != NULL && layer->icon(layer->icon_ctx, &groups);
}
