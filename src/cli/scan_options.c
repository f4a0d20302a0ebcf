// SPDX-License-Identifier: Apache-2.0
// lint: table
/*
 * The options of `sekisho scan`: the table is the parser, the help and the manual. Names and
 * defaults of limits are ClamAV's, so that nobody has to learn them twice.
 */
#include "cli/scan_options.h"

#include <errno.h>
#include <sched.h>

#include "cli/intl.h"
#include "os/file.h"

#define AT(field) offsetof(struct scan_settings, field)
#define FLAG(name, letter, field, help, more)                                                      \
    { name, letter, CONF_FLAG, AT(field), 0, 0, NULL, NULL, NULL, N_(help), more }
#define FLAG_ON(name, letter, field, help, more)                                                   \
    { name, letter, CONF_FLAG, AT(field), 0, 0, "yes", NULL, NULL, N_(help), more }
#define LIST(name, letter, field, arg, help, more)                                                 \
    { name, letter, CONF_LIST, AT(field), 0, 0, NULL, arg, NULL, N_(help), more }
#define MAX_BYTES ((uint64_t)1 << 50)

static const struct conf_option OPTIONS[] = {
    {"definitions", 'd', CONF_TEXT, AT(definitions), 0, 0, NULL, "DIR", NULL,
     N_("Use these compiled definitions"),
     "A directory with a manifest, or one image. Without this option: $SEKISHO_DEFINITIONS, then "
     "/var/lib/sekisho/definitions, then the set bundled with the program."},
    FLAG("official-db-only", 0, official_only, "Use only the official definitions of the set",
         "Those that came out of signed containers or were declared official when they were "
         "compiled: the others, whose names end in .UNOFFICIAL, count as not there, with their "
         "allow and ignore lists."),
    {"jobs", 'j', CONF_NUMBER, AT(jobs), 0, POOL_JOBS_MAX, "0", "N", NULL,
     N_("Scan with N processes; 0: one per CPU"),
     "The members of one large archive (ZIP, TAR, CPIO, AR, ISO) are shared out to processes that "
     "have nothing else to do. What is found does not depend on N; several may finish what one "
     "alone would leave for its limit of time or memory."},
    LIST("file-list", 'f', file_list, "FILE", "Scan the paths in FILE, one a line too", NULL),
    LIST("include", 0, include, "REGEX", "Only files whose path matches",
         "POSIX extended regular expression over the path; may be repeated."),
    LIST("exclude", 0, exclude, "REGEX", "No files whose path matches", NULL),
    LIST("include-dir", 0, include_dir, "REGEX", "Only directories whose path matches", NULL),
    LIST("exclude-dir", 0, exclude_dir, "REGEX", "No directories whose path matches", NULL),
    FLAG_ON("recursive", 'r', recursive, "Enter directories (--no-recursive: only the named ones)",
            NULL),
    FLAG_ON("cross-fs", 0, cross_fs, "Enter other file systems", NULL),
    FLAG("follow-symlinks", 0, follow, "Follow symbolic links met on the way",
         "Links named on the command line are always followed."),
    {"max-dir-recursion", 0, CONF_NUMBER, AT(max_depth), 0, 1000000, "0", "N", NULL,
     N_("Enter at most N directories below each other; 0: no limit"), NULL},
    FLAG("allmatch", 'z', all_match, "Report every name, not only the first of each file", NULL),
    FLAG("fail-fast", 0, fail_fast, "Stop at the first infected file", NULL),
    FLAG("no-archives", 0, no_archives, "Do not look into archives", NULL),
    {"max-filesize", 0, CONF_SIZE, AT(limits.file_size), 0, MAX_BYTES, "100M", "SIZE", NULL,
     N_("Do not scan files and members larger than this"),
     "Whatever a limit leaves out is reported, and the file counts as not fully scanned. 0 means "
     "the largest the engine can do."},
    {"max-scansize", 0, CONF_SIZE, AT(limits.scan_size), 0, MAX_BYTES, "400M", "SIZE", NULL,
     N_("Unpack at most this much from one file"), NULL},
    {"max-files", 0, CONF_NUMBER, AT(limits.files), 0, UINT32_MAX, "10000", "N", NULL,
     N_("Look at most at N members of one file"), NULL},
    {"max-recursion", 0, CONF_NUMBER, AT(limits.recursion), 0, 100, "17", "N", NULL,
     N_("Unpack at most N archives inside each other"), NULL},
    {"max-scantime", 0, CONF_NUMBER, AT(limits.scan_time), 0, UINT32_MAX, "120000", "MS", NULL,
     N_("Spend at most this many milliseconds on one file"), NULL},
    {"max-ratio", 0, CONF_NUMBER, AT(limits.ratio), 0, UINT32_MAX, "1000", "N", NULL,
     N_("Stop unpacking a member that grows more than N times"), NULL},
    {"max-memory", 0, CONF_SIZE, AT(limits.memory), (uint64_t)16 << 20, MAX_BYTES, "256M", "SIZE",
     NULL, N_("Memory for one scan; larger members go to a temporary file"), NULL},
    {"max-htmlnormalize", 0, CONF_SIZE, AT(limits.html_normalise), 0, MAX_BYTES, "40M", "SIZE",
     NULL, N_("Search larger HTML only as it is, not in normalised form"), NULL},
    {"max-htmlnotags", 0, CONF_SIZE, AT(limits.html_notags), 0, MAX_BYTES, "0", "SIZE", NULL,
     N_("Do not search the text of larger HTML without its tags"), NULL},
    {"max-scriptnormalize", 0, CONF_SIZE, AT(limits.script_normalise), 0, MAX_BYTES, "0", "SIZE",
     NULL, N_("Search larger text only as it is, not in normalised form"), NULL},
    FLAG_ON("heuristic-alerts", 0, alert.heuristics,
            "Tell heuristic findings that need no switch of their own", NULL),
    FLAG("heuristic-scan-precedence", 0, alert.precedence,
         "Heuristic findings are like any other, not told last", NULL),
    FLAG("alert-encrypted", 0, alert.encrypted, "Alert on encrypted archives and documents", NULL),
    FLAG("alert-encrypted-archive", 0, alert.encrypted_archive, "Alert on encrypted archives",
         NULL),
    FLAG("alert-encrypted-doc", 0, alert.encrypted_doc, "Alert on encrypted documents", NULL),
    FLAG("alert-macros", 0, alert.macros, "Alert on documents with VBA or Excel 4 macros", NULL),
    FLAG("alert-broken", 0, alert.broken, "Alert on broken executables (PE and ELF)", NULL),
    FLAG("alert-broken-media", 0, alert.broken_media,
         "Alert on broken images (JPEG, TIFF, PNG, GIF)", NULL),
    FLAG("alert-exceeds-max", 0, alert.exceeds_max, "Alert when a limit left something out", NULL),
    FLAG_ON("phishing-scan-urls", 0, alert.links, "Check where links in mail lead", NULL),
    FLAG("alert-phishing-ssl", 0, alert.phishing_ssl,
         "Alert on mail with links that show https and lead elsewhere", NULL),
    FLAG("alert-phishing-cloak", 0, alert.phishing_cloak, "Alert on mail with cloaked links", NULL),
    FLAG("alert-partition-intersection", 0, alert.partitions,
         "Alert on disk images whose partitions overlap", NULL),
    FLAG("detect-structured", 0, alert.structured,
         "Alert on text with card or social security numbers", NULL),
    {"structured-ssn-format", 0, CONF_NUMBER, AT(alert.ssn_format), 0, 2, "0", "N", NULL,
     N_("Social security numbers: 0 with hyphens, 1 without, 2 both"), NULL},
    {"structured-ssn-count", 0, CONF_NUMBER, AT(alert.ssn_count), 0, UINT32_MAX, "3", "N", NULL,
     N_("So many social security numbers in one text make an alert"), NULL},
    {"structured-cc-count", 0, CONF_NUMBER, AT(alert.card_count), 0, UINT32_MAX, "3", "N", NULL,
     N_("So many card numbers in one text make an alert"), NULL},
    {"structured-cc-mode", 0, CONF_NUMBER, AT(alert.card_mode), 0, 1, "0", "N", NULL,
     N_("Cards: 0 credit, debit and private label, 1 credit only"), NULL},
    FLAG_ON("normalize", 0, alert.normalise, "Search text and HTML in normalised form too", NULL),
    FLAG_ON("scan-mail", 0, alert.mail, "Look into mail", NULL),
    FLAG_ON("scan-pe", 0, alert.pe, "Read the structure of PE executables", NULL),
    FLAG_ON("scan-elf", 0, alert.elf, "Read the structure of ELF executables", NULL),
    FLAG_ON("scan-ole2", 0, alert.ole2, "Look into OLE2 documents", NULL),
    FLAG_ON("scan-pdf", 0, alert.pdf, "Look into PDF documents", NULL),
    FLAG_ON("scan-swf", 0, alert.swf, "Look into Flash files", NULL),
    FLAG_ON("scan-html", 0, alert.html, "Normalise HTML", NULL),
    FLAG_ON("scan-xmldocs", 0, alert.xmldocs, "Look into XML documents", NULL),
    FLAG_ON("scan-hwp3", 0, alert.hwp3, "Look into HWP3 documents", NULL),
    FLAG_ON("scan-onenote", 0, alert.onenote, "Look into OneNote files", NULL),
    FLAG_ON("scan-archive", 0, alert.archive, "Look into archives", NULL),
    FLAG_ON("scan-image", 0, alert.image, "Read the structure of images", NULL),
    FLAG_ON("scan-image-fuzzy-hash", 0, alert.image_hash, "Compare pictures with image hashes",
            NULL),
    FLAG("nocerts", 0, alert.nocerts,
         "Do not judge signed Windows programs by trusted and blocked certificates", NULL),
    FLAG("disable-cache", 0, alert.no_cache, "Search copies of files already found clean too",
         "Without this option a file with the same bytes as one that the same process found clean, "
         "without a note, in this run gets the same report at once."),
    {"tempdir", 0, CONF_TEXT, AT(temp_dir), 0, 0, NULL, "DIR", NULL, N_("Put temporary files here"),
     "They have no name and vanish with the program."},
    {"sandbox", 0, CONF_CHOICE, AT(sandbox), 0, 0, "auto", "MODE", "auto|require|off",
     N_("Sandbox of the scanning processes: auto, require, off"),
     "auto uses what the kernel offers and says in the summary what holds; require refuses to scan "
     "with less than all of it."},
    FLAG("explain", 0, explain,
         "Say for each finding what its definition looks for, and where it was",
         "Source and version of the definition, what it asks for, how often and where each of its "
         "parts was seen, and the value of each part of its expression."),
    FLAG("json", 0, json, "Print JSON Lines (see docs/scan-output.md)", NULL),
    FLAG("quiet", 'q', quiet, "Print only what was found and what went wrong", NULL),
    FLAG("verbose", 'v', verbose, "Print every file and every note", NULL),
    FLAG("stats", 0, stats, "Print what the work was, after the summary", NULL),
    FLAG_ON("progress", 0, progress, "Show progress on a terminal", NULL),
    {"color", 0, CONF_CHOICE, AT(color), 0, 0, "auto", "WHEN", "auto|always|never",
     N_("Colour the output: auto, always, never"), "auto: on a terminal, unless $NO_COLOR is set."},
    FLAG("help", 'h', help, "Print this help", NULL),
    FLAG("man", 0, man, "Print the options in manual page form", NULL),
};

