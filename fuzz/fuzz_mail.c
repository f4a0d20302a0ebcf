// SPDX-License-Identifier: Apache-2.0
/* Mail: headers, boundaries, encodings, mailboxes, on any bytes. */
#include "walkfuzz.h"

extern const struct sk_format sk_format_mail;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return walkfuzz(&sk_format_mail, data, size);
}
