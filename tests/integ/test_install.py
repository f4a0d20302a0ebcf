#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make install PREFIX=... DESTDIR=...` from nothing, and what was installed works: the program with its definitions, manual
pages, messages, the clamscan link, and a C program that scans with libsekisho found by pkg-config."""
import base64
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
PREFIX = "/opt/sekisho-test"
EICAR = base64.b64decode((TOP / "definitions/samples/Sekisho.Test.Eicar-1.b64").read_text())

C_PROGRAM = r"""
#include <sekisho.h>
#include <stdio.h>
int main(int argc, char **argv) {
    struct sk_engine *engine;
    struct sk_scanner *scanner;
    struct sk_options options;
    const struct sk_report *report;
    char why[256], bytes[256];
    size_t len = fread(bytes, 1, sizeof bytes, stdin);
    sk_options_init(&options);
    if (argc != 2 || sk_engine_open(argv[1], &engine, why, sizeof why) != 0 ||
        sk_scanner_new(engine, &options, &scanner) != 0 || sk_scan_mem(scanner, bytes, len, "memory", &report) != 0) {
        return 3;
    }
    printf("%d %s\n", (int)report->verdict, report->finding_count > 0 ? report->findings[0].name : "-");
    sk_scanner_free(scanner);
    sk_engine_close(engine);
    return 0;
}
"""


def run(*words, env=None, **kw):
    return subprocess.run([str(w) for w in words], capture_output=True, env={"PATH": os.environ["PATH"], **(env or {})}, **kw)


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory(prefix="sekisho-install-")
        cls.folder = pathlib.Path(cls.temp.name)
        # A copy of the source, so that the test neither uses nor leaves a build folder here.
        cls.source = cls.folder / "source"
        shutil.copytree(TOP, cls.source, ignore=shutil.ignore_patterns("build*", ".git"))
        cls.dest = cls.folder / "dest"
        made = run("make", "install", f"PREFIX={PREFIX}", f"DESTDIR={cls.dest}", cwd=cls.source, env={"HOME": str(cls.folder)})
        if made.returncode != 0:
            raise AssertionError(made.stdout.decode() + made.stderr.decode())
        shutil.rmtree(cls.source)  # nothing installed may need it
        cls.root = pathlib.Path(f"{cls.dest}{PREFIX}")
        cls.program = cls.root / "bin/sekisho"
        cls.bad = cls.folder / "bad.txt"
        cls.bad.write_bytes(EICAR)

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    def one(self, pattern):
        found = sorted(self.root.glob(pattern))
        self.assertEqual(len(found), 1, f"{pattern}: {found}")
        return found[0]

    def test_everything_is_there_and_nothing_else(self):
        names = [str(p.relative_to(self.root)) for p in self.root.rglob("*") if not p.is_dir()]
        allowed = (r"bin/sekisho|include/sekisho\.h|lib.*/libsekisho\.so(\.\d+)*|lib.*/pkgconfig/sekisho\.pc|"
                   r"libexec/sekisho/clamscan|share/man/man[15]/sekisho[a-z-]*\.[15]|share/locale/ja/LC_MESSAGES/sekisho\.mo|"
                   r"share/sekisho/definitions/(manifest|sekisho-[0-9a-f]{16}\.skdef)|"
                   r"share/sekisho/signatures/[a-zA-Z]+\.(ldb|ndb|hsb|md)|share/doc/sekisho/[A-Za-z.-]+|share/bash-completion/completions/sekisho")
        self.assertEqual([], [n for n in names if not re.fullmatch(allowed, n)])
        for part in ("man1/sekisho-scan.1", "man1/sekisho-clamscan.1", "man1/sekisho-defs.1", "man1/sekisho.1",
                     "man5/sekisho-definitions.5"):
            self.assertTrue((self.root / "share/man" / part).is_file(), part)
        self.assertFalse((self.root / "bin/clamscan").exists())

    def test_program_finds_its_definitions(self):
        info = run(self.program, "defs", "info")
        self.assertIn(str(self.root / "share/sekisho/definitions"), str(pathlib.Path(
            re.search(r"^Definitions: (.*)$", info.stdout.decode(), re.M).group(1)).resolve()))
        self.assertEqual(run(self.program, "defs", "check").returncode, 0)
        scan = run(self.program, "scan", self.bad)
        self.assertEqual(scan.returncode, 1, scan.stderr)
        self.assertIn(b"Sekisho.Test.Eicar-1", scan.stdout)

    def test_default_definitions_come_from_the_prefix(self):
        self.assertIn(f"{PREFIX}/share/sekisho/definitions".encode(), self.program.read_bytes())

    def test_link_is_the_clamscan_face(self):
        link = self.root / "libexec/sekisho/clamscan"
        self.assertTrue(link.is_symlink())
        scan = run(link, "--no-summary", self.bad)
        self.assertEqual((scan.returncode, scan.stdout), (1, f"{self.bad}: Sekisho.Test.Eicar-1 FOUND\n".encode()))

    def test_completion(self):
        script = (f"PATH={self.root}/bin:$PATH; . {self.root}/share/bash-completion/completions/sekisho; "
                  "ask() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _sekisho; echo \"${COMPREPLY[*]}\"; }; "
                  "ask sekisho s; ask sekisho scan --fail; ask sekisho defs ch; ask sekisho clamscan --scan-ole")
        made = run("bash", "-c", script)
        self.assertEqual(made.stdout.decode().split(), ["scan", "--fail-fast", "check", "--scan-ole2"], made.stderr)

    def test_messages(self):
        helped = run(self.program, "--help", env={"LC_ALL": "C.UTF-8", "LANGUAGE": "ja"})
        self.assertIn("検査", helped.stdout.decode())

    def test_program_against_the_library(self):
        pc = self.one("lib/**/sekisho.pc") if (self.root / "lib").exists() else self.one("**/sekisho.pc")
        env = {"PKG_CONFIG_PATH": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(self.dest)}
        flags = run("pkg-config", "--cflags", "--libs", "sekisho", env=env)
        self.assertEqual(flags.returncode, 0, flags.stderr)
        (self.folder / "tiny.c").write_text(C_PROGRAM)
        built = run("cc", "-std=c11", "-Wall", "-Werror", self.folder / "tiny.c", "-o", self.folder / "tiny",
                    *flags.stdout.decode().split())
        self.assertEqual(built.returncode, 0, built.stderr.decode())
        env = {"LD_LIBRARY_PATH": str(pc.parent.parent)}
        definitions = self.root / "share/sekisho/definitions"
        found = run(self.folder / "tiny", definitions, env=env, input=EICAR)
        self.assertEqual((found.returncode, found.stdout), (0, b"1 Sekisho.Test.Eicar-1\n"), found.stderr)
        clean = run(self.folder / "tiny", definitions, env=env, input=b"good\n")
        self.assertEqual((clean.returncode, clean.stdout), (0, b"0 -\n"), clean.stderr)


if __name__ == "__main__":
    if shutil.which("make") is None or shutil.which("pkg-config") is None:
        print("make or pkg-config is not installed")
        sys.exit(77)
    unittest.main()
