// SPDX-License-Identifier: Apache-2.0
/*
 * Opening, verifying and walking a ClamAV signature container.
 *
 *   file:    header (512 bytes, colon-separated, space-padded) | payload (tar, mostly gzipped)
 *   members: COPYING | NAME.info | signature files listed in .info
 *   .info:   copy of the header (md5 and dsig replaced by X)
 *            name:size:sha256 ...
 *            DSIG:signature over all text before this line
 *
 * Chain of trust for a .cvd: header signature -> MD5 of the payload, and independently DSIG -> text
 * of .info -> SHA-256 of every member. Both must hold; the second does not lean on MD5. For a .cld
 * only the second exists. A member that .info does not list, other than COPYING, is refused, as is
 * a listed one that is missing or occurs twice, and anything before .info but COPYING.
 *
 * The tar reader is small on purpose: ustar blocks, regular files, flat names, nothing else. It
 * pulls from gzread and hands each member out as a stream; after the callback the rest of the
 * member is drained through the same digest, so nobody can skip a check by not reading.
 */
#include "defc/cvd.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "defc/cvd_info.h"
#include "defc/cvdsig.h"
#include "defc/gzread.h"
#include "os/fdsource.h"
#include "os/file.h"

#define BLOCK_BYTES 512u
#define CHUNK_BYTES ((size_t)64 * 1024)

struct cvd {
    struct sk_stream member_stream; /* first: cvd_stream hands it out */
    struct sk_source src;
    int fd;
    char *path;
    struct diag *diag;
    const struct cvd_keys *keys;
    struct cvd_header header;
    struct cvd_text text; /* of the outer header */
    struct cvd_info info;
    bool lenient;
    bool checked; /* cvd_verify succeeded */
    uint8_t digest[CRYPTO_DIGEST_MAX];
    struct gzread gz;
    struct digester *digester;
    uint64_t left; /* bytes of the present member not yet read */
    uint8_t *chunk;
};

static sk_err refuse(struct cvd *c, enum sk_err_code code, const char *text) {
    diag_say(c->diag, DIAG_ERROR, c->path, 0, "%s", text);
    return sk_fail(code);
}

/* A signature that does not fit: an error, or a warning for those who asked for it. */
static sk_err unsigned_or_refuse(struct cvd *c, const char *text) {
    if (!c->lenient) {
        return refuse(c, SK_E_BAD_SIGNATURE, text);
    }
    diag_say(c->diag, DIAG_WARNING, c->path, 0, "%s: taken all the same, as asked", text);
    c->header.verified = false;
    return sk_ok();
}

/* ---- opening ------------------------------------------------------------------------------ */

static sk_err member_read(struct sk_stream *s, uint8_t *buf, size_t cap, size_t *out_len);

static enum cvd_kind kind_of(const char *path) {
    const char *dot = strrchr(path, '.');
    if (dot != NULL && strcasecmp(dot, ".cvd") == 0) {
        return CVD_SIGNED;
    }
    return dot != NULL && strcasecmp(dot, ".cld") == 0 ? CVD_LOCAL : CVD_UNSIGNED;
}

static sk_err read_header(struct cvd *c) {
    uint8_t block[CVD_HEADER_BYTES];
    size_t got = 0;
    TRY(sk_source_read(&c->src, 0, block, sizeof block, &got));
    if (got < sizeof block || !cvd_text_parse((const char *)block, got, &c->text)) {
        return refuse(c, SK_E_FORMAT, "is not a signature container");
    }
    c->header.version = c->text.version;
    c->header.signatures = c->text.signatures;
    c->header.flevel = c->text.flevel;
    c->header.time = c->text.time;
    (void)snprintf(c->header.builder, sizeof c->header.builder, "%.*s",
                   (int)c->text.field[CVD_FIELD_BUILDER].len,
                   (const char *)c->text.field[CVD_FIELD_BUILDER].ptr);
    return sk_ok();
}

