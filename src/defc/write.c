// SPDX-License-Identifier: Apache-2.0
/*
 * The writing half of the image layout (defs/layout.h).
 *
 *   new:     temporary file, header space left free
 *   section: [padding] bytes ...   CRC-32C and SHA-256 are computed as the bytes pass
 *   finish:  IMG_DIGESTS with the SHA-256 of all sections and the identity, then the header at 0,
 *            then fsync: until the last step the file begins with zeros and opens as nothing
 *   part:    sections of another process, in a file of its own, with their digests; joined by
 * copying install: rename to SEGMENT-<16 hex of identity>.skdef
 *
 * Bytes go out through one buffer, so that small sections do not cost a system call each. The
 * identity covers the header (with the section table and its CRCs) and the digests; the row of
 * IMG_DIGESTS therefore carries no CRC. Nothing here depends on the clock, the process or the path,
 * so equal sections give an equal file.
 */
#include "defc/write.h"

#include <errno.h>

#include "base/buf.h"
#include "base/mem.h"
#include "crypto/crc32c.h"
#include "crypto/digest.h"
#include "defs/manifest.h"
#include "os/atomic.h"
#include "os/file.h"

#define WRITE_BUFFER_BYTES ((size_t)256 * 1024)
/* Where a section of unknown length starts: it may grow to a page or more. */
#define STREAM_ALIGN IMG_PAGE

/* A section of a part, as its child tells it. */
struct part_row {
    struct img_section section; /* off: in the part */
    uint32_t align;
    uint32_t pad;
    uint8_t digest[IMG_DIGEST_BYTES];
};

struct img_writer {
    struct diag *diag;
    struct atomic_file file;
    struct buf dir;
    uint8_t *buffer;
    size_t held;  /* bytes in the buffer, not yet in the file */
    uint64_t off; /* length of the file with them */
    struct img_header header;
    struct digester *digester;
    uint8_t digest[IMG_SECTION_MAX][IMG_DIGEST_BYTES];
    uint32_t align; /* of the last section */
    struct part_row part_row[IMG_PART_SECTIONS];
    bool is_part;
    bool open; /* between begin and end */
    bool finished;
    char identity[IMAGE_IDENTITY_HEX];
    char name[MANIFEST_FILE_BYTES];
};

static sk_err write_failed(struct img_writer *w, sk_err err) {
    diag_say(w->diag, DIAG_ERROR, buf_text(&w->dir), 0, "cannot write the image of %s: %s",
             w->header.name, err.code == SK_E_NOMEM ? sk_err_text(err) : strerror(errno));
    return err;
}

static sk_err flush(struct img_writer *w) {
    if (w->held == 0) {
        return sk_ok();
    }
    sk_err err = file_pwrite_all(w->file.fd, w->buffer, w->held, w->off - w->held);
    w->held = 0;
    return sk_failed(err) ? write_failed(w, err) : err;
}

static sk_err put_raw(struct img_writer *w, const void *bytes, size_t len) {
    struct sk_cursor c = sk_cursor_make(bytes, len);
    while (sk_cursor_left(&c) > 0) {
        size_t room = WRITE_BUFFER_BYTES - w->held;
        size_t n = sk_cursor_left(&c) < room ? sk_cursor_left(&c) : room;
        memcpy(&w->buffer[w->held], sk_cursor_take(&c, n), n);
        w->held += n;
        w->off += n;
        if (w->held == WRITE_BUFFER_BYTES) {
            TRY(flush(w));
        }
    }
    return sk_ok();
}

static sk_err pad_to(struct img_writer *w, uint64_t align) {
    static const uint8_t zero[IMG_PAGE];
    uint64_t over = w->off % align;
    return over == 0 ? sk_ok() : put_raw(w, zero, (size_t)(align - over));
}

