// SPDX-License-Identifier: Apache-2.0
/*
 * The slow proof of a definitions image: every byte is read, every reference followed once.
 *
 *   gaps are zero -> CRC and SHA-256 of every section -> identity
 *   names would decode, one after the other (giving a bit map of the places where a name starts)
 *   hash sets: order, page index, filter and gate know every record, names exist
 *   ignore list: ascending          body tables: image_check.c
 *
 * Opening proves what a scan needs for its safety; this proves that the image says what its
 * compiler meant. It runs after a compile and for `sekisho defs check`, on images that opened, so
 * shapes are known here and only values are in doubt. Needs one bit of memory for each byte of
 * names; what has been read is given back, so that an image need not fit into memory. The digests
 * find damage and mix-ups; who made the image is a question for the signature over its identity,
 * which is checked elsewhere.
 */
#include "defs/image_private.h"

#include "base/mem.h"
#include "crypto/crc32c.h"
#include "crypto/digest.h"

/* Pages of records are given back so many at a time. */
#define DONE_PAGES 4096u
#define EXPECT_AHEAD 8u

static sk_err check_gap(const struct image *img, uint64_t from, uint64_t to, struct diag *diag) {
    for (uint64_t i = from; i < to; i++) {
        if (img->file.ptr[i] != 0) {
            return image_refuse(img, diag, "bytes between the sections are not zero");
        }
    }
    return sk_ok();
}

static sk_err check_bytes(const struct image *img, struct diag *diag) {
    const struct img_header *h = img->header;
    const struct img_section *last = &h->section[h->section_count - 1];
    struct sk_bytes trailer = image_section_bytes(img, last);
    uint64_t end = IMG_HEADER_BYTES;
    for (uint32_t i = 0; i < h->section_count; i++) {
        const struct img_section *s = &h->section[i];
        struct sk_bytes bytes = image_section_bytes(img, s);
        TRY(check_gap(img, end, s->off, diag));
        end = s->off + s->len;
        if (s == last) {
            continue;
        }
        uint8_t digest[CRYPTO_DIGEST_MAX];
        TRY(crypto_digest(CRYPTO_SHA256, bytes.ptr, bytes.len, digest));
        if (crypto_crc32c(0, bytes.ptr, bytes.len) != s->crc ||
            memcmp(digest, &trailer.ptr[(size_t)i * IMG_DIGEST_BYTES], IMG_DIGEST_BYTES) != 0) {
            return image_refuse(img, diag, "section %u (type %u) is damaged (checksum)", i,
                                s->type);
        }
        mapping_advise_done(&img->map, s->off, s->len);
    }
    char identity[IMAGE_IDENTITY_HEX];
    return image_identity(img, diag, identity);
}

/* ---- names -------------------------------------------------------------------------------- */

