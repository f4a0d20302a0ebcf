#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random programs and signatures with offsets of every form, against a reference and, where it is installed, clamscan.

usage: prop_places.py PROGRAM [--rounds N] [--seconds S] [--seed N] [--keep FOLDER]

One round: PE and ELF files with sections of random number, place and size, an entry point anywhere in them and, in half of the PE
files, version information. For each file signatures (ndb and ldb) with absolute, EOF-, EP, Sx, SEx, SL and VI offsets, with and without
a shift, on bytes that stand at their place, just inside the shift, just beside it, or elsewhere. The reference knows where it put the
sections. Entry points lie inside a section and sections do not overlap: what else there can be is asked by tests/integ/test_exe_oracle.py.
"""
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import mkpe  # noqa: E402
import props  # noqa: E402

PROGRAMS, SIGS = 12, 30


class Layout:
    """A program and what the reference needs to know of it: sections as (start, length) in the file, entry point, version."""

    def __init__(self, rnd):
        self.elf = rnd.random() < 0.4
        self.sections, at = [], 0x600
        for _ in range(rnd.randrange(1, 6)):
            size = rnd.randrange(1, 5) * 0x200
            self.sections.append((at, size))
            at += size + (rnd.randrange(3) * 0x200 if self.elf else 0)
        self.size = at + rnd.choice((0, 0, 60, 700))
        number = rnd.randrange(len(self.sections))
        self.ep = self.sections[number][0] + rnd.randrange(self.sections[number][1] - 0x40)
        self.entry_at = 0x1000 * (number + 1) + self.ep - self.sections[number][0]
        self.version = None
        self.data = bytearray(self.make_elf() if self.elf else self.make_pe(rnd))

    def make_pe(self, rnd):
        pe = mkpe.PE(size=self.size, entry=self.entry_at, lfanew=0x80, headers=0x600)
        pe.image = 0x1000 * (len(self.sections) + 1)
        for i, (start, length) in enumerate(self.sections):
            pe.section(b".s%d" % i, 0x1000 * (i + 1), length, start, length)
        last, room = len(self.sections), self.sections[-1][1]
        if rnd.random() < 0.5 and room >= 0x400 and not self.sections[-1][0] <= self.ep < self.sections[-1][0] + room:
            self.version = [("Product", "SkVersion%d" % rnd.randrange(10 ** 6)), ("Other", "Text%d" % rnd.randrange(10 ** 6))]
            made = mkpe.resources(0x1000 * last, [(16, 1, 0x409, mkpe.version_info([("040904E4", self.version)]))])
            pe.dirs[2] = (0x1000 * last, len(made))
            pe.put(self.sections[-1][0], made)
            self.version_end = len(made)
        return pe.bytes()

    def make_elf(self):
        base, table = 0x8048000, 0x200
        entry = base + self.ep
        head = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack(
            "<HHIIIIIHHHHHH", 2, 3, 1, entry, 0x34, table, 0, 0x34, 32, 1, 40, len(self.sections), 0)
        program = struct.pack("<8I", 1, 0, base, base, self.size, self.size, 5, 0x1000)
        rows = b"".join(struct.pack("<10I", 0, 1, 6, base + start, start, length, 0, 0, 16, 0) for start, length in self.sections)
        out = mkpe.tokens(self.size)
        out[:len(head) + 32] = head + program
        out[table:table + len(rows)] = rows
        return bytes(out)

    def place(self, form):
        """(first, last) start that the offset text means, or None."""
        where, _, shift = form.partition(",")
        shift = int(shift or 0)
        if where == "*":
            return 0, self.size
        if where.isdigit():
            first = int(where)
        elif where.startswith("EOF-"):
            first = self.size - int(where[4:])
        elif where.startswith("EP"):
            first = self.ep + int(where[2:])
        elif where.startswith("SE"):
            number = int(where[2:])
            if number >= len(self.sections):
                return None
            start, length = self.sections[number]
            return start, start + length
        elif where.startswith("SL"):
            first = self.sections[-1][0] + int(where[3:])
        else:
            number, _, more = where[1:].partition("+")
            if int(number) >= len(self.sections):
                return None
            first = self.sections[int(number)][0] + int(more)
        return (first, first + shift) if first >= 0 else None


def random_form(rnd, layout):
    number = rnd.randrange(len(layout.sections) + 1)
    where = rnd.choice((str(rnd.randrange(0x400, layout.size)), f"EOF-{rnd.randrange(8, 300)}", f"EP+{rnd.randrange(40)}", f"EP-{rnd.randrange(200)}",
                        f"S{number}+{rnd.randrange(500)}", f"SE{number}", f"SL+{rnd.randrange(500)}"))
    return where + (f",{rnd.randrange(1, 60)}" if rnd.random() < 0.5 and not where.startswith("SE") else "")


def random_body(rnd, layout, form):
    """Eight or so bytes of the file that may or may not stand at the place."""
    place = layout.place(form)
    if place is None or rnd.random() < 0.1:
        at = rnd.randrange(0x400, layout.size - 8)
    else:
        at = rnd.choice((place[0], place[1], place[0] - 1, place[1] + 1, (place[0] + place[1]) // 2))
    at = max(0x400, min(at, layout.size - 8))
    return bytes(layout.data[at:at + rnd.choice((6, 8, 8))])


def holds(layout, form, body):
    place = layout.place(form)
    at = layout.data.find(body)
    while at >= 0:
        if place is not None and place[0] <= at <= place[1]:
            return True
        at = layout.data.find(body, at + 1)
    return False


def of_version(rnd, layout):
    key, value = rnd.choice(layout.version) if layout.version else ("Product", "SkVersion")
    start = (key + "\0").encode("utf-16-le")
    if rnd.random() < 0.5:  # a value follows at once or behind two bytes of padding
        shown = start + bytes(-(len(start) + 6) % 4) + (value if rnd.random() < 0.7 else value + "x").encode("utf-16-le")
    else:
        shown = value.encode("utf-16-le")
    return shown, layout.version is not None and shown.startswith(start) and bytes(shown) in bytes(layout.data)


def one_round(args):
    def go(work, seed, report):
        rnd = random.Random(seed)
        lines, what_of, expected = {"ndb": [], "ldb": []}, {}, props.collections.defaultdict(set)
        layouts = [Layout(rnd) for _ in range(PROGRAMS)]
        for f, layout in enumerate(layouts):
            for at in range(0x400, layout.size - 8, 16):
                if not (layout.version and layout.sections[-1][0] <= at < layout.sections[-1][0] + layout.version_end):
                    layout.data[at:at + 8] = b"K%02d%05x" % (f, at)
            (work / f"files/f{f}").write_bytes(bytes(layout.data))
            for i in range(SIGS):
                name = f"P{f}_{i}"
                if not layout.elf and rnd.random() < 0.15:
                    form, (body, yes) = "VI", of_version(rnd, layout)
                else:
                    form = random_form(rnd, layout)
                    body = random_body(rnd, layout, form)
                    yes = holds(layout, form, body)
                target = 6 if layout.elf else 1
                if rnd.random() < 0.5:
                    lines["ndb"].append(f"{name}:{target}:{form}:{body.hex()}")
                else:
                    lines["ldb"].append(f"{name};Engine:81-255,Target:{target};0;{form}:{body.hex()}")
                what_of[name] = f"{form} {body!r} in f{f}: sections {layout.sections}, entry {layout.ep:#x}, size {layout.size:#x}"
                if yes:
                    expected[f"f{f}"].add(name)
                report.cases += 1
        report.hits += sum(map(len, expected.values()))
        for suffix, rows in lines.items():
            (work / f"defs/places.{suffix}").write_text("".join(row + "\n" for row in rows))

        def own(found):
            """Signatures of one file may fit another one by accident."""
            return props.collections.defaultdict(set, {file: {n for n in names if n.startswith(f"P{file[1:]}_")} for file, names in found.items()})

        def what(file, name):
            return what_of[name]
        report.compare("sekisho", expected, own(props.run_sekisho(args.sekisho, work)), what)
        if props.have_clamscan():
            report.compare("clamscan", expected, own(props.run_clamscan(work, keep=("pe", "elf"))), what)
    return go


if __name__ == "__main__":
    sys.exit(props.main(__doc__, one_round, rounds=20))
