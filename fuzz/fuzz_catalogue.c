// SPDX-License-Identifier: Apache-2.0
/* Security catalogues: what was taken must keep the promises of defs/rules.h. */
#include <stdlib.h>

#include "defc/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rule_builder b = {0};
    struct defc_why why;
    sk_err err = catalogue_add(&b, (struct sk_bytes){data, size}, &why);
    const struct rule_listed *l = b.listed.data;
    for (size_t i = 0; i < b.listed.count; i++) {
        if ((l[i].len != 20 && l[i].len != 32) || l[i].catalogue > b.catalogue.count) {
            abort();
        }
    }
    if (sk_failed(err) || b.catalogue.count != (why.reason == DEFC_TAKEN)) {
        abort();
    }
    rules_release(&b);
    return 0;
}
