#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Structure of pictures against `clamscan --alert-broken-media`: every case of media_cases.py, and mutants by seed.

usage: diff_media.py --sekisho PROGRAM [--count N] [--seed N]

The lines of both programs for the same files must be equal. Prints how many, the seed and the first differences. Exit 77 when clamscan is missing.
"""
import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import media_cases  # noqa: E402


def names(program, database, directory):
    run = subprocess.run(program + ["-z", "--no-summary", "--alert-broken-media", "-d", str(database), str(directory)], capture_output=True, text=True)
    out = {}
    for line in run.stdout.splitlines():
        path, _, rest = line.partition(": ")
        out.setdefault(pathlib.Path(path).name, []).append(rest)
    return {name: sorted(lines) for name, lines in out.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if shutil.which("clamscan") is None:
        print("clamscan is not installed")
        return 77
    rnd = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        top = pathlib.Path(name)
        (top / "db").mkdir()
        (top / "db" / "a.ndb").write_text("Never.Found:0:*:deadbeef00c0ffee0badf00d\n")
        files = top / "files"
        files.mkdir()
        for tag, data in media_cases.cases():
            (files / tag).write_bytes(data)
        for i in range(options.count):
            (files / ("mutant-%05d" % i)).write_bytes(media_cases.mutant(rnd))
        theirs, ours = names(["clamscan", "--disable-cache"], top / "db", files), names([options.sekisho, "clamscan", "--incomplete-as-ok"], top / "db", files)
        different = [n for n in sorted(theirs) if theirs[n] != ours.get(n)]
        for n in different[:10]:
            print(n, "clamscan:", theirs[n], "sekisho:", ours.get(n), (files / n).read_bytes()[:120].hex())
        found = sum(lines != ["OK"] for lines in theirs.values())
        print("files: %d, of them broken: %d, different: %d, seed %d" % (len(theirs), found, len(different), options.seed))
        return 1 if different or found < options.count // 10 else 0


if __name__ == "__main__":
    sys.exit(main())
