// SPDX-License-Identifier: Apache-2.0
/*
 * Messages in the user's language. _() translates at the place of use, N_() only marks a text in a
 * table, intl_text translates such a text later. Machine output (JSON, clamscan's lines) is never
 * translated.
 */
#ifndef SK_CLI_INTL_H
#define SK_CLI_INTL_H

#include <libintl.h>

#define _(text) gettext(text)
#define N_(text) text

/* Domain "sekisho"; catalogues in $SEKISHO_LOCALE_DIR (uninstalled runs) or the install prefix. */
void intl_init(void);
const char *intl_text(const char *text);

#endif
