// SPDX-License-Identifier: Apache-2.0
/* What the matcher asks about pictures: the image hash of a layer (picture.c), the icons of a
 * program (icons.c). Both are made once and kept; errors become notes or nothing. */
#include "fixture.h"

#include "base/mem.h"
#include "codec/icon.h"
#include "engine/icons.h"
#include "engine/picture.h"
#include "norm/icon_print.h"

#define HEADERS 54u
#define SIDE 40u

/* A Windows bitmap of 24 bits; the header of a file comes before that of an icon. */
struct bitmap {
    uint8_t bytes[HEADERS + 3 * SIDE * SIDE + 4 * SIDE];
    size_t len;
};

static void make_bitmap(struct bitmap *b, uint32_t side, uint32_t stated_height) {
    *b = (struct bitmap){.bytes = "BM", .len = HEADERS + 3 * side * side};
    sk_store_u32le(b->bytes + 10, HEADERS);
    sk_store_u32le(b->bytes + 14, 40);
    sk_store_u32le(b->bytes + 18, side);
    sk_store_u32le(b->bytes + 22, stated_height);
    sk_store_u16le(b->bytes + 26, 1);
    sk_store_u16le(b->bytes + 28, 24);
    for (size_t i = HEADERS; i < b->len; i++) {
        b->bytes[i] = (uint8_t)(i * i * 7 + i / 48 * 31);
    }
}

/* A scanner that has begun, and a layer of these bytes. */
struct stage {
    struct sk_scanner *sc;
    struct layer layer;
};

static void begin(struct stage *s, enum sk_type type, const void *bytes, size_t len) {
    fake_reset(NULL, 0);
    s->sc = scanner_flags(0);
    (void)scan_text(s->sc, "an object");
    s->layer = (struct layer){.type = type, .name = ""};
    sk_source_init_mem(&s->layer.src, bytes, len);
}

static void end(struct stage *s) {
    sk_source_release(&s->layer.src);
    sk_scanner_free(s->sc);
}

/* ---- image hashes ---------------------------------------------------------------------------- */

static void test_which_layers(void **state) {
    (void)state;
    static const enum sk_type HAVE[] = {SK_TYPE_GIF, SK_TYPE_PNG, SK_TYPE_JPEG, SK_TYPE_TIFF,
                                        SK_TYPE_GRAPHICS};
    struct stage s;
    begin(&s, SK_TYPE_PDF, "x", 1);
    assert_false(picture_has_hash(s.sc, &s.layer));
    for (size_t i = 0; i < sizeof(HAVE) / sizeof(HAVE[0]); i++) {
        s.layer.type = HAVE[i];
        assert_true(picture_has_hash(s.sc, &s.layer));
        s.sc->off[HAVE[i]] = true;
        assert_false(picture_has_hash(s.sc, &s.layer));
        s.sc->off[HAVE[i]] = false;
    }
    s.sc->options.parts_off |= SK_PART_IMAGE_HASH;
    assert_false(picture_has_hash(s.sc, &s.layer));
    end(&s);
}

static void test_hash_is_made_once(void **state) {
    (void)state;
    struct bitmap b;
    struct stage s;
    uint64_t hash = 0, again = 1;
    make_bitmap(&b, SIDE, SIDE);
    begin(&s, SK_TYPE_GRAPHICS, b.bytes, b.len);
    struct picture_ask ask = {s.sc, &s.layer};
    assert_true(picture_hash(&ask, &hash));
    assert_true(hash != 0);
    mem_fault_set(1); /* would fail if it were made again */
    assert_true(picture_hash(&ask, &again));
    mem_fault_set(0);
    assert_true(hash == again);
    assert_false(s.sc->verdict.incomplete);
    end(&s);
}

/* Damage has no hash and is no gap: ClamAV has none either. */
static void test_damage_is_silent(void **state) {
    (void)state;
    struct bitmap b;
    struct stage s;
    uint64_t hash = 7;
    make_bitmap(&b, SIDE, SIDE);
    begin(&s, SK_TYPE_GRAPHICS, b.bytes, b.len - 100);
    struct picture_ask ask = {s.sc, &s.layer};
    assert_false(picture_hash(&ask, &hash));
    assert_int_equal(s.layer.picture, LAYER_PICTURE_NONE);
    assert_false(picture_hash(&ask, &hash));
    assert_false(s.sc->verdict.incomplete);
    end(&s);
}

static void test_limits_are_noted(void **state) {
    (void)state;
    struct bitmap b;
    struct stage s;
    uint64_t hash;
    make_bitmap(&b, SIDE, SIDE);
    begin(&s, SK_TYPE_GRAPHICS, b.bytes, b.len);
    struct picture_ask ask = {s.sc, &s.layer};
    mem_fault_set(1);
    assert_false(picture_hash(&ask, &hash));
    mem_fault_set(0);
    assert_true(s.sc->verdict.noted[SK_NOTE_LIMIT_MEMORY]);
    s.layer.picture = LAYER_PICTURE_UNKNOWN;
    fake.clock_ms += (uint64_t)1 << 40;
    assert_false(picture_hash(&ask, &hash));
    assert_true(s.sc->verdict.noted[SK_NOTE_LIMIT_TIME]);
    end(&s);
}

