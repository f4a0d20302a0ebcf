// SPDX-License-Identifier: Apache-2.0
/*
 * "Does a package of the operating system own this file?" Such files are reported and never moved
 * or removed: a wrong verdict on one of them would break the machine, and a right one is mended by
 * the package manager.
 *
 * Life cycle: owner_load -> owner_has... -> owner_release. path: absolute, without links. Errors:
 * none; where the package database cannot be read, the folders of the system (/usr but /usr/local,
 * /bin, /sbin, /lib*, /boot) count as owned.
 */
#ifndef SK_CLI_OWNER_H
#define SK_CLI_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct owner {
    uint64_t *hash; /* of every path that a package lists, sorted */
    size_t count, cap;
    bool loaded;
    bool known; /* false: no readable database */
};

/* info: the folder of the lists, normally OWNER_DPKG_INFO. */
#define OWNER_DPKG_INFO "/var/lib/dpkg/info"
void owner_load(struct owner *owner, const char *info);
bool owner_has(const struct owner *owner, const char *path);
void owner_release(struct owner *owner);

#endif
