// SPDX-License-Identifier: Apache-2.0
/*
 * Collects what a worker says about one object. The worker is not believed where a lie would help
 * malware: "clean" is taken only from a report without findings, without incomplete notes, and with
 * nothing dropped here. The opposite lie (a taken-over worker inventing findings) cannot be told
 * from the truth; it costs attention, not safety.
 */
#include "pool/gather.h"

static const char *copy(struct gather *t, const char *text) {
    char *made = arena_strndup(&t->arena, text, strlen(text));
    if (made == NULL) {
        t->dropped = true;
        return "";
    }
    return made;
}

void gather_init(struct gather *gather) {
    *gather = (struct gather){0};
    arena_init(&gather->arena, GATHER_BYTES_MAX);
    gather_clear(gather);
}

void gather_release(struct gather *gather) {
    arena_release(&gather->arena);
    mem_free(gather->finding);
    mem_free(gather->note);
    mem_free(gather->trial);
    mem_free(gather->hits);
    *gather = (struct gather){0};
}

void gather_clear(struct gather *gather) {
    arena_clear(&gather->arena);
    gather->dropped = false;
    gather->hits_count = 0;
    gather->report = (struct sk_report){.type = "", .verdict = SK_VERDICT_INCOMPLETE};
}

void gather_finding(struct gather *gather, const struct scan_finding *finding) {
    size_t count = gather->report.finding_count;
    struct sk_finding *grown = NULL;
    if (count < GATHER_ROWS_MAX) {
        grown = mem_grow(gather->finding, &gather->finding_cap, count + 1, sizeof(*grown));
    }
    if (grown == NULL) {
        gather->dropped = true;
        return;
    }
    gather->finding = grown;
    grown[count] = (struct sk_finding){
        .name = copy(gather, finding->name),
        .layer = copy(gather, finding->layer),
        .layer_type = copy(gather, finding->layer_type),
        .offset = finding->offset,
        .trial = (size_t)finding->trial,
    };
    gather->report.finding_count = count + 1;
}

void gather_note(struct gather *gather, const struct scan_note *note) {
    size_t count = gather->report.note_count;
    struct sk_note_entry *grown = NULL;
    if (count < GATHER_ROWS_MAX) {
        grown = mem_grow(gather->note, &gather->note_cap, count + 1, sizeof(*grown));
    }
    if (grown == NULL) {
        gather->dropped = true;
        return;
    }
    gather->note = grown;
    grown[count] = (struct sk_note_entry){
        .word = copy(gather, note->word),
        .text = copy(gather, note->text),
        .layer = copy(gather, note->layer),
        .detail = note->detail == NULL ? NULL : copy(gather, note->detail),
        .incomplete = note->incomplete != 0,
    };
    gather->report.note_count = count + 1;
}

/* Explanations that do not fit cost nothing but themselves: they say nothing about the verdict. */
void gather_trial(struct gather *gather, const struct scan_trial *trial) {
    size_t count = gather->report.trial_count;
    struct sk_trial *grown = NULL;
    if (count < GATHER_ROWS_MAX) {
        grown = mem_grow(gather->trial, &gather->trial_cap, count + 1, sizeof(*grown));
    }
    if (grown == NULL) {
        return;
    }
    gather->trial = grown;
    grown[count] = (struct sk_trial){
        .layer = copy(gather, trial->layer),
        .layer_type = copy(gather, trial->layer_type),
        .view = copy(gather, trial->view),
        .segment = trial->segment,
        .signature = trial->signature,
        .of_target = trial->of_target != 0,
        .limited = trial->limited != 0,
        .holds = trial->holds != 0,
        .failed_attributes = trial->failed_attributes,
    };
    gather->report.trial_count = count + 1;
}

bool gather_hits(struct gather *gather, const struct scan_hits *hits) {
    if (gather->report.trial_count == 0) {
        return false;
    }
    struct sk_hits *grown = NULL;
    uint64_t *offset = arena_zalloc(&gather->arena, SCAN_HITS_OFFSETS, sizeof(*offset));
    if (gather->hits_count < GATHER_HITS_MAX && offset != NULL) {
        grown = mem_grow(gather->hits, &gather->hits_cap, gather->hits_count + 1, sizeof(*grown));
    }
    if (grown == NULL) {
        return true;
    }
    gather->hits = grown;
    memcpy(offset, hits->offset, sizeof(hits->offset));
    grown[gather->hits_count++] = (struct sk_hits){hits->count, offset, hits->offset_count};
    gather->trial[gather->report.trial_count - 1].sub_count++;
    return true;
}

static void place_hits(struct gather *gather) {
    size_t first = 0;
    for (size_t i = 0; i < gather->report.trial_count; i++) {
        gather->trial[i].subs = gather->hits == NULL ? NULL : &gather->hits[first];
        first += gather->trial[i].sub_count;
    }
    gather->report.trials = gather->trial;
}

void gather_done(struct gather *gather, const struct scan_done *done) {
    struct sk_report *r = &gather->report;
    r->verdict = (enum sk_verdict)done->verdict;
    r->complete = done->result == 0 && done->complete != 0;
    r->depends_on_place = done->depends_on_place != 0;
    r->type = copy(gather, done->type);
    r->layers = done->layers;
    r->bytes_scanned = done->bytes_scanned;
    r->bytes_read = done->bytes_read;
    if (done->alike.len == sizeof(r->alike)) {
        memcpy(r->alike, done->alike.ptr, sizeof(r->alike));
    }
}

void gather_died(struct gather *gather, enum sk_note note, const char *detail) {
    struct scan_note row = {
        .incomplete = 1,
        .word = sk_note_word(note),
        .text = sk_note_text(note),
        .layer = "",
        .detail = detail,
    };
    gather_note(gather, &row);
    gather->report.complete = 0;
}

const struct sk_report *gather_report(struct gather *gather) {
    struct sk_report *r = &gather->report;
    r->findings = gather->finding;
    r->notes = gather->note;
    place_hits(gather);
    for (size_t i = 0; i < r->finding_count; i++) {
        gather->finding[i].trial =
            gather->finding[i].trial <= r->trial_count ? gather->finding[i].trial : 0;
    }
    for (size_t i = 0; i < r->note_count; i++) {
        r->complete = r->complete && !r->notes[i].incomplete;
    }
    r->complete = r->complete && !gather->dropped;
    if (r->finding_count > 0) {
        r->verdict = SK_VERDICT_INFECTED;
    } else if (!r->complete && r->verdict != SK_VERDICT_ALLOWED) {
        r->verdict = SK_VERDICT_INCOMPLETE;
    } else if (r->verdict == SK_VERDICT_INFECTED) {
        r->verdict = SK_VERDICT_INCOMPLETE; /* infected by nothing: not believed, not clean */
        r->complete = 0;
    }
    return r;
}
