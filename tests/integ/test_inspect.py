#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sekisho inspect from outside: the tree, digests, facts and notes of objects in text and JSON (against the schema), files written
by --extract (nothing outside DIR, nothing overwritten, nothing readable by others), exit codes. usage: test_inspect.py PROGRAM"""
import hashlib
import io
import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import unittest
import zipfile

import cli

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = sys.argv.pop(1)


def zip_named(*members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


class Inspect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = cli.Scratch(PROGRAM)
        cls.s = cls.scratch.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.scratch.__exit__()

    def inspect(self, *args, **kw):
        return subprocess.run([PROGRAM, "inspect", "-d", str(self.s.set), *map(str, args)], capture_output=True, timeout=120,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}, **kw)

    def records(self, *args, **kw):
        run = self.inspect("--json", *args, **kw)
        return [json.loads(line) for line in run.stdout.splitlines()], run

    def test_tree_and_digests(self):
        inner = zip_named(("deep/bad.bin", cli.BAD))
        outer = zip_named(("inner.zip", inner), ("note.txt", b"some text here\n"))
        (record,), run = self.records(self.s.path("tree.zip", outer))
        self.assertEqual(run.returncode, 1)
        self.assertEqual((record["verdict"], record["complete"]), ("infected", True))
        layers = {layer["name"]: layer for layer in record["layers"] if layer["kind"] != "view"}
        self.assertEqual(set(layers), {"", "inner.zip", "note.txt", "deep/bad.bin"})
        for name, data in (("", outer), ("inner.zip", inner), ("note.txt", b"some text here\n"), ("deep/bad.bin", cli.BAD)):
            layer = layers[name]
            self.assertEqual(layer["size"], len(data))
            for kind in ("md5", "sha1", "sha256"):
                self.assertEqual(layer[kind], hashlib.new(kind, data).hexdigest(), name)
        self.assertEqual(layers["deep/bad.bin"]["parent"], layers["inner.zip"]["id"])
        self.assertEqual(layers["inner.zip"]["parent"], layers[""]["id"])
        self.assertIsNone(layers[""]["parent"])
        view = [layer for layer in record["layers"] if layer["kind"] == "view" and layer["parent"] == layers["note.txt"]["id"]]
        self.assertEqual(len(view), 1)
        self.assertEqual([f["name"] for f in record["findings"]], [cli.NAME])

    def test_text(self):
        run = self.inspect(self.s.path("t.zip", zip_named(("a.txt", b"hello there\n"))))
        lines = run.stdout.decode().splitlines()
        self.assertEqual(run.returncode, 0)
        self.assertRegex(lines[0], r"/t\.zip: zip, \d+ bytes$")
        self.assertIn("  a.txt: text, 12 bytes", lines)
        self.assertIn("    sha256: " + hashlib.sha256(b"hello there\n").hexdigest(), lines)

    def test_what_could_not_be_opened(self):
        (record,), run = self.records(self.s.path("secret.zip", cli.encrypted_zip()))
        self.assertEqual((run.returncode, record["verdict"], record["complete"]), (2, "incomplete", False))
        member = record["layers"][1]
        self.assertEqual((member["name"], member["opened"]), ("secret.txt", False))
        self.assertNotIn("sha256", member)
        every = [n["note"] for layer in record["layers"] for n in layer["notes"]]
        self.assertEqual(every, ["encrypted"])
        self.assertIn("encryption", [f["fact"] for f in record["layers"][0]["facts"]])

    def test_limits(self):
        (record,), run = self.records("--max-filesize=5", self.s.path("large.txt", b"too large for that"))
        self.assertEqual((run.returncode, record["layers"][0]["opened"]), (2, False))

    def test_extract(self):
        target = self.s.top / "out"
        names = ["plain.txt", "../../../../tmp/escape", "/etc/passwd", "..", ".hidden", "a\\b\\c.exe", "x" * 300, "sp ace\n\x1b[2J.txt",
                 "日本語.doc", "-rf", "nul"]
        members = [(name, b"content %d\n" % i) for i, name in enumerate(names)]
        (record,), run = self.records("--extract", target, self.s.path("names.zip", zip_named(*members)))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o700)
        written = {path.name: path for path in target.iterdir()}
        told = {layer["file"]: layer for layer in record["layers"]}
        self.assertEqual(set(written), set(told))
        contents = set()
        for name, path in written.items():
            self.assertRegex(name, r"^1\.\d{4,}(-[A-Za-z0-9_-][A-Za-z0-9._-]{0,79})?$")
            status = path.lstat()
            self.assertTrue(stat.S_ISREG(status.st_mode))
            self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
            self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), told[name]["sha256"])
            contents.add(path.read_bytes())
        for _, data in members:
            self.assertIn(data, contents)

    def test_extract_never_overwrites(self):
        target = self.s.top / "taken"
        target.mkdir()
        victim = self.s.path("victim", b"keep me")
        os.symlink(victim, target / "1.0001")
        run = self.inspect("--extract", target, self.s.path("plain.txt", b"other bytes\n"))
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"not everything could be written", run.stderr)
        self.assertEqual(victim.read_bytes(), b"keep me")
        self.assertEqual([p.name for p in target.iterdir()], ["1.0001"])
        # The next object has names of its own and is written again.
        again = self.inspect("--extract", target, self.s.top / "plain.txt", self.s.top / "plain.txt")
        self.assertEqual(again.returncode, 2)
        self.assertEqual((target / "2.0001").read_bytes(), b"other bytes\n")

    def test_extract_large_in_pieces(self):
        data = os.urandom(1_500_000) + b"tail"
        target = self.s.top / "large"
        (record,), run = self.records("-x", target, self.s.path("big.zip", zip_named(("big.bin", data))))
        self.assertEqual(run.returncode, 0)
        self.assertEqual((target / record["layers"][1]["file"]).read_bytes(), data)

    def test_several_objects_keep_their_own(self):
        paths = [self.s.path(f"m{i}.zip", zip_named((f"in{i}.txt", b"text number %d\n" % i))) for i in range(12)]
        records, run = self.records(*paths[:6], self.s.top / "missing", *paths[6:])
        self.assertEqual(run.returncode, 2)
        for i, record in enumerate(records[:6] + records[7:]):
            self.assertEqual(record["path"], str(paths[i]))
            self.assertEqual([layer["name"] for layer in record["layers"] if layer["kind"] == "member"], [f"in{i}.txt"])
        self.assertEqual((records[6]["verdict"], records[6]["layers"]), ("error", []))

    def test_standard_input_and_empty(self):
        (record,), run = self.records("-", input=zip_named(("a.txt", b"piped text\n")))
        self.assertEqual((run.returncode, record["path"], len(record["layers"])), (0, "stdin", 3))
        (record,), run = self.records(self.s.files / "empty")
        self.assertEqual((run.returncode, record["verdict"], record["layers"]), (0, "clean", []))
        self.assertEqual(self.inspect(self.s.files / "empty").stdout.decode().splitlines()[0].rsplit(": ", 1)[1], "empty file")

    def test_wrong_usage(self):
        self.assertEqual(self.inspect().returncode, 64)
        self.assertEqual(self.inspect("--never", "x").returncode, 64)
        self.assertEqual(self.inspect("-x", "/proc/none/such", self.s.files / "clean.txt").returncode, 2)

    def test_names_are_safe_on_a_terminal(self):
        run = self.inspect(self.s.path("esc.zip", zip_named(("a\x1b[2J\nb.txt", b"text text\n"))))
        self.assertNotIn(b"\x1b", run.stdout)
        self.assertIn(b"\\x1b", run.stdout)

    def test_schema(self):
        schema = json.loads((TOP / "docs/inspect-output.schema.json").read_text())
        everything = [self.s.path("s1.zip", zip_named(("a.txt", b"schema text\n"), ("b.bin", cli.BAD))),
                      self.s.path("s2.zip", cli.encrypted_zip()), self.s.files / "empty", self.s.top / "absent",
                      self.s.path("raw.zip", zip_named(("nxx.txt", b"text here\n")).replace(b"nxx.txt", b"n\xff\xfe.txt"))]
        records, _ = self.records("-x", self.s.top / "schema-out", *everything)
        self.assertEqual(len(records), len(everything))
        self.assertEqual(records[4]["layers"][1]["name_hex"], b"n\xff\xfe.txt".hex())
        for record in records:
            check(schema, record, schema, "$")
        broken = json.loads(json.dumps(records[0]))
        broken["layers"][0]["sha256"] = "short"
        with self.assertRaises(AssertionError):
            check(schema, broken, schema, "$")
        broken = json.loads(json.dumps(records[0]))
        broken["more"] = 1
        with self.assertRaises(AssertionError):
            check(schema, broken, schema, "$")


def check(rule, value, root, where):
    """The part of JSON Schema that the schema uses."""
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if "enum" in rule:
        assert value in rule["enum"], f"{where}: {value!r}"
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
    types = rule.get("type", [])
    types = [types] if isinstance(types, str) else types
    assert not types or any(isinstance(value, kinds[t]) and not (t == "integer" and isinstance(value, bool)) for t in types), \
        f"{where}: {value!r} is not {types}"
    if "pattern" in rule and isinstance(value, str):
        assert re.search(rule["pattern"], value), f"{where}: {value!r}"
    if isinstance(value, dict):
        properties = rule.get("properties", {})
        assert set(rule.get("required", [])) <= set(value), f"{where}: lacks {set(rule['required']) - set(value)}"
        for key, inner in value.items():
            assert key in properties, f"{where}: {key} is not in the schema"
            check(properties[key], inner, root, f"{where}.{key}")
    if isinstance(value, list):
        for i, inner in enumerate(value):
            check(rule["items"], inner, root, f"{where}[{i}]")


if __name__ == "__main__":
    unittest.main()
