// SPDX-License-Identifier: Apache-2.0
/*
 * From lines to one image.
 *
 *   feed:   line --kind--> hash line --> names + hash spool
 *                          body line --> body builder (which adds the name)
 *                          ign line  --> ignore list of the whole compile
 *                          other     --> counted as not yet supported
 *   finish: hash sets  } side by side -> writer
 *           body tables}
 *           names, ignore list, META -> writer -> re-open -> image_verify, in parts side by side
 *
 * The hash path runs once for each of millions of lines: parse, name, spool; the ignore list is
 * asked only when there is one. The image is proved by the same code that will read it, before
 * anybody may install it: a bug of the compiler must not become a hole in the protection.
 */
#include "defc/segment.h"

#include <errno.h>

#include <inttypes.h>

#include "base/mem.h"
#include "crypto/signed.h"
#include "defc/bytecode.h"
#include "defc/catalogue.h"
#include "defc/crew.h"
#include "defc/ioc.h"
#include "defc/line_hash.h"
#include "defc/lines.h"
#include "defc/names.h"
#include "defs/image.h"

#define PROGRESS_LINES 65536u

void segment_init(struct segment *seg, const char *name, const char *dir, struct diag *diag) {
    *seg = (struct segment){.dir = dir, .diag = diag};
    (void)snprintf(seg->name, sizeof seg->name, "%s", name);
}

sk_err segment_begin(struct segment *seg) {
    return img_writer_new(seg->dir, seg->name, seg->diag, &seg->w);
}

sk_err segment_open(struct segment *seg) {
    TRY(names_builder_new(seg->dir, seg->diag, &seg->names));
    seg->rules = (struct rule_builder){.names = seg->names};
    TRY(hashspool_new(seg->dir, &seg->hashes));
    return body_builder_new(seg->names, &seg->body);
}

static void free_builders(struct segment *seg) {
    rules_release(&seg->rules);
    body_builder_free(seg->body);
    hashspool_free(seg->hashes);
    names_builder_free(seg->names);
    seg->body = NULL;
    seg->hashes = NULL;
    seg->names = NULL;
}

void segment_release(struct segment *seg) {
    free_builders(seg);
    img_writer_free(seg->w);
    seg->w = NULL;
    tally_release(&seg->tally);
}

/* ---- one line ----------------------------------------------------------------------------- */

/* Name of a body signature: up to the first mark of its grammar. */
static size_t body_name_len(enum body_kind kind, const struct line *line) {
    int mark = kind == BODY_LDB ? ';' : kind == BODY_DB ? '=' : ':';
    const char *at = memchr(line->text, mark, line->len);
    return names_clean_len(line->text, at != NULL ? (size_t)(at - line->text) : line->len);
}

static bool is_ignored(const struct segment *seg, const struct segment_input *in,
                       const struct line *line, struct sk_bytes name) {
    if (ignore_is_empty(in->ignores)) {
        return false;
    }
    struct ignore_query q = {.segment = seg->index,
                             .name = (const char *)name.ptr,
                             .name_len = name.len,
                             .line = line->text,
                             .line_len = line->len};
    return ignore_has(in->ignores, &q);
}

/* Says why and gives true when the signature is to be left out. */
static bool left_out(const struct segment *seg, const struct segment_input *in,
                     const struct line *line, struct sk_bytes name, struct defc_why *why) {
    if (in->wanted != NULL && !wanted_signature(in->wanted, in->kind, name)) {
        (void)line_refuse(why, DEFC_UNWANTED, "of a kind that was not asked for");
        return true;
    }
    if (is_ignored(seg, in, line, name)) {
        (void)line_refuse(why, DEFC_IGNORED, "on an ignore list");
        return true;
    }
    return false;
}

static sk_err feed_hash(struct segment *seg, const struct segment_input *in,
                        const struct line *line, struct defc_why *why) {
    enum hs_role role = (enum hs_role)kind_row(in->kind)->detail;
    struct hash_line parsed;
    struct hash_record record = {.role = role};
    if (!line_hash_parse(role, line->text, line->len, &parsed, why)) {
        return sk_ok();
    }
    struct sk_bytes name = {(const uint8_t *)parsed.name, parsed.name_len};
    if (left_out(seg, in, line, name, why)) {
        return sk_ok();
    }
    TRY(names_add(seg->names, parsed.name, parsed.name_len, &record.name));
    record.algo = parsed.algo;
    record.size = parsed.size;
    memcpy(record.digest, parsed.digest, sizeof record.digest);
    return hashspool_add(seg->hashes, &record);
}

