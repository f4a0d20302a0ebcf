// SPDX-License-Identifier: Apache-2.0
/*
 * struct known: what was reported about whole objects without findings or notes, by their bytes, so
 * that a copy is not searched again (SK_SCAN_REMEMBER).
 *
 * Life cycle: known_new with the scanner -> known_find, known_put... -> known_free. A machine that
 * gives no random numbers has none (NULL): nothing is remembered then.
 * Errors: SK_E_NOMEM. Limits: KNOWN_MAX objects, the oldest go first; objects of up to
 * KNOWN_BYTES_MAX.
 */
#ifndef SK_ENGINE_KNOWN_H
#define SK_ENGINE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/type.h"
#include "crypto/fingerprint.h"

#define KNOWN_MAX 8192u
#define KNOWN_BYTES_MAX ((size_t)8 << 20)

/* A report that says nothing but "clean", and of which bytes. */
struct known_entry {
    struct fingerprint_hash hash;
    uint64_t size; /* 0: no entry */
    uint64_t bytes_scanned;
    uint32_t layers;
    enum sk_type type;
    bool depends_on_place;
};

struct known;

/* *out_known NULL: not on this machine. */
sk_err known_new(struct known **out_known);
void known_free(struct known *known);
/* Was an object of this size put there? Now and then yes when none was. */
bool known_has_size(const struct known *known, uint64_t size);
/* What was put there of an object of these bytes; **borrowed** until known_put. NULL: nothing. */
const struct known_entry *known_find(const struct known *known, const void *bytes, size_t len);
/* Fills hash and size. */
void known_name(const struct known *known, const void *bytes, size_t len,
                struct known_entry *inout_entry);
void known_put(struct known *known, const struct known_entry *entry);

#endif
