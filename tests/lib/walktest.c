// SPDX-License-Identifier: Apache-2.0
/*
 * Recorder behind the walk_* contract. It reads every child to its end in chunks of a chosen size,
 * keeps the first bytes, the length and the CRC-32, and counts notes as the engine would: a stream
 * that fails with FORMAT, UNSUPPORTED, ENCRYPTED, LIMIT or NOMEM is a note, anything else ends the
 * walk. A slice is read from the source afterwards, which also checks its bounds.
 */
#include "walktest.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct sk_walk {
    struct walktest *t;
    struct sk_source *src;
    struct arena arena;
};

static void *must(void *p) {
    if (p == NULL) {
        abort();
    }
    return p;
}

static void *copy_of(const void *p, size_t len) {
    void *copy = must(malloc(len == 0 ? 1 : len));
    if (len != 0) {
        memcpy(copy, p, len);
    }
    return copy;
}

void walktest_init(struct walktest *t) {
    *t = (struct walktest){.child_max_bytes = (uint64_t)256 << 20,
                           .read_chunk_bytes = (size_t)64 * 1024,
                           .arena_ceiling_bytes = (size_t)64 << 20};
}

static void record_bytes(struct walktest *t, struct walktest_child *c, const uint8_t *p,
                         size_t len) {
    if (c->got_bytes < WALKTEST_KEEP_BYTES) {
        size_t room = WALKTEST_KEEP_BYTES - (size_t)c->got_bytes;
        memcpy(c->head + c->got_bytes, p, len < room ? len : room);
    }
    c->got_crc32 = (uint32_t)crc32_z(c->got_crc32, p, len);
    c->got_bytes += len;
    t->child_bytes += len;
}

/* Into the record of a child, and whole into a view when there is one. */
static sk_err read_stream(struct walktest *t, struct walktest_child *c, struct sk_stream *data,
                          struct walktest_view *view) {
    uint8_t *chunk = must(malloc(t->read_chunk_bytes));
    sk_err err = sk_ok();
    while (c->got_bytes < t->child_max_bytes) {
        size_t got = 0;
        err = sk_stream_read(data, chunk, t->read_chunk_bytes, &got);
        if (sk_failed(err) || got == 0) {
            break;
        }
        if (got > t->read_chunk_bytes) {
            abort();
        }
        record_bytes(t, c, chunk, got);
        if (view != NULL) {
            view->bytes = must(realloc(view->bytes, view->len + got));
            memcpy(view->bytes + view->len, chunk, got);
            view->len += got;
        }
    }
    free(chunk);
    return err;
}

static sk_err read_slice(struct sk_walk *walk, struct walktest_child *c,
                         const struct sk_child *said) {
    struct sk_source_stream st;
    return read_stream(
        walk->t, c, sk_source_stream_init(&st, walk->src, said->slice_off, said->slice_len), NULL);
}

static sk_err note_data_error(struct sk_walk *walk, sk_err err) {
    switch (err.code) {
    case SK_OK:
        return err;
    case SK_E_FORMAT:
        walk_note(walk, SK_NOTE_DAMAGED, "data");
        return sk_ok();
    case SK_E_UNSUPPORTED:
        walk_note(walk, SK_NOTE_METHOD, "data");
        return sk_ok();
    case SK_E_ENCRYPTED:
        walk_note(walk, SK_NOTE_ENCRYPTED, "data");
        return sk_ok();
    case SK_E_LIMIT:
    case SK_E_NOMEM:
        walk_note(walk, SK_NOTE_LIMIT_MEMORY, "data");
        return sk_ok();
    default:
        return err;
    }
}

