// SPDX-License-Identifier: Apache-2.0
/*
 * The frame of the HTML normaliser: windows of the input, outputs, the table of states.
 *
 *     feed -> NULs out -> window of 8191 bytes, cut behind white space -> states -> outputs
 *
 * Windows are part of the outputs' definition: white space at the start of one is passed over in
 * every state, so a space that stands at the edge is lost (seen with sigtool 1.4.6, which reads
 * so). A window that would end inside a word is cut behind its last white space; when there is
 * none but perhaps in its first byte, it stays whole.
 */
#include "norm/html.h"

#include <string.h>

#include "base/mem.h"
#include "norm/html_priv.h"

#define SAME4(c) (c), (c) + 1, (c) + 2, (c) + 3
#define SAME16(c) SAME4(c), SAME4((c) + 4), SAME4((c) + 8), SAME4((c) + 12)
#define TWICE8(c) (c), (c), (c), (c), (c), (c), (c), (c)
#define TWICE64(c)                                                                                 \
    TWICE8(c), TWICE8(c), TWICE8(c), TWICE8(c), TWICE8(c), TWICE8(c), TWICE8(c), TWICE8(c)

/* clang-format off */
const uint8_t html_class_of[256] = {
    [0] = HTML_C_GONE, 8, 8, 8, 8, 8, 8, 8, 8, HTML_C_SPACE, HTML_C_SPACE, HTML_C_SPACE, HTML_C_SPACE,
    HTML_C_GONE, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
    [' '] = HTML_C_SPACE, ['<'] = HTML_C_MARK, ['&'] = HTML_C_MARK,
    ['>'] = HTML_C_VALUE, ['"'] = HTML_C_VALUE, ['\''] = HTML_C_VALUE,
    [128] = TWICE64(HTML_C_HIGH), TWICE64(HTML_C_HIGH),
};
const uint8_t html_lower_of[256] = {
    SAME16(0x00), SAME16(0x10), SAME16(0x20), SAME16(0x30),
    '@', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '[', '\\', ']', '^', '_',
    SAME16(0x60), SAME16(0x70), SAME16(0x80), SAME16(0x90), SAME16(0xa0), SAME16(0xb0),
    SAME16(0xc0), SAME16(0xd0), SAME16(0xe0), SAME16(0xf0),
};
/* clang-format on */

static html_step *const STEPS[HTML_STATE_COUNT] = {
    [HTML_TEXT] = html_text,
    [HTML_TAG_DONE] = html_tag_done,
    [HTML_TAG_OPEN] = html_tag_open,
    [HTML_BANG] = html_bang,
    [HTML_TAG_NAME] = html_tag_name,
    [HTML_ATTR_SEEK] = html_attr_seek,
    [HTML_ATTR_NAME] = html_attr_name,
    [HTML_VALUE_SEEK] = html_value_seek,
    [HTML_VALUE_BARE] = html_value_bare,
    [HTML_VALUE_QUOTED] = html_value_quoted,
    [HTML_VALUE_GAP] = html_value_gap,
    [HTML_DATA_TYPE] = html_data_type,
    [HTML_DATA] = html_data,
    [HTML_ATTR_TIGHT] = html_attr_tight,
    [HTML_ENTITY] = html_entity,
    [HTML_NUMBER] = html_number,
    [HTML_SCRIPT] = html_script,
    [HTML_SCRIPT_TAG] = html_script_tag,
    [HTML_SCRIPT_BANG] = html_script_bang,
};

void html_flush(struct sk_norm_html *h, enum sk_html_out which) {
    struct html_out *out = which == SK_HTML_NOCOMMENT ? &h->nocomment : &h->notags;
    if (out->len > 0 && !sk_failed(h->err)) {
        h->err = h->events->put(h->events->ctx, which, out->bytes, out->len);
    }
    out->len = 0;
}

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The window is full and one byte more is known. */
static size_t cut_of(const uint8_t *window) {
    size_t cut = HTML_WINDOW_BYTES;
    if (is_space(window[cut]) || is_space(window[cut - 1])) {
        return cut;
    }
    while (cut > 1 && !is_space(window[cut - 1])) {
        cut--;
    }
    return cut > 1 ? cut : HTML_WINDOW_BYTES;
}

/* White space at the start of a window goes. */
static const uint8_t *enter_window(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    const uint8_t *start = p;
    if (h->js_open) {
        sk_norm_js_edge(h->js);
    }
    while (p < end && is_space(*p)) {
        p++;
    }
    if (h->js_open) {
        html_script_takes(h, start, p);
    }
    return p;
}

