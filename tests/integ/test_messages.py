#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every text a person sees is translated, and Japanese comes out of the program; JSON and clamscan's lines stay English.
usage: test_messages.py PROGRAM"""
import base64
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(sys.argv.pop(1))
CATALOGUES = [TOP / "po" / (name + ".po") for name in (TOP / "po/LINGUAS").read_text().split()]
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def entries(path):
    """(msgid, [msgstr...], flags) of a catalogue, without the header."""
    text = subprocess.run(["msgattrib", "--no-wrap", "--no-obsolete", path], capture_output=True, text=True, check=True).stdout
    for block in text.split("\n\n"):
        fields = re.findall(r'^(msgid|msgid_plural|msgstr)(?:\[\d\])? ((?:"(?:\\.|[^"\\])*"\n?)+)', block, re.M)
        read = [(key, "".join(re.findall(r'"((?:\\.|[^"\\])*)"', value))) for key, value in fields]
        if read and read[0][1]:
            yield read[0][1], [value for key, value in read if key == "msgstr"], "fuzzy" in "".join(re.findall("^#,.*", block, re.M))


def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Catalogues(unittest.TestCase):
    def test_template_is_what_the_sources_say(self):
        made = subprocess.run([TOP / "tools/po.sh", "--check"], capture_output=True, text=True)
        self.assertEqual((made.returncode, made.stdout), (0, ""), made.stderr)

    def test_everything_is_translated(self):
        ids = {msgid for msgid, _, _ in entries(TOP / "po/sekisho.pot")}
        self.assertGreater(len(ids), 150)
        for path in CATALOGUES:
            read = list(entries(path))
            self.assertEqual(ids, {msgid for msgid, _, _ in read}, path.name)
            self.assertEqual([], [m for m, texts, fuzzy in read if fuzzy or not texts or "" in texts], path.name)

    def test_format_specifiers_agree(self):
        for path in CATALOGUES:
            made = subprocess.run(["msgfmt", "--check", "-o", os.devnull, path], capture_output=True, text=True)
            self.assertEqual((made.returncode, made.stderr), (0, ""), path.name)

    def test_numbers_of_the_summary_stand_under_each_other(self):
        for path in CATALOGUES:
            padded = [(m, texts[0]) for m, texts, _ in entries(path) if re.match(r"[A-Z][a-z ]*: *$", m) and len(m) in (18, 19)]
            self.assertGreater(len(padded), 6)
            for msgid, text in padded:
                self.assertEqual(len(msgid), columns(text), text)

    def test_a_new_text_would_be_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            for name in ("src", "po", "tools"):
                shutil.copytree(TOP / name, copy / name)
            self.assertEqual(subprocess.run([copy / "tools/po.sh", "--check"], capture_output=True).returncode, 0)
            with open(copy / "src/cli/main.c", "a") as f:
                f.write('const char *more(void) { return _("a text that nobody translated"); }\n')
            made = subprocess.run([copy / "tools/po.sh", "--check"], capture_output=True, text=True)
            self.assertEqual(made.returncode, 1)
            self.assertIn("sekisho.pot", made.stdout)


class Output(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.temp.name)
        cls.files = folder / "files"
        cls.files.mkdir()
        (cls.files / "bad.txt").write_bytes(base64.b64decode((TOP / "definitions/samples/Sekisho.Test.Eicar-1.b64").read_text()))
        (cls.files / "good.txt").write_text("good\n")
        cls.english = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        cls.japanese = cls.find_locale(folder)

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    @classmethod
    def find_locale(cls, folder):
        """An environment in which the C library translates: without a Japanese locale, C.UTF-8 with LANGUAGE does; where it
        does not, a locale made for this test."""
        env = {**cls.english, "LANGUAGE": "ja"}
        if JAPANESE.search(cls.call(env, "--help").stdout):
            return env
        made = subprocess.run(["localedef", "-i", "ja_JP", "-f", "UTF-8", folder / "ja_JP.UTF-8"], capture_output=True)
        if made.returncode != 0:
            raise AssertionError(f"no way to a Japanese locale: {made.stderr.decode()}")
        return {"PATH": env["PATH"], "LC_ALL": "ja_JP.UTF-8", "LOCPATH": str(folder)}

    @staticmethod
    def call(env, *words):
        return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, env=env)

    def both(self, *words):
        return self.call(self.english, *words), self.call(self.japanese, *words)

    def test_a_scan_speaks_japanese(self):
        english, japanese = self.both("scan", "--verbose", self.files)
        self.assertEqual((english.returncode, japanese.returncode), (1, 1), japanese.stderr)
        self.assertIn("Infected:", english.stdout)
        self.assertIsNone(JAPANESE.search(english.stdout))
        for line in ("good.txt: 問題なし", "Sekisho.Test.Eicar-1", "検査: ", "検出:              1", "エラー:            0", "定義: "):
            self.assertIn(line, japanese.stdout)
        self.assertNotIn("Infected", japanese.stdout)

    def test_help_of_every_command_is_japanese(self):
        for words in (("--help",), ("scan", "--help"), ("defs", "--help"), ("clamscan", "--help")):
            english, japanese = self.both(*words)
            self.assertIsNone(JAPANESE.search(english.stdout))
            lines = [line for line in japanese.stdout.splitlines() if re.match(r"  (-\w, |    )--", line)]
            for line in lines:
                text = japanese.stdout.split(line, 1)[1].split("\n", 2)[1] if re.match(r"^\S+(, \S+)?$", line.strip()) else line
                self.assertTrue(JAPANESE.search(text), f"{words}: {line}")
            self.assertTrue(JAPANESE.search(japanese.stdout))

    def test_errors_are_japanese(self):
        for words in (("scan", "--jobs=x", "."), ("scan",), ("nonsense",), ("defs", "find"), ("scan", "-d", "/nonexistent", ".")):
            english, japanese = self.both(*words)
            self.assertEqual(english.returncode, japanese.returncode)
            self.assertTrue(JAPANESE.search(japanese.stderr), japanese.stderr)

    def test_machine_output_is_the_same_in_every_language(self):
        for words in (("scan", "--json", self.files, self.files / "missing"), ("clamscan", self.files, self.files / "missing"),
                      ("clamscan", "--jobs=x"), ("defs", "info", "--json")):
            english, japanese = self.both(*words)
            clean = [re.sub(r"(?m)^.*(Time|Date|Data).*$|\"seconds\":[\d.]+", "", o.stdout + o.stderr) for o in (english, japanese)]
            self.assertEqual(clean[0], clean[1])
            self.assertNotEqual(clean[0], "")


if __name__ == "__main__":
    unittest.main()
