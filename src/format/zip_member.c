// SPDX-License-Identifier: Apache-2.0
/*
 * One member of a ZIP file: what its headers say, and its bytes.
 *
 * The local header and one or more directory entries describe the same data. Where they agree it is
 * given out once. Where they differ (method, encryption, extent) somebody may be hiding: each
 * description is followed, the directory's first. The later ones are *soft*: they may well be
 * wrong, so their failures are not the archive's damage.
 *
 * Packed sizes are not believed where the codec knows its own end (deflate, deflate64). A member
 * that is marked encrypted but decodes as it is (Android and Java ignore the mark) is given out.
 * Stored members are slices of the source; their checksum is computed afterwards, within a budget
 * of one pass over the file, whatever overlaps.
 */
#include "format/zip_parts.h"

#include <string.h>

#include "codec/codec.h"

#define CENTRALS_MAX 8u /* different descriptions of one member that are followed */
#define TRIAL_BYTES ((size_t)16 * 1024)
#define NAME_PLAUSIBLE_MAX 4096u
#define VERSION_PLAUSIBLE_MAX 63u

struct member_stream {
    struct sk_stream base;
    struct sk_source_stream raw;
    struct sk_stream *codec;
    bool soft;
    bool ended; /* all bytes were read, without a failure */
    bool failed;
    uint32_t crc32;
    uint64_t got;
};

/* One description of the data, ready to be followed. */
struct view {
    const struct zip_head *head;
    uint64_t data_off;
    bool soft;
    bool check_crc;
};

struct outcome {
    uint64_t end; /* where the packed data ends, as far as known */
    bool good;    /* all bytes came out and match what the headers say */
};

void zip_note_once(struct zip *z, enum zip_once what, enum sk_note note, const char *detail) {
    if ((z->seen & (unsigned)what) == 0) {
        z->seen |= (unsigned)what;
        walk_note(z->walk, note, detail);
    }
}

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static bool is_encrypted(const struct zip_head *h) {
    return (h->flags & ZIP_FLAG_ENCRYPTED) != 0 || h->method == ZIP_AES;
}

static bool is_self_ending(uint16_t method) {
    return method == ZIP_DEFLATE || method == ZIP_DEFLATE64;
}

bool zip_has_codec(uint16_t method) {
    switch (method) {
    case ZIP_DEFLATE:
    case ZIP_DEFLATE64:
    case ZIP_BZIP2:
    case ZIP_LZMA:
    case ZIP_ZSTD_OLD:
    case ZIP_ZSTD:
    case ZIP_XZ:
        return true;
    default:
        return false;
    }
}

/* Bytes of a stored member: headers may state either size; what is there is scanned. */
static uint64_t stored_len(const struct zip *z, const struct view *v) {
    uint64_t packed = v->head->packed == SK_SIZE_UNKNOWN ? 0 : v->head->packed;
    uint64_t size = v->head->size == SK_SIZE_UNKNOWN ? 0 : v->head->size;
    return min_u64(packed > size ? packed : size, z->src->size - v->data_off);
}

/* Bytes the codec may pull. */
static uint64_t packed_room(const struct zip *z, const struct view *v) {
    uint64_t room = z->src->size - v->data_off;
    uint64_t packed = v->head->packed;
    bool stated = packed != SK_SIZE_UNKNOWN && packed != 0 && !is_self_ending(v->head->method);
    return stated ? min_u64(packed, room) : room;
}

sk_err zip_open_codec(const struct zip_head *h, struct sk_stream *up, struct sk_stream **out) {
    bool open_end = (h->flags & ZIP_FLAG_LZMA_EOS) != 0 || h->size == SK_SIZE_UNKNOWN;
    switch (h->method) {
    case ZIP_DEFLATE:
        return sk_inflate_open(up, out);
    case ZIP_DEFLATE64:
        return sk_deflate64_open(up, out);
    case ZIP_BZIP2:
        return sk_bunzip2_open(up, out);
    case ZIP_LZMA:
        return sk_unlzma_zip_open(up, open_end ? SK_CODEC_SIZE_UNKNOWN : h->size,
                                  SK_CODEC_MEM_BYTES, out);
    case ZIP_ZSTD_OLD:
    case ZIP_ZSTD:
        return sk_unzstd_open(up, SK_CODEC_MEM_BYTES, out);
    case ZIP_XZ:
        return sk_unxz_open(up, SK_CODEC_MEM_BYTES, out);
    default:
        return sk_fail(SK_E_UNSUPPORTED);
    }
}

