// SPDX-License-Identifier: Apache-2.0
/*
 * JPEG as a file structure: is it whole, and what lies behind its end?
 *
 *     FF D8 | { FF marker length(2, big-endian, counts itself) data } ... FF DA length data | scan
 *     scan: bytes; FF 00, FF D0..D7 belong to it | segments of the next scan | FF D9 | anything
 *
 * Specification: ITU-T T.81; JFIF 1.02, Exif 2.3, SPIFF (T.84). Pixels are not decoded here
 * (codec/image.h does). What counts as broken, and its words, as clamscan 1.4.6 has it with
 * --alert-broken-media, one defect a file (tests/differential/diff_media.py asks it about mutants):
 *
 * - It looks up to the first scan. Up to 14 bytes of anything, FF among them, may stand before a
 *   marker; every marker has a length (FF 00, FF 01 and FF D0 too); a segment may end one byte
 *   behind the file. FF F7 (JPEG-LS) ends the look, as a scan does.
 * - JFIF is the first segment, or the second or third behind an Exif header and one comment or
 *   segment FF ED (Photoshop); SPIFF the first, or the second behind one of these two. None of them
 *   comes twice; Exif not after SPIFF, SPIFF after neither. Exif is the third at the latest where
 *   JFIF was and no comment or FF ED. They must hold 16 bytes with their length.
 * - FF F2 comes directly behind FF F1. FF D9 before a scan means that there is no image.
 * - A comment whose length is below 2 has a name of its own (MS04-028).
 *
 * Bytes behind FF D9 are a member, as in png.c. A file whose end is not found has none.
 */
#include <stdio.h>

#include "format/format.h"

#define SIGNATURE_BYTES 2u
#define MARKER_REACH 16u /* bytes in which a marker must be found, itself included */
#define HEADER_MIN 16u   /* of JFIF, Exif, SPIFF, with the length */
#define MARK 0xffu
#define EXIF_LAST 3u /* segment at which Exif stands at the latest behind JFIF */

enum {
    M_RST0 = 0xd0,
    M_RST7 = 0xd7,
    M_EOI = 0xd9,
    M_SOS = 0xda,
    M_APP0 = 0xe0,
    M_APP1 = 0xe1,
    M_APP8 = 0xe8,
    M_APP13 = 0xed,
    M_DTI = 0xf1,
    M_DTT = 0xf2,
    M_JPG7 = 0xf7,
    M_COM = 0xfe
};

struct jpeg {
    struct sk_walk *walk;
    struct sk_source *src;
    uint64_t pos;
    uint8_t marker;
    uint8_t before; /* the marker before this one */
    uint16_t len;
    unsigned number; /* of the segment, from 1 */
    bool comment;    /* or a segment of Photoshop */
    bool jfif, exif, spiff;
    bool end;  /* nothing more to look at */
    bool scan; /* pos is in one */
};

static int jpeg_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "\xff\xd8\xff", 3) ? 81 : 0;
}

static void broken(struct jpeg *j, const char *what) {
    char value[64];
    int len = snprintf(value, sizeof(value), "JPEG.%s", what);
    if (!sk_failed(j->src->failed)) {
        walk_fact(j->walk, SK_FACT_BROKEN_MEDIA, value, (size_t)len);
    }
    j->end = true;
}

static void find_marker(struct jpeg *j) {
    bool mark = false;
    for (unsigned i = 0; i < MARKER_REACH; i++) {
        struct sk_cursor c = sk_source_cursor(j->src, j->pos, 1);
        uint8_t byte = sk_cursor_u8(&c);
        if (!sk_cursor_ok(&c)) {
            broken(j, "CantReadSegmentSize");
            return;
        }
        j->pos++;
        if (mark && byte != MARK) {
            j->marker = byte;
            return;
        }
        mark = byte == MARK;
    }
    broken(j, "SpuriousBytesBeforeSegment");
}

static void read_length(struct jpeg *j) {
    struct sk_cursor c = sk_source_cursor(j->src, j->pos, 2);
    j->len = sk_cursor_u16be(&c);
    if (!sk_cursor_ok(&c)) {
        broken(j, "CantReadSegmentSize");
    } else if (j->len < 2 && j->marker == M_COM) {
        walk_fact(j->walk, SK_FACT_JPEG_COMMENT, NULL, 0);
        j->end = true;
    } else if (j->len < 2) {
        broken(j, "InvalidSegmentSize");
    } else if (j->pos + j->len > j->src->size + 1) {
        broken(j, "SegmentDataOutOfFile");
    }
}

/* Does the data of the segment begin so? Its length is not asked: a short one is told then. */
static bool begins(const struct jpeg *j, const char *text, size_t len) {
    struct sk_cursor c = sk_source_cursor(j->src, j->pos + 2, len);
    const uint8_t *data = sk_cursor_take(&c, len);
    return data != NULL && memcmp(data, text, len) == 0;
}

/* One of the three headers: when it is there again, at the wrong place, or too short. */
struct header {
    const char *text;
    size_t len;
    bool again;    /* not after what was there */
    unsigned last; /* segment number at which it may stand; 0: anywhere */
    const char *twice, *place, *length;
};

