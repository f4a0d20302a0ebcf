// SPDX-License-Identifier: Apache-2.0
/*
 * struct segment: one image in the making: lines of any kind in, a finished image file out.
 *
 * Life cycle: segment_init -> segment_begin -> segment_open -> segment_feed... -> segment_finish ->
 * (w is ready to be installed) -> segment_release. From open to finish may happen in a child: then
 * the parent calls segment_adopt with its result. **Borrows** dir and diag for life.
 * Errors: SK_E_NOMEM, SK_E_IO, SK_E_LIMIT, those of the streams. Lines that cannot be taken are no
 * errors: they are in the tally.
 */
#ifndef SK_DEFC_SEGMENT_H
#define SK_DEFC_SEGMENT_H

#include "base/source.h"
#include "defc/hashspool.h"
#include "defc/inputs.h"
#include "defc/line_ign.h"
#include "defc/rules.h"
#include "defc/tally.h"
#include "defc/write.h"
#include "defs/image.h"

/* What is left of a segment when its image is written; plain bytes, so that a child can send it. */
struct segment_result {
    uint64_t signatures;
    uint64_t duplicates;
    uint64_t length; /* of the image */
    bool kept;       /* the active image is still right: nothing was written */
    struct tally_counts sum;
    char identity[IMAGE_IDENTITY_HEX];
};

struct segment {
    char name[IMG_NAME_BYTES];
    unsigned index;
    bool official;
    uint64_t time;    /* newest of the sources */
    uint32_t version; /* highest of the containers */
    const char *dir;
    struct diag *diag;
    struct tally tally;
    struct names_builder *names; /* NULL: not open */
    struct hashspool *hashes;
    struct body_builder *body;
    struct rule_builder rules;
    struct img_writer *w;           /* NULL before begin */
    char inputs[INPUTS_TEXT_BYTES]; /* for META; set before finish */
    struct segment_result result;
};

struct segment_input {
    enum kind_id kind;
    const char *file;  /* for messages: "/dir/main.cvd/main.hdb" */
    const char *label; /* for META: "main.cvd/main.hdb" */
    struct sk_stream *in;
    const struct defc_wanted *wanted; /* NULL: everything */
    struct ignore_list *ignores;      /* filled by READ_IGNORE kinds, asked by the others */
    /* Called now and then; NULL: not wanted. */
    void (*progress)(void *ctx, uint64_t bytes);
    void *ctx;
    uint64_t lines; /* out */
    uint64_t taken; /* out */
};

void segment_init(struct segment *seg, const char *name, const char *dir, struct diag *diag);
/* Makes the temporary file of the image. */
sk_err segment_begin(struct segment *seg);
sk_err segment_open(struct segment *seg);
sk_err segment_feed(struct segment *seg, struct segment_input *input);
/* Write the image to its temporary file, re-open it and verify everything, with the crew. Frees the
 * builders and fills `result`. */
sk_err segment_finish(struct segment *seg, const struct ignore_list *ignores, struct crew *crew);
sk_err segment_adopt(struct segment *seg, const struct segment_result *result);
void segment_release(struct segment *seg);

#endif