static sk_err new_cvd(const char *path, const struct cvd_keys *keys, struct diag *diag,
                      struct cvd **out_cvd) {
    struct cvd *c = mem_zalloc(1, sizeof *c);
    if (c == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    c->member_stream.read = member_read;
    c->fd = -1;
    c->diag = diag;
    c->keys = keys != NULL ? keys : cvd_keys_builtin();
    c->header.kind = kind_of(path);
    c->path = mem_strdup(path);
    c->chunk = mem_alloc(CHUNK_BYTES);
    sk_err err =
        c->path == NULL || c->chunk == NULL ? sk_fail(SK_E_NOMEM) : digester_new(&c->digester);
    if (sk_failed(err)) {
        cvd_close(c);
        return err;
    }
    *out_cvd = c;
    return sk_ok();
}

sk_err cvd_open(const char *path, const struct cvd_keys *keys, struct diag *diag,
                struct cvd **out_cvd) {
    struct cvd *c = NULL;
    struct stat st;
    TRY(new_cvd(path, keys, diag, &c));
    sk_err err = file_open_object(AT_FDCWD, path, FILE_FOLLOW, &c->fd, &st);
    if (sk_failed(err)) {
        diag_say(diag, DIAG_ERROR, path, 0, "cannot open: %s", strerror(errno));
    } else {
        err = fdsource_init(&c->src, c->fd, (uint64_t)st.st_size);
    }
    if (!sk_failed(err)) {
        err = read_header(c);
    }
    if (sk_failed(err)) {
        cvd_close(c);
        return err;
    }
    *out_cvd = c;
    return sk_ok();
}

sk_err cvd_open_mem(struct sk_bytes bytes, const char *path, const struct cvd_keys *keys,
                    struct diag *diag, struct cvd **out_cvd) {
    struct cvd *c = NULL;
    TRY(new_cvd(path, keys, diag, &c));
    sk_source_init_mem(&c->src, bytes.ptr, bytes.len);
    sk_err err = read_header(c);
    if (sk_failed(err)) {
        cvd_close(c);
        return err;
    }
    *out_cvd = c;
    return sk_ok();
}

void cvd_close(struct cvd *c) {
    if (c == NULL) {
        return;
    }
    gzread_release(&c->gz);
    sk_source_release(&c->src);
    file_close(&c->fd);
    cvd_info_release(&c->info);
    digester_free(c->digester);
    mem_free(c->chunk);
    mem_free(c->path);
    mem_free(c);
}

void cvd_accept_unverified(struct cvd *c) {
    c->lenient = true;
}

const struct cvd_header *cvd_header(const struct cvd *c) {
    return &c->header;
}

struct sk_source *cvd_source(struct cvd *c) {
    return &c->src;
}

uint64_t cvd_consumed(const struct cvd *c) {
    return c->gz.pos;
}

/* ---- the present member ------------------------------------------------------------------- */

static sk_err member_read(struct sk_stream *s, uint8_t *buf, size_t cap, size_t *out_len) {
    struct cvd *c = (struct cvd *)(void *)s;
    size_t want = c->left < cap ? (size_t)c->left : cap;
    size_t got = 0;
    if (want > 0) {
        TRY(sk_stream_read(&c->gz.base, buf, want, &got));
        if (got == 0) {
            return sk_fail(SK_E_FORMAT);
        }
        TRY(digester_update(c->digester, buf, got));
    }
    c->left -= got;
    *out_len = got;
    return sk_ok();
}

struct sk_stream *cvd_stream(struct cvd *c) {
    return &c->member_stream;
}

static sk_err drain(struct cvd *c) {
    while (c->left > 0) {
        size_t got = 0;
        TRY(member_read(&c->member_stream, c->chunk, CHUNK_BYTES, &got));
    }
    return sk_ok();
}

/* ---- tar ---------------------------------------------------------------------------------- */

/* Fill buf; *out_got is short only at the end. */
static sk_err read_full(struct cvd *c, uint8_t *buf, size_t len, size_t *out_got) {
    size_t have = 0;
    while (have < len) {
        size_t got = 0;
        TRY(sk_stream_read(&c->gz.base, &buf[have], len - have, &got));
        if (got == 0) {
            break;
        }
        have += got;
    }
    *out_got = have;
    return sk_ok();
}

/* Octal digits with spaces around and NUL after; false when there is anything else. */
static bool read_octal(struct sk_bytes field, uint64_t *out) {
    uint64_t value = 0;
    size_t i = 0;
    size_t digits = 0;
    while (i < field.len && field.ptr[i] == ' ') {
        i++;
    }
    for (; i < field.len && field.ptr[i] >= '0' && field.ptr[i] <= '7'; i++, digits++) {
        value = value << 3 | (uint64_t)(field.ptr[i] - '0');
    }
    for (; i < field.len; i++) {
        if (field.ptr[i] != ' ' && field.ptr[i] != '\0') {
            return false;
        }
    }
    *out = value;
    return digits > 0;
}

static bool checksum_is_good(const uint8_t block[BLOCK_BYTES]) {
    uint64_t want = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        sum += i >= 148 && i < 156 ? ' ' : block[i];
    }
    return read_octal((struct sk_bytes){&block[148], 8}, &want) && want == sum;
}

