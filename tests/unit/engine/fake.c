// SPDX-License-Identifier: Apache-2.0
/*
 * See fake.h. Types by magic: "BOX1" container (ZIP), "MBX1" the same as mail, "EXE1" executable
 * (PE) whose first 16 bytes after the magic are its only section, with members when a box follows
 * at offset 64; "TYP1" a container without a reader (PDF); "TXT1" text; "MAIL" a mail, by content
 * alone; "POLY" + box at 4: box and executable at once.
 */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/digest.h"
#include "format/content.h"
#include "format/pe_icons.h"

struct fake_world fake;

/* ---- definitions -------------------------------------------------------------------------- */

struct defset {
    int unused;
};
struct image {
    int unused;
};
struct matcher {
    int unused;
};

static struct defset the_set;
static struct image the_image;
static struct matcher the_matcher;
static struct mt_sig the_sigs[64];
static struct mt_attr the_attrs[sizeof(the_sigs) / sizeof(the_sigs[0])];
static struct mt_segment the_segment;
static struct hs_set the_sets[HS_ROLE_COUNT][HS_ALGO_COUNT];
static struct sk_engine the_engine;

void fake_reset(const struct fake_sig *sig, unsigned count) {
    fake = (struct fake_world){.sig = sig, .sig_count = count};
    memset(the_sets, 0, sizeof(the_sets));
    memset(the_sigs, 0, sizeof(the_sigs));
    for (unsigned i = 0; i < count; i++) {
        the_sigs[i].target = (uint8_t)sig[i].target;
        the_sigs[i].sub_count = 1;
        the_sigs[i].flags = sig[i].logical ? MT_SIG_LOGICAL : 0;
    }
    the_segment = (struct mt_segment){.sig = the_sigs, .sig_count = count, .attr = the_attrs};
}

void fake_handler(unsigned sig, enum sk_type type) {
    the_sigs[sig].flags |= MT_SIG_HANDLER;
    the_sigs[sig].attr_first = sig;
    the_sigs[sig].attr_count = 1;
    the_attrs[sig] = (struct mt_attr){.key = MT_ATTR_HANDLER, .min = type};
}

void fake_hash(enum hs_role role, enum hs_algo algo, const void *bytes, size_t len,
               const char *name) {
    struct fake_hash *h = &fake.hash[fake.hash_count++];
    *h = (struct fake_hash){.role = role, .algo = algo, .size = (uint32_t)len, .name = name};
    assert_false(sk_failed(crypto_digest((enum crypto_algo)algo, bytes, len, h->digest)));
    the_sets[role][algo].record_count++;
    the_sets[role][algo].algo = algo;
}

struct sk_engine *fake_engine(void) {
    the_engine = (struct sk_engine){
        .set = &the_set, .segment_count = 1, .image = {&the_image}, .segment = {&the_segment}};
    return &the_engine;
}

uint64_t fake_clock(void) {
    return fake.clock_ms;
}

sk_err defset_open(const char *path, struct diag *diag, struct defset **out_set) {
    (void)path;
    diag_say(diag, DIAG_ERROR, "x", 7, "no such thing");
    (void)out_set;
    return sk_fail(SK_E_NOTFOUND);
}
void defset_close(struct defset *set) {
    (void)set;
}
unsigned defset_count(const struct defset *set) {
    (void)set;
    return 1;
}
const struct image *defset_image(const struct defset *set, unsigned index) {
    (void)set;
    (void)index;
    return &the_image;
}
void defset_keep_official(struct defset *set) {
    (void)set;
}

uint64_t defset_signature_count(const struct defset *set) {
    (void)set;
    return fake.sig_count + fake.hash_count;
}
bool defset_ignores(const struct defset *set, const char *name) {
    (void)set;
    return fake.ignored != NULL && strcmp(fake.ignored, name) == 0;
}
const struct rules *image_rules(const struct image *img) {
    (void)img;
    return &fake.rules;
}

void image_prefetch(const struct image *img) {
    (void)img;
}

