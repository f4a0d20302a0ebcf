# SPDX-License-Identifier: Apache-2.0
"""Images of the golden files, the fuzz seeds and the comparison with ClamAV: (name, bytes, kept).

kept: ClamAV 1.4.6 refuses the image (no offset form, no section hash), Sekisho reports what it can read.
"""
import struct

from mkelf import ELF, SEGMENTS, SECTIONS
from mkpe import PE, imports, resources, version_info, _node, _pad4, _wide

DLLS = [(b"KERNEL32.dll", [b"Sleep", b"ExitProcess"]), (b"WS2_32.dll", [1, 2, 115, 900]), (b"foo.OCX", [b"Bar", 7]),
        (b"a.b.dll", [b"c"]), (b"oleaut32.dll", [2, 6])]
STRINGS = [("040904E4", [("CompanyName", "Example Company"), ("A", "abc"), ("Empty", ""), ("Product", "thing")]),
           ("041104b0", [("Japanese", "nihon"), ("Last", "one")])]


def base(**fields):
    """Four sections, the third without bytes. Keys s0_rsize and so on set fields of a section."""
    sections = {key: fields.pop(key) for key in list(fields) if key[0] == "s" and key[1].isdigit()}
    pe = PE(0x2000, **fields)
    pe.section(b".text", 0x1000, 0x300, 0x400, 0x400).section(b".data", 0x2000, 0x1000, 0x800, 0x400)
    pe.section(b".bss", 0x3000, 0x1000, 0, 0).section(b".rsrc", 0x4000, 0x1000, 0xC00, 0x600)
    for key, value in sections.items():
        setattr(pe.sections[int(key[1])], key[3:], value)
    return pe


def rich(pe64=False, dlls=DLLS, strings=None, edit=None):
    """Imports at 0x2000 (offset 0x800), resources at 0x3000 (offset 0x1800)."""
    pe = PE(0x3000, pe64, headers=0x400)
    pe.section(b".text", 0x1000, 0x400, 0x400, 0x400).section(b".idata", 0x2000, 0x1000, 0x800, 0x1000)
    pe.section(b".rsrc", 0x3000, 0x1000, 0x1800, 0x1800)
    table = bytearray(imports(0x2000, dlls, pe64))
    info = strings if strings is not None else version_info(STRINGS)
    tree = bytearray(resources(0x3000, [(3, 1, 0x409, b"icon"), (16, 1, 0x409, info), (16, 1, 0x411, info), (24, 1, 0, b"x")]))
    if edit:
        edit(pe, table, tree)
    pe.dirs[1] = pe.dirs[1] if pe.dirs[1][1] else (0x2000, len(table))
    pe.dirs[2] = pe.dirs[2] if pe.dirs[2][1] else (0x3000, len(tree))
    return pe.put(0x800, table).put(0x1800, tree)


def set_u32(which, off, value):
    """Edit for rich(): which 1 = import directory, 2 = resource tree."""
    def edit(pe, table, tree):
        struct.pack_into("<I", (pe, table, tree)[which], off, value)
    return edit


def first_thunk(value, slot=0):
    def edit(pe, table, tree):
        struct.pack_into("<I", table, struct.unpack_from("<I", table, 0)[0] - 0x2000 + 4 * slot, value)
    return edit


def set_dir(which, rva, size):
    def edit(pe, table, tree):
        pe.dirs[which] = (rva, size)
    return edit


def row(key, value):
    return _pad4(_node(key, _wide(value), is_text=1))


def table_of(rows):
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, *([0] * 11))
    inner = _pad4(_node("040904E4", b"", rows, 1, 0))
    return _node("VS_VERSION_INFO", fixed, _pad4(_node("StringFileInfo", b"", inner, 1, 0)))


