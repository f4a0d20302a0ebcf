// SPDX-License-Identifier: Apache-2.0
/*
 * What the bits of a kill switch mean here: which reader of members is not used. The bits are those
 * of ClamAV 1.4.6, read off the list clamscan --debug prints with each single bit set. Parts that
 * do not exist here, or that are not readers of members (heuristics, unpackers, normalisers), have
 * no row: their switches are kept in the image and do nothing.
 *
 * What a switched-off reader would have opened is noted as a format without reader: the scan is not
 * complete, whoever turned the switch.
 */
#include "engine/switches.h"

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
    {RULE_SWITCH_DOCUMENT, 0x100, SK_TYPE_OOXML_WORD},
    {RULE_SWITCH_DOCUMENT, 0x100, SK_TYPE_OOXML_XL},
    {RULE_SWITCH_DOCUMENT, 0x100, SK_TYPE_OOXML_PPT},
    {RULE_SWITCH_DOCUMENT, 0x200, SK_TYPE_HWP3},
    {RULE_SWITCH_DOCUMENT, 0x400, SK_TYPE_ONENOTE},
    {RULE_SWITCH_MAIL, 0x1, SK_TYPE_MAIL},
    {RULE_SWITCH_MAIL, 0x2, SK_TYPE_TNEF},
    {RULE_SWITCH_OTHER, 0x1, SK_TYPE_UUENCODED},
    {RULE_SWITCH_OTHER, 0x2, SK_TYPE_SCRENC},
    {RULE_SWITCH_OTHER, 0x10, SK_TYPE_CRYPTFF},
};

static void apply(struct sk_engine *engine, const struct rule_switch *s) {
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if ((uint32_t)ROWS[i].category == s->category) {
            engine->off[ROWS[i].type] = (s->flags & ROWS[i].bit) == 0;
        }
    }
    if (s->category == RULE_SWITCH_ARCHIVE) {
        engine->no_passwords = (s->flags & 0x400000u) == 0;
    }
}

void switches_read(struct sk_engine *engine) {
    for (unsigned s = 0; s < engine->segment_count; s++) {
        const struct rules *rules = image_rules(engine->image[s]);
        for (uint32_t i = 0; i < rules->switch_count; i++) {
            apply(engine, &rules->switches[i]);
        }
    }
}
