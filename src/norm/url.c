// SPDX-License-Identifier: Apache-2.0
/*
 * Addresses as ClamAV's phishing checks see them. Everything here was found by asking clamscan
 * 1.4.6, which prints with --debug what it compares; several of its habits are no rules of any
 * standard, and are kept because lists (pdb, wdb) are written against them.
 *
 *   " http://www.PayPal.com:80/login?x "  -->  "http://www.paypal.com"
 *
 *   - blanks, control characters and ';' vanish, '\' becomes '/';
 *   - what stands behind the first ':' and its slashes is the host; it ends before the next '/',
 *     '?' or ':' (so "http://user:pw@host" is "http://user");
 *   - %HH is decoded, again and again (%2565 is e), but %20 and %2f stay; %00 becomes byte 1;
 *   - the host is in lower case, the scheme stays;
 *   - text shown loses everything but letters and digits at both ends.
 *
 * An address: http://, https://, ftp:// and anything; or a name that ends in a known top-level
 * domain, with a scheme or without. The list of those is the one clamscan 1.4.6 takes (each asked):
 * new ones (.app, .xyz) are none.
 */
#include "norm/url.h"

#include <string.h>

#include "base/hex.h"

#define DECODE_ROUNDS 8u
#define LABELS_MAX 64u
#define HOSTS_MAX 5u
#define PATHS_MAX 6u

static const char TLDS[] =
    " ac ad ae af ag ai al am an ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br "
    "bs bt bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cx cy cz de dj dk dm do dz ec "
    "ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy "
    "hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz "
    "la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx "
    "my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re "
    "ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr st su sv sy sz tc td tf tg th tj tk "
    "tl tm tn to tp tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt yu za zm zw "
    "com net org edu gov mil int arpa biz info name pro aero coop museum asia cat jobs mobi tel "
    "travel ";
#define TLD_MAX 6u
#define COUNTRY_LEN 2u

static bool is_tld(struct sk_bytes label) {
    char word[TLD_MAX + 3] = " ";
    if (label.len < COUNTRY_LEN || label.len > TLD_MAX ||
        memchr(label.ptr, ' ', label.len) != NULL || memchr(label.ptr, 0, label.len) != NULL) {
        return false;
    }
    memcpy(word + 1, label.ptr, label.len);
    word[label.len + 1] = ' ';
    return strstr(TLDS, word) != NULL;
}

static bool is_alnum(uint8_t c) {
    uint8_t low = c | 0x20;
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
}

static bool is_label_byte(uint8_t c) {
    return c < 0x80 && c != 0 && (is_alnum(c) || strchr("-_+*%!,()&$#'", c) != NULL || c == 1);
}

static bool starts(struct sk_bytes b, const char *text) {
    size_t len = strlen(text);
    return b.len >= len && memcmp(b.ptr, text, len) == 0;
}

static struct sk_bytes from(struct sk_bytes b, size_t off) {
    return (struct sk_bytes){b.ptr + off, b.len - off};
}

static size_t find(struct sk_bytes b, uint8_t c) {
    const uint8_t *p = b.len == 0 ? NULL : memchr(b.ptr, c, b.len);
    return p == NULL ? b.len : (size_t)(p - b.ptr);
}

/* "label.label.tld", then the end or '/'. */
static bool is_name(struct sk_bytes b) {
    size_t start = 0;
    struct sk_bytes last = {NULL, 0};
    unsigned labels = 0;
    for (size_t i = 0; i <= b.len; i++) {
        bool end = i == b.len || b.ptr[i] == '/';
        if (!end && b.ptr[i] != '.') {
            if (!is_label_byte(b.ptr[i])) {
                return false;
            }
            continue;
        }
        last = (struct sk_bytes){b.ptr + start, i - start};
        if (last.len == 0) {
            return false;
        }
        labels++;
        start = i + 1;
        if (end) {
            break;
        }
    }
    return labels > 1 && is_tld(last);
}

static bool is_full_address(struct sk_bytes b) {
    return starts(b, "http://") || starts(b, "https://") || starts(b, "ftp://");
}

/* Behind a scheme: slashes, user@, a name. */
static bool is_name_of_scheme(struct sk_bytes b) {
    while (b.len > 0 && b.ptr[0] == '/') {
        b = from(b, 1);
    }
    size_t path = find(b, '/');
    for (size_t at = path; at-- > 0;) {
        if (b.ptr[at] == '@') {
            return is_name(from(b, at + 1));
        }
    }
    return is_name(b);
}

