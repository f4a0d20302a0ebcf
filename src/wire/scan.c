// SPDX-License-Identifier: Apache-2.0
/* The scan dialog as tables; see scan.h. Only data. */
#include "wire/scan.h"

#define U32(type, name, top)                                                                       \
    { WIRE_U32, offsetof(struct type, name), top }
#define U64(type, name)                                                                            \
    { WIRE_U64, offsetof(struct type, name), 0 }
#define TEXT(type, name, top)                                                                      \
    { WIRE_TEXT, offsetof(struct type, name), top }
#define TEXT_OPT(type, name, top)                                                                  \
    { WIRE_TEXT_OPT, offsetof(struct type, name), top }
#define BYTES(type, name, top)                                                                     \
    { WIRE_BYTES, offsetof(struct type, name), top }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct wire_field REQUEST[] = {
    U64(scan_request, id),
    U32(scan_request, share, SCAN_SHARES_MAX - 1),
    U32(scan_request, shares, SCAN_SHARES_MAX),
};
static const struct wire_field READY[] = {
    U32(scan_ready, sandbox_held, 0),
    U32(scan_ready, landlock_abi, 0),
    U64(scan_ready, private_bytes),
};
static const struct wire_field OWES[] = {
    U64(scan_owes, id),
};
static const struct wire_field LACKS[] = {
    U64(scan_lacks, id),
};
static const struct wire_field SHARED[] = {
    U64(scan_shared, id),
};
static const struct wire_field FAILED[] = {
    TEXT(scan_failed, why, SCAN_DETAIL_MAX),
};
static const struct wire_field FINDING[] = {
    U64(scan_finding, id),
    U64(scan_finding, offset),
    TEXT(scan_finding, name, SCAN_NAME_MAX),
    TEXT(scan_finding, layer, SCAN_PATH_MAX),
    TEXT(scan_finding, layer_type, SCAN_WORD_MAX),
    U64(scan_finding, trial),
};
static const struct wire_field NOTE[] = {
    U64(scan_note, id),
    U32(scan_note, incomplete, 1),
    TEXT(scan_note, word, SCAN_WORD_MAX),
    TEXT(scan_note, text, SCAN_DETAIL_MAX),
    TEXT(scan_note, layer, SCAN_PATH_MAX),
    TEXT_OPT(scan_note, detail, SCAN_DETAIL_MAX),
};
static const struct wire_field TRIAL[] = {
    U64(scan_trial, id),
    TEXT(scan_trial, layer, SCAN_PATH_MAX),
    TEXT(scan_trial, layer_type, SCAN_WORD_MAX),
    TEXT(scan_trial, view, SCAN_WORD_MAX),
    U32(scan_trial, segment, 0),
    U32(scan_trial, signature, 0),
    U32(scan_trial, of_target, 1),
    U32(scan_trial, limited, 1),
    U32(scan_trial, holds, 1),
    U64(scan_trial, failed_attributes),
};
#define OFFSET(n)                                                                                  \
    { WIRE_U64, offsetof(struct scan_hits, offset[n]), 0 }
static const struct wire_field HITS[] = {
    U64(scan_hits, id),
    U64(scan_hits, count),
    U32(scan_hits, offset_count, SCAN_HITS_OFFSETS),
    OFFSET(0),
    OFFSET(1),
    OFFSET(2),
    OFFSET(3),
    OFFSET(4),
    OFFSET(5),
    OFFSET(6),
    OFFSET(7),
};
static const struct wire_field DONE[] = {
    U64(scan_done, id),
    U32(scan_done, result, 1000),
    U32(scan_done, verdict, 3),
    U32(scan_done, complete, 1),
    U32(scan_done, depends_on_place, 1),
    TEXT(scan_done, type, SCAN_WORD_MAX),
    U64(scan_done, layers),
    U64(scan_done, bytes_scanned),
    U64(scan_done, bytes_read),
    BYTES(scan_done, alike, SCAN_ALIKE_BYTES),
    U64(scan_done, private_bytes),
};

#define STAT(n)                                                                                    \
    { WIRE_U64, offsetof(struct scan_stats, value[n]), 0 }
static const struct wire_field STATS[] = {
    STAT(0), STAT(1), STAT(2), STAT(3),  STAT(4),  STAT(5),  STAT(6),
    STAT(7), STAT(8), STAT(9), STAT(10), STAT(11), STAT(12),
};