static sk_err feed_body(struct segment *seg, const struct segment_input *in,
                        const struct line *line, struct defc_why *why) {
    enum body_kind kind = (enum body_kind)kind_row(in->kind)->detail;
    struct sk_bytes name = {(const uint8_t *)line->text, body_name_len(kind, line)};
    if (left_out(seg, in, line, name, why)) {
        return sk_ok();
    }
    return body_add_line(seg->body, kind, line->text, line->len, why);
}

static sk_err feed_rule(struct segment *seg, const struct segment_input *in,
                        const struct line *line, struct defc_why *why) {
    struct sk_bytes text = {(const uint8_t *)line->text, line->len};
    struct sk_bytes name = text_upto(text, text_find(text, in->kind == KIND_pwdb ? ';' : ':'));
    if (left_out(seg, in, line, name, why)) {
        return sk_ok();
    }
    if (in->kind == KIND_ftm && text_starts(text, "1:")) {
        return body_add_line(seg->body, BODY_TYPE, line->text, line->len, why);
    }
    return rules_add_line(&seg->rules, (enum rule_kind)kind_row(in->kind)->detail, text, why);
}

static bool starts_rule(const struct line *line) {
    static const char *const words[] = {"rule ", "private rule ", "global rule ",
                                        "global private rule ", "private global rule "};
    size_t skip = 0;
    while (skip < line->len && (line->text[skip] == ' ' || line->text[skip] == '\t')) {
        skip++;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i]);
        if (line->len - skip >= n && memcmp(&line->text[skip], words[i], n) == 0) {
            return true;
        }
    }
    return false;
}

/* *out_counts: the line is one entry of its file. */
static sk_err feed_line(struct segment *seg, const struct segment_input *in,
                        const struct line *line, struct defc_why *why, bool *out_counts) {
    const struct kind_row *row = kind_row(in->kind);
    *out_counts = true;
    if (row->reader == READ_LATER_RULES) {
        *out_counts = line->fault == NULL && starts_rule(line);
        (void)line_refuse(why, DEFC_NOT_YET_FORMAT, "YARA rules are not supported yet");
        return sk_ok();
    }
    if (line->fault != NULL) {
        (void)line_refuse(why, DEFC_MALFORMED, "%s", line->fault);
        return sk_ok();
    }
    switch (row->reader) {
    case READ_HASH:
        return feed_hash(seg, in, line, why);
    case READ_BODY:
        return feed_body(seg, in, line, why);
    case READ_RULE:
        return feed_rule(seg, in, line, why);
    case READ_IGNORE: {
        struct ignore_line ign = {seg->index, row->detail != 0, line->text, line->len};
        return ignore_add_line(in->ignores, &ign, why);
    }
    default:
        (void)line_refuse(why, DEFC_NOT_YET_FORMAT, ".%s signatures are not supported yet",
                          row->suffix);
        return sk_ok();
    }
}

/* ---- one file ----------------------------------------------------------------------------- */

static sk_err account(struct segment *seg, struct segment_input *in, uint64_t number,
                      const struct defc_why *why) {
    in->lines++;
    if (why->reason == DEFC_TAKEN) {
        in->taken++;
        tally_take(&seg->tally, in->kind);
        return sk_ok();
    }
    struct tally_skip skip = {in->kind, in->file, in->label, number, why};
    return tally_skip(&seg->tally, &skip, seg->diag);
}

static sk_err feed_lines(struct segment *seg, struct segment_input *in, struct lines *lines) {
    uint64_t told = 0;
    for (;;) {
        struct line line;
        struct defc_why why = {.reason = DEFC_TAKEN};
        bool counts = true;
        TRY(lines_next(lines, &line));
        if (line.end) {
            break;
        }
        TRY(feed_line(seg, in, &line, &why, &counts));
        if (counts) {
            TRY(account(seg, in, line.number, &why));
        }
        if (in->progress != NULL && line.number % PROGRESS_LINES == 0) {
            in->progress(in->ctx, lines->bytes - told);
            told = lines->bytes;
        }
    }
    if (in->progress != NULL) {
        in->progress(in->ctx, lines->bytes - told);
    }
    return sk_ok();
}

