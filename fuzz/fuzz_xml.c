// SPDX-License-Identifier: Apache-2.0
/* The XML tokenizer: the same tokens whatever the size of the reads, an end, no growth. */
#include "format/xml.h"

#include "walkfuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t step;
static uint64_t hash;
static uint64_t text_bytes;

struct slow {
    struct sk_stream base;
    const uint8_t *data;
    size_t left;
};

static sk_err slow_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct slow *s = (struct slow *)(void *)base;
    size_t n = cap < step ? cap : step;
    n = n < s->left ? n : s->left;
    if (n > 0) {
        memcpy(buf, s->data, n);
    }
    s->data += n;
    s->left -= n;
    *out_len = n;
    return sk_ok();
}

static void mix(struct sk_bytes bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ bytes.ptr[i]) * UINT64_C(0x100000001b3);
    }
}

static sk_err tokens_walk(struct sk_walk *walk, struct sk_source *src) {
    struct slow slow = {{slow_read, NULL}, src->mem, (size_t)src->size};
    struct sk_xml *xml = sk_xml_new(walk, &slow.base);
    walkfuzz_check(xml != NULL);
    for (;;) {
        TRY(sk_xml_next(xml));
        if (xml->kind == SK_XML_EOF) {
            return sk_ok();
        }
        walkfuzz_check(xml->kind != SK_XML_TEXT || xml->text.len > 0);
        text_bytes += xml->text.len;
        hash = (hash ^ (xml->depth + (xml->empty ? 7u : 0))) * 31;
        mix(xml->name);
        mix(xml->text);
        for (size_t i = 0; i < xml->attr_count; i++) {
            mix(xml->attr[i].name);
            mix(xml->attr[i].value);
        }
    }
}

static uint64_t run(const uint8_t *data, size_t size, size_t step_bytes) {
    static const struct sk_format tokens = {
        .name = "tokens", .type = SK_TYPE_TEXT_UTF8, .walk = tokens_walk};
    struct walktest t;
    walktest_init(&t);
    step = step_bytes;
    hash = text_bytes = 0;
    walkfuzz_check(walktest_run(&t, &tokens, data, size).code == SK_OK);
    walkfuzz_check(text_bytes <= 3 * (uint64_t)size + 3);
    walktest_release(&t);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    walkfuzz_check(run(data, size, 4096) == run(data, size, 1));
    char text[256];
    struct sk_peek peek = {.head = data, .head_len = size, .size = size};
    if (sk_xml_head(&peek, text, sizeof(text))) {
        walkfuzz_check(strlen(text) < sizeof(text));
    }
    return 0;
}
