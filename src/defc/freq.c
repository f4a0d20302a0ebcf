// SPDX-License-Identifier: Apache-2.0
/*
 * A chain of byte pairs: p(window) = p(first) * p(second | first) * ... Chains are far too
 * optimistic about runs that belong together (padding, "function", call prologues), so about eight
 * thousand grams that are common in fact are listed with their counted rate, and a window is never
 * believed rarer than they allow:
 *
 *   4 bytes   listed rate, or the chain capped by the rarest listed one
 *   longer    when every gram in it is listed: at least an eighth of the rarest of them
 *
 * Eight-byte windows that many files hold (a Bloom filter, freq_seen) count at least SEEN_RATE, and
 * a text made of nothing else is called common: imports, version resources, licences. So are words
 * of five to seven bytes that many files hold (freq_word): by the chain "http://" was as rare as
 * once in 10^13 bytes, and four signatures were evaluated on every text that has an address in it.
 * For Windows programs a list of what they hold is asked as well (freq_windows: imports, keys of
 * version resources, manifests): by the files of one system "CompanyName" in UTF-16 was as rare as
 * any text, and every second program was looked through for what else such signatures need (35
 * signatures touched for each, now 27; whole scans 1.1 times as fast).
 *
 * 2^(-q/4) comes from four constants and exact halving, so that images are equal everywhere.
 */
#include "defc/freq.h"

#define LISTED_FLOOR_QUARTERS 60u /* 30 per million bytes: an unlisted gram is rarer */
#define SEEN_RATE 2e-6
#define EIGHTH 12u /* three halvings in quarters */

static unsigned squeeze(uint8_t b) {
    return (b & 0x1fu) | (b & 0xc0u) >> 1;
}

double freq_rate(uint32_t quarters) {
    static const double step[4] = {1.0, 0.8408964152537145, 0.7071067811865476, 0.5946035575013605};
    double p = step[quarters & 3];
    uint32_t halvings = quarters >> 2;
    for (; halvings >= 32; halvings -= 32) {
        p *= 1.0 / 4294967296.0;
    }
    return p / (double)((uint64_t)1 << halvings);
}

double freq_byte(uint8_t byte) {
    return freq_rate(freq_first[squeeze(byte)]);
}

static uint8_t listed(uint32_t gram) {
    for (uint32_t s = gram * 0x9E3779B1u >> 18;; s = (s + 1) % FREQ_GRAM_SLOTS) {
        if (freq_gram[s].gram == gram) {
            return freq_gram[s].quarters;
        }
        if (freq_gram[s].gram == 0) {
            return 0;
        }
    }
}

void freq_run(struct freq_run *r, const uint8_t *bytes, size_t len) {
    r->bytes = bytes;
    r->len = len < FREQ_RUN_MAX ? (uint32_t)len : FREQ_RUN_MAX;
    uint32_t gram = 0;
    uint64_t window = 0;
    for (uint32_t i = 0; i < r->len; i++) {
        unsigned b = squeeze(bytes[i]);
        r->first[i] = freq_first[b];
        r->sum[i] =
            i == 0 ? 0 : r->sum[i - 1] + (uint32_t)(freq_pair[squeeze(bytes[i - 1])][b] - '0');
        r->gram[i] = 0;
        gram = gram >> 8 | (uint32_t)(bytes[i] | 0x20) << 24;
        if (i >= 3) {
            r->gram[i - 3] = listed(gram);
        }
        window = window >> 8 | (uint64_t)(bytes[i] | 0x20) << 56;
        r->seen[i] = false;
        if (i >= 7) {
            r->seen[i - 7] = freq_seen_has(freq_seen, window);
        }
    }
}

bool freq_holds_windows(const uint8_t *bytes, size_t len) {
    uint64_t window = 0;
    bool holds = false;
    for (size_t i = 0; i < len && !holds; i++) {
        window = window >> 8 | (uint64_t)(bytes[i] | 0x20u) << 56;
        holds = i >= 7 && freq_filter_has(freq_windows, FREQ_WINDOWS_LOG2, window);
    }
    return holds;
}

void freq_run_windows(struct freq_run *r) {
    for (uint32_t i = 0; i + 8 <= r->len; i++) {
        r->seen[i] = r->seen[i] || freq_holds_windows(r->bytes + i, 8);
    }
}

double freq_window(const struct freq_run *r, uint32_t at, uint32_t n) {
    uint32_t chain = r->first[at] + r->sum[at + n - 1] - r->sum[at];
    if (n < 4) {
        return freq_rate(chain);
    }
    if (n == 4) {
        uint32_t floor = chain > LISTED_FLOOR_QUARTERS ? chain : LISTED_FLOOR_QUARTERS;
        return freq_rate(r->gram[at] != 0 ? r->gram[at] : floor);
    }
    uint32_t rarest = 0;
    bool all = true;
    for (uint32_t i = at; i + 4 <= at + n && all; i++) {
        all = r->gram[i] != 0;
        rarest = r->gram[i] > rarest ? r->gram[i] : rarest;
    }
    double p = freq_rate(all && rarest + EIGHTH < chain ? rarest + EIGHTH : chain);
    return n == 8 && r->seen[at] && p < SEEN_RATE ? SEEN_RATE : p;
}

/* Quarters of a gram in normalised text; 0: it is rare. */
static uint8_t listed_in_text(const uint8_t *bytes) {
    uint32_t gram = 0, first = 0, end = freq_text_gram_count;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t b = bytes[i];
        gram |= (uint32_t)(b >= 'A' && b <= 'Z' ? b | 0x20u : b) << 8 * i;
    }
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (freq_text_gram[middle].gram == gram) {
            return freq_text_gram[middle].quarters;
        }
        bool before = freq_text_gram[middle].gram < gram;
        first = before ? middle + 1 : first;
        end = before ? end : middle;
    }
    return 0;
}

double freq_text_window(const struct freq_run *r, uint32_t at, uint32_t n) {
    uint32_t rarest = 0;
    for (uint32_t i = at; i + 4 <= at + n; i++) {
        uint8_t quarters = listed_in_text(r->bytes + i);
        if (quarters == 0) {
            return 0;
        }
        rarest = quarters > rarest ? quarters : rarest;
    }
    return freq_rate(n == 4 ? rarest : rarest + EIGHTH);
}

static bool is_common_word(const uint8_t *bytes, uint32_t n) {
    uint64_t window = 0;
    for (uint32_t i = 0; i < n; i++) {
        window |= (uint64_t)(bytes[i] | 0x20u) << 8 * i;
    }
    return freq_word_has(freq_word, window);
}

bool freq_is_common_text(const struct freq_run *r, uint32_t at, uint32_t n) {
    if (n >= FREQ_WORD_MIN && n < 8) {
        return is_common_word(r->bytes + at, n);
    }
    for (uint32_t i = at; i + 8 <= at + n; i++) {
        if (!r->seen[i]) {
            return false;
        }
    }
    return n >= 8;
}
