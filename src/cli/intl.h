// SPDX-License-Identifier: Apache-2.0
/*
 * Messages in the user's language. _() translates at the place of use, N_() only marks a text in a
 * table, intl_text translates such a text later. Machine output (JSON, clamscan's lines) is never
 * translated: its printers call intl_plain first.
 */
#ifndef SK_CLI_INTL_H
#define SK_CLI_INTL_H

#include <libintl.h>

#include "base/mark.h"

#define _(text) gettext(text)

/* Domain "sekisho"; catalogues in $SEKISHO_LOCALE_DIR, the build folder, or the installation. */
void intl_init(void);
/* English from here on, messages of the system among them. */
void intl_plain(void);
const char *intl_text(const char *text);

#endif
