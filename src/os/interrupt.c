// SPDX-License-Identifier: Apache-2.0
/* The handler only sets a flag: nothing else is safe in it. Process-wide, as signals are. */
#include "os/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t seen;

static void on_signal(int sig) {
    (void)sig;
    seen = 1;
}

void interrupt_catch(void) {
    static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};
    seen = 0;
    for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++) {
        struct sigaction old;
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        if (sigaction(SIGNALS[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            (void)sigaction(SIGNALS[i], &action, NULL);
        }
    }
}

bool interrupt_seen(void) {
    return seen != 0;
}