def pe_headers():
    ok = [("plain", {}), ("plain64", {"pe64": True}), ("swapped", {"s1_raw": 0xC00, "s3_raw": 0x800, "s3_rsize": 0x400}),
          ("raw-odd", {"s0_raw": 0x410}), ("size-odd", {"s0_rsize": 0x310}), ("falign-1000", {"falign": 0x1000}),
          ("falign-400", {"falign": 0x400}), ("falign-20", {"falign": 0x20, "s0_raw": 0x413, "s0_rsize": 0x3F3}),
          ("falign-0", {"falign": 0, "s0_rsize": 0x3F3}), ("falign-1", {"falign": 1, "s0_rsize": 0x3F3}),
          ("falign-300", {"falign": 0x300}), ("falign-2000", {"falign": 0x2000}),
          ("falign-1000-odd", {"falign": 0x1000, "s0_raw": 0x1010, "s1_raw": 0x1000, "s3_raw": 0x1000}),
          ("past-end", {"s3_rsize": 0x6000}), ("off-past-end", {"s3_raw": 0x6000}), ("raw-0", {"s0_raw": 0}),
          ("raw-ff", {"s0_raw": 0xFFFFFF00, "entry": 0x2000}), ("rsize-80000000", {"s0_rsize": 0x80000000}),
          ("raw-1ff0", {"s0_raw": 0x1FF0}), ("entry-header", {"entry": 0x310, "headers": 0x400}),
          ("entry-900", {"entry": 0x900}), ("entry-behind-vsize", {"entry": 0x1350}), ("entry-0", {"entry": 0}),
          ("entry-data", {"entry": 0x2050}), ("overlap", {"s1_va": 0x1000, "entry": 0x1010}),
          ("va-odd", {"s0_va": 0x1234, "entry": 0x1010}), ("salign-0", {"salign": 0}), ("salign-1100", {"salign": 0x1100}),
          ("salign-huge", {"salign": 0x1000000}), ("headers-big", {"headers": 0x5000, "entry": 0x1010}),
          ("lfanew-4", {"lfanew": 4, "salign": 4}), ("lfanew-16", {"lfanew": 0x10}), ("lfanew-far", {"lfanew": 0x1E00}),
          ("magic-0", {"magic": 0}), ("magic-64-in-32", {"magic": 0x20B}), ("nsections-1", {"nsections": 1}),
          ("ndirs-0", {"ndirs": 0}), ("ndirs-huge", {"ndirs": 0xFFFFFFFF}), ("dll", {"chars": 0x2102, "entry": 0}),
          ("long-vsize", {"s0_vsize": 1, "s0_rsize": 0x1200, "entry": 0x2100, "s1_va": 0x8000})]
    kept = [("entry-nowhere", {"entry": 0x9450}), ("entry-bss", {"entry": 0x3010}), ("vsize-huge", {"s0_vsize": 0xFFFFFFFF}),
            ("va-huge", {"s0_va": 0xFFFFF000, "entry": 0x2000}), ("rsize-huge", {"s0_rsize": 0xFFFFFFFF}),
            ("optsize-0", {"optsize": 0}), ("optsize-60", {"optsize": 0x60}), ("table-cut", {"lfanew": 0x1EB0}),
            ("lfanew-past", {"lfanew": 0x3000}), ("lfanew-negative", {"lfanew": 0xFFFFFFC0}), ("no-sections", {"nsections": 0}),
            ("not-pe", {"sig": b"NE\0\0"}), ("headers-0", {"headers": 0, "entry": 0x10})]
    for name, fields in ok:
        yield "pe-" + name, base(**fields).bytes(), False
    for name, fields in kept:
        yield "pe-" + name, base(**fields).bytes(), True
    for count in (97, 300):
        pe = PE(0x10000, headers=0x400)
        for i in range(count):
            pe.section(b"x", 0x10000 + i * 0x1000, 0x100, 0x4000 + 0x20 * i, 0x20)
        pe.falign, pe.entry = 0x20, 0x10000
        yield f"pe-sections-{count}", pe.bytes(), False


def pe_tables():
    yield "pe-rich", rich().bytes(), False
    yield "pe-rich64", rich(True).bytes(), False
    edits = {"name-0": set_u32(1, 12, 0), "name-nowhere": set_u32(1, 12, 0x9000), "name-header": set_u32(1, 12, 2),
             "lookup-0": set_u32(1, 0, 0), "lookup-nowhere": set_u32(1, 0, 0x9000), "lookup-header": set_u32(1, 0, 0x100),
             "thunk-nowhere": first_thunk(0x9000), "thunk-self": set_u32(1, 0, 0x2000), "thunk-eof": first_thunk(0x47FD, 1),
             "thunk-cut": set_u32(1, 0, 0x47FE), "dir-39": set_dir(1, 0x2000, 39), "dir-20": set_dir(1, 0x2000, 20),
             "dir-0": set_dir(1, 0x9000, 400), "dir-huge": set_dir(1, 0x2000, 0xFFFFFFFF), "dir-eof": set_dir(1, 0x2000, 0x2801),
             "tree-cycle": set_u32(2, 0x14, 0x80000000), "tree-nowhere": set_u32(2, 0x1C, 0x8000F000),
             "tree-count": set_u32(2, 12, 0xFFFFFFFF)}
    for name, edit in edits.items():
        yield "pe-" + name, rich(edit=edit).bytes(), False
    one = table_of(row("Alpha", "one value"))
    many = resources(0x3000, [(16, 1, lang, one) for lang in range(1, 21)])
    yield "pe-languages-20", rich(edit=lambda pe, table, tree: tree.__setitem__(slice(None), many)).bytes(), False
    for name, dlls in (("no-dlls", []), ("mangled", [(b"m.dll", [b"?f@@YAXXZ"])]), ("long-name", [(b"x" * 300, [b"f" * 400])]),
                       ("twice", [(b"a.dll.dll", [b"f", b"", b"f"]), (b".sys", [0x12345])])):
        yield "pe-" + name, rich(dlls=dlls).bytes(), False
    good = row("Alpha", "one value")
    for name, rows in (("row-short", good + row("B", "x") + good), ("row-unpadded", good + _node("Bet", _wide("xyzw"), is_text=1)),
                       ("row-empty", _pad4(_node("Alpha", b"", is_text=1)) + good), ("no-rows", b""),
                       ("row-huge", struct.pack("<H", 999) + good[2:] + good), ("row-zero", b"\0\0" + good[2:] + good)):
        yield "pe-" + name, rich(strings=table_of(rows)).bytes(), False
    info = bytearray(version_info(STRINGS))
    for name, off, value in (("root-long", 0, 0xFFFF), ("root-short", 0, 0x60), ("fixed-0", 2, 0), ("fixed-magic", 0x28, 1),
                             ("key", 8, 0x58), ("info-long", 0x5C, 0x7FFF)):
        broken = bytearray(info)
        struct.pack_into("<H", broken, off, value)
        yield "pe-" + name, rich(strings=bytes(broken)).bytes(), False


