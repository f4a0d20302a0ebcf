// SPDX-License-Identifier: Apache-2.0
/*
 * Types of layers and the signature target each belongs to. The list is types.def.
 * Source of names and targets: ClamAV signature documentation (file types, target types).
 */
#ifndef SK_BASE_TYPE_H
#define SK_BASE_TYPE_H

#include <stdbool.h>
#include <stdint.h>

enum sk_target {
    SK_TARGET_ANY = 0,
    SK_TARGET_PE = 1,
    SK_TARGET_OLE2 = 2,
    SK_TARGET_HTML = 3,
    SK_TARGET_MAIL = 4,
    SK_TARGET_GRAPHICS = 5,
    SK_TARGET_ELF = 6,
    SK_TARGET_TEXT = 7,
    SK_TARGET_MACHO = 9,
    SK_TARGET_PDF = 10,
    SK_TARGET_SWF = 11,
    SK_TARGET_JAVA = 12,
    SK_TARGET_INTERNAL = 13,
    SK_TARGET_OTHER = 14,
    SK_TARGET_COUNT = 15
};

/* Flags of a type. */
#define SK_TYPE_CONTAINER 1u /* holds other objects: without a reader the scan is incomplete */
#define SK_TYPE_TEXTUAL 2u   /* text: identified by content, not by magic */

#define SK_TYPE(id, clam, word, target, flags) SK_TYPE_##id,
enum sk_type {
#include "base/types.def"
    SK_TYPE_COUNT
};
#undef SK_TYPE

/* "CL_TYPE_ZIP", for any enum sk_type. Static storage. */
const char *sk_type_clam_name(enum sk_type type);
/* "zip": the word shown to people and in JSON. */
const char *sk_type_word(enum sk_type type);
enum sk_target sk_type_target(enum sk_type type);
/* "html"; any value is safe. */
const char *sk_target_word(enum sk_target target);
uint32_t sk_type_flags(enum sk_type type);
static inline bool sk_type_is_html(enum sk_type type) {
    return type == SK_TYPE_HTML || type == SK_TYPE_HTML_UTF16;
}
/* SK_TYPE_COUNT when the name is unknown. */
enum sk_type sk_type_from_clam(const char *name);

#endif
