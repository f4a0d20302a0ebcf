// SPDX-License-Identifier: Apache-2.0
/*
 * struct cvd: a ClamAV signature container: 512-byte header, then a tar, usually gzipped.
 *
 *   .cvd  published: RSA signature over the MD5 of the payload in the header, and DSIG in .info
 *   .cld  patched on this machine: only the DSIG in .info speaks for it
 *   .cud  unsigned: never official
 *
 * Life cycle: cvd_open (reads the header) -> cvd_verify (reads everything once: signatures, .info
 * against the header, size and SHA-256 of every member) -> cvd_walk, reading each
 * member through cvd_stream -> cvd_close. Size and digest of each listed member are checked again
 * while it is read, so what is parsed is what was verified.
 * Ownership: **borrows** keys and diag until cvd_close.
 * Errors: SK_E_BAD_SIGNATURE (a signature does not fit, or is missing), SK_E_FORMAT (damaged),
 * SK_E_NOTFOUND, SK_E_PERM, SK_E_IO, SK_E_NOMEM, SK_E_LIMIT. Reasons go to diag.
 * Limits: CVD_TOTAL_MAX unpacked bytes, CVD_MEMBER_MAX members, flat names of [A-Za-z0-9._-].
 * Source: clamav-formats.md 1.5; RFC 8017 section 9.1 (PSS).
 */
#ifndef SK_DEFC_CVD_H
#define SK_DEFC_CVD_H

#include "base/diag.h"
#include "base/source.h"

#define CVD_HEADER_BYTES 512u
#define CVD_TOTAL_MAX ((uint64_t)16 << 30)
#define CVD_MEMBER_MAX 1024u
#define CVD_NAME_BYTES 101u

/* Numbers are big-endian. */
struct cvd_keys {
    struct sk_bytes payload_modulus; /* RSA-1024, bare MD5 */
    uint64_t payload_exponent;
    struct sk_bytes info_modulus; /* RSA-2048, PSS with SHA-256 */
    uint64_t info_exponent;
};
/* Those of the ClamAV project. */
const struct cvd_keys *cvd_keys_builtin(void);

enum cvd_kind { CVD_SIGNED, CVD_LOCAL, CVD_UNSIGNED };

struct cvd_header {
    enum cvd_kind kind;
    uint32_t version;
    uint32_t signatures;
    uint32_t flevel;
    uint64_t time; /* seconds since 1970 */
    char builder[65];
    bool verified; /* a signature of the key owner covers everything; set by cvd_verify */
};

struct cvd_member {
    char name[CVD_NAME_BYTES];
    uint64_t size;
};

struct cvd;

/* The kind follows from the suffix of path. keys NULL: the built-in ones. */
sk_err cvd_open(const char *path, const struct cvd_keys *keys, struct diag *diag,
                struct cvd **out_cvd);
/* The same over bytes in memory, **borrowed**. */
sk_err cvd_open_mem(struct sk_bytes bytes, const char *path, const struct cvd_keys *keys,
                    struct diag *diag, struct cvd **out_cvd);
void cvd_close(struct cvd *c);
/* For experts: a signature that does not fit is only told as a warning, and the container is never
 * `verified`. Damage stays an error. */
void cvd_accept_unverified(struct cvd *c);
const struct cvd_header *cvd_header(const struct cvd *c);
/* After cvd_verify: SHA-256 over header and inventory, which has the digest of everything else. */
void cvd_digest(const struct cvd *c, uint8_t out_digest[32]);

/* seen (may be NULL) is called for each member and may read it through cvd_stream. */
typedef sk_err (*cvd_member_fn)(void *ctx, struct cvd *c, const struct cvd_member *member);
sk_err cvd_verify(struct cvd *c, cvd_member_fn seen, void *ctx);
/* Again from the start, one call for each member. After cvd_verify only. */
sk_err cvd_walk(struct cvd *c, cvd_member_fn seen, void *ctx);
/* Bytes of the present member; valid inside `seen` only. */
struct sk_stream *cvd_stream(struct cvd *c);
/* The whole file. **Borrowed** until cvd_close. */
struct sk_source *cvd_source(struct cvd *c);
/* Compressed bytes consumed so far, for progress. */
uint64_t cvd_consumed(const struct cvd *c);

#endif
