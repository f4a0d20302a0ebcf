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
    *gather = (struct gather){0};
}

void gather_clear(struct gather *gather) {
    arena_clear(&gather->arena);
    gather->dropped = false;
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

void gather_done(struct gather *gather, const struct scan_done *done) {
    struct sk_report *r = &gather->report;
    r->verdict = (enum sk_verdict)done->verdict;
    r->complete = done->result == 0 && done->complete != 0;
    r->type = copy(gather, done->type);
    r->layers = done->layers;
    r->bytes_scanned = done->bytes_scanned;
    r->bytes_read = done->bytes_read;
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
