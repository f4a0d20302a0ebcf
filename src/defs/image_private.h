// SPDX-License-Identifier: Apache-2.0
/* The inside of struct image, for image.c, image_verify.c and image_check.c only. */
#ifndef SK_DEFS_IMAGE_PRIVATE_H
#define SK_DEFS_IMAGE_PRIVATE_H

#include "defs/image.h"
#include "os/mapping.h"

struct image {
    struct mapping map;   /* len 0: the bytes are borrowed */
    int fd;               /* of the file while it is being opened; -1 */
    uint64_t cached_ms;   /* when it seemed to be in the page cache; 0: it did not */
    struct sk_bytes file; /* the whole image */
    const struct img_header *header;
    struct mt_segment segment;
    struct hs_set set[HS_ALGO_COUNT][HS_ROLE_COUNT];
    struct rules rules;
    struct names_view names;
    const uint64_t *ignored;
    size_t ignored_count;
    struct sk_bytes meta;
    char *label; /* what messages call it */
};

/* The bytes of a section; bounds were checked at open. */
static inline struct sk_bytes image_section_bytes(const struct image *img,
                                                  const struct img_section *s) {
    return (struct sk_bytes){img->file.ptr + s->off, (size_t)s->len};
}
/* Asks the disk for what opening looks at (image_pages.c). Sections are proved. */
void image_fetch_ends(struct image *img);
/* Tell diag what is wrong and give SK_E_FORMAT. */
sk_err image_refuse(const struct image *img, struct diag *diag, const char *fmt, ...)
    SK_PRINTF(3, 4);
/* Every reference inside the body tables (image_check.c). */
sk_err image_check_body(const struct image *img, const uint64_t *name_starts, struct diag *diag);
/* The small tables (image_rules.c): one section, all of them at open, their names at verify. */
sk_err image_fill_rules(struct image *img, const struct img_section *s, struct diag *diag);
sk_err image_check_rules(const struct image *img, struct diag *diag);
sk_err image_check_rule_names(const struct image *img, const uint64_t *name_starts,
                              struct diag *diag);
/* Is ref the start of a name? name_starts: one bit for each byte of IMG_NAMES. */
static inline bool image_is_name(const struct image *img, const uint64_t *name_starts,
                                 uint32_t ref) {
    return ref < img->names.name.len && (name_starts[ref / 64] >> (ref % 64) & 1) != 0;
}

#endif
