// SPDX-License-Identifier: Apache-2.0
/* Lines of the small tables: the first byte is the kind, the rest the line. What was taken must
 * keep the promises of defs/rules.h. */
#include <stdlib.h>

#include "defc/rules.h"

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct rule_builder b = {0};
    struct defc_why why;
    struct sk_bytes line = {&data[1], size - 1};
    sk_err err = rules_add_line(&b, (enum rule_kind)(data[0] % RULE_KIND_COUNT), line, &why);
    require(!sk_failed(err));
    const struct rule_member *m = b.member.data;
    for (size_t i = 0; i < b.member.count; i++) {
        require(m[i].container < SK_TYPE_COUNT && m[i].encrypted <= RULE_ENCRYPTED_ANY);
        require(m[i].regex == RULE_NO_TEXT || m[i].regex < b.text.len);
    }
    const struct rule_password *p = b.password.data;
    for (size_t i = 0; i < b.password.count; i++) {
        require(p[i].text + p[i].len < b.text.len);
    }
    const struct rule_cert *c = b.cert.data;
    for (size_t i = 0; i < b.cert.count; i++) {
        require(c[i].modulus_len > 0 && c[i].modulus + c[i].modulus_len < b.text.len);
        require((c[i].flags & ~RULE_CERT_ALL) == 0);
    }
    const struct rule_link *l = b.link.data;
    for (size_t i = 0; i < b.link.count; i++) {
        require(l[i].kind < RULE_LINK_KIND_COUNT && l[i].text < b.text.len);
    }
    const struct rule_icon *icon = b.icon.data;
    for (size_t i = 0; i < b.icon.count; i++) {
        require(icon[i].side == 16 || icon[i].side == 24 || icon[i].side == 32);
        require(icon[i].group[0] < b.text.len && icon[i].group[1] < b.text.len);
    }
    size_t kept = b.member.count + b.password.count + b.switches.count + b.magic.count +
                  b.link.count + b.url.count + b.cert.count + b.icon.count;
    bool taken = why.reason == DEFC_TAKEN;
    /* A prefix of a hash is taken and not kept. */
    require(kept == taken || (taken && kept == 0 && data[0] % RULE_KIND_COUNT == RULE_GDB));
    rules_release(&b);
    return 0;
}
