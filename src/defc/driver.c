// SPDX-License-Identifier: Apache-2.0
/*
 * The compile as a whole.
 *
 *   sources -> verify containers (keeping their ignore lists) -> which segment is whose
 *           -> read ignore lists -> each segment that has changed: read, write, prove
 *           -> manifest: old segments that were not compiled stay -> rename all -> sweep
 *
 * Nothing that is active is touched before every new image has been written, synced, re-opened and
 * verified, and every old image that stays in the set opens, too. The switch itself is the rename
 * of the manifest. A failure before it leaves new images at most, which the next compile sweeps
 * away. One compile at a time works in a directory (flock on the directory).
 *
 * A segment is official when everything in it came out of a verified container, or when the caller
 * says so. An unverified source therefore does not join an official segment of its name; it goes to
 * "local".
 *
 * Segments are built side by side, each in a child (defc/crew.h), which writes into the temporary
 * file its parent made and sends back a struct segment_result. With one job everything happens
 * here. Memory: that of the hash sets under way, one for each job at most. A segment whose active
 * image was made of the same inputs (defc/inputs.h) is not built: its image stays as it is.
 */
#include "defc/defc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "defc/crew.h"
#include "defc/cvd.h"
#include "defc/cvdsign.h"
#include "defc/inputs.h"
#include "defc/segment.h"
#include "defc/sources.h"
#include "defc/text.h"
#include "defs/manifest.h"
#include "os/fdsource.h"
#include "os/file.h"

#define IGNORE_TEXT_MAX ((uint64_t)16 << 20)

/* An ignore list found inside a container while it was verified. */
struct kept_text {
    size_t source;
    enum kind_id kind;
    struct buf text;
};

struct compile {
    const struct defc_options *o;
    struct source_list sources;
    struct cvd **container; /* one for each source, NULL for plain files */
    struct cvdsign *sign;
    struct kept_text *kept;
    size_t kept_cap;
    size_t kept_count;
    struct ignore_list *ignores;
    struct segment segment[DEFSET_SEGMENT_MAX];
    unsigned segment_count;
    int lock_fd;
    struct crew *crew;
    struct manifest active; /* as it was before; empty: everything is compiled */
    struct digester *digester;
    uint8_t ignores_digest[CRYPTO_DIGEST_MAX];
    uint64_t done; /* bytes of this segment, for progress */
    size_t at;     /* the source being read */
};

/* ---- containers --------------------------------------------------------------------------- */

struct verify_ctx {
    struct compile *c;
    size_t source;
};

static sk_err keep_ignores(void *ctx, struct cvd *cvd, const struct cvd_member *member) {
    struct verify_ctx *v = ctx;
    struct compile *c = v->c;
    enum kind_id kind = kind_of_file(member->name);
    if (kind == KIND_COUNT || kind_row(kind)->reader != READ_IGNORE) {
        return sk_ok();
    }
    if (member->size > IGNORE_TEXT_MAX) {
        return sk_fail(SK_E_LIMIT);
    }
    struct kept_text *grown = mem_grow(c->kept, &c->kept_cap, c->kept_count + 1, sizeof *c->kept);
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    c->kept = grown;
    struct kept_text *k = &c->kept[c->kept_count++];
    *k = (struct kept_text){.source = v->source, .kind = kind};
    TRY(buf_reserve(&k->text, (size_t)member->size));
    for (;;) {
        size_t got = 0;
        TRY(sk_stream_read(cvd_stream(cvd), &k->text.data[k->text.len],
                           (size_t)member->size - k->text.len, &got));
        if (got == 0) {
            return sk_ok();
        }
        k->text.len += got;
    }
}

static sk_err verify_container(struct compile *c, size_t index) {
    struct source *s = &c->sources.item[index];
    struct verify_ctx ctx = {c, index};
    TRY(cvd_open(s->path, c->o->keys, c->o->diag, &c->container[index]));
    struct cvd *cvd = c->container[index];
    if (c->o->skip_verify) {
        cvd_accept_unverified(cvd);
    }
    TRY(cvd_verify(cvd, keep_ignores, &ctx));
    s->official = s->official || cvd_header(cvd)->verified;
    cvd_digest(cvd, s->digest);
    sk_err err = cvdsign_check(c->sign, cvd, s->path, c->o->diag);
    if (err.code == SK_E_BAD_SIGNATURE && c->o->skip_verify) {
        s->official = c->o->official;
    } else {
        TRY(err);
    }
    if (cvd_header(cvd)->flevel > DEFC_FLEVEL) {
        diag_say(c->o->diag, DIAG_INFO, s->path, 0,
                 "is made for functionality level %u, this program has %u", cvd_header(cvd)->flevel,
                 DEFC_FLEVEL);
    }
    return sk_ok();
}

