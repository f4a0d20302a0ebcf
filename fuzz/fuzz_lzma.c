// SPDX-License-Identifier: Apache-2.0
/*
 * LZMA and LZMA2 without .xz around them: our decoder against liblzma, and against itself in any
 * chunking. The first byte says which kind; raw LZMA has its properties and its size behind it.
 */
#include "drip.h"
#include "lzmapeer.h"

#define RAW_HEADER 8u
#define PEER_MAX_BYTES ((size_t)64 << 10)
#define DICT_MAX ((uint32_t)1 << 20) /* the peer asks for all of it */
#define LITERAL_BITS_MAX 4u          /* the peer takes no more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sk_err open_peer(struct sk_stream *up, const void *how, struct sk_stream **out) {
    return lzma_peer_open(how, up, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < RAW_HEADER + 1) {
        return 0;
    }
    struct lzma_peer p = {.kind = (enum lzma_peer_kind)(PEER_LZIP + data[0] % 4)};
    size_t skip = 1;
    if (p.kind == PEER_LZMA1) {
        memcpy(p.props, data + 1, sizeof(p.props));
        uint32_t dict = sk_load_u32le(p.props + 1);
        sk_store_u32le(p.props + 1, dict % DICT_MAX);
        p.size = data[0] < 128 ? SK_CODEC_SIZE_UNKNOWN : sk_load_u16le(data + 6);
        skip = RAW_HEADER;
        if (p.props[0] % 9u + p.props[0] / 9u % 5u > LITERAL_BITS_MAX) {
            return 0;
        }
    } else if (p.kind == PEER_LZMA2) {
        p.props[0] = data[1] % 16;
        skip = 2;
    }
    check(lzma_peer_run(&p, data + skip, size - skip, PEER_MAX_BYTES));
    bool all = p.ours.len < PEER_MAX_BYTES; /* more takes long, byte by byte */
    lzma_peer_release(&p);
    p.ours = p.theirs = (struct buf){0};
    if (all) {
        drip_any_chunking(data + skip, size - skip, open_peer, &p);
    }
    return 0;
}