const struct mt_segment *image_segment(const struct image *img) {
    (void)img;
    return &the_segment;
}
const struct hs_set *image_hashes(const struct image *img, enum hs_algo algo, enum hs_role role) {
    (void)img;
    return &the_sets[role][algo];
}
sk_err image_name(const struct image *img, uint32_t ref, struct buf *out) {
    (void)img;
    if (ref >= 1000) {
        return buf_puts(out, fake.hash[ref - 1000].name);
    }
    return buf_puts(out, fake.sig[ref].name);
}
bool hs_gate(const struct hs_set *set, uint64_t size) {
    for (unsigned i = 0; i < fake.hash_count; i++) {
        if (&the_sets[fake.hash[i].role][fake.hash[i].algo] == set && fake.hash[i].size == size) {
            return true;
        }
    }
    return false;
}
unsigned hs_lookup(const struct hs_set *set, const uint8_t *digest, uint64_t size,
                   bool (*found)(void *ctx, uint32_t name), void *ctx) {
    unsigned calls = 0;
    for (unsigned i = 0; i < fake.hash_count; i++) {
        const struct fake_hash *h = &fake.hash[i];
        if (&the_sets[h->role][h->algo] == set && h->size == size &&
            memcmp(h->digest, digest, crypto_digest_bytes((enum crypto_algo)h->algo)) == 0) {
            calls++;
            if (!found(ctx, 1000 + i)) {
                break;
            }
        }
    }
    return calls;
}

/* ---- matcher ------------------------------------------------------------------------------ */

sk_err matcher_new(const struct mt_segment *const *segments, unsigned count,
                   struct matcher **out_matcher) {
    (void)segments;
    (void)count;
    *out_matcher = &the_matcher;
    return sk_ok();
}
void matcher_regexes_off(struct matcher *m, bool all, uint32_t flags) {
    (void)m;
    (void)all;
    (void)flags;
}

void matcher_free(struct matcher *m) {
    (void)m;
}
bool matcher_near_miss(const struct matcher *m) {
    (void)m;
    return fake.near_miss;
}
sk_err matcher_explain(struct matcher *m, const struct match_layer *layer,
                       const struct match_sig *which, struct match_trial *out_trial) {
    (void)m;
    *out_trial = (struct match_trial){.segment = which->segment,
                                      .sig = which->sig,
                                      .of_target = true,
                                      .holds = true,
                                      .sub_count = 1,
                                      .sub[0] = {2, {3, layer->src->size}, 2}};
    return sk_ok();
}
sk_err matcher_try(struct matcher *m, const struct match_layer *layer, struct match_budget *budget,
                   const struct match_tries *tries) {
    struct match_trial trial;
    (void)budget;
    for (size_t i = 0; i < tries->count; i++) {
        SK_IGNORE(matcher_explain(m, layer, &tries->sig[i], &trial), "never fails");
        tries->tried(tries->ctx, &trial);
    }
    return sk_ok();
}
const struct match_stats *matcher_stats(const struct matcher *m) {
    static const struct match_stats none;
    (void)m;
    return &none;
}

static void match_one(const struct match_layer *layer, unsigned i, const uint8_t *bytes, size_t len,
                      match_hit_fn found, void *ctx) {
    const struct fake_sig *sig = &fake.sig[i];
    if (sig->target != SK_TARGET_ANY && sig->target != layer->target) {
        return;
    }
    const uint8_t *at = memmem(bytes, len, sig->text, strlen(sig->text));
    if (at != NULL) {
        struct match_hit hit = {.sig = i, .name = i, .offset = (uint64_t)(at - bytes)};
        (void)found(ctx, &hit);
    }
}

/* As the search does. */
static sk_err look_at_all(const struct match_layer *layer) {
    struct sk_source *src = layer->glance;
    if (src == NULL) {
        return sk_ok();
    }
    fake.glanced++;
    if (fake.on_look != NULL) {
        fake.on_look();
    }
    static volatile uint8_t sum;
    for (uint64_t at = 0; at < src->size; at += 4096) {
        size_t avail;
        const uint8_t *p = sk_source_at(src, at, 5120, &avail);
        TRY(src->failed);
        sum = (uint8_t)(sum + *p);
    }
    return sk_ok();
}

