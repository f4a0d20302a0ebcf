// SPDX-License-Identifier: Apache-2.0
/*
 * libsekisho: scan objects for malware with a compiled definition set.
 *
 * Opaque handles; one engine per process is usual, one scanner per thread or process at most.
 * Strings are UTF-8 or, where they come from the object, arbitrary bytes. Nothing is printed,
 * nothing global is changed.
 *
 * Life cycle: sk_engine_open -> sk_scanner_new -> sk_scan_* (any number) -> sk_scanner_free ->
 * sk_engine_close. Ownership: reports are **borrowed** from the scanner until its next scan or
 * sk_scanner_free. Results: functions return 0 (SK_OK) or a positive code (see sk_result_text). A
 * result code says that the engine could not work; it is never a verdict. A report is clean only
 * when it is complete.
 */
#ifndef SEKISHO_H
#define SEKISHO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEKISHO_API __attribute__((visibility("default")))

struct sk_engine;
struct sk_scanner;
struct sk_note_entry;

enum sk_verdict {
    SK_VERDICT_CLEAN = 0,      /* everything was looked at, nothing was found */
    SK_VERDICT_INFECTED = 1,   /* at least one finding */
    SK_VERDICT_INCOMPLETE = 2, /* nothing found, but not everything could be looked at: see notes */
    SK_VERDICT_ALLOWED = 3 /* something matched, and an allow-list entry of a layer cleared it */
};

/* Limits with ClamAV's names and defaults. 0 = the built-in maximum, not "off". */
struct sk_limits {
    uint64_t max_file_size; /* MaxFileSize, 100 MiB: larger layers are not looked at, noted */
    uint64_t max_scan_size; /* MaxScanSize, 400 MiB: bytes of all layers of one object */
    uint32_t max_files;     /* MaxFiles, 10000 */
    uint32_t max_recursion; /* MaxRecursion, 17 */
    uint32_t max_scan_time; /* MaxScanTime, milliseconds, 120000 */
    uint32_t max_ratio;     /* unpacked : packed of one member, once past 10 MiB; 1000 */
    uint64_t max_memory; /* arena and layer buffers, 256 MiB; larger layers go to the spool file */
    /* Larger layers are searched as they are and noted: */
    uint64_t max_html_normalise; /* MaxHTMLNormalize, 40 MiB: HTML, no normalised form */
    uint64_t max_html_notags;    /* MaxHTMLNoTags, 0 (ClamAV: 8 MiB): HTML, no form without tags */
    uint64_t max_script_normalise; /* MaxScriptNormalize, 0 (ClamAV: 20 MiB): text likewise */
};

#define SK_SCAN_ALL_MATCHES 1u      /* report every name, not only the first */
#define SK_SCAN_NO_ARCHIVES 2u      /* do not open containers; their inside is left out unasked */
#define SK_SCAN_NO_HEURISTICS 4u    /* HeuristicAlerts no: only what `alerts` asks for */
#define SK_SCAN_HEURISTICS_FIRST 8u /* HeuristicScanPrecedence: they end a first-match scan too */
#define SK_SCAN_NO_NORMALISING 16u  /* text and HTML as they are only */
#define SK_SCAN_NO_LINKS 64u        /* links in mail are not checked for phishing */
#define SK_SCAN_EXPLAIN 32u         /* findings of body signatures come with their trial */
#define SK_SCAN_REMEMBER 128u       /* copies of objects found clean get the report unsearched */

/* Findings named Heuristics.* that are told only when asked for. */
#define SK_ALERT_ENCRYPTED_ARCHIVE 1u
#define SK_ALERT_ENCRYPTED_DOC 2u
#define SK_ALERT_MACROS 4u
#define SK_ALERT_BROKEN 8u /* executables */
#define SK_ALERT_BROKEN_MEDIA 16u
#define SK_ALERT_EXCEEDS_MAX 32u /* a limit left something out */
#define SK_ALERT_PHISHING_SSL 64u
#define SK_ALERT_PHISHING_CLOAK 128u
#define SK_ALERT_PARTITIONS 256u /* partitions of a disk image overlap */

/* Readers that are not used, unasked: their types are searched as they are. */
#define SK_PART_ARCHIVE 1u
#define SK_PART_MAIL 2u
#define SK_PART_PE 4u
#define SK_PART_ELF 8u
#define SK_PART_OLE2 16u
#define SK_PART_PDF 32u
#define SK_PART_SWF 64u
#define SK_PART_HTML 128u
#define SK_PART_XMLDOCS 256u
#define SK_PART_HWP3 512u
#define SK_PART_ONENOTE 1024u
#define SK_PART_IMAGE 2048u
#define SK_PART_IMAGE_HASH 4096u   /* image hashes */
#define SK_PART_CERTIFICATES 8192u /* trust and blocking of signed programs */

