// SPDX-License-Identifier: Apache-2.0
/*
 * One worker from outside. The only messages believed are those in the table, in the state they
 * belong to, about the object at the head of the queue; anything else ends the worker like a crash.
 *
 * Pipelining: objects are sent ahead, several in a packet, so that a worker never waits for the
 * parent between small files, and has digests of many to take together. Reading them from the disk
 * begins when they are sent: with nothing in the page cache a scan of small files takes half the
 * time, and with everything there the system is hardly asked. The watch on an object starts when
 * the worker can have turned to it: when it was sent to an idle worker, or when the one before was
 * answered or put aside (OWES).
 */
#include "pool/slot.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>

#include "base/late.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "pool/relay.h"

/* Of each object, before its turn comes; behind that the system reads ahead by itself. */
#define READ_AHEAD_BYTES ((uint64_t)1 << 20)
/* Advice about what is in the page cache costs more than to ask whether it is: 4 % of the time on
 * small files. After so many in a row that were, one small object in ASK_EVERY is asked about. */
#define CACHED_ROW 16u
#define ASK_EVERY 8u
#define ASK_ALWAYS_BYTES ((uint64_t)256 << 10)
#define START_LIMIT_MS 60000u
/* Packets read from one worker before the others and the clock get their turn. */
#define PULL_MAX 64u
/* A limit of 0 means the engine's own maximum; a worker that is silent for a day is lost. */
#define SILENCE_LIMIT_MS ((uint64_t)24 * 3600 * 1000)

/* Descriptors stay open while objects wait: half of those that we may have. */
static unsigned depth_for(const struct pool_options *options) {
    struct rlimit limit;
    uint64_t most = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
    uint64_t each = most / 2 / (options->jobs > 0 ? options->jobs : 1);
    return each > SLOT_DEPTH ? SLOT_DEPTH : each < SLOT_DEPTH_MIN ? SLOT_DEPTH_MIN : (unsigned)each;
}

void slot_init(struct slot *slot, const struct pool_options *options) {
    /* What an observer has been told cannot be taken back, and counters count work done twice. */
    bool lean = options->scan.observer == NULL && !options->want_stats;
    uint64_t *word = spawn_word_new();
    *slot = (struct slot){.child = {.fd = -1},
                          .start = {.options = options,
                                    .spool_fd = -1,
                                    .word = word,
                                    .gather = word != NULL && options->scan.observer == NULL,
                                    .lean = lean},
                          .depth = depth_for(options),
                          .next_id = 1};
    gather_init(&slot->gather);
    /* A missing spool is no failure: large layers are then noted as not scanned. */
    SK_IGNORE(file_temp(options->spool_dir, &slot->start.spool_fd), "works without");
}

/* The item begins to count as open, or ceases to. */
static void count_open(struct slot *slot, const struct slot_item *item, bool on) {
    slot->open += on ? 1u : UINT_MAX;
    slot->open_bytes += on ? item->size : 0 - item->size;
}

static void forget(struct slot *slot, unsigned at) {
    struct slot_item *item = &slot->item[at];
    if (!item->owes) {
        count_open(slot, item, false);
    }
    closing_add(&slot->done, item->fd);
    split_drop(item->split);
    slot->count--;
    slot->sent -= at < slot->sent ? 1 : 0;
    memmove(item, item + 1, (slot->count - at) * sizeof(*item));
}

/* Nothing is with a worker any more. */
static void take_back(struct slot *slot) {
    for (unsigned i = 0; i < slot->sent; i++) {
        struct slot_item *item = &slot->item[i];
        if (item->owes) {
            count_open(slot, item, true);
        }
        item->owes = item->again = false;
        if (item->share == 0 && split_give_up(item->split)) {
            split_drop(item->split);
            item->split = NULL;
            item->alone = true;
        }
    }
    slot->sent = 0;
    slot->speaking = 0;
    slot->shared = 0;
}

/* The sent item of this id; slot->sent: there is none. */
static unsigned sent_item(const struct slot *slot, uint64_t id) {
    unsigned i = 0;
    while (i < slot->sent && slot->item[i].id != id) {
        i++;
    }
    return i;
}

/* The sent item that the worker may speak of now, if it has this id: it takes them in order, so it
 * has put aside those before. slot->sent: it may not. */
static unsigned item_of_turn(const struct slot *slot, uint64_t id) {
    unsigned at = sent_item(slot, id);
    unsigned i = 0;
    while (i < at && slot->item[i].owes) {
        i++;
    }
    return i == at ? at : slot->sent;
}

