// SPDX-License-Identifier: Apache-2.0
/*
 * The filters of one PDF stream: what its dictionary says, and the streams that undo it.
 *
 * Life cycle: pdf_filters_read -> pdf_chain_open -> read pdf_chain_top -> pdf_chain_close. A chain
 * is storage of the caller and must not move while it is open; it **borrows** the walk, and the
 * source below. Errors of pdf_chain_open: SK_E_NOMEM, SK_E_UNSUPPORTED (predictor numbers without
 * sense); then it is closed. Errors of reading: those of the codecs; SK_E_LIMIT when the stages
 * among them made more than PDF_CHAIN_MAX_BYTES, SK_E_STOP when time is over.
 */
#ifndef SK_FORMAT_PDF_FILTER_H
#define SK_FORMAT_PDF_FILTER_H

#include "codec/codec.h"
#include "format/pdf_parts.h"

#define PDF_FILTERS_MAX 16u
#define PDF_STAGES_MAX (2 * PDF_FILTERS_MAX + 1)
/* What lies between two filters is seen by no limit of the engine: a chain may turn megabytes into
 * gigabytes of blanks that the last filter drops. */
#define PDF_CHAIN_MAX_BYTES ((uint64_t)1 << 30)

enum pdf_filter_kind {
    PDF_FILTER_FLATE,
    PDF_FILTER_LZW,
    PDF_FILTER_HEX,
    PDF_FILTER_85,
    PDF_FILTER_RUN,
    PDF_FILTER_CRYPT,
    PDF_FILTER_IMAGE,  /* DCT, JPX, CCITT, JBIG2: ends the chain */
    PDF_FILTER_UNKNOWN /* ends it too */
};

struct pdf_filter {
    enum pdf_filter_kind kind;
    struct sk_predictor predictor;
    bool late;     /* LZW with EarlyChange 0 */
    bool identity; /* Crypt: not encrypted */
};

struct pdf_filters {
    struct pdf_filter at[PDF_FILTERS_MAX];
    unsigned count;
};

/* Read the filters of a dictionary in p->body; uses p->text. last: the other reading, by the last
 * /Filter at any depth; *out_differs tells whether that stands elsewhere than the first. */
sk_err pdf_filters_read(struct pdf *p, struct sk_bytes dict, struct pdf_filters *out_filters);
sk_err pdf_filters_read_last(struct pdf *p, struct sk_bytes dict, struct pdf_filters *out_filters,
                             bool *out_differs);
bool pdf_filters_have(const struct pdf_filters *f, enum pdf_filter_kind kind);
/* Is there anything to undo? */
bool pdf_filters_work(const struct pdf_filters *f);
bool pdf_filters_predict(const struct pdf_filters *f);

/* The value at the cursor; behind a reference, that of the other object (in p->text), where `at`
 * goes too. */
sk_err pdf_follow(struct pdf *p, struct sk_cursor *at, struct pdf_token *out_token);

/* Packed data of one stream, and how to read it. */
struct pdf_data {
    uint64_t off, len;
    const struct pdf_filters *filters;
    enum pdf_cipher cipher;
    struct sk_bytes key; /* unless PDF_PLAIN */
    bool predict;        /* undo predictors */
};

struct pdf_meter {
    struct sk_stream base;
    struct sk_stream *up;
    struct pdf_chain *chain;
};

struct pdf_chain {
    struct sk_walk *walk;
    struct sk_source_stream raw;
    struct sk_stream *stage[PDF_STAGES_MAX];
    struct pdf_meter meter[PDF_STAGES_MAX]; /* on each stage */
    unsigned count;
    uint64_t made; /* by all stages */
    uint64_t tick_at;
};

sk_err pdf_chain_open(struct pdf_chain *c, struct pdf *p, const struct pdf_data *data);
struct sk_stream *pdf_chain_top(struct pdf_chain *c);
void pdf_chain_close(struct pdf_chain *c);

/* FlateDecode; **returns owned**. */
sk_err pdf_flate_open(struct sk_stream *up, struct sk_stream **out_stream);

#endif
