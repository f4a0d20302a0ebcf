#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bundled definitions: every sample is named by its signature, no clean neighbour is, no installed file is.

usage: test_bundled.py [--sekisho PROGRAM [--image DIR]] [--installation DIR...]
Uses clamscan where it is installed and, when given, `PROGRAM scan` with the definitions that PROGRAM compiles (or with the
image in DIR). --installation: scan these trees instead of the samples; every finding is a failure. With both, only sekisho
scans the trees (clamscan needs minutes). Exit 77 (skipped) when there is no scanner at all.
"""
import argparse
import base64
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
DEFS = TOP / "definitions"


def signatures():
    names = set()
    for path in sorted(DEFS.glob("*.?[ds]b")):
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                names.add(line.split(":")[2] if path.suffix == ".hsb" else re.split("[:;]", line)[0])
    return names


def unpack(folder):
    """{path: signature name, or None for a clean one}"""
    files = {}
    for path in sorted(DEFS.glob("samples/*.b64")) + sorted(DEFS.glob("samples/clean/*.b64")):
        clean = path.parent.name == "clean"
        out = folder / ("clean-" + path.stem if clean else path.stem)
        out.write_bytes(base64.b64decode(path.read_text()))
        files[out] = None if clean else re.match(r"[^-]*-\d+", path.stem).group()
    return files


def clamscan(targets):
    run = subprocess.run(["clamscan", "-r", "-z", "--no-summary", "--infected", "--max-filesize=5M", f"--database={DEFS}", *targets],
                         capture_output=True, text=True, errors="replace")
    if run.returncode > 2 or "Malformed" in run.stderr or "Malformed" in run.stdout:
        raise SystemExit(f"clamscan does not load the definitions:\n{run.stdout}{run.stderr}")
    found = collections.defaultdict(set)
    for path, name in re.findall(r"^(.*): (\S+?)(?:\.UNOFFICIAL)? FOUND$", run.stdout, re.M):
        found[pathlib.Path(path)].add(name)
    return found


def compile_definitions(program, out):
    run = subprocess.run([program, "defs", "compile", str(DEFS), "-o", out, "--official", "--segment", "sekisho"],
                         capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"defs compile: {run.returncode}\n{run.stdout}{run.stderr}")


def sekisho(program, image, targets):
    found = collections.defaultdict(set)
    run = subprocess.run([program, "scan", "--json", "--quiet", "--allmatch", "--definitions", image, *targets],
                         capture_output=True, text=True, errors="replace")
    if run.returncode > 2 or '"summary"' not in run.stdout:
        raise SystemExit(f"scan: {run.returncode}\n{run.stderr}")
    for line in run.stdout.splitlines():
        row = json.loads(line)
        for finding in row.get("findings", []) if row["record"] == "object" else []:
            found[pathlib.Path(row["path"])].add(finding["name"])
    return found


def check_samples(label, scan):
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        files = unpack(pathlib.Path(folder))
        found = scan([folder])
        for path, name in files.items():
            want = {name} if name else set()
            if found[path] != want:
                bad.append(f"{label}: {path.name}: {sorted(found[path])}, expected {sorted(want)}")
    print(f"{label}: {len(files)} samples, {len(bad)} wrong")
    return bad


def check_complete():
    names = signatures()
    sampled = {re.match(r"[^-]*-\d+", p.stem).group() for p in DEFS.glob("samples/*.b64")}
    return [f"no sample for {n}" for n in sorted(names - sampled)] + [f"no signature for {n}" for n in sorted(sampled - names)]


def check_installation(label, scan, trees):
    found = scan(trees)
    hits = [f"{label}: false positive {', '.join(sorted(names))} on {path}" for path, names in sorted(found.items()) if names]
    print(f"{label}: {len(hits)} findings in {' '.join(trees)}")
    return hits


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sekisho")
    parser.add_argument("--image")
    parser.add_argument("--installation", nargs="+")
    args = parser.parse_args()
    scanners = [("clamscan", clamscan)] if shutil.which("clamscan") and not (args.sekisho and args.installation) else []
    with tempfile.TemporaryDirectory() as scratch:
        if args.sekisho:
            image = args.image or scratch
            if not args.image:
                compile_definitions(args.sekisho, scratch)
            scanners.append(("sekisho", lambda targets: sekisho(args.sekisho, image, targets)))
        bad = check_complete()
        for label, scan in scanners:
            bad += check_installation(label, scan, args.installation) if args.installation else check_samples(label, scan)
    print("\n".join(bad))
    return 1 if bad else 0 if scanners else 77


if __name__ == "__main__":
    sys.exit(main())
