// SPDX-License-Identifier: Apache-2.0
/*
 * A text that everything holds that a POSIX extended expression matches, read off the expression
 * without compiling it. Compiling hundreds of expressions costs a tenth of a second, asking each of
 * them for each member of an archive a tenth of its scan; most fail for such a text.
 *
 * **Borrows** the expression: the result points into it. Errors: none; an empty result says nothing
 * about the expression.
 */
#ifndef SK_ENGINE_REQUIRED_H
#define SK_ENGINE_REQUIRED_H

#include "base/cursor.h"

struct sk_bytes required_text(const char *regex);

#endif
