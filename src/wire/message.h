// SPDX-License-Identifier: Apache-2.0
/*
 * Messages as tables: a row says who may send it, in which state, with or without a descriptor, and
 * which fields it has. Encoding and decoding follow the row; there is no other code per message.
 *
 * On the wire: u16 type, u16 WIRE_VERSION, then the fields in order, little-endian. Text: u16
 * length, the bytes, one NUL; no NUL inside; length 0xffff and nothing more: NULL (WIRE_TEXT_OPT
 * only). Bytes: u16 length, the bytes. Messages of one packet stand one behind the other: what is
 * left over of one must be the next. Limits: a number field with max != 0 may not be above it; a
 * text may not be longer than max: wire_encode cuts it there, wire_decode refuses it.
 *
 * Ownership: decoded texts are **borrowed** from the packet. Errors: wire_encode SK_E_LIMIT (does
 * not fit); wire_decode SK_E_FORMAT (bytes), SK_E_PERM (not from this peer in this state, or a
 * descriptor too many or too few). Any error of wire_decode ends the peer.
 */
#ifndef SK_WIRE_MESSAGE_H
#define SK_WIRE_MESSAGE_H

#include <stdbool.h>

#include "base/cursor.h"
#include "base/err.h"

#define WIRE_VERSION 1u

enum wire_kind { WIRE_U32, WIRE_U64, WIRE_TEXT, WIRE_TEXT_OPT, WIRE_BYTES };

struct wire_field {
    enum wire_kind kind;
    uint32_t offset; /* in the record: uint32_t, uint64_t, const char * or struct sk_bytes */
    uint32_t max;
};

struct wire_message {
    uint16_t type;
    const char *name;
    unsigned senders; /* bits, meaning given by the dialog */
    unsigned states;  /* bits: states of the receiving side in which it is welcome */
    bool carries_fd;  /* exactly one descriptor, else none */
    const struct wire_field *field;
    unsigned field_count;
};

struct wire_table {
    const struct wire_message *message;
    unsigned count;
};

/* What is still to be decoded of a packet. */
struct wire_input {
    struct sk_bytes bytes;
    unsigned fds; /* that belong to it */
};

/* Who speaks, and where the dialog stands. */
struct wire_peer {
    unsigned sender;
    unsigned state;
};

const struct wire_message *wire_find(const struct wire_table *table, uint16_t type);
sk_err wire_encode(const struct wire_message *message, const void *record, uint8_t *out, size_t cap,
                   size_t *out_len);
/* Takes the first message off the input, and its descriptor: the first one, if the row has one.
 * record: large enough for every message of the table (a union). */
sk_err wire_decode(const struct wire_table *table, const struct wire_peer *peer,
                   struct wire_input *input, uint16_t *out_type, void *out_record);

#endif
