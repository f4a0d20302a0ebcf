#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare our names with Debian's clamscan: same definitions, same files.

usage: diff_clamscan.py --sekisho PROGRAM [--per-target N] [--seed N] [--keep DIR]

Corpus, made new each time: (a) files that carry bodies of the shared real signatures, for every target; (b) our own small
signatures, one for every offset form, wildcard and expression form, on files that just match and just fail to; (c) a selection of
(a) inside every container we can write. Every case must give the same set of names (all-match mode) but for the cases listed in
docs/differences-from-clamav.md, where each row gives a pattern of case names and the reason; a row that explains nothing is an error.
Prints the seed and each difference; exit 0 when equal, 1 when not, 77 when something needed is missing.
"""
import argparse
import collections
import fnmatch
import json
import lzma
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path.insert(0, str(TOP / "tests/lib"))
import forms  # noqa: E402
import hosts  # noqa: E402
import sigs  # noqa: E402
import switch_cases  # noqa: E402
import wraps  # noqa: E402

SHARED = TOP.parent / "shared/data/clamav"
DIFFERENCES = TOP / "docs/differences-from-clamav.md"


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def real_signatures():
    for kind, name in (("ldb", "main.ldb.xz"), ("ndb", "daily.ndb.xz")):
        with lzma.open(SHARED / name, "rt", errors="replace") as lines:
            for line in lines:
                line = line.rstrip("\n")
                if line and not line.startswith("#"):
                    yield kind, line


def real_cases(per_target, rnd):
    """(case name, signature, bytes) for a random selection of each target; counts what cannot be built."""
    by_target, cannot = collections.defaultdict(list), collections.Counter()
    for kind, line in real_signatures():
        try:
            signature = sigs.parse_line(kind, line)
            by_target[signature.target].append(signature)
        except sigs.Cannot as why:
            cannot[str(why)] += 1
    for target, signatures in sorted(by_target.items()):
        anchored = [s for s in signatures if any(sub and sub[0] != "*" for sub in s.subs)]
        rnd.shuffle(signatures)
        rnd.shuffle(anchored)
        made = 0
        for signature in anchored[:per_target] + signatures:
            if made >= 2 * per_target:
                break
            try:
                data = hosts.build(signature, sigs.plan(signature))
            except sigs.Cannot as why:
                cannot[str(why)] += 1
                continue
            made += 1
            yield f"plain.{target}.{signature.name}", signature, data
    for why, count in cannot.most_common():
        print(f"not constructed: {count}: {why}")


def write_cases(folder, args, rnd):
    cases, wrapped = {}, []
    for name, signature, data in real_cases(args.per_target, rnd):
        container = hosts.container_of(signature)
        case = name
        if container and container != "CL_TYPE_ANY":
            made = wraps.for_type(container, data)
            if made is None:
                continue
            data, case = made, name.replace("plain.", f"inside.{container}.")
        cases.setdefault(case, data)
        if not container and len(data) < 200_000:
            wrapped.append((name.split(".", 1)[1], data))
    rnd.shuffle(wrapped)
    for kind in wraps.KINDS:
        for name, data in wrapped[:args.per_wrap]:
            made = wraps.wrap(kind, data)
            if made is None:
                print(f"not tested: no writer for {kind} on this machine")
                break
            cases[f"wrap.{kind}.{name}"] = made
    for name, data in cases.items():
        (folder / name).write_bytes(data)
    return len(cases)


def run_clamscan(definitions, folder):
    run = subprocess.run(["clamscan", "-z", "-r", "--no-summary", "--max-filesize=100M", "-d", str(definitions), str(folder)],
                         capture_output=True, text=True, errors="replace")
    if run.returncode == 2:
        sys.exit(f"clamscan failed: {run.stderr[-2000:]}")
    names = collections.defaultdict(set)
    for line in run.stdout.splitlines():
        m = re.match(r"(.*): (\S+) FOUND$", line)
        if m:
            names[pathlib.Path(m.group(1)).name].add(m.group(2))
    return names


def write_definitions(folder):
    for name in ("main.ldb", "daily.ndb"):
        (folder / name).write_bytes(lzma.decompress((SHARED / (name + ".xz")).read_bytes()))


def compile_definitions(program, definitions, scratch):
    compiled = subprocess.run([program, "defs", "compile", str(definitions), "-o", str(scratch)], capture_output=True, text=True)
    if compiled.returncode not in (0, 1):
        sys.exit(f"sekisho defs compile failed: {compiled.stderr[-2000:]}")


def run_sekisho(program, definitions, folder, scratch):
    compile_definitions(program, definitions, scratch)
    return run_scan(program, scratch, folder)


def run_scan(program, scratch, folder, *options):
    run = subprocess.run([program, "scan", "--json", "--allmatch", "-d", str(scratch), *options, str(folder)], capture_output=True,
                         text=True, errors="replace")
    if run.returncode not in (0, 1, 2):
        sys.exit(f"sekisho scan failed ({run.returncode}): {run.stderr[-2000:]}")
    names = collections.defaultdict(set)
    for line in run.stdout.splitlines():
        record = json.loads(line)
        if record.get("record") == "object":
            for finding in record.get("findings", []):
                names[pathlib.Path(record["path"]).name].add(finding["name"])
    return names


def explained_rows():
    rows = []
    for line in DIFFERENCES.read_text().splitlines():
        m = re.match(r"\|\s*`([^`]+)`\s*\|\s*(.+?)\s*\|$", line)
        if m:
            rows.append((m.group(1), m.group(2)))
    return rows


def compare(label, folder, theirs, ours, rows, used):
    wrong = equal = explained = both = 0
    for path in sorted(folder.iterdir()):
        case = path.name
        if theirs[case] == ours[case]:
            equal += 1
            both += bool(ours[case])
            continue
        row = next((pattern for pattern, _ in rows if fnmatch.fnmatchcase(case, pattern)), None)
        if row:
            used.add(row)
            explained += 1
            continue
        wrong += 1
        if wrong <= 60:
            print(f"DIFFERENT {case}: clamscan {sorted(theirs[case] - ours[case])} only, sekisho "
                  f"{sorted(ours[case] - theirs[case])} only")
    print(f"{label}: {equal} equal ({both} with a detection), {explained} explained, {wrong} different")
    return wrong, both


# Rows of docs/differences-from-clamav.md about kill switches: `switches.CASE.FILE`.
def switches(args, work, rows, used):
    """The same files with one part after the other switched off. Returns how many sets of names differ."""
    wrong, named, cases = 0, collections.defaultdict(set), 0
    files = work / "switches" / "files"
    files.mkdir(parents=True)
    for name, data in switch_cases.files():
        (files / name).write_bytes(data)
    for name, line in switch_cases.lines():
        definitions, scratch = work / "switches" / name / "defs", work / "switches" / name / "compiled"
        definitions.mkdir(parents=True)
        for suffix, text in switch_cases.definitions().items():
            (definitions / f"a.{suffix}").write_text(text)
        (definitions / "daily.cfg").write_text(line + "\n")
        theirs, ours = run_clamscan(definitions, files), run_sekisho(args.sekisho, definitions, files, scratch)
        for path in sorted(files.iterdir()):
            cases += 1
            case = f"switches.{name}.{path.name}"
            named[path.name].add(frozenset(theirs[path.name]))
            row = next((pattern for pattern, _ in rows if fnmatch.fnmatchcase(case, pattern)), None)
            if theirs[path.name] == ours[path.name]:
                continue
            if row:
                used.add(row)
                continue
            wrong += 1
            print(f"DIFFERENT {case}: clamscan {sorted(theirs[path.name])}, sekisho {sorted(ours[path.name])}")
    still = sorted(file for file, answers in named.items() if len(answers) == 1)
    print(f"switches: {cases} cases, {wrong} different; no switch changes what clamscan says of {still}")
    if len(still) * 3 > len(named):
        wrong += 1
        print("switches: too few files that a switch changes: they do not test anything")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--per-target", type=int, default=40)
    parser.add_argument("--per-wrap", type=int, default=12)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--keep")
    args = parser.parse_args()
    if shutil.which("clamscan") is None:
        skip("clamscan is not installed")
    if not SHARED.is_dir():
        skip("shared real signatures are not here")
    rnd = random.Random(args.seed)
    print(f"seed {args.seed}")
    work = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="sekisho-diff-"))
    rows, used, wrong = [row for row in explained_rows() if not row[0].startswith("all.")], set(), 0
    try:
        for label in ("real", "forms"):
            definitions, files, scratch = (work / label / sub for sub in ("defs", "files", "compiled"))
            for folder in (definitions, files, scratch):
                folder.mkdir(parents=True, exist_ok=True)
            if label == "real":
                write_definitions(definitions)
                count = write_cases(files, args, rnd)
            else:
                count = forms.write(definitions, files)
            theirs = run_clamscan(definitions, files)
            ours = run_sekisho(args.sekisho, definitions, files, scratch)
            bad, both = compare(label, files, theirs, ours, rows, used)
            wrong += bad
            if both * 3 < count:
                print(f"{label}: too few detections ({both} of {count}): the corpus does not test anything")
                wrong += 1
        wrong += switches(args, work, rows, used)
        for pattern, reason in rows:
            if pattern not in used:
                print(f"docs/differences-from-clamav.md: `{pattern}` explains nothing any more ({reason})")
                wrong += 1
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
