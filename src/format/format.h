// SPDX-License-Identifier: Apache-2.0
/*
 * The contract between the engine and a format: one descriptor, one probe, one walk.
 *
 * probe looks at head, tail and size and bids 0..100; it is pure and must not fail. The engine
 * takes the best bid as the type of the layer and walks every descriptor that bids at least
 * SK_BID_WALK, best first: malware likes files that are two formats at once. walk reads the layer
 * through `src` and tells the engine, through `walk_*`, about children, facts and notes. It never
 * opens, logs, recurses, matches, or knows limits: walk_child returns SK_E_STOP when the engine has
 * had enough, and walk must then return at once with that error. Errors of walk: SK_OK also for
 * damaged input that it could describe with a note (SK_NOTE_DAMAGED); SK_E_FORMAT means "not this
 * format after all" or hopelessly damaged (the engine notes it); SK_E_IO, SK_E_NOMEM, SK_E_LIMIT,
 * SK_E_STOP are passed on as they come from below.
 */
#ifndef SK_FORMAT_FORMAT_H
#define SK_FORMAT_FORMAT_H

#include "base/arena.h"
#include "base/exe.h"
#include "base/fact.h"
#include "base/note.h"
#include "base/source.h"
#include "base/type.h"

#define SK_PEEK_HEAD_BYTES ((size_t)64 * 1024) /* at most; less for short layers */
#define SK_PEEK_TAIL_BYTES ((size_t)4096)
#define SK_BID_WALK 40

/* What going through the head for tags has shown, for the next who asks (content.c). */
struct sk_peek_tags {
    bool known; /* all of it was gone through: no tag of HTML, and ... */
    bool svg;
};

struct sk_peek {
    const uint8_t *head;
    size_t head_len;
    const uint8_t *tail; /* the last bytes; overlaps head in short layers */
    size_t tail_len;
    uint64_t size;
    struct sk_peek_tags *tags; /* NULL: not kept */
};

/* True when the head has these bytes at off. */
static inline bool sk_peek_has(const struct sk_peek *peek, size_t off, const char *bytes,
                               size_t len) {
    return off <= peek->head_len && len <= peek->head_len - off &&
           memcmp(peek->head + off, bytes, len) == 0;
}

#define SK_SIZE_UNKNOWN UINT64_MAX

/* What the container says about a member. All text is untrusted and **borrowed** for the call. */
struct sk_child {
    const char *name; /* any bytes, not NUL-terminated; NULL: none */
    size_t name_len;
    uint64_t packed_size; /* SK_SIZE_UNKNOWN when not stated */
    uint64_t size;        /* as stated by the container; checked by nobody */
    uint64_t expected;    /* with an unknown size: a guess, for room only; 0: none */
    uint32_t crc32;
    uint64_t
        place; /* where its header stands in src, 0: not told; for containers behind other data */
    uint32_t index; /* 0-based position in the container */
    bool encrypted;
    /* What the container says the member is, SK_TYPE_ANY: nothing. The reader of that type is
     * walked beside those that bid on the bytes; it is the member's type when the bytes tell
     * nothing closer than text or data. */
    enum sk_type as;
    /* The content is [slice_off, slice_off + slice_len) of src: the engine may scan it in place. */
    bool is_slice;
    uint64_t slice_off;
    uint64_t slice_len;
};

struct sk_walk; /* the engine's side of one walk */

/*
 * Hand over one member. data: a stream with the unpacked bytes, or NULL when there is nothing to
 * read (encrypted, unsupported method: say so with walk_note first) or when is_slice is set. The
 * engine reads as much as it wants and closes nothing. A data stream that fails with SK_E_FORMAT,
 * SK_E_UNSUPPORTED, SK_E_ENCRYPTED, SK_E_LIMIT or SK_E_NOMEM becomes a note (the last two, a
 * dictionary too large for us: SK_NOTE_LIMIT_MEMORY); walk_child still returns SK_OK and what was
 * read has been scanned. The engine may read src meanwhile: no pointer from sk_source_at(src)
 * survives a walk_child.
 */
