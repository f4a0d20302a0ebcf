# SPDX-License-Identifier: Apache-2.0
"""What the property tests of definitions share: options, both scanners over a folder, and the report of differences."""
import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time


def options(description, rounds):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("sekisho")
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--rounds", type=int, default=rounds, help="each round is one set of definitions and its files")
    parser.add_argument("--seconds", type=float, default=25, help="no new round after this time; 0: no limit")
    parser.add_argument("--keep", help="folder in which the last round stays")
    return parser.parse_args()


def have_clamscan():
    return shutil.which("clamscan") is not None


def _clean(name):
    return name.removesuffix(".UNOFFICIAL")


def run_sekisho(program, folder, compile_first=True):
    if compile_first:
        compiled = subprocess.run([program, "defs", "compile", str(folder / "defs"), "-o", str(folder / "compiled")],
                                  capture_output=True, text=True)
        if compiled.returncode != 0 or "not taken" in compiled.stdout + compiled.stderr:
            sys.exit(f"sekisho defs compile: {compiled.returncode} {compiled.stdout[-1500:]} {compiled.stderr[-1500:]}")
    run = subprocess.run([program, "scan", "--json", "-z", "-d", str(folder / "compiled"), str(folder / "files")],
                         capture_output=True, text=True, errors="replace")
    if run.returncode not in (0, 1):
        sys.exit(f"sekisho scan: {run.returncode} {run.stderr[-2000:]}")
    names = collections.defaultdict(set)
    for line in run.stdout.splitlines():
        record = json.loads(line)
        for finding in record.get("findings", []) if record.get("record") == "object" else []:
            names[pathlib.Path(record["path"]).name].add(_clean(finding["name"]))
    return names


def load_clamscan(folder, report):
    """Take out the lines that clamscan cannot load; returns the names left."""
    (folder / "empty").write_bytes(b"x")
    (source,) = (folder / "defs").iterdir()
    lines = source.read_text().splitlines()
    while True:
        run = subprocess.run(["clamscan", "--no-summary", "-d", str(source), str(folder / "empty")], capture_output=True, text=True)
        m = re.search(r"parsing database at line (\d+)", run.stderr)
        if run.returncode != 2 or m is None:
            return {line.split(";")[0] for line in lines}
        report.refused += 1
        del lines[int(m.group(1)) - 1]
        source.write_text("".join(line + "\n" for line in lines))


def run_clamscan(folder, keep=()):
    """Types of files are of no interest here, but for those to keep: everything but the raw bytes is switched off."""
    kinds = ("archive", "html", "mail", "pdf", "ole2", "pe", "elf", "swf", "xmldocs")
    off = [f"--scan-{kind}=no" for kind in kinds if kind not in keep]
    run = subprocess.run(["clamscan", "-z", "-r", "--no-summary", *off, "-d", str(folder / "defs"), str(folder / "files")],
                         capture_output=True, text=True, errors="replace")
    if run.returncode not in (0, 1):
        sys.exit(f"clamscan: {run.returncode} {run.stderr[-2000:]}")
    names = collections.defaultdict(set)
    for line in run.stdout.splitlines():
        m = re.match(r"(.*): (\S+) FOUND$", line)
        if m:
            names[pathlib.Path(m.group(1)).name].add(_clean(m.group(2)))
    return names


class Report:
    def __init__(self):
        self.cases = self.hits = self.wrong = self.refused = 0

    def compare(self, who, expected, got, what):
        """expected, got: file name -> names; what(file, name) describes a difference."""
        self.told = 0
        for file in sorted(expected.keys() | got.keys()):
            for name in sorted(expected[file] ^ got[file]):
                self.wrong += 1
                self.told += 1
                if self.told <= 12:
                    verdict = "missing in" if name in expected[file] else "only in"
                    print(f"DIFFERENT: {name} in {file}: {verdict} {who}: {what(file, name)}", flush=True)


def run_rounds(args, one_round, clamscan=True):
    """one_round(folder, seed, report) writes folder/defs and folder/files, scans and compares. Returns the exit code."""
    report, began, done = Report(), time.monotonic(), 0
    peer = "clamscan " + ("compared" if have_clamscan() else "is not installed: reference only") if clamscan else "no peer"
    print(f"seed {args.seed}; {peer}", flush=True)
    for number in range(args.rounds):
        if args.seconds and number > 0 and time.monotonic() - began > args.seconds:
            break
        work = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="sekisho-prop-"))
        shutil.rmtree(work, ignore_errors=True)
        for sub in ("defs", "files", "compiled"):
            (work / sub).mkdir(parents=True)
        before = report.wrong
        one_round(work, args.seed + number, report)
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)
        if report.wrong > before:
            print(f"round {number} failed; repeat it with --seed {args.seed + number} --rounds 1 --keep FOLDER")
            break
        done += 1
    print(f"{done} rounds, {report.cases} cases, {report.hits} with a hit, {report.wrong} different"
          + (f"; clamscan refused {report.refused} of the signatures" if report.refused else ""))
    return 1 if report.wrong or report.hits * 20 < report.cases else 0


def main(text, make_round, rounds):
    """The whole of a test: text is its __doc__; make_round(args) gives what one round does. Returns the exit code."""
    args = options(text.splitlines()[0], rounds)
    return run_rounds(args, make_round(args))
