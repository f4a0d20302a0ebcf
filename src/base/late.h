// SPDX-License-Identifier: Apache-2.0
/*
 * Late parts: libraries and tables that few objects need and that cost a third of a program's
 * start. A part is loaded when it is first asked for; a process that can open no file any more
 * (late_seal) notes instead that it lacked one, and whoever runs it has the object scanned by a
 * process that loaded everything before it closed itself in (pool/slot.h).
 *
 * Life cycle of the process: [late_defer] -> preparing -> [late_seal] -> late_load, late_take_lack.
 * State is the process's, as loaded libraries are. Not thread-safe. Nothing here fails: a part that
 * the system does not have is missing, which is no lack.
 */
#ifndef SK_BASE_LATE_H
#define SK_BASE_LATE_H

#include <stdbool.h>
#include <stddef.h>

enum late_state { LATE_UNTRIED = 0, LATE_LOADED, LATE_MISSING };

/* What prepares processes for sealing loads no late parts. */
void late_defer(void);
bool late_deferred(void);
/* From here on nothing can be loaded. */
void late_seal(void);
/* Who loads all parts of this process. */
void late_offer(void (*load_all)(void));
/* Has it done so, once: what is forked after that has them, too. */
void late_load_all(void);
/* Is the part there? Loads it when it is untried and the process is not sealed. */
bool late_load(enum late_state *state, bool (*load)(void));
/* Has a part been asked for that could have been loaded before the process was sealed? */
bool late_lacks(void);
/* The same, and forget it. */
bool late_take_lack(void);

/*
 * Loads a shared library and looks up `count` functions by name. **Fills** out_functions: as many
 * function pointers one behind the other, in the order of names; untouched when one is missing.
 * The library stays loaded.
 */
bool late_library(const char *soname, const char *const *names, size_t count, void *out_functions);

/* `var` with the functions of LIST(CALL), as in the library's manual, and var_is_there(), which
 * loads the library when it can and tells whether they are valid. */
#define LATE_MEMBER(name) __typeof__(&(name)) name;
#define LATE_NAME(name) #name,
#define LATE_TABLE(var, soname, LIST)                                                              \
    static struct { LIST(LATE_MEMBER) } var;                                                       \
    static const char *const var##_names[] = {LIST(LATE_NAME)};                                    \
    static bool var##_load(void) {                                                                 \
        size_t count = sizeof(var##_names) / sizeof(var##_names[0]);                               \
        return late_library(soname, var##_names, count, &(var));                                   \
    }                                                                                              \
    static bool var##_is_there(void) {                                                             \
        static enum late_state state;                                                              \
        return late_load(&state, var##_load);                                                      \
    }                                                                                              \
    _Static_assert(sizeof(var) == sizeof(var##_names), "nothing but these functions")

#endif
