// SPDX-License-Identifier: Apache-2.0
/*
 * PDF (ISO 32000-1, ISO 32000-2), read as readers read broken files, and more than they read.
 *
 *     pdf_index    every object of the file, by its own syntax: no table is believed
 *     pdf_crypt    /Encrypt, empty password
 *     pdf_harvest  objects that say something: scripts, addresses, roles of other objects
 *     .. the same  in object streams, unpacked one at a time
 *     pdf_stream   every stream, unpacked: a member named by its role
 *     scripts      strings that a reference made scripts
 *
 * The passes are in this order because a stream's name and use stand in other objects. No reference
 * is followed further than one step, so chains and cycles of references, page trees and forms cost
 * nothing: the tree of the document is never walked, its objects are. (Scripts are followed through
 * REFERENCES_MAX references.)
 *
 * Which instance of an object counts (incremental updates, hybrid files, broken tables) is not
 * decided: each is looked at, for attackers choose what the other reader decides. Two exceptions
 * look at the last one in the file: /Length and /Filter by reference.
 *
 * Streams are searched for what their content is; the target of PDF signatures sees the file's own
 * bytes only (seen with clamscan 1.4.6).
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/search.h"
#include "format/pdf_parts.h"

#define HEADER_WITHIN ((size_t)1024)
#define OBJSTM_TOTAL_BYTES ((uint64_t)128 << 20)
#define PACKED_MAX ((size_t)1 << 20)
#define FACTS_MAX 2000u
#define REFERENCES_MAX 8u
#define LOAD_SHORT_BYTES ((size_t)4096) /* a length, a filter and the like */
#define LOAD_TOTAL_BYTES ((uint64_t)256 << 20)
#define AGAIN_TIMES 4u /* the file may be read so often in overlapping pieces */

static int pdf_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    if (sk_peek_has(peek, 0, "%PDF-", 5)) {
        return 90;
    }
    size_t room = peek->head_len < HEADER_WITHIN ? peek->head_len : HEADER_WITHIN;
    static const struct sk_needle MAGIC = {"%PDF-", 5, 1};
    const uint8_t *at = sk_search((struct sk_bytes){peek->head, room}, &MAGIC);
    if (at == NULL) {
        return 0;
    }
    size_t off = (size_t)(at - peek->head);
    return sk_peek_has(peek, off + 5, "1", 1) || sk_peek_has(peek, off + 5, "2", 1) ? 70 : 0;
}

bool pdf_once(struct pdf *p, enum pdf_once what) {
    bool first = (p->once & (unsigned)what) == 0;
    p->once |= (unsigned)what;
    return first;
}

void pdf_fact(struct pdf *p, enum sk_fact fact, const char *value, size_t len) {
    if (p->facts_left > 0) {
        p->facts_left--;
        walk_fact(p->walk, fact, len == 0 ? NULL : value, len);
    }
}

void pdf_release(struct pdf *p) {
    mem_free(p->object);
    mem_free(p->by_num);
    mem_free(p->role);
    mem_free(p->packed);
    buf_release(&p->body);
    buf_release(&p->unpack);
    buf_release(&p->text);
}

/* ---- object streams ---- */

