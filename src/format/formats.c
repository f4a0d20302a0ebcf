// SPDX-License-Identifier: Apache-2.0
/* The list of descriptors, made out of formats.def; a new format is one line there. */
#include "format/format.h"

#include "base/late.h"
#include "codec/codec.h"
#include "codec/image.h"
#include "crypto/digest.h"
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

bool sk_format_is_ready(const struct sk_format *format) {
    return !format->late || sk_libarchive_load();
}

void sk_formats_prepare(void) {
    if (!late_deferred()) {
        (void)sk_libarchive_load(); /* without: noted where it is missed */
        sk_charset_prepare();
        image_prepare();
        sk_unzstd_prepare();
        crypto_prepare();
    }
}
