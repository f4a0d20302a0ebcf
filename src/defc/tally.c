// SPDX-License-Identifier: Apache-2.0
/*
 * The book-keeping of a compile. Every line of every source ends in exactly one count: taken, or
 * skipped for a reason. The counts go into the image as META text, so that `sekisho defs info` can
 * say years later what this image holds and what its sources had that it does not.
 *
 * META is lines of key=value; values that came from outside are escaped to one printable line.
 * Nothing in it depends on the time or place of the compile.
 */
#include "defc/tally.h"

#include "base/diag.h"
#include "base/mark.h"

struct reason_text {
    const char *word;
    const char *text;
};
static const struct reason_text reasons[DEFC_REASON_COUNT] = {
    [DEFC_MALFORMED] = {"malformed", N_("malformed")},
    [DEFC_FLEVEL_TOO_HIGH] = {"flevel", N_("for other functionality levels")},
    [DEFC_NOT_YET_ATTRIBUTE] = {"not-yet-attribute", N_("an attribute is not supported yet")},
    [DEFC_NOT_YET_FORMAT] = {"not-yet-format", N_("this kind of signature is not supported yet")},
    [DEFC_IGNORED] = {"ignored", N_("on an ignore list")},
    [DEFC_DUPLICATE] = {"duplicate", N_("repeats another signature")},
    [DEFC_UNWANTED] = {"unwanted", N_("of a kind that was not asked for")},
};

const char *defc_reason_text(enum defc_reason reason) {
    return (unsigned)reason < DEFC_REASON_COUNT ? reasons[reason].text : "taken";
}

const char *defc_reason_word(enum defc_reason reason) {
    return (unsigned)reason < DEFC_REASON_COUNT ? reasons[reason].word : "taken";
}

void tally_take(struct tally *t, enum kind_id kind) {
    t->kind[kind].lines++;
    t->kind[kind].taken++;
}

static sk_err keep_warning(struct tally *t, const struct tally_skip *s) {
    size_t before = t->warnings.len;
    sk_err err = buf_puts(&t->warnings, "warning=");
    if (!sk_failed(err)) {
        err = buf_put_escaped(&t->warnings, s->label, strlen(s->label));
    }
    if (!sk_failed(err)) {
        err = buf_printf(&t->warnings, ":%llu: %s: ", (unsigned long long)s->line,
                         defc_reason_word(s->why->reason));
    }
    if (!sk_failed(err)) {
        err = buf_put_escaped(&t->warnings, s->why->text, strlen(s->why->text));
    }
    if (!sk_failed(err)) {
        err = buf_puts(&t->warnings, "\n");
    }
    if (sk_failed(err) && t->warnings.data != NULL) {
        t->warnings.len = before;
        t->warnings.data[before] = 0;
    }
    return err;
}

sk_err tally_skip(struct tally *t, const struct tally_skip *s, struct diag *diag) {
    t->kind[s->kind].lines++;
    t->kind[s->kind].skipped[s->why->reason]++;
    if (s->why->reason == DEFC_IGNORED) {
        return sk_ok();
    }
    if (t->warning_count < TALLY_WARNINGS_MAX) {
        TRY(keep_warning(t, s));
        t->warning_count++;
    }
    /* Only a malformed line is somebody's mistake. */
    enum diag_level level = s->why->reason == DEFC_MALFORMED ? DIAG_WARNING : DIAG_INFO;
    diag_say(diag, level, s->file, s->line, "signature not taken: %s",
             s->why->text[0] != '\0' ? s->why->text : defc_reason_text(s->why->reason));
    return sk_ok();
}

sk_err tally_source(struct tally *t, const struct tally_source *s) {
    TRY(buf_puts(&t->sources, "source="));
    if (s->container != NULL) {
        TRY(buf_put_escaped(&t->sources, s->container, strlen(s->container)));
        TRY(buf_puts(&t->sources, "/"));
    }
    TRY(buf_put_escaped(&t->sources, s->name, strlen(s->name)));
    if (s->version != 0 || s->time != 0) {
        TRY(buf_printf(&t->sources, " version=%u time=%llu flevel=%u", s->version,
                       (unsigned long long)s->time, s->flevel));
    }
    return buf_printf(&t->sources, " lines=%llu taken=%llu\n", (unsigned long long)s->lines,
                      (unsigned long long)s->taken);
}

struct tally_counts tally_sum(const struct tally *t) {
    struct tally_counts sum = {0};
    for (int k = 0; k < KIND_COUNT; k++) {
        sum.lines += t->kind[k].lines;
        sum.taken += t->kind[k].taken;
        for (int r = 0; r < DEFC_REASON_COUNT; r++) {
            sum.skipped[r] += t->kind[k].skipped[r];
        }
    }
    return sum;
}

static sk_err put_kind(const struct tally *t, enum kind_id kind, struct buf *out) {
    const struct tally_counts *c = &t->kind[kind];
    const char *word = kind_row(kind)->suffix;
    if (c->lines == 0) {
        return sk_ok();
    }
    TRY(buf_printf(out, "kind.%s.lines=%llu\nkind.%s.taken=%llu\n", word,
                   (unsigned long long)c->lines, word, (unsigned long long)c->taken));
    for (int r = 0; r < DEFC_REASON_COUNT; r++) {
        if (c->skipped[r] != 0) {
            TRY(buf_printf(out, "kind.%s.skipped.%s=%llu\n", word, reasons[r].word,
                           (unsigned long long)c->skipped[r]));
        }
    }
    return sk_ok();
}

sk_err tally_meta(const struct tally *t, struct buf *out) {
    TRY(buf_printf(out, "generator=sekisho %s\n", SEKISHO_VERSION));
    TRY(buf_append(out, t->sources.data, t->sources.len));
    for (int k = 0; k < KIND_COUNT; k++) {
        TRY(put_kind(t, (enum kind_id)k, out));
    }
    return buf_append(out, t->warnings.data, t->warnings.len);
}

void tally_release(struct tally *t) {
    buf_release(&t->sources);
    buf_release(&t->warnings);
}
