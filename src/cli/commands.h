// SPDX-License-Identifier: Apache-2.0
/* The commands of `sekisho`: commands.def is the list. argv[0] is the name of the command; returns
 * the exit code (cli/say.h). */
#ifndef SK_CLI_COMMANDS_H
#define SK_CLI_COMMANDS_H

#define SK_COMMAND(name, function, help) int function(int argc, const char *const *argv);
#include "cli/commands.def"
#undef SK_COMMAND

#endif
