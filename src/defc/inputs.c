// SPDX-License-Identifier: Apache-2.0
/*
 * The line that stands for the inputs of a segment.
 *
 *   compiler, options   ->  text  \
 *   ignore lists        ->  digest  > SHA-256 -> "BYTES:HEX"
 *   each source read    ->  text, digest /
 *
 * BYTES is the sum of the sizes of the sources. An update nearly always changes it, so that the
 * question "is it still the same?" costs a comparison; only when the sizes are the same is anything
 * read to be digested.
 *
 * Names without directories: moving the sources changes nothing, as it changes nothing in the image
 * (META has the same names). Modification times are no part of it: tools that fetch containers keep
 * those of the server.
 */
#include "defc/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/buf.h"
#include "base/mem.h"
#include "defc/compiler_digest.h"
#include "os/file.h"

#define CHUNK_BYTES ((size_t)256 * 1024)

/* ---- digests of streams and files ------------------------------------------------------------ */

static sk_err digest_read(struct sk_stream *s, uint8_t *buf, size_t cap, size_t *out_len) {
    struct digest_stream *d = (struct digest_stream *)s;
    size_t got = 0;
    TRY(sk_stream_read(d->in, buf, cap, &got));
    TRY(digester_update(d->digester, buf, got));
    *out_len = got;
    return sk_ok();
}

sk_err digest_stream_init(struct digest_stream *s, struct sk_stream *in,
                          struct digester *digester) {
    *s = (struct digest_stream){{digest_read, NULL}, in, digester};
    return digester_begin(digester, CRYPTO_MASK(CRYPTO_SHA256));
}

sk_err digest_stream_end(struct digest_stream *s, uint8_t *out_digest) {
    uint8_t digest[3][CRYPTO_DIGEST_MAX];
    uint8_t rest[4096];
    size_t got = 1;
    while (got > 0) {
        TRY(sk_stream_read(&s->base, rest, sizeof rest, &got));
    }
    TRY(digester_end(s->digester, digest));
    memcpy(out_digest, digest[CRYPTO_SHA256], CRYPTO_DIGEST_MAX);
    return sk_ok();
}

static sk_err digest_file(const char *path, struct digester *digester, uint8_t *out_digest) {
    FILE_AUTO int fd = -1;
    struct stat st;
    uint8_t digest[3][CRYPTO_DIGEST_MAX];
    MEM_AUTO uint8_t *chunk = mem_alloc(CHUNK_BYTES);
    if (chunk == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(file_open_object(AT_FDCWD, path, FILE_FOLLOW, &fd, &st));
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    TRY(digester_begin(digester, CRYPTO_MASK(CRYPTO_SHA256)));
    for (size_t got = 1; got > 0;) {
        TRY(file_read_chunk(fd, chunk, CHUNK_BYTES, &got));
        TRY(digester_update(digester, chunk, got));
    }
    TRY(digester_end(digester, digest));
    memcpy(out_digest, digest[CRYPTO_SHA256], CRYPTO_DIGEST_MAX);
    return sk_ok();
}

/* ---- the line -------------------------------------------------------------------------------- */

bool inputs_reads(const struct defc_options *options, const struct source *s) {
    if (s->kind == KIND_COUNT) {
        return true;
    }
    const struct kind_row *row = kind_row(s->kind);
    return row->reader != READ_IGNORE && (!row->pua || options->pua);
}

static bool is_part(const struct inputs *in, const struct source *s) {
    return s->segment_index == in->segment && inputs_reads(in->options, s);
}

uint64_t inputs_bytes(const struct inputs *in) {
    uint64_t sum = 0;
    for (size_t i = 0; i < in->sources->count; i++) {
        sum += is_part(in, &in->sources->item[i]) ? in->sources->item[i].size : 0;
    }
    return sum;
}

static sk_err put_options(const struct inputs *in, struct buf *out) {
    const struct defc_options *o = in->options;
    TRY(buf_printf(out, "%s\nsegment %s official %d pua %d phishing %d exclude %d categories %u\n",
                   DEFC_COMPILER, in->name, in->official, o->pua, !o->wanted.no_phishing,
                   o->wanted.exclude, o->wanted.category_count));
    for (unsigned i = 0; i < o->wanted.category_count; i++) {
        TRY(buf_append(out, o->wanted.category[i], strlen(o->wanted.category[i]) + 1));
    }
    return buf_append(out, in->ignores, CRYPTO_DIGEST_MAX);
}

static sk_err put_all(const struct inputs *in, struct buf *out) {
    TRY(put_options(in, out));
    for (size_t i = 0; i < in->sources->count; i++) {
        const struct source *s = &in->sources->item[i];
        if (is_part(in, s)) {
            TRY(buf_append(out, s->name, strlen(s->name) + 1));
            TRY(buf_append(out, s->digest, sizeof s->digest));
        }
    }
    return sk_ok();
}

sk_err inputs_text(const struct inputs *in, char out_text[INPUTS_TEXT_BYTES]) {
    struct buf all = {0};
    uint8_t digest[CRYPTO_DIGEST_MAX];
    char hex[2 * CRYPTO_DIGEST_MAX + 1];
    sk_err err = put_all(in, &all);
    if (!sk_failed(err)) {
        err = crypto_digest(CRYPTO_SHA256, all.data, all.len, digest);
    }
    buf_release(&all);
    TRY(err);
    crypto_hex(digest, sizeof digest, hex);
    (void)snprintf(out_text, INPUTS_TEXT_BYTES, "%" PRIu64 ":%s", inputs_bytes(in), hex);
    return sk_ok();
}

static sk_err digest_files(const struct inputs *in, struct digester *digester) {
    for (size_t i = 0; i < in->sources->count; i++) {
        struct source *s = &in->sources->item[i];
        if (is_part(in, s) && s->kind != KIND_COUNT) {
            TRY(digest_file(s->path, digester, s->digest));
        }
    }
    return sk_ok();
}

sk_err inputs_same(const struct inputs *in, struct sk_bytes text, bool *out_same) {
    char ours[INPUTS_TEXT_BYTES];
    int head = snprintf(ours, sizeof ours, "%" PRIu64 ":", inputs_bytes(in));
    *out_same = false;
    if (text.len < (size_t)head || memcmp(text.ptr, ours, (size_t)head) != 0) {
        return sk_ok();
    }
    struct digester *digester = NULL;
    TRY(digester_new(&digester));
    sk_err err = digest_files(in, digester);
    digester_free(digester);
    TRY(err);
    TRY(inputs_text(in, ours));
    *out_same = text.len == strlen(ours) && memcmp(text.ptr, ours, text.len) == 0;
    return sk_ok();
}
