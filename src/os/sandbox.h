// SPDX-License-Identifier: Apache-2.0
/*
 * The cage of a scanning process. After sandbox_enter the calling process can compute, read the
 * descriptors it has, talk over one socket and write one spool file; it can open nothing, connect
 * nowhere, start nothing, and it dies on anything else.
 *
 * Layers, each of which is tried and reported by itself (degrade openly):
 *   namespaces   own network, IPC, host name and, unprivileged, user namespace
 *   credentials  no capabilities; when started as root: user and group nobody
 *   privileges   no_new_privs and not dumpable
 *   landlock     every file, network, socket and signal right of the kernel handled, none granted
 *   rlimits      address space, open files, processes, core
 *   seccomp      allow list; file opening refused with EACCES, everything else kills
 *
 * Call once, in a process with one thread, after everything that needs files was opened. There is
 * no way back. Ownership: **fills** out_state. It cannot fail as a whole: the caller decides with
 * sandbox_level whether what holds is enough.
 */
#ifndef SK_OS_SANDBOX_H
#define SK_OS_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct sandbox_options {
    int socket_fd;         /* recvmsg, sendmsg; -1: none */
    int spool_fd;          /* pwrite, ftruncate; -1: none */
    uint64_t memory_bytes; /* address space beyond what is mapped now; 0: no limit */
    uint64_t file_bytes;   /* largest spool file; 0: no limit */
};

/* Bits of sandbox_state.held. */
enum sandbox_layer {
    SANDBOX_NAMESPACES = 1u << 0,
    SANDBOX_CREDENTIALS = 1u << 1,
    SANDBOX_PRIVILEGES = 1u << 2,
    SANDBOX_LANDLOCK = 1u << 3,
    SANDBOX_RLIMITS = 1u << 4,
    SANDBOX_SECCOMP = 1u << 5,
};
#define SANDBOX_ALL 0x3fu

struct sandbox_state {
    uint32_t held;         /* enum sandbox_layer bits */
    uint32_t landlock_abi; /* 0: none */
};

enum sandbox_level { SANDBOX_NONE = 0, SANDBOX_PARTIAL, SANDBOX_FULL };

void sandbox_enter(const struct sandbox_options *options, struct sandbox_state *out_state);
/* FULL: every layer. NONE: neither seccomp nor Landlock holds. */
enum sandbox_level sandbox_level(const struct sandbox_state *state);
/* "seccomp". English, static storage. */
const char *sandbox_layer_name(enum sandbox_layer layer);
/* "full", "partial (no landlock)", "none": English words for summaries and JSON. */
sk_err sandbox_describe(const struct sandbox_state *state, struct buf *out);
/* Built with a sanitizer, whose runtime needs what the filter forbids: seccomp and the memory limit
 * are then left out, and reported as not holding. */
bool sandbox_sanitized(void);

#endif
