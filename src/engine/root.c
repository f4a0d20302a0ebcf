// SPDX-License-Identifier: Apache-2.0
/*
 * Where the bytes of an object come from:
 *
 *     up to 256 KiB       whole, into a buffer that is warm
 *     ELF, up to 8 MiB    in windows; whole when it is read again and again
 *     others, up to 8 MiB whole: containers, text and Windows programs are read more than once
 *     larger              in windows, always
 *
 * What is read in windows is mapped as well, where the process survives that and it costs less
 * than reading (os/filemap.h: machines differ), for the passes that go over all of it and only
 * look: the search for what may be there (root_glance), and digests (root_map). Windows are for
 * what is made of bytes: readers, verification. So of most large programs only the ends are copied.
 * Digests of others come from a mapping from 128 KiB on.
 *
 * The search goes over most ELF files once, and windows stay in the L2 cache, where bytes are
 * searched a fifth faster than in a large buffer, whose pages must be faulted in, too (6 to 10 % of
 * the whole scan of programs, 4 of libraries). For that, objects inside the bytes are looked for
 * while they are read (sk_embedded_see) and not in a pass of their own. Windows programs in windows
 * were read three times (resources, sections, subsignatures) and took 3 to 5 % longer. A file made
 * against the search has it go over its bytes many times: half as long again in windows, hence
 * LOAD_HALVES. But reading it whole costs new memory, on the slowest machine as much as six passes
 * in windows. So it is done when a pass begins, of programs from 2 MiB on the fourth: in the middle
 * of the third, libraries took 3 to 5 % longer there.
 *
 * With mappings for search and digests, where a page of them is cheap, programs take a sixth less,
 * libraries a tenth. The first look at mapped bytes waits for memory; what the search looks at next
 * is fetched meanwhile (a thirtieth of programs and libraries), for which its pages must be in
 * place. Without gain were: mapping all pages at once (MAP_POPULATE), data of no known kind up to 8
 * MiB searched in a mapping instead of memory, digests of less than 128 KiB.
 *
 * Without gain were: windows for data of no known kind, huge pages for the buffer (slower), keeping
 * all of it from object to object (a sixth of the page faults of programs), a buffer of 12 MiB, and
 * windows of 128 KiB. A container above 4 MiB gives the buffer back before it is opened
 * (root_wait).
 *
 * A mapping of which bytes turn out to be missing is a read error of the object, as a short pread
 * is (root_lost); docs/decisions/015-mapped-objects.md tells who may look at mapped bytes.
 */
#include "engine/root.h"

#include <string.h>

#include "base/mem.h"
#include "engine/embedded.h"
#include "engine/known.h"
#include "engine/layer.h"
#include "engine/scan.h"
#include "os/file.h"

#define MEMORY_BYTES ((uint64_t)8 << 20) /* larger objects are read in windows, every time */
#define WAIT_BYTES ((uint64_t)4 << 20)   /* the same for containers that are being opened */
#define LOAD_HALVES 5u /* so many halves read: whole as soon as its reader goes back */
#define SLACK_BYTES ((uint64_t)1 << 20) /* beside that, in pieces here and there */
#define KEEP_BYTES ((size_t)2 << 20)    /* of the buffer, from one object to the next */
#define MAP_BYTES ((uint64_t)128 << 10) /* of smaller objects digests are read again */
#define FIRST_BYTES ((size_t)64 * 1024)
#define ENDS_BYTES ((size_t)96 << 10) /* of a window, where but the ends are read */

static bool make_room(struct root *root, size_t size) {
    if (root->buf.cap >= size) {
        return true;
    }
    size_t cap = size < FIRST_BYTES ? FIRST_BYTES : size;
    root_release(root);
    uint8_t *ptr = mem_alloc_sure(cap, size);
    if (ptr == NULL) {
        return false;
    }
    root->buf = (struct store_buf){ptr, cap};
    return true;
}

/* Bytes at off that a window holds are not read again. Returns how many those were; 0:
 * *inout_len falls to what comes before the next that are held. */
static size_t from_window(const struct sk_source *src, uint64_t off, uint8_t *out,
                          size_t *inout_len) {
    for (unsigned i = 0; i < 2; i++) {
        const struct sk_source_window *w = &src->window[i];
        if (off >= w->off && off < w->off + w->len) {
            size_t have = (size_t)(w->off + w->len - off);
            have = have < *inout_len ? have : *inout_len;
            memcpy(out, w->buf + (off - w->off), have);
            return have;
        }
        if (w->len > 0 && w->off > off && w->off - off < *inout_len) {
            *inout_len = (size_t)(w->off - off);
        }
    }
    return 0;
}

static sk_err read_rest(struct root *root, uint64_t off, uint8_t *buf, size_t len) {
    for (size_t done = 0; done < len;) {
        size_t part = len - done;
        size_t have = from_window(root->src, off + done, buf + done, &part);
        if (have == 0) {
            TRY(file_pread_all(root->fd, buf + done, part, off + done));
            root->read_bytes += part;
            have = part;
        }
        done += have;
    }
    return sk_ok();
}

sk_err root_load(struct root *root) {
    struct sk_source *src = root->src;
    if (src == NULL || src->mem != NULL || root->load_bytes == UINT64_MAX ||
        !make_room(root, (size_t)src->size)) {
        return sk_ok();
    }
    TRY(read_rest(root, 0, root->buf.ptr, (size_t)src->size));
    root->again = root->read_bytes > src->size;
    src->mem = root->buf.ptr;
    return sk_ok();
}