void slot_release(struct slot *slot) {
    spawn_kill(&slot->child);
    while (slot->count > 0) {
        forget(slot, 0);
    }
    closing_end(&slot->done);
    file_close(&slot->start.spool_fd);
    spawn_word_free(slot->start.word);
    gather_release(&slot->gather);
}

sk_err slot_start(struct slot *slot) {
    if (slot->state != SLOT_DOWN) {
        return sk_ok();
    }
    struct spawn_options options = {.entry = worker_run,
                                    .ctx = &slot->start,
                                    .keep = &slot->start.spool_fd,
                                    .keep_count = slot->start.spool_fd >= 0 ? 1 : 0,
                                    .word = slot->start.word};
    if (slot->start.word != NULL) {
        spawn_word_set(slot->start.word, 0);
    }
    TRY(spawn_fork(&options, &slot->child));
    slot->state = SLOT_STARTING;
    slot->lean = slot->start.lean;
    take_back(slot);
    slot->files = slot->scanned = slot->scanned_then = 0;
    slot->retire = false;
    slot->oldest_since = clock_monotonic_ms();
    gather_clear(&slot->gather);
    return sk_ok();
}

/* Items that owe are scanned: nobody else could do anything for them. */
bool slot_has_room(const struct slot *slot) {
    bool ahead = slot->open_bytes < SLOT_AHEAD_BYTES || slot->open < SLOT_AHEAD;
    return ahead && slot->count < slot->depth && !slot->retire;
}

/* Takes what `item` owns. */
static void queue(struct slot *slot, struct slot_item item) {
    item.id = slot->next_id++;
    count_open(slot, &item, true);
    slot->item[slot->count++] = item;
    if (slot->sent == 0 || slot->count - slot->sent >= SLOT_BATCH) {
        slot_push(slot);
    }
}

/* While object after object is in the page cache, only some of the small ones are asked about. */
static void read_ahead(struct slot *slot, int fd, uint64_t size) {
    bool cached = slot->cached_row >= CACHED_ROW;
    if (size == 0 || (cached && size < ASK_ALWAYS_BYTES && ++slot->unasked < ASK_EVERY)) {
        return;
    }
    slot->unasked = 0;
    if (file_would_wait(fd, size - 1)) {
        slot->cached_row = 0;
        file_read_ahead(fd, size < READ_AHEAD_BYTES ? size : READ_AHEAD_BYTES);
    } else {
        slot->cached_row += cached ? 0 : 1;
    }
}

void slot_give(struct slot *slot, int fd, uint64_t size, uint64_t tag) {
    read_ahead(slot, fd, size);
    queue(slot, (struct slot_item){.fd = fd, .tag = tag, .size = size});
}

sk_err slot_give_share(struct slot *slot, const struct slot_item *from, unsigned share) {
    struct slot_item item = {.fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0),
                             .tag = from->tag,
                             .size = from->size,
                             .split = split_hold(from->split),
                             .share = (uint8_t)share};
    if (item.fd < 0) {
        split_drop(item.split);
        return sk_fail(SK_E_IO);
    }
    queue(slot, item);
    return sk_ok();
}

const struct slot_item *slot_take_shared(struct slot *slot) {
    unsigned at = slot->shared == 0 ? slot->sent : sent_item(slot, slot->shared);
    slot->shared = 0;
    return at == slot->sent ? NULL : &slot->item[at];
}

/* Its turn comes again, in whichever worker is next here. */
static void scan_again(struct slot *slot, unsigned at, bool alone) {
    struct slot_item item = slot->item[at];
    if (item.owes) {
        count_open(slot, &item, true);
    }
    split_drop(item.split);
    slot->sent -= at < slot->sent ? 1 : 0;
    memmove(&slot->item[at], &slot->item[at + 1], (slot->sent - at) * sizeof(item));
    slot->item[slot->sent] = (struct slot_item){
        .id = slot->next_id++, .fd = item.fd, .tag = item.tag, .size = item.size, .alone = alone};
}

static void answered(struct slot *slot, unsigned at, int result) {
    struct pool_result r = {
        .tag = slot->item[at].tag, .result = result, .report = gather_report(&slot->gather)};
    const struct pool_options *o = slot->start.options;
    struct sk_report sum;
    enum split_step step = split_take(slot->item[at].split, o, &r, slot->item[at].fd, &sum);
    if (step == SPLIT_AGAIN) {
        scan_again(slot, at, true);
    } else {
        forget(slot, at);
    }
    slot->speaking = 0;
    if (step == SPLIT_DONE) {
        o->on_result(o->ctx, &r);
    }
    gather_clear(&slot->gather);
    slot->oldest_since = clock_monotonic_ms();
}

