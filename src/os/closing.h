// SPDX-License-Identifier: Apache-2.0
/*
 * struct closing: descriptors that are done with, closed several at a time: what comes in one
 * packet has numbers that follow each other, and a range of them is one call. A call costs 0.1 us
 * on some machines and 1 us on others, a tenth of what is done with a tiny file.
 *
 * Life cycle: zeroed -> (closing_add... -> closing_end)... Ownership: a descriptor added is
 * **taken**. Who waits, or answers for what is open, calls closing_end before. Errors: none, as of
 * close; errno survives.
 */
#ifndef SK_OS_CLOSING_H
#define SK_OS_CLOSING_H

#define CLOSING_MAX 16u

struct closing {
    unsigned count;
    int fd[CLOSING_MAX]; /* ascending */
};

/* Takes fd; negative: nothing. */
void closing_add(struct closing *closing, int fd);
/* Closes them all. */
void closing_end(struct closing *closing);

#endif
