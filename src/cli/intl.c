// SPDX-License-Identifier: Apache-2.0
/*
 * Binding of the message catalogue. Only LC_MESSAGES and LC_CTYPE are taken from the environment:
 * numbers must stay readable for programs, whatever the user's decimal point is.
 */
#include "cli/intl.h"

#include <locale.h>
#include <stdlib.h>

#ifndef SEKISHO_LOCALE_DIR
#define SEKISHO_LOCALE_DIR "/usr/local/share/locale"
#endif

void intl_init(void) {
    (void)setlocale(LC_CTYPE, "");
    (void)setlocale(LC_MESSAGES, "");
    const char *dir = secure_getenv("SEKISHO_LOCALE_DIR");
    (void)bindtextdomain("sekisho", dir != NULL ? dir : SEKISHO_LOCALE_DIR);
    (void)textdomain("sekisho");
}

const char *intl_text(const char *text) {
    return gettext(text);
}