static void keep_stats(struct slot *slot) {
    for (unsigned i = 0; i < sizeof(slot->stats.value) / sizeof(slot->stats.value[0]); i++) {
        slot->past.value[i] += slot->stats.value[i];
        slot->stats.value[i] = 0;
    }
}

/* The item the worker is busy with: the oldest it has not put aside; when it has put all aside,
 * the oldest. */
static unsigned first_open(const struct slot *slot) {
    for (unsigned i = 0; i < slot->sent; i++) {
        if (!slot->item[i].owes) {
            return i;
        }
    }
    return 0;
}

/* The item that the worker is at by what it has told: exact when it gathers nothing. */
static unsigned item_told(const struct slot *slot) {
    return slot->speaking != 0 ? sent_item(slot, slot->speaking) : first_open(slot);
}

/* The item that the worker is, or was, at. */
static unsigned item_at_work(const struct slot *slot) {
    bool ask = slot->start.gather;
    unsigned at = ask ? sent_item(slot, spawn_word_get(slot->start.word)) : slot->sent;
    return at == slot->sent ? item_told(slot) : at;
}

void slot_lose(struct slot *slot, const char *detail) {
    keep_stats(slot);
    bool working = slot->state == SLOT_UP && slot->sent > 0;
    slot->failed_starts += slot->files == 0 && !working ? 1 : 0;
    (void)spawn_end(&slot->child, true);
    slot->state = SLOT_DOWN;
    slot->deaths++;
    slot->retire = false;
    if (working) {
        unsigned at = item_at_work(slot);
        if (slot->speaking != slot->item[at].id) {
            gather_clear(&slot->gather);
        }
        gather_died(&slot->gather, SK_NOTE_WORKER_DIED, detail);
        answered(slot, at, 0);
        closing_end(&slot->done);
    }
    take_back(slot);
}

/* No object is lost by killing it: it has answered everything, or what it has will be scanned
 * again; one that was taken over would not end by itself. */
static void retire(struct slot *slot) {
    keep_stats(slot);
    (void)spawn_end(&slot->child, true);
    slot->state = SLOT_DOWN;
    slot->retire = false;
    take_back(slot);
}

static void broken(struct slot *slot) {
    bool gathered = slot->state == SLOT_UP && slot->sent > 0 && slot->start.gather;
    (void)spawn_end(&slot->child, true); /* its word must not change any more */
    if (gathered && item_told(slot) != item_at_work(slot)) {
        slot->start.gather = false;
        retire(slot);
    } else {
        slot_lose(slot, "it broke the dialog");
    }
}

/* Is the worker busy with something it was sent? */
static bool is_busy(const struct slot *slot) {
    return slot->sent > 0 && !slot->item[first_open(slot)].owes;
}

static bool is_large(const struct slot *slot, const struct slot_item *item) {
    return item->share == 0 && !item->alone && split_wanted(slot->start.options, item->size);
}

bool slot_may_send(const struct slot *slot) {
    return slot->state == SLOT_UP && !slot->retire && slot->sent < slot->count &&
           !(is_large(slot, &slot->item[slot->sent]) && is_busy(slot));
}

/* What the item asks of the worker; false: nothing, any more. */
static bool make_request(struct slot *slot, unsigned at, struct scan_request *out_request) {
    struct slot_item *item = &slot->item[at];
    if (split_is_gone(item->split) || (item->share > 0 && split_lacks(item->split))) {
        forget(slot, at);
        return false;
    }
    if (is_large(slot, item) && item->split == NULL) {
        item->split = split_offer(item->fd, item->size, slot->helpers);
    }
    *out_request = (struct scan_request){
        .id = item->id,
        .share = item->share,
        .shares = item->split == NULL ? 0 : split_count(item->split),
    };
    return true;
}

/* The next items, as many as fit, up to a large one whose turn has not come. Returns how many. */
static unsigned fill_packet(struct slot *slot, struct wire_packet *packet) {
    const struct wire_message *row = wire_find(&scan_dialog, SCAN_REQUEST);
    packet->len = 0;
    packet->fd_count = 0;
    while (slot->sent + packet->fd_count < slot->count && packet->fd_count < WIRE_FDS_MAX) {
        unsigned at = slot->sent + packet->fd_count;
        struct scan_request request;
        size_t len = 0;
        if ((packet->fd_count > 0 || is_busy(slot)) && is_large(slot, &slot->item[at])) {
            break;
        }
        if (!make_request(slot, at, &request)) {
            continue;
        }
        if (sk_failed(wire_encode(row, &request, packet->bytes + packet->len,
                                  sizeof(packet->bytes) - packet->len, &len))) {
            break; /* the next packet takes it: one always fits */
        }
        packet->len += len;
        packet->fd[packet->fd_count++] = slot->item[at].fd;
    }
    return packet->fd_count;
}

