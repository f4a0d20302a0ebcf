#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sekisho defs test: does a signature match a file, and why not: target, attributes, hits, offsets, values of the expression.
usage: test_defs_test.py PROGRAM"""
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

import cli

PROGRAM = sys.argv.pop(1)
A, B, C = (word.hex() for word in (b"SkAlpha1", b"SkBeta22", b"SkGamma3"))
BINARY = bytes([1, 2, 0, 0, 0, 0xff, 0, 0]) * 4  # no text: a normalised view would be a trial of its own


def run(*words):
    return subprocess.run([PROGRAM, "defs", "test", *map(str, words)], capture_output=True, text=True, env={"LC_ALL": "C"})


class DefsTest(unittest.TestCase):
    def setUp(self):
        self.box = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.box.name)
        self.file = self.folder / "object"
        self.file.write_bytes(BINARY + b"SkAlpha1..SkAlpha1..SkBeta22.." + BINARY)

    def tearDown(self):
        self.box.cleanup()

    def trials(self, code, signature, *words, file=None):
        made = run("--json", *words, file or self.file, signature)
        self.assertEqual(made.returncode, code, made.stdout + made.stderr)
        got = json.loads(made.stdout)
        self.assertEqual(got["matches"], code == 0)
        return got["signatures"][0]["trials"]

    def test_a_match(self):
        (trial,) = self.trials(0, f"T;Engine:51-255,Target:0;(0|1)>2&2=0;{A};{B};{C}")
        self.assertEqual((trial["layer"], trial["view"], trial["matches"], trial.get("failed")), ("", "raw", True, None))
        self.assertEqual([(s["hits"], s["offsets"]) for s in trial["subsignatures"]], [(2, [32, 42]), (1, [52]), (0, [])])
        self.assertEqual({v["expression"]: (v["hits"], v["holds"]) for v in trial["values"]},
                         {"(0|1)>2&2=0": (3, True), "(0|1)>2": (3, True), "0": (2, True), "1": (1, True), "2=0": (0, True)})

    def test_too_few_hits(self):
        (trial,) = self.trials(1, f"T;Engine:51-255,Target:0;(0&1)>3;{A};{B}")
        self.assertEqual([(v["expression"], v["hits"], v["holds"]) for v in trial["values"]],
                         [("(0&1)>3", 3, False), ("0", 2, True), ("1", 1, True)])

    def test_what_is_not_fulfilled(self):
        for tdb, failed in (("Target:0,FileSize:1-20", ["file size: 1 to 20"]), ("Target:1", ["target: Windows programs (PE)"]),
                            ("Target:0,Container:CL_TYPE_ZIP", ["inside: zip"]), ("Target:0,Intermediates:CL_TYPE_GZ", ["container 1 levels up: gzip"]),
                            ("Target:0,FileSize:1-20,Container:CL_TYPE_ZIP", ["file size: 1 to 20", "inside: zip"])):
            with self.subTest(tdb):
                (trial,) = self.trials(1, f"T;Engine:51-255,{tdb};0;{A}")
                self.assertEqual((trial["failed"], trial["values"][0]["holds"]), (failed, True))

    def test_specials(self):
        (trial,) = self.trials(0, f"T;Engine:81-255,Target:0;0&1&2;{A};0/Sk[A-Z]e/g;0(>>10#ib1#=83)")
        self.assertEqual([(s["hits"], s["offsets"]) for s in trial["subsignatures"]], [(2, [32, 42]), (1, [52]), (1, [])])
        macro = f"M:0:$5:{B}\nT;Engine:51-255,Target:0;0&1;{A};${{8-12}}5$"
        (trial,) = self.trials(0, macro)
        self.assertEqual([(s["hits"], s["offsets"]) for s in trial["subsignatures"]], [(2, [32, 42]), (1, [42])])

    def test_many_hits(self):
        self.file.write_bytes(BINARY + b"SkAlpha1" * 50)
        (trial,) = self.trials(0, f"T;Engine:51-255,Target:0;0=50;{A}")
        self.assertEqual(trial["subsignatures"], [{"number": 0, "hits": 50, "offsets": [32 + 8 * i for i in range(8)]}])

    def test_layers_and_views(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("inner.txt", "Some text with SKALPHA1 in it\n" * 3)
        archive = self.folder / "a.zip"
        archive.write_bytes(out.getvalue())
        got = self.trials(0, f"T;Engine:51-255,Target:7,Container:CL_TYPE_ZIP;0;{b'skalpha1'.hex()}", file=archive)
        self.assertEqual([(t["layer"], t["layer_type"], t["view"], t["matches"]) for t in got],
                         [("", "zip", "raw", False), ("inner.txt", "text", "raw", False), ("inner.txt", "text", "normalised", True)])

    def test_names_of_a_set(self):
        source, made = self.folder / "mine.ldb", self.folder / "set"
        source.write_text(f"Mine.One;Engine:51-255,Target:0;0;{A}\nMine.Two;Engine:51-255,Target:0;0;{C}\n")
        subprocess.run([PROGRAM, "defs", "compile", source, "-o", made, "-q"], check=True)
        for name, code in (("Mine.One", 0), ("Mine.Two.UNOFFICIAL", 1)):
            self.assertEqual(run("-d", made, self.file, name).returncode, code)
        missing = run("-d", made, self.file, "Mine.Three")
        self.assertEqual((missing.returncode, "no signature of this name" in missing.stderr), (2, True))

    def test_hashes_and_member_rules(self):
        digest = hashlib.md5(self.file.read_bytes()).hexdigest()
        size = self.file.stat().st_size
        self.assertEqual(run(self.file, f"{digest}:{size}:T").returncode, 0)
        wrong = run(self.file, f"{'0' * 32}:{size + 1}:T")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn(f"digest of the file: {digest}", wrong.stdout)
        self.assertIn(f"size of the file: {size}", wrong.stdout)
        archive = self.folder / "b.zip"
        with zipfile.ZipFile(archive, "w") as z:
            z.writestr("evil.scr", b"x" * 100)
        for regex, code in (("scr$", 0), ("exe$", 1)):
            self.assertEqual(run("--kind", "cdb", archive, f"T:CL_TYPE_ZIP:*:{regex}:*:*:*:*:*:*").returncode, code)

    def test_text_for_people(self):
        made = run(self.file, f"T;Engine:51-255,Target:0,FileSize:1-20;0&1;{A};{C}")
        for line in ("does not match", "file size: 1 to 20", "subsignature 0: 2 hits, at offset 32, 42", "subsignature 1: 0 hits", "1&0: 0 hits, does not hold"):
            self.assertIn(line, made.stdout)

    def test_no_match_in_what_was_not_fully_scanned_is_no_answer(self):
        locked = self.folder / "locked.zip"
        locked.write_bytes(cli.encrypted_zip())
        made = run(locked, f"T;Engine:51-255,Target:0;0;{A}")
        self.assertEqual(made.returncode, 2, made.stderr)
        self.assertIn("the file could not be scanned fully", made.stdout)
        self.assertEqual(run(locked, f"T;Engine:51-255,Target:0;0;{b'secret.txt'.hex()}").returncode, 0)

    def test_what_cannot_be_tried(self):
        line = f"T;Engine:51-255,Target:0;0;{A}"
        self.assertEqual(run(self.folder / "none", line).returncode, 2)
        self.assertEqual(run(self.folder, line).returncode, 2)
        (self.folder / "empty").write_bytes(b"")
        self.assertEqual(run(self.folder / "empty", line).returncode, 2)
        broken = run(self.file, "T;Engine:51-255,Target:0;0;zz;")
        self.assertEqual(broken.returncode, 2, broken.stderr)
        self.assertIn("input:1", broken.stderr)
        self.assertEqual(run("--kind", "nonsense", self.file, "x").returncode, 64)
        self.assertEqual(run(self.file).returncode, 64)
        self.assertEqual(run(self.file, line, "more").returncode, 64)

    def test_one_file_for_all_names_is_told_apart(self):
        made = run("--json", self.file, f"One;Engine:51-255,Target:0;0;{A}\nTwo;Engine:51-255,Target:0;0;{C}")
        self.assertEqual(made.returncode, 0)
        self.assertEqual([(s["name"], s["matches"]) for s in json.loads(made.stdout)["signatures"]],
                         [("One.UNOFFICIAL", True), ("Two.UNOFFICIAL", False)])


class FileTyping(unittest.TestCase):
    """ftm kind 1, as seen with clamscan 1.4.6 (which knows no other types once a line is loaded)."""

    def found(self, typing, data, zip_member=b""):
        with tempfile.TemporaryDirectory() as box:
            folder = pathlib.Path(box)
            (folder / "defs").mkdir()
            (folder / "defs/a.ftm").write_text(typing + "\n")
            (folder / "defs/b.ldb").write_text("".join(f"T{t};Engine:51-255,Target:{t};0;{A}\n" for t in (0, 1, 5, 10))
                                               + f"Zip;Engine:51-255,Target:0,Container:CL_TYPE_ZIP;0;{B}\n")
            made = subprocess.run([PROGRAM, "defs", "compile", folder / "defs", "-o", folder / "set"], capture_output=True, text=True, env={"LC_ALL": "C"})
            self.assertIn("5 signatures", made.stdout)
            listed = subprocess.run([PROGRAM, "defs", "list", "-d", folder / "set"], capture_output=True, text=True).stdout
            self.assertNotIn("Mark", listed)
            (folder / "object").write_bytes(data)
            run = subprocess.run([PROGRAM, "scan", "--json", "-z", "-d", folder / "set", folder / "object"], capture_output=True, text=True)
            return {f["name"].removesuffix(".UNOFFICIAL") for f in json.loads(run.stdout.splitlines()[0])["findings"]}

    def test_a_pattern_tells_the_type_of_data(self):
        mark = b"MARKMARK"
        early, late = BINARY + mark + b"SkAlpha1..", BINARY * 40 + mark + b"SkAlpha1.."
        for line, data, expected in (("CL_TYPE_ANY:CL_TYPE_MSEXE", early, {"T0", "T1"}), ("CL_TYPE_ANY:CL_TYPE_GIF", early, {"T0", "T5"}),
                                     ("CL_TYPE_ANY:CL_TYPE_PDF", early, {"T0", "T10"}), ("CL_TYPE_PNG:CL_TYPE_GIF", early, {"T0"}),
                                     ("CL_TYPE_ANY:CL_TYPE_GIF", late, {"T0"}), ("CL_TYPE_ANY:CL_TYPE_GIF", b"\x89PNG" + early, {"T0", "T5"})):
            with self.subTest(line, late=data is late):
                self.assertEqual(self.found(f"1:*:{mark.hex()}:Mark:{line}", data), expected)

    def test_an_archive_behind_a_stub(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("x", BINARY + b"SkBeta22" + BINARY)
        cut = out.getvalue()[:-22]  # without its end record our own reader does not see it behind a stub
        for host in (BINARY, BINARY * 40):
            self.assertEqual(self.found("1:*:504b0304:Mark:CL_TYPE_ANY:CL_TYPE_ZIPSFX", host + cut), {"Zip"})


class Scan(unittest.TestCase):
    def scan(self, folder, *words):
        made = subprocess.run([PROGRAM, "scan", "--json", "-d", folder / "set", *words, folder / "files"], capture_output=True, text=True)
        return {pathlib.Path(r["path"]).name: r for r in map(json.loads, made.stdout.splitlines()) if r["record"] == "object"}

    def test_near_misses_are_not_to_be_remembered(self):
        with tempfile.TemporaryDirectory() as box:
            folder = pathlib.Path(box)
            (folder / "files").mkdir()
            (folder / "mine.ldb").write_text(f"P;Engine:51-255,Target:0,Container:CL_TYPE_ZIP;0;{A}\nQ;Engine:51-255,Target:0,FileSize:1-2;0;{B}\n")
            subprocess.run([PROGRAM, "defs", "compile", folder / "mine.ldb", "-o", folder / "set", "-q"], check=True)
            for name, data in (("misplaced", b"SkAlpha1"), ("other-size", b"SkBeta22"), ("clean", b"nothing")):
                (folder / "files" / name).write_bytes(BINARY + data + BINARY)
            with zipfile.ZipFile(folder / "files/in.zip", "w") as z:
                z.writestr("x", BINARY + b"SkAlpha1")
            got = self.scan(folder)
            self.assertEqual({name: (r["verdict"], r.get("depends_on_place", False)) for name, r in got.items()},
                             {"misplaced": ("clean", True), "other-size": ("clean", False), "clean": ("clean", False), "in.zip": ("infected", got["in.zip"].get("depends_on_place", False))})

    def test_a_link_far_down_a_page_is_asked_too(self):
        with tempfile.TemporaryDirectory() as box:
            folder = pathlib.Path(box)
            (folder / "files").mkdir()
            (folder / "defs").mkdir()
            (folder / "defs/a.pdb").write_text("H:bank.example\n")
            (folder / "defs/b.ndb").write_text(f"A:0:*:{A}\n")
            subprocess.run([PROGRAM, "defs", "compile", folder / "defs", "-o", folder / "set", "-q"], check=True)
            head = b"From: a@b.example\nTo: c@d.example\nMIME-Version: 1.0\nContent-Type: text/html\n\n<html><body>\n"
            link = b'<a href="http://evil.example/">http://www.bank.example/</a></body></html>\n'
            for name, lines in (("near", 1), ("far", 11 << 14)):
                (folder / "files" / name).write_bytes(head + (b"word " * 12 + b"<p>\n") * lines + link)
            self.assertGreater((folder / "files/far").stat().st_size, 11 << 20)
            got = {name: [f["name"] for f in r["findings"]] for name, r in self.scan(folder).items()}
            self.assertEqual(got, dict.fromkeys(("near", "far"), ["Heuristics.Phishing.Email.SpoofedDomain"]))

    def test_magic_numbers_by_chance_are_no_damage(self):
        with tempfile.TemporaryDirectory() as box:
            folder = pathlib.Path(box)
            (folder / "files").mkdir()
            (folder / "a.ndb").write_text(f"A:0:*:{A}\n")
            subprocess.run([PROGRAM, "defs", "compile", folder / "a.ndb", "-o", folder / "set", "-q"], check=True)
            for name, magic in (("rar", b"Rar!\x1a\x07\x00"), ("rar5", b"Rar!\x1a\x07\x01\x00"), ("iso", b"\x00" * 33000 + b"\x01CD001\x01")):
                (folder / "files" / name).write_bytes(BINARY + magic + BINARY * 20)
            self.assertEqual({r["verdict"] for r in self.scan(folder).values()}, {"clean"})

    def test_a_yara_file_in_a_folder_is_named_and_passed_over(self):
        with tempfile.TemporaryDirectory() as box:
            folder = pathlib.Path(box)
            (folder / "defs").mkdir()
            (folder / "defs/a.ndb").write_text(f"A:0:*:{A}\n")
            (folder / "defs/b.yara").write_text("rule one { strings: $a = \"x\" condition: $a }\nrule two { condition: true }\n")
            made = subprocess.run([PROGRAM, "defs", "compile", "-v", folder / "defs", "-o", folder / "set"], capture_output=True, text=True, env={"LC_ALL": "C"})
            self.assertEqual(made.returncode, 0)
            self.assertEqual(made.stderr.count("YARA rules are not supported yet"), 2)
            self.assertIn("1 signature", made.stdout)
            self.assertIn("2 not taken", made.stdout)


if __name__ == "__main__":
    unittest.main()
