// SPDX-License-Identifier: Apache-2.0
/*
 * Binding of the message catalogue. Only LC_MESSAGES and LC_CTYPE are taken from the environment:
 * numbers must stay readable for programs, whatever the user's decimal point is.
 */
#include "cli/intl.h"

#include <locale.h>
#include <stdlib.h>

#include "cli/place.h"

#ifndef SEKISHO_LOCALE_DIR
#define SEKISHO_LOCALE_DIR "/usr/local/share/locale"
#endif
#ifndef SEKISHO_LOCALE_BESIDE
#define SEKISHO_LOCALE_BESIDE "../share/locale"
#endif

static void bind_catalogues(void) {
    const char *env = secure_getenv("SEKISHO_LOCALE_DIR");
    struct buf dir = {0};
    const char *use = env;
    if (use == NULL && !sk_failed(place_in_build("po", &dir))) {
        use = buf_text(&dir);
    }
    if (use == NULL && !sk_failed(place_moved(SEKISHO_LOCALE_BESIDE, &dir))) {
        use = buf_text(&dir);
    }
    (void)bindtextdomain("sekisho", use != NULL ? use : SEKISHO_LOCALE_DIR);
    /* Everything else that is printed is UTF-8 too, or bytes of the file system. */
    (void)bind_textdomain_codeset("sekisho", "UTF-8");
    buf_release(&dir);
}

void intl_init(void) {
    (void)setlocale(LC_CTYPE, "");
    (void)setlocale(LC_MESSAGES, "");
    bind_catalogues();
    (void)textdomain("sekisho");
}

void intl_plain(void) {
    (void)setlocale(LC_MESSAGES, "C");
}

const char *intl_text(const char *text) {
    return *text == '\0' ? text : gettext(text); /* "" is the header of the catalogue */
}