sk_err matcher_scan(struct matcher *m, const struct match_layer *layer, struct match_budget *budget,
                    match_hit_fn found, void *ctx) {
    (void)m;
    unsigned n = fake.matched++ % 256;
    fake.target[n] = layer->target;
    fake.container[n] = layer->container;
    fake.exe[n] = layer->exe != NULL;
    /* Layers in these tests are short, or all the same byte after their start. */
    static uint8_t bytes[1 << 16];
    size_t got = 0;
    TRY(look_at_all(layer));
    TRY(sk_source_read(layer->src, 0, bytes, sizeof(bytes), &got));
    for (unsigned i = 0; i < fake.sig_count; i++) {
        match_one(layer, i, bytes, got, found, ctx);
    }
    for (uint64_t i = 0; i < fake.match_ticks; i++) {
        if (!budget->tick(budget->ctx)) {
            return sk_fail(SK_E_LIMIT);
        }
    }
    return fake.match_err;
}

void matcher_repeat(struct matcher *m, const struct match_layer *layer, struct match_budget *budget,
                    const struct match_hits *hits) {
    (void)m;
    (void)layer;
    (void)budget;
    fake.repeated++;
    for (size_t i = 0; i < hits->count; i++) {
        (void)hits->found(hits->ctx, &hits->item[i]);
    }
}

/* ---- formats ------------------------------------------------------------------------------ */

struct member_stream {
    struct sk_stream base;
    enum fake_kind kind;
    struct sk_source *src;
    uint64_t off;
    uint64_t len;
    uint64_t pos;
    uint64_t rounds;
    uint32_t seconds;
};

static sk_err member_end(const struct member_stream *st) {
    if (st->kind == FAKE_BROKEN) {
        return sk_fail(SK_E_FORMAT);
    }
    return st->kind == FAKE_UNREADABLE ? sk_fail(SK_E_IO) : sk_ok();
}

static sk_err member_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct member_stream *st = (struct member_stream *)(void *)base;
    fake.clock_ms += (uint64_t)st->seconds * 1000;
    *out_len = 0;
    if (st->kind == FAKE_METHOD) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    size_t done = 0;
    while (done < cap && st->rounds > 0) {
        size_t got = 0;
        size_t want = cap - done < st->len - st->pos ? cap - done : (size_t)(st->len - st->pos);
        TRY(sk_source_read(st->src, st->off + st->pos, buf + done, want, &got));
        done += got;
        st->pos += got;
        if (st->pos == st->len) {
            st->pos = 0;
            st->rounds--;
        }
        if (got == 0) {
            break;
        }
    }
    if (done == 0) {
        return member_end(st);
    }
    *out_len = done;
    return sk_ok();
}

struct member {
    enum fake_kind kind;
    uint32_t name_len;
    uint32_t len;
    uint32_t argument;
    char name[256];
    uint64_t off; /* of the content */
};

static bool read_header(struct sk_source *src, uint64_t off, struct member *out) {
    uint8_t head[10];
    size_t got = 0;
    if (sk_failed(sk_source_read(src, off, head, sizeof(head), &got)) || got < sizeof(head)) {
        return false;
    }
    out->kind = (enum fake_kind)head[0];
    out->name_len = head[1];
    out->len = sk_load_u32le(head + 2);
    out->argument = sk_load_u32le(head + 6);
    out->off = off + sizeof(head) + out->name_len;
    return !sk_failed(sk_source_read(src, off + sizeof(head), out->name, out->name_len, &got)) &&
           got == out->name_len;
}

