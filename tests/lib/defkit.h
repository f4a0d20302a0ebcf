// SPDX-License-Identifier: Apache-2.0
/* Definitions for tests: scratch directories, small compiles, images in memory, signed containers.
 * Everything here ends the test (cmocka assert) when it cannot do its work. */
#ifndef SK_TESTS_DEFKIT_H
#define SK_TESTS_DEFKIT_H

#include "base/buf.h"
#include "defc/cvd.h"
#include "defc/defc.h"
#include "defs/defset.h"

struct scratch {
    char dir[64];
};
void scratch_make(struct scratch *s);
void scratch_remove(struct scratch *s); /* with everything in it */
/* "dir/name"; static storage, four results live at a time. */
const char *scratch_path(const struct scratch *s, const char *name);
void scratch_write(const struct scratch *s, const char *name, const void *bytes, size_t len);
void scratch_text(const struct scratch *s, const char *name, const char *text);
unsigned scratch_count(const struct scratch *s, const char *subdir, const char *suffix);

/* A diag that keeps the last error text. */
struct diag_tape {
    struct diag diag;
    char text[1200];
};
void diag_tape_init(struct diag_tape *t);

/* Compile dir/src into dir/out. */
sk_err defkit_compile(const struct scratch *s, struct diag *diag, struct defc_report *out_report);
/* A few signatures of hashes, bodies and logic in dir/src. */
void defkit_sample(const struct scratch *s);
/* One hash, and rules of every kind (defs/rules.h). */
void defkit_rules(const struct scratch *s);
/* The only image of dir/out, 8-byte aligned. */
void defkit_image(const struct scratch *s, struct buf *out);
/* Make header CRC, section CRCs, digests and identity fit the bytes, where the table allows. */
void defkit_reseal(uint8_t *bytes, size_t len);
/* Use everything an open image offers; must never crash. */
void defkit_exercise(const struct image *img);

#endif