static bool is_header(struct jpeg *j, const struct header *h) {
    if (!begins(j, h->text, h->len)) {
        return false;
    }
    if (h->again) {
        broken(j, h->twice);
    } else if (h->last != 0 && j->number > h->last) {
        broken(j, h->place);
    } else if (j->len < HEADER_MIN) {
        broken(j, h->length);
    }
    return true;
}

static void application(struct jpeg *j) {
    unsigned comment = j->comment;
    struct header jfif = {"JFIF",
                          5,
                          j->jfif,
                          1 + comment + j->exif,
                          "JFIFdupAppMarker",
                          "JFIFmarkerBadPosition",
                          "JFIFheaderTooShort"};
    struct header exif = {"Exif\0",
                          6,
                          j->exif || j->spiff,
                          j->jfif && !j->comment ? EXIF_LAST : 0,
                          "ExifDupAppMarker",
                          "ExifHeaderBadPosition",
                          "ExifHeaderTooShort"};
    struct header spiff = {"SPIFF",
                           6,
                           j->jfif || j->exif || j->spiff,
                           1 + comment,
                           "SPIFFdupAppMarker",
                           "SPIFFmarkerBadPosition",
                           "SPIFFheaderTooShort"};
    if (j->marker == M_APP0) {
        j->jfif = is_header(j, &jfif) || j->jfif;
    } else if (j->marker == M_APP1) {
        j->exif = is_header(j, &exif) || j->exif;
    } else {
        j->spiff = is_header(j, &spiff) || j->spiff;
    }
}

static void segment(struct jpeg *j) {
    switch (j->marker) {
    case M_APP0:
    case M_APP1:
    case M_APP8:
        application(j);
        break;
    case M_APP13:
    case M_COM:
        j->comment = true;
        break;
    case M_DTT:
        if (j->before != M_DTI) {
            broken(j, "DTTMissingDTISegment");
        }
        break;
    case M_JPG7:
        if (j->jfif || j->exif || j->spiff) {
            broken(j, "AppMarkerBeforeJPG7");
        }
        j->end = true;
        break;
    case M_EOI:
        broken(j, "NoImages");
        break;
    case M_SOS:
        j->scan = true;
        j->end = true;
        break;
    default:
        break;
    }
    j->before = j->marker;
    j->pos += j->len;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A marker inside scans that is no part of their data. */
static bool is_marker(uint8_t byte) {
    return byte > 1 && byte != MARK && !(byte >= M_RST0 && byte <= M_RST7);
}

/* Puts pos behind the next marker in these bytes, or behind all of them. *mark: FF was the last. */
static bool search(struct jpeg *j, struct sk_bytes bytes, bool *mark) {
    for (size_t i = 0; i < bytes.len; i++) {
        if (*mark && is_marker(bytes.ptr[i])) {
            j->marker = bytes.ptr[i];
            j->pos += i + 1;
            *mark = false;
            return true;
        }
        if (*mark && bytes.ptr[i] == MARK) {
            continue;
        }
        const uint8_t *next = memchr(bytes.ptr + i, MARK, bytes.len - i);
        *mark = next != NULL;
        i = next != NULL ? (size_t)(next - bytes.ptr) : bytes.len - 1;
    }
    j->pos += bytes.len;
    return false;
}

/* Sets *out_end behind FF D9. */
static sk_err find_end(struct jpeg *j, uint64_t *out_end, bool *out_found) {
    bool mark = false;
    while (j->pos < j->src->size) {
        struct sk_bytes bytes;
        TRY(walk_tick(j->walk));
        bytes.ptr = sk_source_at(j->src, j->pos, 1, &bytes.len);
        if (bytes.ptr == NULL) {
            return j->src->failed;
        }
        if (!search(j, bytes, &mark)) {
            continue;
        }
        if (j->marker == M_EOI) {
            *out_end = j->pos;
            *out_found = true;
            return sk_ok();
        }
        struct sk_cursor c = sk_source_cursor(j->src, j->pos, 2);
        uint16_t len = sk_cursor_u16be(&c);
        if (!sk_cursor_ok(&c) || len < 2) {
            return j->src->failed;
        }
        j->pos += len;
    }
    return sk_ok();
}

static sk_err jpeg_walk(struct sk_walk *walk, struct sk_source *src) {
    struct jpeg j = {.walk = walk, .src = src, .pos = SIGNATURE_BYTES};
    uint64_t end = 0;
    bool found = false;
    while (!j.end) {
        TRY(walk_tick(walk));
        j.number++;
        find_marker(&j);
        if (!j.end) {
            read_length(&j);
        }
        if (!j.end) {
            segment(&j);
        }
    }
    if (j.scan) {
        TRY(find_end(&j, &end, &found));
    }
    if (!found || end == src->size) {
        return src->failed;
    }
    uint64_t len = src->size - end;
    struct sk_child tail = {
        .packed_size = len, .size = len, .is_slice = true, .slice_off = end, .slice_len = len};
    return walk_child(walk, &tail, NULL);
}

const struct sk_format sk_format_jpeg = {
    .name = "jpeg", .type = SK_TYPE_JPEG, .probe = jpeg_probe, .walk = jpeg_walk};