static sk_err emit(struct sk_walk *walk, struct sk_source *src, const struct member *m) {
    struct sk_child child = {.name = m->name_len > 0 ? m->name : NULL,
                             .name_len = m->name_len,
                             .packed_size = m->len,
                             .size = m->len};
    struct member_stream st = {.base = {.read = member_read},
                               .kind = m->kind,
                               .src = src,
                               .off = m->off,
                               .len = m->len,
                               .rounds = m->kind == FAKE_BOMB ? m->argument : 1,
                               .seconds = m->kind == FAKE_SLOW ? m->argument : 0};
    struct sk_stream *data = &st.base;
    switch (m->kind) {
    case FAKE_SLICE:
        child.is_slice = true;
        child.slice_off = m->off;
        child.slice_len = m->len;
        data = NULL;
        break;
    case FAKE_ENCRYPTED:
        child.encrypted = true;
        walk_note(walk, SK_NOTE_ENCRYPTED, NULL);
        data = NULL;
        break;
    case FAKE_SILENT:
        data = NULL;
        break;
    case FAKE_CLAIM:
        child.size = (uint64_t)m->argument << 20;
        break;
    case FAKE_AS:
        child.as = (enum sk_type)m->argument;
        break;
    case FAKE_VIEW:
        walk_fact(walk, SK_FACT_SCRIPT, "a value", 7);
        return walk_view(walk, (enum sk_target)m->argument, data);
    case FAKE_FACT: {
        char value[64];
        size_t got = 0;
        TRY(sk_source_read(src, m->off, value, m->len < sizeof(value) ? m->len : sizeof(value),
                           &got));
        walk_fact(walk, (enum sk_fact)m->argument, value, got);
        return sk_ok();
    }
    case FAKE_BOX_BROKEN:
        return sk_fail(SK_E_FORMAT);
    case FAKE_BOX_TICK:
        while (!sk_failed(walk_tick(walk))) {
            fake.clock_ms += 1000;
        }
        return sk_fail(SK_E_STOP);
    default:
        break;
    }
    return walk_child(walk, &child, data);
}

static sk_err box_walk_from(struct sk_walk *walk, struct sk_source *src, uint64_t off) {
    char *memory = arena_alloc(walk_arena(walk), 100);
    if (memory == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    struct member m;
    while (read_header(src, off, &m)) {
        TRY(emit(walk, src, &m));
        off = m.off + m.len;
    }
    return src->failed;
}

static sk_err box_walk(struct sk_walk *walk, struct sk_source *src) {
    return box_walk_from(walk, src, 4);
}

static sk_err exe_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sk_exe_section *section = arena_zalloc(walk_arena(walk), 1, sizeof(*section));
    if (section == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *section = (struct sk_exe_section){.off = 4, .size = 16};
    struct sk_exe exe = {.has_entry = true,
                         .entry = 4,
                         .section_count = 1,
                         .section = section,
                         .section_hashes_alert = true,
                         .imports = "a.b,c.d",
                         .imports_len = 7};
    walk_exe(walk, &exe);
    return src->size > 64 ? box_walk_from(walk, src, 64) : sk_ok();
}

static int no_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)peek;
    (void)out_type;
    return 0;
}

static const struct sk_format BOX = {
    .name = "box", .type = SK_TYPE_ZIP, .probe = no_probe, .walk = box_walk, .skips = true};
static const struct sk_format EXE = {
    .name = "exe", .type = SK_TYPE_PE, .probe = no_probe, .walk = exe_walk};
static const struct sk_format TYPED = {
    .name = "typed", .type = SK_TYPE_PDF, .probe = no_probe, .walk = NULL};

const struct sk_format *const sk_formats[] = {&BOX, &EXE, &TYPED};
const unsigned sk_format_count = 3;

/* "EMB:" behind the start begins one. */
sk_err sk_embedded_find(struct sk_embedded_job *job) {
    job->count = 0;
    for (uint64_t off = 1; off + 4 <= job->src->size && off < job->program_reach; off++) {
        size_t avail = 0;
        const uint8_t *p = sk_source_at(job->src, off, 4, &avail);
        if (p != NULL && memcmp(p, "EMB:", 4) == 0 && job->count < EMBEDDED_MAX) {
            job->out[job->count++] =
                (struct sk_embedded){off, job->src->size - off, SK_TYPE_BINARY};
        }
    }
    return sk_ok();
}

void sk_embedded_see(struct sk_embedded_seen *seen, uint64_t off, struct sk_bytes bytes) {
    seen->end = off <= seen->end && off + bytes.len > seen->end ? off + bytes.len : seen->end;
}

