// SPDX-License-Identifier: Apache-2.0
// lint: table
/*
 * clamscan's options as `clamscan --help` of 1.4.6 lists them. Rows of kind CONF_NONE are accepted
 * so that scripts keep working, and have no effect yet; the manual page says so for each of them.
 */
#include "cli/clam_options.h"

#include "cli/intl.h"

#define AT(field) offsetof(struct clam_settings, field)
#define NO_EFFECT N_("Accepted for compatibility; no effect")
#define BOOL(name, letter, field, initial, help)                                                   \
    { name, letter, CONF_BOOL, AT(field), 0, 0, initial, NULL, NULL, N_(help), NULL }
#define FLAG(name, letter, field, help)                                                            \
    { name, letter, CONF_FLAG, AT(field), 0, 0, NULL, NULL, NULL, N_(help), NULL }
#define LIST(name, letter, field, arg, help)                                                       \
    { name, letter, CONF_LIST, AT(field), 0, 0, NULL, arg, NULL, N_(help), NULL }
#define TEXT(name, letter, field, arg, help)                                                       \
    { name, letter, CONF_TEXT, AT(field), 0, 0, NULL, arg, NULL, N_(help), NULL }
#define NONE(name)                                                                                 \
    { name, 0, CONF_NONE, 0, 0, 0, NULL, NULL, NULL, NO_EFFECT, NULL }
#define NONE_ARG(name, arg)                                                                        \
    { name, 0, CONF_NONE, 0, 0, 0, NULL, arg, NULL, NO_EFFECT, NULL }
#define MAX_BYTES ((uint64_t)1 << 50)
#define SIZE(name, field, initial, help)                                                           \
    { name, 0, CONF_SIZE, AT(field), 0, MAX_BYTES, initial, "SIZE", NULL, N_(help), NULL }
#define NUMBER(name, field, top, initial, help)                                                    \
    { name, 0, CONF_NUMBER, AT(field), 0, top, initial, "N", NULL, N_(help), NULL }