static sk_err member_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct member_stream *m = (struct member_stream *)(void *)base;
    size_t got = 0;
    sk_err err = sk_stream_read(m->codec, buf, cap, &got);
    if (sk_failed(err)) {
        m->failed = true;
        if (!m->soft || err.code != SK_E_FORMAT) {
            return err;
        }
        got = 0;
    }
    m->ended = got == 0 && !m->failed;
    m->crc32 = sk_crc32(m->crc32, buf, got);
    m->got += got;
    *out_len = got;
    return sk_ok();
}

static sk_err member_open(struct member_stream *m, struct zip *z, const struct view *v) {
    *m = (struct member_stream){.base = {.read = member_read}, .soft = v->soft};
    struct sk_stream *raw = sk_source_stream_init(&m->raw, z->src, v->data_off, packed_room(z, v));
    return zip_open_codec(v->head, raw, &m->codec);
}

/* The name stands in the source, whose windows move: it is copied for the call. */
static void put_name(struct zip *z, struct sk_child *child, const struct zip_head *name) {
    struct sk_cursor c = sk_source_cursor(z->src, name->name_off, name->name_len);
    if (c.len == 0) {
        return;
    }
    child->name = arena_strndup(walk_arena(z->walk), (const char *)c.ptr, c.len);
    child->name_len = child->name == NULL ? 0 : c.len;
}

static sk_err give_encrypted(struct zip *z, struct sk_child *child, const struct view *v) {
    const struct zip_head *h = v->head;
    const char *how = "zip: traditional encryption";
    if (h->method == ZIP_AES) {
        how = "zip: AES encryption";
    } else if ((h->flags & (ZIP_FLAG_STRONG | ZIP_FLAG_MASKED)) != 0) {
        how = "zip: strong encryption";
    }
    child->encrypted = true;
    if (h->method != ZIP_AES && (h->flags & (ZIP_FLAG_STRONG | ZIP_FLAG_MASKED)) == 0) {
        struct zip_secret secret = {h, child, v->data_off, v->check_crc};
        bool given = false;
        TRY(zip_secret_give(z, &secret, &given));
        if (given) {
            return sk_ok();
        }
    }
    walk_note(z->walk, SK_NOTE_ENCRYPTED, how);
    return walk_child(z->walk, child, NULL);
}

static sk_err give_unsupported(struct zip *z, struct sk_child *child, uint16_t method) {
    static const struct {
        uint16_t method;
        const char *text;
    } names[] = {{1, "zip: method shrink"},       {6, "zip: method implode"},
                 {10, "zip: method DCL implode"}, {94, "zip: method MP3"},
                 {96, "zip: method JPEG"},        {97, "zip: method WavPack"},
                 {98, "zip: method PPMd"}};
    const char *text = method >= 2 && method <= 5 ? "zip: method reduce" : "zip: unknown method";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        text = names[i].method == method ? names[i].text : text;
    }
    walk_note(z->walk, SK_NOTE_METHOD, text);
    return walk_child(z->walk, child, NULL);
}

static sk_err crc_of_slice(struct zip *z, uint64_t off, uint64_t len, uint32_t *out_crc) {
    uint32_t crc = 0;
    uint64_t end = off + len;
    while (off < end) {
        TRY(walk_tick(z->walk));
        size_t avail;
        const uint8_t *p = sk_source_at(z->src, off, 1, &avail);
        if (p == NULL) {
            return z->src->failed;
        }
        avail = (size_t)min_u64(avail, end - off);
        avail = (size_t)min_u64(avail, SK_SOURCE_WINDOW_BYTES);
        crc = sk_crc32(crc, p, avail);
        off += avail;
    }
    *out_crc = crc;
    return sk_ok();
}

