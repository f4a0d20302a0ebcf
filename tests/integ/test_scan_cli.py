#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`sekisho scan` from outside: exit codes, output, JSON against its schema, and everything that can go wrong around it."""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1))
SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs/scan-output.schema.json").read_text())
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def fits(value, rule):
    """The part of JSON Schema that our schema uses. Returns why it does not fit, or None."""
    if "$ref" in rule:
        rule = SCHEMA["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if "oneOf" in rule:
        reasons = [fits(value, each) for each in rule["oneOf"]]
        return None if reasons.count(None) == 1 else f"fits {reasons.count(None)} of oneOf: {reasons}"
    if "const" in rule and value != rule["const"]:
        return f"{value!r} is not {rule['const']!r}"
    if "enum" in rule and value not in rule["enum"]:
        return f"{value!r} is not in {rule['enum']}"
    if "type" in rule:
        kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not any((number if k == "number" else number and isinstance(value, int) if k == "integer" else
                    isinstance(value, KINDS[k])) for k in kinds):
            return f"{value!r} is not {kinds}"
    if "minimum" in rule and value is not None and value < rule["minimum"]:
        return f"{value} is below {rule['minimum']}"
    if isinstance(value, dict):
        missing = set(rule.get("required", [])) - set(value)
        extra = set(value) - set(rule.get("properties", {})) if rule.get("additionalProperties") is False else set()
        if missing or extra:
            return f"missing {missing}, unknown {extra}"
        for key, sub in rule.get("properties", {}).items():
            if key in value and (why := fits(value[key], sub)):
                return f"{key}: {why}"
    if isinstance(value, list) and "items" in rule:
        return next((why for each in value if (why := fits(each, rule["items"]))), None)
    return None


class ScanCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.s = cli.Scratch(PROGRAM).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.s.__exit__()

    def records(self, run):
        lines = [json.loads(line) for line in run.stdout.splitlines()]
        for record in lines:
            self.assertIsNone(fits(record, SCHEMA), record)
        self.assertEqual([r["record"] for r in lines].count("summary"), 1)
        self.assertEqual(lines[-1]["record"], "summary")
        self.assertEqual(lines[-1]["exit"], run.returncode)
        return {r["path"]: r for r in lines[:-1]}, lines[-1]

    def check(self, run, code, out=None, err=None):
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        if out is not None:
            self.assertRegex(run.stdout, out)
        self.assertRegex(run.stderr, err if err is not None else r"\A\Z")


class ExitCodes(ScanCase):
    def test_clean_is_0(self):
        run = self.s.scan(self.s.files / "clean.txt", self.s.files / "empty")
        self.check(run, 0, r"Scanned: +2 files")

    def test_found_is_1_and_wins(self):
        enc = self.s.path("enc.zip", cli.encrypted_zip())
        run = self.s.scan(self.s.files / "bad.bin", enc, self.s.top / "missing")
        self.check(run, 1, re.escape(f"bad.bin: {cli.NAME}\n"), "missing: No such file or directory")

    def test_incomplete_is_2(self):
        run = self.s.scan(self.s.path("enc.zip", cli.encrypted_zip()))
        self.check(run, 2, r"enc.zip: not fully scanned: encrypted content was not scanned")
        self.assertRegex(run.stdout, r"Not fully scanned: 1\n")

    def test_limits_are_never_clean(self):
        run = self.s.scan("--max-filesize=3", self.s.files / "bad.bin")
        self.check(run, 2, "not fully scanned: larger than the file size limit")
        bomb = self.s.path("bomb.zip", cli.zipped(zeros=b"\0" * (64 << 20)))
        self.check(self.s.scan("--max-ratio=100", bomb), 2, "ratio")
        nest = b"x"
        for _ in range(6):
            nest = cli.zipped(n__zip=nest)
        self.check(self.s.scan("--max-recursion=3", self.s.path("nest.zip", nest)), 2, "nested deeper")
        many = self.s.path("many.zip", cli.zipped(**{f"f{i}": b"%d" % i for i in range(40)}))
        self.check(self.s.scan("--max-files=10", many), 2, "limit of files")

    def test_usage_is_64(self):
        for args, err in ((["--bogus"], "unknown option '--bogus'"), ([], "nothing to scan"),
                          (["--max-filesize=5X", "x"], "--max-filesize: '5X' is not a size"),
                          (["--jobs=65", "x"], "--jobs: '65' is not between 0 and 64"),
                          (["--sandbox=maybe", "x"], "--sandbox: 'maybe' is not one of"),
                          (["--exclude=(", "x"], r"--exclude: '\(' is not a regular expression")):
            self.check(self.s.scan(*args), 64, r"\A\Z", err)
        run = subprocess.run([PROGRAM, "nonsense"], capture_output=True, text=True)
        self.check(run, 64, r"\A\Z", "nonsense: no such command")
        self.check(subprocess.run([PROGRAM], capture_output=True, text=True), 64, None, "Usage: sekisho COMMAND")

    def test_help_and_version(self):
        for args in (["--help"], ["--version"], ["scan", "--help"], ["scan", "--man"], ["clamscan", "--help"]):
            run = subprocess.run([PROGRAM, *args], capture_output=True, text=True)
            self.check(run, 0, r"\S")
        for widest in ("scalar", "none of these"):
            run = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, env={**os.environ, "SEKISHO_VECTORS": widest})
            self.check(run, 0, r"\Asekisho [0-9.]+\nvectors: (scalar|sse4\.2|avx2|avx512|avx512-late|neon)\n\Z")
            self.assertTrue(widest != "scalar" or "vectors: scalar" in run.stdout)
        self.assertIn("--max-filesize=SIZE", subprocess.run([PROGRAM, "scan", "--help"], capture_output=True, text=True).stdout)


