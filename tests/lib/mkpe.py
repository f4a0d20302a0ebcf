# SPDX-License-Identifier: Apache-2.0
"""Makes PE files that hold nothing harmful, with every header field under the caller's control.

A file is made of unique tokens ("OF" + six hex digits of the offset, each 16 bytes) wherever nothing
else is placed, so that a signature for one token tells which offset another program takes for
"entry point", "start of section 3" and so on. Used by the generator of golden files and seeds and
by the differential tests.
"""
import struct


def token(off):
    return b"OF%06x" % off


def tokens(size):
    out = bytearray(size)
    for off in range(0, size - 7, 16):
        out[off:off + 8] = token(off)
    return out


class Section:
    def __init__(self, name, va, vsize, raw, rsize, chars=0x60000020):
        self.name, self.va, self.vsize, self.raw, self.rsize = name, va, vsize, raw, rsize
        self.chars = chars

    def pack(self):
        return struct.pack("<8sIIIIIIHHI", self.name, self.vsize, self.va, self.rsize, self.raw,
                           0, 0, 0, 0, self.chars)


class PE:
    """Set fields, put() data, bytes()."""

    def __init__(self, size=0x1000, pe64=False, **fields):
        self.size, self.pe64 = size, pe64
        self.sections = []
        self.dirs = [(0, 0)] * 16
        self.data = {}  # file offset -> bytes
        self.lfanew = 0x40
        self.magic = 0x20B if pe64 else 0x10B
        self.machine = 0x8664 if pe64 else 0x14C
        self.nsections = None
        self.optsize = None
        self.entry = 0x1000
        self.salign, self.falign = 0x1000, 0x200
        self.headers = 0x200
        self.image = 0x10000
        self.ndirs = 16
        self.chars = 0x102
        self.subsystem = 3
        self.mz, self.sig = b"MZ", b"PE\0\0"
        for key, value in fields.items():
            assert hasattr(self, key), key
            setattr(self, key, value)

    def section(self, *args, **kw):
        self.sections.append(Section(*args, **kw))
        return self

    def put(self, off, data):
        self.data[off] = bytes(data)
        return self

    def bytes(self):
        out = tokens(self.size)
        opt = struct.pack("<HBBIIIII", self.magic, 2, 40, 0x200, 0x200, 0, self.entry & 0xFFFFFFFF,
                          0x1000)
        if self.pe64:
            opt += struct.pack("<Q", 0x140000000)
        else:
            opt += struct.pack("<II", 0x2000, 0x400000)
        opt += struct.pack("<IIHHHHHHIIIIHH", self.salign, self.falign, 4, 0, 0, 0, 4, 0, 0,
                           self.image, self.headers, 0, self.subsystem, 0)
        opt += struct.pack("<QQQQ" if self.pe64 else "<IIII", 0x100000, 0x1000, 0x100000, 0x1000)
        opt += struct.pack("<II", 0, self.ndirs)
        opt += b"".join(struct.pack("<II", *d) for d in self.dirs[:16])
        count = len(self.sections) if self.nsections is None else self.nsections
        optsize = len(opt) if self.optsize is None else self.optsize
        head = self.sig + struct.pack("<HHIIIHH", self.machine, count, 0, 0, 0, optsize, self.chars)
        table = b"".join(s.pack() for s in self.sections)

        def place(off, data):
            data = data[:max(0, self.size - off)]
            out[off:off + len(data)] = data

        place(0, self.mz + b"\0" * 58)
        if 0 <= self.lfanew < self.size:
            place(self.lfanew, head + opt)
            place(self.lfanew + 24 + optsize, table)
        place(0x3C, struct.pack("<I", self.lfanew & 0xFFFFFFFF))
        for off, data in sorted(self.data.items()):
            place(off, data)
        return bytes(out)


