// SPDX-License-Identifier: Apache-2.0
/*
 * What runs inside the cage. Everything that needs files happens before sandbox_enter: making the
 * scanner, one scan of a few harmless bytes, loading late parts unless the worker is a lean one.
 * After that only descriptors from the pool are read.
 *
 * One object at a time; the pool may have sent several, they wait in the packet and the socket.
 * Their descriptors are closed together when the packet is done (os/closing.h).
 * Answers to one object go out in the order FINDING* NOTE* DONE, blocking when the pool is slow:
 * the pool always reads, so this ends.
 *
 * Answers are gathered in one packet, because to send one costs as much as to scan a tiny file; a
 * packet goes out when it holds enough, when its first answer is old, and before the worker waits.
 * Should it die meanwhile, the word it shares with the pool says of which object, and what the
 * packet held is scanned again by the next. Where the pool says so, and when what is seen is told
 * at once (observes), nothing is gathered.
 *
 * A report that owes digests is kept, as the packets that will be sent, and the object's descriptor
 * stays open:
 *
 *     request -> scan -+-> answer
 *                      +-> kept, OWES -> settled: stands -> answer, else OWES, scan again -> answer
 *
 * Digests are taken when enough are owed to be fast together; all of them when no request waits or
 * KEPT_MAX reports do. So nothing is kept longer than until the socket is empty.
 *
 * A lean worker has not loaded the late parts (base/late.h), which most objects do not need. One
 * that does is answered with LACKS, and the pool gives it to a worker that has them.
 */
#include "pool/worker.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/late.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/closing.h"
#include "os/filemap.h"
#include "os/spawn.h"
#include "pool/gather.h"
#include "pool/relay.h"
#include "wire/frame.h"
#include "wire/scan.h"

/* What the allocator may need beyond the limit the engine keeps: libraries, fragmentation. */
#define MEMORY_SLACK ((uint64_t)256 << 20)
#define SPOOL_SLACK ((uint64_t)64 << 20)
#define KEPT_BYTES ((size_t)16 << 20) /* blocks of 16 KiB up, what is kept of them, the heap */
#define MEMORY_DEFAULT ((uint64_t)256 << 20)

_Static_assert(sizeof(struct sk_stats) == sizeof(struct scan_stats), "one u64 per counter");
_Static_assert(SCAN_SHARES_MAX == SK_SHARES_MAX &&
                   sizeof(((struct sk_report *)0)->alike) == SCAN_ALIKE_BYTES,
               "as in sekisho.h");

#define KEPT_MAX 48u

/* A report that waits for digests. */
struct kept {
    uint64_t id;
    int fd;
    bool share;         /* nothing but a plain result counts */
    bool lacks;         /* there is no report */
    struct buf packets; /* messages: u32 length, bytes; each */
};

#define ASK_MEMORY_EVERY 64u
/* Answers go out together: some sixteen of clean objects, or those of so many microseconds. Below a
 * millisecond or two nobody sees the difference, and the pool's watch is told of every slow object
 * in time. */
#define GATHER_BYTES ((size_t)2048)
#define GATHER_US 2000u

struct worker {
    int sock;
    uint64_t answers;
    uint64_t private_bytes;
    struct kept kept[KEPT_MAX];
    unsigned kept_count;
    struct buf *keep; /* messages go here instead of into `out`; NULL: into `out` */
    struct sk_scanner *scanner;
    bool want_stats;
    bool gathers;
    bool observes;      /* what is seen is told at once, so nothing is scanned twice or kept */
    bool shared;        /* the object at hand: said so */
    bool failed;        /* to say so */
    uint64_t id;        /* of the object at hand */
    struct relay relay; /* its observer is the scanner's when the pool observes */
    struct scan_stats warm_up; /* work done before the first object: not to be counted */
    uint64_t *word;            /* see worker.h */
    struct wire_packet in;
    struct closing done;     /* descriptors of what is answered */
    struct wire_input input; /* what of `in` is still to be scanned */
    struct wire_packet out;  /* answers that wait */
    uint64_t out_since;      /* us: the first of them */
    bool begun;              /* a part of the last answer has gone out */
    uint8_t one[WIRE_MAX_BYTES];
};

