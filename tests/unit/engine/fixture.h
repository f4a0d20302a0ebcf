// SPDX-License-Identifier: Apache-2.0
/* A scanner over the fake world and short words for what tests ask of it. */
#ifndef SK_TESTS_ENGINE_FIXTURE_H
#define SK_TESTS_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake.h"

static inline struct sk_scanner *scanner_with(const struct sk_options *options) {
    struct sk_scanner *sc = NULL;
    assert_int_equal(sk_scanner_new(fake_engine(), options, &sc), SK_OK);
    sc->budget.now_ms = fake_clock;
    return sc;
}

static inline struct sk_scanner *scanner_flags(uint32_t flags) {
    struct sk_options options;
    sk_options_init(&options);
    options.flags = flags;
    return scanner_with(&options);
}

static inline const struct sk_report *scan_buf(struct sk_scanner *sc, const struct buf *object) {
    const struct sk_report *report = NULL;
    assert_int_equal(sk_scan_mem(sc, object->data, object->len, "object", &report), SK_OK);
    assert_non_null(report);
    assert_null(sc->pending);
    assert_int_equal(sc->pool.kept, 0);
    assert_int_equal(sc->pool.spooled, 0);
    assert_int_equal(sc->pool.end, 0);
    return report;
}

static inline const struct sk_report *scan_text(struct sk_scanner *sc, const char *text) {
    const struct sk_report *report = NULL;
    assert_int_equal(sk_scan_mem(sc, text, strlen(text), NULL, &report), SK_OK);
    return report;
}

static inline bool has_note(const struct sk_report *report, const char *word) {
    for (size_t i = 0; i < report->note_count; i++) {
        if (strcmp(report->notes[i].word, word) == 0) {
            return true;
        }
    }
    return false;
}

static inline void expect_names(const struct sk_report *report, const char *joined) {
    char got[1024] = "";
    size_t len = 0;
    for (size_t i = 0; i < report->finding_count; i++) {
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s", i > 0 ? " " : "",
                                report->findings[i].name);
    }
    assert_string_equal(got, joined);
}

#endif
