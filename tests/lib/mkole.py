# SPDX-License-Identifier: Apache-2.0
"""Makes OLE2 compound files and VBA projects for tests: [MS-CFB], [MS-OVBA]. Good ones; tests break them by hand.

    ole({"WordDocument": b"...", "Macros/VBA/dir": b"..."}, version=3) -> bytes
    vba_project({"Module1": "Sub a()\\r\\n"}) -> {"PROJECT": ..., "VBA/dir": ..., ...}
"""
import struct

FREE, END, FATSECT, DIFSECT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
NOSTREAM = 0xFFFFFFFF


def pad(data, size):
    return data + bytes(-len(data) % size)


class Storage:
    def __init__(self, name, clsid=bytes(16)):
        self.name, self.children, self.clsid, self.data = name, [], clsid, None


def tree_of(streams, clsid):
    root = Storage("Root Entry", clsid)
    for path, data in streams.items():
        at = root
        *folders, leaf = path.split("/")
        for folder in folders:
            found = [c for c in at.children if c.name == folder and c.data is None]
            if not found:
                found = [Storage(folder)]
                at.children.append(found[0])
            at = found[0]
        node = Storage(leaf)
        node.data = data
        at.children.append(node)
    return root


def cfb_order(node):
    return (len(node.name.encode("utf-16le")), node.name.upper())


def number(root):
    """Directory entries in order, with child and right sibling (a degenerate tree: every reader takes it)."""
    entries = [root]
    todo = [root]
    while todo:
        at = todo.pop(0)
        at.children.sort(key=cfb_order)
        for child in at.children:
            child.id = len(entries)
            entries.append(child)
            todo.append(child)
    for entry in entries:
        entry.child = entry.children[0].id if entry.children else NOSTREAM
        entry.right = NOSTREAM
    for entry in entries:
        for left, right in zip(entry.children, entry.children[1:]):
            left.right = right.id
    return entries


class Writer:
    def __init__(self, version):
        self.size = 512 if version == 3 else 4096
        self.sectors, self.fat = [], []

    def put(self, data):
        """A chain; returns its first sector."""
        if not data:
            return END
        first = len(self.sectors)
        data = pad(data, self.size)
        count = len(data) // self.size
        for i in range(count):
            self.sectors.append(data[i * self.size:(i + 1) * self.size])
            self.fat.append(first + i + 1 if i + 1 < count else END)
        return first


def entry_bytes(entry, kind, start, size):
    name = entry.name.encode("utf-16le")[:62] + b"\0\0"
    return struct.pack("<64sHBBIII16sIQQIQ", name, len(name), kind, 1, NOSTREAM, entry.right, entry.child, entry.clsid,
                       0, 0, 0, start, size)