/* Asking walks the allocator's lists, which is felt between small files (2 % of a scan of libraries
 * when asked for every fourth answer): often at first, then every so many answers. */
static uint64_t private_bytes(struct worker *w) {
    uint64_t n = w->answers++;
    if (n % ASK_MEMORY_EVERY == 0 || (n < ASK_MEMORY_EVERY && (n & (n - 1)) == 0)) {
        struct mallinfo2 info = mallinfo2();
        w->private_bytes = (uint64_t)info.uordblks + info.hblkhd + mem_large_bytes();
    }
    return w->private_bytes;
}

static bool flush(struct worker *w) {
    bool ok = w->out.len == 0 || wire_send(w->sock, &w->out, true) == WIRE_IO_OK;
    w->out.len = 0;
    w->begun = false;
    return ok;
}

static bool put(struct worker *w, const uint8_t *message, size_t len) {
    bool ok = true;
    if (len > sizeof(w->out.bytes) - w->out.len) {
        ok = flush(w);
        w->begun = true;
    }
    w->out_since = w->out.len == 0 ? clock_monotonic_us() : w->out_since;
    memcpy(w->out.bytes + w->out.len, message, len);
    w->out.len += len;
    return ok && (!w->observes || flush(w));
}

static bool tell(struct worker *w, enum scan_message type, const void *record) {
    const struct wire_message *row = wire_find(&scan_dialog, (uint16_t)type);
    size_t len = 0;
    if (row == NULL || sk_failed(wire_encode(row, record, w->one, sizeof(w->one), &len))) {
        return false;
    }
    if (w->keep != NULL) {
        uint32_t n = (uint32_t)len;
        return !sk_failed(buf_append(w->keep, &n, sizeof(n))) &&
               !sk_failed(buf_append(w->keep, w->one, len));
    }
    return put(w, w->one, len);
}

static bool tell_trial(struct worker *w, uint64_t id, const struct sk_trial *t) {
    struct scan_trial trial = {.id = id,
                               .layer = t->layer,
                               .layer_type = t->layer_type,
                               .view = t->view,
                               .segment = t->segment,
                               .signature = t->signature,
                               .of_target = t->of_target != 0,
                               .limited = t->limited != 0,
                               .holds = t->holds != 0,
                               .failed_attributes = t->failed_attributes};
    bool ok = tell(w, SCAN_TRIAL, &trial);
    for (size_t i = 0; i < t->sub_count && ok; i++) {
        const struct sk_hits *h = &t->subs[i];
        struct scan_hits hits = {.id = id, .count = h->count};
        for (; hits.offset_count < SCAN_HITS_OFFSETS && hits.offset_count < h->offset_count;) {
            hits.offset[hits.offset_count] = h->offsets[hits.offset_count];
            hits.offset_count++;
        }
        ok = tell(w, SCAN_HITS, &hits);
    }
    return ok;
}

static bool send_for_relay(void *ctx, enum scan_message type, const void *record) {
    return tell(ctx, type, record);
}

static bool tell_report(struct worker *w, uint64_t id, const struct sk_report *r) {
    for (size_t i = 0; i < r->finding_count && i < GATHER_ROWS_MAX; i++) {
        struct scan_finding f = {.id = id,
                                 .offset = r->findings[i].offset,
                                 .name = r->findings[i].name,
                                 .layer = r->findings[i].layer,
                                 .layer_type = r->findings[i].layer_type,
                                 .trial = r->findings[i].trial};
        if (!tell(w, SCAN_FINDING, &f)) {
            return false;
        }
    }
    for (size_t i = 0; i < r->note_count && i < GATHER_ROWS_MAX; i++) {
        struct scan_note n = {.id = id,
                              .incomplete = r->notes[i].incomplete != 0,
                              .word = r->notes[i].word,
                              .text = r->notes[i].text,
                              .layer = r->notes[i].layer,
                              .detail = r->notes[i].detail};
        if (!tell(w, SCAN_NOTE, &n)) {
            return false;
        }
    }
    for (size_t i = 0; i < r->trial_count && i < GATHER_ROWS_MAX; i++) {
        if (!tell_trial(w, id, &r->trials[i])) {
            return false;
        }
    }
    return true;
}

