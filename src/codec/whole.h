// SPDX-License-Identifier: Apache-2.0
/*
 * whole: a raw deflate stream that lies in memory from end to end, decoded at one go. Internal to
 * src/codec; for the first step of a stream, before zlib has seen a byte of it.
 */
#ifndef SK_CODEC_WHOLE_H
#define SK_CODEC_WHOLE_H

#include "codec/stage.h"

/* True: done, the stream is over; in_used and out_len are set. False: nothing has happened (but in
 * io->out), zlib goes on. */
bool whole_inflate(struct stage_io *io);
/* Tests that want zlib's answer, which does not depend on where the bytes lie (whole.c tells what
 * streams only this decoder takes): from now on nothing is done. */
void whole_forbid(bool forbid);

#endif
