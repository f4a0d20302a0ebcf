// SPDX-License-Identifier: Apache-2.0
/*
 * Raw images of whole disks: each partition is a member, in place.
 *
 *     MBR   sector 0: 4 entries at 446, 55 AA at 510
 *             flag u8 (0, 80) | 3 | type u8 | 3 | first sector u32 | sectors u32
 *             type 05, 0F, 85: extended, a chain of such sectors: logical partition, next link
 *     GPT   sector 1: "EFI PART" ... table u64 at 72 | entries u32 | bytes of one u32; a second one
 *             in the last sector
 *             entry: type 16 (0: free) | 16 | first u64 | last u64 | 8 | name, UTF-16LE, 72
 *     APM   block 0: "ER" | bytes of a block u16; from block 1 on: "PM" | 2 | entries u32 |
 *             first block u32 | blocks u32 | name 32 | type 32          (numbers big-endian)
 *
 * All tables of an image are read, since which of them counts is the reader's choice; a place is
 * given once. A partition that begins at 0 is the image itself (hybrid ISO images) and is not
 * given. What lies beyond the end is cut: nothing is left out by that, the image is searched as a
 * whole.
 *
 * Partitions of one table that share sectors are the fact PARTITION_OVERLAP, worded as clamscan
 * 1.4.6 names it (with its spelling): seen for MBR entries but empty ones (extended and protective
 * ones count), for GPT, for APM. Seen, too: a table with a flag other than 0 and 80 is none. There
 * a partition beyond the end spoils the whole MBR, here it is read as far as it goes. Source:
 * UEFI 2.10 chapter 5; Apple, Inside Macintosh: Devices, 3-25.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "format/format.h"

#define SECTOR_BYTES 512u
#define PARTITIONS_MAX 1024u /* of all tables */
#define NAME_UNITS 36u
#define NAME_BYTES (NAME_UNITS * SK_UTF8_MAX_BYTES)
#define BID_MBR 45 /* two bytes and flags: little */
#define BID_APM 60
#define BID_GPT 70

struct part {
    uint64_t start; /* bytes */
    uint64_t end;
};

struct disk {
    struct sk_walk *walk;
    struct sk_source *src;
    struct part part[PARTITIONS_MAX];
    unsigned count;
    unsigned first; /* of the table being read */
    uint32_t given;
    bool full; /* said */
};

static bool room(struct disk *d) {
    if (d->count < PARTITIONS_MAX) {
        return true;
    }
    if (!d->full) {
        walk_note(d->walk, SK_NOTE_LIMIT_FILES, "partitions");
    }
    d->full = true;
    return false;
}

static bool is_known(const struct disk *d, const struct part *p) {
    for (unsigned i = 0; i < d->count; i++) {
        if (d->part[i].start == p->start && d->part[i].end == p->end) {
            return true;
        }
    }
    return false;
}

/* One partition: counts for overlaps, and is a member unless it was one. name: NULL: is no member;
 * empty: has none. */
static sk_err take(struct disk *d, struct part p, const char *name) {
    char numbered[32];
    if (p.end <= p.start || !room(d)) {
        return sk_ok();
    }
    bool known = is_known(d, &p);
    d->part[d->count++] = p;
    if (known || name == NULL || p.start == 0 || p.start >= d->src->size) {
        return walk_tick(d->walk);
    }
    (void)snprintf(numbered, sizeof(numbered), "partition-%u", (unsigned)d->given + 1);
    struct sk_child child = {.name = name[0] != 0 ? name : numbered, .index = d->given++};
    child.name_len = strlen(child.name);
    child.is_slice = true;
    child.slice_off = p.start;
    child.slice_len = (p.end < d->src->size ? p.end : d->src->size) - p.start;
    child.packed_size = child.size = child.slice_len;
    return walk_child(d->walk, &child, NULL);
}