#define DIGESTS_BYTES 68u /* 16 + 20 + 32 */
static const struct wire_field LAYER[] = {
    U64(scan_layer, id),
    U64(scan_layer, layer),
    U64(scan_layer, parent),
    U64(scan_layer, size),
    U32(scan_layer, opened, 1),
    U32(scan_layer, view, 1),
    BYTES(scan_layer, name, SCAN_LAYER_NAME_MAX),
    TEXT(scan_layer, type, SCAN_WORD_MAX),
    BYTES(scan_layer, digests, DIGESTS_BYTES),
};
static const struct wire_field CONTENT[] = {
    U64(scan_bytes, id),
    U64(scan_bytes, layer),
    BYTES(scan_bytes, bytes, SCAN_BYTES_MAX),
};
static const struct wire_field FACT[] = {
    U64(scan_fact, id),
    U64(scan_fact, layer),
    U32(scan_fact, has_value, 1),
    TEXT(scan_fact, word, SCAN_WORD_MAX),
    BYTES(scan_fact, value, SCAN_VALUE_MAX),
};
static const struct wire_field REMARK[] = {
    U64(scan_remark, id),
    U64(scan_remark, layer),
    U32(scan_remark, incomplete, 1),
    TEXT(scan_remark, word, SCAN_WORD_MAX),
    TEXT(scan_remark, text, SCAN_DETAIL_MAX),
    TEXT(scan_remark, path, SCAN_PATH_MAX),
    TEXT_OPT(scan_remark, detail, SCAN_DETAIL_MAX),
};
static const struct wire_field RETYPED[] = {
    U64(scan_retyped, id),
    U64(scan_retyped, layer),
    TEXT(scan_retyped, type, SCAN_WORD_MAX),
};

#define ROW(id, word, from, in, fd, fields)                                                        \
    {                                                                                              \
        .type = (id), .name = (word), .senders = (from), .states = (in), .carries_fd = (fd),       \
        .field = (fields), .field_count = COUNT(fields)                                            \
    }

static const struct wire_message MESSAGES[] = {
    ROW(SCAN_REQUEST, "scan", SCAN_FROM_POOL, SCAN_IDLE, true, REQUEST),
    ROW(SCAN_READY, "ready", SCAN_FROM_WORKER, SCAN_STARTING, false, READY),
    ROW(SCAN_FAILED, "failed", SCAN_FROM_WORKER, SCAN_STARTING, false, FAILED),
    ROW(SCAN_FINDING, "finding", SCAN_FROM_WORKER, SCAN_BUSY, false, FINDING),
    ROW(SCAN_NOTE, "note", SCAN_FROM_WORKER, SCAN_BUSY, false, NOTE),
    ROW(SCAN_TRIAL, "trial", SCAN_FROM_WORKER, SCAN_BUSY, false, TRIAL),
    ROW(SCAN_HITS, "hits", SCAN_FROM_WORKER, SCAN_BUSY, false, HITS),
    ROW(SCAN_DONE, "done", SCAN_FROM_WORKER, SCAN_BUSY, false, DONE),
    ROW(SCAN_STATS, "stats", SCAN_FROM_WORKER, SCAN_BUSY, false, STATS),
    ROW(SCAN_LAYER, "layer", SCAN_FROM_WORKER, SCAN_BUSY, false, LAYER),
    ROW(SCAN_BYTES, "bytes", SCAN_FROM_WORKER, SCAN_BUSY, false, CONTENT),
    ROW(SCAN_FACT, "fact", SCAN_FROM_WORKER, SCAN_BUSY, false, FACT),
    ROW(SCAN_REMARK, "remark", SCAN_FROM_WORKER, SCAN_BUSY, false, REMARK),
    ROW(SCAN_RETYPED, "retyped", SCAN_FROM_WORKER, SCAN_BUSY, false, RETYPED),
    ROW(SCAN_OWES, "owes", SCAN_FROM_WORKER, SCAN_BUSY, false, OWES),
    ROW(SCAN_SHARED, "shared", SCAN_FROM_WORKER, SCAN_BUSY, false, SHARED),
    ROW(SCAN_LACKS, "lacks", SCAN_FROM_WORKER, SCAN_BUSY, false, LACKS),
};

const struct wire_table scan_dialog = {MESSAGES, COUNT(MESSAGES)};
