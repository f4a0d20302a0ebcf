// SPDX-License-Identifier: Apache-2.0
/*
 * Notes: what a scan has to say beside findings. The list is notes.def. A note marked incomplete
 * means that something was not looked at: such a report can never read as clean.
 */
#ifndef SK_BASE_NOTE_H
#define SK_BASE_NOTE_H

#include <stdbool.h>

#define SK_NOTE(id, word, incomplete, text) SK_NOTE_##id,
enum sk_note {
#include "base/notes.def"
    SK_NOTE_COUNT
};
#undef SK_NOTE

/* Stable word for JSON ("encrypted"). Static storage; any value is safe. */
const char *sk_note_word(enum sk_note note);
/* English sentence for people; translate with gettext at the print. */
const char *sk_note_text(enum sk_note note);
bool sk_note_incomplete(enum sk_note note);

#endif
