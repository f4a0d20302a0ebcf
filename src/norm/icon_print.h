// SPDX-License-Identifier: Apache-2.0
/*
 * struct icon_print: the fingerprint of an icon that idb signatures hold, and how alike two are.
 *
 * Pure but for the work space that icon_print_make asks for and gives back. Errors: SK_E_NOMEM,
 * SK_E_USAGE (a side that is not one of ICON_SIDE_*). Units: places and sides in pixels.
 */
#ifndef SK_NORM_ICON_PRINT_H
#define SK_NORM_ICON_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define ICON_SIDE_MAX 32u /* 16, 24 or 32 */
#define ICON_AREAS 3u

enum icon_trait {
    ICON_COLOURED = 0, /* of a picture without colours: the next three sharp areas */
    ICON_GREY,         /* of a picture without colours: the next three smooth areas */
    ICON_BRIGHT,
    ICON_DARK,
    ICON_SHARP, /* much changes there */
    ICON_SMOOTH,
    ICON_TRAITS
};
enum icon_spread { ICON_RED = 0, ICON_GREEN, ICON_BLUE, ICON_SHARE, ICON_SPREADS };

/* A square of a quarter of the side. */
struct icon_area {
    uint16_t value;
    uint8_t x, y;
};

struct icon_print {
    uint8_t side;
    uint8_t spread[ICON_SPREADS]; /* percent; ICON_SHARE: coloured pixels, 0: no colours */
    struct icon_area area[ICON_TRAITS][ICON_AREAS];
};

/* rgb: side * side pixels from the top, 0x00rrggbb. */
sk_err icon_print_make(const uint32_t *rgb, unsigned side, struct icon_print *out_print);
/* Percent; 0 for pictures of different sides. */
unsigned icon_print_likeness(const struct icon_print *picture, const struct icon_print *wanted);
/* Alike enough for a signature? */
bool icon_print_is(const struct icon_print *picture, const struct icon_print *wanted);

#endif
