// SPDX-License-Identifier: Apache-2.0
/*
 * Text in other character sets as UTF-8, through iconv(3) of the C library; sets of one byte a
 * character through tables of our own (charset_single.c), which are always there.
 *
 *     up --bytes--> iconv --> queue[4 KiB] --> caller
 *                     \-- a byte that fits nowhere --> U+FFFD, and on with the next one
 *
 * glibc loads the tables of a character set from a file when it is first asked for, which the
 * sandbox forbids. So all are one late part (base/late.h): when it is loaded, before the sandbox
 * closes or when the first text comes that needs one, a converter is opened for each row of
 * charsets.def, and streams use those. A converter has a state, hence at most one stream for each
 * character set at a time; a second one is given a converter of its own if the C library can make
 * one, else SK_E_UNSUPPORTED. The prepared converters live as long as the process.
 *
 * A set whose tables the system lacks is answered with SK_E_UNSUPPORTED when it is asked for.
 */
#include <errno.h>
#include <iconv.h>

#include "base/late.h"
#include "base/mem.h"
#include "codec/charset_single.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define NO_CONVERTER ((iconv_t)-1)
#define QUEUE_BYTES ((size_t)4096)
#define NAME_MAX_BYTES ((size_t)40)
#define REPLACEMENT "\xef\xbf\xbd"
#define REPLACEMENT_BYTES ((size_t)3)

struct set {
    const char *name;
    const char *library;
};

#define SK_CHARSET(name, library) {name, library},
static const struct set SETS[] = {
#include "codec/charsets.def"
};
#undef SK_CHARSET
#define SET_COUNT (sizeof(SETS) / sizeof(SETS[0]))

/* Of the first row with that library name; the others stay unused. */
static struct converter {
    iconv_t cd;
    bool ready;
    bool busy;
} converters[SET_COUNT];

static size_t first_row(size_t row) {
    size_t first = 0;
    while (strcmp(SETS[first].library, SETS[row].library) != 0) {
        first++;
    }
    return first;
}

static bool load_sets(void) {
    for (size_t i = 0; i < SET_COUNT; i++) {
        if (first_row(i) == i && !converters[i].ready &&
            charset_single_find(SETS[i].library) == NULL) {
            converters[i].cd = iconv_open("UTF-8", SETS[i].library);
            converters[i].ready = converters[i].cd != NO_CONVERTER;
        }
    }
    return true;
}

/* All at once: they share most of their modules. */
static bool sets_are_there(void) {
    static enum late_state state;
    return late_load(&state, load_sets);
}

void sk_charset_prepare(void) {
    (void)sets_are_there(); /* a set that is missing is told where it is asked for */
}

/* SET_COUNT: not known. */
static size_t row_of(struct sk_bytes name) {
    char plain[NAME_MAX_BYTES + 1];
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < NAME_MAX_BYTES; i++) {
        uint8_t c = name.ptr[i];
        uint8_t low = c | 0x20;
        if ((c >= '0' && c <= '9') || (low >= 'a' && low <= 'z')) {
            plain[len++] = (char)(c >= '0' && c <= '9' ? c : low);
        }
    }
    plain[len] = '\0';
    for (size_t i = 0; i < SET_COUNT; i++) {
        if (strcmp(plain, SETS[i].name) == 0) {
            return i;
        }
    }
    return SET_COUNT;
}

bool sk_charset_known(struct sk_bytes name) {
    return row_of(name) != SET_COUNT;
}

struct charset {
    struct stage stage;
    const struct charset_single *single; /* or NULL */
    iconv_t cd;
    struct converter *lender; /* NULL: cd is our own */
    uint8_t queue[QUEUE_BYTES];
    size_t queued, sent;
    bool flushed;
};

static bool drain(struct charset *s, struct stage_io *io) {
    size_t n = s->queued - s->sent;
    size_t room = io->out_cap - io->out_len;
    n = n < room ? n : room;
    memcpy(io->out + io->out_len, s->queue + s->sent, n);
    io->out_len += n;
    s->sent += n;
    return s->sent == s->queued;
}

