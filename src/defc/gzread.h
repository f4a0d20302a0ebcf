// SPDX-License-Identifier: Apache-2.0
/*
 * struct gzread: the payload of a container as a stream: inflated when it is gzip, as it is when
 * not.
 *
 * Life cycle: gzread_init -> sk_stream_read(&g->base, ...) -> gzread_release. **Borrows** the
 * source. Errors: SK_E_FORMAT (damaged or truncated), SK_E_LIMIT (more than limit bytes come out),
 * SK_E_NOMEM, and those of the source. zlib takes its memory from its own allocator.
 */
#ifndef SK_DEFC_GZREAD_H
#define SK_DEFC_GZREAD_H

#include <zlib.h>

#include "base/source.h"

struct gzread {
    struct sk_stream base;
    struct sk_source *src;
    uint64_t pos;   /* next byte of the source */
    uint64_t out;   /* bytes given so far */
    uint64_t limit; /* of out */
    bool packed;
    bool live; /* z is initialised */
    bool end;
    z_stream z;
};

sk_err gzread_init(struct gzread *g, struct sk_source *src, uint64_t off, uint64_t limit);
void gzread_release(struct gzread *g);

#endif