/* ---- icons ----------------------------------------------------------------------------------- */

static struct rule_icon line_for(struct bitmap *b, uint32_t group1, uint32_t group2) {
    static struct icon_picture picture;
    struct icon_print p;
    struct sk_source src;
    sk_source_init_mem(&src, b->bytes, b->len);
    assert_int_equal(icon_decode(&src, 14, &picture).code, SK_OK);
    assert_int_equal(icon_print_make(picture.rgb, picture.side, &p).code, SK_OK);
    sk_source_release(&src);
    struct rule_icon line = {.group = {group1, group2}, .side = p.side};
    memcpy(line.spread, p.spread, sizeof(line.spread));
    for (unsigned i = 0; i < RULE_ICON_AREAS; i++) {
        struct icon_area a = p.area[i / ICON_AREAS][i % ICON_AREAS];
        line.area[i] = (struct rule_icon_area){a.value, a.x, a.y};
    }
    return line;
}

static struct match_icon_groups groups_of(const char *first, const char *second) {
    struct match_icon_groups g = {{{NULL, 0}}};
    const char *name[] = {first, second};
    for (unsigned i = 0; i < 2; i++) {
        if (name[i] != NULL) {
            g.name[i] = (struct sk_bytes){(const uint8_t *)name[i], strlen(name[i])};
        }
    }
    return g;
}

static bool have(struct icon_ask *ask, const char *first, const char *second) {
    struct match_icon_groups g = groups_of(first, second);
    return icons_have(ask, &g);
}

static void test_icons(void **state) {
    (void)state;
    static const char text[] = "ONE\0TWO\0THREE";
    struct bitmap b;
    struct stage s;
    struct sk_exe exe = {0};
    make_bitmap(&b, 32, 2 * 32);
    b.len += (size_t)4 * 32; /* the mask */
    struct rule_icon line[] = {line_for(&b, 0, 4), line_for(&b, 8, 0)};
    memset(line[1].area, 0, sizeof(line[1].area));
    line[1].spread[ICON_SHARE] = 0; /* like nothing */
    begin(&s, SK_TYPE_PE, b.bytes, b.len);
    fake.rules =
        (struct rules){.text = text, .text_len = sizeof(text), .icon = line, .icon_count = 2};
    fake.icon_count = 2;
    fake.icon_off[0] = 3; /* no icon: passed over */
    fake.icon_off[1] = 14;
    struct icon_ask ask = {s.sc, &s.layer, &exe};
    assert_false(have(&ask, "NONE", NULL));
    assert_int_equal(fake.icons_asked, 0); /* no line is in that group */
    assert_true(have(&ask, "ONE", NULL));
    assert_true(have(&ask, "ONE", "TWO"));
    assert_true(have(&ask, NULL, "TWO"));
    assert_true(have(&ask, NULL, NULL));
    assert_false(have(&ask, "ONE", "THREE"));
    assert_false(have(&ask, "TWO", "ONE"));
    assert_false(have(&ask, "THREE", NULL));
    assert_false(have(&ask, "ON", NULL));
    assert_int_equal(fake.icons_asked, 1);
    assert_false(s.sc->verdict.incomplete);
    end(&s);
}

static void test_icons_that_cannot_be_had(void **state) {
    (void)state;
    static const char text[] = "ONE";
    struct bitmap b;
    struct stage s;
    struct sk_exe exe = {0};
    make_bitmap(&b, 32, 2 * 32);
    b.len += (size_t)4 * 32;
    struct rule_icon line = line_for(&b, 0, 0);
    begin(&s, SK_TYPE_PE, b.bytes, b.len);
    fake.rules =
        (struct rules){.text = text, .text_len = sizeof(text), .icon = &line, .icon_count = 1};
    fake.icon_count = 1;
    fake.icon_off[0] = 14;
    struct icon_ask ask = {s.sc, &s.layer, &exe};
    fake.icons_fail = sk_fail(SK_E_LIMIT); /* more icons than are looked at */
    assert_true(have(&ask, "ONE", NULL));
    assert_true(s.sc->verdict.noted[SK_NOTE_LIMIT_MATCH]);
    fake.icons_fail = sk_ok();
    sk_err last = sk_fail(SK_E_NOMEM);
    for (uint64_t n = 1; sk_failed(last); n++) {
        assert_true(n < 20);
        s.layer.icons = NULL;
        mem_fault_set(n);
        last = have(&ask, "ONE", NULL) ? sk_ok() : sk_fail(SK_E_NOMEM);
        mem_fault_set(0);
    }
    assert_true(s.sc->verdict.noted[SK_NOTE_LIMIT_MEMORY]);
    s.layer.icons = NULL;
    fake.clock_ms += (uint64_t)1 << 40;
    assert_false(have(&ask, "ONE", NULL));
    assert_true(s.sc->verdict.noted[SK_NOTE_LIMIT_TIME]);
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_layers),
        cmocka_unit_test(test_hash_is_made_once),
        cmocka_unit_test(test_damage_is_silent),
        cmocka_unit_test(test_limits_are_noted),
        cmocka_unit_test(test_icons),
        cmocka_unit_test(test_icons_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