/* What images and parts have in common. */
static sk_err writer_make(const char *dir, struct diag *diag, struct img_writer **out_writer) {
    struct img_writer *w = mem_zalloc(1, sizeof *w);
    if (w == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    w->diag = diag;
    w->file.fd = -1;
    w->file.dirfd = -1;
    w->buffer = mem_alloc(WRITE_BUFFER_BYTES);
    sk_err err = w->buffer == NULL ? sk_fail(SK_E_NOMEM) : digester_new(&w->digester);
    if (!sk_failed(err)) {
        err = buf_puts(&w->dir, dir != NULL ? dir : "");
    }
    if (sk_failed(err)) {
        img_writer_free(w);
        return err;
    }
    *out_writer = w;
    return sk_ok();
}

sk_err img_writer_new(const char *dir, const char *segment, struct diag *diag,
                      struct img_writer **out_writer) {
    if (strlen(segment) == 0 || strlen(segment) >= IMG_NAME_BYTES) {
        return sk_fail(SK_E_USAGE);
    }
    struct img_writer *w = NULL;
    struct buf path = {0};
    TRY(writer_make(dir, diag, &w));
    memcpy(w->header.name, segment, strlen(segment));
    sk_err err = buf_printf(&path, "%s/%s%s", dir, segment, MANIFEST_SUFFIX);
    if (!sk_failed(err)) {
        err = atomic_begin(buf_text(&path), 0644, &w->file);
        if (sk_failed(err)) {
            err = write_failed(w, err);
        }
    }
    buf_release(&path);
    w->off = IMG_HEADER_BYTES;
    if (sk_failed(err)) {
        img_writer_free(w);
        return err;
    }
    *out_writer = w;
    return sk_ok();
}

void img_writer_free(struct img_writer *w) {
    if (w == NULL) {
        return;
    }
    if (w->is_part) {
        file_close(&w->file.fd);
    } else if (w->file.fd >= 0) {
        atomic_abort(&w->file);
    }
    digester_free(w->digester);
    mem_free(w->buffer);
    buf_release(&w->dir);
    mem_free(w);
}

struct img_header *img_writer_header(struct img_writer *w) {
    return &w->header;
}

struct diag *img_writer_diag(const struct img_writer *w) {
    return w->diag;
}

static sk_err begin_aligned(struct img_writer *w, const struct img_section *row, uint64_t align) {
    struct img_header *h = &w->header;
    if (w->open || w->finished || row->elem == 0) {
        return sk_fail(SK_E_USAGE);
    }
    if (h->section_count == (w->is_part ? IMG_PART_SECTIONS : IMG_SECTION_MAX)) {
        return sk_fail(SK_E_LIMIT);
    }
    for (uint32_t i = 0; i < h->section_count; i++) {
        if (h->section[i].type == row->type && h->section[i].sub == row->sub) {
            return sk_fail(SK_E_USAGE);
        }
    }
    TRY(pad_to(w, align));
    TRY(digester_begin(w->digester, CRYPTO_MASK(CRYPTO_SHA256)));
    h->section[h->section_count] = *row;
    h->section[h->section_count].off = w->off;
    w->align = (uint32_t)align;
    w->open = true;
    return sk_ok();
}

sk_err img_writer_begin(struct img_writer *w, uint16_t type, uint32_t sub, uint16_t flags,
                        uint32_t elem) {
    struct img_section row = {.type = type, .sub = sub, .flags = flags, .elem = elem};
    return begin_aligned(w, &row, STREAM_ALIGN);
}

sk_err img_writer_put(struct img_writer *w, const void *bytes, size_t len) {
    if (!w->open) {
        return sk_fail(SK_E_USAGE);
    }
    if (len == 0) {
        return sk_ok();
    }
    struct img_section *s = &w->header.section[w->header.section_count];
    s->crc = crypto_crc32c(s->crc, bytes, len);
    s->len += len;
    TRY(digester_update(w->digester, bytes, len));
    return put_raw(w, bytes, len);
}

sk_err img_writer_end(struct img_writer *w) {
    struct img_header *h = &w->header;
    if (!w->open) {
        return sk_fail(SK_E_USAGE);
    }
    if (h->section[h->section_count].len % h->section[h->section_count].elem != 0) {
        return sk_fail(SK_E_USAGE);
    }
    uint8_t digest[3][CRYPTO_DIGEST_MAX];
    TRY(digester_end(w->digester, digest));
    memcpy(w->digest[h->section_count], digest[CRYPTO_SHA256], IMG_DIGEST_BYTES);
    if (w->is_part) {
        struct part_row *row = &w->part_row[h->section_count];
        *row = (struct part_row){.section = h->section[h->section_count], .align = w->align};
        memcpy(row->digest, digest[CRYPTO_SHA256], IMG_DIGEST_BYTES);
    }
    h->section_count++;
    w->open = false;
    return sk_ok();
}

sk_err img_writer_section(struct img_writer *w, uint16_t type, uint32_t sub, uint16_t flags,
                          uint32_t elem, struct sk_bytes data) {
    struct img_section row = {.type = type, .sub = sub, .flags = flags, .elem = elem};
    TRY(begin_aligned(w, &row, data.len >= IMG_PAGE ? IMG_PAGE : IMG_ALIGN_SMALL));
    TRY(img_writer_put(w, data.ptr, data.len));
    return img_writer_end(w);
}

/* ---- parts -------------------------------------------------------------------------------- */

sk_err img_part_new(const char *dir, struct diag *diag, struct img_writer **out_part) {
    struct img_writer *w = NULL;
    TRY(writer_make(dir, diag, &w));
    w->is_part = true;
    sk_err err = file_temp(dir, &w->file.fd);
    if (sk_failed(err)) {
        err = write_failed(w, err);
        img_writer_free(w);
        return err;
    }
    *out_part = w;
    return sk_ok();
}

sk_err img_part_end(struct img_writer *part, struct buf *out_rows) {
    if (part->open || !part->is_part) {
        return sk_fail(SK_E_USAGE);
    }
    TRY(flush(part));
    return buf_append(out_rows, part->part_row,
                      part->header.section_count * sizeof part->part_row[0]);
}

static sk_err join_bytes(struct img_writer *w, const struct img_writer *part, uint64_t off,
                         uint64_t len) {
    while (len > 0) {
        size_t room = WRITE_BUFFER_BYTES - w->held;
        size_t n = len < room ? (size_t)len : room;
        TRY(file_pread_all(part->file.fd, &w->buffer[w->held], n, off));
        w->held += n;
        w->off += n;
        off += n;
        len -= n;
        if (w->held == WRITE_BUFFER_BYTES) {
            TRY(flush(w));
        }
    }
    return sk_ok();
}

sk_err img_writer_join(struct img_writer *w, const struct img_writer *part, struct sk_bytes rows) {
    for (size_t at = 0; at < rows.len; at += sizeof(struct part_row)) {
        struct part_row row;
        if (rows.len - at < sizeof row) {
            return sk_fail(SK_E_USAGE);
        }
        memcpy(&row, &rows.ptr[at], sizeof row);
        if (row.align == 0 || row.align > IMG_PAGE) {
            return sk_fail(SK_E_USAGE);
        }
        TRY(begin_aligned(w, &row.section, row.align));
        struct img_header *h = &w->header;
        TRY(join_bytes(w, part, row.section.off, row.section.len));
        memcpy(w->digest[h->section_count], row.digest, IMG_DIGEST_BYTES);
        h->section_count++;
        w->open = false;
    }
    return sk_ok();
}

/* ---- the end ------------------------------------------------------------------------------ */

/* SHA-256 of the header page and the digests of all sections but the trailer. */
static sk_err compute_identity(struct img_writer *w, const uint8_t *page, uint8_t *out_identity) {
    uint8_t digest[3][CRYPTO_DIGEST_MAX];
    size_t digests = (size_t)(w->header.section_count - 1) * IMG_DIGEST_BYTES;
    TRY(digester_begin(w->digester, CRYPTO_MASK(CRYPTO_SHA256)));
    TRY(digester_update(w->digester, page, IMG_HEADER_BYTES));
    TRY(digester_update(w->digester, w->digest, digests));
    TRY(digester_end(w->digester, digest));
    memcpy(out_identity, digest[CRYPTO_SHA256], IMG_DIGEST_BYTES);
    return sk_ok();
}

sk_err img_writer_finish(struct img_writer *w) {
    struct img_header *h = &w->header;
    struct img_section row = {.type = IMG_DIGESTS, .flags = IMG_COLD, .elem = IMG_DIGEST_BYTES};
    uint32_t count = h->section_count;
    TRY(begin_aligned(w, &row, IMG_PAGE));
    w->open = false;
    h->section_count = count + 1;
    h->section[count].len = (uint64_t)(count + 1) * IMG_DIGEST_BYTES;
    memcpy(h->magic, IMG_MAGIC, sizeof h->magic);
    h->byte_order = IMG_BYTE_ORDER;
    h->major = IMG_MAJOR;
    h->minor = IMG_MINOR;
    h->file_len = w->off + h->section[count].len;

    MEM_AUTO uint8_t *page = mem_zalloc(1, IMG_HEADER_BYTES);
    if (page == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    memcpy(page, h, sizeof *h);
    uint32_t crc = crypto_crc32c(0, page, IMG_HEADER_BYTES - 4);
    sk_store_u32le(&page[IMG_HEADER_BYTES - 4], crc);
    TRY(compute_identity(w, page, w->digest[count]));
    TRY(put_raw(w, w->digest, (size_t)h->section[count].len));
    TRY(flush(w));
    sk_err err = file_pwrite_all(w->file.fd, page, IMG_HEADER_BYTES, 0);
    if (sk_failed(err)) {
        return write_failed(w, err);
    }
    crypto_hex(w->digest[count], IMG_DIGEST_BYTES, w->identity);
    manifest_file_name(h->name, w->identity, w->name);
    w->finished = true;
    return sk_ok();
}

sk_err img_writer_adopt(struct img_writer *w, const char *identity, uint64_t length) {
    if (w->finished || w->is_part || strlen(identity) != IMAGE_IDENTITY_HEX - 1) {
        return sk_fail(SK_E_USAGE);
    }
    memcpy(w->identity, identity, IMAGE_IDENTITY_HEX);
    manifest_file_name(w->header.name, w->identity, w->name);
    w->off = length;
    w->finished = true;
    return sk_ok();
}

const char *img_writer_identity(const struct img_writer *w) {
    return w->identity;
}

const char *img_writer_file_name(const struct img_writer *w) {
    return w->name;
}

const char *img_writer_temp_name(const struct img_writer *w) {
    return w->file.temp;
}

uint64_t img_writer_length(const struct img_writer *w) {
    return w->off;
}

sk_err img_writer_install(struct img_writer *w) {
    if (!w->finished || w->file.fd < 0) {
        return sk_fail(SK_E_USAGE);
    }
    sk_err err = atomic_commit_as(&w->file, w->name);
    return sk_failed(err) ? write_failed(w, err) : err;
}
