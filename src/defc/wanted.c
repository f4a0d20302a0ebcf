// SPDX-License-Identifier: Apache-2.0
/* A prefix of the name decides; see wanted.h for what was measured. */
#include "defc/wanted.h"

#include "defc/text.h"

static bool category_wanted(const struct defc_wanted *w, struct sk_bytes name) {
    bool more;
    bool listed = false;
    if (!text_starts(name, "PUA.")) {
        return false;
    }
    struct sk_bytes rest = text_from(name, strlen("PUA."));
    struct sk_bytes category = text_cut(&rest, '.', &more);
    for (unsigned i = 0; i < w->category_count && more; i++) {
        listed = listed || text_is(category, w->category[i]);
    }
    return listed != w->exclude;
}

bool wanted_signature(const struct defc_wanted *wanted, enum kind_id kind, struct sk_bytes name) {
    const struct kind_row *row = kind_row(kind);
    if (row->pua && wanted->category_count > 0 && !category_wanted(wanted, name)) {
        return false;
    }
    bool plain = kind == KIND_ndb || kind == KIND_ndu || kind == KIND_sdb;
    return !wanted->no_phishing || !plain ||
           !(text_starts(name, "HTML.Phishing") || text_starts(name, "Email.Phishing"));
}
