// SPDX-License-Identifier: Apache-2.0
/*
 * The definitions compiler: sources in, one image per segment and a manifest out.
 *
 * Sources: files and directories of ClamAV text databases and CVD/CLD/CUD containers. A segment is
 * named after its source: main, daily, bytecode; everything else goes to "local" (or to `segment`,
 * when given). Bounded memory: hash records are spooled to unlinked temporary files in the output
 * directory and sorted one set at a time. Same sources and options -> same bytes.
 *
 * Errors: SK_E_NOTFOUND / SK_E_PERM / SK_E_IO (a source or the output directory),
 * SK_E_BAD_SIGNATURE (a container does not verify: nothing is installed), SK_E_FORMAT (a container
 * is damaged), SK_E_NOMEM. Malformed or not yet supported lines are not errors: they are counted in
 * the report and told to diag. Nothing is installed unless everything was written, synced and
 * re-opened with success.
 */
#ifndef SK_DEFC_DEFC_H
#define SK_DEFC_DEFC_H

#include "base/buf.h"
#include "base/diag.h"
#include "defc/wanted.h"

/* The functionality level we report: signatures for newer engines are skipped. ClamAV 1.4 = 216. */
#define DEFC_FLEVEL 216u

#define DEFC_JOBS_MAX 64u

struct cvd_keys;

struct defc_options {
    const char *const *sources;
    unsigned source_count;
    const char *out_dir;
    const char *segment; /* put everything into this segment; NULL: by source name */
    bool official;       /* names get no .UNOFFICIAL suffix (our own bundled set) */
    bool official_only; /* of directories only containers count; what is named is read, as ClamAV */
    bool pua;           /* take *u files (hdu, ndu, ...) too */
    struct defc_wanted wanted;
    unsigned jobs;    /* processes side by side; 0 or 1: everything in this one. The images are the
                         same whatever the number. */
    bool rebuild;     /* compile also what has not changed since the active image was made */
    bool replace;     /* the new set is these sources only; else other segments stay active */
    bool skip_verify; /* accept CVDs that do not verify (only for experts; loud warning) */
    const struct cvd_keys *keys; /* who signs containers; NULL: the built-in keys */
    const char *certs; /* directory of certificates for NAME-VERSION.cvd.sign; NULL: not checked */
    struct diag *diag;
    /* Called now and then with work done and total (bytes); NULL: no progress wanted. */
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *progress_ctx;
};

/* Why a line was not taken. Texts in defc_reason_text. */
enum defc_reason {
    DEFC_MALFORMED,
    DEFC_FLEVEL_TOO_HIGH,
    DEFC_NOT_YET_ATTRIBUTE,
    DEFC_NOT_YET_FORMAT,
    DEFC_IGNORED,
    DEFC_DUPLICATE,
    DEFC_UNWANTED,
    DEFC_REASON_COUNT
};
/* English phrase; and the stable word used in META and JSON ("not-yet-format"). */
const char *defc_reason_text(enum defc_reason reason);
const char *defc_reason_word(enum defc_reason reason);

struct defc_report {
    uint64_t lines;
    uint64_t taken;
    uint64_t skipped[DEFC_REASON_COUNT];
    uint64_t signatures; /* in the images written, without repetitions */
    unsigned segments;   /* written */
    unsigned kept;       /* segments that have not changed; nothing above counts them */
    uint64_t kept_signatures;
    uint64_t bytes_written;
};

sk_err defc_compile(const struct defc_options *options, struct defc_report *out_report);

#endif