static sk_err give_stored(struct zip *z, struct sk_child *child, const struct view *v,
                          struct outcome *out) {
    uint64_t len = stored_len(z, v);
    child->is_slice = true;
    child->slice_off = v->data_off;
    child->slice_len = len;
    out->end = v->data_off + len;
    TRY(walk_child(z->walk, child, NULL));
    if (walk_skipped(z->walk)) {
        return sk_ok();
    }
    bool whole = v->head->packed == SK_SIZE_UNKNOWN || v->head->packed <= len;
    if (whole && v->check_crc && len <= z->crc_budget) {
        z->crc_budget -= len;
        uint32_t crc = 0;
        TRY(crc_of_slice(z, v->data_off, len, &crc));
        whole = crc == v->head->crc32;
    }
    out->good = whole;
    if (!whole && !v->soft) {
        walk_note(z->walk, SK_NOTE_DAMAGED, "zip: stored member is cut off or fails its checksum");
    }
    return sk_ok();
}

/* The descriptor behind the data carries the checksum when the headers do not. */
static bool descriptor_agrees(struct zip *z, uint64_t off, uint32_t crc32) {
    struct sk_cursor c = sk_source_cursor(z->src, off, 8);
    uint32_t first = sk_cursor_u32le(&c);
    uint32_t second = sk_cursor_u32le(&c);
    return first == crc32 ||
           (first == sk_load_u32le((const uint8_t *)"PK\x07\x08") && second == crc32);
}

static void judge_packed(struct zip *z, const struct view *v, const struct member_stream *m,
                         struct outcome *out) {
    bool codec_ended = false;
    uint64_t used = sk_codec_consumed(m->codec, &codec_ended);
    uint64_t stated = v->head->packed == SK_SIZE_UNKNOWN ? 0 : v->head->packed;
    out->end = v->data_off + (codec_ended ? used : min_u64(stated, z->src->size - v->data_off));
    out->good = false;
    if (walk_skipped(z->walk)) {
        return;
    }
    if (!codec_ended || used != stated) {
        walk_uneven(z->walk); /* hidden members may stand where the headers do not say */
    }
    if (!m->ended) {
        return; /* the engine has noted a failure, or did not want more */
    }
    out->good =
        v->check_crc ? m->crc32 == v->head->crc32 : descriptor_agrees(z, out->end, m->crc32);
    if (!out->good && !v->soft) {
        walk_note(z->walk, SK_NOTE_DAMAGED, "zip: member fails its checksum");
    }
}

static sk_err give_packed(struct zip *z, struct sk_child *child, const struct view *v,
                          struct outcome *out) {
    struct member_stream m;
    TRY(member_open(&m, z, v));
    sk_err err = walk_child(z->walk, child, &m.base);
    if (!sk_failed(err)) {
        judge_packed(z, v, &m, out);
    }
    sk_stream_close(m.codec);
    return err;
}

/* Marked encrypted, but plain all the same? Cipher text does not decode for long. */
static sk_err looks_plain(struct zip *z, const struct view *v, bool *out_plain) {
    *out_plain = false;
    if (v->head->method == ZIP_STORED) {
        *out_plain = v->head->packed == v->head->size && v->head->size != SK_SIZE_UNKNOWN &&
                     v->head->size != 0;
        return sk_ok();
    }
    if (!zip_has_codec(v->head->method)) {
        return sk_ok();
    }
    struct member_stream m;
    struct view trial = *v;
    trial.soft = true;
    TRY(member_open(&m, z, &trial));
    uint8_t *buf = arena_alloc(walk_arena(z->walk), TRIAL_BYTES);
    size_t got = 0;
    sk_err err = buf == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
    do {
        if (!sk_failed(err)) {
            err = member_read(&m.base, buf, TRIAL_BYTES, &got);
        }
    } while (!sk_failed(err) && got > 0 && m.got < TRIAL_BYTES);
    bool whole = v->head->size == SK_SIZE_UNKNOWN || m.got == v->head->size;
    *out_plain = !sk_failed(err) && !m.failed && m.got > 0 && (whole || !m.ended);
    sk_stream_close(m.codec);
    return err;
}

