#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Documents good and bad, made here, with what must come out of them.

all_cases() yields Case(format, name, blob, children, facts, notes):
    children  {name: bytes} that must be among the members (None: the member must be there, its bytes do not matter)
    facts     {(word, value or None)} that must be told
    notes     set of the words of all notes, exactly

doc_cases.py --seeds: write every case of at most SEED_MAX bytes to fuzz/seeds/<format>/<name>.b64.
"""
import base64
import collections
import pathlib
import struct
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import mkdisk
import mkole

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "documents"

SEED_MAX = 20000
MSI_SET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
Case = collections.namedtuple("Case", "format name blob children facts notes")
MACRO = b'Attribute VB_Name = "Module1"\r\nSub  AutoOpen()\r\n  Shell "CMD /c echo" & _\r\n  "X"\r\nEnd Sub\r\n'
MACRO_TEXT = b'attribute vb_name = "Module1"\r\nsub autoopen()\r\n shell "CMD /c echo" & "X"\r\nend sub\r\n'
BIG = bytes(range(256)) * 20


def case(fmt, name, blob, children=None, facts=(), notes=()):
    return Case(fmt, name, blob, children or {}, set(facts), set(notes))


def u32(blob, off):
    return struct.unpack_from("<I", blob, off)[0]


def patched(blob, off, fmt, *values):
    out = bytearray(blob)
    struct.pack_into(fmt, out, off, *values)
    return bytes(out)


def fat_off(blob, sector):
    """Offset of a sector's word in the FAT of a file with one FAT sector."""
    return (u32(blob, 76) + 1) * 512 + sector * 4


def entry_off(blob, name):
    return blob.index(name.encode("utf-16le") + b"\0\0")


def word_doc(modules=None, **more):
    streams = {"WordDocument": bytes(4096), "1Table": b"table"}
    streams.update(mkole.vba_project(modules or {"Module1": MACRO}, prefix="Macros/", **more))
    return streams


VBA = {("macros-vba", None)}


def ole2_cases():
    streams = {"Small": b"small stream", "Dir/Big": BIG, "Dir/Sub/\x05Summary": b"s" * 64, "A\u3042/x": b"y" * 4095}
    members = {"Small": b"small stream", "Dir/Big": BIG, "Dir/Sub/_5_Summary": b"s" * 64, "A\u3042/x": b"y" * 4095}
    v3 = mkole.ole(streams)
    yield case("ole2", "streams3", v3, members)
    yield case("ole2", "streams4", mkole.ole(streams, 4), members)
    yield case("ole2", "bad-shift", patched(v3, 30, "<H", 99), members, notes={"damaged"})
    yield case("ole2", "bad-cutoff", patched(v3, 56, "<I", 0xffffffff), members, notes={"damaged"})
    yield case("ole2", "bad-counts", patched(patched(v3, 44, "<I", 0xffffffff), 64, "<I", 0x7fffffff), members)
    big = u32(v3, entry_off(v3, "Big") + 116)
    circle = patched(v3, fat_off(v3, big + 2), "<I", big)
    yield case("ole2", "circle-stream", circle, {"Small": b"small stream", "Dir/Big": None}, notes={"damaged"})
    far = patched(v3, fat_off(v3, big), "<I", 0x00ffffff)
    yield case("ole2", "far-sector", far, {"Small": b"small stream", "Dir/Big": BIG[:512]}, notes={"damaged"})
    directory = u32(v3, 48)
    yield case("ole2", "circle-directory", patched(v3, fat_off(v3, directory), "<I", directory), {"Small": b"small stream"},
               notes={"damaged"})
    yield case("ole2", "circle-tree", patched(v3, entry_off(v3, "Small") + 68, "<I", 1), {"Small": b"small stream"},
               notes={"damaged"})
    mini = u32(v3, 60)
    yield case("ole2", "circle-minifat", patched(v3, (mini + 1) * 512 + 4, "<I", 0),
               {"Dir/Big": BIG}, notes={"damaged"})
    yield case("ole2", "circle-difat", patched(patched(v3, 68, "<I", 0), 72, "<I", 0xffffffff), members)
    orphan = patched(v3, entry_off(v3, "Root Entry") + 76, "<I", 0xffffffff)
    yield case("ole2", "orphans", orphan, {"Small": b"small stream", "Dir/Big": None}, notes={"hidden-entry"})
    small = entry_off(v3, "Small") + 116
    yield case("ole2", "overlap", patched(v3, small, "<IQ", big, len(BIG)), {"Small": BIG, "Dir/Big": BIG})
    shared = mkole.ole({"Data": BIG, **{f"s{i}": b"" for i in range(60)}})
    start = u32(shared, entry_off(shared, "Data") + 116)
    for i in range(60):
        shared = patched(shared, entry_off(shared, f"s{i}") + 116, "<IQ", start, len(BIG))
    yield case("ole2", "shared-sectors", shared, {"Data": BIG, "s0": BIG, "s59": BIG}, notes={"limit-scan-size"})
    yield case("ole2", "huge-stream", patched(v3, small, "<IQ", big, 0x7fffffff), {"Small": BIG + bytes(0), "Dir/Big": BIG},
               notes={"damaged"})
    yield case("ole2", "cut", v3[:-700], {"Small": None}, notes={"damaged"})
    # "!Media": '!' and pairs of characters packed as Windows Installer does.
    packed = "\u4840" + "".join(chr(0x3800 + MSI_SET.index(a) + (MSI_SET.index(b) << 6)) for a, b in ("Me", "di"))
    packed += chr(0x4800 + MSI_SET.index("a"))
    yield case("ole2", "msi", mkole.ole({packed: b"rows"}, clsid=bytes.fromhex("84100c0000000000c000000000000046")),
               {"!Media": b"rows"})