static sk_err verify_containers(struct compile *c) {
    c->container = mem_zalloc(c->sources.count, sizeof(struct cvd *));
    if (c->container == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (size_t i = 0; i < c->sources.count; i++) {
        c->sources.item[i].official = c->o->official;
        if (c->sources.item[i].kind == KIND_COUNT) {
            TRY(verify_container(c, i));
        }
    }
    return sk_ok();
}

/* ---- segments ----------------------------------------------------------------------------- */

static bool official_owner(const struct compile *c, const char *segment) {
    for (size_t i = 0; i < c->sources.count; i++) {
        const struct source *s = &c->sources.item[i];
        if (s->official && strcmp(s->segment, segment) == 0) {
            return true;
        }
    }
    return false;
}

static sk_err place_source(struct compile *c, struct source *s) {
    if (!s->official && c->o->segment == NULL && official_owner(c, s->segment)) {
        (void)snprintf(s->segment, sizeof s->segment, "local");
    }
    unsigned i = 0;
    while (i < c->segment_count && strcmp(c->segment[i].name, s->segment) != 0) {
        i++;
    }
    if (i == DEFSET_SEGMENT_MAX) {
        return sk_fail(SK_E_LIMIT);
    }
    struct segment *seg = &c->segment[i];
    if (i == c->segment_count) {
        segment_init(seg, s->segment, c->o->out_dir, c->o->diag);
        seg->index = i;
        seg->official = true;
        c->segment_count++;
    }
    seg->official = seg->official && s->official;
    s->segment_index = i;
    return sk_ok();
}

static sk_err place_sources(struct compile *c) {
    for (size_t i = 0; i < c->sources.count; i++) {
        TRY(place_source(c, &c->sources.item[i]));
    }
    return sk_ok();
}

/* ---- reading ------------------------------------------------------------------------------ */

static void progress(void *ctx, uint64_t bytes) {
    struct compile *c = ctx;
    const struct source *s = &c->sources.item[c->at];
    /* Of a container the packed bytes count, of a plain file the lines read. */
    if (s->kind == KIND_COUNT) {
        crew_progress(c->crew, c->done + cvd_consumed(c->container[c->at]));
        return;
    }
    c->done += bytes;
    crew_progress(c->crew, c->done);
}

static void tell_progress(void *ctx, uint64_t done) {
    struct compile *c = ctx;
    c->o->progress(c->o->progress_ctx, done, c->sources.bytes);
}

static bool is_wanted(const struct compile *c, enum kind_id kind, const char *file) {
    if (kind == KIND_COUNT) {
        return false;
    }
    if (kind_row(kind)->pua && !c->o->pua) {
        diag_say(c->o->diag, DIAG_INFO, file, 0,
                 "passed over: signatures of unwanted programs were not asked for");
        return false;
    }
    return true;
}

static sk_err feed_file(struct compile *c, struct source *s, struct segment_input *in) {
    FILE_AUTO int fd = -1;
    struct stat st;
    struct sk_source src;
    struct sk_source_stream stream;
    struct digest_stream digest;
    sk_err err = file_open_object(AT_FDCWD, s->path, FILE_FOLLOW, &fd, &st);
    if (sk_failed(err)) {
        diag_say(c->o->diag, DIAG_ERROR, s->path, 0, "cannot open: %s", strerror(errno));
        return err;
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    TRY(fdsource_init(&src, fd, (uint64_t)st.st_size));
    err =
        digest_stream_init(&digest, sk_source_stream_init(&stream, &src, 0, src.size), c->digester);
    if (!sk_failed(err)) {
        in->in = &digest.base;
        err = segment_feed(&c->segment[s->segment_index], in);
    }
    if (!sk_failed(err)) {
        err = digest_stream_end(&digest, s->digest);
    }
    sk_source_release(&src);
    return err;
}

static struct segment_input make_input(struct compile *c, enum kind_id kind, const char *file,
                                       const char *label) {
    return (struct segment_input){.kind = kind,
                                  .file = file,
                                  .label = label,
                                  .ignores = c->ignores,
                                  .wanted = &c->o->wanted,
                                  .progress = c->o->progress != NULL ? progress : NULL,
                                  .ctx = c};
}

static sk_err note_source(struct compile *c, const struct source *s, const char *member,
                          const struct segment_input *in) {
    struct segment *seg = &c->segment[s->segment_index];
    struct tally_source t = {.name = s->name, .lines = in->lines, .taken = in->taken};
    if (member != NULL) {
        const struct cvd_header *h = cvd_header(c->container[c->at]);
        t.container = s->name;
        t.name = member;
        t.version = h->version;
        t.time = h->time;
        t.flevel = h->flevel;
        seg->time = h->time > seg->time ? h->time : seg->time;
        seg->version = h->version > seg->version ? h->version : seg->version;
    }
    return tally_source(&seg->tally, &t);
}

static sk_err feed_member(void *ctx, struct cvd *cvd, const struct cvd_member *member) {
    struct compile *c = ctx;
    struct source *s = &c->sources.item[c->at];
    enum kind_id kind = kind_of_file(member->name);
    char file[512];
    char label[512];
    (void)snprintf(file, sizeof file, "%s/%s", s->path, member->name);
    (void)snprintf(label, sizeof label, "%s/%s", s->name, member->name);
    if (kind != KIND_COUNT && kind_row(kind)->reader == READ_IGNORE) {
        return sk_ok();
    }
    if (!is_wanted(c, kind, file)) {
        return sk_ok();
    }
    struct segment_input in = make_input(c, kind, file, label);
    in.in = cvd_stream(cvd);
    TRY(segment_feed(&c->segment[s->segment_index], &in));
    return note_source(c, s, member->name, &in);
}

static sk_err read_source(struct compile *c, size_t index) {
    struct source *s = &c->sources.item[index];
    uint64_t before = c->done;
    c->at = index;
    if (s->kind == KIND_COUNT) {
        TRY(cvd_walk(c->container[index], feed_member, c));
    } else if (kind_row(s->kind)->reader != READ_IGNORE && is_wanted(c, s->kind, s->path)) {
        struct segment_input in = make_input(c, s->kind, s->path, s->name);
        TRY(feed_file(c, s, &in));
        TRY(note_source(c, s, NULL, &in));
    }
    c->done = before + s->size;
    return sk_ok();
}

/* Of all of them, with the segment they belong to. */
static sk_err put_ignores(const struct compile *c, struct buf *out) {
    for (size_t i = 0; i < c->sources.count; i++) {
        const struct source *s = &c->sources.item[i];
        if (s->kind != KIND_COUNT && kind_row(s->kind)->reader == READ_IGNORE) {
            TRY(buf_printf(out, "%d %s\n", (int)s->kind, s->segment));
            TRY(buf_append(out, s->digest, sizeof s->digest));
        }
    }
    for (size_t i = 0; i < c->kept_count; i++) {
        const struct kept_text *k = &c->kept[i];
        TRY(buf_printf(out, "%d %s %zu\n", (int)k->kind, c->sources.item[k->source].segment,
                       k->text.len));
        TRY(buf_append(out, k->text.data, k->text.len));
    }
    return sk_ok();
}

static sk_err digest_ignores(struct compile *c) {
    struct buf all = {0};
    sk_err err = put_ignores(c, &all);
    if (!sk_failed(err)) {
        err = crypto_digest(CRYPTO_SHA256, all.data, all.len, c->ignores_digest);
    }
    buf_release(&all);
    return err;
}

/* Before anything else, as they act on everything that follows. */
static sk_err read_ignores(struct compile *c) {
    TRY(ignore_list_new(&c->ignores));
    for (size_t i = 0; i < c->sources.count; i++) {
        struct source *s = &c->sources.item[i];
        if (s->kind != KIND_COUNT && kind_row(s->kind)->reader == READ_IGNORE) {
            struct segment_input in = make_input(c, s->kind, s->path, s->name);
            in.progress = NULL;
            TRY(feed_file(c, s, &in));
            TRY(note_source(c, s, NULL, &in));
        }
    }
    for (size_t i = 0; i < c->kept_count; i++) {
        const struct kept_text *k = &c->kept[i];
        struct source *s = &c->sources.item[k->source];
        struct segment_input in = make_input(c, k->kind, s->path, s->name);
        struct sk_source src;
        struct sk_source_stream stream;
        sk_source_init_mem(&src, k->text.data, k->text.len);
        in.in = sk_source_stream_init(&stream, &src, 0, src.size);
        in.progress = NULL;
        TRY(segment_feed(&c->segment[s->segment_index], &in));
    }
    return digest_ignores(c);
}

/* ---- what has not changed ------------------------------------------------------------------ */

static struct inputs inputs_of(const struct compile *c, const struct segment *seg) {
    return (struct inputs){.options = c->o,
                           .sources = &c->sources,
                           .segment = seg->index,
                           .name = seg->name,
                           .official = seg->official,
                           .ignores = c->ignores_digest};
}

/* The value of inputs= in META; empty: there is none. */
static struct sk_bytes inputs_line(struct sk_bytes meta) {
    while (meta.len > 0) {
        struct sk_bytes line = text_upto(meta, text_find(meta, '\n'));
        if (text_starts(line, "inputs=")) {
            return text_from(line, strlen("inputs="));
        }
        meta = text_from(meta, line.len < meta.len ? line.len + 1 : meta.len);
    }
    return meta;
}

/* Is the active image of the segment whole, to the last byte, and made of these inputs by this
 * compiler? An image that cannot be opened or was damaged is no error here: it is made anew. */
static sk_err find_kept(struct compile *c, struct segment *seg, bool *out_kept) {
    const struct manifest_row *row = NULL;
    for (unsigned i = 0; i < c->active.count; i++) {
        row = strcmp(c->active.row[i].segment, seg->name) == 0 ? &c->active.row[i] : row;
    }
    if (row == NULL) {
        return sk_ok();
    }
    struct diag quiet = {0};
    struct image *img = NULL;
    struct buf path = {0};
    char identity[IMAGE_IDENTITY_HEX] = "";
    sk_err err = buf_printf(&path, "%s/%s", c->o->out_dir, row->file);
    if (!sk_failed(err) && !sk_failed(image_open(buf_text(&path), &quiet, &img)) &&
        !sk_failed(image_identity(img, &quiet, identity)) && strcmp(identity, row->identity) == 0) {
        struct inputs inputs = inputs_of(c, seg);
        err = inputs_same(&inputs, inputs_line(image_meta(img)), out_kept);
        *out_kept = *out_kept && !sk_failed(image_verify_part(img, IMAGE_PART_BYTES, &quiet));
    }
    if (*out_kept) {
        const struct img_header *h = image_header(img);
        seg->result =
            (struct segment_result){.kept = true, .signatures = h->count_hash + h->count_body};
        memcpy(seg->result.identity, identity, sizeof seg->result.identity);
        diag_say(c->o->diag, DIAG_INFO, seg->name, 0, "has not changed: its image stays");
        crew_progress(c->crew,
                      inputs_bytes(&(struct inputs){
                          .options = c->o, .sources = &c->sources, .segment = seg->index}));
    }
    image_close(img);
    buf_release(&path);
    return err;
}

/* One segment, from its sources to a proved image; by a child or here. */
struct segment_job {
    struct compile *c;
    struct segment *seg;
};

static sk_err build_segment(void *ctx, bool apart, struct buf *out_result) {
    const struct segment_job *job = ctx;
    struct compile *c = job->c;
    struct segment *seg = job->seg;
    (void)apart;
    bool kept = false;
    TRY(find_kept(c, seg, &kept));
    if (kept) {
        return buf_append(out_result, &seg->result, sizeof seg->result);
    }
    c->done = 0;
    TRY(segment_open(seg));
    for (size_t s = 0; s < c->sources.count; s++) {
        if (c->sources.item[s].segment_index == seg->index) {
            TRY(read_source(c, s));
        }
    }
    struct inputs inputs = inputs_of(c, seg);
    TRY(inputs_text(&inputs, seg->inputs));
    TRY(segment_finish(seg, c->ignores, c->crew));
    if (seg->result.signatures == 0) {
        diag_say(c->o->diag, DIAG_WARNING, seg->name, 0, "holds no signature at all");
    }
    return buf_append(out_result, &seg->result, sizeof seg->result);
}

static sk_err segment_built(void *ctx, bool apart, struct sk_bytes result) {
    const struct segment_job *job = ctx;
    struct segment_result told;
    if (result.len != sizeof told) {
        return sk_fail(SK_E_INTERNAL);
    }
    memcpy(&told, result.ptr, sizeof told);
    return apart ? segment_adopt(job->seg, &told) : sk_ok();
}

static sk_err build_segments(struct compile *c) {
    struct segment_job job[DEFSET_SEGMENT_MAX];
    struct crew_task task[DEFSET_SEGMENT_MAX];
    for (unsigned i = 0; i < c->segment_count; i++) {
        job[i] = (struct segment_job){c, &c->segment[i]};
        task[i] = (struct crew_task){.run = build_segment, .done = segment_built, .ctx = &job[i]};
        TRY(segment_begin(&c->segment[i]));
    }
    for (size_t s = 0; s < c->sources.count; s++) {
        task[c->sources.item[s].segment_index].weight += c->sources.item[s].size;
    }
    if (c->o->progress != NULL) {
        crew_hear(c->crew, tell_progress, c);
    }
    return crew_run(c->crew, task, c->segment_count);
}

/* ---- the directory ------------------------------------------------------------------------ */

static sk_err lock_directory(struct compile *c) {
    const char *dir = c->o->out_dir;
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
        sk_err err = file_err(errno);
        diag_say(c->o->diag, DIAG_ERROR, dir, 0, "cannot make the directory: %s", strerror(errno));
        return err;
    }
    sk_err err = file_open_dir(AT_FDCWD, dir, FILE_FOLLOW, &c->lock_fd);
    if (sk_failed(err)) {
        diag_say(c->o->diag, DIAG_ERROR, dir, 0, "cannot open the directory: %s", strerror(errno));
        return err;
    }
    if (flock(c->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        diag_say(c->o->diag, DIAG_ERROR, dir, 0, "%s",
                 errno == EWOULDBLOCK ? "another compile is at work here" : strerror(errno));
        return sk_fail(SK_E_IO);
    }
    return sk_ok();
}

/* A segment that stays must open: a set with a hole in it is refused by every reader. */
static sk_err check_kept(const struct compile *c, const struct manifest_row *row) {
    struct buf path = {0};
    struct image *img = NULL;
    char identity[IMAGE_IDENTITY_HEX];
    sk_err err = buf_printf(&path, "%s/%s", c->o->out_dir, row->file);
    if (!sk_failed(err)) {
        err = image_open(buf_text(&path), c->o->diag, &img);
    }
    if (!sk_failed(err)) {
        err = image_identity(img, c->o->diag, identity);
        if (!sk_failed(err) && strcmp(identity, row->identity) != 0) {
            err = sk_fail(SK_E_FORMAT);
        }
        image_close(img);
    }
    if (sk_failed(err)) {
        diag_say(c->o->diag, DIAG_ERROR, c->o->out_dir, 0,
                 "the active segment %s is damaged: compile it again too, or use --replace",
                 row->segment);
    }
    buf_release(&path);
    return err;
}

static bool is_compiled(const struct compile *c, const char *segment) {
    for (unsigned i = 0; i < c->segment_count; i++) {
        if (strcmp(c->segment[i].name, segment) == 0) {
            return true;
        }
    }
    return false;
}

/* The segments of the active set that are not compiled now. */
static sk_err keep_others(const struct compile *c, struct manifest *out) {
    struct manifest old = {.count = 0};
    struct diag quiet = {0};
    out->count = 0;
    if (c->o->replace) {
        return sk_ok();
    }
    sk_err err = manifest_read(c->o->out_dir, &quiet, &old);
    if (err.code == SK_E_NOTFOUND) {
        return sk_ok();
    }
    if (sk_failed(err)) {
        diag_say(c->o->diag, DIAG_ERROR, c->o->out_dir, 0,
                 "the manifest of the active set cannot be read (%s): use --replace to start anew",
                 sk_err_text(err));
        return err;
    }
    for (unsigned i = 0; i < old.count; i++) {
        if (!is_compiled(c, old.row[i].segment)) {
            TRY(check_kept(c, &old.row[i]));
            TRY(manifest_set(out, old.row[i].segment, old.row[i].identity));
        }
    }
    return sk_ok();
}

static sk_err install_images(struct compile *c, const struct manifest *m) {
    for (unsigned i = 0; i < c->segment_count; i++) {
        if (!c->segment[i].result.kept) {
            TRY(img_writer_install(c->segment[i].w));
        }
    }
    return manifest_activate(c->o->out_dir, m, c->o->diag);
}

static sk_err install(struct compile *c) {
    struct manifest m;
    TRY(keep_others(c, &m));
    for (unsigned i = 0; i < c->segment_count; i++) {
        TRY(manifest_set(&m, c->segment[i].name, c->segment[i].result.identity));
    }
    sk_err err = install_images(c, &m);
    if (sk_failed(err)) {
        /* Whichever manifest is active now: what it does not name is of no use. */
        struct manifest active;
        struct diag quiet = {0};
        if (!sk_failed(manifest_read(c->o->out_dir, &quiet, &active))) {
            manifest_sweep(c->o->out_dir, &active, &quiet);
        }
        return err;
    }
    manifest_sweep(c->o->out_dir, &m, c->o->diag);
    return sk_ok();
}

/* ---- door --------------------------------------------------------------------------------- */

static void fill_report(const struct compile *c, struct defc_report *out) {
    *out = (struct defc_report){.segments = 0};
    for (unsigned i = 0; i < c->segment_count; i++) {
        const struct segment *seg = &c->segment[i];
        const struct segment_result *got = &seg->result;
        if (got->kept) {
            out->kept++;
            out->kept_signatures += got->signatures;
            continue;
        }
        out->segments++;
        out->lines += got->sum.lines;
        out->taken += got->sum.taken - got->duplicates;
        out->signatures += got->signatures;
        out->bytes_written += got->length;
        for (int r = 0; r < DEFC_REASON_COUNT; r++) {
            out->skipped[r] += got->sum.skipped[r];
        }
        out->skipped[DEFC_DUPLICATE] += got->duplicates;
    }
}

static sk_err run(struct compile *c) {
    TRY(crew_new(c->o->jobs, c->o->diag, &c->crew));
    TRY(digester_new(&c->digester));
    TRY(lock_directory(c));
    struct diag quiet = {0};
    if (c->o->rebuild || sk_failed(manifest_read(c->o->out_dir, &quiet, &c->active))) {
        c->active.count = 0;
    }
    TRY(sources_collect(&c->sources, c->o));
    TRY(cvdsign_open(c->o->certs, c->o->diag, &c->sign));
    TRY(verify_containers(c));
    TRY(place_sources(c));
    TRY(read_ignores(c));
    TRY(build_segments(c));
    return install(c);
}

static void release(struct compile *c) {
    for (unsigned i = 0; i < c->segment_count; i++) {
        segment_release(&c->segment[i]);
    }
    for (size_t i = 0; c->container != NULL && i < c->sources.count; i++) {
        cvd_close(c->container[i]);
    }
    for (size_t i = 0; i < c->kept_count; i++) {
        buf_release(&c->kept[i].text);
    }
    cvdsign_close(c->sign);
    mem_free(c->container);
    mem_free(c->kept);
    ignore_list_free(c->ignores);
    sources_release(&c->sources);
    crew_free(c->crew);
    digester_free(c->digester);
    file_close(&c->lock_fd);
}

static bool segment_name_is_good(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return len > 0 && len < IMG_NAME_BYTES && name[len] == '\0';
}

sk_err defc_compile(const struct defc_options *options, struct defc_report *out_report) {
    struct diag silent = {0};
    struct defc_options o = *options;
    o.diag = options->diag != NULL ? options->diag : &silent;
    if (o.segment != NULL && !segment_name_is_good(o.segment)) {
        diag_say(o.diag, DIAG_ERROR, NULL, 0, "a segment name is 1 to %u of a-z 0-9 _ -",
                 IMG_NAME_BYTES - 1);
        return sk_fail(SK_E_USAGE);
    }
    struct compile *c = mem_zalloc(1, sizeof *c);
    if (c == NULL) {
        diag_say(o.diag, DIAG_ERROR, NULL, 0, "%s", sk_err_text(sk_fail(SK_E_NOMEM)));
        return sk_fail(SK_E_NOMEM);
    }
    c->o = &o;
    c->lock_fd = -1;
    uint64_t told = o.diag->count[DIAG_ERROR];
    sk_err err = run(c);
    if (!sk_failed(err)) {
        fill_report(c, out_report);
    } else if (o.diag->count[DIAG_ERROR] == told) {
        diag_say(o.diag, DIAG_ERROR, o.out_dir, 0, "the compile failed: %s", sk_err_text(err));
    }
    release(c);
    mem_free(c);
    return err;
}
