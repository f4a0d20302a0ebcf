// SPDX-License-Identifier: Apache-2.0
/*
 * Expressions over names of members (members.c) and links in mail (phish.c): thousands in a set, of
 * which a scan asks few, so nothing is compiled before. They were compiled once when the
 * definitions were; one that cannot be compiled now lacks memory.
 */
#include "engine/expressions.h"

#include "base/mem.h"

sk_err expressions_init(struct expressions *e) {
    *e = (struct expressions){.bytes = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    return e->bytes == (locale_t)0 ? sk_fail(SK_E_NOMEM) : sk_ok();
}

sk_err expressions_add(struct expressions *e, unsigned segment, uint32_t count) {
    e->regex[segment] = mem_zalloc(count, sizeof(regex_t *));
    if (e->regex[segment] == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    e->count[segment] = count;
    return sk_ok();
}

void expressions_release(struct expressions *e) {
    for (unsigned s = 0; s < MATCH_SEGMENT_MAX; s++) {
        for (uint32_t i = 0; i < e->count[s]; i++) {
            if (e->regex[s][i] != NULL) {
                regfree(e->regex[s][i]);
                mem_free(e->regex[s][i]);
            }
        }
        mem_free(e->regex[s]);
    }
    if (e->bytes != (locale_t)0) {
        freelocale(e->bytes);
    }
    *e = (struct expressions){.bytes = (locale_t)0};
}

/* NULL: no memory for it. */
static const regex_t *compiled(struct expressions *e, unsigned segment, uint32_t index,
                               const char *pattern) {
    regex_t **slot = &e->regex[segment][index];
    if (*slot == NULL) {
        regex_t *made = mem_alloc(sizeof(*made));
        if (made == NULL || regcomp(made, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
            mem_free(made);
            return NULL;
        }
        *slot = made;
    }
    return *slot;
}

bool expressions_fit(struct expressions *e, unsigned segment, uint32_t index, const char *pattern,
                     const char *subject) {
    const regex_t *regex = compiled(e, segment, index, pattern);
    int result = regex == NULL ? REG_ESPACE : regexec(regex, subject, 0, NULL, 0);
    e->starved = e->starved || (result != 0 && result != REG_NOMATCH);
    return result == 0;
}