def elf():
    for bits in (32, 64):
        for big in (False, True):
            yield f"elf-{bits}-{'be' if big else 'le'}", ELF(bits, big).bytes(), False
    first = (1, 5, 0xC00, 0x400000, 0x4000, 0x4000)
    clip, past = list(SECTIONS), list(SECTIONS)
    clip[2], past[2] = (1, 2, 0x402000, 0x800, 0x5000), (1, 2, 0x402000, 0x5000, 0x50)
    ok = [("first-segment", {"ph": [first] + SEGMENTS}), ("any-type", {"ph": [(6,) + first[1:]] + SEGMENTS}),
          ("no-segments", {"ph": []}), ("entry-0", {"entry": 0}), ("object", {"entry": 0, "etype": 1, "ph": []}),
          ("entry-bss", {"entry": 0x402500}), ("section-clip", {"sh": clip}), ("section-past", {"sh": past}),
          ("many", {"sh": SECTIONS + [(1, 0, 0, 0x1000 + 16 * i, 16) for i in range(250)], "shoff": 0x4000, "size": 0x10000})]
    kept = [("no-sections", {"sh": []}), ("shoff-past", {"shoff": 0x3000}), ("shoff-cut", {"shoff": 0x1F00}),
            ("shentsize", {"shentsize": 48}), ("phentsize", {"phentsize": 48}), ("entry-nowhere", {"entry": 0x999999}),
            ("phoff-past", {"phoff": 0x3000}), ("class-7", {"ident_class": 7}), ("data-7", {"ident_data": 7}),
            ("sections-300", {"sh": SECTIONS * 60, "shoff": 0x4000, "size": 0x10000}), ("phnum-129", {"phnum": 129, "size": 0x8000})]
    for name, fields in ok:
        yield "elf-" + name, ELF(**fields).bytes(), False
    for name, fields in kept:
        yield "elf-" + name, ELF(**fields).bytes(), True
    yield "elf-cut", ELF().bytes()[:40], True


def all_cases():
    yield from pe_headers()
    yield from pe_tables()
    yield from elf()
    yield "pe-dos-program", b"MZ" + bytes(200), True
    yield "pe-text", b"MZ is no program\n" * 4, True


def compact(pe64=False):
    """A small PE with everything in it, as a seed for the fuzzer."""
    pe = PE(0x700, pe64, falign=0x20, headers=0x200)
    pe.section(b".idata", 0x1000, 0x140, 0x200, 0x140).section(b".rsrc", 0x2000, 0x3A0, 0x340, 0x3A0)
    table = imports(0x1000, [(b"ws2_32.dll", [1, b"send"]), (b"a.ocx", [b"B"])], pe64)
    tree = resources(0x2000, [(16, 1, 0x409, version_info([("040904E4", [("Key", "value"), ("Other", "x")])]))])
    assert len(table) <= 0x140 and len(tree) <= 0x3A0
    pe.dirs[1], pe.dirs[2] = (0x1000, len(table)), (0x2000, len(tree))
    return pe.put(0x200, table + bytes(0x140 - len(table))).put(0x340, tree).bytes()


def seeds():
    """(directory, name, bytes) for fuzz/seeds."""
    for pe64 in (False, True):
        yield "pe", "compact64" if pe64 else "compact32", compact(pe64)
    yield "pe", "cut", compact()[:0x150]
    yield "pe", "dos", b"MZ" + bytes(62)
    for bits in (32, 64):
        for big in (False, True):
            made = ELF(bits, big, size=0x300, shoff=0x140)
            yield "elf", f"{bits}{'be' if big else 'le'}", made.bytes()
    yield "elf", "cut", ELF().bytes()[:50]


if __name__ == "__main__":  # usage: exe_cases.py TOP: writes the seeds again
    import base64
    import pathlib
    import sys
    for folder, name, data in seeds():
        path = pathlib.Path(sys.argv[1]) / "fuzz/seeds" / folder / (name + ".b64")
        path.write_text(base64.encodebytes(data).decode())
