// SPDX-License-Identifier: Apache-2.0
/*
 * Hex bodies: the text between offset and modifiers becomes parts with programs (match/tables.h).
 *
 * struct hex_stage collects the compiled bodies of one line, so that nothing reaches the pools of
 * the builder before the whole line has proved good.
 *
 * Life cycle: zero-initialise -> hex_stage_clear, hex_compile... per line -> hex_stage_release.
 * Ownership: owns its buffers. Errors: SK_E_NOMEM; a body that is not well-formed is told in `why`.
 * Units: bytes; positions are indexes into stage->prog. Source: ClamAV documentation "Body-based
 * Signature Content Format"; see hexbody.c for what black-box runs added.
 */
#ifndef SK_DEFC_HEXBODY_H
#define SK_DEFC_HEXBODY_H

#include "base/buf.h"
#include "base/cursor.h"
#include "defc/body.h"
#include "defc/vec.h"

#define HEX_NOCASE 1u /* modifier i */
#define HEX_WIDE 2u   /* modifier w */

#define HEX_PART_MAX 255u
#define HEX_GAP_BECOMES_SKIP 128u /* {n} below this stays inside its part */
#define HEX_NEAR_MAX 32u
#define HEX_FLOATING UINT32_MAX

/* A stretch of literal bytes that every match of the part contains. */
struct hex_run {
    uint32_t prog; /* where its bytes lie; lower case when nocase */
    uint32_t len;
    uint32_t delta; /* from the start of the part, HEX_FLOATING after a variable alternative */
    uint32_t nocase;
};
struct hex_part {
    uint32_t prog, prog_len;
    uint32_t gap_min, gap_max;
    uint32_t len_min, len_max;
    uint32_t run_first, run_count;
};
struct hex_stage {
    struct buf prog;
    struct vec part; /* struct hex_part */
    struct vec run;  /* struct hex_run */
};
struct hex_range {
    uint32_t part_first, part_count;
};

void hex_stage_clear(struct hex_stage *st);
void hex_stage_release(struct hex_stage *st);
/* flags: HEX_*. *out_range is set when why stays DEFC_TAKEN. */
sk_err hex_compile(struct hex_stage *st, struct sk_bytes text, unsigned flags,
                   struct hex_range *out_range, struct defc_why *why);

#endif