static bool name_is_good(const char *name) {
    size_t len = strlen(name);
    if (len == 0 || name[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* *out_end: the archive is over. */
static sk_err next_member(struct cvd *c, struct cvd_member *out, bool *out_end) {
    uint8_t block[BLOCK_BYTES];
    static const uint8_t zero[BLOCK_BYTES];
    size_t got = 0;
    TRY(read_full(c, block, sizeof block, &got));
    *out_end = got == 0 || (got == sizeof block && memcmp(block, zero, sizeof block) == 0);
    if (*out_end) {
        return sk_ok();
    }
    if (got < sizeof block || !checksum_is_good(block)) {
        return refuse(c, SK_E_FORMAT, "the archive inside is damaged");
    }
    uint8_t type = block[156];
    if (type != '0' && type != '\0') {
        return refuse(c, SK_E_FORMAT, "the archive inside holds something that is not a file");
    }
    memcpy(out->name, block, CVD_NAME_BYTES - 1);
    out->name[CVD_NAME_BYTES - 1] = '\0';
    if (!name_is_good(out->name) || !read_octal((struct sk_bytes){&block[124], 12}, &out->size) ||
        out->size > CVD_TOTAL_MAX) {
        return refuse(c, SK_E_FORMAT, "the archive inside has a file of impossible name or size");
    }
    c->left = out->size;
    return sk_ok();
}

static sk_err skip_padding(struct cvd *c, const struct cvd_member *member) {
    uint8_t pad[BLOCK_BYTES];
    size_t want = (size_t)((BLOCK_BYTES - member->size % BLOCK_BYTES) % BLOCK_BYTES);
    size_t got = 0;
    TRY(read_full(c, pad, want, &got));
    return got == want ? sk_ok() : refuse(c, SK_E_FORMAT, "the archive inside is cut short");
}

static bool is_info_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot != NULL && strcasecmp(dot, ".info") == 0;
}

/* Read a member to its end through `seen` and compare it with .info. */
static sk_err take_member(struct cvd *c, const struct cvd_member *member, cvd_member_fn seen,
                          void *ctx) {
    uint8_t digest[3][CRYPTO_DIGEST_MAX];
    bool free_text = strcmp(member->name, "COPYING") == 0;
    struct cvd_row *row = cvd_info_find(&c->info, member->name);
    if (!free_text && (row == NULL || row->seen || row->size != member->size)) {
        return refuse(c, SK_E_FORMAT, "holds a file that its inventory does not list");
    }
    TRY(digester_begin(c->digester, CRYPTO_MASK(CRYPTO_SHA256)));
    if (seen != NULL) {
        TRY(seen(ctx, c, member));
    }
    TRY(drain(c));
    TRY(digester_end(c->digester, digest));
    if (free_text) {
        return sk_ok();
    }
    row->seen = true;
    if (memcmp(digest[CRYPTO_SHA256], row->sha256, sizeof row->sha256) != 0) {
        return refuse(c, SK_E_FORMAT, "a file inside does not have the digest of the inventory");
    }
    return sk_ok();
}

/* ---- .info -------------------------------------------------------------------------------- */

static sk_err check_dsig(struct cvd *c, struct sk_bytes text) {
    uint8_t digest[CRYPTO_DIGEST_MAX];
    if (c->header.kind == CVD_UNSIGNED) {
        return sk_ok();
    }
    if (c->info.dsig.len == 0) {
        return unsigned_or_refuse(c, "the inventory carries no signature");
    }
    TRY(crypto_digest(CRYPTO_SHA256, text.ptr, c->info.signed_len, digest));
    sk_err err = cvdsig_pss(c->keys->info_modulus, c->keys->info_exponent, c->info.dsig, digest);
    if (err.code == SK_E_BAD_SIGNATURE) {
        return unsigned_or_refuse(c, "the signature of the inventory does not verify");
    }
    return err;
}

static sk_err take_info(struct cvd *c, const struct cvd_member *member) {
    if (c->checked) {
        TRY(digester_begin(c->digester, CRYPTO_MASK(CRYPTO_SHA256)));
        return drain(c);
    }
    if (member->size == 0 || member->size > CVD_INFO_MAX) {
        return refuse(c, SK_E_FORMAT, "the inventory has an impossible size");
    }
    TRY(digester_begin(c->digester, CRYPTO_MASK(CRYPTO_SHA256)));
    struct buf text = {0};
    sk_err err = buf_reserve(&text, (size_t)member->size);
    while (!sk_failed(err) && c->left > 0) {
        size_t got = 0;
        err = member_read(&c->member_stream, &text.data[text.len], (size_t)c->left, &got);
        text.len += got;
    }
    if (!sk_failed(err)) {
        err = cvd_info_parse(&c->info, &c->text, &text);
        if (err.code == SK_E_FORMAT) {
            err = refuse(c, SK_E_FORMAT, "the inventory is damaged or of another container");
        }
    }
    if (!sk_failed(err)) {
        err = check_dsig(c, (struct sk_bytes){c->info.text.data, c->info.text.len});
    }
    buf_release(&text);
    return err;
}

/* ---- passes ------------------------------------------------------------------------------- */

/* What follows the archive means nothing, but its packing has a checksum and an end. */
static sk_err read_to_end(struct cvd *c) {
    size_t got = 1;
    while (got > 0) {
        TRY(sk_stream_read(&c->gz.base, c->chunk, CHUNK_BYTES, &got));
    }
    return sk_ok();
}

static sk_err walk_members(struct cvd *c, cvd_member_fn seen, void *ctx) {
    bool have_info = false;
    for (unsigned count = 0;; count++) {
        struct cvd_member member;
        bool end = false;
        TRY(next_member(c, &member, &end));
        if (end) {
            break;
        }
        if (count == CVD_MEMBER_MAX) {
            return refuse(c, SK_E_LIMIT, "holds too many files");
        }
        bool info = is_info_name(member.name);
        if (info == have_info && strcmp(member.name, "COPYING") != 0) {
            return refuse(c, SK_E_FORMAT, "the inventory is not where it must be");
        }
        TRY(info ? take_info(c, &member) : take_member(c, &member, seen, ctx));
        have_info = have_info || info;
        TRY(skip_padding(c, &member));
    }
    TRY(read_to_end(c));
    if (!have_info || !cvd_info_all_seen(&c->info)) {
        return refuse(c, SK_E_FORMAT, "a file that the inventory lists is missing");
    }
    return sk_ok();
}

static sk_err walk(struct cvd *c, cvd_member_fn seen, void *ctx) {
    gzread_release(&c->gz);
    c->left = 0;
    cvd_info_forget_seen(&c->info);
    TRY(gzread_init(&c->gz, &c->src, CVD_HEADER_BYTES, CVD_TOTAL_MAX));
    uint64_t told = c->diag == NULL ? 0 : c->diag->count[DIAG_ERROR];
    sk_err err = walk_members(c, seen, ctx);
    bool silent = c->diag != NULL && c->diag->count[DIAG_ERROR] == told;
    if ((err.code == SK_E_FORMAT || err.code == SK_E_LIMIT) && silent) {
        return refuse(c, (enum sk_err_code)err.code,
                      err.code == SK_E_LIMIT ? "unpacks to more than any real one"
                                             : "the packed data are damaged or cut short");
    }
    return err;
}

static sk_err payload_md5(struct cvd *c, uint8_t out[16]) {
    uint8_t digest[3][CRYPTO_DIGEST_MAX];
    TRY(digester_begin(c->digester, CRYPTO_MASK(CRYPTO_MD5)));
    for (uint64_t off = CVD_HEADER_BYTES; off < c->src.size;) {
        size_t got = 0;
        TRY(sk_source_read(&c->src, off, c->chunk, CHUNK_BYTES, &got));
        if (got == 0) {
            return sk_fail(SK_E_IO);
        }
        TRY(digester_update(c->digester, c->chunk, got));
        off += got;
    }
    TRY(digester_end(c->digester, digest));
    memcpy(out, digest[CRYPTO_MD5], 16);
    return sk_ok();
}

static sk_err check_payload(struct cvd *c) {
    uint8_t md5[16];
    char hex[33];
    if (c->header.kind == CVD_LOCAL) {
        return sk_ok();
    }
    TRY(payload_md5(c, md5));
    crypto_hex(md5, sizeof md5, hex);
    struct sk_bytes stated = c->text.field[CVD_FIELD_MD5];
    bool fits = stated.len == 32 && memcmp(stated.ptr, hex, 32) == 0;
    if (c->header.kind == CVD_UNSIGNED) {
        /* Only 32 digits are a statement; "X" is none. */
        return fits || stated.len != 32 ? sk_ok() : refuse(c, SK_E_FORMAT, "is damaged (checksum)");
    }
    if (!fits) {
        return refuse(c, SK_E_FORMAT, "is damaged (checksum)");
    }
    sk_err err = cvdsig_md5(c->keys->payload_modulus, c->keys->payload_exponent,
                            c->text.field[CVD_FIELD_DSIG], md5);
    if (err.code == SK_E_BAD_SIGNATURE) {
        return unsigned_or_refuse(c, "the digital signature does not verify");
    }
    return err;
}

/* Header and inventory: with them everything is stated that was compared with the contents. */
static sk_err digest_statements(struct cvd *c) {
    uint8_t digest[3][CRYPTO_DIGEST_MAX];
    uint8_t head[CVD_HEADER_BYTES];
    size_t got = 0;
    TRY(sk_source_read(&c->src, 0, head, sizeof head, &got));
    TRY(digester_begin(c->digester, CRYPTO_MASK(CRYPTO_SHA256)));
    TRY(digester_update(c->digester, head, got));
    TRY(digester_update(c->digester, c->info.text.data, c->info.text.len));
    TRY(digester_end(c->digester, digest));
    memcpy(c->digest, digest[CRYPTO_SHA256], sizeof c->digest);
    return sk_ok();
}

void cvd_digest(const struct cvd *c, uint8_t out_digest[32]) {
    memcpy(out_digest, c->digest, sizeof c->digest);
}

sk_err cvd_verify(struct cvd *c, cvd_member_fn seen, void *ctx) {
    c->checked = false;
    cvd_info_release(&c->info);
    c->header.verified = c->header.kind != CVD_UNSIGNED;
    sk_err err = check_payload(c);
    if (!sk_failed(err)) {
        err = walk(c, seen, ctx);
    }
    if (!sk_failed(err)) {
        err = digest_statements(c);
    }
    c->checked = !sk_failed(err);
    c->header.verified = c->header.verified && c->checked;
    return err;
}

sk_err cvd_walk(struct cvd *c, cvd_member_fn seen, void *ctx) {
    return c->checked ? walk(c, seen, ctx) : sk_fail(SK_E_USAGE);
}
