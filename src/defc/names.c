// SPDX-License-Identifier: Apache-2.0
/*
 * The writing half of the name encoding (defs/names.h describes the bytes).
 *
 *   "Win.Worm.Zbot-4000-0" --split--> stem "Win.Worm.Zbot-\1-\1", numbers 4000, 0
 *   stem --hash table--> its number (order of first appearance)    numbers --> varints
 *
 * Eight million names share a few ten thousand stems; the stems stay in memory (bytes in one
 * buffer, offsets in an array, an open-addressing table of hash and number beside it), the encoded
 * names go to a spool. A number is taken out only when putting it back gives the same digits: no
 * leading zero, below 2^64. The bytes 00, 01, 02 in a name are escaped, so any name survives.
 *
 * Every hash line comes through here, so a name costs one pass over its bytes, one probe that the
 * hash beside the number settles, and one comparison. The order of the table shows nowhere: stems
 * are numbered as they come.
 */
#include "defc/names.h"

#include "base/buf.h"
#include "base/mem.h"
#include "defc/spool.h"
#include "defc/write.h"
#include "defs/names.h"

#define TABLE_FIRST 1024u
#define NUMBERS_MAX (NAMES_NAME_MAX / 2 + 1)
#define COPY_BYTES ((size_t)256 * 1024)

/* Of the table. */
struct place {
    uint32_t hash;
    uint32_t number; /* of the stem, + 1; 0 = free */
};

struct names_builder {
    struct diag *diag;
    struct spool spool;
    struct buf stems;
    uint32_t *stem_off; /* stem_count + 1 */
    size_t stem_cap;
    uint32_t stem_count;
    struct place *table;
    uint32_t table_size;
};

