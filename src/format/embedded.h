// SPDX-License-Identifier: Apache-2.0
/*
 * Objects that lie somewhere inside the bytes of another one: a program glued to a picture, an
 * archive behind a stub, a disk image with something in front of it.
 *
 * One pass, which may be one that is made anyway (sk_embedded_see); no memory of its own. Errors:
 * those of the source; SK_E_STOP when `tick` says so. Each find agrees with its own header. Limits:
 * EMBEDDED_PER_TYPE_MAX of each type, as in ClamAV.
 */
#ifndef SK_FORMAT_EMBEDDED_H
#define SK_FORMAT_EMBEDDED_H

#include "base/source.h"
#include "base/type.h"

#define EMBEDDED_PER_TYPE_MAX 10u
#define EMBEDDED_MAX 64u
#define EMBEDDED_SEEN_MAX 256u

struct sk_embedded {
    uint64_t off;
    uint64_t len;
    enum sk_type type;
};

/* Places where something may be, seen while the bytes were read for another reason, in pieces that
 * overlap by eight bytes or more; other pieces between them do no harm. The first two are set, the
 * rest is **filled**. */
struct sk_embedded_seen {
    uint64_t size;          /* of the source */
    uint64_t program_reach; /* as in struct sk_embedded_job, or more */
    uint64_t end;           /* seen up to here; size: all */
    bool more;              /* than there is room for */
    unsigned count;
    struct {
        uint64_t at;
        uint8_t kind;
    } place[EMBEDDED_SEEN_MAX];
};
void sk_embedded_see(struct sk_embedded_seen *seen, uint64_t off, struct sk_bytes bytes);

/* Of programs in what is none. */
#define EMBEDDED_REACH_BYTES ((uint64_t)1024)

struct sk_embedded_job {
    struct sk_source *src;
    uint64_t program_reach;              /* PE programs that start before it are looked for, too */
    bool archives;                       /* look for 7z, RAR, cabinets, too; disk images always */
    const struct sk_embedded_seen *seen; /* of all of src; NULL: the bytes are looked at now */
    bool (*tick)(void *ctx);             /* NULL: never asked */
    void *ctx;
    struct sk_embedded *out; /* EMBEDDED_MAX rows, ascending by offset; **filled** */
    unsigned count;          /* rows filled, also on failure */
    bool left_out;           /* there are more than the limits allow */
};
/* What stands at offset 0 is no find. */
sk_err sk_embedded_find(struct sk_embedded_job *job);

#endif