/* ---- OpenIOC: the file is one, its hashes count as lines ------------------------------------ */

struct ioc_feed {
    struct segment *seg;
    struct segment_input *in;
    struct buf line;
};

/* Goes the way of a line of a hash file: HASH:*:FILE.HASH, of any size. */
static sk_err feed_ioc_hash(void *ctx, struct sk_bytes hash) {
    struct ioc_feed *f = ctx;
    struct defc_why why = {.reason = DEFC_TAKEN};
    const char *slash = strrchr(f->in->file, '/');
    const char *file = slash != NULL ? slash + 1 : f->in->file;
    int len = (int)hash.len;
    const char *digits = (const char *)hash.ptr;
    buf_clear(&f->line);
    TRY(buf_printf(&f->line, "%.*s:*:%s.%.*s:%u", len, digits, file, len, digits, 73u));
    struct line line = {.text = (const char *)f->line.data, .len = f->line.len};
    struct hash_line parsed;
    struct hash_record record = {.role = HS_FILE};
    if (line_hash_parse(HS_FILE, line.text, line.len, &parsed, &why)) {
        struct sk_bytes name = {(const uint8_t *)parsed.name, parsed.name_len};
        if (is_ignored(f->seg, f->in, &line, name)) {
            (void)line_refuse(&why, DEFC_IGNORED, "on an ignore list");
            return account(f->seg, f->in, 0, &why);
        }
        TRY(names_add(f->seg->names, parsed.name, parsed.name_len, &record.name));
        record.algo = parsed.algo;
        record.size = parsed.size;
        memcpy(record.digest, parsed.digest, sizeof record.digest);
        TRY(hashspool_add(f->seg->hashes, &record));
        why.reason = DEFC_TAKEN;
    }
    return account(f->seg, f->in, 0, &why);
}

static sk_err feed_ioc(struct segment *seg, struct segment_input *in) {
    struct ioc_feed feed = {.seg = seg, .in = in};
    sk_err err = ioc_read(in->in, feed_ioc_hash, &feed);
    buf_release(&feed.line);
    bool refused = err.code == SK_E_FORMAT || err.code == SK_E_LIMIT;
    if (refused || (!sk_failed(err) && in->lines == 0)) {
        struct defc_why why;
        (void)line_refuse(&why, DEFC_MALFORMED, "%s",
                          refused ? "too long, or it has a document type" : "no hash in it");
        return account(seg, in, 0, &why);
    }
    return err;
}

/* ---- bytecode: the file is one signature ----------------------------------------------------- */

static void judge_bytecode(const struct line *head, const struct line *trigger,
                           struct defc_why *why) {
    struct bytecode_head h;
    struct sk_bytes first = {(const uint8_t *)head->text, head->len};
    if (head->end || head->fault != NULL || !bytecode_head(first, &h)) {
        (void)line_refuse(why, DEFC_MALFORMED, "no head of a bytecode file");
        return;
    }
    if (h.format < BYTECODE_FORMAT_MIN || h.format > BYTECODE_FORMAT_MAX ||
        h.level_min > DEFC_FLEVEL || (h.level_max != 0 && h.level_max < DEFC_FLEVEL)) {
        (void)line_refuse(why, DEFC_FLEVEL_TOO_HIGH,
                          "bytecode of format %" PRIu64 " for levels %" PRIu64 " to %" PRIu64,
                          h.format, h.level_min, h.level_max);
        return;
    }
    struct sk_bytes name = {NULL, 0};
    if (!trigger->end && trigger->fault == NULL) {
        name = bytecode_name((struct sk_bytes){(const uint8_t *)trigger->text, trigger->len});
    }
    int len = (int)(name.len < 80 ? name.len : 80);
    (void)line_refuse(why, DEFC_NOT_YET_FORMAT,
                      "bytecode %.*s (kind %" PRIu64 ", %" PRIu64 " functions) is not run yet", len,
                      len > 0 ? (const char *)name.ptr : "", h.kind, h.functions);
}