static int by_start(const void *a, const void *b) {
    const struct part *x = a;
    const struct part *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* The partitions from `first` on are those of one table. Their order does not matter any more. */
static void end_table(struct disk *d, const char *overlap) {
    struct part *p = &d->part[d->first];
    unsigned count = d->count - d->first;
    qsort(p, count, sizeof(*p), by_start);
    for (unsigned i = 1; i < count; i++) {
        if (p[i].start < p[i - 1].end) { /* until here each began behind all before it */
            walk_fact(d->walk, SK_FACT_PARTITION_OVERLAP, overlap, strlen(overlap));
            break;
        }
    }
    d->first = d->count;
}

/* ---- MBR ---------------------------------------------------------------------------------- */

struct mbr_entry {
    uint8_t type; /* 0: empty */
    uint32_t first;
    uint32_t sectors;
};

/* False: these 512 bytes hold no table. */
static bool mbr_read(const uint8_t *sector, struct mbr_entry out[4]) {
    bool any = false;
    if (sector[510] != 0x55 || sector[511] != 0xaa) {
        return false;
    }
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *e = sector + 446 + (size_t)16 * i;
        if ((e[0] & 0x7f) != 0) {
            return false;
        }
        out[i] = (struct mbr_entry){e[4], sk_load_u32le(e + 8), sk_load_u32le(e + 12)};
        out[i].type = out[i].sectors == 0 ? 0 : out[i].type;
        any = any || out[i].type != 0;
    }
    return any;
}

static bool is_extended(const struct mbr_entry *e) {
    return e->type == 0x05 || e->type == 0x0f || e->type == 0x85;
}

static struct part mbr_part(uint64_t base, const struct mbr_entry *e) {
    uint64_t start = (base + e->first) * SECTOR_BYTES;
    return (struct part){start, start + (uint64_t)e->sectors * SECTOR_BYTES};
}

/* The logical partitions of an extended one. Links only lead on, so the chain ends. */
static sk_err walk_chain(struct disk *d, uint64_t extended) {
    struct mbr_entry e[4];
    uint64_t at = extended;
    while (!d->full) {
        struct sk_cursor c = sk_source_cursor(d->src, at * SECTOR_BYTES, SECTOR_BYTES);
        if (c.len < SECTOR_BYTES || !mbr_read(c.ptr, e)) {
            break;
        }
        TRY(walk_tick(d->walk));
        if (e[0].type != 0 && !is_extended(&e[0])) {
            TRY(take(d, mbr_part(at, &e[0]), ""));
        }
        if (!is_extended(&e[1]) || extended + e[1].first <= at) {
            break;
        }
        at = extended + e[1].first;
    }
    return d->src->failed;
}

static sk_err walk_mbr(struct disk *d) {
    struct mbr_entry e[4];
    struct sk_cursor c = sk_source_cursor(d->src, 0, SECTOR_BYTES);
    if (c.len < SECTOR_BYTES || !mbr_read(c.ptr, e)) {
        return d->src->failed;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (e[i].type != 0) {
            bool stands_for_gpt = e[i].type == 0xee && d->given > 0;
            TRY(take(d, mbr_part(0, &e[i]), stands_for_gpt ? NULL : ""));
        }
    }
    end_table(d, "MBRPartitionnIntersect");
    for (unsigned i = 0; i < 4; i++) {
        if (is_extended(&e[i])) {
            TRY(walk_chain(d, e[i].first));
        }
    }
    d->first = d->count; /* logical ones lie in their extended one: not compared */
    return sk_ok();
}

/* ---- GPT ---------------------------------------------------------------------------------- */

static void gpt_name(struct sk_cursor *c, char out[NAME_BYTES + 1]) {
    size_t len = 0;
    for (unsigned i = 0; i < NAME_UNITS; i++) {
        uint16_t unit = sk_cursor_u16le(c);
        if (unit == 0) {
            break;
        }
        len += sk_utf8_put((uint8_t *)out + len, unit);
    }
    out[len] = 0;
}

static sk_err gpt_entry(struct disk *d, uint64_t off, uint32_t sector) {
    static const uint8_t FREE[16] = {0};
    char name[NAME_BYTES + 1];
    struct sk_cursor c = sk_source_cursor(d->src, off, 128);
    if (c.len < 128) {
        return d->src->failed;
    }
    if (memcmp(c.ptr, FREE, sizeof(FREE)) == 0) {
        return sk_ok();
    }
    sk_cursor_skip(&c, 32);
    uint64_t first = sk_cursor_u64le(&c);
    uint64_t last = sk_cursor_u64le(&c);
    uint64_t top = d->src->size / sector; /* beyond it nothing lies, and no product wraps */
    sk_cursor_skip(&c, 8);
    gpt_name(&c, name);
    if (first > last || first > top) {
        return sk_ok();
    }
    last = last < top ? last : top;
    return take(d, (struct part){first * sector, (last + 1) * sector}, name);
}

