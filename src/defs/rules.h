// SPDX-License-Identifier: Apache-2.0
/*
 * Small tables of a definitions image that are gone through in order: rules about members of
 * containers, passwords, switches. They are few (hundreds), so none of them has an index.
 *
 * All integers little-endian, naturally aligned, without holes. Texts are NUL-terminated,
 * referenced by their offset in `text`. docs/DEFS-FORMAT.md describes the same bytes. **Borrowed**
 * while the image is open. The shapes are proved at open (image_rules.c), every offset too: rules
 * are few. Source: clamav-formats.md 1.2 (cdb, zmd, rmd, pwdb, cfg, ftm, idb, cat).
 */
#ifndef SK_DEFS_RULES_H
#define SK_DEFS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_NO_TEXT UINT32_MAX
#define RULE_REGEX_MAX_BYTES 1024u

enum rule_encrypted { RULE_PLAIN = 0, RULE_ENCRYPTED, RULE_ENCRYPTED_ANY };

/* min to max, both included; 0 to UINT64_MAX: any, also when nothing is stated. */
struct rule_range {
    uint64_t min;
    uint64_t max;
};

#define RULE_MEMBER_CRC 1u /* crc32 is asked for */

/* What a container states about a member. */
struct rule_member {
    struct rule_range container_size;
    struct rule_range packed_size;
    struct rule_range size;
    struct rule_range position; /* as ClamAV counts: see engine/members.c */
    uint32_t name;              /* reference for defs names */
    uint32_t regex;             /* POSIX extended, searched for in the member's name; or none */
    uint32_t crc32;
    uint16_t container; /* enum sk_type; SK_TYPE_ANY: any */
    uint8_t encrypted;  /* enum rule_encrypted */
    uint8_t flags;
};

/* Tried on encrypted members. */
struct rule_password {
    uint32_t name;
    uint32_t text; /* `len` bytes, which may hold NUL */
    uint32_t len;
    uint16_t container; /* SK_TYPE_ZIP, SK_TYPE_RAR, SK_TYPE_ANY */
    uint16_t pad;
};

enum rule_switch_category {
    RULE_SWITCH_PE = 0,
    RULE_SWITCH_ELF,
    RULE_SWITCH_MACHO,
    RULE_SWITCH_ARCHIVE,
    RULE_SWITCH_DOCUMENT,
    RULE_SWITCH_MAIL,
    RULE_SWITCH_PHISHING,
    RULE_SWITCH_OTHER,
    RULE_SWITCH_BYTECODE,
    RULE_SWITCH_STATS,
    RULE_SWITCH_PCRE,
    RULE_SWITCH_COUNT
};
/* Switches parts off: a bit that is not set. What the bits mean: engine/switches.c. */
struct rule_switch {
    uint32_t category;
    uint32_t flags;
};

/* Bytes at an offset that tell the type of a layer. Of several that fit the last one decides. */
#define RULE_MAGIC_MAX_BYTES 256u
#define RULE_MAGIC_REACH 1024u /* only so many bytes of a layer are looked at */
struct rule_magic {
    uint32_t text; /* `len` bytes, which may hold NUL */
    uint32_t offset;
    uint16_t len;
    uint16_t type; /* enum sk_type */
};

/* Domains to protect from links that only look like theirs (pdb), and pairs that are right (wdb).
 * Subjects end in '/', and so does every text here; how they are asked: engine/phish.c. */
enum rule_link_kind {
    RULE_LINK_DOMAIN_REGEX = 0, /* pdb R */
    RULE_LINK_DOMAIN_HOST,      /* pdb H */
    RULE_LINK_ALLOW_REGEX,      /* wdb X, Y */
    RULE_LINK_ALLOW_HOSTS,      /* wdb M: "real:displayed/" */
    RULE_LINK_KIND_COUNT
};
struct rule_link {
    uint32_t text;
    uint32_t kind;
};

/* Addresses by their SHA-256 (gdb), in ascending order of digest. */
enum rule_url_kind {
    RULE_URL_MALWARE = 0, /* S */
    RULE_URL_BLOCKED,     /* S1 */
    RULE_URL_PHISHING,    /* S2 */
    RULE_URL_ALLOW,       /* S:W */
    RULE_URL_KIND_COUNT
};
#define RULE_URL_DIGEST 32u
struct rule_url {
    uint8_t digest[RULE_URL_DIGEST];
    uint32_t kind;
};