static const struct conf_option OPTIONS[] = {
    FLAG("help", 'h', help, "Show this help"),
    FLAG("version", 'V', version, "Print version number"),
    FLAG("verbose", 'v', verbose, "Be verbose"),
    FLAG("archive-verbose", 'a', members, "Show filenames inside scanned archives"),
    NONE("debug"),
    FLAG("quiet", 0, quiet, "Only output error messages"),
    FLAG("stdout", 0, to_stdout, "Write errors to stdout instead of stderr"),
    FLAG("no-summary", 0, no_summary, "Disable summary at end of scanning"),
    BOOL("infected", 'i', infected, NULL, "Only print infected files"),
    BOOL("suppress-ok-results", 'o', no_ok, NULL, "Skip printing OK files"),
    BOOL("bell", 0, bell, NULL, "Sound bell on virus detection"),
    TEXT("tempdir", 0, temp_dir, "DIRECTORY", "Create temporary files in DIRECTORY"),
    NONE("leave-temps"),
    NONE("force-to-disk"),
    NONE("gen-json"),
    {"database", 'd', CONF_LIST, AT(database), 0, 0, NULL, "FILE/DIR", NULL,
     N_("Load virus database from FILE or DIR"),
     "A compiled set (a directory with a manifest, or an image) is opened at once; textual "
     "databases and CVD containers are compiled into a temporary directory first."},
    {"official-db-only", 0, CONF_BOOL, AT(official_only), 0, 0, NULL, NULL, NULL,
     N_("Only load official signatures"),
     "Signature files that lie loose in a directory are passed over; a file named by -d is read "
     "all the same, as clamscan does. Of a compiled set only the official segments are used."},
    NONE_ARG("fail-if-cvd-older-than", "DAYS"),
    TEXT("log", 'l', log, "FILE", "Save scan report to FILE"),
    BOOL("recursive", 'r', recursive, NULL, "Scan subdirectories recursively"),
    BOOL("allmatch", 'z', all_match, NULL, "Continue scanning within file after finding a match"),
    BOOL("cross-fs", 0, cross_fs, "yes", "Scan files and directories on other filesystems"),
    NUMBER("follow-dir-symlinks", dir_links, 2, "1",
           "Follow directory symlinks (0 = never, 1 = direct, 2 = always)"),
    NUMBER("follow-file-symlinks", file_links, 2, "1",
           "Follow file symlinks (0 = never, 1 = direct, 2 = always)"),
    LIST("file-list", 'f', file_list, "FILE", "Scan files from FILE"),
    BOOL("remove", 0, remove, NULL, "Remove infected files. Be careful!"),
    TEXT("move", 0, move, "DIRECTORY", "Move infected files into DIRECTORY"),
    TEXT("copy", 0, copy, "DIRECTORY", "Copy infected files into DIRECTORY"),
    LIST("exclude", 0, exclude, "REGEX", "Don't scan file names matching REGEX"),
    LIST("exclude-dir", 0, exclude_dir, "REGEX", "Don't scan directories matching REGEX"),
    LIST("include", 0, include, "REGEX", "Only scan file names matching REGEX"),
    LIST("include-dir", 0, include_dir, "REGEX", "Only scan directories matching REGEX"),
    NONE("bytecode"),
    NONE("bytecode-unsigned"),
    NONE_ARG("bytecode-timeout", "N"),
    NONE_ARG("statistics", "KIND"),
    BOOL("detect-pua", 0, pua, NULL, "Detect Possibly Unwanted Applications"),
    LIST("exclude-pua", 0, exclude_pua, "CAT", "Skip PUA sigs of category CAT"),
    LIST("include-pua", 0, include_pua, "CAT", "Load PUA sigs of category CAT"),
    BOOL("detect-structured", 0, alert.structured, NULL,
         "Detect structured data (SSN, Credit Card)"),
    NUMBER("structured-ssn-format", alert.ssn_format, 2, "0",
           "SSN format (0=normal,1=stripped,2=both)"),
    NUMBER("structured-ssn-count", alert.ssn_count, UINT32_MAX, "3",
           "Min SSN count to generate a detect"),
    NUMBER("structured-cc-count", alert.card_count, UINT32_MAX, "3",
           "Min CC count to generate a detect"),
    NUMBER("structured-cc-mode", alert.card_mode, 1, "0",
           "CC mode (0=credit debit and private label, 1=credit cards only"),
    BOOL("scan-mail", 0, alert.mail, "yes", "Scan mail files"),
    BOOL("phishing-sigs", 0, phishing_sigs, "yes",
         "Enable email signature-based phishing detection"),
    BOOL("phishing-scan-urls", 0, alert.links, "yes",
         "Enable URL signature-based phishing detection"),
    BOOL("heuristic-alerts", 0, alert.heuristics, "yes", "Heuristic alerts"),
    BOOL("heuristic-scan-precedence", 0, alert.precedence, NULL,
         "Stop scanning as soon as a heuristic match is found"),
    BOOL("normalize", 0, alert.normalise, "yes", "Normalize html, script, and text files"),
    BOOL("scan-pe", 0, alert.pe, "yes", "Scan PE files"),
    BOOL("scan-elf", 0, alert.elf, "yes", "Scan ELF files"),
    BOOL("scan-ole2", 0, alert.ole2, "yes", "Scan OLE2 containers"),
    BOOL("scan-pdf", 0, alert.pdf, "yes", "Scan PDF files"),
    BOOL("scan-swf", 0, alert.swf, "yes", "Scan SWF files"),
    BOOL("scan-html", 0, alert.html, "yes", "Scan HTML files"),
    BOOL("scan-xmldocs", 0, alert.xmldocs, "yes", "Scan xml-based document files"),
    BOOL("scan-hwp3", 0, alert.hwp3, "yes", "Scan HWP3 files"),
    BOOL("scan-onenote", 0, alert.onenote, "yes", "Scan OneNote files"),
    BOOL("scan-archive", 0, alert.archive, "yes", "Scan archive files"),
    BOOL("scan-image", 0, alert.image, "yes", "Scan image (graphics) files"),
    BOOL("scan-image-fuzzy-hash", 0, alert.image_hash, "yes",
         "Detect files by calculating image (graphics) fuzzy hashes"),
    BOOL("alert-broken", 0, alert.broken, NULL, "Alert on broken executable files (PE & ELF)"),
    BOOL("alert-broken-media", 0, alert.broken_media, NULL,
         "Alert on broken graphics files (JPEG, TIFF, PNG, GIF)"),
    BOOL("alert-encrypted", 0, alert.encrypted, NULL, "Alert on encrypted archives and documents"),
    BOOL("alert-encrypted-archive", 0, alert.encrypted_archive, NULL,
         "Alert on encrypted archives"),
    BOOL("alert-encrypted-doc", 0, alert.encrypted_doc, NULL, "Alert on encrypted documents"),
    BOOL("alert-macros", 0, alert.macros, NULL, "Alert on OLE2 files containing VBA macros"),
    BOOL("alert-exceeds-max", 0, alert.exceeds_max, NULL, "Alert on files that exceed a limit"),
    BOOL("alert-phishing-ssl", 0, alert.phishing_ssl, NULL,
         "Alert on emails containing SSL mismatches in URLs"),
    BOOL("alert-phishing-cloak", 0, alert.phishing_cloak, NULL,
         "Alert on emails containing cloaked URLs"),
    BOOL("alert-partition-intersection", 0, alert.partitions, NULL,
         "Alert on raw DMG image files containing partition intersections"),
    FLAG("nocerts", 0, alert.nocerts,
         "Disable authenticode certificate chain verification in PE files"),
    NONE("dumpcerts"),
    NUMBER("max-scantime", limits.scan_time, UINT32_MAX, "120000",
           "Scan time limit of one file (milliseconds)"),
    SIZE("max-filesize", limits.file_size, "100M", "Files larger than this will be skipped"),
    SIZE("max-scansize", limits.scan_size, "400M", "Data to scan for each container file"),
    NUMBER("max-files", limits.files, UINT32_MAX, "10000",
           "Number of files to scan for each container file"),
    NUMBER("max-recursion", limits.recursion, 100, "17", "Maximum archive recursion level"),
    NUMBER("max-dir-recursion", max_depth, UINT32_MAX, "15", "Maximum directory recursion level"),
    NONE_ARG("max-embeddedpe", "N"),
    SIZE("max-htmlnormalize", limits.html_normalise, "40M", "Maximum size of HTML to normalize"),
    SIZE("max-htmlnotags", limits.html_notags, "0",
         "Maximum size of HTML to search without its tags"),
    SIZE("max-scriptnormalize", limits.script_normalise, "0",
         "Maximum size of text and scripts to normalize"),
    NONE_ARG("max-ziptypercg", "N"),
    NONE_ARG("max-partitions", "N"),
    NONE_ARG("max-iconspe", "N"),
    NONE_ARG("max-rechwp3", "N"),
    NONE_ARG("pcre-match-limit", "N"),
    NONE_ARG("pcre-recmatch-limit", "N"),
    NONE_ARG("pcre-max-filesize", "N"),
    FLAG("disable-cache", 0, alert.no_cache, "Search copies of files already found clean too"),
    {"incomplete-as-ok", 0, CONF_FLAG, AT(incomplete_as_ok), 0, 0, NULL, NULL, NULL,
     N_("Print OK for files that could not be scanned fully, as clamscan does"),
     "Without this option such a file gets 'Not fully scanned: REASON ERROR' and exit code 2."},
    NUMBER("jobs", jobs, POOL_JOBS_MAX, "0", "Scan with N processes; 0: one per CPU"),
    FLAG("man", 0, man, "Print the options in manual page form"),
};

const struct conf_table clam_table = {OPTIONS, sizeof(OPTIONS) / sizeof(OPTIONS[0])};
