// SPDX-License-Identifier: Apache-2.0
/* Where an object's bytes come from: whole or in windows, what is read of the file and how often,
 * and that the bytes are the file's whichever way. */
#include "fixture.h"

#include <unistd.h>

#include "base/mem.h"
#include "engine/layer.h"
#include "os/file.h"

#define WINDOW SK_SOURCE_WINDOW_BYTES
#define MIB ((size_t)1 << 20)
#define TAIL SK_PEEK_TAIL_BYTES

/* Bytes that differ from place to place. */
static uint8_t *bytes_of(size_t len) {
    uint8_t *p = mem_alloc(len + 1);
    assert_non_null(p);
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    }
    return p;
}

struct object {
    struct sk_scanner *sc;
    struct layer *layer;
    uint8_t *bytes;
    size_t len;
    int fd;
};

/* As layer_scan does: both ends are looked at, then the type is known. */
static struct object open_object(enum sk_type type, size_t len) {
    fake_reset(NULL, 0);
    struct object o = {.sc = scanner_flags(0), .bytes = bytes_of(len), .len = len, .fd = -1};
    assert_false(sk_failed(file_temp(NULL, &o.fd)));
    assert_false(sk_failed(file_write_all(o.fd, o.bytes, len)));
    o.layer = layer_new(o.sc, NULL);
    assert_non_null(o.layer);
    assert_false(sk_failed(root_open(o.sc, o.layer, o.fd, len)));
    assert_int_equal(o.layer->src.size, len);
    size_t avail;
    (void)sk_source_at(&o.layer->src, 0, SK_PEEK_HEAD_BYTES, &avail);
    (void)sk_source_at(&o.layer->src, len < TAIL ? 0 : len - TAIL, TAIL, &avail);
    o.layer->type = type;
    assert_false(sk_failed(root_settle(&o.sc->root, o.layer)));
    return o;
}

static void close_object(struct object *o) {
    layer_drop(o->sc, o->layer);
    root_close(&o->sc->root);
    assert_null(root_seen(o->sc, o->layer));
    mem_free(o->bytes);
    file_close(&o->fd);
    sk_scanner_free(o->sc);
}

/* All of it, in steps, as a search does. */
static void pass(struct object *o) {
    for (uint64_t at = 0; at < o->len; at += 12000) {
        size_t want = o->len - at < 14000 ? (size_t)(o->len - at) : 14000, avail;
        const uint8_t *p = sk_source_at(&o->layer->src, at, want, &avail);
        assert_non_null(p);
        assert_true(avail >= want);
        assert_memory_equal(p, o->bytes + at, want);
    }
}

static void test_who_is_read_whole(void **state) {
    (void)state;
    static const struct {
        enum sk_type type;
        size_t len;
        bool whole;
    } CASE[] = {
        {SK_TYPE_ELF, 1000, true},         {SK_TYPE_ELF, WINDOW, true},
        {SK_TYPE_ELF, WINDOW + 1, false},  {SK_TYPE_ELF, 8 * MIB, false},
        {SK_TYPE_BINARY, MIB, true},       {SK_TYPE_ZIP, WINDOW + 1, true},
        {SK_TYPE_TEXT_ASCII, MIB, true},   {SK_TYPE_PE, 8 * MIB, true},
        {SK_TYPE_ZIP, 8 * MIB + 1, false}, {SK_TYPE_BINARY, 1, true},
    };
    for (size_t i = 0; i < sizeof(CASE) / sizeof(CASE[0]); i++) {
        struct object o = open_object(CASE[i].type, CASE[i].len);
        assert_int_equal(o.layer->src.mem != NULL, CASE[i].whole);
        pass(&o);
        assert_int_equal(o.layer->src.mem != NULL, CASE[i].whole);
        assert_true(o.sc->root.read_bytes >= o.len);
        assert_true(o.sc->root.read_bytes <= o.len + 2 * TAIL); /* windows overlap in memory */
        close_object(&o);
    }
    struct object o = open_object(SK_TYPE_ELF, MIB);
    struct layer member = {.parent = o.layer, .type = SK_TYPE_ZIP}; /* has no say in it */
    assert_false(sk_failed(root_settle(&o.sc->root, &member)));
    assert_null(o.layer->src.mem);
    close_object(&o);
}

static void test_nothing_to_read(void **state) {
    (void)state;
    struct object o = open_object(SK_TYPE_BINARY, 0);
    size_t avail;
    assert_null(sk_source_at(&o.layer->src, 0, 1, &avail));
    assert_false(sk_failed(o.layer->src.failed));
    close_object(&o);
}