class Trouble(ScanCase):
    def test_paths_that_cannot_be_read(self):
        self.check(self.s.scan(self.s.top / "missing"), 2, "Errors: +1", "missing: No such file or directory")
        self.check(self.s.scan(self.s.files / "fifo"), 2, "Errors: +1", "fifo: not a regular file")
        secret = self.s.path("secret", b"x")
        closed = self.s.top / "closed"
        closed.mkdir(exist_ok=True)
        secret.chmod(0)
        closed.chmod(0)
        try:
            program = cli.readable_program(PROGRAM, self.s.top)
            run = self.s.scan(secret, closed, program=program, preexec_fn=cli.as_nobody)
            self.check(run, 2, "Errors: +2", r"(?s)secret: Permission denied.*closed: Permission denied")
        finally:
            closed.chmod(0o755)

    def test_bad_definitions(self):
        for path, why in ((self.s.top / "nowhere", "No such file"), (self.s.files, "no compiled definitions here")):
            self.check(self.s.scan(self.s.files, definitions=path), 2, r"\A\Z", why)
        image = next(self.s.set.glob("*.skdef"))
        good = image.read_bytes()
        for bad in (good[:1000], good[:-100], b"\0" * len(good), good[:100] + b"\xff" * 8 + good[108:], b""):
            image.write_bytes(bad)
            try:
                self.check(self.s.scan(self.s.files), 2, r"\A\Z", "cannot open the definitions: .+")
            finally:
                image.write_bytes(good)
        self.assertEqual(self.s.scan(self.s.files / "bad.bin").returncode, 1)

    def slow(self):
        """An object that keeps a worker busy for seconds."""
        path = self.s.top / "slow"
        if not path.exists():
            with open(path, "wb") as f:
                f.truncate(6 << 30)
        return path

    def start(self, *args, **kw):
        return subprocess.Popen([PROGRAM, "scan", "-d", str(self.s.set), "-j1", "--max-filesize=10G", "--max-scansize=10G",
                                 *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)

    def test_definitions_that_everybody_may_write(self):
        copy = self.s.top / "open-set"
        shutil.copytree(self.s.set, copy)
        image = next(copy.glob("*.skdef"))
        self.check(self.s.scan(self.s.files / "clean.txt", definitions=copy), 0)
        image.chmod(0o666)
        for definitions in (copy, image):
            self.check(self.s.scan(self.s.files / "clean.txt", definitions=definitions), 2, None, "writable by everybody")
        image.chmod(0o644)
        copy.chmod(0o777)
        self.check(self.s.scan(self.s.files / "clean.txt", definitions=copy), 2, None, "writable by everybody")

    def test_modification_time_set_back(self):
        """Who changes a file under the scanner and sets its time back is still seen."""
        path = self.slow()
        process = self.start("--json", "--max-scantime=2000", path)
        cli.wait_child(process)
        time.sleep(0.5)
        before = path.stat()
        with open(path, "r+b") as f:
            f.write(b"changed")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        out, err = process.communicate(timeout=60)
        self.assertIn('"note":"changed"', out, err)

    def test_killed_worker(self):
        process = self.start(self.slow(), self.s.files / "bad.bin", self.s.files / "clean.txt")
        child = cli.wait_child(process)
        time.sleep(0.3)
        os.kill(child, signal.SIGKILL)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, out + err)
        self.assertRegex(out, r"slow: not fully scanned: the scanning process died on this object\n")
        self.assertIn(f"bad.bin: {cli.NAME}", out)
        self.assertRegex(out, r"Processes lost: +1\n")

    def test_stopped_worker_is_not_waited_for(self):
        process = self.start("--max-scantime=1000", self.slow(), self.s.files / "clean.txt")
        child = cli.wait_child(process)
        time.sleep(0.3)
        os.kill(child, signal.SIGSTOP)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 2, out + err)
        self.assertIn("it did not answer in time", out)

    def test_time_limit(self):
        run = self.s.scan("--max-filesize=10G", "--max-scansize=10G", "--max-scantime=300", self.slow())
        self.check(run, 2, "slow: not fully scanned: the time limit was reached")

    def test_children_die_with_the_parent(self):
        process = self.start(self.slow())
        child = cli.wait_child(process)
        process.kill()
        process.communicate()
        for _ in range(200):
            if not pathlib.Path(f"/proc/{child}").exists():
                return
            time.sleep(0.02)
        self.fail("the child lives on")

    def interrupt(self, sig, waiting, delay):
        """(exit code, output, child still there) of a scan interrupted after a while."""
        found = [self.s.files / "bad.bin"] if waiting else []
        process = self.start(*found, "-" if waiting else self.slow(), stdin=subprocess.PIPE)
        child = cli.wait_child(process) if not waiting else None
        time.sleep(delay)
        process.send_signal(sig)
        process.wait(timeout=20)
        out, err = process.stdout.read(), process.stderr.read()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        self.assertIn("Stopped early", out, err)
        return process.returncode, out, child is not None and pathlib.Path(f"/proc/{child}").exists()

    def test_interrupted(self):
        """Children end, what was found is told, the rest is not called clean."""
        for sig in (signal.SIGINT, signal.SIGTERM):
            for waiting in (False, True):
                for delay in (0.5, 2, 8):  # a slow machine may not have come to the finding yet
                    code, out, left = self.interrupt(sig, waiting, delay)
                    if not waiting or cli.NAME in out:
                        break
                self.assertEqual(code, 1 if waiting else 2, out)
                self.assertEqual(cli.NAME in out, waiting)
                self.assertFalse(left)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            run = subprocess.run([PROGRAM, "scan", "-d", str(self.s.set), str(self.s.files / "clean.txt")], stdout=full,
                                 stderr=subprocess.PIPE, text=True)
        self.check(subprocess.CompletedProcess([], run.returncode, "", run.stderr), 2, None, "cannot write the output")

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_full_disk(self):
        small = self.s.top / "small"
        small.mkdir(exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)]).returncode != 0:
            self.skipTest("tmpfs cannot be mounted here")
        try:
            run = self.s.scan("--tempdir", small, "-", input="x" * (1 << 20))
            self.check(run, 2, "Errors: +1", "stdin: No space left on device")
        finally:
            subprocess.run(["umount", str(small)])

    def test_no_place_for_temporary_files(self):
        run = self.s.scan("--tempdir", self.s.top / "nowhere", self.s.files / "bad.bin")
        self.check(run, 1, re.escape(cli.NAME), "no temporary file could be made")
        self.check(self.s.scan("--tempdir", self.s.top / "nowhere", "-", input="x"), 2, None, "stdin: No such file")


