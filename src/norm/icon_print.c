// SPDX-License-Identifier: Apache-2.0
/*
 * The fingerprint of icons (idb signatures, IconGroup1 and IconGroup2), as ClamAV computes it.
 *
 * There is no description of it but its name ("fuzzy"). Everything here was established with
 * `clamscan --debug` 1.4.6, which prints the numbers of every icon it looks at, and own programs
 * with planted pictures, one question each; then 720 random pictures gave the same 124 digits
 * (tests/differential/diff_icons.py repeats that with others, from end to end).
 *
 *     pixels --> value of HSV ---------------------------------> bright, dark areas
 *            \-> saturation * sqrt(value) ---------------------> coloured, grey areas
 *            \-> distance in CIE L*a*b* from the grey 127 --Sobel--> 0..255 --blur--> sharp, smooth
 *
 * - An area is a square of side/4; its value the mean of its pixels, rounded down. The three with
 *   the highest (lowest) sum that do not overlap, top to bottom, left to right, the first of
 * equals. Their corner lies in x < 3/4 side - 1, y < 3/4 side (an area that touches the right or
 * bottom edge never counts).
 * - An area with sum 0 is never a highest one: what is not found is 0 at (0,0). Among the lowest
 *   it is 65535 divided by the pixels of an area (when six smooth ones find no room).
 * - A pixel is coloured when value and saturation (0..255) both are above 85. With 5 % coloured
 *   pixels or less the picture has no colours: the coloured and grey areas are three more sharp and
 *   smooth ones, which do not overlap the first three, and the smooth ones are written with the
 *   places of the sharp ones.
 * - Spread: each coloured pixel gives its highest channel 100 - 100*(mid-low)/(high-low) and its
 *   lowest one 100 - 100*(high-mid)/(high-low), rounded; of all that the mean of each channel.
 * - The outermost pixels have no change. Changes are scaled so that the largest is 255; where
 *   nothing changes at all, the blue channel stands in for it. The blur (1 2 1) goes into a second
 *   picture across and in place down it, so that each row feeds the next.
 *
 * Likeness: each area of the picture is compared with the three of the signature, the best counts:
 * nothing if the values differ by more than a fifth of the range (814 of 4072, 51 of 255) or the
 * distance is above 3, 4, 6 pixels (side 16, 24, 32); else 100 falling to 40 at that distance. The
 * spread gives 100 - 10 for each percent of difference. Weights and limits: see likeness_of.
 */
#include "norm/icon_print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PIXELS_MAX ((size_t)ICON_SIDE_MAX * ICON_SIDE_MAX)
#define COLOURED_ABOVE 85u
#define SHARE_ABOVE 5u
#define TOLERANCE_COLOUR 814u
#define TOLERANCE 51u
#define PLAIN_GREY 127u
#define NOTHING_SUM 65535u /* of a lowest area that was not found */

struct lab {
    double l, a, b;
};

struct work {
    unsigned side;
    double linear[256];
    double tone[PIXELS_MAX]; /* distance from grey */
    uint16_t value[PIXELS_MAX];
    uint16_t colour[PIXELS_MAX];
    uint16_t change[PIXELS_MAX];
    uint16_t blurred[PIXELS_MAX];
};

static bool is_side(unsigned side) {
    return side == 16 || side == 24 || side == 32;
}

/* ---- colours --------------------------------------------------------------------------------- */

static double to_linear(unsigned channel) {
    double c = channel / 255.0;
    return c > 0.04045 ? pow((c + 0.055) / 1.055, 2.4) : c / 12.92;
}

static double lab_curve(double t) {
    return t > 0.008856 ? pow(t, 1.0 / 3.0) : 7.787 * t + 16.0 / 116.0;
}

