#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The facts of every made image, good and damaged, against facts.txt.

usage: test_golden_exe.py EXEFACTS [--write]   --write: take what the readers say now (then look at the difference)
"""
import difflib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "lib"))
import exe_cases


def main():
    out = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "case.bin"
        for name, blob, _ in exe_cases.all_cases():
            path.write_bytes(blob)
            run = subprocess.run([sys.argv[1], str(path)], capture_output=True, text=True, check=True)
            out += [f"case {name}"] + [line[:1000] for line in run.stdout.splitlines()[1:]]
    listing = HERE / "facts.txt"
    if "--write" in sys.argv:
        listing.write_text("\n".join(out) + "\n")
    want = listing.read_text().splitlines()
    diff = list(difflib.unified_diff(want, out, "facts.txt", "now", lineterm=""))
    print("\n".join(diff[:100]) or f"{len(out)} lines equal")
    return 1 if diff or len(out) < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