/* Numbers that text should not hold: bits of sk_structured.what. */
#define SK_STRUCTURED_CARDS 1u       /* credit cards */
#define SK_STRUCTURED_OTHER_CARDS 2u /* debit and private label cards, too */
#define SK_STRUCTURED_SSN_HYPHENS 4u /* 123-45-6789 */
#define SK_STRUCTURED_SSN_STRIPPED 8u

/* Told as Heuristics.Structured.* from so many in one layer of text on. */
struct sk_structured {
    uint32_t what;
    uint32_t card_count;
    uint32_t ssn_count;
};

/* A body signature by its place in the definition set: a segment, an index in it. */
struct sk_try {
    uint32_t segment;
    uint32_t signature;
};

/*
 * What an observer is told while an object is scanned. Layers have numbers: 1 is the object, a
 * member has a larger one than its container; numbers may be left out. A layer is told before what
 * is in it; its notes and facts may come earlier than it does. All texts and bytes are **borrowed**
 * for the call and untrusted. The callbacks must not call the scanner.
 */
struct sk_layer_seen {
    uint64_t id;
    uint64_t parent;  /* 0: none */
    const char *name; /* any bytes */
    size_t name_len;
    const char *type; /* "pe"; a closer type may follow, see retyped */
    uint64_t size;    /* not opened: as the container states it, UINT64_MAX: it does not */
    int opened;       /* 0: there are no bytes to look at; notes say why */
    int view;         /* another reading of the parent's own bytes, not a member */
    uint8_t md5[16];  /* of the bytes of an opened layer */
    uint8_t sha1[20];
    uint8_t sha256[32];
};

struct sk_fact_seen {
    uint64_t layer;
    const char *word;  /* stable: "macros-vba" */
    const char *value; /* any bytes; NULL: none */
    size_t value_len;
};

struct sk_observer {
    void *ctx;
    int want_bytes; /* every opened layer is handed to `bytes`, piece by piece, right after `layer`
                     */
    void (*layer)(void *ctx, const struct sk_layer_seen *layer);
    void (*bytes)(void *ctx, uint64_t layer, const void *bytes, size_t len);
    void (*fact)(void *ctx, const struct sk_fact_seen *fact);
    void (*note)(void *ctx, uint64_t layer, const struct sk_note_entry *note);
    void (*retyped)(void *ctx, uint64_t layer, const char *type);
};

struct sk_options {
    struct sk_limits limits;
    uint32_t flags;     /* SK_SCAN_* */
    uint32_t alerts;    /* SK_ALERT_* */
    uint32_t parts_off; /* SK_PART_* */
    struct sk_structured structured;
    int spool_fd; /* unlinked temporary file for large layers, or -1: memory only. Borrowed. */
    const struct sk_observer *observer; /* NULL: none. Borrowed. Costs three digests per layer. */
    /* Signatures whose fate on every layer is wanted in the report (trials). Borrowed. */
    const struct sk_try *tries;
    size_t try_count;
};

/* The hits of one subsignature; the first few with their offsets. */
struct sk_hits {
    uint64_t count;
    const uint64_t *offsets;
    size_t offset_count;
};
/* How a body signature fared on one view of a layer. */
struct sk_trial {
    const char *layer;
    const char *layer_type;
    const char *view; /* "raw", "normalised" */
    uint32_t segment; /* as in struct sk_try */
    uint32_t signature;
    int of_target;              /* the view is one of those the signature is for */
    int limited;                /* counting stopped at a limit */
    int holds;                  /* its expression, whatever target and attributes say */
    uint64_t failed_attributes; /* bit i: attribute i does not hold */
    const struct sk_hits *subs;
    size_t sub_count;
};

struct sk_finding {
    const char *name;  /* as ClamAV would print it */
    const char *layer; /* path inside the object: "a.zip!inner/b.exe"; "" = the object itself */
    const char *layer_type; /* "pe" */
    uint64_t offset;        /* of a hit in that layer; UINT64_MAX: a hash of the whole layer */
    size_t trial;           /* number + 1 in the report's trials, 0: none */
};

struct sk_note_entry {
    const char *word; /* stable: "encrypted" */
    const char *text; /* English sentence */
    const char *layer;
    const char *detail; /* or NULL */
    int incomplete;
};

struct sk_report {
    enum sk_verdict verdict;
    int complete; /* nothing was left out */
    /* A signature matched some layer but for the types of the layers around it (Container,
     * Intermediates): the same bytes may be a find inside another container. Whoever remembers
     * verdicts by content must not remember this one as clean. */
    int depends_on_place;
    const struct sk_finding *findings;
    size_t finding_count;
    const struct sk_note_entry *notes;
    size_t note_count;
    const struct sk_trial *trials;
    size_t trial_count;
    const char *type; /* of the object: "zip" */
    uint64_t layers;
    uint64_t bytes_scanned; /* of all layers */
    uint64_t bytes_read;    /* of the object */
    uint8_t alike[32]; /* of a share (sk_scan_share): what all shares of the object must agree on */
};

