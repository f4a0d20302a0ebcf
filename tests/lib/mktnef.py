# SPDX-License-Identifier: Apache-2.0
"""Write TNEF ([MS-OXTNEF]): no tool of Debian does. rtf_compressed() writes literals only, or with references."""
import struct
import zlib

MESSAGE, ATTACHMENT = 1, 2
BODY, MESSAGE_PROPS, RENDDATA, DATA, TITLE, PROPS = 0x2800c, 0x69003, 0x69002, 0x6800f, 0x18010, 0x69005
RTF, HTML, ATTACH_DATA, LONG_NAME = 0x1009, 0x1013, 0x3701, 0x3707
STRING8, UNICODE, BINARY, OBJECT, LONG, SYSTIME = 0x1e, 0x1f, 0x102, 0x0d, 3, 0x40


def attribute(level, number, data):
    return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", sum(data) & 0xffff)


def tnef(*attributes):
    return b"\x78\x9f\x3e\x22\x01\x00" + attribute(MESSAGE, 0x89006, struct.pack("<I", 0x10000)) + b"".join(attributes)


def prop(number, kind, value, named=b""):
    head = struct.pack("<HH", kind, number) + named
    if kind in (STRING8, UNICODE, BINARY, OBJECT):
        return head + struct.pack("<II", 1, len(value)) + value + b"\0" * (-len(value) % 4)
    return head + value


def props(*properties):
    return struct.pack("<I", len(properties)) + b"".join(properties)


def attachment(name, data, *more):
    return attribute(ATTACHMENT, RENDDATA, b"\0" * 14) + attribute(ATTACHMENT, DATA, data) \
        + (attribute(ATTACHMENT, TITLE, name + b"\0") if name else b"") + b"".join(more)


PRELOAD = (rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArial"
           rb"Times New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n" + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx")


def rtf_compressed(text, references=True):
    """LZFu by a greedy search; the ring is kept as the reader keeps it."""
    ring = bytearray(PRELOAD + b" " * (4096 - len(PRELOAD)))
    at, pos, tokens = len(PRELOAD), 0, []
    while pos < len(text):
        best, where = 0, 0
        for start in range(0, 4096) if references else ():
            length = 0
            while length < 17 and pos + length < len(text) and (start + length) % 4096 != at \
                    and ring[(start + length) % 4096] == text[pos + length]:
                length += 1
            if length > best and start != at:
                best, where = length, start
        length = best if best >= 2 else 1
        tokens.append(struct.pack(">H", where << 4 | (best - 2)) if best >= 2 else text[pos:pos + 1])
        for byte in text[pos:pos + length]:
            ring[at] = byte
            at = (at + 1) % 4096
        pos += length
    tokens.append(struct.pack(">H", at << 4))
    out = b""
    for first in range(0, len(tokens), 8):
        group = tokens[first:first + 8]
        out += bytes([sum(1 << i for i, token in enumerate(group) if len(token) == 2)]) + b"".join(group)
    crc = zlib.crc32(out, 0xffffffff) ^ 0xffffffff  # starts with 0, not inverted
    return struct.pack("<II4sI", len(out) + 12, len(text), b"LZFu", crc) + out
