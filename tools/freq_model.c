// SPDX-License-Identifier: Apache-2.0
/*
 * Makes src/defc/freq_table.c: how often byte pairs and four-byte grams occur in ordinary files.
 * The definitions compiler uses it to choose rare triggers; it decides speed, never results.
 *
 *   usage: find ... -type f | tools/freq_model src/defc/freq_low.c src/defc/freq_text.c > src/defc/freq_table.c
 *   input lines: "CLASS PATH"; classes are digits. tools/freq_model.sh calls it.
 *
 * Also: a Bloom filter of the eight-byte windows that occur in at least doc_share of the files of a
 * class (licence texts, headers, padding, runtime libraries): what is in everybody's files makes a
 * bad trigger however rare its bytes look. And another one of words, five to seven bytes, in the
 * same way ("http://").
 *
 * All bytes are folded (| 0x20) as the filter folds them, so that 128 values remain. Pass 1 counts
 * pairs exactly and grams in 2^24 hashed counters per class; pass 2 counts exactly the grams whose
 * counter is high. A class weighs the same whatever its size.
 *
 * freq_low.c has pairs of another kind, for marks: of the lower seven bits of each byte, case kept,
 * without the last class (marks are not for PE files). freq_text.c has those of text as it is
 * searched for HTML and text (lower case, a blank for all space, no other bytes), and its commonest
 * grams; for that a fourth class of files may be given: mail addresses are in every change log and
 * in little else.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "defc/freq_seen.h"

enum { CLASSES = 3, FILES_MAX = 1 << 17, GRAM_SLOTS = 16384, GRAM_MAX = 8192, EXACT_SLOTS = 1 << 20 };
#define CLASS_BYTES ((size_t)96 << 20)
#define FILE_BYTES ((size_t)1 << 20) /* at most this much of one file: variety, not weight */
#define DOC_SLOTS_LOG2 26
#define RATE_FLOOR 6.0               /* listed when a class has more per million bytes */

static uint8_t *text[CLASSES + 1];
static size_t text_len[CLASSES + 1];
static size_t file_end[CLASSES + 1][FILES_MAX];
static uint32_t files[CLASSES + 1];
/* Share of the files of a class, and the least number of them. */
static const double doc_share[CLASSES] = {0.05, 0.02, 0.40};
enum { DOC_LEAST = 6 };
static uint64_t seen[FREQ_SEEN_WORDS];
static uint64_t word[FREQ_WORD_WORDS];
static double joint[128][128], joint_low[128][128], joint_text[128][128];
/* A class more, that counts for normalised text only. */
enum { TEXT_CLASS = 1, DOCUMENTS = CLASSES, PLAIN = '~' - ' ' + 1, PLAIN_GRAMS = PLAIN * PLAIN * PLAIN * PLAIN };
#define TEXT_FLOOR 100.0 /* listed when there are more per million bytes */
struct exact {
    uint32_t gram;
    uint32_t used;
    uint32_t count[CLASSES];
};
static struct exact *exact;

static unsigned squeeze(unsigned b) {
    return (b & 0x1f) | (b & 0xc0) >> 1;
}
static uint32_t hash(uint32_t gram) {
    return gram * 0x9E3779B1u;
}

static void load(int class, const char *path) {
    size_t room = CLASS_BYTES - text_len[class];
    FILE *f = room > 0 ? fopen(path, "rb") : NULL;
    if (f == NULL) {
        return;
    }
    text_len[class] += fread(text[class] + text_len[class], 1, room < FILE_BYTES ? room : FILE_BYTES, f);
    fclose(f);
    if (files[class] < FILES_MAX && text_len[class] > 0) {
        file_end[class][files[class]++] = text_len[class];
    }
}

static uint64_t window_at(const uint8_t *t, unsigned len) {
    uint64_t w = 0;
    memcpy(&w, t, len);
    return w | 0x2020202020202020u >> 8 * (8 - len);
}

static bool is_seen(uint64_t w, unsigned len) {
    return len == 8 ? freq_seen_has(seen, w) : freq_word_has(word, w);
}

