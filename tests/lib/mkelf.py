# SPDX-License-Identifier: Apache-2.0
"""Makes ELF files that hold nothing harmful, every header field under the caller's control; the rest is tokens (mkpe)."""
import struct

from mkpe import tokens

# (type, flags, vaddr, offset, size); (type, flags, offset, vaddr, file size, memory size)
SECTIONS = [(0, 0, 0, 0, 0), (1, 6, 0x401000, 0x400, 0x400), (1, 2, 0x402000, 0x800, 0x210),
            (8, 3, 0x403000, 0xA10, 0x500), (3, 0, 0, 0xC00, 0x100)]
SEGMENTS = [(1, 5, 0x400, 0x401000, 0x400, 0x400), (1, 6, 0x800, 0x402000, 0x410, 0x2000)]


class ELF:
    def __init__(self, bits=64, big=False, **fields):
        wide = bits == 64
        self.bits, self.big, self.size = bits, big, 0x2000
        self.entry = 0x401000
        self.sh, self.ph = list(SECTIONS), list(SEGMENTS)
        self.shoff = self.phoff = self.shnum = self.phnum = None
        self.etype, self.machine, self.version, self.shstrndx = 2, 62 if wide else 3, 1, 0
        self.shentsize, self.phentsize, self.ehsize = (64, 56, 64) if wide else (40, 32, 52)
        self.ident_class, self.ident_data = 2 if wide else 1, 2 if big else 1
        for key, value in fields.items():
            assert hasattr(self, key), key
            setattr(self, key, value)

    def bytes(self):
        order, word = ">" if self.big else "<", "Q" if self.bits == 64 else "I"
        phs = b"".join(
            struct.pack(order + "IIQQQQQQ", kind, flags, off, va, va, fsize, msize, 4096) if self.bits == 64 else
            struct.pack(order + "IIIIIIII", kind, off, va, va, fsize, msize, flags, 4096)
            for kind, flags, off, va, fsize, msize in self.ph)
        shs = b"".join(struct.pack(order + "II" + word * 4 + "II" + word * 2, 0, kind, flags, va, off, size, 0, 0, 1, 0)
                       for kind, flags, va, off, size in self.sh)
        phoff = self.phoff if self.phoff is not None else (0x40 if self.ph else 0)
        shoff = self.shoff if self.shoff is not None else (0x1800 if self.sh else 0)
        head = b"\x7fELF" + bytes([self.ident_class, self.ident_data, 1, 0]) + bytes(8)
        head += struct.pack(order + "HHI" + word * 3 + "IHHHHHH", self.etype, self.machine, self.version, self.entry, phoff,
                            shoff, 0, self.ehsize, self.phentsize, len(self.ph) if self.phnum is None else self.phnum,
                            self.shentsize, len(self.sh) if self.shnum is None else self.shnum, self.shstrndx)
        out = tokens(self.size)
        for off, data in ((phoff, phs), (shoff, shs), (0, head)):
            data = data[:max(0, self.size - off)]
            out[off:off + len(data)] = data
        return bytes(out)
