// SPDX-License-Identifier: Apache-2.0
/*
 * Bridge between struct sk_source / walk_child and libarchive.
 *
 *     struct sk_source --read, skip, seek callbacks--> struct archive --next header--> sk_child
 *                                                                     --data blocks--> sk_stream
 *
 * Owns one struct archive and one read buffer for the time of one walk. libarchive keeps the
 * pointer it got from the read callback until the next call, and the engine may move the windows
 * of the source in between: so bytes of a windowed source are copied to the buffer; those of a
 * source in memory are handed over as they are.
 *
 * Memory of libarchive comes from malloc inside the library and is not counted by any arena: what
 * bounds it is RLIMIT_AS of the sandboxed process (7-Zip and RAR dictionaries are the large users).
 *
 * Nothing here opens a file. Names are converted by libarchive to the character set of the locale;
 * that may want tables from disk (iconv), fails under the sandbox, and must not lose a member: the
 * header then comes with ARCHIVE_WARN and perhaps without a name, and is scanned all the same. The
 * walk runs in the locale C.UTF-8 where it is available, so that names do not depend on the user.
 * Library and locale are loaded when the first archive comes (base/late.h).
 *
 * Data comes in blocks by archive_read_data_block, not archive_read_data: the latter drops the
 * block that arrives together with a warning (the last one of a member with a wrong checksum).
 *
 * libarchive tells causes in words only; CAUSES maps them. A failure of our own callbacks (I/O,
 * time is over) is kept in reader.err and wins over whatever libarchive makes of it.
 *
 * Out of memory: in a few places (names) libarchive ends the process with exit(1) instead of
 * failing, when errno says ENOMEM, be it from an earlier call. So errno is cleared before each
 * call; what is left ends a sandboxed worker, which its parent must count as dead.
 *
 * Loops: every header, block and read of the source asks walk_tick, so that no input can spin.
 */
#include "format/libarchive.h"

#include <errno.h>
#include <locale.h>

#include "base/late.h"
#include "base/mem.h"
#include "format/archive_calls.h"

#define READ_BYTES ((size_t)64 * 1024)
#define MEM_STEP_BYTES ((size_t)4 * 1024 * 1024)
#define EMPTY_BLOCKS_MAX 65536U

struct reader {
    struct sk_walk *walk;
    struct sk_source *src;
    sk_libarchive_enable enable;
    struct archive *archive;
    uint8_t *buf; /* READ_BYTES, or NULL when the source is in memory */
    uint64_t pos;
    sk_err err;       /* of our callbacks; sticky */
    bool unsupported; /* a member was: what shares its packed stream then looks damaged */
    bool open;        /* a format was chosen: before, libarchive crashes on some questions */
};

/* ---- words of libarchive ---- */

struct cause {
    const char *word;
    enum sk_err_code code;
};

static const struct cause CAUSES[] = {
    {"ncrypt", SK_E_ENCRYPTED},
    {"Crypto", SK_E_ENCRYPTED},
    {"assword", SK_E_ENCRYPTED},
    {"nsupported", SK_E_UNSUPPORTED},
    {"not supported", SK_E_UNSUPPORTED},
    {"unavailable", SK_E_UNSUPPORTED},
    {"isn't supported", SK_E_UNSUPPORTED},
    {"codec ID", SK_E_UNSUPPORTED},
    {"No support", SK_E_UNSUPPORTED},
    {"memory", SK_E_NOMEM},
};

static sk_err cause_in_words(const char *text) {
    for (size_t i = 0; text != NULL && i < sizeof(CAUSES) / sizeof(CAUSES[0]); i++) {
        if (strstr(text, CAUSES[i].word) != NULL) {
            return sk_fail(CAUSES[i].code);
        }
    }
    return sk_fail(SK_E_FORMAT);
}

/* Why the last call failed. */
static sk_err cause_of(struct reader *r) {
    if (sk_failed(r->err)) {
        return r->err;
    }
    if (la.archive_errno(r->archive) == ENOMEM) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = cause_in_words(la.archive_error_string(r->archive));
    if (err.code == SK_E_FORMAT && r->unsupported) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    r->unsupported = r->unsupported || err.code == SK_E_UNSUPPORTED;
    return err;
}

/* ---- source to libarchive ---- */

static la_ssize_t on_read(struct archive *archive, void *ctx, const void **out_bytes) {
    struct reader *r = ctx;
    (void)archive;
    r->err = sk_failed(r->err) ? r->err : walk_tick(r->walk);
    if (sk_failed(r->err)) {
        return -1;
    }
    if (r->pos >= r->src->size) {
        return 0;
    }
    uint64_t left = r->src->size - r->pos;
    size_t got = 0;
    if (r->buf == NULL) {
        got = left < MEM_STEP_BYTES ? (size_t)left : MEM_STEP_BYTES;
        *out_bytes = r->src->mem + r->pos;
    } else {
        r->err = sk_source_read(r->src, r->pos, r->buf, READ_BYTES, &got);
        if (sk_failed(r->err)) {
            return -1;
        }
        *out_bytes = r->buf;
    }
    r->pos += got;
    return (la_ssize_t)got;
}

