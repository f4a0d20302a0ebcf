// SPDX-License-Identifier: Apache-2.0
/* The list of descriptors, made out of formats.def; a new format is one line there. */
#include "format/format.h"

#include "codec/codec.h"
#include "format/libarchive.h"

#define SK_FORMAT(id) extern const struct sk_format sk_format_##id;
#include "format/formats.def"
#undef SK_FORMAT

#define SK_FORMAT(id) &sk_format_##id,
const struct sk_format *const sk_formats[] = {
#include "format/formats.def"
};
#undef SK_FORMAT

const unsigned sk_format_count = sizeof(sk_formats) / sizeof(sk_formats[0]);

void sk_formats_prepare(void) {
    sk_libarchive_prepare();
    sk_charset_prepare();
}