static void add_seen(uint64_t w, unsigned len) {
    if (len == 8) {
        freq_seen_add(seen, w);
    } else {
        freq_word_add(word, w);
    }
}

struct doc {
    uint16_t last, count;
};

/* One walk over the windows of a class; file numbers are kept modulo 2^16 - 1, off by one. */
static void walk_docs(int class, struct doc *doc, uint32_t least, unsigned len) {
    size_t at = 0;
    uint32_t kept = 0;
    for (uint32_t f = 0; f < files[class]; f++) {
        uint16_t id = (uint16_t)(f % 65535 + 1);
        for (; at + len <= file_end[class][f]; at++) {
            uint64_t w = window_at(text[class] + at, len);
            struct doc *d = &doc[w * 0x9E3779B97F4A7C15u >> (64 - DOC_SLOTS_LOG2)];
            if (least == 0 && d->last != id && d->count < UINT16_MAX) {
                d->last = id;
                d->count++;
            } else if (least > 0 && d->count >= least && !is_seen(w, len)) {
                add_seen(w, len);
                kept++;
            }
        }
        at = file_end[class][f];
    }
    if (least > 0) {
        fprintf(stderr, "class %d: %u files, %u windows of %u in %u and more\n", class,
                files[class], kept, len, least);
    }
}

static void count_docs(int class, struct doc *doc) {
    uint32_t least = (uint32_t)(files[class] * doc_share[class]);
    for (unsigned len = FREQ_WORD_MIN; len <= 8; len++) {
        memset(doc, 0, sizeof(*doc) << DOC_SLOTS_LOG2);
        walk_docs(class, doc, 0, len);
        walk_docs(class, doc, least < DOC_LEAST ? DOC_LEAST : least, len);
    }
}

static void print_filter(const char *name, const char *size, const uint64_t *set, size_t words) {
    size_t bits = 0;
    printf("\nconst uint64_t %s[%s] = {", name, size);
    for (size_t i = 0; i < words; i++) {
        bits += (size_t)__builtin_popcountll(set[i]);
        printf("%s0x%llx,", i % 6 == 0 ? "\n    " : "", (unsigned long long)set[i]);
    }
    printf("\n};\n");
    fprintf(stderr, "%s: %.1f %% of the bits\n", name, 100.0 * (double)bits / 64 / (double)words);
}

static void count_class(int class, uint32_t *counter) {
    const uint8_t *t = text[class];
    size_t n = text_len[class];
    for (size_t i = 0; i + 1 < n; i++) {
        joint[squeeze(t[i])][squeeze(t[i + 1])] += 1.0 / (double)n / CLASSES;
        joint_low[t[i] & 127][t[i + 1] & 127] += class < CLASSES - 1 ? 1.0 / (double)n : 0;
    }
    memset(counter, 0, sizeof(*counter) << 24);
    for (size_t i = 0; i + 4 <= n; i++) {
        uint32_t g;
        memcpy(&g, t + i, 4);
        counter[hash(g | 0x20202020u) >> 8]++;
    }
    for (size_t i = 0; i + 4 <= n; i++) {
        uint32_t g;
        memcpy(&g, t + i, 4);
        g |= 0x20202020u;
        if (counter[hash(g) >> 8] < RATE_FLOOR * (double)n / 1e6) {
            continue;
        }
        size_t s = hash(g) >> 12;
        while (exact[s].used && exact[s].gram != g) {
            s = (s + 1) % EXACT_SLOTS;
        }
        exact[s].used = 1;
        exact[s].gram = g;
        exact[s].count[class]++;
    }
}

static double rate(const struct exact *e) {
    double best = 0;
    for (int c = 0; c < CLASSES; c++) {
        double r = text_len[c] == 0 ? 0 : (double)e->count[c] / (double)text_len[c];
        best = r > best ? r : best;
    }
    return best;
}
static int by_rate(const void *a, const void *b) {
    double x = rate(a), y = rate(b);
    if (x != y) {
        return x < y ? 1 : -1;
    }
    return ((const struct exact *)a)->gram < ((const struct exact *)b)->gram ? -1 : 1;
}

