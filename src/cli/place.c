// SPDX-License-Identifier: Apache-2.0
/*
 *   BUILD/src/cli/sekisho          -> BUILD/definitions, BUILD/po
 *   ELSEWHERE/bin/sekisho          -> ELSEWHERE/share/sekisho/definitions, ELSEWHERE/share/locale
 *
 * The build folder is recognised by where the program lies in it, not by looking for files above
 * any folder the program may have been copied to: /usr/local/bin/../../definitions is nobody's
 * business.
 */
#include "cli/place.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#ifndef SEKISHO_BINDIR
#define SEKISHO_BINDIR "/usr/local/bin"
#endif
#define IN_BUILD "/src/cli"

static sk_err own_folder(char out[PATH_MAX]) {
    ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 1);
    char *slash = len <= 0 ? NULL : memrchr(out, '/', (size_t)len);
    if (slash == NULL) {
        return sk_fail(SK_E_NOTFOUND);
    }
    *slash = '\0';
    return sk_ok();
}

sk_err place_in_build(const char *name, struct buf *out) {
    char dir[PATH_MAX];
    TRY(own_folder(dir));
    size_t len = strlen(dir);
    size_t tail = strlen(IN_BUILD);
    if (len <= tail || strcmp(dir + len - tail, IN_BUILD) != 0) {
        return sk_fail(SK_E_NOTFOUND);
    }
    dir[len - tail] = '\0';
    return buf_printf(out, "%s/%s", dir, name);
}

sk_err place_moved(const char *name, struct buf *out) {
    char dir[PATH_MAX];
    TRY(own_folder(dir));
    if (strcmp(dir, SEKISHO_BINDIR) == 0) {
        return sk_fail(SK_E_NOTFOUND);
    }
    return buf_printf(out, "%s/%s", dir, name);
}