const struct conf_table scan_table = {OPTIONS, sizeof(OPTIONS) / sizeof(OPTIONS[0])};

void limits_apply(const struct limit_settings *settings, struct sk_limits *out_limits) {
    *out_limits = (struct sk_limits){
        .max_file_size = settings->file_size,
        .max_scan_size = settings->scan_size,
        .max_files = (uint32_t)settings->files,
        .max_recursion = (uint32_t)settings->recursion,
        .max_scan_time = (uint32_t)settings->scan_time,
        .max_ratio = (uint32_t)settings->ratio,
        .max_memory = settings->memory,
        .max_html_normalise = settings->html_normalise,
        .max_html_notags = settings->html_notags,
        .max_script_normalise = settings->script_normalise,
    };
}

void alerts_apply(const struct alert_settings *a, struct sk_options *o) {
    const struct {
        bool on;
        uint32_t bit;
    } flags[] = {{!a->heuristics, SK_SCAN_NO_HEURISTICS},
                 {a->precedence, SK_SCAN_HEURISTICS_FIRST},
                 {!a->normalise, SK_SCAN_NO_NORMALISING},
                 {!a->links, SK_SCAN_NO_LINKS},
                 {!a->no_cache, SK_SCAN_REMEMBER}},
      alerts[] = {{a->encrypted || a->encrypted_archive, SK_ALERT_ENCRYPTED_ARCHIVE},
                  {a->encrypted || a->encrypted_doc, SK_ALERT_ENCRYPTED_DOC},
                  {a->macros, SK_ALERT_MACROS},
                  {a->broken, SK_ALERT_BROKEN},
                  {a->broken_media, SK_ALERT_BROKEN_MEDIA},
                  {a->exceeds_max, SK_ALERT_EXCEEDS_MAX},
                  {a->phishing_ssl, SK_ALERT_PHISHING_SSL},
                  {a->phishing_cloak, SK_ALERT_PHISHING_CLOAK},
                  {a->partitions, SK_ALERT_PARTITIONS}},
      off[] = {{!a->archive, SK_PART_ARCHIVE},
               {!a->mail, SK_PART_MAIL},
               {!a->pe, SK_PART_PE},
               {!a->elf, SK_PART_ELF},
               {!a->ole2, SK_PART_OLE2},
               {!a->pdf, SK_PART_PDF},
               {!a->swf, SK_PART_SWF},
               {!a->html, SK_PART_HTML},
               {!a->xmldocs, SK_PART_XMLDOCS},
               {!a->hwp3, SK_PART_HWP3},
               {!a->onenote, SK_PART_ONENOTE},
               {!a->image, SK_PART_IMAGE},
               {!a->image_hash, SK_PART_IMAGE_HASH},
               {a->nocerts, SK_PART_CERTIFICATES}};
    if (a->structured) {
        uint32_t what = SK_STRUCTURED_CARDS | (a->card_mode == 0 ? SK_STRUCTURED_OTHER_CARDS : 0) |
                        (a->ssn_format != 1 ? SK_STRUCTURED_SSN_HYPHENS : 0) |
                        (a->ssn_format != 0 ? SK_STRUCTURED_SSN_STRIPPED : 0);
        o->structured =
            (struct sk_structured){what, (uint32_t)a->card_count, (uint32_t)a->ssn_count};
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        o->flags |= flags[i].on ? flags[i].bit : 0;
    }
    for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
        o->alerts |= alerts[i].on ? alerts[i].bit : 0;
    }
    for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
        o->parts_off |= off[i].on ? off[i].bit : 0;
    }
}

unsigned cpus_usable(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > (int)POOL_JOBS_MAX ? POOL_JOBS_MAX : (unsigned)count;
}

#define LIST_FILE_MAX ((size_t)256 << 20)

static sk_err split_lines(struct buf *text, struct conf_list *paths) {
    char *line = (char *)text->data;
    while (line != NULL && *line != '\0') {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        if (*line != '\0') {
            TRY(conf_list_add(paths, line));
        }
        line = end;
    }
    return sk_ok();
}

sk_err paths_from_lists(const struct conf_list *files, struct conf_list *paths,
                        struct buf *out_text, struct diag *diag) {
    for (size_t i = 0; i < files->count; i++) {
        sk_err err = file_read_all(files->item[i], LIST_FILE_MAX, &out_text[i]);
        if (sk_failed(err)) {
            diag_say(diag, DIAG_ERROR, files->item[i], 0, _("cannot read the list of files: %s"),
                     err.code == SK_E_LIMIT ? intl_text(sk_err_text(err)) : strerror(errno));
            return err;
        }
        TRY(split_lines(&out_text[i], paths));
    }
    return sk_ok();
}