void slot_push(struct slot *slot) {
    /* Not on the stack: a guarded one is touched in all of its pages, before a fork and after. */
    static struct wire_packet packet;
    while (slot_may_send(slot)) {
        unsigned count = fill_packet(slot, &packet);
        /* Closed: what the worker said before it went is still to be read, slot_pull will see the
         * end. */
        if (count == 0 || wire_send(slot->child.fd, &packet, false) != WIRE_IO_OK) {
            break;
        }
        slot->oldest_since = slot->sent == 0 ? clock_monotonic_ms() : slot->oldest_since;
        slot->sent += count;
    }
    closing_end(&slot->done); /* of what was not to be sent any more */
}

static bool started(struct slot *slot, const struct scan_ready *ready) {
    slot->state = SLOT_UP;
    slot->sandbox = (struct sandbox_state){.held = ready->sandbox_held & SANDBOX_ALL,
                                           .landlock_abi = ready->landlock_abi};
    slot->base_bytes = ready->private_bytes;
    return true;
}

/* May the worker say something about this object now? */
static bool speaks_of(struct slot *slot, uint64_t id) {
    if (item_of_turn(slot, id) == slot->sent || (slot->speaking != 0 && slot->speaking != id)) {
        return false;
    }
    slot->speaking = id;
    return true;
}

/* Once each for an object: a worker gains no time by saying it over and over. */
static bool put_aside(struct slot *slot, uint64_t id) {
    unsigned at = item_of_turn(slot, id);
    if (at == slot->sent || slot->speaking != 0 || slot->item[at].again) {
        return false;
    }
    slot->scanned += slot->item[at].owes ? 0 : 1;
    slot->item[at].again = slot->item[at].owes; /* the second time: it is taken up again */
    slot->item[at].owes = !slot->item[at].owes;
    count_open(slot, &slot->item[at], !slot->item[at].owes);
    slot->oldest_since = clock_monotonic_ms();
    return true;
}

/* The worker begins with share 0 of the object that it was asked to share. */
static bool shared(struct slot *slot, uint64_t id) {
    unsigned at = item_of_turn(slot, id);
    if (at == slot->sent || slot->speaking != 0 || slot->item[at].owes ||
        slot->item[at].share > 0 || !split_begin(slot->item[at].split)) {
        return false;
    }
    slot->shared = id;
    return true;
}

/* The next child has all parts; this one only ends what it has begun. */
static void ask_for_all(struct slot *slot) {
    slot->start.lean = false;
    slot->retire = slot->retire || (slot->lean && slot->state != SLOT_DOWN);
}

void slot_join(struct slot *slot, const struct slot *with) {
    if (slot->start.lean && !with->lean) {
        ask_for_all(slot);
        if (slot->state == SLOT_UP && slot->sent == 0) {
            retire(slot);
        }
    }
}

/* It did not load what the object needs. A share is then no plain one: one worker scans it all.
 * While this worker ends what it has, we load it, so that its successors begin sooner. */
static bool lacks(struct slot *slot, uint64_t id) {
    unsigned at = item_of_turn(slot, id);
    if (at == slot->sent || slot->speaking != 0 || !slot->lean) {
        return false;
    }
    ask_for_all(slot);
    late_load_all();
    if (split_is_begun(slot->item[at].split)) {
        answered(slot, at, SK_E_UNSUPPORTED);
    } else {
        scan_again(slot, at, slot->item[at].alone);
    }
    slot->oldest_since = clock_monotonic_ms();
    return true;
}

static bool finished(struct slot *slot, const struct scan_done *done) {
    const struct pool_options *o = slot->start.options;
    gather_done(&slot->gather, done);
    slot->failed_starts = 0;
    unsigned at = sent_item(slot, done->id);
    slot->scanned += slot->item[at].owes || slot->item[at].again ? 0 : 1;
    slot->files++;
    slot->last_bytes = done->private_bytes;
    uint64_t grown =
        done->private_bytes > slot->base_bytes ? done->private_bytes - slot->base_bytes : 0;
    slot->retire = slot->retire || slot->files >= o->recycle_files || grown > o->recycle_bytes;
    answered(slot, at, (int)done->result);
    return true;
}