static sk_err read_piece(void *ctx, uint64_t off, void *buf, size_t len) {
    struct root *root = ctx;
    bool back = off < root->at;
    root->at = off;
    if (back && root->read_bytes > root->load_bytes) {
        TRY(root_load(root));
    }
    if (root->src->mem != NULL) {
        memcpy(buf, root->src->mem + off, len);
        return sk_ok();
    }
    TRY(read_rest(root, off, buf, len));
    if (root->watches) {
        sk_embedded_see(&root->seen, off, (struct sk_bytes){buf, len});
    }
    return sk_ok();
}

static void open_windows(struct root *root, struct sk_source *src, uint64_t size) {
    root->src = src;
    root->read_bytes = 0;
    root->at = 0;
    root->load_bytes = UINT64_MAX;
    root->watches = false;
    root->again = false;
    sk_source_init_read(src, size, read_piece, root);
}

static void unmap(struct root *root) {
    sk_source_release(&root->glance);
    filemap_release(root->map);
    root->map = NULL;
}

sk_err root_open(struct sk_scanner *sc, struct layer *layer, int fd, uint64_t size) {
    struct root *root = &sc->root;
    unmap(root);
    layer->open = true;
    root->fd = fd;
    if (size == 0) {
        sk_source_init_mem(&layer->src, NULL, 0);
        return sk_ok();
    }
    open_windows(root, &layer->src, size);
    if (size > sc->budget.limits.max_file_size) {
        return sk_ok();
    }
    bool copy = sc->known != NULL && known_has_size(sc->known, size);
    root->load_bytes = size <= MEMORY_BYTES ? size / 2 * LOAD_HALVES + SLACK_BYTES : UINT64_MAX;
    if (size <= SK_SOURCE_WINDOW_BYTES || copy) {
        return root_load(root);
    }
    root->src->fill = ENDS_BYTES; /* until it is known who reads the rest */
    root->watches = true;
    root->seen = (struct sk_embedded_seen){.size = size, .program_reach = EMBEDDED_REACH_BYTES};
    return sk_ok();
}

static const uint8_t *lend_piece(void *ctx, uint64_t off, size_t len) {
    struct root *root = ctx;
    const uint8_t *p = root->map->ptr + off;
    filemap_touch(root->map, off + len, SK_SOURCE_WINDOW_BYTES); /* for filter.c to fetch ahead */
    if (root->watches) {
        sk_embedded_see(&root->seen, off, (struct sk_bytes){p, len});
    }
    return root_lost(root) ? NULL : p;
}

static void map_to_look(struct root *root) {
    const struct sk_source *src = root->src;
    if (src != NULL && src->mem == NULL && root_map(root, src->size) != NULL) {
        sk_source_init_lend(&root->glance, src->size, lend_piece, root);
    }
}

sk_err root_settle(struct root *root, const struct layer *layer) {
    if (layer->parent != NULL) {
        return sk_ok();
    }
    root->watches = root->watches && embedded_host(layer->type);
    bool elf = sk_type_target(layer->type) == SK_TARGET_ELF;
    if (!elf) {
        TRY(root_load(root));
    }
    map_to_look(root);
    if (root->src != NULL && (!elf || root->map == NULL)) {
        root->src->fill = SK_SOURCE_WINDOW_BYTES;
    }
    return sk_ok();
}

struct sk_source *root_glance(struct sk_scanner *sc, const struct layer *layer) {
    struct root *root = &sc->root;
    return layer->parent == NULL && root->glance.lend != NULL ? &root->glance : NULL;
}

struct filemap *root_map(struct root *root, uint64_t size) {
    if (root->map == NULL && size >= MAP_BYTES) {
        root->map = filemap_open(root->fd, size);
    }
    return root->map;
}

bool root_lost(const struct root *root) {
    return root->map != NULL && filemap_lost(root->map);
}

bool root_is_whole(const struct root *root, const struct layer *layer) {
    return root->src == &layer->src && layer->src.mem != NULL && !root->again;
}

const struct sk_embedded_seen *root_seen(const struct sk_scanner *sc, const struct layer *layer) {
    const struct root *root = &sc->root;
    bool all = layer->parent == NULL && root->src == &layer->src && root->watches &&
               root->seen.end == layer->src.size && !root->seen.more;
    return all ? &root->seen : NULL;
}

/* Cut, not freed: the next is read into the same lines of the cache. */
static void trim(struct root *root) {
    if (root->buf.cap > KEEP_BYTES) {
        uint8_t *ptr = mem_realloc(root->buf.ptr, KEEP_BYTES);
        if (ptr == NULL) {
            mem_free(root->buf.ptr);
        }
        root->buf = (struct store_buf){ptr, ptr == NULL ? 0 : KEEP_BYTES};
    }
}

void root_wait(struct sk_scanner *sc, struct layer *layer, int fd) {
    uint64_t size = layer->src.size;
    if (fd >= 0 && size > WAIT_BYTES && size <= MEMORY_BYTES) {
        sk_source_release(&layer->src);
        open_windows(&sc->root, &layer->src, size);
        trim(&sc->root);
    }
}

void root_close(struct root *root) {
    root->src = NULL;
    unmap(root);
    trim(root);
}

void root_release(struct root *root) {
    mem_free(root->buf.ptr);
    root->buf = (struct store_buf){0};
}
