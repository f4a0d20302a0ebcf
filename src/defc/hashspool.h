// SPDX-License-Identifier: Apache-2.0
/*
 * struct hashspool: collects the hash records of one segment and writes them as hash sets.
 *
 * Records of each algorithm and role wait in an unlinked temporary file; at the end one set after
 * the other is read, sorted, freed of repetitions and written, so memory is needed for the sets
 * under way only: (digest + 8) bytes a record, then about 32 bytes a record for the filter.
 *
 * Life cycle: hashspool_new -> hashspool_add... -> hashspool_finish (or the tasks) ->
 * hashspool_free. Errors: SK_E_NOMEM, SK_E_IO, SK_E_LIMIT (2^32 records), SK_E_INTERNAL (filter not
 * built). Of records with the same digest and size the first one added stays.
 */
#ifndef SK_DEFC_HASHSPOOL_H
#define SK_DEFC_HASHSPOOL_H

#include "base/err.h"
#include "defc/crew.h"
#include "match/hashset.h"

struct img_writer;
struct hashspool;

struct hash_record {
    enum hs_algo algo;
    enum hs_role role;
    uint8_t digest[HS_DIGEST_MAX];
    uint32_t size; /* or HS_SIZE_ANY */
    uint32_t name;
};

/* dir: where the temporary files lie; NULL: $TMPDIR or /tmp. */
sk_err hashspool_new(const char *dir, struct hashspool **out_spool);
void hashspool_free(struct hashspool *hs);
sk_err hashspool_add(struct hashspool *hs, const struct hash_record *record);
/* One task for each set that is not empty: they write the sets into w, in the order of the tasks.
 * *out_count: tasks filled, at most HASHSPOOL_SETS. w and hs are **borrowed** by the tasks. */
#define HASHSPOOL_SETS ((unsigned)HS_ALGO_COUNT * (unsigned)HS_ROLE_COUNT)
sk_err hashspool_tasks(struct hashspool *hs, struct img_writer *w, struct crew_task *out_tasks,
                       unsigned *out_count);
/* All of them, one after the other. */
sk_err hashspool_finish(struct hashspool *hs, struct img_writer *w);
/* After finish: records written in sets of this role, and repetitions dropped in all sets. */
uint64_t hashspool_count(const struct hashspool *hs, enum hs_role role);
uint64_t hashspool_dropped(const struct hashspool *hs);

#endif
