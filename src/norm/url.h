// SPDX-License-Identifier: Apache-2.0
/*
 * struct url: an address out of a link, in the form ClamAV compares, and what can be asked about
 * it.
 *
 * url_clean **fills** its result; texts are NUL-terminated, cut at URL_MAX_BYTES. Host names are
 * views into the url. Errors: none. Pure functions.
 * Source: seen with clamscan 1.4.6 (--debug tells the addresses it compares), see url.c.
 */
#ifndef SK_NORM_URL_H
#define SK_NORM_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cursor.h"

#define URL_MAX_BYTES ((size_t)1024)
#define URL_HASHES_MAX 30u /* host suffixes times paths */

struct url {
    char text[URL_MAX_BYTES + 1]; /* "http://www.example.org": no path, host in lower case */
    size_t len;
};

/* May the address of a link be one to compare? Asked before it is cleaned. */
bool url_is_address(struct sk_bytes raw);
/* shown: the text of the link, which loses punctuation at both ends. */
void url_clean(struct sk_bytes raw, bool shown, struct url *out_url);
/* Does cleaned text look like an address? */
bool url_looks_like_address(const struct url *url);
/* Hides something behind a byte nobody sees (%00, %01). */
bool url_is_cloaked(const struct url *url);
struct sk_bytes url_host(const struct url *url);
/* "example.co.uk" of "www.example.co.uk" */
struct sk_bytes url_registered(struct sk_bytes host);
/*
 * The texts hashed lists (gdb) hash: "host/path" for the host and its suffixes and the path and its
 * directories, as Safe Browsing v2 does. Calls `each` for at most URL_HASHES_MAX of them, until it
 * returns false.
 */
void url_each_form(struct sk_bytes raw, bool (*each)(void *ctx, const char *text, size_t len),
                   void *ctx);

#endif