/* The byte at the front is no text, or the last bytes are half of something. */
static void replace(struct charset *s, struct stage_io *io, char *out, size_t bytes) {
    memcpy(out, REPLACEMENT, REPLACEMENT_BYTES);
    s->queued += REPLACEMENT_BYTES;
    io->in_used += bytes;
}

/* Fill the empty queue. False: nothing more without input. */
static bool convert(struct charset *s, struct stage_io *io) {
    char *in = (char *)(uintptr_t)(io->in + io->in_used); /* iconv does not write to it */
    char *out = (char *)s->queue;
    size_t in_left = io->in_len - io->in_used;
    size_t out_left = QUEUE_BYTES - REPLACEMENT_BYTES;
    errno = 0;
    size_t result = iconv(s->cd, &in, &in_left, &out, &out_left);
    int why = result == (size_t)-1 ? errno : 0;
    io->in_used = io->in_len - in_left;
    s->sent = 0;
    s->queued = QUEUE_BYTES - REPLACEMENT_BYTES - out_left;
    if (why == EILSEQ && in_left > 0) {
        replace(s, io, out, 1);
    } else if (why == EINVAL && io->in_last) {
        replace(s, io, out, in_left);
    } else if (why == EINVAL && s->queued == 0) {
        io->want_more = true;
        return false;
    }
    return s->queued > 0 || io->in_used < io->in_len;
}

static bool convert_single(struct charset *s, struct stage_io *io) {
    s->sent = 0;
    s->queued = 0;
    while (io->in_used < io->in_len && s->queued + REPLACEMENT_BYTES <= QUEUE_BYTES) {
        s->queued += charset_single_put(s->single, io->in[io->in_used++], s->queue + s->queued);
    }
    return true;
}

static void flush(struct charset *s) {
    char *out = (char *)s->queue;
    size_t out_left = QUEUE_BYTES;
    s->flushed = true;
    if (s->single != NULL) {
        return;
    }
    (void)iconv(s->cd, NULL, NULL, &out, &out_left); /* a failure leaves nothing to give out */
    s->sent = 0;
    s->queued = QUEUE_BYTES - out_left;
}

static sk_err charset_step(struct stage *stage, struct stage_io *io) {
    struct charset *s = (struct charset *)(void *)stage;
    size_t before = SIZE_MAX;
    while (drain(s, io) && io->in_used < io->in_len && io->in_used != before) {
        before = io->in_used;
        if (!(s->single != NULL ? convert_single(s, io) : convert(s, io))) {
            return sk_ok();
        }
    }
    if (s->sent == s->queued && io->in_last && io->in_used == io->in_len) {
        if (!s->flushed) {
            flush(s);
        }
        io->end = drain(s, io);
    }
    return sk_ok();
}

static void charset_fini(struct stage *stage) {
    struct charset *s = (struct charset *)(void *)stage;
    if (s->lender != NULL) {
        s->lender->busy = false;
    } else if (s->cd != NO_CONVERTER) {
        (void)iconv_close(s->cd); /* nothing to do about a failing release */
    }
}

static bool borrow(struct charset *s, size_t row) {
    struct converter *c = &converters[first_row(row)];
    if (c->ready && !c->busy) {
        c->busy = true;
        s->lender = c;
        s->cd = c->cd;
        (void)iconv(s->cd, NULL, NULL, NULL, NULL); /* back to the initial state: cannot fail */
        return true;
    }
    s->cd = iconv_open("UTF-8", SETS[row].library);
    return s->cd != NO_CONVERTER;
}

sk_err sk_charset_open(struct sk_stream *up, struct sk_bytes name, struct sk_stream **out_stream) {
    size_t row = row_of(name);
    if (row == SET_COUNT) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct charset *s = stage_new(sizeof(*s), up, charset_step, charset_fini);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->cd = NO_CONVERTER;
    s->single = charset_single_find(SETS[row].library);
    if (s->single == NULL && !(sets_are_there() && borrow(s, row))) {
        sk_stream_close(&s->stage.base);
        return sk_fail(SK_E_UNSUPPORTED);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