/* Who reads a program again and again gets it from memory in the end; what it has goes on. */
static void test_read_again_and_again(void **state) {
    (void)state;
    struct object o = open_object(SK_TYPE_ELF, 3 * MIB + 5);
    unsigned passes = 0;
    for (; o.layer->src.mem == NULL; passes++) {
        assert_true(passes < 5);
        pass(&o);
    }
    assert_int_equal(passes, 4); /* when it begins */
    assert_true(o.sc->root.read_bytes <= 4 * o.len);
    pass(&o);
    assert_memory_equal(o.layer->src.mem, o.bytes, o.len);
    close_object(&o);
    o = open_object(SK_TYPE_ELF, 8 * MIB + 1);
    for (passes = 0; passes < 5; passes++) {
        pass(&o);
        assert_null(o.layer->src.mem);
    }
    close_object(&o);
}

static void test_loaded_when_asked(void **state) {
    (void)state;
    struct object o = open_object(SK_TYPE_ELF, 2 * MIB);
    assert_false(sk_failed(root_load(&o.sc->root)));
    assert_memory_equal(o.layer->src.mem, o.bytes, o.len);
    root_wait(o.sc, o.layer, o.fd); /* a container as small as this stays there */
    assert_non_null(o.layer->src.mem);
    close_object(&o);
    o = open_object(SK_TYPE_ZIP, 5 * MIB);
    root_wait(o.sc, o.layer, o.fd);
    assert_null(o.layer->src.mem);
    assert_true(o.sc->root.buf.cap < o.len);
    assert_false(sk_failed(root_load(&o.sc->root)));
    assert_null(o.layer->src.mem);
    pass(&o);
    close_object(&o);
}

/* Whole is what was read once: head and tail are in windows when the rest is read. */
static void test_whole(void **state) {
    (void)state;
    static const size_t lens[] = {1000, WINDOW, WINDOW + 1, 3 * WINDOW, 5 * MIB};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct object o = open_object(SK_TYPE_ELF, lens[i]);
        size_t avail;
        assert_non_null(sk_source_at(&o.layer->src, 0, 1, &avail));
        assert_non_null(sk_source_at(&o.layer->src, lens[i] - 1, 1, &avail));
        assert_false(sk_failed(root_load(&o.sc->root)));
        assert_memory_equal(o.layer->src.mem, o.bytes, o.len);
        assert_true(root_is_whole(&o.sc->root, o.layer));
        struct layer member = {.parent = o.layer};
        assert_false(root_is_whole(&o.sc->root, &member));
        close_object(&o);
    }
    struct object o = open_object(SK_TYPE_ELF, 2 * MIB);
    assert_false(root_is_whole(&o.sc->root, o.layer)); /* in windows */
    pass(&o);
    assert_false(sk_failed(root_load(&o.sc->root)));
    assert_non_null(o.layer->src.mem);
    assert_false(root_is_whole(&o.sc->root, o.layer)); /* read a second time */
    close_object(&o);
    o = open_object(SK_TYPE_ZIP, 5 * MIB);
    assert_true(root_is_whole(&o.sc->root, o.layer));
    root_wait(o.sc, o.layer, o.fd);
    assert_false(root_is_whole(&o.sc->root, o.layer));
    close_object(&o);
}

/* What was seen counts when all of it was. */
static void test_seen(void **state) {
    (void)state;
    struct object o = open_object(SK_TYPE_ELF, 2 * MIB);
    assert_null(root_seen(o.sc, o.layer));
    pass(&o);
    const struct sk_embedded_seen *seen = root_seen(o.sc, o.layer);
    assert_non_null(seen);
    assert_int_equal(seen->end, o.len);
    struct layer member = {.parent = o.layer};
    assert_null(root_seen(o.sc, &member));
    o.sc->root.seen.more = true;
    assert_null(root_seen(o.sc, o.layer));
    close_object(&o);
}

static void test_errors(void **state) {
    (void)state;
    struct object o = open_object(SK_TYPE_ELF, MIB);
    assert_int_equal(ftruncate(o.fd, 600000), 0);
    size_t avail;
    assert_null(sk_source_at(&o.layer->src, 500000, 1, &avail));
    assert_int_equal(o.layer->src.failed.code, SK_E_IO);
    assert_int_equal(root_load(&o.sc->root).code, SK_E_IO);
    layer_drop(o.sc, o.layer);
    o.layer = layer_new(o.sc, NULL);
    assert_int_equal(ftruncate(o.fd, 1000), 0);
    assert_int_equal(root_open(o.sc, o.layer, o.fd, WINDOW).code, SK_E_IO);
    assert_false(sk_failed(root_open(o.sc, o.layer, o.fd, WINDOW * 3)));
    assert_null(sk_source_at(&o.layer->src, 0, 1, &avail));
    o.layer->type = SK_TYPE_ZIP;
    assert_int_equal(root_settle(&o.sc->root, o.layer).code, SK_E_IO);
    close_object(&o);
    o = open_object(SK_TYPE_ELF, MIB);
    mem_fault_set(1); /* no room for all of it: windows go on */
    assert_false(sk_failed(root_load(&o.sc->root)));
    mem_fault_set(0);
    assert_null(o.layer->src.mem);
    pass(&o);
    close_object(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_read_whole),
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_read_again_and_again),
        cmocka_unit_test(test_loaded_when_asked),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_seen),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