def ole(streams, version=3, clsid=bytes(16)):
    w = Writer(version)
    entries = number(tree_of(streams, clsid))
    mini, minifat, places = b"", [], {}
    for entry in entries[1:]:
        if entry.data is None:
            continue
        if len(entry.data) >= 4096 or not entry.data:
            places[entry] = w.put(entry.data)
            continue
        first = len(minifat)
        count = (len(entry.data) + 63) // 64
        minifat += [first + i + 1 for i in range(count - 1)] + [END]
        mini += pad(entry.data, 64)
        places[entry] = first
    root_start = w.put(mini)
    minifat_bytes = b"".join(struct.pack("<I", v) for v in minifat)
    if minifat_bytes:
        minifat_bytes += b"\xff" * (-len(minifat_bytes) % w.size)
    minifat_start = w.put(minifat_bytes)
    directory = b""
    for entry in entries:
        if entry is entries[0]:
            directory += entry_bytes(entry, 5, root_start if mini else END, len(mini))
        elif entry.data is None:
            directory += entry_bytes(entry, 1, 0, 0)
        else:
            directory += entry_bytes(entry, 2, places[entry], len(entry.data))
    empty = struct.pack("<64sHBBIII16sIQQIQ", b"", 0, 0, 0, NOSTREAM, NOSTREAM, NOSTREAM, bytes(16), 0, 0, 0, 0, 0)
    while len(directory) % w.size:
        directory += empty
    dir_start = w.put(directory)
    per = w.size // 4
    fat_count = 1
    while (len(w.fat) + fat_count) > fat_count * per:
        fat_count += 1
    assert fat_count <= 109
    first_fat = len(w.sectors)
    fat = w.fat + [FATSECT] * fat_count
    fat += [FREE] * (fat_count * per - len(fat))
    raw = b"".join(struct.pack("<I", v) for v in fat)
    w.put(raw)
    difat = [first_fat + i for i in range(fat_count)] + [FREE] * (109 - fat_count)
    header = struct.pack("<8s16sHHHHH6sIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3e, version,
                         0xfffe, 9 if version == 3 else 12, 6, bytes(6),
                         len(directory) // w.size if version == 4 else 0, fat_count, dir_start, 0, 4096,
                         minifat_start, len(minifat_bytes) // w.size, END, 0)
    header += b"".join(struct.pack("<I", v) for v in difat)
    return pad(header, w.size) + b"".join(w.sectors)


# ---- VBA -------------------------------------------------------------------------------------------------------

def copy_token_bits(done):
    bits = 4
    while (1 << bits) < done:
        bits += 1
    return bits


def compress_chunk(chunk):
    out, pos = bytearray(), 0
    while pos < len(chunk):
        flags_at, flags = len(out), 0
        out.append(0)
        for bit in range(8):
            if pos >= len(chunk):
                break
            bits = copy_token_bits(pos)
            longest = (0xFFFF >> bits) + 3
            best, back = 0, 0
            for start in range(max(0, pos - 4096), pos):
                n = 0
                while n < longest and pos + n < len(chunk) and chunk[start + n] == chunk[pos + n]:
                    n += 1
                if n > best:
                    best, back = n, pos - start
            if best >= 3:
                out += struct.pack("<H", (back - 1) << (16 - bits) | (best - 3))
                flags |= 1 << bit
                pos += best
            else:
                out.append(chunk[pos])
                pos += 1
        out[flags_at] = flags
    return bytes(out)


def compress(data, raw=False):
    """[MS-OVBA] 2.4.1; raw: chunks as they are (the last one must be whole)."""
    out = b"\x01"
    for at in range(0, len(data), 4096):
        chunk = data[at:at + 4096]
        packed = b"" if raw else compress_chunk(chunk)
        if raw or len(packed) > 4096:
            out += struct.pack("<H", 0x3000 | 0xFFF) + chunk.ljust(4096, b"\0")
        else:
            out += struct.pack("<H", 0xB000 | (len(packed) - 1)) + packed
    return out


def record(ident, data):
    return struct.pack("<HI", ident, len(data)) + data


def dir_stream(modules, codepage=1252, offset=0):
    d = record(1, struct.pack("<I", 1)) + record(2, struct.pack("<I", 0x409)) + record(0x14, struct.pack("<I", 0x409))
    d += record(3, struct.pack("<H", codepage)) + record(4, b"VBAProject") + record(5, b"") + record(0x40, b"")
    d += record(6, b"") + record(0x3D, b"") + record(7, bytes(4)) + record(8, bytes(4))
    d += struct.pack("<HIIH", 9, 4, 1, 2) + record(0xC, b"") + record(0x3C, b"")
    d += record(0x16, b"stdole") + record(0x3E, "stdole".encode("utf-16le"))
    lib = b"*\\G{00020430-0000-0000-C000-000000000046}#2.0#0#C:\\stdole2.tlb#OLE Automation"
    d += record(0xD, struct.pack("<I", len(lib)) + lib + bytes(6))
    d += record(0xF, struct.pack("<H", len(modules))) + record(0x13, struct.pack("<H", 0xFFFF))
    for name in modules:
        ansi, wide = name.encode("cp%d" % codepage), name.encode("utf-16le")
        d += record(0x19, ansi) + record(0x47, wide) + record(0x1A, ansi) + record(0x32, wide)
        d += record(0x1C, b"") + record(0x48, b"") + record(0x31, struct.pack("<I", offset))
        d += record(0x1E, bytes(4)) + record(0x2C, struct.pack("<H", 0xFFFF)) + record(0x21, b"") + record(0x2B, b"")
    return d + record(0x10, b"")


def vba_project(modules, offset=0, codepage=1252, prefix=""):
    """modules: name -> source text (bytes or str). offset: so much p-code stands before the source."""
    streams = {}
    for name, text in modules.items():
        text = text if isinstance(text, bytes) else text.encode("cp%d" % codepage)
        streams[f"{prefix}VBA/{name}"] = bytes(i * 7 & 0x7f | 0x80 for i in range(offset)) + compress(text)
    streams[f"{prefix}VBA/dir"] = compress(dir_stream(list(modules), codepage, offset))
    streams[f"{prefix}VBA/_VBA_PROJECT"] = bytes.fromhex("cc61ffff000000")
    lines = ['ID="{00000000-0000-0000-0000-000000000000}"'] + [f"Module={n}" for n in modules]
    lines += ['Name="VBAProject"', 'HelpContextID="0"', "", "[Host Extender Info]", ""]
    streams[f"{prefix}PROJECT"] = "\r\n".join(lines).encode("cp%d" % codepage)
    return streams
