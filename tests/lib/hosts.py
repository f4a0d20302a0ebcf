# SPDX-License-Identifier: Apache-2.0
"""Files of each signature target, with pieces planted where a signature wants them.

`build(signature, pieces)` gives the bytes of a harmless file of the signature's target in which the pieces stand at their
places. Cannot is raised when places contradict each other or the file's own header.
"""
import random
import struct

import icon_cases
import mkpe
from sigs import Cannot

EP_RAW = 0x1400  # file offset of the entry point in executables we make
HEAD = {
    0: b"\x01\x02SKDATA\x00\x03",
    2: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + bytes.fromhex("3e000300feff0900"),
    3: b"<html><head><title>page</title></head><body>\n",
    4: b"From: a@example.org\nTo: b@example.org\nSubject: report\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n"
       b"Message-ID: <1@example.org>\nMIME-Version: 1.0\nContent-Type: text/plain\n\nHello\n",
    5: b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;",
    7: b"plain text file, second line follows\nhere it is\n",
    9: bytes.fromhex("cefaedfe07000000030000000200000000000000000000008500000001000000"),
    10: b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
    11: b"FWS\x05\x00\x10\x00\x00\x78\x00\x05\x5f\x00\x00\x0f\xa0\x00\x00\x0c\x01\x00",
    12: bytes.fromhex("cafebabe00000034001d0a0006000f09"),
    13: b"\x01\x02SKDATA\x00\x03",
    14: b"\x01\x02SKDATA\x00\x03",
}
TEXTUAL = {3, 4, 7, 10}


class Canvas:
    """A growing file. Each byte remembers which of its bits somebody asked for; requests must agree with each other."""

    def __init__(self, data, frozen):
        self.data = bytearray(data)
        self.fixed = {i: 0xff for i in frozen}

    def write(self, off, data, mask=None):
        if off < 0:
            raise Cannot("place before the start of the file")
        if off + len(data) > 64 << 20:
            raise Cannot("place too far inside the file")
        if len(self.data) < off + len(data):
            self.data += bytes(off + len(data) - len(self.data))
        for i, (b, m) in enumerate(zip(data, mask or bytes([0xff]) * len(data)), off):
            held = self.fixed.get(i)
            if held is None:
                self.data[i], self.fixed[i] = b, m
                continue
            if (self.data[i] ^ b) & held & m:
                raise Cannot("contradicting places")
            self.data[i] = self.data[i] & ~m & 0xff | b & m
            self.fixed[i] = held | m

    def room(self, length, low, high):
        """First run of `length` free bytes in [low, high), with a free byte on each side."""
        pos = low
        while pos + length + 1 < high:
            clash = next((i for i in range(pos + length, pos - 2, -1) if i in self.fixed), None)
            if clash is None:
                return pos
            pos = clash + 2
        return None


def _interval(text):
    low, _, high = text.partition("-")
    return int(low or 0), int(high) if high else (int(low) if "-" not in text else 1 << 40)


def _resources(bodies, icon, rva):
    """Resource section whose version information holds the wanted strings: key, NUL, padding, value in UTF-16; and an icon."""
    strings = []
    for body in bodies:
        text = body[:len(body) & ~1].decode("utf-16-le", "replace")
        key, _, value = text.partition("\0")
        strings.append((key, value.strip("\0")))
    leaves = [(16, 1, 0x409, mkpe.version_info([("040904E4", strings)]))] if strings else []
    if icon:
        leaves += [(icon_cases.ICON, 1, 0x409, icon_cases.fixed()[0]), (icon_cases.GROUP, 1, 0x409, icon_cases.group([1]))]
    if not leaves:
        return b""
    made = mkpe.resources(rva, leaves)
    if not all(body in made for body in bodies):
        raise Cannot("offset VI")
    return made


def _pe(signature, pieces):
    need = max([p.place[1] for p in pieces if p.place[0] in ("sect", "in")] + [1])
    low, high = _interval(signature.attributes.get("NumberOfSections", "0-90"))
    count = max(low, min(need + 2, high), 1)
    if need >= count or count > 90:
        raise Cannot("NumberOfSections")
    largest = 0x1000 + sum(len(p.data) + 64 for p in pieces if p.place[0] != "*")
    largest += max([p.place[2] for p in pieces if p.place[0] in ("sect", "last")] + [0])
    largest += max([abs(p.place[2]) for p in pieces if p.place[0] == "ep"] + [0])
    size = (largest + 0xfff) & ~0xfff
    if size * count > 32 << 20:
        raise Cannot("sections would be too large")
    pe = mkpe.PE(size=0x1000 + size * count, entry=0x1000 + EP_RAW - 0x1000, lfanew=0x200, headers=0x1000)
    pe.image = 0x1000 + size * count
    for i in range(count):
        pe.section(b".s%d" % i, 0x1000 + i * size, size, 0x1000 + i * size, size)
    icon = "IconGroup1" in signature.attributes or "IconGroup2" in signature.attributes
    version = _resources([p.data for p in pieces if p.place[0] == "vi"], icon, 0x1000 + size * (count - 1))
    if len(version) > size:
        raise Cannot("no room for resources")
    if version:
        pe.dirs[2] = (0x1000 + size * (count - 1), len(version))
    data = bytearray(pe.bytes())
    data[0x1000:] = b"\x90" * (len(data) - 0x1000)
    data[0x1000 + size * (count - 1):0x1000 + size * (count - 1) + len(version)] = version
    head_end = 0x200 + 24 + 224 + 40 * count
    frozen = list(range(0, 2)) + list(range(0x3c, 0x40)) + list(range(0x200, head_end))
    frozen += range(0x1000 + size * (count - 1), 0x1000 + size * (count - 1) + len(version))
    return Canvas(data, frozen), [(0x1000 + i * size, size) for i in range(count)]