sk_err walk_child(struct sk_walk *walk, const struct sk_child *child, struct sk_stream *data) {
    struct walktest *t = walk->t;
    if (t->stop_after_children != 0 && t->child_count >= t->stop_after_children) {
        return sk_fail(SK_E_STOP);
    }
    if (t->child_count == t->child_cap) {
        t->child_cap = t->child_cap == 0 ? 8 : t->child_cap * 2;
        t->child = must(realloc(t->child, t->child_cap * sizeof(*t->child)));
    }
    struct walktest_child *c = &t->child[t->child_count++];
    *c = (struct walktest_child){.name_len = child->name_len,
                                 .packed_size = child->packed_size,
                                 .size = child->size,
                                 .crc32 = child->crc32,
                                 .index = child->index,
                                 .encrypted = child->encrypted,
                                 .as = child->as,
                                 .is_slice = child->is_slice,
                                 .has_data = data != NULL};
    if (child->name != NULL) {
        c->name = must(malloc(child->name_len + 1));
        memcpy(c->name, child->name, child->name_len);
        c->name[child->name_len] = 0;
    }
    if (data != NULL) {
        c->data_err = read_stream(t, c, data, NULL);
    } else if (child->is_slice) {
        c->data_err = read_slice(walk, c, child);
    }
    return note_data_error(walk, c->data_err);
}

sk_err walk_view(struct sk_walk *walk, enum sk_target target, struct sk_stream *data) {
    struct walktest *t = walk->t;
    struct walktest_child *c = must(calloc(1, sizeof(*c)));
    t->view = must(realloc(t->view, (t->view_count + 1) * sizeof(*t->view)));
    struct walktest_view *v = &t->view[t->view_count++];
    *v = (struct walktest_view){.target = target};
    sk_err err = read_stream(t, c, data, v);
    free(c);
    return note_data_error(walk, err);
}

void walk_fact(struct sk_walk *walk, enum sk_fact fact, const char *value, size_t value_len) {
    struct walktest *t = walk->t;
    if ((unsigned)fact >= SK_FACT_COUNT) {
        abort();
    }
    t->fact = must(realloc(t->fact, (t->fact_count + 1) * sizeof(*t->fact)));
    struct walktest_fact *f = &t->fact[t->fact_count++];
    *f = (struct walktest_fact){.fact = fact, .value_len = value_len};
    if (value != NULL) {
        f->value = must(malloc(value_len + 1));
        memcpy(f->value, value, value_len);
        f->value[value_len] = 0;
    }
}

void walk_note(struct sk_walk *walk, enum sk_note note, const char *detail) {
    if ((unsigned)note >= SK_NOTE_COUNT) {
        abort();
    }
    walk->t->note[note]++;
    if (detail != NULL) {
        size_t len = strlen(detail);
        len = len < sizeof(walk->t->last_detail) ? len : sizeof(walk->t->last_detail) - 1;
        memcpy(walk->t->last_detail, detail, len);
        walk->t->last_detail[len] = 0;
    }
}

static void release_exe(struct walktest *t) {
    free((void *)(uintptr_t)t->exe.section);
    free((void *)(uintptr_t)t->exe.vinfo);
    free((void *)(uintptr_t)t->exe.imports);
}

void walk_exe(struct sk_walk *walk, const struct sk_exe *exe) {
    struct walktest *t = walk->t;
    release_exe(t);
    t->has_exe = true;
    t->exe = *exe;
    t->exe.section = copy_of(exe->section, exe->section_count * sizeof(*exe->section));
    t->exe.vinfo = copy_of(exe->vinfo, exe->vinfo_count * sizeof(*exe->vinfo));
    t->exe.imports = exe->imports == NULL ? NULL : copy_of(exe->imports, exe->imports_len + 1);
}

bool walk_skipped(const struct sk_walk *walk) {
    (void)walk;
    return false;
}

void walk_uneven(struct sk_walk *walk) {
    walk->t->uneven++;
}

void walk_type(struct sk_walk *walk, enum sk_type type) {
    walk->t->has_type = true;
    walk->t->type = type;
}

bool walk_password(struct sk_walk *walk, unsigned index, struct sk_bytes *out_password) {
    static const char *const known[] = {"", "infected", "secret"};
    (void)walk;
    if (index >= sizeof(known) / sizeof(known[0])) {
        return false;
    }
    *out_password = (struct sk_bytes){(const uint8_t *)known[index], strlen(known[index])};
    return true;
}

struct arena *walk_arena(struct sk_walk *walk) {
    return &walk->arena;
}

