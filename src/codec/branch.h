// SPDX-License-Identifier: Apache-2.0
/*
 * branch: undoes, in place, what a packer did to bytes before it packed them: turned the relative
 * targets of calls into absolute ones ("BCJ", one kind for each processor), or wrote each byte as
 * the difference to one before it (Delta). Internal to src/codec.
 *
 * Life cycle: branch_init -> branch_run over the bytes in order; what it left must come again in
 * front of the next ones, and what is left at the end stays as it is. Fails never.
 */
#ifndef SK_CODEC_BRANCH_H
#define SK_CODEC_BRANCH_H

#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"

#define BRANCH_LEFT_MAX 15u /* of IA-64, whose instructions come in sixteens of bytes */

struct branch {
    enum sk_branch kind;
    uint32_t pos;      /* of the next byte, as the packer counted */
    unsigned calls;    /* x86: which of the bytes before look like calls left alone */
    unsigned distance; /* Delta: 1..256 */
    uint8_t past[256]; /* Delta: the last bytes; the one at pos - distance is added */
};

/* number: where the counting of bytes begins; for Delta the distance. */
void branch_init(struct branch *b, enum sk_branch kind, uint32_t number);
/* How many of the bytes are done; at most BRANCH_LEFT_MAX are left. */
size_t branch_run(struct branch *b, uint8_t *bytes, size_t len);

#endif
