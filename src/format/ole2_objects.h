// SPDX-License-Identifier: Apache-2.0
/*
 * What streams of OLE2 files hold beside themselves: files, storages, pictures. Internal to
 * src/format. Each call looks at one stream, gives members below its path and tells facts; damage
 * sets o->damaged. Errors: SK_E_NOMEM, SK_E_IO, SK_E_STOP.
 */
#ifndef SK_FORMAT_OLE2_OBJECTS_H
#define SK_FORMAT_OLE2_OBJECTS_H

#include "format/ole2.h"

/* ole2_native.c: \1Ole10Native, a file put into a document by the packager. */
sk_err ole2_native(struct ole2 *o, uint32_t entry);
/* The same for "Equation Native": a fact. */
sk_err ole2_equation(struct ole2 *o, uint32_t entry);
/* ole2_ppt.c: "PowerPoint Document". */
sk_err ole2_ppt(struct ole2 *o, uint32_t entry);
/* ole2_biff.c: "Workbook" and "Book". */
sk_err ole2_workbook(struct ole2 *o, uint32_t entry);
/* ole2_art.c: pictures of a stream; of the drawing records of a workbook. */
sk_err ole2_pictures(struct ole2 *o, uint32_t entry);
sk_err ole2_sheet_pictures(struct ole2 *o, uint32_t entry);
/* ole2_msg.c: data of an attachment, packed body of a mail. */
sk_err ole2_msg_attachment(struct ole2 *o, uint32_t entry);
sk_err ole2_msg_rtf(struct ole2 *o, uint32_t entry);
/* ole2_hwp.c: is it a Hangul document (sets o->is_hwp)? Its packed streams. */
sk_err ole2_hwp_probe(struct ole2 *o);
sk_err ole2_hwp_stream(struct ole2 *o, uint32_t entry);
/* ole2_crypt.c: sets o->encrypted. */
sk_err ole2_crypt(struct ole2 *o);

#endif
