// SPDX-License-Identifier: Apache-2.0
/*
 * One link, in the order of clamscan 1.4.6 (found by asking it; --debug tells each step):
 *
 *   real is no address                                          nothing
 *   a hash of it is in a gdb list                               allowed | Suspected-... |
 * URL.Blocked nothing shown, or the same                                  nothing (both are
 * cleaned, norm/url.h) what is shown does not look like an address                 nothing
 *   "real:shown/" fits a line of a wdb                          nothing
 *   listed := "real:shown/" fits a line of a pdb
 *   "host of real:host of shown/" fits a line of a wdb          nothing
 *   listed |= "host of shown/" fits a line of a pdb
 *   byte 1 in real, and listed or alert_cloak                   Cloaked.Null
 *   shown is https:, real is not, and listed or alert_ssl       SSL-Spoof
 *   not listed                                                  nothing
 *   both under the same registered domain                       nothing
 *                                                               SpoofedDomain
 *
 * Expressions are searched for, not anchored at the start; texts of hosts must be the end of the
 * subject, at its start or behind a dot. The names Cloaked.NumericIP and Cloaked.Username exist in
 * ClamAV's documentation; no link was found that clamscan 1.4.6 gives them for.
 */
#include "engine/phish.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "engine/expressions.h"
#include "engine/scan.h"
#include "norm/url.h"

#define SUBJECT_MAX (2 * URL_MAX_BYTES + 4)

struct phish {
    const struct sk_engine *engine;
    struct expressions links; /* one a link */
    bool any;                 /* is there any table at all? */
    bool hashes;              /* a gdb list */
    bool starved;
};

static sk_err fill(struct phish *p) {
    TRY(expressions_init(&p->links));
    for (unsigned s = 0; s < p->engine->segment_count; s++) {
        const struct rules *rules = image_rules(p->engine->image[s]);
        p->hashes = p->hashes || rules->url_count > 0;
        p->any = p->any || rules->link_count > 0 || rules->url_count > 0;
        if (rules->link_count > 0) {
            TRY(expressions_add(&p->links, s, rules->link_count));
        }
    }
    return sk_ok();
}

