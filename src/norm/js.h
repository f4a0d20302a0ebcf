// SPDX-License-Identifier: Apache-2.0
/*
 * Normalised JavaScript: the tokens of a script without white space and comments, lower case,
 * strings joined, local names renumbered, what is packed unpacked. Any script language goes the
 * same way: whoever wrote the signatures' normaliser did not ask.
 *
 * Life cycle: sk_norm_js_new -> for each script: _feed in any pieces (the text behind <script>
 * with its end tag), _finish -> sk_norm_js_free. Pieces do not influence the output.
 * Memory: all tokens of one script, at most about 24 bytes a byte of it; scripts beyond
 * SK_NORM_JS_MAX_BYTES, and those made to be slow, are SK_E_LIMIT: nothing of them is given out.
 * Ownership: _new **returns owned**. Errors: SK_E_NOMEM, SK_E_LIMIT; _finish also what `put`
 * returned. After an error _finish gives nothing and the next script starts afresh.
 * Source: the output `javascript` of `sigtool --html-normalise` (ClamAV 1.4.6).
 */
#ifndef SK_NORM_JS_H
#define SK_NORM_JS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SK_NORM_JS_MAX_BYTES ((size_t)20 << 20) /* MaxScriptNormalize */

struct sk_norm_js;

typedef sk_err (*sk_norm_js_put)(void *ctx, const uint8_t *bytes, size_t len);

sk_err sk_norm_js_new(struct sk_norm_js **out_js);
sk_err sk_norm_js_feed(struct sk_norm_js *js, const uint8_t *bytes, size_t len);
/* The reader of the page got new bytes here: operators do not go on over this edge, and a backslash
 * before it says nothing of a quote behind it (seen with sigtool 1.4.6). */
void sk_norm_js_edge(struct sk_norm_js *js);
/* The end of one script: gives the output to put, in pieces. */
sk_err sk_norm_js_finish(struct sk_norm_js *js, sk_norm_js_put put, void *ctx);
void sk_norm_js_free(struct sk_norm_js *js);

#endif