static struct lab to_lab(const struct work *w, uint32_t rgb) {
    double r = w->linear[rgb >> 16 & 0xff], g = w->linear[rgb >> 8 & 0xff];
    double b = w->linear[rgb & 0xff];
    double x = lab_curve((r * 0.4124 + g * 0.3576 + b * 0.1805) / 0.95047);
    double y = lab_curve(r * 0.2126 + g * 0.7152 + b * 0.0722);
    double z = lab_curve((r * 0.0193 + g * 0.1192 + b * 0.9505) / 1.08883);
    return (struct lab){116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

static unsigned middle(unsigned a, unsigned b, unsigned c) {
    unsigned high = a > b ? a : b, low = a > b ? b : a;
    return c > high ? high : c < low ? low : c;
}

/* Adds what a coloured pixel says to the sums of its channels. */
static void add_spread(const unsigned channel[3], unsigned high, unsigned low,
                       uint32_t sum[ICON_SPREADS]) {
    unsigned mid = middle(channel[0], channel[1], channel[2]);
    bool seen_high = false, seen_low = false;
    for (unsigned i = 0; i < 3; i++) {
        if (channel[i] == high && !seen_high) {
            sum[i] += 100 - 100 * (mid - low) / (high - low);
            seen_high = true;
        } else if (channel[i] == low && !seen_low) {
            sum[i] += 100 - 100 * (high - mid) / (high - low);
            seen_low = true;
        }
    }
    sum[ICON_SHARE]++;
}

static void read_colours(struct work *w, const uint32_t *rgb, struct icon_print *out) {
    uint32_t sum[ICON_SPREADS] = {0};
    struct lab grey = to_lab(w, PLAIN_GREY << 16 | PLAIN_GREY << 8 | PLAIN_GREY);
    uint32_t count = w->side * w->side;
    for (uint32_t i = 0; i < count; i++) {
        unsigned c[3] = {rgb[i] >> 16 & 0xff, rgb[i] >> 8 & 0xff, rgb[i] & 0xff};
        unsigned high = c[0] > c[1] ? c[0] : c[1], low = c[0] > c[1] ? c[1] : c[0];
        high = c[2] > high ? c[2] : high;
        low = c[2] < low ? c[2] : low;
        unsigned saturation = high == 0 ? 0 : 255 * (high - low) / high;
        w->value[i] = (uint16_t)high;
        w->colour[i] = (uint16_t)(saturation * sqrt(high));
        if (high > COLOURED_ABOVE && saturation > COLOURED_ABOVE) {
            add_spread(c, high, low, sum);
        }
        struct lab lab = to_lab(w, rgb[i]);
        double l = lab.l - grey.l, a = lab.a - grey.a, b = lab.b - grey.b;
        w->tone[i] = sqrt(l * l + a * a + b * b);
    }
    uint32_t share = sum[ICON_SHARE] * 100 / count;
    if (share <= SHARE_ABOVE) {
        return;
    }
    for (unsigned i = ICON_RED; i < ICON_SHARE; i++) {
        out->spread[i] = (uint8_t)(sum[i] / sum[ICON_SHARE]);
    }
    out->spread[ICON_SHARE] = (uint8_t)share;
}

/* ---- changes --------------------------------------------------------------------------------- */

static void find_changes(struct work *w, const uint32_t *rgb) {
    size_t side = w->side;
    unsigned most = 0;
    for (size_t y = 1; y + 1 < side; y++) {
        for (size_t x = 1; x + 1 < side; x++) {
            const double *above = &w->tone[(y - 1) * side + x], *here = above + side;
            const double *below = here + side;
            double across =
                above[1] + 2 * here[1] + below[1] - above[-1] - 2 * here[-1] - below[-1];
            double down = below[-1] + 2 * below[0] + below[1] - above[-1] - 2 * above[0] - above[1];
            unsigned change = (unsigned)sqrt(across * across + down * down);
            w->change[y * side + x] = (uint16_t)change;
            most = change > most ? change : most;
        }
    }
    for (size_t y = 1; y + 1 < side; y++) {
        for (size_t i = y * side + 1; i + 1 < (y + 1) * side; i++) {
            w->change[i] = (uint16_t)(most > 0 ? w->change[i] * 255u / most : rgb[i] & 0xff);
        }
    }
}

static void blur(struct work *w) {
    size_t side = w->side;
    for (size_t y = 1; y + 1 < side; y++) {
        for (size_t i = y * side + 1; i + 1 < (y + 1) * side; i++) {
            unsigned sum = w->change[i - 1] + 2u * w->change[i] + w->change[i + 1];
            w->blurred[i] = (uint16_t)(sum / 4);
        }
    }
    for (size_t y = 1; y + 1 < side; y++) {
        for (size_t i = y * side + 1; i + 1 < (y + 1) * side; i++) {
            unsigned sum = w->blurred[i - side] + 2u * w->blurred[i] + w->blurred[i + side];
            w->blurred[i] = (uint16_t)(sum / 4);
        }
    }
}

/* ---- areas ----------------------------------------------------------------------------------- */

static uint32_t sum_at(const struct work *w, const uint16_t *map, unsigned x, unsigned y) {
    unsigned wide = w->side / 4;
    uint32_t sum = 0;
    for (unsigned j = y; j < y + wide; j++) {
        for (unsigned i = x; i < x + wide; i++) {
            sum += map[j * w->side + i];
        }
    }
    return sum;
}

static bool is_taken(const struct icon_area *taken, unsigned count, unsigned wide,
                     struct icon_area at) {
    for (unsigned i = 0; i < count; i++) {
        if ((unsigned)abs(taken[i].x - at.x) < wide && (unsigned)abs(taken[i].y - at.y) < wide) {
            return true;
        }
    }
    return false;
}

/* The best area that overlaps none of `taken`. */
static struct icon_area best_area(const struct work *w, const uint16_t *map, bool lowest,
                                  const struct icon_area *taken, unsigned count) {
    unsigned wide = w->side / 4;
    struct icon_area best = {.value = lowest ? (uint16_t)(NOTHING_SUM / (wide * wide)) : 0};
    uint32_t best_sum = lowest ? UINT32_MAX : 0;
    for (uint8_t y = 0; y < 3 * wide; y++) {
        for (uint8_t x = 0; x + 1u < 3 * wide; x++) {
            struct icon_area at = {0, x, y};
            uint32_t sum = sum_at(w, map, x, y);
            if ((lowest ? sum < best_sum : sum > best_sum) && !is_taken(taken, count, wide, at)) {
                best_sum = sum;
                best = at;
                best.value = (uint16_t)(sum / (wide * wide));
            }
        }
    }
    return best;
}

static void find_areas(const struct work *w, const uint16_t *map, bool lowest,
                       struct icon_area *areas, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        areas[i] = best_area(w, map, lowest, areas, i);
    }
}

static void keep_areas(struct icon_print *out, enum icon_trait trait,
                       const struct icon_area *areas) {
    memcpy(out->area[trait], areas, ICON_AREAS * sizeof(*areas));
}

static void find_all_areas(const struct work *w, struct icon_print *out) {
    struct icon_area sharp[2 * ICON_AREAS] = {{0}}, smooth[2 * ICON_AREAS] = {{0}};
    bool coloured = out->spread[ICON_SHARE] > 0;
    unsigned count = coloured ? ICON_AREAS : 2 * ICON_AREAS;
    find_areas(w, w->value, false, out->area[ICON_BRIGHT], ICON_AREAS);
    find_areas(w, w->value, true, out->area[ICON_DARK], ICON_AREAS);
    find_areas(w, w->blurred, false, sharp, count);
    find_areas(w, w->blurred, true, smooth, count);
    keep_areas(out, ICON_SHARP, sharp);
    keep_areas(out, ICON_SMOOTH, smooth);
    if (coloured) {
        find_areas(w, w->colour, false, out->area[ICON_COLOURED], ICON_AREAS);
        find_areas(w, w->colour, true, out->area[ICON_GREY], ICON_AREAS);
        return;
    }
    for (unsigned i = ICON_AREAS; i < 2 * ICON_AREAS; i++) {
        smooth[i].x = sharp[i].x;
        smooth[i].y = sharp[i].y;
    }
    keep_areas(out, ICON_COLOURED, sharp + ICON_AREAS);
    keep_areas(out, ICON_GREY, smooth + ICON_AREAS);
}

sk_err icon_print_make(const uint32_t *rgb, unsigned side, struct icon_print *out_print) {
    if (!is_side(side)) {
        return sk_fail(SK_E_USAGE);
    }
    MEM_AUTO struct work *w = mem_zalloc(1, sizeof(*w));
    if (w == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    struct icon_print print = {.side = (uint8_t)side};
    w->side = side;
    for (unsigned i = 0; i < 256; i++) {
        w->linear[i] = to_linear(i);
    }
    read_colours(w, rgb, &print);
    find_changes(w, rgb);
    blur(w);
    find_all_areas(w, &print);
    *out_print = print;
    return sk_ok();
}

/* ---- likeness -------------------------------------------------------------------------------- */

/* Each of `count` areas of the picture with its best among those wanted: a sum of percents. */
static unsigned compare_areas(const struct icon_area *have, const struct icon_area *want,
                              unsigned count, unsigned tolerance, unsigned reach) {
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned best = 0;
        for (unsigned k = 0; k < count; k++) {
            int dx = have[i].x - want[k].x, dy = have[i].y - want[k].y;
            unsigned far = (unsigned)sqrt(dx * dx + dy * dy);
            unsigned differ = (unsigned)abs(have[i].value - want[k].value);
            unsigned good = differ > tolerance || far > reach ? 0 : 100 - 60 * far / reach;
            best = good > best ? good : best;
        }
        sum += best;
    }
    return sum;
}

static unsigned reach_of(unsigned side) {
    return side == 16 ? 3 : side == 24 ? 4 : 6;
}

static unsigned compare_trait(const struct icon_print *a, const struct icon_print *b,
                              enum icon_trait trait) {
    unsigned tolerance = trait <= ICON_GREY ? TOLERANCE_COLOUR : TOLERANCE;
    return compare_areas(a->area[trait], b->area[trait], ICON_AREAS, tolerance, reach_of(a->side)) /
           ICON_AREAS;
}

/* Two traits as one of six areas. */
static unsigned compare_both(const struct icon_print *a, const struct icon_print *b,
                             enum icon_trait first, enum icon_trait second) {
    struct icon_area have[2 * ICON_AREAS], want[2 * ICON_AREAS];
    memcpy(have, a->area[first], sizeof(a->area[first]));
    memcpy(have + ICON_AREAS, a->area[second], sizeof(a->area[second]));
    memcpy(want, b->area[first], sizeof(b->area[first]));
    memcpy(want + ICON_AREAS, b->area[second], sizeof(b->area[second]));
    return compare_areas(have, want, 2 * ICON_AREAS, TOLERANCE, reach_of(a->side)) /
           (2 * ICON_AREAS);
}

static unsigned compare_spread(const struct icon_print *a, const struct icon_print *b) {
    unsigned sum = 0;
    for (unsigned i = 0; i < ICON_SPREADS; i++) {
        unsigned differ = (unsigned)abs(a->spread[i] - b->spread[i]);
        sum += differ < 10 ? 100 - 10 * differ : 0;
    }
    return sum / ICON_SPREADS;
}

/* A grey, bright or smooth area weighs two thirds of the others. Where only one of the two pictures
 * has colours, the coloured and grey areas count nothing. */
static unsigned likeness_of(const struct icon_print *a, const struct icon_print *b, bool colours) {
    unsigned whole =
        compare_trait(a, b, ICON_DARK) + compare_trait(a, b, ICON_SHARP) + compare_spread(a, b);
    unsigned part = compare_trait(a, b, ICON_BRIGHT) + compare_trait(a, b, ICON_SMOOTH);
    if (colours) {
        whole += compare_trait(a, b, ICON_COLOURED);
        part += compare_trait(a, b, ICON_GREY);
    }
    return (3 * whole + 2 * part) / 18;
}

/* Without colours there is no spread, and nothing above 83 %. */
static unsigned likeness_plain(const struct icon_print *a, const struct icon_print *b) {
    unsigned sum = compare_trait(a, b, ICON_BRIGHT) + compare_trait(a, b, ICON_DARK) +
                   2 * compare_both(a, b, ICON_SHARP, ICON_COLOURED) +
                   compare_both(a, b, ICON_SMOOTH, ICON_GREY);
    return sum / 6;
}

static bool is_plain(const struct icon_print *p) {
    return p->spread[ICON_SHARE] == 0;
}

unsigned icon_print_likeness(const struct icon_print *picture, const struct icon_print *wanted) {
    if (picture->side != wanted->side || !is_side(picture->side)) {
        return 0;
    }
    if (is_plain(picture) && is_plain(wanted)) {
        return likeness_plain(picture, wanted);
    }
    return likeness_of(picture, wanted, !is_plain(picture) && !is_plain(wanted));
}

bool icon_print_is(const struct icon_print *picture, const struct icon_print *wanted) {
    unsigned enough = picture->side == 16 ? 72 : picture->side == 24 ? 68 : 64;
    if (is_plain(picture) && is_plain(wanted)) {
        enough = 70;
    }
    return icon_print_likeness(picture, wanted) >= enough;
}
