#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The clamscan face against the real clamscan: same invocation, same lines (in any order), same exit code.

Where the real one is missing the comparison is skipped; what only we promise is tested anyway.
"""
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1))
MEASURED = (1, 4, 6)  # earlier ones print relative paths as they were given


def real_clamscan():
    program = shutil.which("clamscan")
    if program is None:
        return None, "clamscan is not installed"
    said = subprocess.run([program, "-V"], capture_output=True, text=True).stdout
    found = re.search(r"ClamAV (\d+)\.(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < MEASURED:
        return None, f"clamscan is older than {'.'.join(map(str, MEASURED))}: {said.strip()}"
    return program, ""


REAL, WHY_NOT = real_clamscan()
# Lines that may differ: times, versions, what is measured in blocks, wording of start-up errors.
VARIABLE = re.compile(r"^(Time|Start Date|End Date|Engine version|Data scanned|Data read|ERROR|LibClamAV).*")


def lines(text):
    kept = [VARIABLE.sub(r"\1", line) for line in text.splitlines()]
    return sorted(line for line in kept if not line.startswith("clamscan: "))


class Face(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.s = cli.Scratch(PROGRAM).__enter__()
        self.temp = pathlib.Path("/tmp")
        self.face = self.s.top / "bin" / "clamscan"
        self.face.parent.mkdir()
        os.symlink(cli.readable_program(PROGRAM, self.s.top), self.face)

    def tearDown(self):
        self.s.__exit__()

    def run_one(self, program, args, stdin=b"", cwd=None, database=True, **kw):
        where = ["-d", str(self.s.db)] if database else []
        return subprocess.run([str(program), *where, *map(str, args)], input=stdin, capture_output=True, timeout=120,
                              cwd=cwd or self.s.top, env={**os.environ, "LC_ALL": "C.UTF-8", "TMPDIR": str(self.temp)}, **kw)

    def ours(self, *args, **kw):
        return self.run_one(self.face, args, **kw)

    def same(self, *args, **kw):
        if REAL is None:
            self.skipTest(WHY_NOT)
        theirs, ours = self.run_one(REAL, args, **kw), self.run_one(self.face, args, **kw)
        text = [lines(out.decode(errors="surrogateescape")) for out in (theirs.stdout, ours.stdout)]
        self.assertEqual(text[0], text[1], f"stdout of {args}")
        self.assertEqual(theirs.returncode, ours.returncode, f"exit code of {args}: {ours.stderr}")
        return theirs, ours

    def test_lines_and_exit_codes(self):
        for args in (["files"], ["-r", "files"], ["-r", "--no-summary", "files/"], ["-ri", "files"], ["-ro", "files"], ["-v", "files"],
                     ["-r", "--quiet", "files"], ["--no-summary", "files/bad.bin", "files/clean.txt"], ["-z", "files/sub/arch.zip"],
                     ["files/link"], ["files/dlink"], ["--follow-file-symlinks=0", "files/link"], ["-r", "--follow-dir-symlinks=2", "files"],
                     ["-r", "--follow-file-symlinks=2", "files"], ["-r", "--exclude=bad", "files"], ["-r", "--exclude-dir=sub", "files"],
                     ["-r", "--include=bad", "files"], ["-r", "--include-dir=files", "files"], ["-r", "--exclude=bad", "--exclude=zip", "files"],
                     ["--recursive=no", "files"], ["-r", "--infected=yes", "files"], ["-r", "--max-dir-recursion=1", "files"],
                     ["--cross-fs=no", "-r", "files"], ["missing"], ["files/fifo"], ["--stdout", "missing"], ["--bell", "-i", "files"],
                     ["files/bad.bin", "files/bad.bin"], ["--scan-archive=no", "files/sub/arch.zip"], ["--official-db-only=no", "files/bad.bin"],
                     ["--max-filesize=1M", "--max-scansize=10M", "--max-files=100", "--max-recursion=5", "files/sub/arch.zip"],
                     ["--bytecode=no", "--scan-pe=no", "--alert-broken=yes", "--pcre-match-limit=5", "--disable-cache", "files/clean.txt"],
                     ["files/empty"], ["--bogus"], ["--max-filesize=xx", "files"], ["--cross-fs=maybe", "files"]):
            with self.subTest(args=args):
                self.same(*args)

    def test_stdin_and_current_directory(self):
        for data in (cli.BAD, b"clean\n", cli.zipped(a=cli.BAD)):
            self.same("--no-summary", "-", stdin=data)
        self.same("--no-summary", cwd=self.s.files)
        self.same("-r", cwd=self.s.files)

    def test_lists_and_log(self):
        (self.s.top / "list").write_text("files/clean.txt\nfiles/bad.bin\n")
        self.same("-f", "list", "--no-summary")
        logs = []
        for program in ([REAL] if REAL else []) + [self.face]:
            self.run_one(program, ["-l", "log", "--no-summary", "files/bad.bin", "files/clean.txt"])
            logs.append((self.s.top / "log").read_text())
            (self.s.top / "log").unlink()
        self.assertIn(f"files/bad.bin: {cli.NAME} FOUND\n", logs[-1])
        self.assertEqual(logs[0], logs[-1])
        self.assertEqual(self.ours("-l", "no/such/log", "files/bad.bin").returncode, 2)

    def test_unreadable(self):
        secret, closed = self.s.files / "clean.txt", self.s.files / "sub"
        secret.chmod(0)
        closed.chmod(0o700)
        try:
            self.same("--no-summary", "files/clean.txt", preexec_fn=cli.as_nobody)
            ours = self.ours("-r", "--no-summary", "files", preexec_fn=cli.as_nobody)
            self.assertIn(b"files/clean.txt: Access denied\n", ours.stdout)
            self.assertIn(b"files/sub: Can't open directory.\n", ours.stdout)
        finally:
            closed.chmod(0o755)

    def test_actions(self):
        for option, verb in (("--move", "moved to"), ("--copy", "copied to")):
            target = self.s.top / verb.split()[0]
            target.mkdir()
            for name in ("v", "v.001"):
                (self.s.top / "v").write_bytes(cli.BAD)
                run = self.ours("--no-summary", f"{option}={target}", "v")
                self.assertEqual(run.returncode, 1)
                self.assertIn(f"v (real path: '{self.s.top}/v'): {verb} '{target}/{name}'\n".encode(), run.stdout)
                self.assertEqual((target / name).read_bytes(), cli.BAD)
                self.assertEqual((target / name).stat().st_mode & 0o777, 0o600)
                self.assertEqual((self.s.top / "v").exists(), option == "--copy")
        run = self.ours("--no-summary", "--remove", "v", "files/clean.txt")
        self.assertIn(f"v (real path: '{self.s.top}/v'): Removed.\n".encode(), run.stdout)
        self.assertFalse((self.s.top / "v").exists())
        self.assertTrue((self.s.files / "clean.txt").exists())
        self.assertEqual(self.ours("--move=nowhere", "files/bad.bin").returncode, 2)
        self.assertEqual(self.ours("--move=.", "--remove", "files/bad.bin").returncode, 2)
        self.assertTrue((self.s.files / "bad.bin").exists())

    def test_moved_file_with_another_name_keeps_its_rights_there(self):
        (self.s.top / "q").mkdir()
        self.s.path("v", cli.BAD).chmod(0o755)
        os.link(self.s.top / "v", self.s.top / "other")
        self.assertEqual(self.ours(f"--move={self.s.top}/q", "v").returncode, 1)
        self.assertFalse((self.s.top / "v").exists())
        self.assertEqual((self.s.top / "q/v").read_bytes(), cli.BAD)
        self.assertEqual((self.s.top / "other").stat().st_mode & 0o777, 0o755)

    def test_package_files_are_reported_only(self):
        listed = pathlib.Path("/var/lib/dpkg/info/base-files.list")
        lines = listed.read_text().splitlines() if listed.exists() else []
        owned = next((f for f in map(pathlib.Path, lines) if str(f).startswith("/usr/share/") and f.is_file()
                      and not f.is_symlink() and f.stat().st_size > 16), None)
        if owned is None:
            self.skipTest("no package database")
        data = owned.read_bytes()
        (self.s.db / "o.hdb").write_text(f"{hashlib.md5(data).hexdigest()}:{len(data)}:Test.Owned-1\n")
        target = self.s.top / "q"
        target.mkdir()
        try:
            run = self.ours(f"--move={target}", owned)
            self.assertTrue(owned.exists())
        finally:
            if not owned.exists():
                shutil.move(target / owned.name, owned)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"Test.Owned-1.UNOFFICIAL FOUND", run.stdout)
        self.assertIn(f"ERROR: Not moved, it belongs to the operating system: '{owned}'".encode(), run.stderr)
        self.assertEqual(list(target.iterdir()), [])
        self.ours(f"--copy={target}", owned)
        self.assertEqual((target / owned.name).read_bytes(), data)

    def test_names_cannot_forge_lines(self):
        name = b"x\nfaked: OK\033[2J"
        with open(os.fsencode(self.s.top) + b"/" + name, "wb") as f:
            f.write(cli.BAD)
        log = self.s.top / "log"
        for args in (["-v", f"--log={log}", "-r", "."], [f"--move={self.s.files}", name.decode()]):
            run = self.ours("--exclude-dir=files", *args)
            for text in (run.stdout, run.stderr, log.read_bytes()):
                self.assertNotIn(b"\033", text)
                self.assertFalse(any(line.startswith(b"faked") for line in text.splitlines()), text)

    def test_log_that_cannot_be_written(self):
        self.assertEqual(self.ours("--log=/dev/full", "files/clean.txt").returncode, 2)

    @unittest.skipUnless(REAL, WHY_NOT)
    def test_actions_print_the_same(self):
        texts = []
        for program in (REAL, self.face):
            target = self.s.top / "t"
            target.mkdir()
            for option in (f"--copy={target}", f"--move={target}", "--remove"):
                (self.s.top / "v").write_bytes(cli.BAD)
                run = self.run_one(program, ["--no-summary", option, "v"])
                texts.append((program == REAL, run.stdout, run.returncode, sorted(os.listdir(target))))
            shutil.rmtree(target)
        half = len(texts) // 2
        self.assertEqual([t[1:] for t in texts[:half]], [t[1:] for t in texts[half:]])

    def test_members(self):
        run = self.ours("-a", "-z", "--no-summary", "files/sub/arch.zip")
        for name, member in ((cli.NAME, "one.bin"), (cli.NAME_TWO, "two.bin")):
            self.assertIn(f"files/sub/arch.zip: {name} FOUND\n".encode(), run.stdout)
            self.assertIn(f"files/sub/arch.zip!(1)ZIP:{member}: {name} FOUND\n".encode(), run.stdout)

    def test_incomplete_is_never_ok(self):
        (self.s.top / "e.zip").write_bytes(cli.encrypted_zip())
        run = self.ours("--no-summary", "e.zip")
        self.assertEqual((run.returncode, run.stdout),
                         (2, b"e.zip: Not fully scanned: encrypted content was not scanned ERROR\n"))
        run = self.ours("--no-summary", "--max-filesize=3", "files/bad.bin")
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"Not fully scanned: larger than the file size limit ERROR", run.stdout)
        self.same("--no-summary", "--alert-encrypted", "e.zip")
        self.same("--no-summary", "--alert-exceeds-max", "--max-filesize=3", "files/bad.bin")
        run = self.ours("--no-summary", "--incomplete-as-ok", "e.zip")
        self.assertEqual((run.returncode, run.stdout), (0, b"e.zip: OK\n"))

    def test_normalising_limits(self):
        """The views that a limit leaves out are those clamscan leaves out; where nothing is found, ours does not say OK."""
        (self.s.top / "n.ndb").write_text("".join(f"{name}.t{target}:{target}:*:{token.hex()}\n" for target in (0, 3, 7) for name, token in
                                                  (("text", b"a token"), ("tagged", b"<p>a token</p>"), ("bare", b" a token "))))
        page, text = b"<html><p>A  Token</p><b>more</b></html>", b"echo A  Token   ok\n"
        for suffix, data in (("page", page), ("wide", page.decode().encode("utf-16-le")), ("text", text)):
            (self.s.top / suffix).write_bytes(data)
            for option in ("htmlnormalize", "htmlnotags", "scriptnormalize"):
                for size in (0, len(data) // 2 - 1, len(data) // 2, len(data) - 1, len(data), len(data) + 1):
                    argv = ["--no-summary", "-z", "-d", "n.ndb", f"--max-{option}={size}", suffix]
                    with self.subTest(argv=argv):
                        ours = self.ours(*argv, database=False)
                        if REAL is None:
                            continue
                        theirs = self.run_one(REAL, argv, database=False)
                        names = [set(lines(run.stdout.decode())) for run in (theirs, ours)]
                        if any(b"FOUND" in run.stdout for run in (theirs, ours)):
                            self.assertEqual({n for n in names[0] if "FOUND" in n}, {n for n in names[1] if "FOUND" in n})
                        else:
                            self.assertEqual(ours.stdout, f"{suffix}: Not fully scanned: too large to be searched in normalised form "
                                                          "ERROR\n".encode())
                            self.assertEqual((theirs.returncode, ours.returncode), (0, 2))

    def test_definitions(self):
        temp = self.s.top / "temporary"  # one of our own: other tests use /tmp at the same time
        temp.mkdir()
        self.temp = temp
        run = self.ours("--no-summary", "-d", self.s.set, "files/bad.bin", database=False)
        self.assertEqual(run.returncode, 1)
        run = self.ours("--no-summary", "-d", self.s.db / "t.hdb", "files/bad.bin", database=False)
        self.assertEqual(run.returncode, 1)
        for bad in ("nowhere", self.s.files / "sub/deep"):
            run = self.ours("-d", bad, "files/bad.bin", database=False)
            self.assertEqual(run.returncode, 2)
            self.assertIn(b"ERROR", run.stderr)
        self.assertEqual(os.listdir(temp), [])

    def test_killed_compile_is_swept(self):
        temp = self.temp = self.s.top / "temporary"
        temp.mkdir()
        held, others, elsewhere = temp / "sekisho-defs-heldby", temp / "sekisho-defs-others", self.s.top / "elsewhere"
        for folder in (held, elsewhere):
            folder.mkdir()
            (folder / "precious").touch()
        others.symlink_to(elsewhere)
        (temp / "sekisho-defs-nodir0").touch()
        (temp / "sekisho-defs-longer1").mkdir()
        lock = os.open(held, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        stay = set(os.listdir(temp))
        large = self.s.top / "large.ndb"
        large.write_text("".join(f"Large-{n}:0:*:{hashlib.sha256(b'%d' % n).hexdigest()}\n" for n in range(200_000)))
        process = subprocess.Popen([str(self.face), "--no-summary", "-d", str(large), str(self.s.files / "bad.bin")],
                                   env={**os.environ, "TMPDIR": str(temp)}, stdout=subprocess.DEVNULL)
        while set(os.listdir(temp)) == stay:
            self.assertIsNone(process.poll(), "it has to be killed while it compiles")
        process.kill()
        process.wait()
        left = set(os.listdir(temp)) - stay
        self.assertEqual(len(left), 1)
        abandoned = os.open(temp / left.pop(), os.O_RDONLY)
        fcntl.flock(abandoned, fcntl.LOCK_EX)  # until its children are gone, too
        os.close(abandoned)
        self.ours("--no-summary", "-d", self.s.db / "t.hdb", "files/bad.bin", database=False)
        self.assertEqual(set(os.listdir(temp)), stay)
        self.assertTrue((held / "precious").exists() and (elsewhere / "precious").exists())
        os.close(lock)
        self.ours("--no-summary", "-d", self.s.db / "t.hdb", "files/bad.bin", database=False)
        self.assertEqual(set(os.listdir(temp)), stay - {held.name})
        self.assertTrue((elsewhere / "precious").exists())

    def test_help_version(self):
        self.assertIn(b"--archive-verbose", self.ours("--help", database=False).stdout)
        self.assertEqual(self.ours("-V", database=False).returncode, 0)
        run = subprocess.run([PROGRAM, "clamscan", "-d", str(self.s.db), "--no-summary", str(self.s.files / "bad.bin")],
                             capture_output=True)
        self.assertEqual(run.returncode, 1)

    @unittest.skipUnless(REAL, WHY_NOT)
    def test_every_option_is_accepted(self):
        text = subprocess.run([REAL, "--help"], capture_output=True, text=True).stdout
        ours = self.ours("--help", database=False).stdout.decode()
        missing = [o for o in re.findall(r"^ +--([a-z-]+)", text, re.M) if f"--{o}" not in ours]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
