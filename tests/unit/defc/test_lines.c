// SPDX-License-Identifier: Apache-2.0
/* Lines: endings, comments, limits, any chunking of the stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "defc/lines.h"

struct drip {
    struct sk_stream base;
    const char *text;
    size_t len;
    size_t pos;
    size_t step;
};

static sk_err drip_read(struct sk_stream *s, uint8_t *buf, size_t cap, size_t *out_len) {
    struct drip *d = (struct drip *)(void *)s;
    size_t n = d->len - d->pos;
    n = n < d->step ? n : d->step;
    n = n < cap ? n : cap;
    memcpy(buf, d->text + d->pos, n);
    d->pos += n;
    *out_len = n;
    return sk_ok();
}

static void lines_come_out_in_any_chunking(void **state) {
    (void)state;
    static const char text[] = "# comment\n\none\r\n\r\ntwo\n#x\n  \nthree\0four\nfive";
    static const struct {
        const char *text;
        uint64_t number;
        bool fault;
    } want[] = {
        {"one", 3, false}, {"two", 5, false}, {"  ", 7, false}, {"", 8, true}, {"five", 9, false}};
    for (size_t step = 1; step < sizeof text; step++) {
        struct drip d = {{drip_read, NULL}, text, sizeof text - 1, 0, step};
        struct lines l;
        struct line line;
        assert_int_equal(lines_init(&l, &d.base, 100).code, SK_OK);
        for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
            assert_int_equal(lines_next(&l, &line).code, SK_OK);
            assert_false(line.end);
            assert_int_equal(line.number, want[i].number);
            assert_int_equal(line.fault != NULL, want[i].fault);
            if (!want[i].fault) {
                assert_int_equal(line.len, strlen(want[i].text));
                assert_memory_equal(line.text, want[i].text, line.len);
            }
        }
        for (int i = 0; i < 3; i++) {
            assert_int_equal(lines_next(&l, &line).code, SK_OK);
            assert_true(line.end);
        }
        lines_release(&l);
    }
}

static void long_lines_are_faults_and_reading_goes_on(void **state) {
    (void)state;
    static const size_t lengths[] = {100, 101, 262143, 262144, 262145, 600000, 5};
    size_t total = 0;
    for (size_t i = 0; i < 7; i++) {
        total += lengths[i] + 1;
    }
    char *text = mem_alloc(total);
    assert_non_null(text);
    memset(text, 'x', total);
    size_t at = 0;
    for (size_t i = 0; i < 7; i++) {
        at += lengths[i];
        text[at++] = '\n';
    }
    struct drip d = {{drip_read, NULL}, text, total, 0, 70000};
    struct lines l;
    struct line line;
    assert_int_equal(lines_init(&l, &d.base, 100).code, SK_OK);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(lines_next(&l, &line).code, SK_OK);
        assert_int_equal(line.number, i + 1);
        assert_int_equal(line.fault != NULL, lengths[i] > 100);
    }
    assert_int_equal(lines_next(&l, &line).code, SK_OK);
    assert_true(line.end);
    assert_int_equal(l.bytes, total);
    lines_release(&l);
    mem_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_in_any_chunking),
        cmocka_unit_test(long_lines_are_faults_and_reading_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