sk_err phish_new(const struct sk_engine *engine, struct phish **out_phish) {
    struct phish *p = mem_zalloc(1, sizeof(*p));
    if (p == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    p->engine = engine;
    sk_err err = fill(p);
    if (sk_failed(err)) {
        phish_free(p);
        return err;
    }
    *out_phish = p;
    return sk_ok();
}

void phish_free(struct phish *phish) {
    if (phish == NULL) {
        return;
    }
    expressions_release(&phish->links);
    mem_free(phish);
}

/* ---- lists of domains and pairs ------------------------------------------------------------ */

static bool is_end(const char *text, const char *subject) {
    size_t len = strlen(text);
    size_t whole = strlen(subject);
    return len <= whole && strcmp(subject + whole - len, text) == 0 &&
           (len == whole || subject[whole - len - 1] == '.');
}

/* Does any line of these two kinds fit? */
static bool fits(struct phish *p, enum rule_link_kind regex, enum rule_link_kind host,
                 const char *subject) {
    bool found = false;
    locale_t before = uselocale(p->links.bytes);
    for (unsigned s = 0; s < p->engine->segment_count && !found; s++) {
        const struct rules *rules = image_rules(p->engine->image[s]);
        for (uint32_t i = 0; i < rules->link_count && !found; i++) {
            const struct rule_link *l = &rules->link[i];
            found = (l->kind == (uint32_t)regex &&
                     expressions_fit(&p->links, s, i, &rules->text[l->text], subject)) ||
                    (l->kind == (uint32_t)host && is_end(&rules->text[l->text], subject));
        }
    }
    (void)uselocale(before);
    return found;
}

static bool is_allowed(struct phish *p, const char *subject) {
    return fits(p, RULE_LINK_ALLOW_REGEX, RULE_LINK_ALLOW_HOSTS, subject);
}

static bool is_listed(struct phish *p, const char *subject) {
    return fits(p, RULE_LINK_DOMAIN_REGEX, RULE_LINK_DOMAIN_HOST, subject);
}

/* "a:b/", or "b/" without a. */
static void put_subject(char out[SUBJECT_MAX], struct sk_bytes a, struct sk_bytes b, bool both) {
    size_t len = 0;
    if (both) {
        memcpy(out, a.ptr, a.len);
        len = a.len;
        out[len++] = ':';
    }
    memcpy(out + len, b.ptr, b.len);
    len += b.len;
    memcpy(out + len, "/", 2);
}

/* ---- hashed addresses ----------------------------------------------------------------------- */

struct hashed {
    struct phish *phish;
    unsigned count;
    uint8_t digest[URL_HASHES_MAX][CRYPTO_DIGEST_MAX]; /* of the forms of one address */
    bool kind[RULE_URL_KIND_COUNT];
};

/* Lines [low, high) are all that may be the first that is not before the digest. */
struct search {
    const uint8_t *digest;
    uint32_t low;
    uint32_t high;
    uint32_t at;   /* the guess, below high when any are left */
    uint32_t seen; /* the head of the line at the guess before */
};

#define GUESSES 3u
#define GUESS_NEAR 64u

static uint32_t head_of(const uint8_t *digest) {
    return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
           digest[3];
}

/* From where the last guess was, by what stands there. (2^31 lines would be an image of 77 GB.) */
static void guess(struct search *s, const struct rules *rules) {
    int64_t distance = (int64_t)head_of(s->digest) - (int64_t)s->seen;
    int64_t at = s->at + distance * rules->url_count / ((int64_t)1 << 32);
    at = at < s->low ? s->low : at;
    s->at = at < s->high ? (uint32_t)at : s->high - (s->high > s->low);
    __builtin_prefetch(&rules->url[s->at]);
}

/* Most are told apart by the head alone, which lies in one line of the cache. */
static bool is_before(const struct rule_url *url, const uint8_t *digest) {
    uint32_t head = head_of(url->digest), other = head_of(digest);
    return head < other || (head == other && memcmp(url->digest, digest, RULE_URL_DIGEST) < 0);
}

static void look_at(struct search *s, const struct rules *rules, uint32_t at) {
    if (at < s->low || at >= s->high) {
        return;
    }
    if (is_before(&rules->url[at], s->digest)) {
        s->low = at + 1;
    } else {
        s->high = at;
    }
}

/* The line may be a few further on or back. */
static void look_near(struct search *s, const struct rules *rules) {
    look_at(s, rules, s->at);
    bool up = s->low > s->at, more = true;
    for (uint32_t step = 1; step <= GUESS_NEAR && more; step *= 2) {
        uint32_t low = s->low, high = s->high;
        look_at(s, rules, up ? s->at + step : s->at > step ? s->at - step : 0);
        more = up ? s->high == high : s->low == low;
    }
    while (s->low < s->high) {
        look_at(s, rules, s->low + (s->high - s->low) / 2);
    }
}

static void take_kinds(struct hashed *h, const struct rules *rules, const struct search *s) {
    for (uint32_t at = s->low;
         at < rules->url_count && memcmp(rules->url[at].digest, s->digest, RULE_URL_DIGEST) == 0;
         at++) {
        h->kind[rules->url[at].kind] = true;
    }
}

/*
 * Digests are spread evenly: the place of one can be guessed, and better from what stands where it
 * was guessed. Then it is a few lines off, in a list of a hundred thousand; where a list is not
 * like that, halving finds it as well. All forms take each step together, because a guess costs a
 * miss of the cache. (Halving alone was two thirds of the time on mail with many links; guessing
 * one form after the other was no faster.)
 */
static void look_up(struct hashed *h, const struct rules *rules) {
    struct search search[URL_HASHES_MAX];
    for (unsigned i = 0; i < h->count; i++) {
        search[i] = (struct search){.digest = h->digest[i], .high = rules->url_count};
        guess(&search[i], rules);
    }
    for (unsigned round = 0; round < GUESSES; round++) {
        for (unsigned i = 0; i < h->count; i++) {
            struct search *s = &search[i];
            if (s->low < s->high) {
                s->seen = head_of(rules->url[s->at].digest);
                look_at(s, rules, s->at);
                guess(s, rules);
            }
        }
    }
    for (unsigned i = 0; i < h->count; i++) {
        look_near(&search[i], rules);
        take_kinds(h, rules, &search[i]);
    }
}

static bool on_form(void *ctx, const char *text, size_t len) {
    struct hashed *h = ctx;
    if (h->count == URL_HASHES_MAX) {
        return false;
    }
    if (sk_failed(crypto_digest(CRYPTO_SHA256, text, len, h->digest[h->count]))) {
        h->phish->starved = true;
        return false;
    }
    h->count++;
    return true;
}

static bool has_hashes(const struct phish *p) {
    for (unsigned s = 0; s < p->engine->segment_count; s++) {
        if (image_rules(p->engine->image[s])->url_count > 0) {
            return true;
        }
    }
    return false;
}

/* True: a list knows it, *out_name is what to tell (NULL: allowed). */
static bool is_hashed(struct phish *p, struct sk_bytes real, const char **out_name) {
    static const struct {
        enum rule_url_kind kind;
        const char *name;
    } ORDER[] = {
        {RULE_URL_ALLOW, NULL},
        {RULE_URL_PHISHING, "Heuristics.Safebrowsing.Suspected-phishing_safebrowsing.clamav.net"},
        {RULE_URL_MALWARE, "Heuristics.Safebrowsing.Suspected-malware_safebrowsing.clamav.net"},
        {RULE_URL_BLOCKED, "Heuristics.Phishing.URL.Blocked"},
    };
    struct hashed h = {.phish = p};
    if (!has_hashes(p)) {
        return false;
    }
    url_each_form(real, on_form, &h);
    for (unsigned s = 0; s < p->engine->segment_count; s++) {
        const struct rules *rules = image_rules(p->engine->image[s]);
        if (rules->url_count > 0) {
            look_up(&h, rules);
        }
    }
    for (size_t i = 0; i < sizeof(ORDER) / sizeof(ORDER[0]); i++) {
        if (h.kind[ORDER[i].kind]) {
            *out_name = ORDER[i].name;
            return true;
        }
    }
    return false;
}

/* ---- one link ------------------------------------------------------------------------------- */

static bool same_domain(struct sk_bytes a, struct sk_bytes b) {
    a = url_registered(a);
    b = url_registered(b);
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static const char *judge(const struct phish_link *link, const struct url *real,
                         const struct url *shown, bool listed) {
    if ((listed || link->alert_cloak) && url_is_cloaked(real)) {
        return "Heuristics.Phishing.Email.Cloaked.Null";
    }
    if ((listed || link->alert_ssl) && strncmp(shown->text, "https:", 6) == 0 &&
        strncmp(real->text, "https:", 6) != 0) {
        return "Heuristics.Phishing.Email.SSL-Spoof";
    }
    if (!listed || same_domain(url_host(real), url_host(shown))) {
        return NULL;
    }
    return "Heuristics.Phishing.Email.SpoofedDomain";
}

static const char *compare(struct phish *p, const struct phish_link *link) {
    struct url real, shown;
    char subject[SUBJECT_MAX];
    url_clean(link->real, false, &real);
    url_clean(link->shown, true, &shown);
    if (!url_looks_like_address(&shown)) {
        return NULL;
    }
    struct sk_bytes whole_real = {(const uint8_t *)real.text, real.len};
    struct sk_bytes whole_shown = {(const uint8_t *)shown.text, shown.len};
    put_subject(subject, whole_real, whole_shown, true);
    if (is_allowed(p, subject)) {
        return NULL;
    }
    bool listed = is_listed(p, subject);
    put_subject(subject, url_host(&real), url_host(&shown), true);
    if (is_allowed(p, subject)) {
        return NULL;
    }
    put_subject(subject, whole_real, url_host(&shown), false);
    listed = is_listed(p, subject) || listed;
    return judge(link, &real, &shown, listed);
}

bool phish_has_tables(const struct phish *phish) {
    return phish->any;
}

bool phish_has_hashes(const struct phish *phish) {
    return phish->hashes;
}

const char *phish_check(struct phish *phish, const struct phish_link *link, bool *out_starved) {
    const char *name = NULL;
    phish->starved = phish->links.starved = false;
    if ((phish->any || link->alert_ssl || link->alert_cloak) && url_is_address(link->real) &&
        !is_hashed(phish, link->real, &name)) {
        bool same =
            link->shown.len == link->real.len &&
            (link->real.len == 0 || memcmp(link->shown.ptr, link->real.ptr, link->real.len) == 0);
        name = link->shown.len == 0 || same ? NULL : compare(phish, link);
    }
    *out_starved = phish->starved || phish->links.starved;
    return name;
}
