#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mails and what travels in them, good and bad, made here, with what must come out. As doc_cases.py: all_cases(), --seeds."""
import base64
import binascii
import email.charset
import email.header
import email.message
import email.mime.text
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import mktnef
from doc_cases import SEED_MAX, case

PAYLOAD = b"MZ harmless payload " + bytes(range(256))
HTML = b"<html><body><a href='http://example.org/'>x</a></body></html>"
BINHEX_LETTERS = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"


def crc_xmodem(data):
    return struct.pack(">H", binascii.crc_hqx(data, 0))


def run_lengths(raw):
    raw, out, i = raw.replace(b"\x90", b"\x90\0"), b"", 0
    while i < len(raw):
        run = 1
        while i + run < len(raw) and run < 255 and raw[i + run] == raw[i]:
            run += 1
        long = run > 3 and raw[i] != 0x90
        out += raw[i:i + 1] + (b"\x90" + bytes([run]) if long else b"")
        i += run if long else 1
    return out


def binhex(name, data, resource, data_crc=None):
    head = bytes([len(name)]) + name + b"\0TEXTttxt\0\0" + struct.pack(">II", len(data), len(resource))
    raw = head + crc_xmodem(head) + data + (data_crc or crc_xmodem(data)) + resource + crc_xmodem(resource)
    bits = "".join(f"{byte:08b}" for byte in run_lengths(raw))
    bits += "0" * (-len(bits) % 6)
    text = b":" + bytes(BINHEX_LETTERS[int(bits[i:i + 6], 2)] for i in range(0, len(bits), 6)) + b":"
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return b"(This file must be converted with BinHex 4.0)\n\n" + b"\n".join(lines) + b"\n"


def uuencode(name, data):
    lines = [binascii.b2a_uu(data[i:i + 45]) for i in range(0, len(data), 45)]
    return b"begin 644 " + name + b"\n" + b"".join(lines) + b"`\nend\n"


def yenc(name, data):
    out = bytearray()
    for byte in data:
        byte = (byte + 42) & 255
        out += bytes([61, (byte + 64) & 255]) if byte in b"\0\r\n=" else bytes([byte])
        if len(out) % 130 > 127:
            out += b"\r\n"
    return b"=ybegin line=128 size=%d name=%s\r\n" % (len(data), name) + bytes(out) + b"\r\n=yend size=%d\r\n" % len(data)


# -- cases -----------------------------------------------------------------------------------------

