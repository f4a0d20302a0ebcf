// SPDX-License-Identifier: Apache-2.0
/*
 * Ole10Native: any file inside a document, put there by the object packager.
 *
 *     u32 size | the packager's fields and the file (ole1.h)
 *     u32 size | data                                 (other servers: a picture, a script)
 *
 * Which of the two is told by the fields: the 2, and strings that end. A size that is too large
 * means the rest. Whatever the fields say, the whole stream is a member, too. Seen with
 * clamscan 1.4.6: the file is a layer of its own. Source: [MS-OLEDS] 2.3.6; the packager's fields
 * are not specified by Microsoft, they were read off documents (clam.ole.doc and clam.ppt of
 * Debian's clamav-testfiles among them).
 */
#include "format/ole1.h"
#include "format/ole2_objects.h"

#include <string.h>

#define SIZE_BYTES ((size_t)4) /* in front of the native data */
#define HEAD_BYTES (SIZE_BYTES + OLE1_HEAD_BYTES)
#define NAME_MAX_BYTES ((size_t)200)

/* Text for a member's name. */
static void printable(struct sk_bytes text, char *out) {
    size_t len = text.len < NAME_MAX_BYTES ? text.len : NAME_MAX_BYTES;
    for (size_t i = 0; i < len; i++) {
        out[i] = text.ptr[i] < 0x20 ? '_' : (char)text.ptr[i];
    }
    out[len] = 0;
}

sk_err ole2_native(struct ole2 *o, uint32_t entry) {
    struct arena_mark mark = arena_mark(walk_arena(o->walk));
    struct sk_bytes head;
    TRY(ole2_load(o, entry, HEAD_BYTES, &head));
    struct ole1_package package;
    uint64_t off = SIZE_BYTES;
    uint64_t size = o->entry[entry].size;
    char name[NAME_MAX_BYTES + 1] = "data";
    struct ole2_stream st;
    if (head.len > SIZE_BYTES &&
        ole1_package_read((struct sk_bytes){head.ptr + SIZE_BYTES, head.len - SIZE_BYTES},
                          &package)) {
        off += package.off;
        size = package.size;
        printable(package.name, name);
    }
    arena_rewind(walk_arena(o->walk), mark);
    struct sk_stream *s = ole2_stream_init(&st, o, entry);
    sk_err err = ole2_skip(s, off);
    if (sk_failed(err)) {
        o->damaged = o->damaged || err.code == SK_E_FORMAT;
        return err.code == SK_E_FORMAT ? sk_ok() : err;
    }
    st.left = st.left < size ? st.left : size;
    walk_fact(o->walk, SK_FACT_EMBEDDED, name, strlen(name));
    return ole2_give_part(o, entry, name[0] == 0 ? "data" : name, s);
}

sk_err ole2_equation(struct ole2 *o, uint32_t entry) {
    const char *name = o->entry[entry].name;
    walk_fact(o->walk, SK_FACT_EMBEDDED, name, strlen(name));
    return sk_ok();
}