static sk_err walk_gpt(struct disk *d, uint64_t header, uint32_t sector) {
    struct sk_cursor c = sk_source_cursor(d->src, header, 92);
    if (c.len < 92 || memcmp(c.ptr, "EFI PART", 8) != 0) {
        return d->src->failed;
    }
    sk_cursor_skip(&c, 72);
    uint64_t table = sk_cursor_u64le(&c);
    uint32_t count = sk_cursor_u32le(&c);
    uint32_t bytes = sk_cursor_u32le(&c);
    if (bytes < 128 || table >= d->src->size / sector) {
        return sk_ok();
    }
    for (uint32_t i = 0; i < count && !d->full; i++) {
        uint64_t off = table * sector + (uint64_t)i * bytes;
        if (off >= d->src->size) {
            break;
        }
        TRY(walk_tick(d->walk));
        TRY(gpt_entry(d, off, sector));
    }
    end_table(d, "GPTPartitionIntersection");
    return sk_ok();
}

/* ---- APM ---------------------------------------------------------------------------------- */

/* Bytes of a block; 0: no map. */
static uint32_t apm_block(struct sk_source *src) {
    struct sk_cursor c = sk_source_cursor(src, 0, 4);
    uint32_t block = c.len == 4 && memcmp(c.ptr, "ER", 2) == 0 ? sk_load_u16be(c.ptr + 2) : 0;
    return block >= SECTOR_BYTES ? block : 0;
}

static sk_err walk_apm(struct disk *d) {
    uint32_t block = apm_block(d->src);
    uint32_t count = block > 0 ? 1 : 0; /* the first entry tells how many there are */
    for (uint32_t i = 1; i <= count && !d->full; i++) {
        char name[33] = "";
        struct sk_cursor c = sk_source_cursor(d->src, (uint64_t)i * block, 80);
        if (c.len < 80 || memcmp(c.ptr, "PM", 2) != 0) {
            break;
        }
        TRY(walk_tick(d->walk));
        sk_cursor_skip(&c, 4);
        uint32_t told = sk_cursor_u32be(&c);
        count = i == 1 ? told : count;
        uint64_t start = (uint64_t)sk_cursor_u32be(&c) * block;
        uint64_t end = start + (uint64_t)sk_cursor_u32be(&c) * block;
        memcpy(name, sk_cursor_take(&c, 32), 32);
        const uint8_t *type = sk_cursor_take(&c, 32);
        if (memcmp(type, "Apple_Free", 11) != 0) {
            TRY(take(d, (struct part){start, end}, name));
        }
    }
    end_table(d, "APMPartitionIntersection");
    return d->src->failed;
}

/* ---- the reader --------------------------------------------------------------------------- */

static int partition_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    struct mbr_entry e[4];
    if (sk_peek_has(peek, 512, "EFI PART", 8) || sk_peek_has(peek, 4096, "EFI PART", 8)) {
        *out_type = SK_TYPE_GPT;
        return BID_GPT;
    }
    if (sk_peek_has(peek, 0, "ER", 2) && peek->head_len >= SECTOR_BYTES &&
        sk_peek_has(peek, sk_load_u16be(peek->head + 2), "PM", 2)) {
        *out_type = SK_TYPE_APM;
        return BID_APM;
    }
    if (peek->head_len < SECTOR_BYTES || !mbr_read(peek->head, e)) {
        return 0;
    }
    for (unsigned i = 0; i < 4; i++) {
        uint64_t start = (uint64_t)e[i].first * SECTOR_BYTES;
        if (e[i].type != 0 && start > 0 && start < peek->size) {
            return BID_MBR;
        }
    }
    return 0;
}

static sk_err partition_walk(struct sk_walk *walk, struct sk_source *src) {
    struct disk *d = arena_zalloc(walk_arena(walk), 1, sizeof(*d));
    if (d == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    d->walk = walk;
    d->src = src;
    TRY(walk_gpt(d, SECTOR_BYTES, SECTOR_BYTES));
    TRY(walk_gpt(d, 4096, 4096));
    if (d->count == 0 && src->size >= SECTOR_BYTES) {
        TRY(walk_gpt(d, src->size - SECTOR_BYTES, SECTOR_BYTES));
    }
    TRY(walk_apm(d));
    return walk_mbr(d);
}

const struct sk_format sk_format_partition = {
    .name = "partition", .type = SK_TYPE_MBR, .probe = partition_probe, .walk = partition_walk};