static la_int64_t on_skip(struct archive *archive, void *ctx, la_int64_t request) {
    struct reader *r = ctx;
    (void)archive;
    if (request <= 0 || r->pos >= r->src->size) {
        return 0;
    }
    uint64_t left = r->src->size - r->pos;
    uint64_t step = (uint64_t)request < left ? (uint64_t)request : left;
    r->pos += step;
    return (la_int64_t)step;
}

static la_int64_t on_seek(struct archive *archive, void *ctx, la_int64_t off, int whence) {
    struct reader *r = ctx;
    (void)archive;
    int64_t base = whence == SEEK_CUR ? (int64_t)r->pos : 0;
    base = whence == SEEK_END ? (int64_t)r->src->size : base;
    int64_t target;
    if (__builtin_add_overflow(base, off, &target) || target < 0) {
        return ARCHIVE_FATAL;
    }
    r->pos = (uint64_t)target < r->src->size ? (uint64_t)target : r->src->size;
    return (la_int64_t)r->pos;
}

static bool archive_start(struct reader *r) {
    struct archive *a = r->archive;
    return r->enable(a) >= ARCHIVE_WARN &&
           la.archive_read_set_read_callback(a, on_read) == ARCHIVE_OK &&
           la.archive_read_set_skip_callback(a, on_skip) == ARCHIVE_OK &&
           la.archive_read_set_seek_callback(a, on_seek) == ARCHIVE_OK &&
           la.archive_read_set_callback_data(a, r) == ARCHIVE_OK &&
           la.archive_read_open1(a) >= ARCHIVE_WARN;
}

/* ---- members to the engine ---- */

struct member_stream {
    struct sk_stream base;
    struct reader *reader;
    const uint8_t *block; /* borrowed from libarchive until the next block */
    size_t block_len;
    bool warned; /* something was wrong with a block that came */
    bool ended;
    sk_err err;
};

static void finish(struct member_stream *m, sk_err err) {
    m->ended = true;
    m->err = err;
}

/* The block is used up: get another. */
static void next_block(struct member_stream *m) {
    struct reader *r = m->reader;
    for (unsigned tries = 0; tries < EMPTY_BLOCKS_MAX; tries++) {
        sk_err tick = walk_tick(r->walk);
        if (sk_failed(tick)) {
            r->err = tick;
            finish(m, tick);
            return;
        }
        const void *bytes = NULL;
        size_t len = 0;
        int64_t off = 0;
        errno = 0;
        int result = la.archive_read_data_block(r->archive, &bytes, &len, &off);
        if (result == ARCHIVE_EOF) {
            finish(m, m->warned ? sk_fail(SK_E_FORMAT) : sk_ok());
            return;
        }
        if (result < ARCHIVE_WARN) {
            finish(m, cause_of(r));
            return;
        }
        m->warned = m->warned || result == ARCHIVE_WARN;
        m->block = bytes;
        m->block_len = bytes == NULL ? 0 : len;
        if (m->block_len > 0) {
            return;
        }
    }
    finish(m, sk_fail(SK_E_FORMAT));
}

static size_t give_block(struct member_stream *m, uint8_t *buf, size_t cap) {
    size_t n = m->block_len < cap ? m->block_len : cap;
    if (n > 0) {
        memcpy(buf, m->block, n);
        m->block += n;
        m->block_len -= n;
    }
    return n;
}

static sk_err member_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct member_stream *m = (struct member_stream *)(void *)base;
    size_t got = 0;
    while (got < cap) {
        if (m->block_len == 0 && m->ended) {
            break;
        }
        if (m->block_len == 0) {
            next_block(m);
        }
        got += give_block(m, buf + got, cap - got);
    }
    if (got == 0 && sk_failed(m->err)) {
        return m->err;
    }
    *out_len = got;
    return sk_ok();
}

static void name_of(struct archive_entry *entry, struct sk_child *child) {
    const char *name = la.archive_entry_pathname(entry);
    if (name == NULL) {
        name = la.archive_entry_pathname_utf8(entry);
    }
    child->name = name;
    child->name_len = name == NULL ? 0 : strlen(name);
}

