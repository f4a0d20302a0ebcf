#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Heads of bytecode files (cbc) made by hand: what `sekisho defs compile` says of them, and whether clambc takes them alike.
usage: test_bytecode.py PROGRAM"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
MAGIC = 0x53e5493e9f3d1c30


def number(n):
    nibbles = []
    while n:
        nibbles.append(chr(0x60 + (n & 15)))
        n >>= 4
    return chr(0x60 + len(nibbles)) + "".join(nibbles)


def text(data):
    return "|" + number(len(data)) + "".join(chr(0x60 + (b & 15)) + chr(0x60 + (b >> 4)) for b in data)


def head(level=6, kind=0, low=0, high=0, magic=MAGIC, tail="jb", end=":4096", mark="ClamBC", functions=3):
    return (mark + number(level) + number(1700000000) + text(b"maker\0") + number(0) + number(kind) + number(low) + number(high) + number(0)
            + text(b"compiler\0") + number(0) + number(functions) + number(magic) + tail + end)


TRIGGER = "BC.Test.Own.{A,B};Engine:56-255,Target:0;0;61626364"
CASES = {  # name: (head, what sekisho says, what clambc says: "skip" for a level, "refuse", None: not asked, it would go on to the body)
    "good": (head(), "bytecode BC.Test.Own (kind 0, 3 functions) is not run yet", None),
    "hook": (head(kind=258), "bytecode BC.Test.Own (kind 258, 3 functions) is not run yet", None),
    "format-7": (head(level=7), "is not run yet", None),
    "format-5": (head(level=5), "bytecode of format 5", "skip"),
    "format-8": (head(level=8), "bytecode of format 8", "skip"),
    "newer": (head(low=300, high=400), "for levels 300 to 400", "skip"),
    "older": (head(low=1, high=5), "for levels 1 to 5", "skip"),
    "here": (head(low=100, high=300), "is not run yet", None),
    "magic": (head(magic=MAGIC + 1), "no head of a bytecode file", "refuse"),
    "tail": (head(tail="ja"), "no head of a bytecode file", "refuse"),
    "colon": (head(end=""), "no head of a bytecode file", "refuse"),
    "length": (head(end=":" + number(4096)), "no head of a bytecode file", "refuse"),
    "mark": (head(mark="ClamBD"), "no head of a bytecode file", "refuse"),
    "cut": (head()[:30], "no head of a bytecode file", "refuse"),
    "number": (head().replace("ClamBC", "ClamBC!"), "no head of a bytecode file", "refuse"),
    "empty": ("", "no head of a bytecode file", "refuse"),
}


class Bytecode(unittest.TestCase):
    def setUp(self):
        self.box = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.box.name)

    def tearDown(self):
        self.box.cleanup()

    def test_sekisho(self):
        for name, (line, says, _) in CASES.items():
            with self.subTest(name):
                (self.folder / "x.cbc").write_text(line + "\n" + TRIGGER + "\nbody\n")
                made = subprocess.run([PROGRAM, "defs", "compile", "-v", self.folder / "x.cbc", "-o", self.folder / "set"],
                                      capture_output=True, text=True, env={"LC_ALL": "C"})
                self.assertEqual(made.returncode, 0)
                self.assertIn(says, made.stderr)
                self.assertIn("1 not taken", made.stdout)

    def test_info_tells(self):
        (self.folder / "x.cbc").write_text(head() + "\n" + TRIGGER + "\n")
        subprocess.run([PROGRAM, "defs", "compile", "-q", self.folder / "x.cbc", "-o", self.folder / "set"], check=True, capture_output=True)
        told = subprocess.run([PROGRAM, "defs", "info", "-v", "-d", self.folder / "set"], capture_output=True, text=True, env={"LC_ALL": "C"}).stdout
        self.assertIn("bytecode BC.Test.Own (kind 0, 3 functions) is not run yet", told)

    @unittest.skipUnless(shutil.which("clambc"), "clambc is not installed")
    def test_clambc(self):
        for name, (line, _, says) in CASES.items():
            if says is None:
                continue
            with self.subTest(name):
                (self.folder / "x.cbc").write_text(line + "\n" + TRIGGER + "\n")
                run = subprocess.run(["clambc", "--info", self.folder / "x.cbc"], capture_output=True, text=True, errors="replace")
                self.assertIn("skipped" if says == "skip" else "Unable to load", run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