static int quarters(double p, int max) {
    double q = p <= 0 ? max : -4 * log2(p);
    return q > max ? max : (int)(q + 0.5);
}

static void print_pairs(FILE *f, const char *prefix, double pair[128][128]) {
    double row[128] = {0}, sum = 0;
    for (int a = 0; a < 128; a++) {
        for (int b = 0; b < 128; b++) {
            row[a] += pair[a][b];
        }
        sum += row[a];
    }
    fprintf(f, "const uint8_t %s_first[128] = {", prefix);
    for (int a = 0; a < 128; a++) {
        fprintf(f, "%s%d,", a % 24 == 0 ? "\n    " : " ", quarters(row[a] / sum, 63));
    }
    fprintf(f, "\n};\n\n/* Row: first byte; character - '0' is -4 log2 of the probability of the second. */\n"
               "const char %s_pair[128][129] = {\n", prefix);
    for (int a = 0; a < 128; a++) {
        fprintf(f, "    \"");
        for (int b = 0; b < 128; b++) {
            fprintf(f, "%s", b == 64 ? "\"\n    \"" : "");
            int c = '0' + quarters(row[a] <= 0 ? 1.0 / 128 : pair[a][b] / row[a], 63);
            fprintf(f, c == '\\' ? "\\\\" : c == '?' ? "\\?" : "%c", c);
        }
        fprintf(f, "\",\n");
    }
    fprintf(f, "};\n");
}

static void print_head(FILE *f, const char *classes) {
    fprintf(f, "// SPDX-License-Identifier: Apache-2.0\n// lint: table\n"
               "/* Generated by tools/freq_model.sh from the files of a Debian system. Not for editing.\n"
               " * %s */\n#include \"defc/freq.h\"\n\n// clang-format off\n", classes);
}

static void print_grams(size_t n) {
    static struct exact slot[GRAM_SLOTS];
    for (size_t i = 0; i < n; i++) {
        size_t s = hash(exact[i].gram) >> 18;
        while (slot[s].used) {
            s = (s + 1) % GRAM_SLOTS;
        }
        slot[s] = exact[i];
    }
    printf("\nconst struct freq_gram freq_gram[%d] = {", GRAM_SLOTS);
    for (size_t s = 0; s < GRAM_SLOTS; s++) {
        printf("%s", s % 5 == 0 ? "\n    " : "");
        if (slot[s].used) {
            printf("{0x%x,%d},", slot[s].gram, quarters(rate(&slot[s]), 255));
        } else {
            printf("{0},");
        }
    }
    printf("\n};\n");
}

/* Text as src/norm/text.c makes it, in place. Returns how much is left. */
static size_t normalise(uint8_t *t, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        int c = t[i] >= '\t' && t[i] <= '\r' ? ' ' : t[i] >= 'A' && t[i] <= 'Z' ? t[i] | 0x20 : t[i];
        t[kept] = (uint8_t)c;
        kept += c > ' ' && c <= '~' ? 1 : c == ' ' && (kept == 0 || t[kept - 1] != ' ');
    }
    return kept;
}

/* A class of text: pairs, and grams of ' ' to '~' as numbers to the base of PLAIN. */
static void count_text(int class, uint32_t *gram) {
    const uint8_t *t = text[class];
    size_t n = normalise(text[class], text_len[class]);
    for (size_t i = 0; i + 4 <= n; i++) {
        joint_text[t[i]][t[i + 1]] += 1.0 / (double)n;
        unsigned g = 0;
        for (int k = 3; k >= 0; k--) {
            g = g * PLAIN + t[i + (size_t)k] - ' ';
        }
        gram[g]++;
    }
}

