// SPDX-License-Identifier: Apache-2.0
/*
 * One folder of a 7z archive: its coders, and the stream that they make.
 *
 *     packed stream --> LZMA2 --sized--> BCJ --sized--> members, one behind the other
 *                       coder 1          coder 0 (its output is bound to nothing: the main one)
 *
 *     packed stream --> LZMA --sized--\
 *     packed stream --> LZMA --sized---> BCJ2 --sized--> members
 *     packed stream --> LZMA --sized--/
 *     packed stream -----------------/
 *
 * Every coder's output has a size in the directory; it is cut to that, so that a filter knows where
 * its input ends (LZMA alone has no end), and a coder that gives less is damage.
 *
 * Opened here are trees of coders with one output each. PPMd is left to libarchive, and what it
 * does not know either to nobody; what AES encrypts is told by whoever asks. Memory of
 * dictionaries: no more than what is unpacked through them.
 */
#include <string.h>

#include "codec/codec.h"
#include "format/sevenzip_parts.h"

#define CODERS_READ_MAX 64u
#define ENDS_MAX 256u /* inputs or outputs of one coder */
/* Larger than what other readers allow, because programs write it: 7-Zip's best level takes 256 MiB
 * for a folder of that size. */
#define DICTIONARY_MAX_BYTES ((uint64_t)512 << 20)
#define LZMA2_STEP_MAX 40u
#define LZMA_DICT_OFF 1u /* in its properties */

#define FLAG_ID_BYTES 0x0fu
#define FLAG_ENDS 0x10u
#define FLAG_PROPS 0x20u
#define FLAG_RESERVED 0x80u

enum coder_id {
    ID_COPY = 0,
    ID_DELTA = 3,
    ID_X86 = 4,
    ID_PPC,
    ID_IA64,
    ID_ARM,
    ID_ARMT,
    ID_SPARC,
    ID_ARM64,
    ID_LZMA2 = 0x21,
    ID_LZMA = 0x030101,
    ID_X86_OLD = 0x03030103,
    ID_BCJ2 = 0x0303011b,
    ID_PPC_OLD = 0x03030205,
    ID_IA64_OLD = 0x03030401,
    ID_ARM_OLD = 0x03030501,
    ID_ARMT_OLD = 0x03030701,
    ID_SPARC_OLD = 0x03030805,
    ID_PPMD = 0x030401,
    ID_DEFLATE = 0x040108,
    ID_DEFLATE64 = 0x040109,
    ID_BZIP2 = 0x040202,
    ID_ZSTD = 0x04f71101,
    ID_AES = 0x06f10701
};

static const struct {
    uint64_t id;
    enum sk_branch branch;
} BRANCHES[] = {
    {ID_X86, SK_BRANCH_X86},        {ID_X86_OLD, SK_BRANCH_X86},
    {ID_PPC, SK_BRANCH_POWERPC},    {ID_PPC_OLD, SK_BRANCH_POWERPC},
    {ID_IA64, SK_BRANCH_IA64},      {ID_IA64_OLD, SK_BRANCH_IA64},
    {ID_ARM, SK_BRANCH_ARM},        {ID_ARM_OLD, SK_BRANCH_ARM},
    {ID_ARMT, SK_BRANCH_ARM_THUMB}, {ID_ARMT_OLD, SK_BRANCH_ARM_THUMB},
    {ID_SPARC, SK_BRANCH_SPARC},    {ID_SPARC_OLD, SK_BRANCH_SPARC},
    {ID_ARM64, SK_BRANCH_ARM64},
};
#define BRANCH_COUNT (sizeof(BRANCHES) / sizeof(BRANCHES[0]))

/* ---- what a folder says ---- */

static bool is_branch(uint64_t id, enum sk_branch *out_branch) {
    for (size_t i = 0; i < BRANCH_COUNT; i++) {
        if (BRANCHES[i].id == id) {
            *out_branch = BRANCHES[i].branch;
            return true;
        }
    }
    return false;
}