static sk_err put_packed(struct pdf *p, const struct pdf_packed *one) {
    if (p->packed_count == PACKED_MAX) {
        if (pdf_once(p, PDF_ONCE_OBJECTS)) {
            walk_note(p->walk, SK_NOTE_LIMIT_MEMORY, "pdf: too many objects");
        }
        return sk_ok();
    }
    if (p->packed_count == p->packed_cap) {
        struct pdf_packed *more =
            mem_grow(p->packed, &p->packed_cap, p->packed_count + 1, sizeof(*more));
        if (more == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        p->packed = more;
    }
    p->packed[p->packed_count++] = *one;
    return sk_ok();
}

/* "number offset number offset ..." in front of the objects; offsets count from `first`. */
static sk_err list_packed(struct pdf *p, size_t index, int64_t first) {
    struct sk_cursor c = sk_cursor_make(p->unpack.data, p->unpack.len);
    for (;;) {
        struct pdf_token num;
        struct pdf_token off;
        pdf_lex(&c, &num);
        pdf_lex(&c, &off);
        bool good = num.kind == PDF_INT && off.kind == PDF_INT && num.value >= 0 &&
                    num.value < PDF_NO_NUMBER && off.value >= 0;
        if (!good || (uint64_t)off.value + (uint64_t)first >= p->unpack.len) {
            return sk_ok();
        }
        struct pdf_packed one = {(uint32_t)num.value, (uint32_t)index,
                                 (uint32_t)(off.value + first)};
        TRY(put_packed(p, &one));
    }
}

static sk_err harvest_packed(struct pdf *p, size_t index) {
    struct sk_bytes dict;
    TRY(pdf_body(p, &p->object[index], &dict));
    int64_t first = pdf_dict_int(dict, "First", 0);
    TRY(pdf_stream_unpack(p, index));
    if (first >= 0 && (uint64_t)first < p->unpack.len) {
        TRY(list_packed(p, index, first));
    }
    return pdf_harvest(p, NULL, (struct sk_bytes){p->unpack.data, p->unpack.len});
}

static int compare_packed(const void *a, const void *b) {
    const struct pdf_packed *x = a;
    const struct pdf_packed *y = b;
    if (x->num != y->num) {
        return x->num < y->num ? -1 : 1;
    }
    if (x->container != y->container) {
        return x->container < y->container ? -1 : 1;
    }
    return (x->slot > y->slot) - (x->slot < y->slot);
}

/* The last of that number; NULL: none. */
static const struct pdf_packed *find_packed(const struct pdf *p, uint32_t num) {
    size_t low = 0;
    size_t high = p->packed_count;
    while (low < high) { /* the first whose number is larger */
        size_t mid = low + (high - low) / 2;
        if (p->packed[mid].num <= num) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low > 0 && p->packed[low - 1].num == num ? &p->packed[low - 1] : NULL;
}

/* How much of an object of this length a reference may load: thousands of them may lead to one that
 * is megabytes long. */
static size_t load_most(struct pdf *p, size_t len) {
    if (len <= LOAD_SHORT_BYTES) {
        return len;
    }
    if (len > p->load_left) {
        if (pdf_once(p, PDF_ONCE_LOAD)) {
            walk_note(p->walk, SK_NOTE_LIMIT_SCAN_SIZE, "pdf: references to long objects");
        }
        return LOAD_SHORT_BYTES;
    }
    p->load_left -= len;
    return len;
}

/* p->body and p->text change places meanwhile: what is loaded ends up in p->text. */
static sk_err load_swapped(struct pdf *p, size_t index, const struct pdf_packed *one,
                           struct sk_bytes *out_bytes) {
    if (index != SIZE_MAX) {
        struct pdf_object o = p->object[index];
        o.body_len = (uint32_t)load_most(p, o.body_len);
        return pdf_body(p, &o, out_bytes);
    }
    TRY(pdf_stream_unpack(p, one->container));
    buf_clear(&p->body);
    if (one->slot < p->unpack.len) {
        size_t len = load_most(p, p->unpack.len - one->slot);
        TRY(buf_append(&p->body, p->unpack.data + one->slot, len));
    }
    *out_bytes = (struct sk_bytes){p->body.data, p->body.len};
    return sk_ok();
}

sk_err pdf_load_other(struct pdf *p, uint32_t num, struct sk_cursor *out_at) {
    size_t index = pdf_index_find(p, num);
    const struct pdf_packed *one =
        index == SIZE_MAX && p->packed_sorted && !p->unpacking ? find_packed(p, num) : NULL;
    struct sk_bytes bytes = {NULL, 0};
    sk_err err = sk_ok();
    if (index != SIZE_MAX || one != NULL) {
        struct buf keep = p->body;
        p->body = p->text;
        err = load_swapped(p, index, one, &bytes);
        p->text = p->body;
        p->body = keep;
    }
    *out_at = sk_cursor_of(bytes);
    return err;
}

/* ---- scripts that are strings elsewhere ---- */

/* The string of an object; a reference to a reference is followed. */
static sk_err give_if_string(struct pdf *p, const struct pdf_object *o, uint32_t num,
                             struct sk_bytes body) {
    struct sk_cursor c = sk_cursor_of(body);
    struct pdf_token t;
    pdf_value(&c, &t);
    for (unsigned i = 0; i < REFERENCES_MAX && t.kind == PDF_REF; i++) {
        size_t index = pdf_index_find(p, (uint32_t)t.value);
        o = index == SIZE_MAX ? NULL : &p->object[index];
        TRY(pdf_load_other(p, (uint32_t)t.value, &c));
        struct buf loaded = p->text; /* p->text is needed for what the string says */
        p->text = p->body;
        p->body = loaded;
        pdf_value(&c, &t);
    }
    return t.kind == PDF_STRING || t.kind == PDF_HEX ? pdf_script_string(p, o, &t, num) : sk_ok();
}

static int compare_roles(const void *a, const void *b) {
    const struct pdf_role *x = a;
    const struct pdf_role *y = b;
    if (x->num != y->num) {
        return x->num < y->num ? -1 : 1;
    }
    bool x_named = x->name != NULL;
    bool y_named = y->name != NULL;
    return x_named != y_named ? (int)y_named - (int)x_named : (int)x->kind - (int)y->kind;
}

/* Roles are sorted by then. */
const struct pdf_role *pdf_role_find(const struct pdf *p, uint32_t num) {
    size_t low = 0;
    size_t high = p->role_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (p->role[mid].num < num) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < p->role_count && p->role[low].num == num ? &p->role[low] : NULL;
}

bool pdf_has_role(const struct pdf *p, uint32_t num, enum pdf_role_kind kind) {
    const struct pdf_role *role = num == PDF_NO_NUMBER ? NULL : pdf_role_find(p, num);
    for (; role != NULL && role < p->role + p->role_count && role->num == num; role++) {
        if (role->kind == kind) {
            return true;
        }
    }
    return false;
}

static bool is_script(const struct pdf *p, uint32_t num) {
    return pdf_has_role(p, num, PDF_ROLE_SCRIPT);
}

static sk_err give_string_scripts(struct pdf *p) {
    for (size_t i = 0; i < p->count; i++) {
        const struct pdf_object *o = &p->object[i];
        struct sk_bytes body;
        if ((o->seen & (PDF_SEEN_STREAM | PDF_SEEN_TRAILER)) != 0 || !is_script(p, o->num)) {
            continue;
        }
        TRY(walk_tick(p->walk));
        TRY(pdf_body(p, o, &body));
        TRY(give_if_string(p, o, o->num, body));
    }
    for (size_t i = 0; i < p->packed_count; i++) {
        const struct pdf_packed *one = &p->packed[i];
        if (!is_script(p, one->num)) {
            continue;
        }
        TRY(walk_tick(p->walk));
        TRY(pdf_stream_unpack(p, one->container));
        if (one->slot < p->unpack.len) {
            struct sk_bytes body = {p->unpack.data + one->slot, p->unpack.len - one->slot};
            TRY(give_if_string(p, NULL, one->num, body));
        }
    }
    return sk_ok();
}

/* ---- the walk ---- */

static sk_err harvest_all(struct pdf *p) {
    for (size_t i = 0; i < p->count; i++) {
        const struct pdf_object *o = &p->object[i];
        bool packs = (o->seen & PDF_SEEN_OBJSTM) != 0 && (o->seen & PDF_SEEN_STREAM) != 0;
        struct sk_bytes body;
        TRY(walk_tick(p->walk));
        if (packs) {
            TRY(harvest_packed(p, i));
        }
        if ((o->seen & PDF_SEEN_ACTIVE) != 0) {
            TRY(pdf_body(p, o, &body));
            TRY(pdf_harvest(p, o, body));
        }
    }
    if (p->role_count > 0) {
        qsort(p->role, p->role_count, sizeof(*p->role), compare_roles);
    }
    if (p->packed_count > 0) {
        qsort(p->packed, p->packed_count, sizeof(*p->packed), compare_packed);
    }
    p->packed_sorted = true;
    return sk_ok();
}

static sk_err give_streams(struct pdf *p) {
    for (size_t i = 0; i < p->count; i++) {
        const struct pdf_object *o = &p->object[i];
        TRY(walk_tick(p->walk));
        if ((o->seen & PDF_SEEN_STREAM) != 0) {
            const struct pdf_role *role = o->num == PDF_NO_NUMBER ? NULL : pdf_role_find(p, o->num);
            TRY(pdf_stream_give(p, i, role));
        }
    }
    return sk_ok();
}

static sk_err walk_all(struct pdf *p) {
    TRY(pdf_index(p));
    TRY(pdf_crypt_open(p));
    TRY(harvest_all(p));
    TRY(give_streams(p));
    return give_string_scripts(p);
}

static sk_err pdf_walk(struct sk_walk *walk, struct sk_source *src) {
    struct pdf p = {.walk = walk,
                    .src = src,
                    .unpacked = UINT32_MAX,
                    .lex_left = AGAIN_TIMES * src->size + ((uint64_t)1 << 20),
                    .objstm_left = OBJSTM_TOTAL_BYTES,
                    .load_left = LOAD_TOTAL_BYTES + AGAIN_TIMES * src->size,
                    .facts_left = FACTS_MAX};
    sk_err err = walk_all(&p);
    pdf_release(&p);
    return err;
}

const struct sk_format sk_format_pdf = {
    .name = "pdf", .type = SK_TYPE_PDF, .probe = pdf_probe, .walk = pdf_walk};