static struct scan_stats work_so_far(const struct worker *w) {
    union {
        struct sk_stats stats;
        struct scan_stats message;
    } u = {{0}};
    sk_scanner_stats(w->scanner, &u.stats);
    for (unsigned i = 0; i < sizeof(w->warm_up.value) / sizeof(w->warm_up.value[0]); i++) {
        u.message.value[i] -= w->warm_up.value[i];
    }
    return u.message;
}

static bool tell_stats(struct worker *w) {
    struct scan_stats stats = work_so_far(w);
    return tell(w, SCAN_STATS, &stats);
}

/* Findings and notes of the report, then DONE. report: valid when result is 0. */
static bool answer(struct worker *w, uint64_t id, int result, const struct sk_report *report) {
    struct scan_done done = {
        .id = id, .result = (uint32_t)result, .verdict = SK_VERDICT_INCOMPLETE, .type = ""};
    if (result == 0) {
        if (!tell_report(w, id, report)) {
            return false;
        }
        done.verdict = (uint32_t)report->verdict;
        done.complete = report->complete != 0;
        done.depends_on_place = report->depends_on_place != 0;
        done.type = report->type;
        done.layers = report->layers;
        done.bytes_scanned = report->bytes_scanned;
        done.bytes_read = report->bytes_read;
        done.alike = (struct sk_bytes){report->alike, sizeof(report->alike)};
    }
    done.private_bytes = private_bytes(w);
    /* a kept answer comes with the sums of the time it is sent */
    bool stats = w->want_stats && w->keep == NULL;
    return (!stats || tell_stats(w)) && tell(w, SCAN_DONE, &done);
}

/* It can be shared: the others begin as early as they can. */
static void agreed(void *ctx) {
    struct worker *w = ctx;
    struct scan_shared message = {.id = w->id};
    w->shared = true;
    w->failed = !tell(w, SCAN_SHARED, &message) || !flush(w);
}

/* Who is to blame should what comes now end the worker. */
static void at_work(struct worker *w, uint64_t id) {
    if (w->word != NULL) {
        spawn_word_set(w->word, id);
    }
}

static int scan_one(struct worker *w, const struct scan_request *request, int fd,
                    const struct sk_report **out_report, int *out_owes) {
    w->id = w->relay.id = request->id;
    at_work(w, request->id);
    w->relay.on = true;
    w->shared = request->share > 0;
    if (w->observes) {
        return sk_scan_fd(w->scanner, fd, NULL, out_report);
    }
    if (request->shares == 0) {
        return sk_scan_ahead(w->scanner, fd, request->id, out_report, out_owes);
    }
    struct sk_share share = {.tag = request->id,
                             .index = request->share,
                             .count = request->shares,
                             .agreed = agreed,
                             .ctx = w};
    return sk_scan_share(w->scanner, fd, &share, out_report, out_owes);
}

static bool tell_lack(struct worker *w, uint64_t id) {
    struct scan_lacks message = {.id = id};
    return tell(w, SCAN_LACKS, &message);
}

/* Scans, and answers or keeps the answer. **Takes** fd. */
static bool scan(struct worker *w, const struct scan_request *request, int fd) {
    const struct sk_report *report = NULL;
    int owes = 0;
    int result = scan_one(w, request, fd, &report, &owes);
    if (w->relay.failed || w->failed) {
        return false;
    }
    bool lacks = late_take_lack();
    if (owes == 0) {
        closing_add(&w->done, fd);
        return lacks ? tell_lack(w, request->id) : answer(w, request->id, result, report);
    }
    struct kept *k = &w->kept[w->kept_count++];
    *k = (struct kept){.id = request->id, .fd = fd, .share = w->shared, .lacks = lacks};
    w->keep = &k->packets;
    bool ok = lacks || answer(w, request->id, result, report);
    w->keep = NULL;
    struct scan_owes message = {.id = request->id};
    return ok && tell(w, SCAN_OWES, &message);
}

static bool send_kept(struct worker *w, const struct buf *packets) {
    for (size_t at = 0; at < packets->len;) {
        uint32_t n;
        memcpy(&n, packets->data + at, sizeof(n));
        at += sizeof(n);
        if (!put(w, packets->data + at, n)) {
            return false;
        }
        at += n;
    }
    return true;
}