static enum sevenzip_opens who_opens(uint64_t id) {
    enum sk_branch unused;
    switch (id) {
    case ID_COPY:
    case ID_DELTA:
    case ID_LZMA:
    case ID_LZMA2:
    case ID_DEFLATE:
    case ID_DEFLATE64:
    case ID_BZIP2:
    case ID_ZSTD:
    case ID_BCJ2:
        return SEVENZIP_OURS;
    case ID_PPMD:
        return SEVENZIP_LIBARCHIVE;
    case ID_AES:
        return SEVENZIP_ENCRYPTED;
    default:
        return is_branch(id, &unused) ? SEVENZIP_OURS : SEVENZIP_NOBODY;
    }
}

/* Encryption hides all else; what nobody knows spoils what libarchive would open. */
static void spoil(struct sevenzip_folder *f, enum sevenzip_opens by) {
    bool worse = by == SEVENZIP_ENCRYPTED || (by > f->opens && f->opens != SEVENZIP_ENCRYPTED);
    f->opens = worse ? by : f->opens;
}

static sk_err coder_read(struct sk_cursor *c, struct sevenzip_folder *f) {
    uint8_t flags = sk_cursor_u8(c);
    struct sevenzip_coder coder = {.ins = 1, .first_in = f->in_count};
    for (unsigned i = 0; i < (flags & FLAG_ID_BYTES); i++) {
        coder.id = coder.id << 8 | sk_cursor_u8(c);
    }
    uint64_t ins = 1;
    uint64_t outs = 1;
    if ((flags & FLAG_ENDS) != 0) {
        ins = sevenzip_number(c);
        outs = sevenzip_number(c);
    }
    if ((flags & FLAG_PROPS) != 0) {
        uint64_t len = sevenzip_number(c);
        size_t at = c->pos;
        sk_cursor_skip(c, len);
        coder.props = (struct sk_bytes){c->ptr + at, (size_t)len};
    }
    if (!sk_cursor_ok(c) || (flags & FLAG_RESERVED) != 0 || ins > ENDS_MAX || outs > ENDS_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    coder.ins = (uint32_t)ins;
    f->in_count += (uint32_t)ins;
    f->out_count += (uint32_t)outs;
    spoil(f, who_opens(coder.id));
    uint32_t wants = coder.id == ID_BCJ2 ? SK_BCJ2_STREAMS : 1;
    if (ins != wants || outs != 1 || f->coder_count >= SEVENZIP_CODERS_MAX) {
        spoil(f, SEVENZIP_NOBODY);
    }
    if (f->coder_count < SEVENZIP_CODERS_MAX) {
        f->coder[f->coder_count] = coder;
    }
    f->coder_count++;
    return sk_ok();
}

static bool is_bound(const uint32_t *ends, const struct sevenzip_folder *f, uint32_t end) {
    for (uint32_t i = 0; i < f->bind_count; i++) {
        if (ends[i] == end) {
            return true;
        }
    }
    return false;
}

/* Bindings as far as we keep them. */
static void binds_read(struct sk_cursor *c, struct sevenzip_folder *f) {
    uint32_t count = f->out_count - 1;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t in = sevenzip_number(c);
        uint64_t out = sevenzip_number(c);
        if (i < SEVENZIP_INPUTS_MAX) {
            f->bind_in[i] = in < f->in_count ? (uint32_t)in : UINT32_MAX;
            f->bind_out[i] = out < f->out_count ? (uint32_t)out : UINT32_MAX;
            f->bind_count++;
        }
    }
    while (f->main_out < f->out_count && is_bound(f->bind_out, f, f->main_out)) {
        f->main_out++;
    }
}