/* A certificate of signed programs (Authenticode), trusted or blocked. */
#define RULE_CERT_CODE 1u /* its uses */
#define RULE_CERT_TIME 2u
#define RULE_CERT_CERT 4u
#define RULE_CERT_USES 7u
#define RULE_CERT_TRUSTED 8u /* else blocked */
#define RULE_CERT_SERIAL 16u /* the serial is asked for */
#define RULE_CERT_ALL 31u
#define RULE_CERT_ID_BYTES 20u
#define RULE_MODULUS_MAX_BYTES 1024u
struct rule_cert {
    uint32_t name;
    uint32_t modulus; /* `modulus_len` bytes in text, big-endian, the first is not 0 */
    uint16_t modulus_len;
    uint8_t flags;
    uint8_t pad;
    uint8_t subject[RULE_CERT_ID_BYTES]; /* SHA-1, see crypto/signed.h */
    uint8_t serial[RULE_CERT_ID_BYTES];
};

/* The fingerprint of an icon of a program (idb). Signatures name its groups (MT_ATTR_ICON_GROUP1);
 * what the numbers mean, and in which order: norm/icon_print.h. */
#define RULE_ICON_GROUPS 2u
#define RULE_ICON_AREAS 18u
#define RULE_ICON_SPREADS 4u
struct rule_icon_area {
    uint16_t value;
    uint8_t x;
    uint8_t y;
};
struct rule_icon {
    uint32_t name;
    uint32_t group[RULE_ICON_GROUPS]; /* texts, which may be empty */
    uint8_t side;                     /* 16, 24 or 32 */
    uint8_t spread[RULE_ICON_SPREADS];
    uint8_t pad[3];
    struct rule_icon_area area[RULE_ICON_AREAS];
};

/* A security catalogue (cat): its signed bytes, and the programs in it, ascending by digest.
 * Whether its signer is trusted is asked when a program of it is found (engine/authenticode.c). */
struct rule_catalogue {
    uint32_t text; /* `len` bytes, which may hold NUL */
    uint32_t len;
};
#define RULE_LISTED_BYTES 32u
struct rule_listed {
    uint8_t digest[RULE_LISTED_BYTES]; /* of Authenticode; SHA-1: zeros behind it */
    uint32_t len;                      /* 20: SHA-1, 32: SHA-256 */
    uint32_t catalogue;
};

/*
 * May this expression be given to regcomp? `len` bytes, or up to a NUL.
 *
 * The C library unrolls x{m,n} and x+, groups in each other, too; its time grows with the third
 * power of the loops that come out, and doubles with each of them when there is an endless loop
 * around what may match nothing, as in (a*)+ (72 characters that fuzzing found took minutes). So
 * what comes out is counted first: characters, classes and groups up to RULE_REGEX_ATOMS_MAX; loops
 * and what may be absent up to RULE_REGEX_LOOPS_MAX, with such a loop RULE_REGEX_CIRCLE_MAX; groups
 * RULE_REGEX_DEPTH_MAX deep. What passes takes a tenth of a second.
 *
 * Seen with clamscan 1.4.6, and refused here as there: a repetition of nothing, of '^' or of a
 * repetition, and an empty alternative. POSIX leaves them undefined.
 */
#define RULE_REGEX_ATOMS_MAX 4096u
#define RULE_REGEX_LOOPS_MAX 256u
#define RULE_REGEX_CIRCLE_MAX 12u
#define RULE_REGEX_DEPTH_MAX 64u
bool rule_regex_is_good(const char *regex, size_t len);

struct rules {
    const char *text;
    uint32_t text_len;
    const struct rule_member *member;
    uint32_t member_count;
    const struct rule_password *password;
    uint32_t password_count;
    const struct rule_switch *switches;
    uint32_t switch_count;
    const struct rule_magic *magic;
    uint32_t magic_count;
    const struct rule_link *link;
    uint32_t link_count;
    const struct rule_url *url;
    uint32_t url_count;
    const struct rule_cert *cert;
    uint32_t cert_count;
    const struct rule_icon *icon;
    uint32_t icon_count;
    const struct rule_catalogue *catalogue;
    uint32_t catalogue_count;
    const struct rule_listed *listed;
    uint32_t listed_count;
};

#endif
