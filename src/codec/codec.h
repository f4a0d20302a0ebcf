// SPDX-License-Identifier: Apache-2.0
/*
 * Codecs: each is a struct sk_stream of unpacked bytes that pulls packed bytes from another one.
 *
 * Life cycle: sk_<name>_open(up, ..., &s) -> sk_stream_read(s) until *out_len 0 or an error ->
 * sk_stream_close(s), which frees the stream itself. Ownership: a codec **borrows** `up` until it
 * is closed and never closes it; out_stream **returns owned**. All memory, that of the libraries
 * too, comes from base/mem.h.
 *
 * Errors of open: SK_E_NOMEM. Errors of read, always *after* every byte that could be decoded was
 * given out, and sticky: SK_E_FORMAT damaged or truncated, SK_E_UNSUPPORTED well-formed but needs
 * a feature the library lacks, SK_E_LIMIT the stream asks for more memory than mem_bytes,
 * SK_E_NOMEM, or the error of `up`.
 *
 * Units: bytes. mem_bytes bounds the memory of one decoder (dictionary or window and its tables).
 * Fixed needs: inflate 50 KiB, deflate64 100 KiB, bzip2 5 MiB. The LZMA family takes no more of a
 * dictionary than twice what it wrote.
 */
#ifndef SK_CODEC_CODEC_H
#define SK_CODEC_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/source.h"

/* Enough for xz -9 (64 MiB dictionary) and zstd --ultra -22 or --long=27 (128 MiB window). */
#define SK_CODEC_MEM_BYTES ((uint64_t)136 << 20)
#define SK_CODEC_SIZE_UNKNOWN UINT64_MAX
#define SK_LZMA_PROPS_BYTES 5

/* RFC 1951 raw deflate: one stream; what follows it is left alone. */
sk_err sk_inflate_open(struct sk_stream *up, struct sk_stream **out_stream);
/* RFC 1950: deflate with zlib header and Adler-32. */
sk_err sk_inflate_zlib_open(struct sk_stream *up, struct sk_stream **out_stream);
/* RFC 1952: gzip, all members one after the other. A member with a wrong checksum does not hide
 * those after it: SK_E_FORMAT comes at the very end. */
sk_err sk_gunzip_open(struct sk_stream *up, struct sk_stream **out_stream);
/* PKWARE deflate64 (ZIP method 9): 64 KiB window, own implementation. */
sk_err sk_deflate64_open(struct sk_stream *up, struct sk_stream **out_stream);
/* bzip2, all streams one after the other. */
sk_err sk_bunzip2_open(struct sk_stream *up, struct sk_stream **out_stream);
/* .xz, all streams one after the other, zero padding between them skipped. */
sk_err sk_unxz_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream);
/* .lz, all members one after the other. */
sk_err sk_unlzip_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream);
/* .lzma ("LZMA alone": 13-byte header). */
sk_err sk_unlzma_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream);
/* ZIP method 14: 4-byte header, properties, raw LZMA. size: unpacked bytes, or
 * SK_CODEC_SIZE_UNKNOWN when an end marker closes the stream. */
sk_err sk_unlzma_zip_open(struct sk_stream *up, uint64_t size, uint64_t mem_bytes,
                          struct sk_stream **out_stream);
/* LZMA without a header, as in 7z: its five bytes of properties (lc, lp, pb; dictionary) lie apart.
 * A known size may be closed by an end marker, too. Properties without sense: SK_E_FORMAT. */
sk_err sk_lzma1_open(struct sk_stream *up, const uint8_t props[SK_LZMA_PROPS_BYTES], uint64_t size,
                     uint64_t mem_bytes, struct sk_stream **out_stream);
/* LZMA2 without a container; dict is its one byte of properties, 0 to 40. */
sk_err sk_lzma2_open(struct sk_stream *up, uint8_t dict, uint64_t mem_bytes,
                     struct sk_stream **out_stream);
/* What .xz and 7z do to bytes before they pack them: calls made absolute, for a kind of processor
 * (BCJ), or differences. number: where the counting of bytes begins (7z: 0); for Delta the
 * distance, 1 to 256. Nothing in the input is an error. */
enum sk_branch {
    SK_BRANCH_X86,
    SK_BRANCH_POWERPC,
    SK_BRANCH_IA64,
    SK_BRANCH_ARM,
    SK_BRANCH_ARM_THUMB,
    SK_BRANCH_SPARC,
    SK_BRANCH_ARM64,
    SK_BRANCH_DELTA
};
sk_err sk_branch_open(struct sk_stream *up, enum sk_branch kind, uint32_t number,
                      struct sk_stream **out_stream);
