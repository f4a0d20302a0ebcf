// SPDX-License-Identifier: Apache-2.0
/*
 * What the bits of a kill switch mean here: which reader of members is not used. The bits are those
 * of ClamAV 1.4.6, read off the list clamscan --debug prints with each single bit set; what they
 * do is compared for every bit (tests/lib/switch_cases.py). Parts that do not exist here (unpackers
 * of programs, checks for single old viruses) have no row: their switches are kept in the image and
 * do nothing. Of PCRE: without options the flags i s m x A E U are not heeded, without global g.
 *
 * What a switched-off reader would have opened is noted as a format without reader: the scan is not
 * complete, whoever turned the switch.
 */
#include "engine/switches.h"

#include <string.h>

struct switch_row {
    enum rule_switch_category category;
    uint32_t bit;
    enum sk_type type;
};

static const struct switch_row ROWS[] = {
    {RULE_SWITCH_ARCHIVE, 0x1, SK_TYPE_RAR},
    {RULE_SWITCH_ARCHIVE, 0x2, SK_TYPE_ZIP},
    {RULE_SWITCH_ARCHIVE, 0x4, SK_TYPE_GZIP},
    {RULE_SWITCH_ARCHIVE, 0x8, SK_TYPE_BZIP2},
    {RULE_SWITCH_ARCHIVE, 0x10, SK_TYPE_SZDD},
    {RULE_SWITCH_ARCHIVE, 0x20, SK_TYPE_CAB},
    {RULE_SWITCH_ARCHIVE, 0x40, SK_TYPE_CHM},
    {RULE_SWITCH_ARCHIVE, 0x80, SK_TYPE_OLE2},
    {RULE_SWITCH_ARCHIVE, 0x100, SK_TYPE_TAR},
    {RULE_SWITCH_ARCHIVE, 0x100, SK_TYPE_TAR_OLD},
    {RULE_SWITCH_ARCHIVE, 0x200, SK_TYPE_BINHEX},
    {RULE_SWITCH_ARCHIVE, 0x400, SK_TYPE_SIS},
    {RULE_SWITCH_ARCHIVE, 0x400, SK_TYPE_ONENOTE}, /* sic: not that of DOCUMENT */
    {RULE_SWITCH_ARCHIVE, 0x800, SK_TYPE_NULSFT},
    {RULE_SWITCH_ARCHIVE, 0x1000, SK_TYPE_ARJ},
    {RULE_SWITCH_ARCHIVE, 0x2000, SK_TYPE_AUTOIT},
    {RULE_SWITCH_ARCHIVE, 0x4000, SK_TYPE_CPIO_OLD},
    {RULE_SWITCH_ARCHIVE, 0x4000, SK_TYPE_CPIO_ODC},
    {RULE_SWITCH_ARCHIVE, 0x4000, SK_TYPE_CPIO_NEWC},
    {RULE_SWITCH_ARCHIVE, 0x4000, SK_TYPE_CPIO_CRC},
    {RULE_SWITCH_ARCHIVE, 0x8000, SK_TYPE_ISHIELD_MSI},
    {RULE_SWITCH_ARCHIVE, 0x10000, SK_TYPE_SEVENZIP},
    {RULE_SWITCH_ARCHIVE, 0x20000, SK_TYPE_ISO},
    {RULE_SWITCH_ARCHIVE, 0x40000, SK_TYPE_DMG},
    {RULE_SWITCH_ARCHIVE, 0x80000, SK_TYPE_XAR},
    {RULE_SWITCH_ARCHIVE, 0x100000, SK_TYPE_PART_HFSPLUS},
    {RULE_SWITCH_ARCHIVE, 0x200000, SK_TYPE_XZ},
    {RULE_SWITCH_ARCHIVE, 0x800000, SK_TYPE_MBR},
    {RULE_SWITCH_ARCHIVE, 0x1000000, SK_TYPE_GPT},
    {RULE_SWITCH_ARCHIVE, 0x2000000, SK_TYPE_APM},
    {RULE_SWITCH_ARCHIVE, 0x4000000, SK_TYPE_EGG},
    {RULE_SWITCH_ARCHIVE, 0x8000000, SK_TYPE_UDF},
    {RULE_SWITCH_ARCHIVE, 0x10000000, SK_TYPE_LHA},
    {RULE_SWITCH_ARCHIVE, 0x20000000, SK_TYPE_ALZ},
    {RULE_SWITCH_DOCUMENT, 0x2, SK_TYPE_RTF},
    {RULE_SWITCH_DOCUMENT, 0x4, SK_TYPE_PDF},
    {RULE_SWITCH_DOCUMENT, 0x40, SK_TYPE_SWF},
    {RULE_SWITCH_DOCUMENT, 0x80, SK_TYPE_XML_WORD},
    {RULE_SWITCH_DOCUMENT, 0x80, SK_TYPE_XML_XL},
    {RULE_SWITCH_DOCUMENT, 0x100, SK_TYPE_OOXML_WORD},
    {RULE_SWITCH_DOCUMENT, 0x100, SK_TYPE_OOXML_XL},
    {RULE_SWITCH_DOCUMENT, 0x100, SK_TYPE_OOXML_PPT},
    {RULE_SWITCH_DOCUMENT, 0x200, SK_TYPE_HWP3},
    {RULE_SWITCH_MAIL, 0x1, SK_TYPE_MAIL},
    {RULE_SWITCH_MAIL, 0x2, SK_TYPE_TNEF},
    {RULE_SWITCH_OTHER, 0x1, SK_TYPE_UUENCODED},
    {RULE_SWITCH_OTHER, 0x2, SK_TYPE_SCRENC},
    {RULE_SWITCH_OTHER, 0x10, SK_TYPE_CRYPTFF},
};

