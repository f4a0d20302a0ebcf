// SPDX-License-Identifier: Apache-2.0
/*
 * Counts shares and sums their reports. Why only plain reports are summed: see engine/share.c and
 * docs/decisions/008-shares.md; that the workers saw the same members is theirs to show (`alike`),
 * that the file is the one they began with is looked at here.
 *
 * A lying worker can hide what is in its share, as it can with a whole object; `alike` it must know
 * to be believed at all, and it says nothing about the shares of others.
 */
#include "pool/split.h"

#include <string.h>

#include "base/mem.h"
#include "os/file.h"

#define TYPE_MAX 65

struct split {
    unsigned count;
    unsigned holders;
    unsigned answered;
    bool begun;
    bool lacking;
    bool gone; /* given up: somebody scans the object alone */
    struct stat before;
    struct sk_report sum;
    char type[TYPE_MAX];
};

bool split_wanted(const struct pool_options *options, uint64_t size) {
    return options->jobs > 1 && size >= SPLIT_MIN_BYTES && options->scan.observer == NULL &&
           options->scan.try_count == 0;
}

struct split *split_offer(int fd, uint64_t size, unsigned helpers) {
    uint64_t count = size / SPLIT_EACH_BYTES;
    count = count < helpers + 1 ? count : helpers + 1;
    count = count < SK_SHARES_MAX ? count : SK_SHARES_MAX;
    struct split *split = count < 2 ? NULL : mem_zalloc(1, sizeof(*split));
    if (split == NULL) {
        return NULL;
    }
    split->count = (unsigned)count;
    split->holders = 1;
    split->lacking = fstat(fd, &split->before) != 0;
    return split;
}

struct split *split_hold(struct split *split) {
    split->holders++;
    return split;
}

void split_drop(struct split *split) {
    if (split != NULL && --split->holders == 0) {
        mem_free(split);
    }
}

unsigned split_count(const struct split *split) {
    return split->count;
}

bool split_begin(struct split *split) {
    bool begins = split != NULL && !split->begun;
    if (begins) {
        split->begun = true;
    }
    return begins;
}

bool split_is_begun(const struct split *split) {
    return split != NULL && split->begun;
}

void split_lack(struct split *split) {
    split->lacking = true;
}

bool split_give_up(struct split *split) {
    bool first = split != NULL && split->begun && !split->gone;
    if (first) {
        split->gone = true;
    }
    return first;
}

bool split_lacks(const struct split *split) {
    return split != NULL && split->lacking;
}

bool split_is_gone(const struct split *split) {
    return split != NULL && split->gone;
}

static bool is_plain(const struct pool_result *r) {
    const struct sk_report *p = r->report;
    return r->result == 0 && p->verdict == SK_VERDICT_CLEAN && p->complete != 0 &&
           p->finding_count == 0 && p->note_count == 0 && p->trial_count == 0;
}

/* False: the shares do not fit together. */
static bool add(struct split *split, const struct sk_report *r) {
    struct sk_report *sum = &split->sum;
    if (split->answered++ == 0) {
        size_t len = strnlen(r->type, TYPE_MAX - 1);
        memcpy(split->type, r->type, len);
        *sum = *r;
        sum->type = split->type;
        return true;
    }
    sum->layers += r->layers;
    sum->depends_on_place = sum->depends_on_place || r->depends_on_place;
    return !__builtin_add_overflow(sum->bytes_scanned, r->bytes_scanned, &sum->bytes_scanned) &&
           strcmp(sum->type, r->type) == 0 && sum->bytes_read == r->bytes_read &&
           memcmp(sum->alike, r->alike, sizeof(sum->alike)) == 0;
}

/* Would one worker alone have met a limit of the whole object? */
static bool keeps_limits(const struct sk_limits *limits, const struct sk_report *sum) {
    return (limits->max_files == 0 || sum->layers <= limits->max_files) &&
           (limits->max_scan_size == 0 || sum->bytes_scanned <= limits->max_scan_size);
}

enum split_step split_take(struct split *split, const struct pool_options *options,
                           struct pool_result *inout_result, int fd, struct sk_report *out_sum) {
    if (split == NULL || !split->begun) {
        return SPLIT_DONE;
    }
    if (split->gone) {
        return SPLIT_WAIT;
    }
    bool good = !split->lacking && is_plain(inout_result) && add(split, inout_result->report);
    if (good && split->answered < split->count) {
        return SPLIT_WAIT;
    }
    if (!good || !keeps_limits(&options->scan.limits, &split->sum) ||
        !file_unchanged(fd, &split->before)) {
        split->gone = true;
        return SPLIT_AGAIN;
    }
    *out_sum = *inout_result->report; /* rows and texts live as long as those of the last share */
    out_sum->layers = split->sum.layers;
    out_sum->bytes_scanned = split->sum.bytes_scanned;
    out_sum->depends_on_place = split->sum.depends_on_place;
    inout_result->report = out_sum;
    return SPLIT_DONE;
}