void sk_formats_prepare(void) {
}

bool sk_format_is_ready(const struct sk_format *format) {
    return !format->late;
}

unsigned sk_identify(const struct sk_peek *peek, struct sk_bid *out_bids, enum sk_type *out_type) {
    assert_true(peek->head_len ==
                (peek->size < SK_PEEK_HEAD_BYTES ? peek->size : SK_PEEK_HEAD_BYTES));
    assert_true(peek->tail_len >=
                (peek->size < SK_PEEK_TAIL_BYTES ? peek->size : SK_PEEK_TAIL_BYTES));
    const char *head = (const char *)peek->head;
    unsigned n = 0;
    *out_type = SK_TYPE_BINARY;
    if (memcmp(head, "EXE1", 4) == 0 || memcmp(head, "POLY", 4) == 0) {
        out_bids[n++] = (struct sk_bid){&EXE, SK_TYPE_PE, 90};
    }
    if (memcmp(head, "BOX1", 4) == 0 || memcmp(head, "POLY", 4) == 0) {
        out_bids[n++] = (struct sk_bid){&BOX, SK_TYPE_ZIP, 80};
    }
    if (memcmp(head, "MBX1", 4) == 0) {
        out_bids[n++] = (struct sk_bid){&BOX, SK_TYPE_MAIL, 80};
    }
    if (memcmp(head, "TYP1", 4) == 0) {
        out_bids[n++] = (struct sk_bid){&TYPED, SK_TYPE_PDF, 80};
    }
    if (n > 0) {
        *out_type = out_bids[0].type;
    } else if (memcmp(head, "TXT1", 4) == 0) {
        *out_type = SK_TYPE_TEXT_ASCII;
    } else if (memcmp(head, "MAIL", 4) == 0) {
        *out_type = SK_TYPE_MAIL;
    } else if (head[0] == '<' || sk_content_utf16(peek) == SK_TYPE_TEXT_UTF16LE) {
        *out_type = SK_TYPE_HTML;
    }
    return n;
}

bool sk_content_is_page(const struct sk_peek *peek) {
    return peek->head_len > 8 && memcmp(peek->head, "TXT1page", 8) == 0;
}

bool sk_content_has_address(const struct sk_peek *peek) {
    (void)peek;
    return false;
}

enum sk_type sk_content_utf16(const struct sk_peek *peek) {
    bool little = peek->head_len >= 2 &&
                  (memcmp(peek->head, "\xff\xfe", 2) == 0 || memcmp(peek->head, "<\0", 2) == 0);
    return little ? SK_TYPE_TEXT_UTF16LE : SK_TYPE_TEXT_ASCII;
}

/* ---- making boxes ------------------------------------------------------------------------- */

void box_begin(struct buf *box) {
    buf_clear(box);
    assert_false(sk_failed(buf_puts(box, "BOX1")));
}

void box_add(struct buf *box, enum fake_kind kind, const char *name, const struct buf *content,
             uint32_t argument) {
    uint8_t head[10] = {(uint8_t)kind, (uint8_t)strlen(name)};
    sk_store_u32le(head + 2, (uint32_t)content->len);
    sk_store_u32le(head + 6, argument);
    assert_false(sk_failed(buf_append(box, head, sizeof(head))));
    assert_false(sk_failed(buf_puts(box, name)));
    if (content->len > 0) {
        assert_false(sk_failed(buf_append(box, content->data, content->len)));
    }
}

void box_add_text(struct buf *box, enum fake_kind kind, const char *name, const char *content,
                  uint32_t argument) {
    struct buf text = {0};
    assert_false(sk_failed(buf_puts(&text, content)));
    box_add(box, kind, name, &text, argument);
    buf_release(&text);
}

sk_err pe_icons(struct sk_source *src, const struct sk_exe *exe, pe_icon_fn found, void *ctx) {
    (void)src;
    (void)exe;
    fake.icons_asked++;
    for (unsigned i = 0; i < fake.icon_count; i++) {
        TRY(found(ctx, fake.icon_off[i]));
    }
    return fake.icons_fail;
}
