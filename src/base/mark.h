// SPDX-License-Identifier: Apache-2.0
/*
 * N_() marks a text that a program shows to people, so that tools/po.sh finds it. It changes
 * nothing: libraries speak English, programs translate where they print (cli/intl.h).
 */
#ifndef SK_BASE_MARK_H
#define SK_BASE_MARK_H

#define N_(text) text

#endif
