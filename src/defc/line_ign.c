// SPDX-License-Identifier: Apache-2.0
/*
 * The ignore list of one compile: read before everything else, asked for every signature.
 *
 * Entries lie in an array with their names in one buffer; an open-addressing table of the hashes of
 * names finds them. Several entries may carry one name (different md5s, different segments), so
 * equal names follow each other along the probe sequence and all of them are asked.
 */
#include "defc/line_ign.h"

#include "base/cursor.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "defc/line_hash.h"
#include "defc/names.h"
#include "defs/names.h"

#define TABLE_FIRST 64u
#define MD5_BYTES 16u
#define MD5_DIGITS 32u

struct entry {
    size_t name;
    size_t name_len;
    unsigned segment;
    bool has_md5;
    uint8_t md5[MD5_BYTES];
};

struct ignore_list {
    struct buf names;
    struct entry *entry;
    size_t cap;
    uint32_t count;
    uint32_t *table; /* entry + 1; 0 = free */
    uint32_t table_size;
};

sk_err ignore_list_new(struct ignore_list **out_list) {
    struct ignore_list *list = mem_zalloc(1, sizeof *list);
    if (list == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    list->table_size = TABLE_FIRST;
    list->table = mem_zalloc(TABLE_FIRST, sizeof *list->table);
    if (list->table == NULL) {
        mem_free(list);
        return sk_fail(SK_E_NOMEM);
    }
    *out_list = list;
    return sk_ok();
}

void ignore_list_free(struct ignore_list *list) {
    if (list != NULL) {
        buf_release(&list->names);
        mem_free(list->entry);
        mem_free(list->table);
        mem_free(list);
    }
}

bool ignore_is_empty(const struct ignore_list *list) {
    return list->count == 0;
}

static uint32_t name_hash(const char *name, size_t len) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (uint8_t)name[i]) * 16777619u;
    }
    return h ^ h >> 15;
}

static void table_put(struct ignore_list *list, uint32_t index) {
    const struct entry *e = &list->entry[index];
    uint32_t mask = list->table_size - 1;
    uint32_t at = name_hash((const char *)&list->names.data[e->name], e->name_len) & mask;
    while (list->table[at] != 0) {
        at = (at + 1) & mask;
    }
    list->table[at] = index + 1;
}

static sk_err table_grow(struct ignore_list *list) {
    uint32_t *table = mem_zalloc((size_t)list->table_size * 2, sizeof *table);
    if (table == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    mem_free(list->table);
    list->table = table;
    list->table_size *= 2;
    for (uint32_t i = 0; i < list->count; i++) {
        table_put(list, i);
    }
    return sk_ok();
}

static sk_err add_entry(struct ignore_list *list, struct entry *e, const char *name) {
    if (list->count >= UINT32_MAX / 4) {
        return sk_fail(SK_E_LIMIT);
    }
    if (list->count >= list->table_size / 2) {
        TRY(table_grow(list));
    }
    struct entry *grown =
        mem_grow(list->entry, &list->cap, (size_t)list->count + 1, sizeof *list->entry);
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    list->entry = grown;
    e->name = list->names.len;
    TRY(buf_append(&list->names, name, e->name_len));
    list->entry[list->count] = *e;
    table_put(list, list->count);
    list->count++;
    return sk_ok();
}

static bool read_md5(const char *text, size_t len, uint8_t out[MD5_BYTES]) {
    char copy[MD5_DIGITS + 8];
    struct hash_line parsed;
    struct defc_why why;
    if (len != MD5_DIGITS) {
        return false;
    }
    /* The hash line reader knows hex: let it read the line of an entry with this hash. */
    (void)snprintf(copy, sizeof copy, "%.*s:1:x", (int)MD5_DIGITS, text);
    if (!line_hash_parse(HS_FILE, copy, strlen(copy), &parsed, &why)) {
        return false;
    }
    memcpy(out, parsed.digest, MD5_BYTES);
    return true;
}

/* db:line:name -> where the name starts; NULL when malformed. */
static const char *ign_name(const struct ignore_line *line) {
    const char *first = memchr(line->text, ':', line->len);
    if (first == NULL) {
        return NULL;
    }
    size_t used = (size_t)(first - line->text) + 1;
    const char *second = memchr(&line->text[used], ':', line->len - used);
    return second == NULL ? NULL : second + 1;
}

sk_err ignore_add_line(struct ignore_list *list, const struct ignore_line *line,
                       struct defc_why *why) {
    struct entry e = {.segment = line->segment};
    const char *name = line->ign2 ? line->text : ign_name(line);
    if (name == NULL) {
        (void)line_refuse(why, DEFC_MALFORMED, "expected file:line:name");
        return sk_ok();
    }
    size_t len = line->len - (size_t)(name - line->text);
    const char *colon = memchr(name, ':', len);
    e.name_len = colon != NULL ? (size_t)(colon - name) : len;
    if (colon != NULL) {
        e.has_md5 = line->ign2;
        if (!line->ign2 || !read_md5(colon + 1, len - e.name_len - 1, e.md5)) {
            (void)line_refuse(why, DEFC_MALFORMED, "expected name or name:md5");
            return sk_ok();
        }
    }
    e.name_len = names_clean_len(name, e.name_len);
    if (e.name_len == 0 || e.name_len > NAMES_NAME_MAX) {
        (void)line_refuse(why, DEFC_MALFORMED, "the name is empty or too long");
        return sk_ok();
    }
    TRY(add_entry(list, &e, name));
    why->reason = DEFC_REASON_COUNT;
    return sk_ok();
}

static bool entry_acts(const struct entry *e, const struct ignore_query *q) {
    uint8_t md5[CRYPTO_DIGEST_MAX];
    if (!e->has_md5) {
        return e->segment == q->segment;
    }
    return !sk_failed(crypto_digest(CRYPTO_MD5, q->line, q->line_len, md5)) &&
           memcmp(md5, e->md5, MD5_BYTES) == 0;
}

bool ignore_has(const struct ignore_list *list, const struct ignore_query *q) {
    uint32_t mask = list->table_size - 1;
    uint32_t at = name_hash(q->name, q->name_len) & mask;
    for (; list->table[at] != 0; at = (at + 1) & mask) {
        const struct entry *e = &list->entry[list->table[at] - 1];
        if (e->name_len == q->name_len &&
            memcmp(&list->names.data[e->name], q->name, q->name_len) == 0 && entry_acts(e, q)) {
            return true;
        }
    }
    return false;
}

static int compare_u64(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

sk_err ignore_section(const struct ignore_list *list, unsigned segment, struct buf *out) {
    struct buf keys = {0};
    sk_err err = sk_ok();
    for (uint32_t i = 0; i < list->count && !sk_failed(err); i++) {
        const struct entry *e = &list->entry[i];
        uint8_t digest[CRYPTO_DIGEST_MAX];
        if (e->segment != segment || e->has_md5) {
            continue;
        }
        err = crypto_digest(CRYPTO_SHA256, &list->names.data[e->name], e->name_len, digest);
        uint64_t key = sk_load_u64le(digest);
        if (!sk_failed(err)) {
            err = buf_append(&keys, &key, sizeof key);
        }
    }
    uint64_t *key = (uint64_t *)(void *)keys.data;
    size_t count = keys.len / sizeof *key;
    if (count > 0 && !sk_failed(err)) {
        qsort(key, count, sizeof *key, compare_u64);
    }
    for (size_t i = 0; i < count && !sk_failed(err); i++) {
        if (i == 0 || key[i] != key[i - 1]) {
            err = buf_append(out, &key[i], sizeof *key);
        }
    }
    buf_release(&keys);
    return err;
}