/* Those of both classes that are in one of them more often than TEXT_FLOOR; in order. */
static void print_text_grams(FILE *f, const uint32_t *const gram[2], const size_t len[2]) {
    fprintf(f, "\nconst struct freq_gram freq_text_gram[] = {");
    uint32_t count = 0;
    for (uint32_t g = 0; g < PLAIN_GRAMS; g++) {
        double a = len[0] == 0 ? 0 : gram[0][g] * 1e6 / (double)len[0];
        double b = len[1] == 0 ? 0 : gram[1][g] * 1e6 / (double)len[1];
        double most = a > b ? a : b;
        if (most >= TEXT_FLOOR) {
            uint32_t bytes = 0;
            for (uint32_t k = 0, rest = g; k < 4; k++, rest /= PLAIN) {
                bytes |= (rest % PLAIN + ' ') << 8 * k;
            }
            fprintf(f, "%s{0x%x,%d},", count++ % 5 == 0 ? "\n    " : "", bytes, quarters(most / 1e6, 255));
        }
    }
    fprintf(f, "\n};\nconst uint32_t freq_text_gram_count = %u;\n", count);
}

static void print_text(FILE *f) {
    uint32_t *gram[2] = {calloc(PLAIN_GRAMS, 4), calloc(PLAIN_GRAMS, 4)};
    const size_t len[2] = {text_len[TEXT_CLASS], text_len[DOCUMENTS]};
    if (gram[0] == NULL || gram[1] == NULL) {
        exit(1);
    }
    count_text(TEXT_CLASS, gram[0]);
    count_text(DOCUMENTS, gram[1]);
    char classes[128];
    snprintf(classes, sizeof(classes), "%zu + %zu MB of text files and documents of packages.", len[0] >> 20,
             len[1] >> 20);
    print_head(f, classes);
    print_pairs(f, "freq_text", joint_text);
    print_text_grams(f, (const uint32_t *const *)gram, len);
    fprintf(f, "// clang-format on\n");
}

int main(int argc, char **argv) {
    char line[4096];
    FILE *low = argc == 3 ? fopen(argv[1], "w") : NULL;
    FILE *plain = argc == 3 ? fopen(argv[2], "w") : NULL;
    for (int c = 0; c <= CLASSES; c++) {
        text[c] = malloc(CLASS_BYTES + 8);
    }
    exact = calloc(EXACT_SLOTS, sizeof(*exact));
    uint32_t *counter = malloc(sizeof(*counter) << 24);
    struct doc *doc = malloc(sizeof(*doc) << DOC_SLOTS_LOG2);
    if (low == NULL || plain == NULL || exact == NULL || doc == NULL || counter == NULL || text[CLASSES] == NULL) {
        return 1;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] >= '0' && line[0] <= '0' + CLASSES && line[1] == ' ') {
            load(line[0] - '0', line + 2);
        }
    }
    for (int c = 0; c < CLASSES; c++) {
        fprintf(stderr, "class %d: %zu bytes\n", c, text_len[c]);
        count_class(c, counter);
        count_docs(c, doc);
    }
    qsort(exact, EXACT_SLOTS, sizeof(*exact), by_rate);
    size_t n = 0;
    while (n < GRAM_MAX && exact[n].used && rate(&exact[n]) * 1e6 >= RATE_FLOOR) {
        n++;
    }
    fprintf(stderr, "%zu grams, the rarest %.1f per million bytes\n", n, rate(&exact[n - 1]) * 1e6);
    char classes[128];
    snprintf(classes, sizeof(classes), "%zu + %zu MB of ELF and text files.", text_len[0] >> 20,
             text_len[1] >> 20);
    print_head(low, classes);
    print_pairs(low, "freq_low", joint_low);
    fprintf(low, "// clang-format on\n");
    print_text(plain);
    snprintf(classes, sizeof(classes), "%zu + %zu + %zu MB of ELF, text and PE files.",
             text_len[0] >> 20, text_len[1] >> 20, text_len[2] >> 20);
    print_head(stdout, classes);
    print_pairs(stdout, "freq", joint);
    print_grams(n);
    print_filter("freq_seen", "FREQ_SEEN_WORDS", seen, FREQ_SEEN_WORDS);
    print_filter("freq_word", "FREQ_WORD_WORDS", word, FREQ_WORD_WORDS);
    printf("// clang-format on\n");
    return fclose(low) == 0 && fclose(plain) == 0 ? 0 : 1;
}