/* The states over [p, end). Returns where an encoded script begins, or end. */
static const uint8_t *run_states(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    const uint8_t *script = p; /* what the script normaliser has not got yet */
    while (p < end && !h->encoded_new) {
        p = STEPS[h->state](h, p, end);
        bool inside = html_in_script(h);
        if (inside && !h->js_open) {
            html_script_begins(h);
            script = p;
        } else if (!inside && h->js_open) {
            const uint8_t *behind = p; /* white space there still belongs to it */
            while (behind < end && is_space(*behind)) {
                behind++;
            }
            html_script_takes(h, script, behind);
            html_script_ends(h);
        }
    }
    if (h->js_open) {
        html_script_takes(h, script, p);
    }
    return p;
}

/* What the decoder wrote: text ahead of the block, the block and what follows. */
static const uint8_t *run_decoded(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    const uint8_t *block = p + h->screnc.ahead;
    p = enter_window(h, p, end);
    if (p < block) {
        p = run_states(h, p, block);
    }
    if (h->encoded_new || h->screnc.state == SK_SCRENC_SEEK) {
        return p;
    }
    if (h->ahead) {
        html_script_block(h);
    }
    return run_states(h, p, end);
}

/* A decoder takes one block; a later encoded script gets a new one. */
static void run(struct sk_norm_html *h, size_t len) {
    const uint8_t *p = h->window;
    const uint8_t *end = p + len;
    if (h->encoded) {
        size_t n = sk_screnc_feed(&h->screnc, p, len, h->decoded);
        p = h->decoded;
        end = p + n;
    }
    for (;;) {
        p = h->encoded ? run_decoded(h, p, end) : run_states(h, enter_window(h, p, end), end);
        if (!h->encoded_new) {
            return;
        }
        h->encoded_new = false;
        h->encoded = true;
        h->ahead = true;
        h->ahead_any = false;
        h->screnc = (struct sk_screnc){0};
        size_t rest = (size_t)(end - p);
        if (p >= h->decoded && p <= h->decoded + sizeof(h->decoded)) {
            memmove(h->window, p, rest); /* a decoder that is new holds nothing: rest shrinks */
            p = h->window;
        }
        size_t n = sk_screnc_feed(&h->screnc, p, rest, h->decoded);
        p = h->decoded;
        end = p + n;
    }
}

/* What the decoder held for a mark or a tail that never came. */
static void run_held(struct sk_norm_html *h) {
    uint8_t held[SK_SCRENC_TAIL_BYTES];
    size_t len = h->encoded ? sk_screnc_finish(&h->screnc, held) : 0;
    (void)run_states(h, enter_window(h, held, held + len), held + len);
}

sk_err sk_norm_html_feed(struct sk_norm_html *h, const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len && !sk_failed(h->err);) {
        uint8_t *at = &h->window[h->window_len];
        size_t room = sizeof(h->window) - h->window_len;
        size_t n = len - i < room ? len - i : room;
        const uint8_t *nul = memchr(&bytes[i], 0, n);
        if (nul != NULL) {
            n = (size_t)(nul - &bytes[i]);
        }
        memcpy(at, &bytes[i], n);
        h->window_len += n;
        i += n + (nul != NULL);
        if (h->window_len == sizeof(h->window)) {
            size_t cut = cut_of(h->window);
            run(h, cut);
            h->window_len -= cut;
            memmove(h->window, &h->window[cut], h->window_len);
        }
    }
    return h->err;
}

sk_err sk_norm_html_finish(struct sk_norm_html *h) {
    run(h, h->window_len); /* feed leaves less than a full one */
    h->window_len = 0;
    run_held(h);
    html_entity_end(h);
    if (h->state == HTML_TAG_OPEN) {
        html_put(h, '<');
    }
    html_links_end(h);
    if (h->js_open) {
        html_script_ends(h);
    }
    html_flush(h, SK_HTML_NOCOMMENT);
    html_flush(h, SK_HTML_NOTAGS);
    return sk_failed(h->err) ? h->err : h->js_err;
}

sk_err sk_norm_html_new(const struct sk_html_events *events, struct sk_norm_html **out_html) {
    struct sk_norm_html *h = mem_zalloc(1, sizeof(*h));
    if (h == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    h->events = events;
    h->vector = norm_kernel_nth(0);
    *out_html = h;
    return sk_ok();
}

void sk_norm_html_free(struct sk_norm_html *h) {
    if (h != NULL) {
        sk_norm_js_free(h->js);
    }
    mem_free(h);
}
