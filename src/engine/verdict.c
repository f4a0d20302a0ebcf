// SPDX-License-Identifier: Apache-2.0
/*
 * Which names are told, in which order, and what the verdict is.
 *
 * Seen with clamscan 1.4.6 (black box, planted signatures):
 *   - The content of a container comes before the container: the first name is the one of the first
 *     infected member, depth first; the container's own bytes come last (post-order).
 *   - Inside one layer: plain body signatures (own target, then target 0; the other way round for
 *     plain data), the file hash, logical signatures, section hashes; normalised text after raw.
 *     Among plain ones the lower offset wins.
 *   - PUA.*, Heuristics.*, BC.Heuristics.* are shown only when nothing else is found, and last in
 *     all-match mode. Among several of them clamscan takes any (repeated runs differ); here the
 *     order is that of the others. With heuristic-scan-precedence they are like any other finding,
 *     and an encrypted ZIP is told before what is in it.
 *   - An allow-list entry for any layer from the finding up to the object clears that finding; an
 *     entry for a member does not clear the container around it.
 *
 * Layers are not looked at in that order here (a container inside waits on the stack), so every
 * finding carries its place: the ordinals of the members on the way down.
 *
 *     key of a layer:  object = ()   third member = (2)   its first member = (2, 0)
 *     before(a, b): the first difference decides; where one is a prefix, the longer comes first
 *
 * In first-match mode a finding also tells what need not be looked at any more: everything that
 * comes after it. The scan goes on only where something could come before.
 *
 * ALLOWED is weaker than INCOMPLETE: what was not looked at was not cleared by anybody.
 */
#include "engine/verdict.h"

#include <string.h>

#include "engine/hashes.h"
#include "engine/heuristics.h"
#include "engine/observe.h"
#include "engine/scan.h"
#include "engine/share.h"

#define UNOFFICIAL ".UNOFFICIAL"

void verdict_start(struct sk_scanner *sc) {
    struct verdict *v = &sc->verdict;
    v->strong = (struct finding_list){0};
    v->unwanted = (struct finding_list){0};
    v->spare_used = false;
    v->allowed = false;
    v->incomplete = false;
    v->depends_on_place = false;
    v->note_count = 0;
    memset(v->noted, 0, sizeof(v->noted));
    v->report = (struct sk_report){0};
}

/* ---- places ------------------------------------------------------------------------------- */

static void layer_key(const struct layer *layer, uint32_t *key) {
    for (const struct layer *l = layer; l->parent != NULL; l = l->parent) {
        key[l->depth - 1] = l->ordinal;
    }
}