sk_err walk_child(struct sk_walk *walk, const struct sk_child *child, struct sk_stream *data);
/*
 * Another reading of the layer's own bytes (normalised, unpacked in place): searched for the
 * signatures of `target` and of any, as part of the layer: no member, no digest, no place in
 * Container rules. It counts against the scan size. Errors of `data` as in walk_child.
 */
sk_err walk_view(struct sk_walk *walk, enum sk_target target, struct sk_stream *data);
/* detail: short English text or NULL, **borrowed** for the call. */
void walk_note(struct sk_walk *walk, enum sk_note note, const char *detail);
/* Something worth knowing that is neither a member nor left out (base/fact.h). value: untrusted
 * bytes, **borrowed** for the call; NULL: none. */
void walk_fact(struct sk_walk *walk, enum sk_fact fact, const char *value, size_t value_len);
/* An executable that is no container is walked once for its facts, with every walk_child answered
 * by SK_E_STOP, and once more for its children when it offered any. Call walk_exe first. */
/* Facts of an executable; arrays must live in walk_arena(). At most once per walk. */
void walk_exe(struct sk_walk *walk, const struct sk_exe *exe);
/* A closer type than the probe could tell (ZIP -> OOXML_WORD). */
void walk_type(struct sk_walk *walk, enum sk_type type);
/* The password number `index` to try on encrypted members, **borrowed** for the walk. False: there
 * are no more. */
bool walk_password(struct sk_walk *walk, unsigned index, struct sk_bytes *out_password);
/* Memory until the walk returns; with a ceiling: NULL means SK_E_NOMEM. */
struct arena *walk_arena(struct sk_walk *walk);
/* Call in every loop that input can prolong. SK_E_STOP: time is over, return at once. */
sk_err walk_tick(struct sk_walk *walk);
/*
 * Of a large container several processes may each look at some members (sk_format.skips). True: the
 * member handed over last was another's to look at. Nobody has read it here; take it for sound and
 * as long as it says.
 */
bool walk_skipped(const struct sk_walk *walk);
/* What comes next depends on bytes of the last member: who skipped it will see something else. The
 * container is then scanned by one process alone. */
void walk_uneven(struct sk_walk *walk);

struct sk_format {
    const char *name; /* "zip" */
    enum sk_type type;
    /* bid 0..100; may refine *out_type (several types in one reader), else leaves it. */
    int (*probe)(const struct sk_peek *peek, enum sk_type *out_type);
    sk_err (*walk)(struct sk_walk *walk, struct sk_source *src); /* NULL: typed only */
    /* Members can be left unread, which costs next to nothing, and those that follow are the same,
     * unless it calls walk_uneven. */
    bool skips;
    /* Layers need libarchive, or most likely lead to members that do (RPM: CPIO): with it missing
     * for now, reading them is not begun. */
    bool late;
};

/* Is there what the reader needs? See base/late.h for what false means. */
bool sk_format_is_ready(const struct sk_format *format);

/* Call once before entering a sandbox that forbids opening files: loads the late parts, unless they
 * are deferred (base/late.h). Never fails. */
void sk_formats_prepare(void);

/* All descriptors of formats.def, in order. */
extern const struct sk_format *const sk_formats[];
extern const unsigned sk_format_count;

struct sk_bid {
    const struct sk_format *format;
    enum sk_type type;
    int bid;
};
#define SK_BID_MAX 8
/* Bids above zero, best first (ties: order of formats.def), at most SK_BID_MAX; returns how many.
 * When nobody bids, the content decides between the text types and SK_TYPE_BINARY: *out_type is
 * always set. */
unsigned sk_identify(const struct sk_peek *peek, struct sk_bid *out_bids, enum sk_type *out_type);

#endif