def tnef_cases():
    m = mktnef
    rtf = rb"{\rtf1\ansi\deff0 " + b"Some text, some text, some text again. " * 20 + b"}"
    plain = m.attachment(b"tool.exe", PAYLOAD)
    inner = m.tnef(m.attachment(b"inner.exe", PAYLOAD))
    wide = m.attribute(m.ATTACHMENT, m.PROPS, m.props(
        m.prop(0x8001, m.LONG, b"\1\0\0\0", b"G" * 16 + struct.pack("<II", 0, 7)),
        m.prop(0x8002, m.UNICODE, "n".encode("utf-16le"), b"G" * 16 + struct.pack("<II", 1, 6) + b"a\0b\0\0\0\0\0"),
        m.prop(0x3007, m.SYSTIME, b"\0" * 8),
        m.prop(m.LONG_NAME, m.UNICODE, "a long name.exe\0".encode("utf-16le"))))
    body = m.attribute(m.MESSAGE, m.MESSAGE_PROPS, m.props(m.prop(m.RTF, m.BINARY, m.rtf_compressed(rtf)),
                                                           m.prop(m.HTML, m.BINARY, HTML)))
    embedded = m.attribute(m.ATTACHMENT, m.RENDDATA, b"\0" * 14) + m.attribute(m.ATTACHMENT, m.PROPS, m.props(
        m.prop(m.ATTACH_DATA, m.OBJECT, b"I" * 16 + inner), m.prop(m.LONG_NAME, m.STRING8, b"message\0")))
    yield case("tnef", "one", m.tnef(plain), {"tool.exe": PAYLOAD})
    yield case("tnef", "two", m.tnef(plain, m.attachment(b"b.txt", b"second one")), {"tool.exe": PAYLOAD, "b.txt": b"second one"})
    yield case("tnef", "long-name", m.tnef(m.attachment(b"ALONGN~1.EXE", PAYLOAD, wide)), {"a long name.exe": PAYLOAD})
    yield case("tnef", "bodies", m.tnef(body, plain), {"body.rtf": rtf, "tool.exe": PAYLOAD})
    yield case("tnef", "literal-rtf", m.tnef(m.attribute(m.MESSAGE, m.MESSAGE_PROPS, m.props(
        m.prop(m.RTF, m.BINARY, m.rtf_compressed(rtf[:200], False))))), {"body.rtf": rtf[:200]})
    yield case("tnef", "embedded", m.tnef(embedded), {"message": inner})
    yield case("tnef", "line-end-behind", m.tnef(plain) + b"\n", {"tool.exe": PAYLOAD})
    yield case("tnef", "wrong-checksum", m.tnef(plain)[:-1] + b"\xee", {"tool.exe": PAYLOAD})
    yield case("tnef", "garbage-between", m.tnef(m.attachment(b"a", b"first one"), b"\7garbage that is long enough", plain),
               {"a": b"first one", "tool.exe": PAYLOAD}, notes=["damaged"])
    yield case("tnef", "cut", m.tnef(m.attribute(m.ATTACHMENT, m.RENDDATA, b"\0" * 14),
                                     m.attribute(m.ATTACHMENT, m.TITLE, b"cut.exe\0"),
                                     m.attribute(m.ATTACHMENT, m.DATA, PAYLOAD))[:-100], {"cut.exe": PAYLOAD[:-98]}, notes=["damaged"])
    yield case("tnef", "length-lies", m.tnef(struct.pack("<BII", 2, m.DATA, 0x7fffffff), plain), {"tool.exe": PAYLOAD}, notes=["damaged"])
    yield case("tnef", "bad-property", m.tnef(m.attribute(m.MESSAGE, m.MESSAGE_PROPS, m.props(m.prop(0x1234, 0x77, b""))), plain),
               {"tool.exe": PAYLOAD}, notes=["damaged"])


def text_cases():
    yield case("binhex", "both-forks", binhex(b"mac file", PAYLOAD + b"A" * 300 + b"\x90\x90", b"resource" * 3),
               {"mac file": PAYLOAD + b"A" * 300 + b"\x90\x90"})
    yield case("binhex", "behind-words", b"words first\n\n" + binhex(b"x.bin", PAYLOAD, b""), {"x.bin": PAYLOAD})
    yield case("binhex", "wrong-checksum", binhex(b"x.bin", PAYLOAD, b"", b"\1\2"), {"x.bin": PAYLOAD}, notes=["damaged"])
    cut = binhex(b"x.bin", b"B" * 7 + PAYLOAD, b"")
    yield case("binhex", "cut", cut[:200], {"x.bin": None}, notes=["damaged"])
    yield case("uuencode", "among-words", b"words\n\n" + uuencode(b"a b.exe", PAYLOAD) + b"more\n", {"a b.exe": PAYLOAD})
    yield case("uuencode", "two", uuencode(b"a", PAYLOAD) + uuencode(b"b", b"second"), {"a": PAYLOAD, "b": b"second"})
    yield case("uuencode", "base64", b"begin-base64 644 a.exe\n" + base64.encodebytes(PAYLOAD) + b"====\n", {"a.exe": PAYLOAD})
    yield case("uuencode", "yenc", b"Lines: 9\n\n" + yenc(b"y.exe", PAYLOAD), {"y.exe": PAYLOAD})
    yield case("uuencode", "no-end", uuencode(b"a", PAYLOAD)[:-6], {"a": PAYLOAD})


def built_mail():
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", "built"
    mail.set_content("plain words\n")
    mail.add_alternative(HTML.decode() + "\n", subtype="html")
    mail.add_attachment(PAYLOAD, maintype="application", subtype="octet-stream", filename="tool.exe")
    mail.add_attachment(PAYLOAD[:100], maintype="application", subtype="x", filename="\u65e5\u672c.exe")
    return mail


def japanese(charset):
    text = email.mime.text.MIMEText("\u65e5\u672c\u8a9e\u306e\u672c\u6587", "plain", charset)
    text["From"], text["Subject"] = "a@example.org", email.header.Header("\u4ef6\u540d", charset)
    text.add_header("Content-Disposition", "attachment", filename=("iso-2022-jp", "", "name.txt"))
    return bytes(text)


