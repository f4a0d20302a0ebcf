#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sekisho defs normalise: every kind, the files it writes, wrong calls, and what stops it.
usage: test_defs_normalise.py PROGRAM"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
PAGE = b"<HTML><!-- gone --><P>Some  &lt;Text&gt;</P><script>var s = 'a' + 'b'; // c\n</script>"
KINDS = {
    "html": (PAGE, {"nocomment.html": b'<html><p>some <text></p><script>vars="a"+"b";//c</script>',
                    "notags.html": b" some text ", "javascript": b'<script>var n000="ab";c</script>'}),
    "javascript": (b"var Abc = 'x' + \"y\";", {"javascript": b'<script>var n000="xy";</script>'}),
    "text": (b"Some \t TEXT\r\n\x80end", {"normalised_text": b"some text end"}),
    "utf16": (b"\xff\xfeA\0B0\xe9\0z", {"utf16_text": b"\xdfAB\xe9"}),
}


def run(*words, **more):
    return subprocess.run([PROGRAM, "defs", "normalise", *map(str, words)], capture_output=True, text=True, env={"LC_ALL": "C"}, **more)


class Normalise(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory(prefix="sekisho-normalise-")
        self.addCleanup(temp.cleanup)
        self.top = pathlib.Path(temp.name)
        self.file = self.top / "in"
        self.file.write_bytes(PAGE)

    def test_kinds(self):
        for kind, (data, files) in KINDS.items():
            with self.subTest(kind):
                self.file.write_bytes(data)
                out = self.top / kind
                made = run(kind, self.file, out)
                self.assertEqual((made.returncode, made.stdout, made.stderr), (0, "", ""))
                self.assertEqual({path.name: path.read_bytes() for path in out.iterdir()}, files)

    def test_old_files_are_replaced(self):
        (self.top / "normalised_text").write_bytes(b"x" * 100)
        self.file.write_bytes(b"New")
        self.assertEqual(run("text", self.file, self.top).returncode, 0)
        self.assertEqual((self.top / "normalised_text").read_bytes(), b"new")

    def test_nothing_gives_empty_files(self):
        self.file.write_bytes(b"")
        for kind, (_, files) in KINDS.items():
            with self.subTest(kind):
                self.assertEqual(run(kind, self.file, self.top / kind).returncode, 0)
                sizes = {path.name: path.stat().st_size for path in (self.top / kind).iterdir()}
                self.assertEqual(set(sizes), set(files))
                self.assertLessEqual(max(sizes.values()), len("<script></script>"))

    def test_large_files(self):
        """Windows and buffers: the same as in small pieces."""
        self.file.write_bytes(b"<p>A  b</p>" * 60000)
        self.assertEqual(run("html", self.file, self.top).returncode, 0)
        self.assertEqual((self.top / "nocomment.html").read_bytes(), b"<p>a b</p>" * 60000)
        self.file.write_bytes(b"Abc \t" * 100000)
        self.assertEqual(run("text", self.file, self.top).returncode, 0)
        self.assertEqual((self.top / "normalised_text").read_bytes(), b"abc " * 100000)

    def test_wrong_calls(self):
        for words in ((), ("html",), ("html", self.file), ("html", self.file, self.top, "more"), ("HTML", self.file, self.top),
                      ("", self.file, self.top), ("script", self.file, self.top), ("--bogus", "html", self.file, self.top)):
            with self.subTest(words):
                made = run(*words)
                self.assertEqual(made.returncode, 64)
                self.assertTrue(made.stderr)
        self.assertEqual([path.name for path in self.top.iterdir()], ["in"])

    def test_what_cannot_be_done_is_no_success(self):
        for words in (("text", self.top / "missing", self.top / "o"), ("text", self.top, self.top / "o"),
                      ("text", self.file, self.top / "no" / "such"), ("text", self.file, self.file)):
            with self.subTest(words):
                made = run(*words)
                self.assertEqual(made.returncode, 2)
                self.assertTrue(made.stderr)

    def test_a_script_too_large_is_told(self):
        with self.file.open("wb") as file:
            file.write(b"<p>Text</p><script>")
            for number in range(64):
                file.write(b"a;" * (512 << 10) if number % 2 else b"'%d';" % number * (128 << 10))
        made = run("html", self.file, self.top / "o")
        self.assertEqual(made.returncode, 2)
        self.assertIn("not normalised", made.stderr)
        self.assertTrue((self.top / "o" / "nocomment.html").read_bytes().startswith(b"<p>text</p>"))

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_a_full_disk_is_told(self):
        out = self.top / "o"
        out.mkdir()
        (out / "normalised_text").symlink_to("/dev/full")
        made = run("text", self.file, out)
        self.assertEqual(made.returncode, 2)
        self.assertIn("not normalised", made.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
