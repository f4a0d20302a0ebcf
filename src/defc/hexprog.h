// SPDX-License-Identifier: Apache-2.0
/*
 * struct hexprog: writes the operations of one part (match/tables.h, enum mt_op), joining equal
 * neighbours, and notes literal runs and covered lengths on the way.
 *
 * Life cycle: zero-initialise with the stage -> hexprog_part -> operations -> hexprog_close.
 * Ownership: **borrows** the stage. Errors: `failed` becomes true when memory is exhausted and
 * stays so; later calls do nothing harmful.
 */
#ifndef SK_DEFC_HEXPROG_H
#define SK_DEFC_HEXPROG_H

#include "defc/hexbody.h"

/* One byte of a body: literal (mask 0xff), nibble (0xf0, 0x0f) or any (0). */
struct hex_byte {
    uint8_t value;
    uint8_t mask;
};

struct hexprog {
    struct hex_stage *st;
    bool nocase;
    bool failed;
    bool nested;      /* inside alternatives: literals there are no runs */
    uint64_t len_min; /* of the sequence written now: the part, or one alternative */
    uint64_t len_max;
    uint8_t op; /* open operation that may still grow, or 0 */
    size_t op_at;
    uint32_t op_n;
    bool op_letters;
    uint32_t op_delta;
};

/* Does a text byte agree? With nocase a nibble is tried on the byte and on its lower case, which is
 * what clamscan does. */
bool hex_byte_holds(struct hex_byte want, bool nocase, uint8_t byte);

void hexprog_part(struct hexprog *w);
void hexprog_byte(struct hexprog *w, struct hex_byte one);
void hexprog_skip(struct hexprog *w, uint32_t n);
void hexprog_set(struct hexprog *w, const uint8_t set[32]);
/* Raw bytes of an operation that is not joined with others. */
void hexprog_raw(struct hexprog *w, const void *bytes, size_t len);
/* End the open operation, so that positions are final. */
void hexprog_close(struct hexprog *w);

#endif