bool url_is_address(struct sk_bytes raw) {
    static const char *const SCHEMES[] = {"http:", "https:", "ftp:"};
    while (raw.len > 0 && raw.ptr[0] == ' ') {
        raw = from(raw, 1);
    }
    if (is_full_address(raw)) {
        return true;
    }
    for (unsigned i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++) {
        if (starts(raw, SCHEMES[i])) {
            return is_name_of_scheme(from(raw, strlen(SCHEMES[i])));
        }
    }
    return is_name(raw);
}

/* ---- cleaning ----------------------------------------------------------------------------- */

/* Decodes once, in place; true: something changed. keep: bytes that stay as they are written. */
static bool decode(char *text, size_t *inout_len, const char *keep) {
    size_t to = 0;
    bool changed = false;
    for (size_t i = 0; i < *inout_len; i++) {
        int high = text[i] == '%' && i + 2 < *inout_len ? sk_hex_digit((uint8_t)text[i + 1]) : -1;
        int low = high >= 0 ? sk_hex_digit((uint8_t)text[i + 2]) : -1;
        int byte = high * 16 + low;
        if (low < 0 || (byte != 0 && strchr(keep, byte) != NULL)) {
            text[to++] = text[i];
            continue;
        }
        text[to++] = (char)(byte == 0 ? 1 : byte);
        i += 2;
        changed = true;
    }
    *inout_len = to;
    text[to] = '\0';
    return changed;
}

static void copy_raw(struct sk_bytes raw, struct url *u) {
    u->len = 0;
    for (size_t i = 0; i < raw.len && u->len < URL_MAX_BYTES; i++) {
        char c = (char)(raw.ptr[i] & 0x7f);
        if (c <= ' ' || c == ';') {
            continue;
        }
        u->text[u->len++] = (char)(c == '\\' ? '/' : c);
    }
    u->text[u->len] = '\0';
}

/* Where the host begins: behind the first ':' and its slashes, else at the start. */
static size_t host_start(const struct url *u) {
    const char *colon = memchr(u->text, ':', u->len);
    if (colon == NULL) {
        return 0;
    }
    size_t at = (size_t)(colon - u->text) + 1;
    while (at < u->len && u->text[at] == '/') {
        at++;
    }
    return at;
}

static void strip_ends(struct url *u) {
    size_t first = 0;
    while (u->len > 0 && !is_alnum((uint8_t)u->text[u->len - 1])) {
        u->len--;
    }
    while (first < u->len && !is_alnum((uint8_t)u->text[first])) {
        first++;
    }
    memmove(u->text, u->text + first, u->len - first);
    u->len -= first;
    u->text[u->len] = '\0';
}