/* ISO 9660 states the size of the directory itself. */
static bool is_directory_extent(struct reader *r, struct archive_entry *entry) {
    return la.archive_entry_filetype(entry) == AE_IFDIR &&
           (la.archive_format(r->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ISO9660;
}

/* A link or directory has no content, unless somebody hides some there. */
static bool is_empty_special(struct reader *r, struct archive_entry *entry) {
    bool empty = !la.archive_entry_size_is_set(entry) || la.archive_entry_size(entry) <= 0;
    bool special =
        la.archive_entry_hardlink(entry) != NULL ||
        (la.archive_entry_filetype(entry) != AE_IFREG && la.archive_entry_filetype(entry) != 0);
    return (empty && special) || is_directory_extent(r, entry);
}

static sk_err emit(struct reader *r, struct archive_entry *entry, uint32_t index) {
    struct sk_child child = {
        .packed_size = SK_SIZE_UNKNOWN, .size = SK_SIZE_UNKNOWN, .index = index};
    name_of(entry, &child);
    if (la.archive_entry_size_is_set(entry) && la.archive_entry_size(entry) >= 0) {
        child.size = (uint64_t)la.archive_entry_size(entry);
    }
    if (la.archive_entry_is_encrypted(entry) > 0) {
        child.encrypted = true;
        walk_note(r->walk, SK_NOTE_ENCRYPTED, NULL);
        return walk_child(r->walk, &child, NULL);
    }
    struct member_stream m = {.base = {.read = member_read}, .reader = r};
    TRY(walk_child(r->walk, &child, &m.base));
    return r->err;
}

/* ---- the walk ---- */

/* The note for a failure that libarchive reports; SK_NOTE_COUNT: none fits. */
static enum sk_note note_of(sk_err err, uint32_t members) {
    switch (err.code) {
    case SK_E_ENCRYPTED:
        return SK_NOTE_ENCRYPTED;
    case SK_E_UNSUPPORTED:
        return SK_NOTE_METHOD;
    case SK_E_NOMEM: /* mostly a size made up by the archive */
        return SK_NOTE_LIMIT_MEMORY;
    case SK_E_FORMAT:
        return members > 0 ? SK_NOTE_DAMAGED : SK_NOTE_COUNT;
    default:
        return SK_NOTE_COUNT;
    }
}

/* No further header can be read: tell why, unless there was nothing at all. */
static sk_err close_early(struct reader *r, uint32_t members) {
    TRY(r->err);
    sk_err err = cause_of(r);
    if (err.code == SK_E_FORMAT && r->open &&
        la.archive_read_has_encrypted_entries(r->archive) > 0) {
        err = sk_fail(SK_E_ENCRYPTED);
    }
    enum sk_note note = note_of(err, members);
    if (note == SK_NOTE_COUNT) {
        return err;
    }
    walk_note(r->walk, note, la.archive_error_string(r->archive));
    return sk_ok();
}

/* One note for a run of headers that are passed over. */
static void note_refused(struct reader *r, bool *in_run) {
    if (!*in_run) {
        walk_note(r->walk, SK_NOTE_DAMAGED, la.archive_error_string(r->archive));
        *in_run = true;
    }
}

/* The reader of ISO 9660 reads on from where it is: a directory, or a file, that lies before that
 * is passed over with a warning. A file whose extent reaches over them hides them so. */
static bool is_passed_over(struct reader *r, int result) {
    static const char WORDS[] = "Ignoring out-of-order";
    const char *text = result == ARCHIVE_WARN ? la.archive_error_string(r->archive) : NULL;
    return text != NULL && strncmp(text, WORDS, sizeof(WORDS) - 1) == 0;
}

static sk_err read_members(struct reader *r) {
    bool refused = false;
    uint32_t members = 0;
    for (;;) {
        TRY(walk_tick(r->walk));
        struct archive_entry *entry = NULL;
        errno = 0;
        int result = la.archive_read_next_header(r->archive, &entry);
        if (result == ARCHIVE_EOF) {
            return sk_ok();
        }
        if (result == ARCHIVE_RETRY && !sk_failed(r->err)) {
            note_refused(r, &refused);
            continue;
        }
        if (result < ARCHIVE_WARN || entry == NULL) {
            return close_early(r, members);
        }
        refused = false;
        if (is_passed_over(r, result)) {
            walk_note(r->walk, SK_NOTE_DAMAGED, la.archive_error_string(r->archive));
        } else if (!is_empty_special(r, entry)) {
            TRY(emit(r, entry, members));
        }
        members++;
    }
}

static sk_err walk_with(struct reader *r) {
    if (r->src->mem == NULL) {
        r->buf = mem_alloc(READ_BYTES);
        if (r->buf == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
    }
    r->archive = la.archive_read_new();
    if (r->archive == NULL) {
        mem_free(r->buf);
        return sk_fail(SK_E_NOMEM);
    }
    errno = 0;
    r->open = archive_start(r);
    sk_err err = r->open ? read_members(r) : close_early(r, 0);
    (void)la.archive_read_free(r->archive); /* nothing to do about a failing release */
    mem_free(r->buf);
    return err;
}

/* One object for the process, never freed: (locale_t)0 when the system has no such locale. */
static locale_t utf8;

static bool load(void) {
    utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return archive_calls_load();
}

bool sk_libarchive_load(void) {
    static enum late_state state;
    return late_load(&state, load);
}

sk_err sk_libarchive_walk(struct sk_walk *walk, struct sk_source *src,
                          sk_libarchive_enable enable) {
    struct reader r = {.walk = walk, .src = src, .enable = enable};
    if (!sk_libarchive_load()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    locale_t before = utf8 == (locale_t)0 ? (locale_t)0 : uselocale(utf8);
    sk_err err = walk_with(&r);
    if (utf8 != (locale_t)0) {
        (void)uselocale(before);
    }
    return err;
}