/* What the work was, for --stats; sums since sk_scanner_new. */
struct sk_stats {
    uint64_t objects;
    uint64_t layers;
    uint64_t bytes;        /* of all layers, as searched */
    uint64_t gate_tests;   /* "may a hash signature of this size exist?" */
    uint64_t gate_passes;  /* ... and the answer was yes: the layer or section was hashed */
    uint64_t hashed_bytes; /* once per pass, however many algorithms */
    uint64_t candidates;   /* windows that passed a filter */
    uint64_t literals;     /* trigger literals compared */
    uint64_t touched;      /* signatures with a trigger found */
    uint64_t evaluated;
    uint64_t hits;
    uint64_t shares; /* of containers whose members were shared out (sk_scan_share) */
    uint64_t copies; /* objects that were not searched: SK_SCAN_REMEMBER */
};

SEKISHO_API void sk_options_init(struct sk_options *out_options);
/* definitions: directory with a manifest, or one image. why (may be NULL) receives one line on
 * failure. */
SEKISHO_API int sk_engine_open(const char *definitions, struct sk_engine **out_engine, char *why,
                               size_t why_len);
/* Forget definitions that are not official (those whose names end in .UNOFFICIAL), their lists and
 * rules, too. Before the first scanner is made. SK_E_NOTFOUND: none is left; close the engine. */
SEKISHO_API int sk_engine_official_only(struct sk_engine *engine);
SEKISHO_API void sk_engine_close(struct sk_engine *engine);
SEKISHO_API uint64_t sk_engine_signature_count(const struct sk_engine *engine);
SEKISHO_API int sk_scanner_new(struct sk_engine *engine, const struct sk_options *options,
                               struct sk_scanner **out_scanner);
SEKISHO_API void sk_scanner_free(struct sk_scanner *scanner);
/* A readable, seekable descriptor; name is only for the report and may be NULL. */
SEKISHO_API int sk_scan_fd(struct sk_scanner *scanner, int fd, const char *name,
                           const struct sk_report **out_report);
/*
 * For whoever scans many objects. As sk_scan_fd, but digests that a signature might need are put
 * off, to be taken for many objects side by side, which is several times faster. *out_owes not 0:
 * some are owed, and the report holds only when sk_scan_settle says that it stands; copy what is
 * needed of it, and keep fd open until then. tag: the caller's name for the object.
 */
SEKISHO_API int sk_scan_ahead(struct sk_scanner *scanner, int fd, uint64_t tag,
                              const struct sk_report **out_report, int *out_owes);
/*
 * Takes owed digests. 1: those of the object *out_tag are taken; *out_stands is 0 when a digest was
 * found, the object has changed, or could not be read again: scan it with sk_scan_fd, whose report
 * is the one that counts. 0: none to tell. all not 0: work until one can be told, as long as
 * anything is owed; else only while enough is owed for the digests to be fast.
 */
SEKISHO_API int sk_scan_settle(struct sk_scanner *scanner, int all, uint64_t *out_tag,
                               int *out_stands);
/*
 * One large container, looked at by several scanners side by side: each is given the same object,
 * the same count and an index of its own, walks the container and looks at its share of the
 * members. `agreed` is called, for index 0 only, before anything is searched, when the object can
 * be shared; others get their index only then, and without the call the report is about the whole
 * object, as that of sk_scan_ahead.
 *
 * Reports of shares count together or not at all: when each of them is clean, complete and without
 * notes, all have the same `type` and `alike`, their sums of layers and bytes_scanned keep within
 * the limits, and the object has not changed meanwhile. The object's report is then clean, with
 * these sums. In every other case it is to be scanned alone; a share that meets the first thing
 * worth reporting, or a quarter of the time limit, therefore ends there, incomplete. A share whose
 * owed digests do not stand (sk_scan_settle) counts as one that is not clean.
 *
 * The share and its ctx are **borrowed** for the call; `agreed` is not NULL. SK_E_USAGE: index or
 * count out of range.
 */
#define SK_SHARES_MAX 16u
struct sk_share {
    uint64_t tag;   /* as in sk_scan_ahead */
    uint32_t index; /* below count */
    uint32_t count; /* 2..SK_SHARES_MAX */
    void (*agreed)(void *ctx);
    void *ctx;
};
SEKISHO_API int sk_scan_share(struct sk_scanner *scanner, int fd, const struct sk_share *share,
                              const struct sk_report **out_report, int *out_owes);
SEKISHO_API int sk_scan_mem(struct sk_scanner *scanner, const void *bytes, size_t len,
                            const char *name, const struct sk_report **out_report);
SEKISHO_API void sk_scanner_stats(const struct sk_scanner *scanner, struct sk_stats *out_stats);
SEKISHO_API const char *sk_result_text(int result);

#ifdef __cplusplus
}
#endif
#endif