void url_clean(struct sk_bytes raw, bool shown, struct url *out_url) {
    struct url *u = out_url;
    copy_raw(raw, u);
    size_t host = host_start(u);
    size_t end = host;
    while (end < u->len && strchr("/?:", u->text[end]) == NULL) {
        end++;
    }
    u->len = end;
    u->text[end] = '\0';
    for (unsigned i = 0; i < DECODE_ROUNDS && decode(u->text, &u->len, " /"); i++) {
    }
    for (size_t i = host; i < u->len; i++) {
        char c = u->text[i];
        u->text[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    if (shown) {
        strip_ends(u);
    }
}

/* ---- questions ---------------------------------------------------------------------------- */

static struct sk_bytes bytes_of(const struct url *u) {
    return (struct sk_bytes){(const uint8_t *)u->text, u->len};
}

bool url_looks_like_address(const struct url *url) {
    struct sk_bytes b = bytes_of(url);
    if (is_full_address(b)) {
        return true;
    }
    size_t colon = find(b, ':');
    return colon < b.len ? is_name_of_scheme(from(b, colon + 1)) : is_name(b);
}

bool url_is_cloaked(const struct url *url) {
    return memchr(url->text, 1, url->len) != NULL;
}

struct sk_bytes url_host(const struct url *url) {
    struct sk_bytes b = bytes_of(url);
    const char *slashes = strstr(url->text, "://");
    if (slashes != NULL) {
        b = from(b, (size_t)(slashes - url->text) + 3);
    }
    for (size_t i = b.len; i-- > 0;) {
        if (b.ptr[i] == '@') {
            b = from(b, i + 1);
            break;
        }
    }
    size_t end = 0;
    while (end < b.len && b.ptr[end] != ':' && b.ptr[end] != '/' && b.ptr[end] != '?') {
        end++;
    }
    b.len = end;
    return b;
}

/* The start of the label before `end` (which is its end). */
static size_t label_start(struct sk_bytes host, size_t end) {
    while (end > 0 && host.ptr[end - 1] != '.') {
        end--;
    }
    return end;
}

/* Seen: under a country two labels and the country count when the second is itself the name of a
 * top-level domain (co.uk, com.br, but also me.uk), else one label and the domain. */
struct sk_bytes url_registered(struct sk_bytes host) {
    size_t top = label_start(host, host.len);
    if (top == 0) {
        return host;
    }
    size_t second = label_start(host, top - 1);
    struct sk_bytes tld = {host.ptr + top, host.len - top};
    struct sk_bytes under = {host.ptr + second, top - 1 - second};
    if (second > 0 && tld.len == COUNTRY_LEN && is_tld(tld) && is_tld(under)) {
        second = label_start(host, second - 1);
    }
    return from(host, second);
}

/* ---- forms for hashed lists ---------------------------------------------------------------- */

struct forms {
    struct sk_bytes host[HOSTS_MAX];
    unsigned host_count;
    size_t path[PATHS_MAX]; /* lengths of prefixes of the path */
    unsigned path_count;
};

static void add_hosts(struct forms *f, struct sk_bytes host) {
    size_t start[LABELS_MAX];
    unsigned labels = 0;
    f->host[f->host_count++] = host;
    for (size_t end = host.len; end > 0 && labels < LABELS_MAX;) {
        start[labels] = label_start(host, end);
        end = start[labels] == 0 ? 0 : start[labels] - 1;
        labels++;
    }
    /* The last five to the last two labels, longest first. */
    for (unsigned n = HOSTS_MAX; n >= 2; n--) {
        if (n < labels && f->host_count < HOSTS_MAX) {
            f->host[f->host_count++] = from(host, start[n - 1]);
        }
    }
}

static void add_path(struct forms *f, size_t len) {
    for (unsigned i = 0; i < f->path_count; i++) {
        if (f->path[i] == len) {
            return;
        }
    }
    if (f->path_count < PATHS_MAX + 0u) {
        f->path[f->path_count++] = len;
    }
}

static void add_paths(struct forms *f, struct sk_bytes path) {
    size_t query = find(path, '?');
    add_path(f, path.len);
    add_path(f, query);
    for (size_t i = 0; i < query && f->path_count < PATHS_MAX; i++) {
        if (path.ptr[i] == '/') {
            add_path(f, i + 1);
        }
    }
}

/* "/a/../b/./c" -> "/b/c", in place. */
static void fold_dots(char *path, size_t *inout_len) {
    size_t to = 0;
    for (size_t i = 0; i < *inout_len;) {
        size_t end = i + 1;
        while (end < *inout_len && path[end] != '/' && path[end] != '?') {
            end++;
        }
        size_t len = end - i;
        bool up = len == 3 && memcmp(path + i, "/..", 3) == 0;
        if (path[i] == '?') {
            end = *inout_len;
            len = end - i;
        }
        if (up || (len == 2 && memcmp(path + i, "/.", 2) == 0)) {
            while (up && to > 0 && path[--to] != '/') {
            }
        } else {
            memmove(path + to, path + i, len);
            to += len;
        }
        i = end;
    }
    *inout_len = to;
    path[to] = '\0';
}

void url_each_form(struct sk_bytes raw, bool (*each)(void *ctx, const char *text, size_t len),
                   void *ctx) {
    struct url u;
    struct forms f = {.host_count = 0};
    u.len = raw.len < URL_MAX_BYTES ? raw.len : URL_MAX_BYTES;
    memcpy(u.text, raw.ptr, u.len);
    u.text[u.len] = '\0';
    for (unsigned i = 0; i < DECODE_ROUNDS && decode(u.text, &u.len, " "); i++) {
    }
    struct url whole;
    url_clean(raw, false, &whole);
    struct sk_bytes host = url_host(&whole);
    const char *slashes = strstr(u.text, "://");
    char *path = strchr(slashes == NULL ? u.text : slashes + 3, '/');
    size_t path_len = path == NULL ? 0 : u.len - (size_t)(path - u.text);
    if (path == NULL) {
        path = u.text;
        path[0] = '/';
        path_len = 1;
    }
    fold_dots(path, &path_len);
    if (path_len == 0 || path[0] != '/') {
        memmove(path + 1, path, path_len); /* there is room: at least "/." went */
        path[0] = '/';
        path_len++;
    }
    add_hosts(&f, host);
    add_paths(&f, (struct sk_bytes){(const uint8_t *)path, path_len});
    char text[2 * URL_MAX_BYTES + 1];
    for (unsigned h = 0; h < f.host_count; h++) {
        memcpy(text, f.host[h].ptr, f.host[h].len);
        for (unsigned p = 0; p < f.path_count; p++) {
            memcpy(text + f.host[h].len, path, f.path[p]);
            if (!each(ctx, text, f.host[h].len + f.path[p])) {
                return;
            }
        }
    }
}
