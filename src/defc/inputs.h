// SPDX-License-Identifier: Apache-2.0
/*
 * What a segment is made of, as one line of text: "BYTES:SHA-256". It stands in META of the image
 * (inputs=...); as long as it is the same, compiling the segment again would give the same image.
 *
 * It covers the compiler's own sources, every option that changes an image, every source of the
 * segment in order (name and digest) and every ignore list of the compile. The digest of a plain
 * file is taken from the bytes as they are compiled, that of a container is its verified inventory.
 * Errors: SK_E_NOMEM, those of reading a file.
 */
#ifndef SK_DEFC_INPUTS_H
#define SK_DEFC_INPUTS_H

#include "base/source.h"
#include "crypto/digest.h"
#include "defc/sources.h"

#define INPUTS_TEXT_BYTES 96

/* A stream that passes another one's bytes on and digests them. **Borrows** both. */
struct digest_stream {
    struct sk_stream base;
    struct sk_stream *in;
    struct digester *digester;
};
sk_err digest_stream_init(struct digest_stream *s, struct sk_stream *in, struct digester *digester);
/* Reads to the end of the stream, whoever stopped before. Fills CRYPTO_DIGEST_MAX bytes. */
sk_err digest_stream_end(struct digest_stream *s, uint8_t *out_digest);

/* Is this source read into its segment? (Not: an ignore list, or kinds that were not asked for.) */
bool inputs_reads(const struct defc_options *options, const struct source *s);

struct inputs {
    const struct defc_options *options;
    const struct source_list *sources;
    unsigned segment; /* index */
    const char *name; /* of the segment */
    bool official;
    const uint8_t *ignores; /* digest of all ignore lists, CRYPTO_DIGEST_MAX bytes */
};

/* Bytes of the sources: what an image must say first to be worth a closer look. */
uint64_t inputs_bytes(const struct inputs *in);
/* Needs the digest of each source that is read (struct source). */
sk_err inputs_text(const struct inputs *in, char out_text[INPUTS_TEXT_BYTES]);
/* Digest the plain files, and compare: is `text` what inputs_text would give? */
sk_err inputs_same(const struct inputs *in, struct sk_bytes text, bool *out_same);

#endif
