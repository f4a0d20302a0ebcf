// SPDX-License-Identifier: Apache-2.0
/*
 * The icons of a program that signatures are asked about: those of its first icon group.
 *
 * Not part of the walk of the PE reader: only few signatures want icons, and only after everything
 * else of them matched (engine/icons.c asks then). **Borrows** everything for the call. Errors: of
 * `found`, SK_E_LIMIT (more entries than are looked at), SK_E_IO.
 */
#ifndef SK_FORMAT_PE_ICONS_H
#define SK_FORMAT_PE_ICONS_H

#include "base/exe.h"
#include "base/source.h"

/* ClamAV's MaxIconsPE: so many entries of groups are looked at. An icon comes in several languages.
 */
#define PE_ICONS_MAX 100u
#define PE_ICON_LANGUAGES 16u

/* off: of the icon's bitmap header in the file. An icon may be given twice. */
typedef sk_err (*pe_icon_fn)(void *ctx, uint64_t off);

/* exe: what the PE reader told about this source. */
sk_err pe_icons(struct sk_source *src, const struct sk_exe *exe, pe_icon_fn found, void *ctx);

#endif