def vba_cases():
    source = "Macros/VBA/Module1/source.bas"
    project = "Macros/VBA/dir/project.vba"
    good = word_doc()
    yield case("ole2", "vba3", mkole.ole(good), {source: MACRO, project: None}, VBA)
    yield case("ole2", "vba4", mkole.ole(good, 4), {source: MACRO, project: None}, VBA)
    yield case("ole2", "vba-offset", mkole.ole(word_doc(offset=77)), {source: MACRO}, VBA)
    lie = dict(word_doc(offset=77))
    lie["Macros/VBA/dir"] = mkole.compress(mkole.dir_stream(["Module1"], offset=5))
    yield case("ole2", "vba-offset-lies", mkole.ole(lie), {source: MACRO}, VBA)
    no_dir = dict(word_doc(offset=33))
    no_dir["Macros/VBA/dir"] = b"\x01nothing that unpacks"
    yield case("ole2", "vba-no-dir", mkole.ole(no_dir), {source: MACRO}, VBA)
    two = dict(good)
    other = MACRO.replace(b"CMD", b"SH")
    two["Macros/VBA/Module1"] += mkole.compress(other)
    yield case("ole2", "vba-second-source", mkole.ole(two), {source: other, project: None}, VBA, {"damaged"})
    late = {"WordDocument": good["WordDocument"], "Late": b"\0Attribut" + bytes(9 << 20) + mkole.compress(MACRO)}
    late["Edge"] = bytes((64 << 10) - 5) + mkole.compress(MACRO)
    yield case("ole2", "vba-late", mkole.ole(late, 4), {"Late/source.bas": MACRO, "Edge/source.bas": MACRO}, VBA)
    stomped = dict(good)
    stomped["Macros/VBA/Module1"] = bytes(i * 7 & 0x7f | 0x80 for i in range(900))
    yield case("ole2", "vba-stomped", mkole.ole(stomped), {}, VBA | {("vba-without-source", "Module1")})
    raw = dict(good)
    raw["Macros/VBA/Module1"] = mkole.compress(MACRO * 50, raw=True)
    padded = (MACRO * 50).ljust(-(-len(MACRO) * 50 // 4096) * 4096, b"\0")
    yield case("ole2", "vba-raw-chunks", mkole.ole(raw), {source: padded}, VBA)
    long_text = (MACRO * 300)
    yield case("ole2", "vba-long", mkole.ole(word_doc({"Module1": long_text})), {source: long_text}, VBA)
    japanese = 'Sub A()\r\n MsgBox "\u8868\u793a _\u30bd"\r\nEnd Sub\r\n'
    yield case("ole2", "vba-cp932", mkole.ole(word_doc({"\u6a19\u6e96": japanese}, codepage=932)),
               {"Macros/VBA/\u6a19\u6e96/source.bas": japanese.encode("cp932"), project: None}, VBA)
    bad = bytearray(mkole.compress(MACRO))
    bad[12:14] = b"\xff\xff"
    broken = dict(good)
    broken["Macros/VBA/Module1"] = bytes(bad)
    yield case("ole2", "vba-broken-chunk", mkole.ole(broken), {source: None}, VBA, {"damaged"})


def native(name, content, size=None):
    path = b"C:\\tmp\\" + name
    body = struct.pack("<H", 2) + name + b"\0" + path + b"\0" + struct.pack("<HHI", 0, 3, len(path) + 1) + path + b"\0"
    body += struct.pack("<I", len(content) if size is None else size) + content
    return struct.pack("<I", len(body)) + body


def ppt_record(kind, body, instance=0, version=0):
    return struct.pack("<HHI", version | instance << 4, kind, len(body)) + body


def object_cases():
    inner = b"MZ inner program" * 9
    blob = mkole.ole({"ObjectPool/_1/\x01Ole10Native": native(b"in.exe", inner) + b"tail"})
    yield case("ole2", "native", blob, {"ObjectPool/_1/_1_Ole10Native/in.exe": inner}, {("embedded-file", "in.exe")})
    blob = mkole.ole({"\x01Ole10Native": native(b"in.exe", inner, size=1 << 30)})
    yield case("ole2", "native-lies", blob, {"_1_Ole10Native/in.exe": inner},
               {("embedded-file", "in.exe")})
    blob = mkole.ole({"\x01Ole10Native": native(b"in.exe", inner).replace(b"\0", b"x")})
    yield case("ole2", "native-plain", blob, {"_1_Ole10Native/data": native(b"in.exe", inner).replace(b"\0", b"x")[4:]},
               {("embedded-file", "data")})
    yield case("ole2", "equation", mkole.ole({"ObjectPool/_1/Equation Native": bytes(28) + b"\3\1\1"}), {},
               {("embedded-file", "Equation Native")})
    storage = mkole.ole({"\x01Ole10Native": native(b"in.exe", inner)})
    packed = struct.pack("<I", len(storage)) + zlib.compress(storage)
    tree = ppt_record(1000, ppt_record(0x1011, packed, 1) + ppt_record(0x1011, storage), version=15) + bytes(8)
    document = {"PowerPoint Document": tree, "Current User": bytes(20)}
    yield case("ole2", "ppt", mkole.ole(document),
               {"PowerPoint Document/object-16": storage, f"PowerPoint Document/object-{24 + len(packed)}": storage},
               {("embedded-file", None)})
    cut = ppt_record(0x1011, packed[:60], 1)[:-10] + ppt_record(4, b"")[:3]
    yield case("ole2", "ppt-cut", mkole.ole({"PowerPoint Document": cut}), {"PowerPoint Document/object-8": None},
               {("embedded-file", None)}, {"damaged"})


RELS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" \
Target="https://t.example/a.dotm?x=1&amp;y=2" TargetMode="External"/>
<Relationship Id='rId2' TargetMode = 'External' Target='http://l.example/' Type='http://purl.oclc.org/ooxml/officeDocument/relationships/hyperlink'/>
<Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>
</Relationships>"""
FIELDS = """<w:document xmlns:w="x"><w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> DDE</w:instrText></w:r>
<w:r><w:instrText xml:space="preserve">AUTO "c:\\\\cmd.exe" "/c calc"</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>
<w:fldSimple w:instr=" PAGE "/><w:fldSimple w:instr="includetext &quot;http://i.example/x&quot;"/></w:p></w:document>"""
MACRO_SHEET = """<xm:macrosheet xmlns="m" xmlns:xm="x"><sheetData><row r="1"><c r="A1"><f>EXEC("cmd "&amp;"/c")</f><v>0</v></c>
<c r="B2" t="str"><f>HALT()</f></c></row></sheetData></xm:macrosheet>"""


def ooxml_cases():
    facts = {("external-content", "https://t.example/a.dotm?x=1&y=2"), ("uri", "http://l.example/")}
    yield case("ooxml", "rels", RELS.encode(), {}, facts)
    yield case("ooxml", "rels-utf16", RELS.encode("utf-16"), {}, facts)
    macros = RELS.replace("relationships/styles", "relationships/xlMacrosheet")
    yield case("ooxml", "rels-macros", macros.encode(), {}, facts | {("macros-xlm", None)})
    yield case("ooxml", "rels-cut", RELS.encode()[:330], {}, {("external-content", None)})
    yield case("ooxml", "fields", FIELDS.encode(), {}, {
        ("external-content", ' DDEAUTO "c:\\\\cmd.exe" "/c calc"'), ("external-content", 'includetext "http://i.example/x"')})
    yield case("ooxml", "macrosheet", MACRO_SHEET.encode(), {}, {("macros-xlm", None)})
    book = '<workbook><sheets><sheet name="A" state="hidden"/><sheet name="B" state="VeryHidden"/></sheets></workbook>'
    yield case("ooxml", "very-hidden", book.encode(), {}, {("very-hidden-sheet", "B")})
    link = '<externalLink xmlns="x"><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>'
    yield case("ooxml", "dde-link", link.encode(), {}, {("external-content", "cmd|/c calc")})


# The two examples of [MS-OXRTFCP] 3.1.
RTF_1 = bytes.fromhex("2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
                      "0af32068656c09002062770 5b06c647d0a800fa0".replace(" ", ""))
RTF_2 = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
ATTACH = "__attach_version1.0_#00000001/__substg1.0_"


def msg_cases():
    mail = {"__properties_version1.0": bytes(32), "__substg1.0_1000001F": "body".encode("utf-16le"),
            "__substg1.0_10090102": RTF_1, ATTACH + "37010102": b"attached bytes", ATTACH + "3704001F": b"s\0.\0",
            ATTACH + "3707001F": "dir\\\u3042.exe".encode("utf-16le"), "__attach_version1.0_#00000002/__substg1.0_37010102": b"z" * 70,
            "__attach_version1.0_#00000002/__substg1.0_3704001E": b"short.bin\0"}
    yield case("ole2", "msg", mkole.ole(mail), {
        ATTACH + "37010102/dir_\u3042.exe": b"attached bytes", "__substg1.0_1000001F": "body".encode("utf-16le"),
        "__attach_version1.0_#00000002/__substg1.0_37010102/short.bin": b"z" * 70,
        "__substg1.0_10090102/body.rtf": b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"},
        {("embedded-file", "dir_\u3042.exe"), ("embedded-file", "short.bin")})
    circle = {"__substg1.0_10090102": RTF_2}
    yield case("ole2", "msg-rtf-overlap", mkole.ole(circle), {"__substg1.0_10090102/body.rtf": b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"})
    yield case("ole2", "msg-rtf-bad", mkole.ole({"__substg1.0_10090102": RTF_1[:-2]}),
               {"__substg1.0_10090102/body.rtf": b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"}, notes={"damaged"})
    plain = struct.pack("<III", 20, 8, 0x414c454d) + bytes(4) + b"{plain}"
    yield case("ole2", "msg-rtf-plain", mkole.ole({"__substg1.0_10090102": plain}), {"__substg1.0_10090102/body.rtf": b"{plain}"})


def biff(kind, body=b""):
    return struct.pack("<HH", kind, len(body)) + body


def crypt_cases():
    def locked(name, streams, method):
        return case("ole2", name, mkole.ole(streams), {}, {("encryption", method)}, {"encrypted"})
    bof = biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
    yield locked("crypt-agile", {"EncryptionInfo": struct.pack("<HHI", 4, 4, 0x40) + b"<?xml?>", "EncryptedPackage": bytes(64)}, "AES, agile")
    yield locked("crypt-word", {"WordDocument": struct.pack("<HHHHHH", 0xa5ec, 0xc1, 0, 0, 0, 0x0100) + bytes(5000)}, "RC4")
    yield locked("crypt-word-xor", {"WordDocument": struct.pack("<HHHHHH", 0xa5ec, 0xc1, 0, 0, 0, 0x8100) + bytes(500)}, "XOR")
    yield locked("crypt-excel-xor", {"Workbook": bof + biff(0x2f, struct.pack("<HHH", 0, 1, 2))}, "XOR")
    yield locked("crypt-slides", {"Current User": struct.pack("<III", 0, 0x14, 0) + struct.pack("<I", 0xf3d1c4df)}, "RC4 CryptoAPI")
    plain = {"WordDocument": struct.pack("<HHHHHH", 0xa5ec, 0xc1, 0, 0, 0, 0x0004) + bytes(500), "Workbook": bof + biff(10)}
    yield case("ole2", "crypt-none", mkole.ole(plain))


def deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def active_mime(data, off=0x32):
    return b"ActiveMime\0\0\x01\xf0".ljust(off, b"\1") + zlib.compress(data)


def xml_cases():
    inner = b"MZ inside xml " * 40
    text = base64.encodebytes(inner).decode()
    found = {("embedded-file", None)}
    word = f"""<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:wordDocument xmlns:w="u"><w:docSuppData>
<w:binData w:name="oledata.mso" xml:space="preserve">{text}</w:binData></w:docSuppData><w:binData w:name="&#119;mf">
<![CDATA[{text}]]></w:binData></w:wordDocument>"""
    yield case("msxml", "word", word.encode(), {"oledata.mso": inner, "wmf": inner}, found)
    yield case("msxml", "word-utf16", word.encode("utf-16"), {"oledata.mso": inner, "wmf": inner}, found)
    yield case("msxml", "word-broken", word.encode().replace(b"</w:docSuppData>", b"</x></y>")[:-30], {"oledata.mso": inner}, found)
    excel = f'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><binData>{text}</binData></Workbook>'
    yield case("msxml", "excel", excel.encode(), {"data": inner}, found)
    flat = f"""<pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage"><pkg:part pkg:name="/word/vbaProject.bin">
<pkg:binaryData>{text}</pkg:binaryData></pkg:part></pkg:package>"""
    yield case("msxml", "flat-opc", flat.encode(), {"/word/vbaProject.bin": inner}, found)
    packed = base64.b64encode(deflated(inner)).decode()
    hwpml = f"""<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE HWPML SYSTEM "hwpml.dtd"><HWPML Version="2.8"><TAIL><BINDATASTORAGE>
<BINDATA Compress="true" Encoding="Base64" Id="1">{packed}</BINDATA><BINDATA Encoding="Base64" Id="2">{text}</BINDATA></BINDATASTORAGE>
<SCRIPTCODE Type="JScript"><SCRIPTSOURCE>var a = 1;</SCRIPTSOURCE></SCRIPTCODE></TAIL></HWPML>"""
    yield case("msxml", "hwpml", hwpml.encode(), {"1": inner, "2": inner, "script": b"var a = 1;"}, found | {("script", None)})
    storage = mkole.ole({"VBA/x": b"stream"})
    yield case("mso", "usual", active_mime(storage), {"object": storage})
    yield case("mso", "elsewhere", active_mime(storage, 60), {"object": storage})
    yield case("mso", "cut", active_mime(storage)[:-40], {"object": None}, notes={"damaged"})


ONE = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
ONE_OBJECT = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")


def one_object(data, size=None):
    return ONE_OBJECT + struct.pack("<QIQ", len(data) if size is None else size, 0, 0) + data + bytes(-len(data) % 8) + bytes(16)


def onenote_cases():
    head = (ONE + bytes(32) + bytes.fromhex("3fdd9a101b91f549a5d01791edc8aed8")).ljust(1024, b"\0")
    found = {("embedded-file", None)}
    one, two = b"MZ attached " * 30, b"@echo off"
    blob = head + one_object(one) + bytes(70000) + one_object(two)
    yield case("onenote", "two", blob, {"attachment-0": one, "attachment-1": two}, found)
    yield case("onenote", "cut", head + one_object(one, 1 << 40), {"attachment-0": None}, found, {"damaged"})
    nested = one_object(one + one_object(two))
    yield case("onenote", "nested", head + nested, {"attachment-0": None, "attachment-1": two}, found)
    web = head[:48] + bytes.fromhex("2fe98d63d4a6c14b9a36b3fc2511a5b7") + head[64:]
    yield case("onenote", "web", web, {}, set(), {"unsupported-format"})


def hwp_cases():
    inner, script = b"MZ in a hwp " * 50, "var x = 1;".encode("utf-16le")
    def header(flags):
        return b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x05000300, flags) + bytes(216)
    five = {"FileHeader": header(1), "DocInfo": deflated(b"info" * 20), "BodyText/Section0": deflated(b"text" * 99),
            "BinData/BIN0001.exe": deflated(inner), "BinData/BIN0002.exe": inner, "Scripts/DefaultJScript": deflated(script)}
    yield case("ole2", "hwp5", mkole.ole(five), {"BodyText/Section0/unpacked": b"text" * 99, "BinData/BIN0001.exe/unpacked": inner,
                                                 "BinData/BIN0002.exe": inner, "Scripts/DefaultJScript/unpacked": script},
               {("script", None)})
    locked = {"FileHeader": header(3), "DocInfo": bytes(range(1, 90))}
    yield case("ole2", "hwp5-password", mkole.ole(locked), {}, {("encryption", "HWP password")}, {"encrypted"})

    def three(body, packed, password=0):
        info = bytearray(128)
        info[96:98] = struct.pack("<H", password)
        info[124:128] = struct.pack("<BBH", packed, 0, 8)
        return b"HWP Document File V3.00 \x1a\1\2\3\4\5" + bytes(info) + bytes(1008) + b"infoblk8" + body
    yield case("hwp3", "packed", three(deflated(inner), 1), {"body": inner})
    yield case("hwp3", "plain", three(inner, 0), {"body": inner})
    yield case("hwp3", "password", three(inner, 0, 7), {}, {("encryption", None)}, {"encrypted"})
    yield case("hwp3", "damaged", three(deflated(inner)[:-9], 1), {"body": None}, set(), {"damaged"})


def xlm_formula(row, col, tokens):
    return biff(6, struct.pack("<HHHdHIH", row, col, 15, 0.0, 0, 0, len(tokens)) + tokens)


def xlm_cases():
    def text(value):
        return b"\x17" + struct.pack("<BB", len(value), 0) + value
    call = {"EXEC": b"\x42\x01" + struct.pack("<H", 110), "CHAR": b"\x41" + struct.pack("<H", 111), "CALL": b"\x62\x03\x96\0",
            "HALT": b"\x42\0\x36\0", "FORMULA": b"\x42\x02\x60\x80"}
    lines = [(text(b"cmd /c calc") + call["EXEC"], 'EXEC("cmd /c calc")'),
             (b"\x1e\x41\0" + call["CHAR"] + b"\x17\x01\x01\x42\x30" + b"\x08", 'CHAR(65)&"\u3042"'),
             (b"\x44\x04\0\x01\xc0" + b"\x1f" + struct.pack("<d", 3.25) + b"\x03\x15\x1e\x07\0\x05", "(R5C2+3.25)*7"),
             (text(b"urlmon") + text(b"F") + text(b"JJ") + call["CALL"], 'CALL("urlmon","F","JJ")'),
             (b"\x23\x02\0\0\0\x13\x25\0\0\x01\0\0\xc0\x02\xc0" + call["FORMULA"], "FORMULA(-NAME.2,R1C1:R2C3)"),
             (b"\x19\x02\x03\0" + call["HALT"], "HALT()"), (b"\x1c\x2a\x16\x1d\1\x10\x10", "#ERR42!,,TRUE"),
             (b"\x7f", "..."), (b"\x03", "...")]
    sheet = biff(0x809, struct.pack("<HHHHII", 0x600, 0x40, 0, 0, 0, 6))
    sheet += b"".join(xlm_formula(i, 0, tokens) for i, (tokens, _) in enumerate(lines)) + biff(10)

    def book(place):
        out = biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
        return out + biff(0x85, struct.pack("<IBBBB", place, 2, 1, 2, 0) + b"M1") + biff(10)
    stream = book(len(book(0))) + sheet
    want = "".join(f"M1!R{i + 1}C1 ={line}\n" for i, (_, line) in enumerate(lines)).encode()
    facts = {("macros-xlm", None), ("very-hidden-sheet", "M1")}
    yield case("ole2", "xlm", mkole.ole({"Workbook": stream}), {"Workbook/macros.txt": want}, facts)
    hidden = biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6)) + biff(10) + sheet
    yield case("ole2", "xlm-unnamed", mkole.ole({"Workbook": hidden}), {"Workbook/macros.txt": want.replace(b"M1!", b"sheet!")},
               {("macros-xlm", None)})
    deep = xlm_formula(0, 0, b"\x1e\1\0" * 300 + b"\x03" * 299)
    yield case("ole2", "xlm-deep", mkole.ole({"Book": hidden[:24] + sheet[:20] + deep}), {"Book/macros.txt": None}, {("macros-xlm", None)})


# Files of tests/golden/documents: the agile and standard ones made by an implementation of their own (Python with the
# package cryptography), the others by LibreOffice 7.4. Deriving their keys takes too long for fuzzing: only one is a seed.
LOCKED = (b"PK not really a package, but told by its length and sum. " * 160)[:4999]
LOCKED_SEED = "agile-sha1"


def locked_cases():
    def opened(name, method, children):
        blob = base64.b64decode((GOLDEN / (name + ".b64")).read_bytes())
        notes = set() if children else {"encrypted"}
        return case("ole2", name, blob, children, {("encryption", method)} | (VBA if name.endswith("xls") else set()), notes)
    package = {"EncryptedPackage/package": LOCKED}
    yield opened("agile-sha512", "AES, agile", package)
    yield opened("agile-sha384", "AES, agile", package)
    yield opened("agile-sha1", "AES, agile", package)
    yield opened("agile-other", "AES, agile", {})
    yield opened("standard-256", "AES, standard", package)
    yield opened("standard-other", "AES, standard", {})
    yield opened("libreoffice-standard.xlsx", "AES, standard", {"EncryptedPackage/package": None})
    yield opened("libreoffice-rc4.xls", "RC4", {"Workbook/plain": None})


def picture(instance, kind, data, metafile=None):
    uids = bytes(16) * (1 + (instance & 1))
    head = b"\xff" if metafile is None else bytes(32) + bytes([metafile, 0xfe])
    return struct.pack("<HHI", instance << 4, kind, len(uids + head + data)) + uids + head + data


def picture_cases():
    png, jpeg, wmf = b"\x89PNG\r\n\x1a\n" + b"p" * 90, b"\xff\xd8\xff" + b"\xf0j" * 60, b"\xd7\xcd\xc6\x9a" + b"w" * 400
    stream = picture(0x6e0, 0xf01e, png) + b"gap" + picture(0x46b, 0xf01d, jpeg) + picture(0x216, 0xf01b, zlib.compress(wmf), 0)
    stream += picture(0x3d5, 0xf01a, b"plain emf", 0xfe)
    at = [stream.index(b"\x1e\xf0") - 2, stream.index(b"\xa0\x46") if b"\xa0\x46" in stream else stream.index(b"\xb0\x46"),
          stream.index(b"\x1b\xf0") - 2, stream.index(b"\x1a\xf0") - 2]
    names = [f"picture-{a}.{s}" for a, s in zip(at, ("png", "jpg", "wmf", "emf"))]
    want = dict(zip(names, (png, jpeg, wmf, b"plain emf")))
    yield case("ole2", "pictures", mkole.ole({"Pictures": stream}), {f"Pictures/{n}": d for n, d in want.items()})
    head = biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
    half = len(stream) // 2
    book = head + biff(0xeb, stream[:half]) + biff(0x3c, stream[half:]) + biff(0x3c) + biff(10)
    yield case("ole2", "pictures-excel", mkole.ole({"Workbook": book}), {f"Workbook/{n}": d for n, d in want.items()})
    yield case("ole2", "pictures-cut", mkole.ole({"Data": picture(0x216, 0xf01b, zlib.compress(wmf), 0)[:-9]}),
               {"Data/picture-0.wmf": None}, set(), {"damaged"})
    long = bytes(33 << 20) + stream
    yield case("ole2", "pictures-late", mkole.ole({"Pictures": long}, 4), {"Pictures": long}, set(), {"limit-memory"})
    no_directory = patched(mkole.ole(word_doc()), 48, "<I", 0xfffffff0)
    yield case("ole2", "no-directory", no_directory, {"source.bas": None}, VBA, {"damaged"})


def riff_cases():
    def chunk(name, data, length=None):
        return name + struct.pack("<I", len(data) if length is None else length) + data + bytes(len(data) % 2 if length is None else 0)

    def cursor(body, kind=b"ACON"):
        return b"RIFF" + struct.pack("<I", 4 + len(body)) + kind + body

    good, bad, told = chunk(b"anih", bytes(36)), chunk(b"anih", bytes(40)), {("exploit", "W32.MS05-002")}
    listed = bad
    for _ in range(40):
        listed = chunk(b"LIST", b"fram" + listed)
    for name, blob, facts in (
            ("good", cursor(chunk(b"LIST", b"INFO" + chunk(b"INAM", b"name\0")) + good), ()), ("bad", cursor(bad), told),
            ("second", cursor(good + bad), told), ("padded", cursor(chunk(b"abcd", b"odd") + bad), told), ("listed", cursor(listed), told),
            ("cut", cursor(bad)[:20], told), ("wave", cursor(bad, b"WAVE"), ()), ("data", cursor(chunk(b"abcd", bad)), ()),
            ("endless", cursor(chunk(b"abcd", b"x", 0xffffffff) + bad), ()), ("riff", cursor(chunk(b"RIFF", b"ACON" + bad)), ()),
            ("big", b"RIFX" + struct.pack(">I4s4sI", 12, b"ACON", b"anih", 40), told)):
        yield case("riff", name, blob, {}, facts)


def all_cases():
    yield from riff_cases()
    yield from mkdisk.cases(lambda fmt, name, blob, *more: case(fmt, name, bytes(blob), *more))
    yield from picture_cases()
    yield from locked_cases()
    yield from xlm_cases()
    yield from hwp_cases()
    yield from onenote_cases()
    yield from xml_cases()
    yield from msg_cases()
    yield from crypt_cases()
    yield from ooxml_cases()
    yield from object_cases()
    yield from ole2_cases()
    yield from vba_cases()


def write_seeds():
    seeds = pathlib.Path(__file__).resolve().parents[2] / "fuzz" / "seeds"
    for c in all_cases():
        slow = (GOLDEN / (c.name + ".b64")).exists() and c.name != LOCKED_SEED
        if len(c.blob) <= SEED_MAX and not slow:
            folder = seeds / c.format
            folder.mkdir(exist_ok=True)
            (folder / (c.name + ".b64")).write_bytes(base64.encodebytes(c.blob))


if __name__ == "__main__" and "--seeds" in sys.argv:
    write_seeds()
