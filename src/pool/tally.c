// SPDX-License-Identifier: Apache-2.0
/*
 * Collects what a worker says about one object. The worker is not believed where a lie would help
 * malware: "clean" is taken only from a report without findings, without incomplete notes, and with
 * nothing dropped here. The opposite lie (a taken-over worker inventing findings) cannot be told
 * from the truth; it costs attention, not safety.
 */
#include "pool/tally.h"

static const char *copy(struct tally *t, const char *text) {
    char *made = arena_strndup(&t->arena, text, strlen(text));
    if (made == NULL) {
        t->dropped = true;
        return "";
    }
    return made;
}

void tally_init(struct tally *tally) {
    *tally = (struct tally){0};
    arena_init(&tally->arena, TALLY_BYTES_MAX);
    tally_clear(tally);
}

void tally_release(struct tally *tally) {
    arena_release(&tally->arena);
    mem_free(tally->finding);
    mem_free(tally->note);
    *tally = (struct tally){0};
}

void tally_clear(struct tally *tally) {
    arena_clear(&tally->arena);
    tally->dropped = false;
    tally->report = (struct sk_report){.type = "", .verdict = SK_VERDICT_INCOMPLETE};
}

void tally_finding(struct tally *tally, const struct scan_finding *finding) {
    size_t count = tally->report.finding_count;
    struct sk_finding *grown = NULL;
    if (count < TALLY_ROWS_MAX) {
        grown = mem_grow(tally->finding, &tally->finding_cap, count + 1, sizeof(*grown));
    }
    if (grown == NULL) {
        tally->dropped = true;
        return;
    }
    tally->finding = grown;
    grown[count] = (struct sk_finding){
        .name = copy(tally, finding->name),
        .layer = copy(tally, finding->layer),
        .layer_type = copy(tally, finding->layer_type),
        .offset = finding->offset,
    };
    tally->report.finding_count = count + 1;
}

void tally_note(struct tally *tally, const struct scan_note *note) {
    size_t count = tally->report.note_count;
    struct sk_note_entry *grown = NULL;
    if (count < TALLY_ROWS_MAX) {
        grown = mem_grow(tally->note, &tally->note_cap, count + 1, sizeof(*grown));
    }
    if (grown == NULL) {
        tally->dropped = true;
        return;
    }
    tally->note = grown;
    grown[count] = (struct sk_note_entry){
        .word = copy(tally, note->word),
        .text = copy(tally, note->text),
        .layer = copy(tally, note->layer),
        .detail = note->detail == NULL ? NULL : copy(tally, note->detail),
        .incomplete = note->incomplete != 0,
    };
    tally->report.note_count = count + 1;
}

void tally_done(struct tally *tally, const struct scan_done *done) {
    struct sk_report *r = &tally->report;
    r->verdict = (enum sk_verdict)done->verdict;
    r->complete = done->result == 0 && done->complete != 0;
    r->type = copy(tally, done->type);
    r->layers = done->layers;
    r->bytes_scanned = done->bytes_scanned;
    r->bytes_read = done->bytes_read;
}

void tally_died(struct tally *tally, enum sk_note note, const char *detail) {
    struct scan_note row = {
        .incomplete = 1,
        .word = sk_note_word(note),
        .text = sk_note_text(note),
        .layer = "",
        .detail = detail,
    };
    tally_note(tally, &row);
    tally->report.complete = 0;
}

const struct sk_report *tally_report(struct tally *tally) {
    struct sk_report *r = &tally->report;
    r->findings = tally->finding;
    r->notes = tally->note;
    for (size_t i = 0; i < r->note_count; i++) {
        r->complete = r->complete && !r->notes[i].incomplete;
    }
    r->complete = r->complete && !tally->dropped;
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
