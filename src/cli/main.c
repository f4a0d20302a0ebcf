// SPDX-License-Identifier: Apache-2.0
/*
 * sekisho COMMAND [ARGUMENT]...: finds the command and calls it. Called by the name clamscan (a
 * symbolic link) it is that command. Knows no option but --help and --version.
 */
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/intl.h"
#include "cli/say.h"
#include "crypto/digest.h"
#include "os/sandbox.h"
#include "os/spawn.h"

#define START_BYTES ((size_t)80 << 10) /* what a command takes before it does anything */

struct command {
    const char *name;
    int (*run)(int argc, const char *const *argv);
    const char *help;
};

static const struct command COMMANDS[] = {
#define SK_COMMAND(name, function, help) {name, function, help},
#include "cli/commands.def"
#undef SK_COMMAND
};
#define COMMAND_COUNT (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

static const struct command *find(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, name) == 0) {
            return &COMMANDS[i];
        }
    }
    return NULL;
}

static void help(FILE *out) {
    (void)fprintf(out, _("Usage: sekisho COMMAND [OPTION]... [ARGUMENT]...\n"
                         "Free anti-malware for Linux. Commands:\n\n"));
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)fprintf(out, "  %-12s %s\n", COMMANDS[i].name, intl_text(COMMANDS[i].help));
    }
    (void)fprintf(out, _("\n'sekisho COMMAND --help' tells about one of them.\n"));
}

/* Output that did not arrive is a failure, whatever the command thinks. Nothing is torn down that
 * the system takes back by itself: the C library's way out calls into every library. */
static int leave(int code) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        say_error(NULL, _("cannot write the output"));
        code = code == EXIT_FOUND ? code : EXIT_INCOMPLETE;
    }
    if (!sandbox_sanitized()) { /* those report at exit */
        spawn_leave(code);
    }
    return code;
}

int main(int argc, char **argv) {
    const char *const *words = (const char *const *)argv;
    mem_expect(START_BYTES);
    intl_init();
    crypto_start();
    if (argc < 1) {
        return EXIT_WRONG_USAGE;
    }
    const char *slash = strrchr(words[0], '/');
    const char *self = slash == NULL ? words[0] : slash + 1;
    if (strcmp(self, "clamscan") == 0) {
        return leave(find("clamscan")->run(argc, words));
    }
    if (argc < 2) {
        help(stderr);
        return EXIT_WRONG_USAGE;
    }
    if (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0 ||
        strcmp(words[1], "help") == 0) {
        help(stdout);
        return leave(EXIT_CLEAN);
    }
    if (strcmp(words[1], "--version") == 0 || strcmp(words[1], "-V") == 0) {
        (void)printf("sekisho %s\nvectors: %s\n", SEKISHO_VERSION, cpu_path_name());
        return leave(EXIT_CLEAN);
    }
    const struct command *command = find(words[1]);
    if (command == NULL) {
        say_error(words[1], _("no such command; 'sekisho --help' lists them"));
        return EXIT_WRONG_USAGE;
    }
    return leave(command->run(argc - 1, words + 1));
}
