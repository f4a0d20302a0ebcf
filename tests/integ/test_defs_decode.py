#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sekisho defs decode: every kind of signature in words, by name and as text, and what a broken line says.
usage: test_defs_decode.py PROGRAM"""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
MD5 = hashlib.md5(b"x").hexdigest()


def run(*words, text=None):
    return subprocess.run([PROGRAM, "defs", *map(str, words)], input=text, capture_output=True, text=True, env={"LC_ALL": "C"})


def decode(line, *words):
    made = run("decode", "--json", "--line", line, *words)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def elements(sig, sub=0, part=0, form=0):
    return sig["subsignatures"][sub]["forms"][form]["parts"][part]["elements"]


class Decode(unittest.TestCase):
    def test_hashes(self):
        for line, kind, size, words in ((f"{MD5}:1:A", "file hash", 1, ()), (f"{MD5}:*:A:73", "file hash", None, ()),
                                        (f"5:{MD5}:A", "section hash", 5, ()), (f"{MD5}:7:A", "import hash", 7, ("--kind", "imp")),
                                        (f"{MD5}:7:A", "allow list", 7, ("--kind", "fp"))):
            with self.subTest(line, words=words):
                got = decode(line, *words)
                self.assertEqual((got["kind"], got.get("size"), got["algorithm"], got["digest"]), (kind, size, "md5", MD5))
        self.assertEqual(decode(f"{hashlib.sha256(b'x').hexdigest()}:1:A")["algorithm"], "sha256")

    def test_links(self):
        digest = hashlib.sha256(b"x").hexdigest()
        for line, kind, name, which in (("H:www.bank.example:1-255", "link", "www.bank.example", "protect-host"), ("R:.+\\.shop\\.com", "link", ".+\\.shop\\.com", "protect-regex"),
                                        ("X:.+\\.a\\.com:.+\\.b\\.com", "link", ".+\\.a\\.com:.+\\.b\\.com", "allow-regex"), ("M:a.com:b.org", "link", "a.com:b.org", "allow-hosts"),
                                        (f"S:F:{digest}", "address", digest, "malware"), (f"S1:F:{digest}", "address", digest, "blocked"), (f"S2:F:{digest}", "address", digest, "phishing"),
                                        (f"S:W:{digest}", "address", digest, "allow")):
            with self.subTest(line):
                got = decode(line)
                self.assertEqual((got["kind"], got["name"], got["list"]), (kind, name, which))
        with tempfile.TemporaryDirectory() as box:
            source = pathlib.Path(box, "a.pdb")
            source.write_text("H:www.bank.example\nH:www.other.example\n")
            self.assertEqual(run("compile", source, "-o", f"{box}/set", "-q").returncode, 0)
            for words, found in ((["www.bank.example"], 1), (["bank"], 0), (["-p", "example"], 2), (["-p", "nowhere"], 0)):
                made = run("find", "-d", f"{box}/set", "--json", *words)
                self.assertEqual((made.returncode, len(made.stdout.splitlines())), (0 if found else 1, found), words)
            self.assertEqual(run("decode", "-d", f"{box}/set", "www.bank.example").returncode, 0)
            tried = run("test", "-d", f"{box}/set", source, "www.bank.example")
            self.assertEqual(tried.returncode, 2)
            self.assertIn("not tried", tried.stdout)

    def test_elements(self):
        for body, expected in (
                ("4d5a4d5a", [("literal", "4d5a4d5a", 0)]),
                ("4d5a??5a4d", [("literal", "4d5a", 0), ("any", None, 0), ("literal", "5a4d", 0)]),
                ("61626364!(41|42)6162", [("literal", "61626364", 0), ("set", None, 0), ("literal", "6162", 0)]),
                ("61626364!(4142|4344)6162", [("literal", "61626364", 0), ("none-of", None, 0), ("literal", "6162", 0)]),
                ("616263(41|424344)6162", [("literal", "616263", 0), ("alternatives", None, 0), ("alternative", None, 1),
                                           ("literal", "41", 1), ("alternative", None, 1), ("literal", "424344", 1),
                                           ("literal", "6162", 0)]),
                ("61626364(B)", [("literal", "61626364", 0), ("boundary", None, 0)])):
            with self.subTest(body):
                got = elements(decode(f"A:0:*:{body}"))
                self.assertEqual([(e["op"], e.get("hex"), e["depth"]) for e in got], expected)

    def test_gaps(self):
        parts = decode("A:0:*:61626364*65666768{2-9}696a6b6c{200-}6d6e6f70")["subsignatures"][0]["forms"][0]["parts"]
        self.assertEqual([(p.get("gap_min"), p.get("gap_max")) for p in parts], [(None, None), (0, None), (2, 9), (200, None)])

    def test_places(self):
        for offset, says in (("*", "anywhere"), ("12", "at offset 12"), ("0,100", "at offset 0, or up to 100 bytes behind"),
                             ("EOF-9", "9 bytes before the end"), ("EP+4", "from the entry point: +4"),
                             ("S2+8", "from the start of section 2: +8"), ("SE1", "anywhere in section 1"),
                             ("SL+0", "from the start of the last section: +0"), ("VI", "in the version information")):
            with self.subTest(offset):
                got = decode(f"A:1:{offset}:6162636465666768")
                self.assertEqual(got["subsignatures"][0]["forms"][0]["where"], says)

    def test_logical(self):
        got = decode("A;Engine:51-255,FileSize:5-9,Container:CL_TYPE_ZIP,Target:1;(0&1>3)|2=0;6162636465::i;7172737475::w;0,9:3132333435::wa")
        self.assertEqual(got["target"], 1)
        self.assertEqual(got["expression"], "(1>3&0)|2=0")  # the compiler asks first for what is rarer
        self.assertEqual([n["depth"] for n in got["nodes"]], [0, 1, 2, 2, 1])
        self.assertEqual([a["says"] for a in got["attributes"]], ["file size: 5 to 9", "inside: zip"])
        self.assertEqual(elements(got)[0]["op"], "literal-nocase")
        self.assertEqual([len(s["forms"]) for s in got["subsignatures"]], [1, 1, 2])
        self.assertEqual(elements(got, 1)[0]["hex"], "71007200730074007500")
        self.assertEqual(decode("A;Engine:51-255,Target:0;(0|1)>3,2;61626364;71727374")["expression"], "(0|1)>3,2")

    def test_how_it_is_found(self):
        self.assertEqual(decode("A:0:*:6162636465666768")["found_by"][0]["by"], "literal")
        self.assertEqual(decode("A:0:0:6162636465666768")["found_by"][0]["by"], "place")
        self.assertEqual(decode("A;Engine:51-255,Target:0;0=0;6162636465666768")["found_by"][0]["by"], "always")

    def test_member_rules(self):
        got = decode(r"A:CL_TYPE_ZIP:*:evil\.exe$:10-20:*:0:3:*:*", "--kind", "cdb")
        self.assertEqual(got["kind"], "member")
        self.assertEqual((got["container"], got["member_name"], got["packed_size"], got["encrypted"], got["position"]),
                         ("zip", r"evil\.exe$", "10-20", False, "3-3"))

    def test_text_of_many_kinds(self):
        made = run("decode", "-", "--json", text=f"# mine\nA:0:*:4142434445464748\n\nB:0:*:41zz\n{MD5}:1:C\nD=6162636465666768\n")
        self.assertEqual({json.loads(line)["name"] for line in made.stdout.splitlines()},
                         {"A.UNOFFICIAL", "C.UNOFFICIAL", "D.UNOFFICIAL"})
        self.assertEqual(made.returncode, 1)
        self.assertIn("input:4: signature not taken", made.stderr)

    def test_no_signature_at_all(self):
        self.assertEqual(run("decode", "--line", "hello").returncode, 64)
        self.assertEqual(run("decode", "--line", "a:b", "--kind", "exe").returncode, 64)
        self.assertEqual(run("decode").returncode, 64)

    def test_by_name(self):
        with tempfile.TemporaryDirectory() as top:
            top = pathlib.Path(top)
            (top / "a.ndb").write_text("Own.One:0:*:4142434445464748\nOwn.Two:0:0:494a4b4c4d4e4f50\n")
            self.assertEqual(run("compile", top / "a.ndb", "-o", top / "set").returncode, 0)
            for name in ("Own.Two", "Own.Two.UNOFFICIAL"):
                made = run("decode", name, "-d", top / "set")
                self.assertEqual(made.returncode, 0)
                self.assertIn("name: Own.Two.UNOFFICIAL\n", made.stdout)
                self.assertIn('"IJKLMNOP" = 494a4b4c4d4e4f50', made.stdout)
                self.assertNotIn("ABCDEFGH", made.stdout)
            self.assertEqual(run("decode", "Own", "-d", top / "set").returncode, 1)

    def test_nothing_in_a_name_reaches_the_terminal(self):
        made = run("decode", "--line", "A\x1b[2J:0:*:4142434445464748")
        self.assertNotIn("\x1b", made.stdout)

    def test_a_finding_is_explained(self):
        with tempfile.TemporaryDirectory() as top:
            top = pathlib.Path(top)
            (top / "a.ndb").write_text("Own.One:0:*:4142434445464748\nOwn.Two:0:0:494a4b4c4d4e4f50\n")
            (top / "a.hdb").write_text(f"{hashlib.md5(b'hash me').hexdigest()}:7:Own.Hash\n")
            self.assertEqual(run("compile", top / "a.ndb", top / "a.hdb", "-o", top / "set").returncode, 0)
            (top / "f").write_bytes(b"xxABCDEFGHxx")
            (top / "g").write_bytes(b"hash me")
            scan = [PROGRAM, "scan", "-d", top / "set", top / "f", top / "g"]
            text = subprocess.run([*scan, "--explain"], capture_output=True, text=True, env={"LC_ALL": "C"}).stdout
            for line in ("hit at offset: 2\n", '"ABCDEFGH" = 4142434445464748\n', "algorithm: md5\n"):
                self.assertIn(line, text)
            self.assertNotIn("IJKLMNOP", text)
            made = subprocess.run([*scan, "--explain", "--json"], capture_output=True, text=True).stdout
            records = [json.loads(line) for line in made.splitlines()]
            got = records[0]["findings"][0]["definitions"]
            self.assertEqual([(d["name"], d["kind"], d["segment"]) for d in got], [("Own.One.UNOFFICIAL", "body", "local")])
            self.assertEqual(elements(got[0])[0]["hex"], "4142434445464748")
            self.assertEqual(records[1]["findings"][0]["definitions"][0]["size"], 7)
            plain = subprocess.run([*scan, "--json"], capture_output=True, text=True).stdout
            self.assertNotIn("definitions", plain)


unittest.main()
