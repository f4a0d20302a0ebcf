// SPDX-License-Identifier: Apache-2.0
/*
 * Objects that lie somewhere inside the bytes of another one: a program glued to a picture, an
 * archive behind a stub, a disk image with something in front of it.
 *
 * One pass, no memory of its own. Errors: those of the source; SK_E_STOP when `tick` says so. Each
 * find agrees with its own header. Limits: EMBEDDED_PER_TYPE_MAX of each type, as in ClamAV.
 */
#ifndef SK_FORMAT_EMBEDDED_H
#define SK_FORMAT_EMBEDDED_H

#include "base/source.h"
#include "base/type.h"

#define EMBEDDED_PER_TYPE_MAX 10u
#define EMBEDDED_MAX 64u

struct sk_embedded {
    uint64_t off;
    uint64_t len;
    enum sk_type type;
};

struct sk_embedded_job {
    struct sk_source *src;
    uint64_t program_reach;  /* PE programs that start before it are looked for, too */
    bool archives;           /* look for 7z, RAR, cabinets, too; disk images always */
    bool (*tick)(void *ctx); /* NULL: never asked */
    void *ctx;
    struct sk_embedded *out; /* EMBEDDED_MAX rows, ascending by offset; **filled** */
    unsigned count;          /* rows filled, also on failure */
    bool left_out;           /* there are more than the limits allow */
};
/* What stands at offset 0 is no find. */
sk_err sk_embedded_find(struct sk_embedded_job *job);

#endif
