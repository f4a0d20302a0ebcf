// SPDX-License-Identifier: Apache-2.0
/* One table out of notes.def. An unknown number (from a newer peer) counts as incomplete. */
#include "base/note.h"

#include "base/mark.h"

struct note_row {
    const char *word;
    bool incomplete;
    const char *text;
};

#define SK_NOTE(id, word, incomplete, text) {word, incomplete, text},
static const struct note_row ROWS[SK_NOTE_COUNT] = {
#include "base/notes.def"
};
#undef SK_NOTE

static const struct note_row UNKNOWN = {"unknown", true, N_("an unknown condition")};

static const struct note_row *row(enum sk_note note) {
    return (unsigned)note < SK_NOTE_COUNT ? &ROWS[note] : &UNKNOWN;
}

const char *sk_note_word(enum sk_note note) {
    return row(note)->word;
}

const char *sk_note_text(enum sk_note note) {
    return row(note)->text;
}

bool sk_note_incomplete(enum sk_note note) {
    return row(note)->incomplete;
}