static const struct {
    enum rule_switch_category category;
    uint32_t bit;
    uint32_t without;
} OTHERS[] = {
    {RULE_SWITCH_ARCHIVE, 0x400000, WITHOUT_PASSWORDS},
    {RULE_SWITCH_PE, 0x10, WITHOUT_SECTION_HASHES},
    {RULE_SWITCH_PE, 0x20000, WITHOUT_CERTIFICATES},
    {RULE_SWITCH_PE, 0x80000, WITHOUT_IMPORT_HASHES},
    {RULE_SWITCH_DOCUMENT, 0x1, WITHOUT_HTML},
    {RULE_SWITCH_DOCUMENT, 0x8, WITHOUT_TEXT},
    {RULE_SWITCH_PHISHING, 0x1, WITHOUT_LINKS},
    {RULE_SWITCH_OTHER, 0x20, WITHOUT_STRUCTURED},
    {RULE_SWITCH_OTHER, 0x4000, WITHOUT_IMAGE_HASHES},
    {RULE_SWITCH_PCRE, 0x1, WITHOUT_REGEX},
    {RULE_SWITCH_PCRE, 0x2, WITHOUT_REGEX_OPTIONS},
    {RULE_SWITCH_PCRE, 0x4, WITHOUT_REGEX_GLOBAL},
};

static void apply(struct sk_engine *engine, const struct rule_switch *s) {
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if ((uint32_t)ROWS[i].category == s->category) {
            engine->off[ROWS[i].type] = (s->flags & ROWS[i].bit) == 0;
        }
    }
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        if ((uint32_t)OTHERS[i].category == s->category) {
            engine->without &= ~OTHERS[i].without;
            engine->without |= (s->flags & OTHERS[i].bit) == 0 ? OTHERS[i].without : 0;
        }
    }
}

void switches_read(struct sk_engine *engine) {
    memset(engine->off, 0, sizeof(engine->off));
    engine->without = 0;
    for (unsigned s = 0; s < engine->segment_count; s++) {
        const struct rules *rules = image_rules(engine->image[s]);
        for (uint32_t i = 0; i < rules->switch_count; i++) {
            apply(engine, &rules->switches[i]);
        }
    }
}

/*
 * The parts an option leaves out (clamscan's --scan-*). Seen with clamscan 1.4.6: the type stays
 * what it is and its raw bytes are searched; only what the reader would have told is missing.
 * Archives are the containers that no other row names, OOXML documents among them.
 */
static const struct {
    enum sk_type type;
    uint32_t part;
} PARTS[] = {
    {SK_TYPE_MAIL, SK_PART_MAIL},
    {SK_TYPE_TNEF, SK_PART_MAIL},
    {SK_TYPE_MHTML, SK_PART_MAIL},
    {SK_TYPE_PE, SK_PART_PE},
    {SK_TYPE_ELF, SK_PART_ELF},
    {SK_TYPE_OLE2, SK_PART_OLE2},
    {SK_TYPE_HWPOLE2, SK_PART_OLE2},
    {SK_TYPE_PDF, SK_PART_PDF},
    {SK_TYPE_SWF, SK_PART_SWF},
    {SK_TYPE_HTML, SK_PART_HTML},
    {SK_TYPE_HTML_UTF16, SK_PART_HTML},
    {SK_TYPE_XML_WORD, SK_PART_XMLDOCS},
    {SK_TYPE_XML_XL, SK_PART_XMLDOCS},
    {SK_TYPE_XML_HWP, SK_PART_XMLDOCS},
    {SK_TYPE_XDP, SK_PART_XMLDOCS},
    {SK_TYPE_HWP3, SK_PART_HWP3},
    {SK_TYPE_ONENOTE, SK_PART_ONENOTE},
    {SK_TYPE_GIF, SK_PART_IMAGE},
    {SK_TYPE_PNG, SK_PART_IMAGE},
    {SK_TYPE_JPEG, SK_PART_IMAGE},
    {SK_TYPE_TIFF, SK_PART_IMAGE},
    {SK_TYPE_GRAPHICS, SK_PART_IMAGE},
    {SK_TYPE_TEXT_ASCII, SK_PART_HTML}, /* seen: its switch is that of all normalised text */
    {SK_TYPE_TEXT_UTF8, SK_PART_HTML},
    {SK_TYPE_TEXT_UTF16LE, SK_PART_HTML},
    {SK_TYPE_TEXT_UTF16BE, SK_PART_HTML},
    {SK_TYPE_SCRIPT, SK_PART_HTML},
    {SK_TYPE_RTF, 0},
    {SK_TYPE_MACHO_FAT, 0},
};

static uint32_t part_of(enum sk_type type) {
    for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
        if (PARTS[i].type == type) {
            return PARTS[i].part;
        }
    }
    return (sk_type_flags(type) & SK_TYPE_CONTAINER) != 0 ? SK_PART_ARCHIVE : 0;
}

void switches_parts(struct sk_scanner *sc, uint32_t parts) {
    for (unsigned t = 0; t < SK_TYPE_COUNT; t++) {
        sc->off[t] = (part_of((enum sk_type)t) & parts) != 0;
    }
}
