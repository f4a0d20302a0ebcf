# SPDX-License-Identifier: Apache-2.0
"""Inputs made against the readers of formats: each repeats what costs its reader most a byte. Harmless."""
import base64
import bz2
import io
import random
import tarfile
import zipfile
import zlib

PAGE = b"<html><body>"
MAIL = b"From: a@b.example\nTo: c@d.example\nMIME-Version: 1.0\n"


def many(head, chunk, size):
    """head and then chunk (or chunk(i)), as often as fits."""
    out, i = bytearray(head), 0
    while len(out) < size:
        out += chunk(i) if callable(chunk) else chunk
        i += 1
    return bytes(out)


def small_members(kind, size):
    out = io.BytesIO()
    count = min(9000, size // 1024)  # below --max-files
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive:
            for i in range(count):
                archive.writestr(f"f{i}", b"a" * 600)
    else:
        with tarfile.open(fileobj=out, mode="w") as archive:
            for i in range(count):
                member = tarfile.TarInfo(f"f{i}")
                member.size = 1
                archive.addfile(member, io.BytesIO(b"a"))
    return out.getvalue()


def cases(size):
    """name -> (file name, bytes)"""
    rnd = random.Random(3)
    packed = zlib.compress(b"abc")
    return {
        "HTML: tags begun": ("a.html", many(PAGE, b"<a ", size)),
        "HTML: attributes": ("a.html", many(PAGE + b"<a ", b"a=b ", size)),
        "HTML: entities": ("a.html", many(PAGE, b"&#x41;", size)),
        "HTML: scripts of one letter": ("a.html", many(PAGE, b"<script>a</script>", size)),
        "HTML: functions to rename": ("a.html", many(PAGE + b"<script>", lambda i: b"var v%d=function(a%d){return a%d};" % (i, i, i), size)),
        "HTML: strings to join": ("a.html", many(PAGE + b"<script>", b'"a"+', size)),
        "HTML: encoded scripts": ("a.html", many(PAGE, b"<script language=JScript.Encode>#@~^AAAA==a==^#~@</script>", size)),
        "HTML: forms and links": ("a.html", many(PAGE, b'<form action="http://a.example/"><a href="http://b.example/">c</a></form>', size)),
        "SVG: scripts": ("a.svg", many(b'<svg xmlns="http://www.w3.org/2000/svg">', b"<script>a</script>", size)),
        "mail: headers": ("a.eml", many(MAIL, b"X-A: b\n", size)),
        "mail: parts": ("a.eml", many(MAIL + b"Content-Type: multipart/mixed; boundary=X\n\n", b"--X\nContent-Type: text/plain\n\na\n", size)),
        "mail: mails in mails": ("a.eml", many(b"", b"From: a@b.example\nTo: c@d.example\nContent-Type: message/rfc822\n\n", size)),
        "mail: base64": ("a.eml", MAIL + b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(rnd.randbytes(size * 3 // 4))),
        "PDF: objects": ("a.pdf", many(b"%PDF-1.4\n", lambda i: b"%d 0 obj\n<</A %d 0 R>>\nendobj\n" % (i + 1, i + 2), size)),
        "PDF: the word obj": ("a.pdf", many(b"%PDF-1.4\n", b"obj ", size)),
        "PDF: dictionaries": ("a.pdf", many(b"%PDF-1.4\n1 0 obj\n", b"<</A[", size)),
        "PDF: streams": ("a.pdf", many(b"%PDF-1.4\n", lambda i: b"%d 0 obj\n<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream\nendobj\n" % (i + 1, len(packed), packed), size)),
        "RTF: groups": ("a.rtf", many(b"{\\rtf1", b"{\\a", size)),
        "RTF: objects": ("a.rtf", many(b"{\\rtf1", b"{\\object{\\objdata 0105000002000000}}", size)),
        "XML: elements": ("a.xml", many(b'<?xml version="1.0"?>', b'<a b="c">', size)),
        "zip: local headers without end": ("a.bin", many(b"", b"PK\x03\x04", size)),
        "zip: small members": ("a.zip", small_members("zip", size)),
        "tar: small members": ("a.tar", small_members("tar", size)),
        "bzip2: streams": ("a.bz2", many(b"", bz2.compress(b"abc"), size)),
    }