sk_err sevenzip_folder_read(struct sk_cursor *c, struct sevenzip_folder *f) {
    uint64_t coders = sevenzip_number(c);
    f->opens = SEVENZIP_OURS;
    f->coder_count = 0;
    f->in_count = 0;
    f->out_count = 0;
    f->bind_count = 0;
    f->main_out = 0;
    if (coders == 0 || coders > CODERS_READ_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    for (uint64_t i = 0; i < coders; i++) {
        TRY(coder_read(c, f));
    }
    if (f->out_count == 0 || f->in_count < f->out_count - 1) {
        return sk_fail(SK_E_FORMAT);
    }
    binds_read(c, f);
    f->packed_count = f->in_count - (f->out_count - 1);
    if (f->packed_count == 1) {
        f->packed[0] = 0;
        while (f->packed[0] < f->in_count && is_bound(f->bind_in, f, f->packed[0])) {
            f->packed[0]++;
        }
    }
    for (uint32_t i = 0; i < f->packed_count && f->packed_count > 1; i++) {
        uint64_t in = sevenzip_number(c);
        if (i < SEVENZIP_INPUTS_MAX) {
            f->packed[i] = in < f->in_count ? (uint32_t)in : UINT32_MAX;
        }
    }
    if (f->packed_count > SEVENZIP_INPUTS_MAX || f->out_count > SEVENZIP_INPUTS_MAX) {
        spoil(f, SEVENZIP_NOBODY);
    }
    return sk_cursor_ok(c) ? sk_ok() : sk_fail(SK_E_FORMAT);
}

void sevenzip_folder_sizes(struct sk_cursor *c, struct sevenzip_folder *f) {
    f->size = 0;
    for (uint32_t i = 0; i < f->out_count; i++) {
        uint64_t size = sevenzip_number(c);
        f->size = i == f->main_out ? size : f->size;
        if (i < SEVENZIP_CODERS_MAX) {
            f->coder[i].size = size;
        }
    }
}

/* ---- streams ---- */

static sk_err sized_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct sevenzip_sized *s = (struct sevenzip_sized *)(void *)base;
    size_t want = cap < s->left ? cap : (size_t)s->left;
    size_t got = 0;
    if (want > 0) {
        TRY(sk_stream_read(s->up, buf, want, &got));
        if (got == 0) {
            return sk_fail(SK_E_FORMAT);
        }
    }
    s->left -= got;
    *out_len = got;
    return sk_ok();
}

/* Distances reach back no further than to the first byte: a dictionary is no longer than what is
 * unpacked, whatever the properties ask for. */
static sk_err open_lzma1(const struct sevenzip_coder *coder, struct sk_stream *up,
                         struct sk_stream **out) {
    uint8_t props[SK_LZMA_PROPS_BYTES];
    if (coder->props.len != sizeof(props)) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    memcpy(props, coder->props.ptr, sizeof(props));
    if (sk_load_u32le(props + LZMA_DICT_OFF) > coder->size) {
        sk_store_u32le(props + LZMA_DICT_OFF, (uint32_t)coder->size);
    }
    return sk_lzma1_open(up, props, coder->size, DICTIONARY_MAX_BYTES, out);
}

/* The property counts sizes in steps: 4 KiB, 6, 8, 12, 16 ... */
static sk_err open_lzma2(const struct sevenzip_coder *coder, struct sk_stream *up,
                         struct sk_stream **out) {
    if (coder->props.len != 1 || coder->props.ptr[0] > LZMA2_STEP_MAX) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    unsigned step = 0;
    while (step < coder->props.ptr[0] &&
           (UINT64_C(2) | (step & 1)) << (step / 2 + 11) < coder->size) {
        step++;
    }
    return sk_lzma2_open(up, (uint8_t)step, DICTIONARY_MAX_BYTES, out);
}

static sk_err open_delta(const struct sevenzip_coder *coder, struct sk_stream *up,
                         struct sk_stream **out) {
    if (coder->props.len != 1) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    return sk_branch_open(up, SK_BRANCH_DELTA, coder->props.ptr[0] + 1u, out);
}

/* Properties of a filter: where the program's addresses begin. */
static sk_err open_branch(const struct sevenzip_coder *coder, struct sk_stream *up,
                          struct sk_stream **out) {
    enum sk_branch branch;
    if (!is_branch(coder->id, &branch) || (coder->props.len != 0 && coder->props.len != 4)) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    return sk_branch_open(up, branch, coder->props.len == 4 ? sk_load_u32le(coder->props.ptr) : 0,
                          out);
}

