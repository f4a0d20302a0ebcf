// SPDX-License-Identifier: Apache-2.0
/*
 * The parent explains, not the sandboxed worker: a finding tells its name, its place and numbers
 * (hits and their offsets), and what they mean stands in the definitions, which the parent has
 * mapped as well. So no text crosses the sandbox, and a worker that was taken over cannot write
 * explanations.
 *
 * A name is looked up in the whole set (query.h reads the names front to back): some milliseconds
 * for each finding, in a set of millions.
 */
#include "cli/explain.h"

#include "cli/decode.h"
#include "cli/intl.h"
#include "cli/trial.h"

struct explaining {
    struct tell *t;
    uint64_t count;
};

static sk_err explain_definition(void *ctx, const struct query_signature *sig) {
    struct explaining *e = ctx;
    if (e->count++ >= EXPLAIN_DEFINITIONS_MAX || sig->kind == QUERY_ALLOW || sig->ignored) {
        return sk_ok();
    }
    const struct img_header *h = image_header(sig->image);
    tell_open(e->t, NULL, _("definition"), '{');
    if (h->source_version != 0) {
        tell_number(e->t, "version", _("version"), h->source_version);
    }
    TRY(decode_signature(e->t, sig));
    tell_close(e->t, _("definition"), '}');
    return sk_ok();
}

sk_err explain_finding(struct tell *t, const struct explain_what *what) {
    struct explaining e = {.t = t};
    struct query_filter filter = {.text = what->finding->name};
    uint64_t count = 0;
    size_t trial = what->finding->trial;
    tell_open(t, "definitions", NULL, '[');
    TRY(query_signatures(what->set, &filter, explain_definition, &e, &count));
    tell_close(t, NULL, ']');
    if (trial > 0 && trial <= what->report->trial_count) {
        tell_line(t, 0, _("here:"));
        t->depth++;
        TRY(trial_tell(t, "trial", what->set, &what->report->trials[trial - 1]));
        t->depth--;
    }
    return sk_ok();
}