sk_err walk_tick(struct sk_walk *walk) {
    walk->t->ticks++;
    bool over = walk->t->stop_after_ticks != 0 && walk->t->ticks >= walk->t->stop_after_ticks;
    return over ? sk_fail(SK_E_STOP) : sk_ok();
}

sk_err walktest_run_source(struct walktest *t, const struct sk_format *format,
                           struct sk_source *src) {
    struct sk_walk walk = {.t = t, .src = src};
    arena_init(&walk.arena, t->arena_ceiling_bytes);
    sk_err err = format->walk(&walk, src);
    arena_release(&walk.arena);
    return err;
}

sk_err walktest_run(struct walktest *t, const struct sk_format *format, const void *bytes,
                    size_t len) {
    /* An exact copy on the heap, so that ASan sees a read past the end. */
    void *copy = copy_of(bytes, len);
    struct sk_source src;
    sk_source_init_mem(&src, copy, len);
    sk_err err = walktest_run_source(t, format, &src);
    sk_source_release(&src);
    free(copy);
    return err;
}

static sk_err read_mem(void *ctx, uint64_t off, void *buf, size_t len) {
    memcpy(buf, (const uint8_t *)ctx + off, len);
    return sk_ok();
}

sk_err walktest_run_windowed(struct walktest *t, const struct sk_format *format, const void *bytes,
                             size_t len) {
    void *copy = copy_of(bytes, len);
    struct sk_source src;
    sk_source_init_read(&src, len, read_mem, copy);
    sk_err err = walktest_run_source(t, format, &src);
    sk_source_release(&src);
    free(copy);
    return err;
}

const struct walktest_child *walktest_find(const struct walktest *t, const char *name) {
    for (size_t i = 0; i < t->child_count; i++) {
        const struct walktest_child *c = &t->child[i];
        if (c->name != NULL && c->name_len == strlen(name) &&
            memcmp(c->name, name, c->name_len) == 0) {
            return c;
        }
    }
    return NULL;
}

bool walktest_has(const struct walktest *t, const char *name, const void *bytes, size_t len) {
    uint32_t crc = (uint32_t)crc32_z(0, bytes, len);
    for (size_t i = 0; i < t->child_count; i++) {
        const struct walktest_child *c = &t->child[i];
        bool named = name == NULL || (c->name != NULL && strcmp(c->name, name) == 0);
        if (named && c->got_bytes == len && c->got_crc32 == crc) {
            return true;
        }
    }
    return false;
}

bool walktest_told(const struct walktest *t, enum sk_fact fact, const char *value) {
    for (size_t i = 0; i < t->fact_count; i++) {
        const struct walktest_fact *f = &t->fact[i];
        if (f->fact == fact &&
            (value == NULL || (f->value != NULL && strcmp(f->value, value) == 0))) {
            return true;
        }
    }
    return false;
}

int walktest_bid(const struct sk_format *format, const void *bytes, size_t len,
                 enum sk_type *out_type) {
    size_t head_len = len < SK_PEEK_HEAD_BYTES ? len : SK_PEEK_HEAD_BYTES;
    size_t tail_len = len < SK_PEEK_TAIL_BYTES ? len : SK_PEEK_TAIL_BYTES;
    uint8_t *head = copy_of(bytes, head_len);
    uint8_t *tail = copy_of((const uint8_t *)bytes + (len - tail_len), tail_len);
    struct sk_peek peek = {
        .head = head, .head_len = head_len, .tail = tail, .tail_len = tail_len, .size = len};
    *out_type = format->type;
    int bid = format->probe(&peek, out_type);
    free(head);
    free(tail);
    return bid;
}

void walktest_release(struct walktest *t) {
    for (size_t i = 0; i < t->child_count; i++) {
        free(t->child[i].name);
    }
    free(t->child);
    for (size_t i = 0; i < t->view_count; i++) {
        free(t->view[i].bytes);
    }
    free(t->view);
    for (size_t i = 0; i < t->fact_count; i++) {
        free(t->fact[i].value);
    }
    free(t->fact);
    release_exe(t);
    walktest_init(t);
}
