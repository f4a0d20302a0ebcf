// SPDX-License-Identifier: Apache-2.0
/*
 * What is done with an infected file under --move, --copy, --remove.
 *
 * Acts only on the very file that was scanned: device and inode are compared again right before, in
 * the directory that is held open; a name that leads elsewhere now is an error, not an action.
 * Life cycle: clam_action_open -> clam_action_do... -> clam_action_close.
 */
#ifndef SK_CLI_CLAM_ACTION_H
#define SK_CLI_CLAM_ACTION_H

#include "cli/clam_print.h"
#include "cli/owner.h"

struct clam_action {
    enum { ACTION_NONE, ACTION_MOVE, ACTION_COPY, ACTION_REMOVE } kind;
    int dir;            /* target of move and copy */
    char *dir_path;     /* owned */
    struct owner owner; /* loaded at the first file that is to go */
};

/* false: said why through the printer. */
bool clam_action_open(struct clam_printer *printer, struct clam_action *out_action);
/* false: it failed, which was said. */
bool clam_action_do(struct clam_action *action, struct clam_printer *printer,
                    const struct outcome *outcome);
void clam_action_close(struct clam_action *action);

#endif
