# SPDX-License-Identifier: Apache-2.0
"""One small file for each reader that a kill switch of the definitions (cfg) can turn off, with a token behind that reader, and the
signatures that find it. Used by tests/differential/diff_clamscan.py: clamscan says what each switch does."""
import base64
import gzip
import hashlib
import io
import zipfile
import zlib

import doc_cases
import hosts
import mail_cases
import mkole
import mkpe
import mktnef
import sigs
import wraps

TOKEN = b"SkSwitchToken"
PAYLOAD = b"\x01\x02\x00\xff" * 8 + TOKEN + b"\x00" * 40  # data, not text
HIDDEN = gzip.compress(PAYLOAD, mtime=0)  # where members lie as they are
ARCHIVES = ("zip-deflate", "gzip", "bzip2", "xz", "tar", "7z", "cpio-newc", "iso", "xar")
STORED = ("tar", "cpio-newc", "iso")
ALL_BITS = 0x3fffffff
# category -> number of bits that clamscan 1.4.6 lists (--debug); ELF and MACHO have no list
CATEGORIES = {"PE": 20, "ELF": 1, "ARCHIVE": 30, "DOCUMENT": 11, "MAIL": 2, "OTHER": 15, "PHISHING": 2, "PCRE": 3}


def lines():
    """name of the case -> line of daily.cfg"""
    yield "none", f"ARCHIVE:{ALL_BITS:#x}:1:255"
    yield "later", "ARCHIVE:0x0:300:400"
    for category, bits in CATEGORIES.items():
        yield f"{category}-all", f"{category}:0x0:1:255"
        for bit in range(bits):
            yield f"{category}-{1 << bit:#x}", f"{category}:{ALL_BITS & ~(1 << bit):#x}:1:255"


def program():
    pe = mkpe.PE(size=0x3000, entry=0x1400, lfanew=0x80, headers=0x1000)
    pe.image = 0x3000
    for i in (1, 2):
        pe.section(b".s%d" % i, 0x1000 * i, 0x1000, 0x1000 * i, 0x1000)
    pe.put(0x1400, b"SkSwitchEntry")
    return pe.bytes()


def pdf(data):
    packed = zlib.compress(data)
    return (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n2 0 obj\n<< /Length " + str(len(packed)).encode() +
            b" /Filter /FlateDecode >>\nstream\n" + packed + b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n")


def docx():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in (("[Content_Types].xml", b"<Types/>"), ("_rels/.rels", b"<Relationships/>"), ("word/document.xml", b"<w:document/>"), ("word/media/a.bin", PAYLOAD)):
            z.writestr(zipfile.ZipInfo(name, wraps.STAMP), data)
    return out.getvalue()


def swf(data):
    body = b"\x78\x00\x05\x5f\x00\x00\x0f\xa0\x00\x00\x0c\x01\x00" + data
    return b"CWS\x09" + (8 + len(body)).to_bytes(4, "little") + zlib.compress(body)


def documents():
    yield "pdf", pdf(PAYLOAD)
    yield "swf", swf(PAYLOAD)
    yield "ole2", mkole.ole({"Stream": HIDDEN * 50})
    yield "docx", docx()
    word = b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:wordDocument xmlns:w="u"><w:binData w:name="a.bin">'
    yield "msxml", word + base64.encodebytes(PAYLOAD) + b"</w:binData></w:wordDocument>"
    blob = (doc_cases.ONE + bytes(32) + bytes.fromhex("3fdd9a101b91f549a5d01791edc8aed8")).ljust(1024, b"\0")
    yield "onenote", blob + doc_cases.one_object(HIDDEN)


def mails():
    head = b"From: a@example.org\nTo: b@example.org\nSubject: s\nMessage-ID: <1@example.org>\nMIME-Version: 1.0\n"
    yield "mail", head + b"Content-Type: application/octet-stream; name=a.bin\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(PAYLOAD)
    yield "tnef", mktnef.tnef(mktnef.attachment(b"a.bin", HIDDEN))
    yield "uu", mail_cases.uuencode(b"a.bin", PAYLOAD)
    link = b'<html><body><a href="http://www.evil.example/login">http://www.bank.example/login</a></body></html>\n'
    yield "phish", head + b"Content-Type: text/html\n\n" + link


def files():
    for kind in ARCHIVES:
        made = wraps.wrap(kind, HIDDEN if kind in STORED else PAYLOAD)
        if made is not None:
            yield kind, made
    yield from documents()
    yield from mails()
    yield "pe", program()
    elf = sigs.Signature("x", 6, "0", [("EP+0", b"SkSwitchEntry".hex(), "")], {}, "")
    yield "elf", hosts.build(elf, sigs.plan(elf))
    yield "html", b"<html><head><title>x</title></head><body>SkSwitch<b>Mark</b>up<!-- no --></body></html>\n"
    yield "text", b"plain words  and SKSWITCH   words in a row, more of them\n" * 3
    yield "regex", b"\x01\x02\x00\xff" * 8 + b"SkSwitchRegex and more 1234" + bytes(20)


def definitions():
    """suffix -> text"""
    section = program()[0x2000:0x3000]
    ndb = (("Token", 0, "*", TOKEN), ("Entry", 1, "EP+0", b"SkSwitchEntry"), ("ElfEntry", 6, "EP+0", b"SkSwitchEntry"), ("Tags", 3, "*", b"skswitchmarkup"),
           ("Comment", 3, "*", b"<b>mark</b>"), ("Words", 7, "*", b"and skswitch words in"))
    return {"ndb": "".join(f"Switch.{name}:{target}:{offset}:{body.hex()}\n" for name, target, offset, body in ndb),
            "mdb": f"4096:{hashlib.md5(section).hexdigest()}:Switch.Section\n",
            "ldb": f"Switch.Regex;Engine:81-255,Target:0;0&1;{b'SkSwitchRegex'.hex()};0/SkSwitchRegex and\\s[a-z]+/i\n"
                   f"Switch.Global;Engine:81-255,Target:0;0&1>1;{b'SkSwitchRegex'.hex()};0/[1-4]/g\n"
                   f"Switch.Options;Engine:81-255,Target:0;0&1;{b'SkSwitchRegex'.hex()};20:0/SWITCHregex/ri\n",
            "pdb": "H:www.bank.example\n"}