/* BCJ2 of 7z: a program whose calls and jumps were taken out of it, from its four streams: the rest
 * of it, targets of calls, targets of jumps, and bits that tell which were taken. Not a stream to
 * ask sk_codec_consumed about. */
#define SK_BCJ2_STREAMS 4
sk_err sk_bcj2_open(struct sk_stream *const up[SK_BCJ2_STREAMS], struct sk_stream **out_stream);
/* zstd, all frames one after the other, skippable frames skipped; windows up to mem_bytes. A late
 * part (base/late.h): SK_E_UNSUPPORTED without libzstd. */
sk_err sk_unzstd_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream);
void sk_unzstd_prepare(void);

/*
 * Encodings of bytes as text. Lenient, because what they meet is hostile: nothing in the input is
 * an error, what is no part of the encoding is passed over; the end of `up` ends them.
 */
enum sk_base64_pad {
    SK_BASE64_GO_ON,  /* '=' ends a group; letters behind it begin another encoding */
    SK_BASE64_IGNORE, /* '=' counts as garbage */
    SK_BASE64_LINE,   /* what follows a '=' in its line counts as garbage */
    SK_BASE64_STOP    /* '=' behind a letter ends it all */
};
/* RFC 4648 base64. */
sk_err sk_base64_open(struct sk_stream *up, enum sk_base64_pad pad, struct sk_stream **out_stream);
/* Letters came behind a '=': the other ways to take padding read something else. So far, of a
 * stream opened by sk_base64_open. */
bool sk_base64_odd(const struct sk_stream *base64);
/* RFC 2045 quoted-printable; line ends and white space before them stay as they are. */
sk_err sk_quoted_open(struct sk_stream *up, struct sk_stream **out_stream);

/* uuencode behind its "begin" line, up to "end"; the base64 form is sk_base64_open's. */
sk_err sk_uudecode_open(struct sk_stream *up, struct sk_stream **out_stream);
/* yEnc behind its "=ybegin" line, up to "=yend". */
sk_err sk_yenc_open(struct sk_stream *up, struct sk_stream **out_stream);
/* RFC 1741 BinHex 4.0: the forks with their headers, behind the first ':' up to the second. */
sk_err sk_binhex_open(struct sk_stream *up, struct sk_stream **out_stream);
/*
 * Text in the character set `name` (as mail writes it, "Shift_JIS") as UTF-8; bytes that are no
 * text of it become U+FFFD. SK_E_UNSUPPORTED: not a row of charsets.def, or the system lacks its
 * tables. At most one stream of each character set at a time where no file can be opened.
 */
sk_err sk_charset_open(struct sk_stream *up, struct sk_bytes name, struct sk_stream **out_stream);
bool sk_charset_known(struct sk_bytes name);
/* Loads the tables, which are a late part (base/late.h). Takes a millisecond, never fails. */
void sk_charset_prepare(void);
/* Compressed RTF of Outlook ([MS-OXRTFCP]), its header included. */
sk_err sk_lzfu_open(struct sk_stream *up, struct sk_stream **out_stream);
/* PostScript and PDF: ASCIIHex and ASCII85, lenient (a missing end is an end, foreign characters
 * are passed over: no input is an error). */
sk_err sk_asciihex_open(struct sk_stream *up, struct sk_stream **out_stream);
sk_err sk_ascii85_open(struct sk_stream *up, struct sk_stream **out_stream);
/* RunLength of PDF, PackBits of TIFF. */
sk_err sk_runlength_open(struct sk_stream *up, struct sk_stream **out_stream);
/* LZW of PDF and TIFF: highest bit first, 9 to 12 bits. early_change: codes widen one code early,
 * the default of both formats. */
sk_err sk_lzw_open(struct sk_stream *up, bool early_change, struct sk_stream **out_stream);

/* What PDF's DecodeParms say: PNG (10..15) and TIFF (2) predictors. */
struct sk_predictor {
    unsigned predictor;
    unsigned colors;
    unsigned bits; /* of one sample */
    unsigned columns;
};
bool sk_predictor_wanted(const struct sk_predictor *how);
/* SK_E_UNSUPPORTED: numbers without sense, or rows longer than 1 MiB. */
sk_err sk_predictor_open(struct sk_stream *up, const struct sk_predictor *how,
                         struct sk_stream **out_stream);

/* How many bytes of `up` the codec has used, exact once it has ended; *out_ended tells whether the
 * packed stream came to its proper end. Only for streams opened by this header. */
uint64_t sk_codec_consumed(const struct sk_stream *codec, bool *out_ended);

/* CRC-32 (ISO 3309, as in ZIP and gzip) of more bytes; start with 0. */
uint32_t sk_crc32(uint32_t crc, const void *bytes, size_t len);

#endif