/* The digests of a kept report are taken. */
static bool settled(struct worker *w, uint64_t id, bool stands) {
    unsigned i = 0;
    while (i < w->kept_count && w->kept[i].id != id) {
        i++;
    }
    if (i == w->kept_count) {
        return false;
    }
    struct kept k = w->kept[i];
    w->kept[i] = w->kept[--w->kept_count];
    bool ok;
    if (k.lacks) {
        ok = tell_lack(w, id);
    } else if (stands) {
        ok = (!w->want_stats || tell_stats(w)) && send_kept(w, &k.packets);
    } else if (k.share) {
        ok = answer(w, id, 0, &(const struct sk_report){.type = ""});
    } else {
        const struct sk_report *report = NULL;
        struct scan_owes again = {.id = id};
        at_work(w, id);
        ok = tell(w, SCAN_OWES, &again);
        int result = sk_scan_fd(w->scanner, k.fd, NULL, &report);
        ok = ok && (late_take_lack() ? tell_lack(w, id) : answer(w, id, result, report));
    }
    closing_add(&w->done, k.fd);
    buf_release(&k.packets);
    return ok;
}

/* One kept report, whatever it costs (idle), or those that come cheap; and never KEPT_MAX left. */
static bool settle(struct worker *w, bool idle) {
    uint64_t id = 0;
    int stands = 0;
    bool must = idle;
    while (w->kept_count > 0) {
        must = must || w->kept_count == KEPT_MAX;
        at_work(w, w->kept[0].id);
        if (sk_scan_settle(w->scanner, must, &id, &stands) == 0) {
            return !must; /* kept, but not owed: cannot be */
        }
        if (!settled(w, id, stands != 0)) {
            return false;
        }
        must = false;
    }
    return true;
}

/* The next object that was sent. **Returns owned** its descriptor. */
static enum wire_io next_request(struct worker *w, union scan_record *out_record, int *out_fd) {
    static const struct wire_peer POOL = {SCAN_FROM_POOL, SCAN_IDLE};
    if (w->input.bytes.len == 0) {
        closing_end(&w->done);
        enum wire_io io = wire_recv(w->sock, w->kept_count == 0 && w->out.len == 0, &w->in);
        if (io != WIRE_IO_OK) {
            return io;
        }
        w->input = (struct wire_input){{w->in.bytes, w->in.len}, w->in.fd_count};
    }
    uint16_t type;
    if (sk_failed(wire_decode(&scan_dialog, &POOL, &w->input, &type, out_record))) {
        return WIRE_IO_BAD;
    }
    *out_fd = w->in.fd[w->in.fd_count - w->input.fds - 1];
    return WIRE_IO_OK;
}

static bool is_due(const struct worker *w) {
    return w->out.len > 0 && (!w->gathers || w->begun || w->out.len >= GATHER_BYTES ||
                              clock_monotonic_us() - w->out_since >= GATHER_US);
}

static int serve(struct worker *w) {
    for (;;) {
        union scan_record record;
        int fd;
        enum wire_io io = next_request(w, &record, &fd);
        if (io == WIRE_IO_AGAIN) {
            if (!flush(w) || !settle(w, true) || !flush(w)) {
                return 1;
            }
            continue;
        }
        if (io != WIRE_IO_OK) {
            return io == WIRE_IO_CLOSED ? 0 : 1;
        }
        if ((is_due(w) && !flush(w)) || !scan(w, &record.request, fd) || !settle(w, false)) {
            return 1;
        }
    }
}

/* Blocks and what is kept of freed ones share one budget (base/mem.c), and buffers from 1 MiB on
 * that find no room in it go back to the system when they are freed. glibc would raise the size
 * from which it does so with each of them, and keep tens of megabytes that one large object needed.
 * Its heap has small blocks and zeroed ones; it may keep what copies that wait for digests had: it
 * is counted.
 *
 * 16 MiB: packages have 16 to 17 MiB private; 17 MiB: up to 19.2 of the 20 that integ/memory
 * allows, because one large block more finds room. Packages, documents and small files take as long
 * with either. */
