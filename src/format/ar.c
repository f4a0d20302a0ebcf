// SPDX-License-Identifier: Apache-2.0
/*
 * AR archives: static libraries and Debian packages, read through libarchive.
 *
 *     "!<arch>\n", then per member a 60-byte header (name, date, owner, mode, size, "`\n") and the
 *     content, padded to an even offset
 *
 * A Debian package is an AR archive whose members are two packed TAR archives: the engine opens
 * those as layers of their own. Specification: ar(5), deb(5).
 */
#include "format/libarchive.h"

#include "format/archive_calls.h"

static int ar_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "!<arch>\n", 8) ? 90 : 0;
}

static int enable(struct archive *reader) {
    return la.archive_read_support_format_ar(reader);
}

static sk_err ar_walk(struct sk_walk *walk, struct sk_source *src) {
    static const struct sk_libarchive how = {enable, NULL, false};
    return sk_libarchive_walk(walk, src, &how);
}

const struct sk_format sk_format_ar = {.name = "ar",
                                       .type = SK_TYPE_AR,
                                       .probe = ar_probe,
                                       .walk = ar_walk,
                                       .late = true,
                                       .skips = true};
