// SPDX-License-Identifier: Apache-2.0
/*
 * RIFF and RIFX: sounds, films and animated cursors, of which only one thing is asked.
 *
 *     "RIFF" | length u32 | form 4 | { id 4 | length u32 | data | pad to even }
 *     "LIST" | length u32 | kind 4 | chunks as above                (RIFX: numbers big-endian)
 *
 * An animated cursor (form ACON) has its header in a chunk "anih" of 36 bytes. Any other length is
 * the exploit of MS05-002 (and MS07-017): the fact EXPLOIT. Seen with clamscan 1.4.6: in every such
 * chunk, inside lists too, also when the file ends there; the length of the file as it says itself
 * does not matter; other forms are not asked, nor is a RIFF chunk inside.
 *
 * Lists lie in a row with what follows them, so their heads are stepped over and nothing nests.
 * Source: Multimedia Programming Interface and Data Specifications 1.0.
 */
#include <string.h>

#include "format/format.h"

#define HEAD_BYTES 12u
#define CHUNK_BYTES 8u
#define ANIH_BYTES 36u

static int riff_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "RIFF", 4) || sk_peek_has(peek, 0, "RIFX", 4) ? 80 : 0;
}

static sk_err riff_walk(struct sk_walk *walk, struct sk_source *src) {
    static const char EXPLOIT[] = "W32.MS05-002";
    struct sk_cursor head = sk_source_cursor(src, 0, HEAD_BYTES);
    if (head.len < HEAD_BYTES || memcmp(head.ptr + 8, "ACON", 4) != 0) {
        return src->failed;
    }
    bool big = head.ptr[3] == 'X';
    uint64_t at = HEAD_BYTES;
    for (;;) {
        TRY(walk_tick(walk));
        struct sk_cursor c = sk_source_cursor(src, at, CHUNK_BYTES);
        if (c.len < CHUNK_BYTES) {
            return src->failed;
        }
        uint32_t len = big ? sk_load_u32be(c.ptr + 4) : sk_load_u32le(c.ptr + 4);
        if (memcmp(c.ptr, "anih", 4) == 0 && len != ANIH_BYTES) {
            walk_fact(walk, SK_FACT_EXPLOIT, EXPLOIT, sizeof(EXPLOIT) - 1);
            return sk_ok();
        }
        bool list = memcmp(c.ptr, "LIST", 4) == 0;
        at += list ? HEAD_BYTES : CHUNK_BYTES + (uint64_t)len + (len & 1);
    }
}

const struct sk_format sk_format_riff = {
    .name = "riff", .type = SK_TYPE_RIFF, .probe = riff_probe, .walk = riff_walk};