def _elf(signature, pieces):
    count = max([p.place[1] for p in pieces if p.place[0] in ("sect", "in")] + [3]) + 1
    far = max([abs(p.place[2]) + len(p.data) for p in pieces if p.place[0] != "*"] + [0])
    size = (0x1000 + far + 0xfff) & ~0xfff
    base, shoff = 0x8048000, 0x100
    total = 0x1000 + size * count
    head = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 3, 1, base + EP_RAW, 0x34, shoff, 0, 0x34, 32, 1, 40, count, 0)
    program = struct.pack("<8I", 1, 0, base, base, total, total, 5, 0x1000)
    table = b"".join(struct.pack("<10I", 0, 1, 6, base + 0x1000 + i * size, 0x1000 + i * size, size, 0, 0, 16, 0)
                     for i in range(count))
    data = bytearray(b"\x90" * total)
    data[:len(head) + 32] = head + program
    data[shoff:shoff + len(table)] = table
    frozen = list(range(len(head) + 32)) + list(range(shoff, shoff + len(table)))
    return Canvas(data, frozen), [(0x1000 + i * size, size) for i in range(count)]


def _plain(signature, pieces):
    head = HEAD.get(signature.target)
    if head is None:
        raise Cannot(f"target {signature.target}")
    early = any(p.place[0] == "abs" and p.place[2] < len(head) for p in pieces)
    if early and signature.target in (0, 13, 14):
        head = b""
    return Canvas(head, range(len(head)) if not early else range(min(8, len(head)))), []


def _absolute(piece, sections, size):
    kind, number, off = piece.place
    if kind == "abs":
        return off
    if kind == "ep":
        return EP_RAW + off
    if kind in ("sect", "in"):
        if number >= len(sections):
            raise Cannot("section offset in a file without sections")
        return sections[number][0] + off if kind == "sect" else None
    if kind == "last":
        if not sections:
            raise Cannot("section offset in a file without sections")
        return sections[-1][0] + off
    return size - off


def build(signature, pieces):
    if "EntryPoint" in signature.attributes:
        raise Cannot("attribute EntryPoint")
    make = {1: _pe, 6: _elf}.get(signature.target, _plain)
    if make is _plain and any(p.place[0] == "ep" for p in pieces):
        make = _pe
    canvas, sections = make(signature, pieces)
    filler = b"\n" if signature.target in TEXTUAL else b"\x00"
    for piece in pieces:
        if piece.place[0] in ("abs", "ep", "sect", "last"):
            canvas.write(_absolute(piece, sections, 0) - piece.lead, piece.data, piece.mask)
    for piece in pieces:
        if piece.place[0] == "in":
            if piece.place[1] >= len(sections):
                raise Cannot("section offset in a file without sections")
            start, size = sections[piece.place[1]]
            at = canvas.room(len(piece.data), start, start + size)
            if at is None:
                raise Cannot("no room in the section")
            canvas.write(at, piece.data, piece.mask)
    for piece in pieces:
        if piece.place[0] == "*":
            canvas.data += filler * 2
            canvas.write(len(canvas.data), piece.data, piece.mask)
    if make is not _pe and any(p.place[0] == "vi" for p in pieces):
        raise Cannot("version information in a file that is no PE")
    eof = [p for p in pieces if p.place[0] == "eof"]
    low, high = _interval(signature.attributes.get("FileSize", "0-"))
    reach = max([p.place[2] for p in eof] + [0])
    size = max(len(canvas.data) + 2 + reach, low, 64)
    if size > min(high, 24 << 20):
        raise Cannot("FileSize")
    canvas.data += filler * (size - len(canvas.data))
    for piece in eof:
        canvas.write(size - piece.place[2] - piece.lead, piece.data, piece.mask)
        if len(canvas.data) != size:
            raise Cannot("place beyond the end of the file")
    return bytes(canvas.data)


def container_of(signature):
    return signature.attributes.get("Container", "")


def shuffled(items, seed):
    items = list(items)
    random.Random(seed).shuffle(items)
    return items