static sk_err feed_bytecode(struct segment *seg, struct segment_input *in) {
    struct lines lines;
    struct line head, trigger = {.end = true};
    struct defc_why why = {.reason = DEFC_TAKEN};
    struct buf kept = {0};
    TRY(lines_init(&lines, in->in, kind_row(in->kind)->line_cap));
    sk_err err = lines_next(&lines, &head);
    if (!sk_failed(err) && !head.end && head.fault == NULL) {
        err = buf_append(&kept, head.text, head.len); /* the next line takes its place */
        head.text = (const char *)kept.data;
        err = sk_failed(err) ? err : lines_next(&lines, &trigger);
    }
    if (!sk_failed(err)) {
        judge_bytecode(&head, &trigger, &why);
        err = account(seg, in, 0, &why);
    }
    lines_release(&lines);
    buf_release(&kept);
    return err;
}

/* Bytes, no lines. */
static sk_err feed_catalogue(struct segment *seg, struct segment_input *in) {
    struct buf bytes = {0};
    struct defc_why why;
    size_t got = 1;
    sk_err err = sk_ok();
    while (got > 0 && bytes.len <= CRYPTO_SIGNED_MAX_BYTES && !sk_failed(err)) {
        uint8_t part[4096];
        err = sk_stream_read(in->in, part, sizeof(part), &got);
        err = sk_failed(err) ? err : buf_append(&bytes, part, got);
    }
    if (!sk_failed(err)) {
        err = catalogue_add(&seg->rules, (struct sk_bytes){bytes.data, bytes.len}, &why);
    }
    if (!sk_failed(err)) {
        err = account(seg, in, 0, &why);
    }
    buf_release(&bytes);
    return err;
}

sk_err segment_feed(struct segment *seg, struct segment_input *in) {
    const struct kind_row *row = kind_row(in->kind);
    struct lines lines;
    in->lines = 0;
    in->taken = 0;
    if (row->reader == READ_NONE) {
        return sk_ok();
    }
    if (row->reader == READ_IOC) {
        return feed_ioc(seg, in);
    }
    if (row->reader == READ_BYTECODE) {
        return feed_bytecode(seg, in);
    }
    if (row->reader == READ_CATALOGUE) {
        return feed_catalogue(seg, in);
    }
    TRY(lines_init(&lines, in->in, row->line_cap));
    sk_err err = feed_lines(seg, in, &lines);
    if (err.code == SK_E_IO) {
        diag_say(seg->diag, DIAG_ERROR, in->file, 0, "stopped: %s", strerror(errno));
    }
    lines_release(&lines);
    return err;
}

/* ---- finish ------------------------------------------------------------------------------- */

static sk_err write_ignored(struct segment *seg, const struct ignore_list *ignores) {
    struct buf keys = {0};
    sk_err err = ignore_section(ignores, seg->index, &keys);
    if (!sk_failed(err) && keys.len > 0) {
        err = img_writer_section(seg->w, IMG_IGNORED, 0, IMG_COLD, sizeof(uint64_t),
                                 (struct sk_bytes){keys.data, keys.len});
    }
    buf_release(&keys);
    return err;
}

static sk_err write_meta(struct segment *seg) {
    struct buf meta = {0};
    sk_err err = tally_meta(&seg->tally, &meta);
    if (!sk_failed(err) && seg->inputs[0] != '\0') {
        err = buf_printf(&meta, "inputs=%s\n", seg->inputs);
    }
    if (!sk_failed(err) && seg->result.duplicates > 0) {
        err = buf_printf(&meta, "duplicates=%llu\n", (unsigned long long)seg->result.duplicates);
    }
    if (!sk_failed(err)) {
        err = img_writer_section(seg->w, IMG_META, 0, IMG_COLD, 1,
                                 (struct sk_bytes){meta.data, meta.len});
    }
    buf_release(&meta);
    return err;
}

