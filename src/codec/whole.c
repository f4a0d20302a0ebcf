// SPDX-License-Identifier: Apache-2.0
/*
 * libdeflate decodes two to three times as fast as zlib, but knows no streams: it wants all input
 * and room for all output, and what it leaves behind on an error is not to be relied on. So it is
 * only tried; whenever it does not come to a proper end (more output than there is room, damage,
 * input cut short, no memory), zlib decodes from the same place on, with all the limits and partial
 * output that go with it. A vain try costs less than zlib takes for the bytes there was room for.
 *
 * Both agree on every sound stream (tests/unit/codec/test_codec.c compares them on damaged ones,
 * too). libdeflate also takes a few codes that zlib refuses: those of distances and lengths that
 * RFC 1951 reserves and sets without an end-of-block code. Streams using them are left to zlib only
 * as far as libdeflate notices; where not, its output begins with what zlib gives before it stops.
 */
#include "codec/whole.h"

#include <libdeflate.h>
#include <threads.h>

#include "base/mem.h"

#define IN_MAX_BYTES ((size_t)8 << 20) /* nobody asks for the time in between */
#define OUT_MIN_BYTES ((size_t)16 * 1024)
#define OUT_MAX_BYTES ((size_t)16 << 20)

static bool forbidden;

void whole_forbid(bool forbid) {
    forbidden = forbid;
}

static void set_hooks(void) {
    libdeflate_set_memory_allocator(mem_alloc, mem_free);
}

bool whole_inflate(struct stage_io *io) {
    static once_flag hooks = ONCE_FLAG_INIT;
    if (forbidden || !io->in_last || io->out_cap < OUT_MIN_BYTES) {
        return false;
    }
    call_once(&hooks, set_hooks);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (d == NULL) {
        return false;
    }
    size_t len = io->in_len - io->in_used, used = 0, got = 0;
    enum libdeflate_result rc = libdeflate_deflate_decompress_ex(
        d, io->in + io->in_used, len < IN_MAX_BYTES ? len : IN_MAX_BYTES, io->out,
        io->out_cap < OUT_MAX_BYTES ? io->out_cap : OUT_MAX_BYTES, &used, &got);
    libdeflate_free_decompressor(d);
    if (rc != LIBDEFLATE_SUCCESS) {
        return false;
    }
    io->in_used += used;
    io->out_len = got;
    return true;
}