static void keep_little(void) {
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

/* A page fault costs 1 us, and 10 on virtual machines whose host keeps the page tables: a start had
 * 250 of them. Not so the scanner's large tables, of which little is touched: they are mapped, or
 * the allocator would clear what it has at the end of its heap. */
#define START_BYTES ((size_t)80 << 10)       /* this worker, the scanner */
#define FIRST_SCAN_BYTES ((size_t)256 << 10) /* small blocks, the first plans, the filter */
#define TABLE_BYTES (128 << 10)

static const char *prepare(struct worker *w, const struct worker_start *start) {
    struct sk_options scan = start->options->scan;
    scan.spool_fd = start->spool_fd;
    if (start->lean) {
        late_defer();
    }
    if (scan.observer != NULL) {
        w->observes = true;
        relay_init(&w->relay, scan.observer, send_for_relay, w);
        scan.observer = &w->relay.observer;
    }
    (void)mallopt(M_MMAP_THRESHOLD, TABLE_BYTES);
    int result = sk_scanner_new(start->options->engine, &scan, &w->scanner);
    keep_little();
    if (result != 0) {
        return sk_result_text(result);
    }
    mem_expect(FIRST_SCAN_BYTES);
    const struct sk_report *report = NULL;
    result = sk_scan_mem(w->scanner, "warm-up\n", 8, NULL, &report);
    w->warm_up = work_so_far(w);
    return result == 0 ? NULL : sk_result_text(result);
}

/* What a worker may write at most: every layer once, as it is and normalised. 0: no limit. */
static uint64_t spool_ceiling(const struct sk_limits *limits) {
    bool sane = limits->max_scan_size != 0 && limits->max_scan_size <= (uint64_t)1 << 50;
    return sane ? 2 * limits->max_scan_size + SPOOL_SLACK : 0;
}

static bool enter(const struct worker_start *start, int sock, struct sandbox_state *state) {
    const struct pool_options *o = start->options;
    uint64_t memory = o->scan.limits.max_memory != 0 ? o->scan.limits.max_memory : MEMORY_DEFAULT;
    struct sandbox_options cage = {.socket_fd = sock,
                                   .spool_fd = start->spool_fd,
                                   .memory_bytes = memory + MEMORY_SLACK + FILEMAP_BYTES_MAX,
                                   .file_bytes = spool_ceiling(&o->scan.limits)};
    if (o->sandbox != POOL_SANDBOX_OFF) {
        late_seal();
        sandbox_enter(&cage, state);
    }
    return o->sandbox != POOL_SANDBOX_REQUIRE || sandbox_level(state) == SANDBOX_FULL;
}

int worker_run(void *start, int sock) {
    keep_little();
    mem_keep(KEPT_BYTES);
    mem_expect(START_BYTES);
    struct worker *w = mem_zalloc(1, sizeof(*w));
    if (w == NULL) {
        return 2;
    }
    (void)filemap_guard();
    filemap_weigh();
    w->sock = sock;
    w->want_stats = ((const struct worker_start *)start)->options->want_stats;
    w->word = ((const struct worker_start *)start)->word;
    w->gathers = ((const struct worker_start *)start)->gather;
    struct sandbox_state state = {0};
    const char *why = prepare(w, start);
    MEM_AUTO char *partial = NULL;
    if (why == NULL && !enter(start, sock, &state)) {
        struct buf text = {0};
        if (sk_failed(buf_puts(&text, "the sandbox is required and only holds in part: ")) ||
            sk_failed(sandbox_describe(&state, &text))) {
            buf_clear(&text);
        }
        partial = (char *)text.data;
        why = partial == NULL ? "the sandbox is required and does not hold" : partial;
    }
    if (why != NULL) {
        struct scan_failed failed = {.why = why};
        (void)(tell(w, SCAN_FAILED, &failed) && flush(w));
        return 2;
    }
    struct scan_ready ready = {.sandbox_held = state.held,
                               .landlock_abi = state.landlock_abi,
                               .private_bytes = private_bytes(w)};
    return tell(w, SCAN_READY, &ready) && flush(w) ? serve(w) : 1;
}