static sk_err open_codec(const struct sevenzip_coder *coder, struct sk_stream *up,
                         struct sk_stream **out) {
    switch (coder->id) {
    case ID_COPY:
        *out = NULL; /* as it is */
        return sk_ok();
    case ID_LZMA:
        return open_lzma1(coder, up, out);
    case ID_LZMA2:
        return open_lzma2(coder, up, out);
    case ID_DELTA:
        return open_delta(coder, up, out);
    case ID_DEFLATE:
        return sk_inflate_open(up, out);
    case ID_DEFLATE64:
        return sk_deflate64_open(up, out);
    case ID_BZIP2:
        return sk_bunzip2_open(up, out);
    case ID_ZSTD:
        return sk_unzstd_open(up, SK_CODEC_MEM_BYTES, out);
    default:
        return open_branch(coder, up, out);
    }
}

/* ---- the chain ---- */

/* What goes into an input: a packed stream, or what another coder gives. NULL: that one is not open
 * yet, or there is none. */
static struct sk_stream *find_input(struct sevenzip_chain *chain, const struct sevenzip_folder *f,
                                    uint32_t in) {
    for (uint32_t i = 0; i < f->bind_count; i++) {
        if (f->bind_in[i] == in) {
            uint32_t from = f->bind_out[i];
            return from < f->coder_count && chain->is_open[from] ? &chain->sized[from].base : NULL;
        }
    }
    for (uint32_t i = 0; i < f->packed_count; i++) {
        if (f->packed[i] == in) {
            return &chain->packed[i].base;
        }
    }
    return NULL;
}

/* Opens one coder, cut to its size; *out_open false: not all of its inputs are there. */
static sk_err open_coder(struct sevenzip_chain *chain, const struct sevenzip_folder *f,
                         uint32_t index, bool *out_open) {
    const struct sevenzip_coder *coder = &f->coder[index];
    struct sk_stream *up[SK_BCJ2_STREAMS];
    struct sk_stream *codec = NULL;
    for (uint32_t i = 0; i < coder->ins; i++) {
        up[i] = find_input(chain, f, coder->first_in + i);
        if (up[i] == NULL) {
            *out_open = false;
            return sk_ok();
        }
    }
    TRY(coder->id == ID_BCJ2 ? sk_bcj2_open(up, &codec) : open_codec(coder, up[0], &codec));
    chain->codec[chain->codec_count++] = codec;
    chain->sized[index] = (struct sevenzip_sized){{sized_read, NULL}, codec, coder->size};
    if (codec == NULL) {
        chain->sized[index].up = up[0];
    }
    chain->is_open[index] = true;
    *out_open = true;
    return sk_ok();
}

/* Each as soon as its inputs are; those in a circle never are. */
static sk_err open_all(struct sevenzip_chain *chain, const struct sevenzip_folder *f) {
    bool any = true;
    while (any) {
        any = false;
        for (uint32_t i = 0; i < f->coder_count; i++) {
            bool open = false;
            TRY(chain->is_open[i] ? sk_ok() : open_coder(chain, f, i, &open));
            any = any || open;
        }
    }
    if (f->main_out >= f->coder_count || !chain->is_open[f->main_out]) {
        return sk_fail(SK_E_FORMAT);
    }
    chain->out = &chain->sized[f->main_out].base;
    return sk_ok();
}

sk_err sevenzip_chain_open(struct sk_source *src, const struct sevenzip_streams *s,
                           struct sevenzip_chain *out_chain) {
    if (s->folder.opens == SEVENZIP_ENCRYPTED) {
        return sk_fail(SK_E_ENCRYPTED);
    }
    if (s->folder.opens != SEVENZIP_OURS) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    *out_chain = (struct sevenzip_chain){.out = NULL};
    uint64_t off = s->folder_off;
    for (uint32_t i = 0; i < s->folder.packed_count; i++) {
        (void)sk_source_stream_init(&out_chain->packed[i], src, off, s->folder_pack_sizes[i]);
        off += s->folder_pack_sizes[i]; /* what goes too far was noted, and is cut to the source */
    }
    sk_err err = open_all(out_chain, &s->folder);
    if (sk_failed(err)) {
        sevenzip_chain_close(out_chain);
    }
    return err;
}

void sevenzip_chain_close(struct sevenzip_chain *chain) {
    while (chain->codec_count > 0) {
        sk_stream_close(chain->codec[--chain->codec_count]);
    }
    chain->out = NULL;
}
