// SPDX-License-Identifier: Apache-2.0
/*
 * Rules about members: numbers first, then the expression for the name, compiled when it is first
 * asked for and kept as long as the scanner.
 *
 * What the fields mean, seen with clamscan 1.4.6: the size of the container is that of the layer
 * the member lies in; 7z and CAB state no packed size (0); positions count from 1 in ZIP, TAR, CPIO
 * and ARJ, from 0 in 7z, CAB, LHA and a ZIP behind other data, and are always 0 in ISO and mail;
 * TAR does not count directories. Members of GZIP, BZIP2, XZ, AR and XAR are not asked. Names are
 * bytes: the expression is compiled and run in the C locale; in mail every byte but letters, digits
 * and dots is an underscore there, here both forms are asked for.
 *
 * A finding comes before whatever the member holds, so it gets a place of its own in front of it: a
 * layer without bytes. Allow-lists are asked for the container and what is around it, as there.
 */
#include "engine/members.h"

#include <string.h>

#include "base/mem.h"
#include "engine/expressions.h"
#include "engine/layer.h"
#include "engine/required.h"

struct members {
    struct expressions names;                     /* one a rule */
    struct sk_bytes *required[MATCH_SEGMENT_MAX]; /* the same: text its name must hold, or empty */
};

/* ---- life --------------------------------------------------------------------------------- */

static void fill_required(struct sk_bytes *out, const struct rules *rules) {
    for (uint32_t k = 0; k < rules->member_count; k++) {
        if (rules->member[k].regex != RULE_NO_TEXT) {
            out[k] = required_text(&rules->text[rules->member[k].regex]);
        }
    }
}

static sk_err members_fill(struct members *m, const struct sk_engine *engine) {
    TRY(expressions_init(&m->names));
    for (unsigned i = 0; i < engine->segment_count; i++) {
        uint32_t count = image_rules(engine->image[i])->member_count;
        if (count > 0) {
            TRY(expressions_add(&m->names, i, count));
            m->required[i] = mem_zalloc(count, sizeof(struct sk_bytes));
            if (m->required[i] == NULL) {
                return sk_fail(SK_E_NOMEM);
            }
            fill_required(m->required[i], image_rules(engine->image[i]));
        }
    }
    return sk_ok();
}