/* False: the worker broke the dialog. */
static bool act(struct slot *slot, uint16_t type, const union scan_record *r) {
    uint64_t id = 0;
    /* All messages of the busy state begin with the id. */
    switch (type) {
    case SCAN_READY:
        return started(slot, &r->ready);
    case SCAN_FAILED:
        (void)snprintf(slot->why, sizeof(slot->why), "%s", r->failed.why);
        return false;
    case SCAN_FINDING:
        if (!speaks_of(slot, r->finding.id)) {
            return false;
        }
        gather_finding(&slot->gather, &r->finding);
        return true;
    case SCAN_NOTE:
        if (!speaks_of(slot, r->note.id)) {
            return false;
        }
        gather_note(&slot->gather, &r->note);
        return true;
    case SCAN_TRIAL:
        if (!speaks_of(slot, r->trial.id)) {
            return false;
        }
        gather_trial(&slot->gather, &r->trial);
        return true;
    case SCAN_HITS:
        return speaks_of(slot, r->hits.id) && gather_hits(&slot->gather, &r->hits);
    case SCAN_OWES:
        return put_aside(slot, r->owes.id);
    case SCAN_SHARED:
        return shared(slot, r->shared.id);
    case SCAN_LACKS:
        return lacks(slot, r->lacks.id);
    case SCAN_DONE:
        return speaks_of(slot, r->done.id) && finished(slot, &r->done);
    case SCAN_STATS:
        slot->stats = r->stats;
        return true;
    default:
        return relay_object(type, r, &id) && speaks_of(slot, id) &&
               relay_deliver(slot->start.options->scan.observer, type, r);
    }
}

/* All that a packet says. False: the worker broke the dialog. */
static bool hear(struct slot *slot, const struct wire_packet *packet) {
    struct wire_input input = {{packet->bytes, packet->len}, packet->fd_count};
    while (input.bytes.len > 0 && slot->state != SLOT_DOWN) {
        unsigned state = slot->state == SLOT_STARTING ? SCAN_STARTING
                         : slot->sent > 0             ? SCAN_BUSY
                                                      : SCAN_IDLE;
        struct wire_peer peer = {SCAN_FROM_WORKER, state};
        union scan_record record;
        uint16_t type;
        /* SHARED ends its packet: the pool gives out the shares before anything else is heard */
        if (slot->shared != 0 ||
            sk_failed(wire_decode(&scan_dialog, &peer, &input, &type, &record)) ||
            !act(slot, type, &record)) {
            return false;
        }
        if (slot->retire && slot->sent == 0) {
            retire(slot);
        }
    }
    return true;
}

void slot_pull(struct slot *slot, struct wire_packet *packet) {
    /* not on, before the pool has seen that shares are to be given out */
    for (unsigned n = 0; n < PULL_MAX && slot->state != SLOT_DOWN && slot->shared == 0; n++) {
        enum wire_io io = wire_recv(slot->child.fd, false, packet);
        if (io == WIRE_IO_AGAIN) {
            break;
        }
        bool ok = io == WIRE_IO_OK && hear(slot, packet);
        wire_close(packet, 0);
        if (io == WIRE_IO_CLOSED) {
            slot_lose(slot, NULL);
        } else if (!ok) {
            broken(slot);
        }
    }
    closing_end(&slot->done);
}

uint64_t slot_busy_us(struct slot *slot, uint64_t now_us) {
    uint64_t waiting = 0;
    for (unsigned i = 0; i < slot->sent; i++) {
        waiting += slot->item[i].owes || slot->item[i].again ? 0 : 1;
    }
    uint64_t done = slot->scanned - slot->scanned_then;
    uint64_t took = now_us - slot->then_us;
    slot->scanned_then = slot->scanned;
    slot->then_us = now_us;
    return slot->state == SLOT_UP && done > 0 ? waiting * took / done : 0;
}

uint64_t slot_deadline(const struct slot *slot) {
    if (slot->state == SLOT_STARTING) {
        return slot->oldest_since + START_LIMIT_MS;
    }
    if (slot->state != SLOT_UP || slot->sent == 0) {
        return UINT64_MAX;
    }
    const struct pool_options *o = slot->start.options;
    uint64_t limit = o->scan.limits.max_scan_time;
    return slot->oldest_since + (limit != 0 ? limit + o->grace_ms : SILENCE_LIMIT_MS);
}