class Output(ScanCase):
    def test_human_lines(self):
        run = self.s.scan(self.s.files)
        lines = run.stdout.split("\n\n")[0].splitlines()
        f = self.s.files
        self.assertEqual(lines, [f"{f}/bad.bin: {cli.NAME}", f"{f}/sub/arch.zip: {cli.NAME} (in one.bin)",
                                 f"{f}/sub/bad2.bin: {cli.NAME}"])
        self.assertRegex(run.stdout, r"Infected: +3\n")
        self.assertRegex(run.stdout, r"Sandbox: +(full|partial|none)")
        self.assertNotIn("\033", run.stdout)

    def test_order_does_not_depend_on_jobs(self):
        many = self.s.top / "many"
        many.mkdir()
        for i in range(300):
            (many / f"{i:03}").write_bytes(cli.BAD if i % 7 == 0 else os.urandom(1 + i * 97))
        first = self.s.scan("-q", "-j1", many).stdout
        self.assertEqual(first.count(cli.NAME), 43)
        self.assertEqual(first, self.s.scan("-q", "-j5", many).stdout)

    def test_official_definitions_only(self):
        source, made, file = self.s.top / "official", self.s.top / "made", self.s.files / "clean.txt"
        source.mkdir()
        (source / "a.ndb").write_text("Official.Own:0:*:" + file.read_bytes()[:12].hex() + "\n")
        for words, code in ((["--official"], 1), ([], 2)):
            subprocess.run([PROGRAM, "defs", "compile", source, "-o", made, "-q", "--replace", *words], check=True)
            run = subprocess.run([PROGRAM, "scan", "--official-db-only", "-d", made, file], capture_output=True, text=True, env={"LC_ALL": "C"})
            self.assertEqual(run.returncode, code, run.stderr)
            self.assertEqual(subprocess.run([PROGRAM, "scan", "-d", made, file], capture_output=True).returncode, 1)
        self.assertIn("no official definitions", run.stderr)
        only = subprocess.run([PROGRAM, "defs", "compile", source, "-o", made, "--official-db-only"], capture_output=True, text=True)
        self.assertNotEqual(only.returncode, 0)
        self.assertIn("no signature files", only.stderr)

    def test_unwanted_programs_by_category(self):
        source, made = self.s.top / "unwanted", self.s.top / "chosen"
        source.mkdir()
        (source / "a.ndu").write_text("".join(f"PUA.{name}.X:0:*:{name.encode().hex()}\n" for name in ("Alpha", "Beta", "Gamma")))
        (source / "b.ndb").write_text("HTML.Phishing.X:0:*:6162636465\n")
        for words, count in (([], 1), (["--no-phishing-sigs"], 0), (["--pua"], 4), (["--pua", "--include-pua=Alpha"], 2),
                             (["--pua", "--exclude-pua=Alpha", "--exclude-pua=Beta"], 2)):
            run = subprocess.run([PROGRAM, "defs", "compile", source, "-o", made, "--json", *words], capture_output=True, text=True)
            self.assertEqual(json.loads(run.stdout)["signatures"], count, words)
        for words in (["--include-pua=Alpha"], ["--pua", "--include-pua=Alpha", "--exclude-pua=Beta"]):
            self.assertEqual(subprocess.run([PROGRAM, "defs", "compile", source, "-o", made, *words], capture_output=True).returncode, 64)

    def test_json_of_explanations(self):
        source, made = self.s.top / "own.ldb", self.s.top / "own"
        source.write_text(f"Own;Engine:51-255,Target:0;0&1=0;{cli.BAD.hex()};{cli.BAD_TWO.hex()}\n")
        subprocess.run([PROGRAM, "defs", "compile", source, "-o", made, "-q"], check=True)
        archive = self.s.path("explain.zip", cli.zipped(one__bin=b"\1\2\3\0" + cli.BAD))
        run = subprocess.run([PROGRAM, "scan", "--json", "--explain", "-d", made, archive], capture_output=True, text=True)
        records, _ = self.records(run)
        (finding,) = records[str(archive)]["findings"]
        trial = finding["trial"]
        self.assertEqual((trial["layer"], trial["view"], trial["matches"]), ("one.bin", "raw", True))
        self.assertEqual([s["offsets"] for s in trial["subsignatures"]], [[4], []])
        self.assertEqual(finding["definitions"][0]["name"], finding["name"])
        hashed, _ = self.records(self.s.scan("--json", "--explain", self.s.files / "bad.bin"))
        self.assertNotIn("trial", hashed[f"{self.s.files}/bad.bin"]["findings"][0])

    def test_json(self):
        run = self.s.scan("--json", "--stats", self.s.files, self.s.top / "missing", self.s.path("e.zip", cli.encrypted_zip()))
        records, summary = self.records(run)
        f = str(self.s.files)
        self.assertEqual(records[f + "/bad.bin"]["verdict"], "infected")
        self.assertEqual(records[f + "/sub/arch.zip"]["findings"][0]["layer"], "one.bin")
        self.assertEqual(records[f + "/clean.txt"]["verdict"], "clean")
        self.assertTrue(records[f + "/empty"]["complete"])
        self.assertEqual(records[f + "/link"]["reason"], "symlink")
        self.assertEqual(records[f + "/fifo"]["reason"], "special")
        self.assertEqual(records[str(self.s.top / "missing")]["error"], "No such file or directory")
        self.assertEqual(records[str(self.s.top / "e.zip")]["verdict"], "incomplete")
        self.assertEqual(records[str(self.s.top / "e.zip")]["notes"][0]["note"], "encrypted")
        counted = {v: sum(r["verdict"] == v for r in records.values()) for v in ("clean", "infected", "incomplete", "error", "skipped")}
        self.assertEqual({v: summary[v] for v in counted}, counted)
        self.assertGreaterEqual(summary["stats"]["layers"], 7)
        quiet, _ = self.records(self.s.scan("--json", "-q", self.s.files))
        self.assertEqual({r["verdict"] for r in quiet.values()}, {"infected"})

    def test_copies_get_the_same_report(self):
        folder = self.s.top / "copies"
        folder.mkdir()
        for i in range(300):  # more than wait for digests side by side
            (folder / f"{i:03}.zip").write_bytes(cli.zipped(**{"one.txt": b"clean\n", "two.txt": b"member\n" * 99}))
            (folder / f"{i:03}.txt").write_bytes(b"the same clean text\n")
            (folder / f"{i:03}.bad").write_bytes(cli.BAD)
        (folder / "299.txt").write_bytes(b"the same cleam text\n")
        with_memory, summary = self.records(self.s.scan("--json", "--stats", "-j1", folder))
        without, other = self.records(self.s.scan("--json", "--stats", "-j1", "--disable-cache", folder))
        self.assertEqual(with_memory, without)
        self.assertEqual(summary["infected"], 300)
        self.assertGreater(summary["stats"]["copies"], 300)
        self.assertLess(summary["stats"]["copies"], 600)
        self.assertEqual(other["stats"]["copies"], 0)

    def test_hostile_names(self):
        folder = self.s.top / "names"
        folder.mkdir()
        raw = os.fsencode(folder) + b"/a\xff\033[2J\nb: OK"
        with open(raw, "wb") as f:
            f.write(cli.BAD)
        run = self.s.scan(folder)
        self.assertEqual(run.stdout.split("\n\n")[0].count("\n"), 0)
        self.assertNotIn("\033", run.stdout)
        records, _ = self.records(self.s.scan("--json", folder))
        self.assertEqual(bytes.fromhex(next(iter(records.values()))["path_hex"]), raw)
        inside = self.s.path("inside.zip", cli.zipped(**{"x\033[2Jy\n": cli.BAD}))
        run = self.s.scan("-q", inside)
        self.assertNotIn("\033", run.stdout)
        self.assertEqual(run.stdout.count("\n"), 1)

    def test_stdin(self):
        for data in (cli.BAD, cli.zipped(a=cli.BAD)):
            run = subprocess.run([PROGRAM, "scan", "-d", str(self.s.set), "-"], input=data, capture_output=True)
            self.assertEqual(run.returncode, 1)
            self.assertTrue(run.stdout.startswith(b"stdin: " + cli.NAME.encode()))
        self.check(self.s.scan("-", input=""), 0)

    def test_endless_stdin(self):
        with open("/dev/zero", "rb") as zero:
            run = subprocess.run([PROGRAM, "scan", "-d", str(self.s.set), "--max-filesize=1M", "-"], stdin=zero,
                                 capture_output=True, text=True, timeout=60)
        self.check(run, 2, "stdin: not fully scanned: larger than the file size limit")

    def test_files_that_state_no_size(self):
        records, _ = self.records(self.s.scan("--json", "/proc/version", self.s.files / "empty"))
        self.assertGreater(records["/proc/version"]["bytes_scanned"], 10)
        self.assertEqual(records[str(self.s.files / "empty")]["size"], 0)

    def test_very_deep_directories(self):
        """Deeper than we go is an error, and soon."""
        top = self.s.top / "deep"
        top.mkdir()
        here = os.open(top, os.O_RDONLY)
        try:
            for _ in range(5000):
                os.mkdir("d", dir_fd=here)
                below = os.open("d", os.O_RDONLY, dir_fd=here)
                os.close(here)
                here = below
            run = self.s.scan(top)
            self.assertEqual(run.returncode, 2)
            self.assertRegex(run.stderr, "Too many (levels of symbolic links|open files)")
        finally:
            os.close(here)
            subprocess.run(["rm", "-rf", str(top)], check=True)

    def test_choice_of_files(self):
        def names(*args):
            return set(re.findall(rf"/([^/\n]+): {re.escape(cli.NAME)}", self.s.scan(*args, self.s.files).stdout))
        self.assertEqual(names(), {"bad.bin", "arch.zip", "bad2.bin"})
        self.assertEqual(names("--exclude=2[.]bin$"), {"bad.bin", "arch.zip"})
        self.assertEqual(names("--include=zip$", "--include=bad2"), {"arch.zip", "bad2.bin"})
        self.assertEqual(names("--exclude-dir=/sub$"), {"bad.bin"})
        self.assertEqual(names("--no-recursive"), {"bad.bin"})
        self.assertEqual(names("--no-archives"), {"bad.bin", "bad2.bin"})
        self.assertEqual(self.s.scan("--follow-symlinks", "-q", self.s.files).stdout.count("/dlink/"), 2)
        listed = self.s.path("list", f"{self.s.files}/bad.bin\n\n{self.s.files}/clean.txt\n".encode())
        self.check(self.s.scan("-f", listed), 1, r"Scanned: +2 files")
        self.check(self.s.scan("-f", self.s.top / "nolist"), 2, r"\A\Z", "nolist: cannot read the list of files")

    def test_links_named_are_followed(self):
        self.check(self.s.scan(self.s.files / "dlink"), 1, "dlink/bad2.bin")
        self.check(self.s.scan(self.s.files / "link"), 0, "Scanned: +1 file,")

    def test_a_lattice_of_links_is_walked_once(self):
        top = self.s.top / "lattice"
        for level in range(24):
            (top / f"d{level}").mkdir(parents=True)
            for name in ("a", "b"):
                os.symlink(f"../d{level + 1}" if level < 23 else "../end", top / f"d{level}" / name)
        (top / "end").mkdir()
        (top / "end/bad.bin").write_bytes(cli.BAD)
        run = self.s.scan("--follow-symlinks", "-q", top / "d0")  # 2^24 ways lead to it
        self.assertEqual(run.stdout.count(cli.NAME), 1)
        deep = self.s.scan("--follow-symlinks", "-q", "--max-dir-recursion=24", top)  # too deep by the links, not from here
        self.assertGreaterEqual(deep.stdout.count(cli.NAME), 1)

    def test_a_loop_of_links_ends(self):
        loop = self.s.top / "loop"
        loop.mkdir()
        os.symlink("..", loop / "up")
        os.symlink("self", loop / "self")
        run = self.s.scan("--follow-symlinks", "--exclude-dir=/(files|many|names|lattice)$", loop)
        self.assertIn("Too many levels of symbolic links", run.stderr)
        self.assertEqual(run.returncode, 2)

    def test_all_matches_and_fail_fast(self):
        both = self.s.files / "sub/arch.zip"
        self.assertEqual(self.s.scan("-z", "-q", both).stdout.count("Test.Bad"), 2)
        self.assertEqual(self.s.scan("-q", both).stdout.count("Test.Bad"), 1)
        run = self.s.scan("--fail-fast", self.s.files)
        self.check(run, 1, "Stopped early")
        self.assertEqual(run.stdout.count("Test.Bad"), 1)

    def test_verbose_and_color(self):
        run = self.s.scan("-v", self.s.files)
        for line in ("clean.txt: clean", "link: symbolic link, not followed", "fifo: not a regular file, skipped"):
            self.assertIn(line, run.stdout)
        self.assertIn("\033[1;31m" + cli.NAME, self.s.scan("--color=always", self.s.files).stdout)

    def test_sandbox_modes(self):
        _, summary = self.records(self.s.scan("--json", "--sandbox=off", self.s.files / "clean.txt"))
        self.assertEqual(summary["sandbox"], "none")
        _, summary = self.records(self.s.scan("--json", self.s.files / "clean.txt"))
        required = self.s.scan("--sandbox=require", self.s.files / "clean.txt")
        if summary["sandbox"] == "full":
            self.check(required, 0)
        else:
            self.check(required, 2, None, "the sandbox is required")

    def test_progress_on_a_terminal(self):
        slow = self.s.top / "slow"
        with open(slow, "wb") as f:
            f.truncate(3 << 30)
        try:
            master, slave = pty.openpty()
        except OSError as why:
            self.skipTest(f"no terminal to be had: {why}")
        process = subprocess.Popen([PROGRAM, "scan", "-d", str(self.s.set), "--max-filesize=10G", "--max-scansize=10G",
                                    "--max-scantime=3000", str(slow), str(self.s.files)],
                                   stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        seen = b""
        while select.select([master], [], [], 60)[0]:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            seen += part
        process.wait()
        os.close(master)
        slow.unlink()
        self.assertRegex(seen, rb"\r\033\[K\[ +\d+%\] [\d,]+ files?, [\d.]+ \w+, [\d.]+ \w+/s, \d+ found")
        self.assertTrue(seen.endswith(b"\r\033[K"), seen[-40:])


if __name__ == "__main__":
    unittest.main(verbosity=1)
