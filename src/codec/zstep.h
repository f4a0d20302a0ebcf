// SPDX-License-Identifier: Apache-2.0
/*
 * zstep: zlib's inflate as a step of a stage; used by inflate.c and gunzip.c, internal to
 * src/codec. The z_stream is storage of the caller: zstep_init ... inflateEnd. The including file
 * defines ZLIB_CONST before it includes <zlib.h>.
 */
#ifndef SK_CODEC_ZSTEP_H
#define SK_CODEC_ZSTEP_H

#include <zlib.h>

#include "codec/stage.h"

/* zlib counts in unsigned int. */
#define ZSTEP_OUT_MAX ((size_t)1 << 30)

/* SK_E_NOMEM. window_bits as for inflateInit2; negative: raw. */
sk_err zstep_init(z_stream *z, int window_bits);
/* Go on from io->in_used; fills in_used, out_len. *out_end: the deflate stream is over. */
sk_err zstep_run(z_stream *z, struct stage_io *io, bool *out_end);

#endif
