// SPDX-License-Identifier: Apache-2.0
/*
 * struct spawn_child: a forked child that runs one function, joined to us by a SOCK_SEQPACKET pair.
 *
 * The child starts with: descriptors 0, 1 and 2 on /dev/null, its end of the pair, the descriptors
 * in `keep` under their old numbers (or all of them: keep_all), nothing else; default signal
 * actions but SIGINT, SIGQUIT, SIGHUP and SIGPIPE ignored (a Ctrl-C is the parent's business);
 * death by SIGKILL when the parent dies. It never returns: it ends by _exit with the function's
 * result, so nothing of the parent's buffers is written twice.
 *
 * A child may share one number with the parent (spawn_word), which says what it is at when it has
 * died without a word: the child writes it at no cost, no other child has it, and the parent
 * believes it no more than a message.
 *
 * Life cycle: spawn_fork -> talk over .fd -> spawn_end (closes, reaps; kills when asked) or
 * spawn_kill.
 * Ownership: the struct owns the descriptor and the process id. Errors: SK_E_IO, SK_E_NOMEM.
 */
#ifndef SK_OS_SPAWN_H
#define SK_OS_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct spawn_child {
    pid_t pid; /* 0: none */
    int fd;    /* our end, close-on-exec, or -1 */
};

typedef int (*spawn_entry)(void *ctx, int fd);

struct spawn_options {
    spawn_entry entry;
    void *ctx;
    const int *keep;
    unsigned keep_count;
    uint64_t *word; /* of spawn_word_new, or NULL: this child has it, too */
    bool keep_all;  /* every descriptor: for children that are as trusted as we are */
};

#define SPAWN_KEEP_MAX 16

/* 0 at first; NULL: no memory. One child at a time; children it is not given to do not have it. */
uint64_t *spawn_word_new(void);
void spawn_word_free(uint64_t *word);

static inline void spawn_word_set(uint64_t *word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline uint64_t spawn_word_get(const uint64_t *word) {
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

sk_err spawn_fork(const struct spawn_options *options, struct spawn_child *out_child);
/* Has it ended? Then reaps it, *out_status as from waitpid, and pid becomes 0. Does not wait. */
bool spawn_ended(struct spawn_child *child, int *out_status);
/* Close our end and wait for the end of the child; force: kill it first. Returns the status. */
int spawn_end(struct spawn_child *child, bool force);
/* Kill it, and wait for its end later: before the next child is forked, or at exit. */
void spawn_kill(struct spawn_child *child);
/* Ends the process like _exit, after waiting for what was killed. */
_Noreturn void spawn_leave(int code);

#endif