/* Follow one description. name: the header whose name is shown. */
static sk_err follow(struct zip *z, const struct view *v, const struct zip_head *name,
                     struct outcome *out) {
    const struct zip_head *h = v->head;
    struct arena_mark mark = arena_mark(walk_arena(z->walk));
    struct sk_child child = {.packed_size = h->packed,
                             .size = h->size,
                             .crc32 = h->crc32,
                             .place = z->place,
                             .index = z->index++};
    uint64_t stated = h->packed == SK_SIZE_UNKNOWN ? 0 : h->packed;
    *out = (struct outcome){.end = v->data_off + min_u64(stated, z->src->size - v->data_off)};
    put_name(z, &child, name);
    bool plain = true;
    sk_err err = is_encrypted(h) ? looks_plain(z, v, &plain) : sk_ok();
    if (sk_failed(err)) {
        arena_rewind(walk_arena(z->walk), mark);
        return err;
    }
    if (!plain) {
        err = give_encrypted(z, &child, v);
    } else if (h->method == ZIP_STORED) {
        err = give_stored(z, &child, v, out);
    } else if (zip_has_codec(h->method)) {
        err = give_packed(z, &child, v, out);
    } else {
        err = give_unsupported(z, &child, h->method);
    }
    if (plain && is_encrypted(h) && !out->good && !sk_failed(err)) {
        walk_note(z->walk, SK_NOTE_ENCRYPTED, "zip: marked as encrypted");
    }
    arena_rewind(walk_arena(z->walk), mark);
    return err;
}

/* Do two descriptions lead to the same bytes? */
static bool same_view(const struct zip_head *a, const struct zip_head *b) {
    if (a->method != b->method || is_encrypted(a) != is_encrypted(b)) {
        return false;
    }
    return is_self_ending(a->method) || a->packed == SK_SIZE_UNKNOWN ||
           b->packed == SK_SIZE_UNKNOWN || (a->packed == b->packed && a->size == b->size);
}

static bool is_empty_folder(struct zip *z, const struct zip_head *name, const struct zip_head *h) {
    if (name->name_len == 0 || h->size != 0 || h->packed > 2) {
        return false;
    }
    struct sk_cursor c = sk_source_cursor(z->src, name->name_off + name->name_len - 1, 1);
    return sk_cursor_u8(&c) == '/';
}

/* The local header of a directory entry; offsets may count from the file or from the archive. */
static bool find_local(struct zip *z, const struct zip_ref *ref, struct zip_head *out_local) {
    return zip_local_read(z->src, ref->local_off, out_local) ||
           (ref->base != 0 && zip_local_read(z->src, ref->local_off - ref->base, out_local));
}

static void note_lost(struct zip *z) {
    if (z->multi_volume) {
        zip_note_once(z, ZIP_ONCE_VOLUME, SK_NOTE_MISSING_VOLUME, "zip: member in another volume");
    } else {
        zip_note_once(z, ZIP_ONCE_DAMAGED, SK_NOTE_DAMAGED, "zip: directory entry leads nowhere");
    }
}

static bool any_same(const struct zip_head *done, unsigned count, const struct zip_head *h) {
    for (unsigned i = 0; i < count; i++) {
        if (same_view(&done[i], h)) {
            return true;
        }
    }
    return false;
}

/* Entries inside these bytes belong to an archive in the member, and come out when that is opened:
 * when the bytes are sound, and either packed (what looks like headers in them is noise, or the
 * same archive once more) or an archive from the first byte on. */
static void mark_solid(struct zip *z, const struct view *v, const struct outcome *out) {
    bool packed = v->head->method != ZIP_STORED;
    if (out->good && !is_encrypted(v->head) && out->end > z->solid_end &&
        (packed || zip_sig_at(z->src, v->data_off, ZIP_SIG_LOCAL))) {
        z->solid_end = out->end;
    }
}

/* The local header's own description, if it adds something to those of the directory. */
static sk_err follow_local(struct zip *z, const struct zip_head *local, uint64_t *inout_end) {
    struct view v = {.head = local,
                     .data_off = local->after,
                     .soft = true,
                     .check_crc = local->packed != SK_SIZE_UNKNOWN};
    struct outcome out = {0};
    TRY(follow(z, &v, local, &out));
    if (out.good && out.end > *inout_end) {
        *inout_end = out.end;
    }
    return sk_ok();
}