def mail_cases():
    mail = built_mail()
    attachments = {"tool.exe": PAYLOAD, "\u65e5\u672c.exe": PAYLOAD[:100]}
    yield case("mail", "built", bytes(mail), {**attachments, "attachment": b"plain words\n", "mixedtextportion": HTML + b"\n"})
    yield case("mail", "built-crlf", bytes(mail).replace(b"\n", b"\r\n"),
               {**attachments, "attachment": b"plain words\r\n", "mixedtextportion": HTML + b"\r\n"})
    words = "\u65e5\u672c\u8a9e\u306e\u672c\u6587"
    yield case("mail", "iso-2022-jp", japanese("iso-2022-jp"), {"name.txt": words.encode()}, facts=[("charset", "iso-2022-jp")])
    for charset in ("shift_jis", "euc-jp", "utf-16"):
        text = b"From: a\nContent-Type: text/plain; name=n; charset=" + charset.encode() + b"\nContent-Transfer-Encoding: base64\n\n"
        yield case("mail", charset, text + base64.encodebytes(words.encode(charset)), {"n": words.encode()}, facts=[("charset", charset)])
    forward = email.message.EmailMessage()
    forward["From"], forward["Subject"] = "c@example.org", "forward"
    forward.set_content("see below\n")
    forward.add_attachment(mail)
    yield case("mail", "forward", bytes(forward), {"attachment": None})
    # RFC 1344 pieces of one message: noted, and what there is is looked at.
    yield case("mail", "partial", b"From: a\nMIME-Version: 1.0\nContent-Type: message/partial; number=2; total=3; id=x\n\nmore text\n",
               notes=["missing-volume"])
    yield case("mail", "external", b"From: a\nContent-Type: message/external-body; access-type=x\n\n\n",
               facts=[("external-content", "message/external-body; access-type=x")])
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%04d\n\n--b%04d\n" % (i, i) for i in range(150))
    yield case("mail", "deep", b"From: a\nMIME-Version: 1.0\n" + deep, notes=["limit-recursion"])
    yield case("mail", "uu-encoding", b"From: a\nSubject: b\nContent-Transfer-Encoding: x-uuencode\n\n" + uuencode(b"u.exe", PAYLOAD),
               {"u.exe": PAYLOAD})
    yield case("mail", "binhex-in-text", b"From: a\nSubject: b\n\nwords\n" + binhex(b"x.bin", PAYLOAD, b"") + b"words\n")
    yield case("mail", "two-fields", b"From: a\nContent-Type: text/plain\nContent-Type: multipart/mixed; boundary=\"b\n\n--b\n"
               b"Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\nContent-Type: a/b; name=t.exe\n\n"
               + base64.encodebytes(PAYLOAD) + b"--b--\n", {"t.exe": PAYLOAD})


def mhtml_cases():
    page = b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=\"----=_P\"; type=\"text/html\"\n\n"
    page += b"------=_P\nContent-Location: file:///C:/dir/page.htm\nContent-Transfer-Encoding: quoted-printable\n" \
            b"Content-Type: text/html\n\n<html><body>x</body></html>=20\n\n"
    page += b"------=_P\nContent-Location: file:///C:/dir/editdata.mso\nContent-Transfer-Encoding: base64\n" \
            b"Content-Type: application/x-mso\n\n" + base64.encodebytes(PAYLOAD) + b"\n------=_P--\n"
    expected = {"page.htm": b"<html><body>x</body></html> \n", "editdata.mso": PAYLOAD}
    yield case("mhtml", "page", page, expected)
    yield case("mhtml", "junk-first", b"junk line\n" + page, expected)
    yield case("mhtml", "no-end", page[:-10], expected)
    yield case("mail", "saved", b"From: <Saved by a browser>\nSnapshot-Content-Location: http://x/\nSubject: t\n" + page, expected)


def all_cases():
    yield from mhtml_cases()
    yield from tnef_cases()
    yield from text_cases()
    yield from mail_cases()


if __name__ == "__main__" and sys.argv[1:] == ["--seeds"]:
    for one in all_cases():
        if len(one.blob) <= SEED_MAX:
            folder = pathlib.Path(__file__).resolve().parents[2] / "fuzz/seeds" / one.format
            folder.mkdir(exist_ok=True)
            (folder / f"{one.name}.b64").write_bytes(base64.encodebytes(one.blob))
