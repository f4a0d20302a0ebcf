// SPDX-License-Identifier: Apache-2.0
/*
 * The two faces of an account.
 *
 *   tell_open(t, "offset", _("offset"), '{')     text "offset:"      JSON "offset": {
 *   tell_text(t, "says", _("place"), "at 0")     text "  place: at 0" JSON "says": "at 0"
 *
 * Labels only make text deeper: what has no label is for programs and leaves no line.
 */
#include "cli/tell.h"

#include <string.h>

void tell_init(struct tell *t, struct buf *out, bool as_json) {
    *t = (struct tell){.out = out, .as_json = as_json};
    t->json = &t->own;
    json_init(t->json, out);
}

static void keep(struct tell *t, sk_err err) {
    if (!sk_failed(t->err)) {
        t->err = err;
    }
}

static void start_line(struct tell *t, unsigned indent) {
    keep(t, buf_printf(t->out, "%*s", (int)(2 * (t->depth + indent)), ""));
}

void tell_open(struct tell *t, const char *key, const char *label, char bracket) {
    if (t->as_json) {
        json_open(t->json, key, bracket);
    } else if (label != NULL) {
        start_line(t, 0);
        keep(t, buf_printf(t->out, "%s:\n", label));
        t->depth++;
    }
}

void tell_close(struct tell *t, const char *label, char bracket) {
    if (t->as_json) {
        json_close(t->json, bracket);
    } else if (label != NULL && t->depth > 0) {
        t->depth--;
    }
}

void tell_text(struct tell *t, const char *key, const char *label, const char *text) {
    if (t->as_json) {
        if (key != NULL) {
            json_str(t->json, key, text);
        }
    } else if (label != NULL) {
        start_line(t, 0);
        keep(t, buf_printf(t->out, "%s: ", label));
        keep(t, buf_put_escaped(t->out, text, strlen(text)));
        keep(t, buf_puts(t->out, "\n"));
    }
}

void tell_number(struct tell *t, const char *key, const char *label, uint64_t value) {
    if (t->as_json) {
        if (key != NULL) {
            json_u64(t->json, key, value);
        }
    } else if (label != NULL) {
        start_line(t, 0);
        keep(t, buf_printf(t->out, "%s: %llu\n", label, (unsigned long long)value));
    }
}

void tell_flag(struct tell *t, const char *key, const char *label, bool value) {
    if (t->as_json) {
        json_bool(t->json, key, value);
    } else if (label != NULL && value) {
        start_line(t, 0);
        keep(t, buf_printf(t->out, "%s\n", label));
    }
}

void tell_item(struct tell *t, uint64_t value) {
    if (t->as_json) {
        json_u64(t->json, NULL, value);
    }
}

void tell_word(struct tell *t, const char *text) {
    if (t->as_json) {
        json_str(t->json, NULL, text);
    }
}

void tell_line(struct tell *t, unsigned indent, const char *text) {
    if (!t->as_json) {
        start_line(t, indent);
        keep(t, buf_puts(t->out, text));
        keep(t, buf_puts(t->out, "\n"));
    }
}

void tell_join(struct tell *t, struct json *json) {
    *t = (struct tell){.out = json->out, .as_json = true, .json = json};
}

sk_err tell_end(struct tell *t) {
    return t->as_json && !sk_failed(t->err) ? t->json->err : t->err;
}