/* < 0: a comes before b in post-order. */
static int key_compare(const uint32_t *a, unsigned a_len, const uint32_t *b, unsigned b_len) {
    for (unsigned i = 0; i < a_len && i < b_len; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return a_len == b_len ? 0 : (a_len > b_len ? -1 : 1);
}

/* Is b the layer a is about, or inside it? */
static bool key_holds(const struct finding *a, const uint32_t *b, unsigned b_len) {
    return a->key_len <= b_len &&
           (a->key_len == 0 || memcmp(a->key, b, a->key_len * sizeof(*b)) == 0);
}

static int finding_compare(const struct finding *a, const struct finding *b) {
    bool early_a = a->early && key_holds(a, b->key, b->key_len);
    bool early_b = b->early && key_holds(b, a->key, a->key_len);
    if (early_a != early_b) {
        return early_a ? -1 : 1;
    }
    int by_key = key_compare(a->key, a->key_len, b->key, b->key_len);
    if (by_key != 0) {
        return by_key;
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    if (a->shown.offset != b->shown.offset) {
        return a->shown.offset < b->shown.offset ? -1 : 1;
    }
    return strcmp(a->shown.name, b->shown.name);
}

static const struct finding *first_of(const struct finding_list *list) {
    return list->count == 0 ? NULL : list->item[0];
}

bool verdict_wants_own(const struct sk_scanner *sc, const struct layer *layer) {
    const struct finding *best = first_of(&sc->verdict.strong);
    if (best == NULL || (sc->options.flags & SK_SCAN_ALL_MATCHES) != 0) {
        return true;
    }
    uint32_t key[BUDGET_RECURSION_MAX + 1];
    layer_key(layer, key);
    return !(best->early && key_holds(best, key, layer->depth)) &&
           key_compare(key, layer->depth, best->key, best->key_len) <= 0;
}

bool verdict_wants(const struct sk_scanner *sc, const struct layer *layer) {
    const struct finding *best = first_of(&sc->verdict.strong);
    if (best == NULL || (sc->options.flags & SK_SCAN_ALL_MATCHES) != 0) {
        return true;
    }
    uint32_t key[BUDGET_RECURSION_MAX + 1];
    layer_key(layer, key);
    for (unsigned i = 0; i < layer->depth && i < best->key_len; i++) {
        if (key[i] != best->key[i]) {
            return key[i] < best->key[i];
        }
    }
    return !(best->early && best->key_len <= layer->depth);
}

/* ---- texts -------------------------------------------------------------------------------- */

static sk_err put_path(struct buf *out, const struct layer *layer) {
    const struct layer *chain[BUDGET_RECURSION_MAX + 1];
    unsigned count = 0;
    for (const struct layer *l = layer; l->parent != NULL; l = l->parent) {
        chain[count++] = l;
    }
    while (count > 0) {
        const struct layer *l = chain[--count];
        if (l->name_len > 0) {
            TRY(buf_append(out, l->name, l->name_len));
        } else {
            TRY(buf_printf(out, "#%u", (unsigned)l->ordinal + 1));
        }
        if (count > 0) {
            TRY(buf_append(out, "!", 1));
        }
    }
    return sk_ok();
}

const char *verdict_layer_path(struct sk_scanner *sc, const struct layer *layer) {
    if (layer == NULL || layer->parent == NULL) {
        return "";
    }
    buf_clear(&sc->text);
    if (sk_failed(put_path(&sc->text, layer))) {
        return "";
    }
    size_t len = sc->text.len;
    if (len > VERDICT_PATH_MAX_BYTES) {
        len = VERDICT_PATH_MAX_BYTES;
    }
    /* A name may hold NUL; the path is a C string. */
    for (size_t i = 0; i < len; i++) {
        if (sc->text.data[i] == '\0') {
            sc->text.data[i] = '?';
        }
    }
    const char *path = arena_strndup(&sc->arena, (const char *)sc->text.data, len);
    return path == NULL ? "" : path;
}

/* Fills name with what ClamAV would print. False: ignored by a list. */
static bool hit_name(struct sk_scanner *sc, const struct verdict_hit *hit, char *name) {
    if (hit->text != NULL) {
        size_t fits = strnlen(hit->text, VERDICT_NAME_MAX_BYTES - 1);
        memcpy(name, hit->text, fits);
        name[fits] = '\0';
        return !defset_ignores(sc->engine->set, name);
    }
    buf_clear(&sc->text);
    if (sk_failed(image_name(hit->image, hit->name, &sc->text)) || sc->text.len == 0) {
        buf_clear(&sc->text);
        memcpy(name, "Unnamed", sizeof("Unnamed"));
        return true;
    }
    size_t len = sc->text.len;
    if (len >= VERDICT_NAME_MAX_BYTES) {
        len = VERDICT_NAME_MAX_BYTES - 1;
    }
    memcpy(name, sc->text.data, len);
    name[len] = '\0';
    size_t suffix = sizeof(UNOFFICIAL) - 1;
    if (len <= suffix || strcmp(name + len - suffix, UNOFFICIAL) != 0) {
        return !defset_ignores(sc->engine->set, name);
    }
    name[len - suffix] = '\0';
    bool ignored = defset_ignores(sc->engine->set, name);
    name[len - suffix] = '.';
    return !ignored;
}

static bool is_unwanted(const char *name) {
    static const char *const PREFIX[] = {"PUA.", "Heuristics.", "BC.Heuristics."};
    for (size_t i = 0; i < sizeof(PREFIX) / sizeof(PREFIX[0]); i++) {
        if (strncmp(name, PREFIX[i], strlen(PREFIX[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- findings ----------------------------------------------------------------------------- */

/* Thousands of names are compared with each other in data made for it, and begin alike. */
static uint32_t name_hash(const char *name) {
    uint32_t h = 0;
    for (; *name != 0; name++) {
        h = (h ^ (uint8_t)*name) * 0x01000193u;
    }
    return h;
}

static bool list_has(const struct finding_list *list, const struct finding *f) {
    uint32_t hash = name_hash(f->shown.name);
    const struct finding *old = list->bucket[hash % VERDICT_BUCKETS];
    for (; old != NULL; old = old->next) {
        if (old->name_hash == hash &&
            key_compare(old->key, old->key_len, f->key, f->key_len) == 0 &&
            strcmp(old->shown.name, f->shown.name) == 0) {
            return true;
        }
    }
    return false;
}

/* Keep the list in order. */
static bool list_insert(struct sk_scanner *sc, struct finding_list *list, struct finding *f) {
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 8 : list->cap * 2;
        struct finding **item = arena_zalloc(&sc->arena, cap, sizeof(*item));
        if (item == NULL) {
            return false;
        }
        if (list->count > 0) {
            memcpy(item, list->item, list->count * sizeof(*item));
        }
        list->item = item;
        list->cap = cap;
    }
    size_t at = 0;
    for (size_t end = list->count; at < end;) {
        size_t mid = at + (end - at) / 2;
        bool before = finding_compare(f, list->item[mid]) < 0;
        end = before ? mid : end;
        at = before ? at : mid + 1;
    }
    memmove(&list->item[at + 1], &list->item[at], (list->count - at) * sizeof(*list->item));
    list->item[at] = f;
    list->count++;
    struct finding **bucket = &list->bucket[f->name_hash % VERDICT_BUCKETS];
    f->next = *bucket;
    *bucket = f;
    return true;
}

static struct finding *finding_copy(struct sk_scanner *sc, const struct finding *tmp,
                                    const struct layer *layer) {
    struct finding *f = arena_alloc(&sc->arena, sizeof(*f));
    uint32_t *key = arena_zalloc(&sc->arena, tmp->key_len, sizeof(*key));
    char *name = arena_strndup(&sc->arena, tmp->shown.name, strlen(tmp->shown.name));
    if (f == NULL || key == NULL || name == NULL) {
        return NULL;
    }
    *f = *tmp;
    if (tmp->key_len > 0) {
        memcpy(key, tmp->key, tmp->key_len * sizeof(*key));
    }
    f->key = key;
    f->shown.name = name;
    f->name_hash = name_hash(name);
    f->shown.layer = verdict_layer_path(sc, layer);
    f->shown.layer_type = sk_type_word(layer->type);
    return f;
}

/* No memory: the name goes to the place of its own, so that the verdict stays. */
static void keep_spare(struct verdict *v, const struct finding *tmp) {
    if (v->spare_used) {
        return;
    }
    v->spare = *tmp;
    size_t len = strlen(tmp->shown.name);
    memcpy(v->spare_name, tmp->shown.name, len + 1);
    v->spare.shown.name = v->spare_name;
    v->spare.shown.layer = "";
    v->spare.key = NULL;
    v->spare.key_len = 0;
    v->spare_used = true;
}

static void keep(struct sk_scanner *sc, struct layer *layer, const struct finding *tmp) {
    struct verdict *v = &sc->verdict;
    bool aside =
        is_unwanted(tmp->shown.name) && (sc->options.flags & SK_SCAN_HEURISTICS_FIRST) == 0;
    struct finding_list *list = aside ? &v->unwanted : &v->strong;
    if ((sc->options.flags & SK_SCAN_ALL_MATCHES) == 0) {
        const struct finding *best = first_of(list);
        if (best != NULL && finding_compare(tmp, best) >= 0) {
            return;
        }
        list->count = 0;
    } else if (list->count >= VERDICT_FINDING_MAX || list_has(list, tmp)) {
        return;
    }
    struct finding *f = finding_copy(sc, tmp, layer);
    if (f == NULL || !list_insert(sc, list, f)) {
        keep_spare(v, tmp);
        verdict_note(sc, layer, SK_NOTE_LIMIT_MEMORY, NULL);
    }
}

void verdict_find(struct sk_scanner *sc, struct layer *layer, const struct verdict_hit *hit) {
    char name[VERDICT_NAME_MAX_BYTES];
    if (!hit_name(sc, hit, name) || share_spoil(sc)) {
        return;
    }
    for (struct layer *l = layer; l != NULL; l = l->parent) {
        if (hashes_allow(sc, l)) {
            sc->verdict.allowed = true;
            return;
        }
    }
    uint32_t key[BUDGET_RECURSION_MAX + 1];
    layer_key(layer, key);
    struct finding tmp = {.shown = {.name = name,
                                    .offset = hit->offset,
                                    .layer = "",
                                    .layer_type = sk_type_word(layer->type),
                                    .trial = hit->trial},
                          .key = key,
                          .key_len = layer->depth,
                          .rank = hit->rank,
                          .early = hit->early};
    keep(sc, layer, &tmp);
}

/* ---- notes -------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool note_known(const struct verdict *v, const struct sk_note_entry *entry) {
    for (size_t i = 0; i < v->note_count; i++) {
        const struct sk_note_entry *old = &v->note[i];
        if (old->word == entry->word && strcmp(old->layer, entry->layer) == 0 &&
            same_text(old->detail, entry->detail)) {
            return true;
        }
    }
    return false;
}

void verdict_note(struct sk_scanner *sc, struct layer *layer, enum sk_note note,
                  const char *detail) {
    struct verdict *v = &sc->verdict;
    bool first = !v->noted[note];
    v->noted[note] = true;
    v->incomplete = v->incomplete || sk_note_incomplete(note);
    heuristics_note(sc, layer, note);
    (void)share_spoil(sc);
    /* The rows behind VERDICT_NOTE_MAX are for kinds that were not told yet. */
    if (v->note_count >= VERDICT_NOTE_MAX + SK_NOTE_COUNT ||
        (v->note_count >= VERDICT_NOTE_MAX && !first)) {
        return;
    }
    struct arena_mark mark = arena_mark(&sc->arena);
    struct sk_note_entry entry = {.word = sk_note_word(note),
                                  .text = sk_note_text(note),
                                  .layer = verdict_layer_path(sc, layer),
                                  .incomplete = sk_note_incomplete(note)};
    if (detail != NULL) {
        entry.detail = arena_strndup(&sc->arena, detail, strnlen(detail, VERDICT_NAME_MAX_BYTES));
    }
    if (note_known(v, &entry)) {
        arena_rewind(&sc->arena, mark);
        return;
    }
    v->note[v->note_count++] = entry;
    observe_note(sc, layer, &entry);
}

/* ---- report ------------------------------------------------------------------------------- */

static size_t copy_list(struct sk_finding *out, const struct finding_list *list, size_t limit) {
    size_t n = list->count < limit ? list->count : limit;
    for (size_t i = 0; i < n; i++) {
        out[i] = list->item[i]->shown;
    }
    return n;
}

static void report_findings(struct sk_scanner *sc, struct sk_report *r) {
    struct verdict *v = &sc->verdict;
    size_t total = v->strong.count + v->unwanted.count;
    if (total > 0) {
        struct sk_finding *all = arena_zalloc(&sc->arena, total, sizeof(*all));
        if (all == NULL) {
            const struct finding *f =
                v->strong.count > 0 ? first_of(&v->strong) : first_of(&v->unwanted);
            r->findings = &f->shown;
            r->finding_count = 1;
            return;
        }
        size_t n = copy_list(all, &v->strong, SIZE_MAX);
        if (n == 0 || (sc->options.flags & SK_SCAN_ALL_MATCHES) != 0) {
            n += copy_list(all + n, &v->unwanted, SIZE_MAX);
        }
        r->findings = all;
        r->finding_count = n;
    } else if (v->spare_used) {
        r->findings = &v->spare.shown;
        r->finding_count = 1;
    }
}

bool verdict_is_plain(const struct sk_scanner *sc) {
    const struct verdict *v = &sc->verdict;
    return v->strong.count == 0 && v->unwanted.count == 0 && !v->spare_used && !v->allowed &&
           !v->incomplete && v->note_count == 0;
}

const struct sk_report *verdict_report(struct sk_scanner *sc, struct layer *root) {
    struct verdict *v = &sc->verdict;
    struct sk_report *r = &v->report;
    report_findings(sc, r);
    if (r->finding_count > 0) {
        r->verdict = SK_VERDICT_INFECTED;
    } else if (v->incomplete) {
        r->verdict = SK_VERDICT_INCOMPLETE;
    } else {
        r->verdict = v->allowed ? SK_VERDICT_ALLOWED : SK_VERDICT_CLEAN;
    }
    r->complete = !v->incomplete;
    r->depends_on_place = v->depends_on_place;
    r->trials = sc->trials.row;
    r->trial_count = sc->trials.count;
    r->notes = v->note;
    r->note_count = v->note_count;
    r->type = sk_type_word(root->type);
    r->layers = sc->budget.files;
    r->bytes_scanned = sc->budget.bytes;
    return r;
}