sk_err names_builder_new(const char *dir, struct diag *diag, struct names_builder **out_builder) {
    struct names_builder *nb = mem_zalloc(1, sizeof *nb);
    if (nb == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    nb->diag = diag;
    nb->spool = (struct spool)SPOOL_INIT;
    nb->table_size = TABLE_FIRST;
    nb->table = mem_zalloc(TABLE_FIRST, sizeof *nb->table);
    nb->stem_off = mem_grow(NULL, &nb->stem_cap, 1, sizeof *nb->stem_off);
    sk_err err = sk_fail(SK_E_NOMEM);
    if (nb->table != NULL && nb->stem_off != NULL) {
        nb->stem_off[0] = 0;
        err = spool_open(&nb->spool, dir);
    }
    if (sk_failed(err)) {
        names_builder_free(nb);
        return err;
    }
    *out_builder = nb;
    return sk_ok();
}

void names_builder_free(struct names_builder *nb) {
    if (nb == NULL) {
        return;
    }
    spool_release(&nb->spool);
    buf_release(&nb->stems);
    mem_free(nb->stem_off);
    mem_free(nb->table);
    mem_free(nb);
}

/* ---- splitting ---------------------------------------------------------------------------- */

struct split {
    uint8_t stem[2 * NAMES_NAME_MAX];
    size_t stem_len;
    uint64_t number[NUMBERS_MAX];
    size_t number_count;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Length of the run of digits at text; *out_value when it can be taken out, else *out_plain. */
static size_t read_run(const char *text, size_t len, uint64_t *out_value, bool *out_plain) {
    size_t n = 0;
    uint64_t value = 0;
    bool plain = text[0] == '0' && len > 1 && is_digit(text[1]);
    while (n < len && is_digit(text[n])) {
        plain = plain || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
                __builtin_add_overflow(value, (uint64_t)(text[n] - '0'), &value);
        n++;
    }
    *out_value = value;
    *out_plain = plain;
    return n;
}

static void split_name(const char *name, size_t len, struct split *s) {
    s->stem_len = 0;
    s->number_count = 0;
    size_t i = 0;
    while (i < len) {
        if (!is_digit(name[i])) {
            uint8_t byte = (uint8_t)name[i++];
            if (byte <= NAMES_MARK_BYTE) {
                s->stem[s->stem_len++] = NAMES_MARK_BYTE;
            }
            s->stem[s->stem_len++] = byte;
            continue;
        }
        uint64_t value = 0;
        bool plain = false;
        size_t run = read_run(&name[i], len - i, &value, &plain);
        if (plain) {
            memcpy(&s->stem[s->stem_len], &name[i], run);
            s->stem_len += run;
        } else {
            s->stem[s->stem_len++] = NAMES_MARK_NUMBER;
            s->number[s->number_count++] = value;
        }
        i += run;
    }
}

/* ---- dictionary --------------------------------------------------------------------------- */

/* Eight bytes a step: stems are 20 bytes or so. Not proof against chosen stems, and need not be:
 * the table is of one compile, and a slow one harms nobody but its author. */
static uint32_t stem_hash(const uint8_t *stem, size_t len) {
    uint64_t h = 0x9E3779B97F4A7C15u ^ len;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        h = (h ^ sk_load_u64le(&stem[i])) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    uint64_t rest = 0;
    memcpy(&rest, &stem[i], len - i);
    h = (h ^ rest) * 0xD6E8FEB86659FD93u;
    h ^= h >> 32;
    return (uint32_t)(h * 0x9E3779B97F4A7C15u >> 32);
}

/* The place of a stem in the table: its own, or the free one where it would go. */
static struct place *find_place(const struct names_builder *nb, const struct split *s,
                                uint32_t hash) {
    uint32_t mask = nb->table_size - 1;
    uint32_t at = hash & mask;
    while (nb->table[at].number != 0) {
        if (nb->table[at].hash == hash) {
            uint32_t number = nb->table[at].number - 1;
            uint32_t from = nb->stem_off[number];
            if (nb->stem_off[number + 1] - from == s->stem_len &&
                memcmp(&nb->stems.data[from], s->stem, s->stem_len) == 0) {
                break;
            }
        }
        at = (at + 1) & mask;
    }
    return &nb->table[at];
}

static sk_err table_grow(struct names_builder *nb) {
    uint32_t size = nb->table_size * 2;
    struct place *table = mem_zalloc(size, sizeof *table);
    if (table == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (uint32_t i = 0; i < nb->table_size; i++) {
        uint32_t at = nb->table[i].hash & (size - 1);
        while (nb->table[i].number != 0 && table[at].number != 0) {
            at = (at + 1) & (size - 1);
        }
        if (nb->table[i].number != 0) {
            table[at] = nb->table[i];
        }
    }
    mem_free(nb->table);
    nb->table = table;
    nb->table_size = size;
    return sk_ok();
}

static sk_err stem_number(struct names_builder *nb, const struct split *s, uint32_t *out_number) {
    uint32_t hash = stem_hash(s->stem, s->stem_len);
    struct place *place = find_place(nb, s, hash);
    if (place->number != 0) {
        *out_number = place->number - 1;
        return sk_ok();
    }
    if (nb->stems.len + s->stem_len > UINT32_MAX || nb->stem_count >= UINT32_MAX / 4) {
        return sk_fail(SK_E_LIMIT);
    }
    if (nb->stem_count >= nb->table_size / 2) {
        TRY(table_grow(nb));
        place = find_place(nb, s, hash);
    }
    uint32_t *off =
        mem_grow(nb->stem_off, &nb->stem_cap, (size_t)nb->stem_count + 2, sizeof *nb->stem_off);
    if (off == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    nb->stem_off = off;
    TRY(buf_append(&nb->stems, s->stem, s->stem_len));
    *out_number = nb->stem_count++;
    nb->stem_off[nb->stem_count] = (uint32_t)nb->stems.len;
    *place = (struct place){hash, nb->stem_count};
    return sk_ok();
}

size_t names_clean_len(const char *name, size_t len) {
    static const char mark[] = " (Clam)";
    /* Hardly a name has a space, and memmem sets up tables for the mark on each call. */
    if (memchr(name, ' ', len) == NULL) {
        return len;
    }
    const char *at = memmem(name, len, mark, sizeof mark - 1);
    return at == NULL ? len : (size_t)(at - name);
}

sk_err names_add(struct names_builder *nb, const char *name, size_t len, uint32_t *out_ref) {
    len = names_clean_len(name, len);
    if (len == 0 || len > NAMES_NAME_MAX) {
        return sk_fail(SK_E_LIMIT);
    }
    struct split s;
    split_name(name, len, &s);
    uint32_t number = 0;
    TRY(stem_number(nb, &s, &number));
    uint8_t coded[10 * (NUMBERS_MAX + 1)];
    size_t n = sk_varint_put(coded, number);
    for (size_t i = 0; i < s.number_count; i++) {
        n += sk_varint_put(&coded[n], s.number[i]);
    }
    uint64_t ref = nb->spool.len;
    if (ref + n > UINT32_MAX) {
        return sk_fail(SK_E_LIMIT);
    }
    TRY(spool_put(&nb->spool, coded, n));
    *out_ref = (uint32_t)ref;
    return sk_ok();
}

/* ---- writing ------------------------------------------------------------------------------ */

static sk_err write_stems(struct names_builder *nb, struct img_writer *w) {
    uint8_t count[4];
    sk_store_u32le(count, nb->stem_count);
    TRY(img_writer_begin(w, IMG_NAME_STEMS, 0, IMG_COLD, 1));
    TRY(img_writer_put(w, count, sizeof count));
    TRY(img_writer_put(w, nb->stem_off, ((size_t)nb->stem_count + 1) * sizeof *nb->stem_off));
    TRY(img_writer_put(w, nb->stems.data, nb->stems.len));
    return img_writer_end(w);
}

static sk_err write_names(struct names_builder *nb, struct img_writer *w) {
    MEM_AUTO uint8_t *copy = mem_alloc(COPY_BYTES);
    if (copy == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(spool_flush(&nb->spool));
    TRY(img_writer_begin(w, IMG_NAMES, 0, IMG_COLD, 1));
    for (uint64_t off = 0; off < nb->spool.len;) {
        uint64_t left = nb->spool.len - off;
        size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        TRY(spool_read(&nb->spool, copy, n, off));
        TRY(img_writer_put(w, copy, n));
        off += n;
    }
    return img_writer_end(w);
}

sk_err names_finish(struct names_builder *nb, struct img_writer *w) {
    TRY(write_stems(nb, w));
    return write_names(nb, w);
}
