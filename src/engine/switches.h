// SPDX-License-Identifier: Apache-2.0
/*
 * What is not done: readers and parts switched off by the definitions (cfg files; read once when
 * the engine opens, afterwards sk_engine.off and .without answer), or left out by the options
 * (sk_scanner.off).
 * Errors: none.
 */
#ifndef SK_ENGINE_SWITCHES_H
#define SK_ENGINE_SWITCHES_H

#include "engine/scan.h"

/* What is not done: bits of sk_engine.without. */
#define WITHOUT_PASSWORDS 1u
#define WITHOUT_SECTION_HASHES 2u
#define WITHOUT_IMPORT_HASHES 4u
#define WITHOUT_CERTIFICATES 8u
#define WITHOUT_HTML 16u /* normalised */
#define WITHOUT_TEXT 32u /* normalised */
#define WITHOUT_LINKS 64u
#define WITHOUT_STRUCTURED 128u
#define WITHOUT_IMAGE_HASHES 256u
#define WITHOUT_REGEX 512u
#define WITHOUT_REGEX_OPTIONS 1024u
#define WITHOUT_REGEX_GLOBAL 2048u

void switches_read(struct sk_engine *engine);
/* parts: bits SK_PART_*. */
void switches_parts(struct sk_scanner *sc, uint32_t parts);

#endif
