#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the seeds of the fuzz targets rtf, swf and xdp, and the golden cases of the same names: small files written byte by
byte. They stand in the tree; run again to add kinds."""
import base64
import binascii
import lzma
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent.parent / "tests/golden"
TEXT = b"text of an object, " * 4
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def save(kind, cases):
    for folder in (HERE / kind, GOLDEN / kind):
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in cases:
        text = base64.encodebytes(data)
        (HERE / kind / f"{name}.b64").write_bytes(text)
        (GOLDEN / kind / f"{name}.{kind}.b64").write_bytes(text)


# ---- RTF ----

def counted(text):
    return struct.pack("<I", len(text)) + text


def ole1(data, name=b"Package\0", kind=2, size=None, version=0x501):
    return struct.pack("<II", version, kind) + counted(name) + counted(b"") + counted(b"") + \
        struct.pack("<I", len(data) if size is None else size) + data


def package(name, data):
    return struct.pack("<H", 2) + name + b"\0c:\\dir\\" + name + b"\0" + struct.pack("<HH", 0, 3) + counted(name + b"\0") + \
        struct.pack("<I", len(data)) + data


def digits(data):
    return binascii.hexlify(data)


def rtf(body):
    return b"{\\rtf1\\ansi text\\par " + body + b"}"


def embedded(data):
    return rtf(b"{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata " + data + b"}{\\result{\\pict\\wmetafile8 " +
               digits(b"picture") + b"}}}")


def rtf_cases():
    whole = ole1(package(b"a.txt", TEXT))
    hexed = digits(whole)
    half, rest = hexed[:61], hexed[61:]
    yield "package", embedded(hexed)
    yield "upper", embedded(hexed.upper())
    yield "space", embedded(b"\r\n\t ".join(hexed[i:i + 7] for i in range(0, len(hexed), 7)))
    yield "words", embedded(half + b"\\foo12 \\bar-3 {}zz!\\*\\~" + rest)
    yield "inner-groups", embedded(half + b"{\\*\\foo 99{a}b}" + rest)
    yield "inner-counts", embedded(b"{\\object " + hexed + b"}")
    yield "quotes", embedded(half + b"\\'41" + rest)
    yield "quotes-drop", embedded(hexed[:60] + b"7\\'41" + hexed[60:])
    yield "binary", embedded(b"\\bin%d " % len(whole) + whole)
    yield "binary-inside", embedded(hexed[:60] + b"\\bin5 " + whole[30:35] + hexed[70:])
    yield "glued", rtf(b"{\\object{\\*\\objdata" + hexed + b"}}")
    yield "odd", embedded(hexed + b"5")
    yield "not-closed", b"{\\rtf{\\object{\\*\\objdata " + hexed
    yield "no-object-group", rtf(b"{\\objdata " + hexed + b"}")
    yield "version", embedded(digits(ole1(package(b"a.txt", TEXT), version=0x12345678)))
    yield "two", embedded(hexed + digits(ole1(b"second", b"Other.Class\0")) +
                          digits(struct.pack("<II", 0x501, 5) + counted(b"METAFILEPICT\0") + bytes(8) + counted(TEXT)))
    yield "ole2", embedded(digits(ole1(OLE2 + TEXT, b"Word.Document.8\0", size=9)))
    yield "no-header", embedded(digits(b"junk in front" + OLE2 + TEXT))
    yield "linked", rtf(b"{\\object\\objautlink\\objupdate{\\*\\objdata " + digits(struct.pack("<II", 0x501, 1) +
                        counted(b"htmlfile\0") + counted(b"http://example.org/a.hta\0") + counted(b"")) + b"}}")
    yield "picture", rtf(b"{\\*\\shppict{\\pict{\\*\\picprop 99}\\picw10\\pngblip " + digits(b"\x89PNG\r\n\x1a\n" + TEXT) + b"}}")
    yield "datastore", rtf(b"{\\*\\datastore " + digits(OLE2 + TEXT) + b"}")
    yield "template", rtf(b"{\\*\\template http://example.org/\\'61.dotm}")
    yield "fields", rtf(b'{\\field{\\*\\fldinst {HYPER}{LINK "http://example.org/b"}}{\\fldrslt x}}'
                        b'{\\field{\\*\\fldinst DDEAUTO c:\\\\\\\\cmd.exe "/c"}}'
                        b'{\\field{\\*\\fldinst INCLUDEPICTURE "http://example.org/c.png" \\\\\\\\d}}')
    yield "nesting", rtf(b"{\\objdata " * 300 + hexed + b"}" * 200)
    yield "false-binary", rtf(b"\\bin99999999 {\\object{\\*\\objdata " + hexed + b"}}")


# ---- SWF ----

def tag(code, data):
    if len(data) < 63:
        return struct.pack("<H", code << 6 | len(data)) + data
    return struct.pack("<HI", code << 6 | 63, len(data)) + data


def movie(*tags):
    return bytes([0x50]) + bytes(5) + b"\0\x18\1\0" + b"".join(tags) + tag(0, b"")


def packed_movie(kind, body, length=None):
    head = bytes([11]) + struct.pack("<I", len(body) + 8 if length is None else length)
    if kind == b"CWS":
        return kind + head + zlib.compress(body)
    if kind == b"ZWS":
        alone = lzma.compress(body, format=lzma.FORMAT_ALONE)
        return kind + head + struct.pack("<I", len(alone) - 13) + alone[:5] + alone[13:]
    return kind + head + body


def swf_cases():
    body = movie(tag(69, bytes(4)), tag(87, b"\1\0\0\0\0\0" + TEXT), tag(21, b"\2\0\xff\xd8\xff\xe0 image"),
                 tag(82, bytes(4) + b"getURL(http://example.org/x?y)\0"))
    yield "plain", packed_movie(b"FWS", body)
    yield "zlib", packed_movie(b"CWS", body)
    yield "lzma", packed_movie(b"ZWS", body)
    yield "zlib-truncated", packed_movie(b"CWS", body)[:-30]
    yield "false-length", packed_movie(b"CWS", body, 20)
    yield "long-tag", packed_movie(b"FWS", movie()[:-2] + struct.pack("<HI", 87 << 6 | 63, 99999) + bytes(6) + TEXT)
    yield "lzma-short", packed_movie(b"ZWS", body)[:15]


# ---- XDP ----

def xdp(chunks, head=b'<?xml version="1.0" encoding="UTF-8"?>\n'):
    return head + b'<?xfa generator="x"?>\n<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/">\n<pdf ' \
        b'xmlns="http://ns.adobe.com/xdp/pdf/">\n<document>\n' + chunks + b"</document>\n</pdf>\n</xdp:xdp>\n"


def xdp_cases():
    chunk = base64.encodebytes(b"%PDF-1.4\n" + TEXT)
    yield "chunk", xdp(b"<chunk>" + chunk + b"</chunk>")
    yield "prefix", xdp(b"<p:chunk>" + chunk + b"</p:chunk>")
    yield "two", xdp(b"<chunk>" + base64.encodebytes(TEXT) + b"</chunk><chunk><![CDATA[" + chunk + b"]]></chunk>")
    yield "utf-16", xdp(b"<chunk>" + chunk + b"</chunk>", b"").decode().encode("utf-16")
    yield "not-closed", xdp(b"<chunk>" + chunk)


save("rtf", rtf_cases())
save("swf", swf_cases())
save("xdp", xdp_cases())