sk_err members_new(const struct sk_engine *engine, struct members **out_members) {
    uint64_t rules = 0;
    for (unsigned i = 0; i < engine->segment_count; i++) {
        rules += image_rules(engine->image[i])->member_count;
    }
    *out_members = NULL;
    if (rules == 0) {
        return sk_ok();
    }
    struct members *m = mem_zalloc(1, sizeof(*m));
    if (m == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = members_fill(m, engine);
    if (sk_failed(err)) {
        members_free(m);
        return err;
    }
    *out_members = m;
    return sk_ok();
}

void members_free(struct members *m) {
    if (m == NULL) {
        return;
    }
    for (unsigned i = 0; i < MATCH_SEGMENT_MAX; i++) {
        mem_free(m->required[i]);
    }
    expressions_release(&m->names);
    mem_free(m);
}

/* ---- what ClamAV would call it ------------------------------------------------------------- */

enum quirk {
    QUIRK_FROM_ONE = 1, /* positions count from 1 */
    QUIRK_NO_POSITION = 2,
    QUIRK_NO_PACKED = 4, /* the packed size is 0 */
    QUIRK_PACKED_IS_SIZE = 8,
    QUIRK_NOT_ASKED = 16,
    QUIRK_FILES_ONLY = 32, /* directories are not counted */
    QUIRK_PLAIN_NAME = 64  /* bytes but letters, digits, '.' are '_' in the name, as well */
};

static const struct {
    enum sk_type type;
    unsigned quirks;
} QUIRKS[] = {
    {SK_TYPE_ZIP, QUIRK_FROM_ONE},
    {SK_TYPE_RAR, QUIRK_FROM_ONE},
    {SK_TYPE_ARJ, QUIRK_FROM_ONE},
    {SK_TYPE_TAR, QUIRK_FROM_ONE | QUIRK_PACKED_IS_SIZE | QUIRK_FILES_ONLY},
    {SK_TYPE_TAR_OLD, QUIRK_FROM_ONE | QUIRK_PACKED_IS_SIZE | QUIRK_FILES_ONLY},
    {SK_TYPE_CPIO_OLD, QUIRK_FROM_ONE | QUIRK_PACKED_IS_SIZE},
    {SK_TYPE_CPIO_ODC, QUIRK_FROM_ONE | QUIRK_PACKED_IS_SIZE},
    {SK_TYPE_CPIO_NEWC, QUIRK_FROM_ONE | QUIRK_PACKED_IS_SIZE},
    {SK_TYPE_CPIO_CRC, QUIRK_FROM_ONE | QUIRK_PACKED_IS_SIZE},
    {SK_TYPE_SEVENZIP, QUIRK_NO_PACKED},
    {SK_TYPE_CAB, QUIRK_NO_PACKED},
    {SK_TYPE_ISO, QUIRK_NO_POSITION | QUIRK_PACKED_IS_SIZE},
    {SK_TYPE_MAIL, QUIRK_NO_POSITION | QUIRK_PACKED_IS_SIZE | QUIRK_PLAIN_NAME},
    {SK_TYPE_MHTML, QUIRK_NO_POSITION | QUIRK_PACKED_IS_SIZE | QUIRK_PLAIN_NAME},
    {SK_TYPE_GZIP, QUIRK_NOT_ASKED},
    {SK_TYPE_BZIP2, QUIRK_NOT_ASKED},
    {SK_TYPE_XZ, QUIRK_NOT_ASKED},
    {SK_TYPE_XAR, QUIRK_NOT_ASKED},
};

static unsigned quirks_of(enum sk_type type) {
    for (size_t i = 0; i < sizeof(QUIRKS) / sizeof(QUIRKS[0]); i++) {
        if (QUIRKS[i].type == type) {
            return QUIRKS[i].quirks;
        }
    }
    return 0;
}

struct facts {
    enum sk_type container;
    uint64_t container_size;
    uint64_t packed_size;
    uint64_t size;
    uint64_t position;
    uint32_t crc32;
    bool encrypted;
};

/* Seen with clamscan 1.4.6: in data that are no archive themselves every header of a ZIP begins one
 * of its own, with one member, which goes on to the end of the data. */
static uint64_t container_size(const struct layer *layer, const struct sk_child *child) {
    return layer->as_other && child->place <= layer->src.size ? layer->src.size - child->place
                                                              : layer->src.size;
}

static struct facts facts_of(const struct layer *layer, const struct sk_child *child,
                             uint32_t before_it) {
    unsigned quirks = quirks_of(layer->type);
    struct facts f = {.container = layer->type,
                      .container_size = container_size(layer, child),
                      .size = child->is_slice && child->size == SK_SIZE_UNKNOWN ? child->slice_len
                                                                                : child->size,
                      .crc32 = child->crc32,
                      .encrypted = child->encrypted};
    f.packed_size = child->packed_size;
    if ((quirks & QUIRK_NO_PACKED) != 0) {
        f.packed_size = 0;
    } else if ((quirks & QUIRK_PACKED_IS_SIZE) != 0) {
        f.packed_size = f.size;
    }
    if ((quirks & QUIRK_NO_POSITION) == 0) {
        bool from_one = (quirks & QUIRK_FROM_ONE) != 0 && !layer->as_other;
        f.position = (quirks & QUIRK_FILES_ONLY) != 0 ? before_it : child->index;
        f.position = layer->as_other && layer->type == SK_TYPE_ZIP ? 0 : f.position + from_one;
    }
    return f;
}

/* ---- asking ------------------------------------------------------------------------------- */

static bool in_range(uint64_t value, const struct rule_range *r) {
    return value >= r->min && value <= r->max;
}

static bool numbers_hold(const struct facts *f, const struct rule_member *rule) {
    return (rule->container == SK_TYPE_ANY || (enum sk_type)rule->container == f->container) &&
           (rule->encrypted == RULE_ENCRYPTED_ANY || (rule->encrypted != 0) == f->encrypted) &&
           in_range(f->container_size, &rule->container_size) &&
           in_range(f->packed_size, &rule->packed_size) && in_range(f->size, &rule->size) &&
           in_range(f->position, &rule->position) &&
           ((rule->flags & RULE_MEMBER_CRC) == 0 || rule->crc32 == f->crc32);
}

static bool name_holds(struct sk_scanner *sc, struct layer *layer, unsigned segment, uint32_t index,
                       const char *name) {
    const struct rules *rules = image_rules(sc->engine->image[segment]);
    uint32_t ref = rules->member[index].regex;
    if (ref == RULE_NO_TEXT) {
        return true;
    }
    struct sk_bytes required = sc->members->required[segment][index];
    if (required.len > 0 && memmem(name, strlen(name), required.ptr, required.len) == NULL) {
        return false;
    }
    struct expressions *names = &sc->members->names;
    names->starved = false;
    bool holds = expressions_fit(names, segment, index, &rules->text[ref], name);
    if (names->starved) {
        verdict_note(sc, layer, SK_NOTE_LIMIT_MEMORY, "expression for member names");
    }
    return holds;
}

static void make_plain(char *name) {
    for (; *name != '\0'; name++) {
        uint8_t low = (uint8_t)*name | 0x20;
        bool plain = (low >= 'a' && low <= 'z') || (*name >= '0' && *name <= '9') || *name == '.';
        *name = plain ? *name : '_';
    }
}

static void tell(struct sk_scanner *sc, struct layer *layer, const struct sk_child *child,
                 const struct verdict_hit *hit) {
    struct layer *place = layer_new(sc, layer);
    if (place == NULL) {
        scan_stop(sc, layer, SK_NOTE_LIMIT_MEMORY);
        return;
    }
    layer->child_count++;
    place->name = child->name;
    place->name_len = child->name == NULL ? 0 : child->name_len;
    if (place->name_len > LAYER_NAME_MAX_BYTES) {
        place->name_len = LAYER_NAME_MAX_BYTES;
    }
    verdict_find(sc, place, hit);
    layer_drop(sc, place);
}

void members_check(struct sk_scanner *sc, struct layer *layer, const struct sk_child *child,
                   uint32_t before_it) {
    unsigned quirks = quirks_of(layer->type);
    bool nameless =
        (quirks & QUIRK_PLAIN_NAME) != 0 && child->name_len == 0; /* body without MIME */
    if (sc->members == NULL || (quirks & QUIRK_NOT_ASKED) != 0 || nameless) {
        return;
    }
    char name[LAYER_NAME_MAX_BYTES + 1] = "";
    size_t len = child->name == NULL ? 0 : child->name_len;
    if (len > 0) {
        memcpy(name, child->name, len < LAYER_NAME_MAX_BYTES ? len : LAYER_NAME_MAX_BYTES);
    }
    bool plain_too = (quirks & QUIRK_PLAIN_NAME) != 0;
    char plain[LAYER_NAME_MAX_BYTES + 1];
    memcpy(plain, name, sizeof(plain));
    make_plain(plain);
    struct facts facts = facts_of(layer, child, before_it);
    locale_t before = uselocale(sc->members->names.bytes);
    for (unsigned s = 0; s < sc->engine->segment_count; s++) {
        const struct image *img = sc->engine->image[s];
        const struct rules *rules = image_rules(img);
        for (uint32_t i = 0; i < sc->members->names.count[s]; i++) {
            if (numbers_hold(&facts, &rules->member[i]) &&
                (name_holds(sc, layer, s, i, name) ||
                 (plain_too && name_holds(sc, layer, s, i, plain)))) {
                struct verdict_hit hit = {.image = img,
                                          .name = rules->member[i].name,
                                          .offset = UINT64_MAX,
                                          .rank = RANK_PLAIN};
                tell(sc, layer, child, &hit);
            }
        }
    }
    (void)uselocale(before);
}