sk_err zip_member_known(struct zip *z, size_t first, size_t count, uint64_t *out_end) {
    const struct zip_ref *ref = &z->ref[first];
    struct zip_head local;
    uint64_t end = ref->local_off;
    if (!find_local(z, ref, &local)) {
        TRY(z->src->failed);
        note_lost(z);
        *out_end = end;
        return sk_ok();
    }
    struct zip_head done[CENTRALS_MAX];
    unsigned done_count = 0;
    end = local.after;
    z->place = local.name_off - ZIP_LOCAL_BYTES;
    for (size_t i = 0; i < count && done_count < CENTRALS_MAX; i++) {
        TRY(walk_tick(z->walk));
        struct zip_head central;
        if (!zip_central_read(z->src, ref[i].central_off, &central)) {
            return sk_failed(z->src->failed) ? z->src->failed : sk_fail(SK_E_FORMAT);
        }
        if (any_same(done, done_count, &central)) {
            continue;
        }
        done[done_count] = central;
        const struct zip_head *h = &done[done_count++];
        const struct zip_head *name = local.name_len > 0 ? &local : h;
        if (is_empty_folder(z, name, h) && (local.size == 0 || local.size == SK_SIZE_UNKNOWN)) {
            continue;
        }
        struct view v = {
            .head = h, .data_off = local.after, .soft = done_count > 1, .check_crc = true};
        struct outcome out = {0};
        TRY(follow(z, &v, name, &out));
        mark_solid(z, &v, &out);
        end = out.end > end ? out.end : end;
    }
    if (!any_same(done, done_count, &local)) {
        TRY(follow_local(z, &local, &end));
    }
    *out_end = end;
    return sk_ok();
}

/* Does a signature found between members begin a header somebody wrote? */
static bool is_plausible(struct zip *z, const struct zip_head *h) {
    if ((h->version & 0xffu) > VERSION_PLAUSIBLE_MAX || !zip_method_known(h->method) ||
        h->name_len == 0 || h->name_len > NAME_PLAUSIBLE_MAX) {
        return false;
    }
    struct sk_cursor c = sk_source_cursor(z->src, h->name_off, h->name_len);
    while (sk_cursor_left(&c) > 0) {
        if (sk_cursor_u8(&c) < 0x20) {
            return false;
        }
    }
    return true;
}

/* Stored, size in a descriptor: the data ends before the next record of any kind. */
static sk_err measure_stored(struct zip *z, struct zip_head *h) {
    static const char *const stops[] = {ZIP_SIG_LOCAL, ZIP_SIG_CENTRAL, ZIP_SIG_END, "PK\x07\x08"};
    uint64_t end = z->src->size;
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        TRY(zip_find(z, h->after, end, stops[i], &end));
    }
    h->packed = end - h->after;
    h->size = h->packed;
    return sk_ok();
}

sk_err zip_member_hidden(struct zip *z, uint64_t off, uint64_t *out_end) {
    struct zip_head h;
    *out_end = off + ZIP_SIG_BYTES;
    if (!zip_local_read(z->src, off, &h)) {
        return z->src->failed;
    }
    bool plausible = is_plausible(z, &h);
    bool readable = zip_has_codec(h.method) || h.method == ZIP_STORED;
    if (!plausible && (!readable || is_encrypted(&h) || h.name_len == 0)) {
        return sk_ok();
    }
    bool stated = h.packed != SK_SIZE_UNKNOWN;
    if (is_empty_folder(z, &h, &h) || (!stated && h.method == ZIP_STORED && h.name_len > 0)) {
        /* A folder, an empty file, or data whose length must be searched for. */
        if (stated) {
            return sk_ok();
        }
        TRY(measure_stored(z, &h));
        if (h.size == 0) {
            return sk_ok();
        }
    }
    if (z->has_directory) {
        zip_note_once(z, ZIP_ONCE_HIDDEN, SK_NOTE_HIDDEN_ENTRY,
                      "zip: member without directory entry");
    }
    struct view v = {.head = &h, .data_off = h.after, .soft = !plausible, .check_crc = stated};
    z->place = off;
    struct outcome out = {0};
    TRY(follow(z, &v, &h, &out));
    if (out.good && out.end > *out_end) {
        *out_end = out.end;
    }
    return sk_ok();
}