static void fill_header(struct segment *seg) {
    struct img_header *h = img_writer_header(seg->w);
    struct tally_counts sum = tally_sum(&seg->tally);
    h->flags = seg->official ? IMG_OFFICIAL : 0;
    h->source_time = seg->time;
    h->source_version = seg->version;
    h->count_hash = hashspool_count(seg->hashes, HS_FILE) +
                    hashspool_count(seg->hashes, HS_SECTION) +
                    hashspool_count(seg->hashes, HS_IMPORTS);
    h->count_allow = hashspool_count(seg->hashes, HS_ALLOW);
    h->count_body = body_count(seg->body) + rules_count(&seg->rules);
    h->count_skipped = 0;
    for (int r = 0; r < DEFC_REASON_COUNT; r++) {
        h->count_skipped += sum.skipped[r];
    }
    seg->result.signatures = h->count_hash + h->count_body;
    seg->result.sum = sum;
}

static sk_err build_body(void *ctx, bool apart, struct buf *out_result) {
    struct segment *seg = ctx;
    (void)apart;
    (void)out_result;
    return body_build(seg->body);
}

/* The hash sets go into the image one after the other; the tables of bodies are made meanwhile. */
static sk_err write_sets(struct segment *seg, struct crew *crew) {
    struct crew_task task[HASHSPOOL_SETS + 1];
    unsigned count = 0;
    TRY(hashspool_tasks(seg->hashes, seg->w, task, &count));
    task[count++] = (struct crew_task){.run = build_body, .ctx = seg, .here = true};
    return crew_run(crew, task, count);
}

static sk_err write_sections(struct segment *seg, const struct ignore_list *ignores,
                             struct crew *crew) {
    TRY(write_sets(seg, crew));
    seg->result.duplicates = hashspool_dropped(seg->hashes);
    fill_header(seg);
    TRY(body_write(seg->body, seg->w));
    TRY(rules_finish(&seg->rules, seg->w));
    TRY(names_finish(seg->names, seg->w));
    TRY(write_ignored(seg, ignores));
    TRY(write_meta(seg));
    return img_writer_finish(seg->w);
}

/* ---- the proof ---------------------------------------------------------------------------- */

struct proof {
    const struct image *img;
    struct diag *diag;
    enum image_part part;
};

static sk_err prove_part(void *ctx, bool apart, struct buf *out_result) {
    const struct proof *p = ctx;
    (void)apart;
    (void)out_result;
    return image_verify_part(p->img, p->part, p->diag);
}

static sk_err prove(struct segment *seg, struct crew *crew) {
    struct buf path = {0};
    struct image *img = NULL;
    sk_err err = buf_printf(&path, "%s/%s", seg->dir, img_writer_temp_name(seg->w));
    if (!sk_failed(err)) {
        err = image_open(buf_text(&path), seg->diag, &img);
    }
    if (!sk_failed(err)) {
        struct proof proof[IMAGE_PARTS];
        struct crew_task task[IMAGE_PARTS];
        for (unsigned i = 0; i < IMAGE_PARTS; i++) {
            proof[i] = (struct proof){img, seg->diag, (enum image_part)i};
            task[i] = (struct crew_task){.run = prove_part, .ctx = &proof[i]};
        }
        err = crew_run(crew, task, IMAGE_PARTS);
        image_close(img);
    }
    buf_release(&path);
    return err;
}

sk_err segment_finish(struct segment *seg, const struct ignore_list *ignores, struct crew *crew) {
    uint64_t told = seg->diag->count[DIAG_ERROR];
    sk_err err = write_sections(seg, ignores, crew);
    /* The spools do not tell; the writer does. */
    if (err.code == SK_E_IO && seg->diag->count[DIAG_ERROR] == told) {
        diag_say(seg->diag, DIAG_ERROR, seg->dir, 0, "the image of %s could not be written: %s",
                 seg->name, strerror(errno));
    }
    free_builders(seg);
    TRY(err);
    TRY(prove(seg, crew));
    seg->result.length = img_writer_length(seg->w);
    memcpy(seg->result.identity, img_writer_identity(seg->w), sizeof seg->result.identity);
    return sk_ok();
}

sk_err segment_adopt(struct segment *seg, const struct segment_result *result) {
    if (memchr(result->identity, '\0', sizeof result->identity) == NULL) {
        return sk_fail(SK_E_INTERNAL);
    }
    seg->result = *result;
    return result->kept ? sk_ok() : img_writer_adopt(seg->w, result->identity, result->length);
}