static sk_err check_names(const struct image *img, uint64_t *starts, struct diag *diag) {
    MEM_AUTO struct names_stem *stems =
        mem_zalloc((size_t)img->names.stem_count + 1, sizeof *stems);
    if (stems == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    uint32_t ref = 0;
    while (ref < img->names.name.len) {
        uint32_t next = 0;
        if (!names_check(&img->names, stems, ref, &next)) {
            return image_refuse(img, diag, "the name at %u is malformed", ref);
        }
        starts[ref / 64] |= (uint64_t)1 << (ref % 64);
        ref = next;
    }
    return sk_ok();
}

/* ---- hash sets ---------------------------------------------------------------------------- */

struct record_walk {
    const struct image *img;
    const struct hs_set *set;
    const uint64_t *starts;
    size_t digest_bytes;
    const uint8_t *before; /* the record before, or NULL */
};

/* Digest first, then size: the order of the pages. */
static int record_compare(const uint8_t *a, const uint8_t *b, size_t digest_bytes) {
    int order = memcmp(a, b, digest_bytes);
    if (order != 0) {
        return order;
    }
    uint32_t x = sk_load_u32le(&a[digest_bytes]);
    uint32_t y = sk_load_u32le(&b[digest_bytes]);
    return x < y ? -1 : x > y;
}

static const char *record_fault(struct record_walk *w, const uint8_t *record) {
    uint32_t size = sk_load_u32le(&record[w->digest_bytes]);
    uint32_t name = sk_load_u32le(&record[w->digest_bytes + 4]);
    if (w->before != NULL && record_compare(w->before, record, w->digest_bytes) >= 0) {
        return "records are out of order";
    }
    if (!image_is_name(w->img, w->starts, name)) {
        return "a record has no name";
    }
    if (!hs_fuse_has(w->set->fuse, w->set->fingerprint, hs_key(record))) {
        return "the filter does not know a record";
    }
    if (size == HS_SIZE_ANY ? !w->set->any_size : !hs_gate(w->set, size)) {
        return "the size gate does not know a record";
    }
    w->before = record;
    return NULL;
}

/* The DONE_PAGES pages of records before this one. */
static void leave_pages(const struct image *img, const struct hs_set *set, uint32_t page) {
    if (page >= DONE_PAGES && img->map.ptr != NULL) {
        size_t off =
            (size_t)(set->record - img->file.ptr) + (size_t)(page - DONE_PAGES) * HS_PAGE_BYTES;
        mapping_advise_done(&img->map, off, (size_t)DONE_PAGES * HS_PAGE_BYTES);
    }
}

/* A record touches the bits of the names and three places of the filter, all of them far from those
 * of the record before: half of the time of the proof, unless they are asked for in time. */
static void expect_record(const struct record_walk *w, const uint8_t *record) {
    uint32_t name = sk_load_u32le(&record[w->digest_bytes + 4]);
    if (name < w->img->names.name.len) {
        __builtin_prefetch(&w->starts[name / 64]);
    }
    hs_fuse_prefetch(w->set->fuse, w->set->fingerprint, hs_key(record));
}

static const uint8_t *record_at(const struct hs_set *set, uint32_t index) {
    size_t each = hs_record_bytes(set->algo);
    uint32_t per_page = (uint32_t)(HS_PAGE_BYTES / each);
    return &set->record[(size_t)(index / per_page) * HS_PAGE_BYTES + index % per_page * each];
}

static sk_err check_set(struct record_walk *w, struct diag *diag) {
    const struct hs_set *set = w->set;
    size_t each = hs_record_bytes(set->algo);
    uint32_t per_page = (uint32_t)(HS_PAGE_BYTES / each);
    w->digest_bytes = hs_digest_bytes(set->algo);
    w->before = NULL;
    for (uint32_t i = 0; i < set->record_count; i++) {
        uint32_t page = i / per_page;
        const uint8_t *record = record_at(set, i);
        if (set->record_count - i > EXPECT_AHEAD) {
            expect_record(w, record_at(set, i + EXPECT_AHEAD));
        }
        const char *fault = record_fault(w, record);
        if (fault == NULL && i % per_page == 0 && set->page_key[page] != sk_load_u32be(record)) {
            fault = "the page index is wrong";
        }
        if (fault != NULL) {
            return image_refuse(w->img, diag, "hash set %u: %s", (unsigned)(set->algo), fault);
        }
        if (page % DONE_PAGES == 0 && i % per_page == 0) {
            leave_pages(w->img, set, page);
        }
    }
    for (uint32_t i = 1; i < set->big_count; i++) {
        if (set->big[i - 1] >= set->big[i]) {
            return image_refuse(w->img, diag, "the list of large sizes is out of order");
        }
    }
    return sk_ok();
}

static sk_err check_sets(const struct image *img, const uint64_t *starts, struct diag *diag) {
    for (int algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (int role = 0; role < HS_ROLE_COUNT; role++) {
            struct record_walk w = {.img = img, .set = &img->set[algo][role], .starts = starts};
            TRY(check_set(&w, diag));
        }
    }
    for (size_t i = 1; i < img->ignored_count; i++) {
        if (img->ignored[i - 1] >= img->ignored[i]) {
            return image_refuse(img, diag, "the ignore list is out of order");
        }
    }
    return sk_ok();
}

static sk_err check_references(const struct image *img, struct diag *diag) {
    MEM_AUTO uint64_t *starts = mem_zalloc(img->names.name.len / 64 + 1, sizeof *starts);
    if (starts == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(check_names(img, starts, diag));
    TRY(check_sets(img, starts, diag));
    TRY(image_check_rule_names(img, starts, diag));
    return image_check_body(img, starts, diag);
}

sk_err image_verify_part(const struct image *img, enum image_part part, struct diag *diag) {
    mapping_advise_sequential(&img->map, 0, img->map.len);
    return part == IMAGE_PART_BYTES ? check_bytes(img, diag) : check_references(img, diag);
}

sk_err image_verify(const struct image *img, struct diag *diag) {
    TRY(image_verify_part(img, IMAGE_PART_BYTES, diag));
    return image_verify_part(img, IMAGE_PART_REFERENCES, diag);
}