def imports(rva, dlls, pe64=False, original=True):
    """Import directory to lie at rva. dlls: [(name, [b"func" or ordinal])]. -> bytes."""
    width = 8 if pe64 else 4
    desc_size = 20 * (len(dlls) + 1)
    off = desc_size
    thunk_at, iat_at = [], []
    for _, funcs in dlls:
        thunk_at.append(off)
        off += width * (len(funcs) + 1)
    for _, funcs in dlls:
        iat_at.append(off)
        off += width * (len(funcs) + 1)
    names = bytearray()
    base = off

    def name(data):
        at = rva + base + len(names)
        names.extend(data + b"\0")
        if len(names) % 2:
            names.extend(b"\0")
        return at

    desc, thunks = b"", b""
    for i, (dll, funcs) in enumerate(dlls):
        for func in funcs:
            if isinstance(func, int):
                value = func | (1 << (width * 8 - 1))
            else:
                value = name(b"\1\0" + func)
            thunks += value.to_bytes(width, "little")
        thunks += bytes(width)
        desc += struct.pack("<IIIII", rva + thunk_at[i] if original else 0, 0, 0, name(dll),
                            rva + iat_at[i])
    return desc + bytes(20) + thunks + thunks + bytes(names)


def _wide(text):
    return text.encode("utf-16-le") + b"\0\0"


def _pad4(data):
    return data + bytes(-len(data) % 4)


def _node(key, value=b"", children=b"", is_text=0, value_len=None):
    body = _pad4(struct.pack("<HHH", 0, 0, is_text) + _wide(key)) + value
    if children:
        body = _pad4(body) + children
    length = len(body)
    if value_len is None:
        value_len = len(value) // 2 if is_text else len(value)
    return struct.pack("<HHH", length, value_len, is_text) + body[6:]


def version_info(tables):
    """VS_VERSION_INFO. tables: [("040904E4", [(key, value)])]. -> bytes."""
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, *([0] * 11))
    out = b""
    for lang, strings in tables:
        rows = b"".join(_pad4(_node(k, _wide(v), is_text=1)) for k, v in strings)
        out += _pad4(_node(lang, b"", rows, 1, 0))
    sfi = _pad4(_node("StringFileInfo", b"", out, 1, 0))
    var = _node("VarFileInfo", b"", _node("Translation", struct.pack("<HH", 0x409, 1252)), 1, 0)
    return _node("VS_VERSION_INFO", fixed, sfi + var)


def resources(rva, entries):
    """Resource tree to lie at rva. entries: [(type, name, lang, data)], one leaf each. -> bytes."""
    types = {}
    for kind, name, lang, data in entries:
        types.setdefault(kind, {}).setdefault(name, {})[lang] = data

    def size_of(count):
        return 16 + 8 * count

    root = size_of(len(types))
    names = sum(size_of(len(n)) for n in types.values())
    langs = sum(size_of(len(l)) for n in types.values() for l in n.values())
    leaf_count = sum(len(l) for n in types.values() for l in n.values())
    leaf_base = root + names + langs
    blob_base = leaf_base + 16 * leaf_count
    at_names, at_langs, blob_off = root, root + names, blob_base
    out_root = struct.pack("<IIHHHH", 0, 0, 0, 0, 0, len(types))
    out_names, out_langs, out_leaves, out_blobs = b"", b"", b"", b""
    leaf_at = leaf_base
    for kind in sorted(types):
        out_root += struct.pack("<II", kind, 0x80000000 | at_names)
        out_names += struct.pack("<IIHHHH", 0, 0, 0, 0, 0, len(types[kind]))
        at_names += size_of(len(types[kind]))
        for name in sorted(types[kind]):
            out_names += struct.pack("<II", name, 0x80000000 | at_langs)
            out_langs += struct.pack("<IIHHHH", 0, 0, 0, 0, 0, len(types[kind][name]))
            at_langs += size_of(len(types[kind][name]))
            for lang in sorted(types[kind][name]):
                data = types[kind][name][lang]
                out_langs += struct.pack("<II", lang, leaf_at)
                out_leaves += struct.pack("<IIII", rva + blob_off, len(data), 0, 0)
                leaf_at += 16
                out_blobs += _pad4(data)
                blob_off += len(_pad4(data))
    return out_root + out_names + out_langs + out_leaves + out_blobs
