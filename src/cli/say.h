// SPDX-License-Identifier: Apache-2.0
/*
 * What the program says on standard error: "sekisho: WHERE: TEXT", one line, made safe for a
 * terminal. The library below is silent and reports through struct diag; say_diag prints that.
 */
#ifndef SK_CLI_SAY_H
#define SK_CLI_SAY_H

#include "base/diag.h"

/* The name in front of every message; default "sekisho". **Borrowed**. */
void say_program(const char *name);
/* Called before anything is printed (a progress line must go first). NULL: nothing. */
void say_before(void (*hook)(void *ctx), void *ctx);
/* where: path or option, may be NULL. fmt is a translated text without full stop. */
void say_error(const char *where, const char *fmt, ...) SK_PRINTF(2, 3);
/* Prints warnings and errors; infos only when verbose. */
struct diag say_diag(bool verbose);

/* Exit codes of every command. */
#define EXIT_CLEAN 0
#define EXIT_FOUND 1
#define EXIT_INCOMPLETE 2
#define EXIT_WRONG_USAGE 64

#endif
