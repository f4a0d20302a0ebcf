// SPDX-License-Identifier: Apache-2.0
/*
 * The worker counts, the parent reckons: the value of every part of the expression follows from the
 * counts by the same code that decides in a scan (match/logic.h).
 */
#include "cli/trial.h"

#include <string.h>

#include "cli/intl.h"
#include "cli/words.h"
#include "match/logic.h"

struct telling {
    struct tell *t;
    const struct sk_trial *trial;
    const struct mt_segment *seg;
    const struct mt_sig *sig;
    struct buf says;
};

static struct buf *phrase(struct telling *g) {
    buf_clear(&g->says);
    return &g->says;
}

bool trial_matches(const struct sk_trial *trial) {
    return trial->of_target && trial->failed_attributes == 0 && trial->holds;
}

/* ---- subsignatures ----------------------------------------------------------------------------
 */

static sk_err tell_hits(struct telling *g, size_t number) {
    const struct sk_hits *hits = &g->trial->subs[number];
    TRY(buf_printf(phrase(g), _("subsignature %u"), (unsigned)number));
    TRY(buf_printf(&g->says, ngettext(": %llu hit", ": %llu hits", hits->count),
                   (unsigned long long)hits->count));
    tell_open(g->t, NULL, NULL, '{');
    tell_number(g->t, "number", NULL, number);
    tell_number(g->t, "hits", NULL, hits->count);
    tell_open(g->t, "offsets", NULL, '[');
    for (size_t i = 0; i < hits->offset_count; i++) {
        tell_item(g->t, hits->offsets[i]);
        TRY(buf_puts(&g->says, i == 0 ? _(", at offset ") : ", "));
        TRY(buf_printf(&g->says, "%llu", (unsigned long long)hits->offsets[i]));
    }
    tell_close(g->t, NULL, ']');
    tell_close(g->t, NULL, '}');
    if (hits->offset_count > 0 && hits->count > hits->offset_count) {
        TRY(buf_puts(&g->says, ", ..."));
    }
    tell_line(g->t, 0, buf_text(&g->says));
    return sk_ok();
}

/* ---- expression -------------------------------------------------------------------------------
 */

static sk_err count_of(void *ctx, uint32_t sub, uint64_t want, uint64_t *out_count) {
    const struct telling *g = ctx;
    (void)want;
    *out_count = sub < g->trial->sub_count ? g->trial->subs[sub].count : 0;
    return sk_ok();
}

static sk_err tell_node(struct telling *g, const struct mt_node *node, uint32_t left) {
    bool holds = false;
    uint64_t sum = 0;
    if (node->size == 0 || node->size > left) {
        return sk_fail(SK_E_FORMAT);
    }
    struct logic_expr expr = {node, node->size, g->sig->sub_count};
    TRY(logic_value(&expr, count_of, g, &holds, &sum));
    TRY(words_expression(node, node->size, phrase(g)));
    tell_open(g->t, NULL, NULL, '{');
    tell_text(g->t, "expression", NULL, buf_text(&g->says));
    tell_number(g->t, "hits", NULL, sum);
    tell_flag(g->t, "holds", NULL, holds);
    tell_close(g->t, NULL, '}');
    TRY(buf_printf(&g->says, ngettext(": %llu hit", ": %llu hits", sum), (unsigned long long)sum));
    TRY(buf_puts(&g->says, holds ? _(", holds") : _(", does not hold")));
    tell_line(g->t, 0, buf_text(&g->says));
    return sk_ok();
}

static sk_err tell_expression(struct telling *g) {
    const struct mt_node *node = &g->seg->node[g->sig->node_first];
    tell_open(g->t, "values", _("expression and its parts"), '[');
    for (uint32_t i = 0; i < g->sig->node_count; i++) {
        TRY(tell_node(g, &node[i], g->sig->node_count - i));
    }
    tell_close(g->t, _("expression and its parts"), ']');
    return sk_ok();
}

/* ---- what failed ------------------------------------------------------------------------------
 */

static sk_err tell_failed(struct telling *g) {
    if (g->trial->of_target && g->trial->failed_attributes == 0) {
        return sk_ok();
    }
    tell_open(g->t, "failed", _("not fulfilled"), '[');
    if (!g->trial->of_target) {
        TRY(buf_printf(phrase(g), _("target: %s"), words_target(g->sig->target)));
        tell_word(g->t, buf_text(&g->says));
        tell_line(g->t, 0, buf_text(&g->says));
    }
    for (unsigned i = 0; i < g->sig->attr_count && i < 64; i++) {
        if ((g->trial->failed_attributes >> i & 1) != 0) {
            TRY(words_attribute(g->seg, &g->seg->attr[g->sig->attr_first + i], phrase(g)));
            tell_word(g->t, buf_text(&g->says));
            tell_line(g->t, 0, buf_text(&g->says));
        }
    }
    tell_close(g->t, _("not fulfilled"), ']');
    return sk_ok();
}

static sk_err tell_all(struct telling *g) {
    TRY(tell_failed(g));
    tell_open(g->t, "subsignatures", _("hits"), '[');
    for (size_t i = 0; i < g->trial->sub_count && i < g->sig->sub_count; i++) {
        TRY(tell_hits(g, i));
    }
    tell_close(g->t, _("hits"), ']');
    tell_flag(g->t, "limited", _("counting stopped at a limit: there may be more hits"),
              g->trial->limited);
    return tell_expression(g);
}

sk_err trial_tell(struct tell *t, const char *key, const struct defset *set,
                  const struct sk_trial *trial) {
    if (trial->segment >= defset_count(set)) {
        return sk_fail(SK_E_FORMAT);
    }
    struct telling g = {.t = t, .trial = trial};
    g.seg = image_segment(defset_image(set, trial->segment));
    if (trial->signature >= g.seg->sig_count) {
        return sk_fail(SK_E_FORMAT);
    }
    g.sig = &g.seg->sig[trial->signature];
    if ((uint64_t)g.sig->attr_first + g.sig->attr_count > g.seg->attr_count ||
        (uint64_t)g.sig->node_first + g.sig->node_count > g.seg->node_count) {
        return sk_fail(SK_E_FORMAT);
    }
    tell_open(t, key, NULL, '{');
    tell_text(t, "layer", trial->layer[0] != '\0' ? _("in") : NULL, trial->layer);
    tell_text(t, "layer_type", NULL, trial->layer_type);
    TRY(buf_printf(phrase(&g), "%s, %s", trial->layer_type,
                   strcmp(trial->view, "raw") == 0 ? _("raw bytes") : _("normalised")));
    tell_text(t, "view", NULL, trial->view);
    tell_line(t, 0, buf_text(&g.says));
    tell_flag(t, "matches", NULL, trial_matches(trial));
    sk_err err = tell_all(&g);
    tell_close(t, NULL, '}');
    buf_release(&g.says);
    return err;
}
