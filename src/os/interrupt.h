// SPDX-License-Identifier: Apache-2.0
/*
 * "The user wants us to end": SIGINT, SIGTERM, SIGHUP as a question that loops ask.
 *
 * interrupt_catch once, at the start of work that can be ended in order; then interrupt_seen. A
 * blocking poll returns with EINTR. The second signal of a kind kills as usual, so a loop that
 * never asks can still be ended. Signals ignored by whoever started us (nohup) stay ignored. Forked
 * children of os/spawn.h get the default actions back. Errors: none.
 */
#ifndef SK_OS_INTERRUPT_H
#define SK_OS_INTERRUPT_H

#include <stdbool.h>

void interrupt_catch(void);
bool interrupt_seen(void);

#endif
