#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Icons of programs against clamscan, which prints the fingerprint of every icon it looks at with --debug.

usage: diff_icons.py TOOL SEKISHO [--count N] [--seed N] [FILE ...]     TOOL: icon_tool, prints "FILE: hash hash ..."

1. N made programs (icon_cases.py) and the FILEs: the fingerprints must be equal, digit by digit and in order.
2. idb lines are these fingerprints, changed a little; logical signatures ask for their groups: the names found must be equal.
   That asks the likeness near its limits.
Prints how many were equal, the seed and the first difference. Exit 77 when clamscan is missing.
"""
import argparse
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import icon_cases  # noqa: E402

WIDTHS = (3,) * 6 + (2,) * 12
GROUPS = 60  # clamscan takes 256 at most, of both kinds together


def their_prints(files, scratch):
    """Those that can match: it prints fingerprints of 18, 20, 21, 27, 28, 30 pixels too, which no line can hold."""
    database = scratch / "debug"
    database.mkdir(exist_ok=True)
    (database / "x.ldb").write_text("X;Engine:51-255,IconGroup1:G,Target:1;0;0:4d5a\n")
    (database / "x.idb").write_text("I:G:H:10" + "0" * 122 + "\n")
    listing = scratch / "list"
    listing.write_text("".join("%s\n" % f for f in files))
    run = subprocess.run(["clamscan", "--debug", "--no-summary", "--disable-cache", "-z", "-d", str(database), "-f", str(listing)],
                         capture_output=True, text=True, errors="replace")
    parts = re.split(r"LibClamAV debug: Checking realpath of (.*)\n", run.stderr)[1:]
    return {pathlib.Path(name).name: re.findall(r"IDB SIGNATURE: ICON_NAME:GROUP1:GROUP2:((?:10|18|20)[0-9a-f]{122})", text) for name, text in zip(parts[::2], parts[1::2])}


def our_prints(tool, files):
    out = {}
    for i in range(0, len(files), 200):
        for line in subprocess.run([tool] + [str(f) for f in files[i:i + 200]], capture_output=True, text=True, check=True).stdout.splitlines():
            path, _, rest = line.rpartition(":")
            out[pathlib.Path(path).name] = rest.split()
    return out


def changed(rnd, text):
    """The same fingerprint with some areas moved, some values changed: about as often alike as not."""
    side, at = int(text[:2], 16), 2
    out, strength = text[:2], rnd.choice((0.2, 0.5, 0.8))
    for width in WIDTHS:
        value, x, y = int(text[at:at + width], 16), int(text[at + width:at + width + 2], 16), int(text[at + width + 2:at + width + 4], 16)
        at += width + 4
        if rnd.random() < strength:
            value += rnd.randint(-60, 60) * rnd.choice((1, 16) if width == 3 else (1,))
            x, y = x + rnd.randint(-5, 5), y + rnd.randint(-5, 5)
        limit = 4072 if width == 3 else 255
        out += "%0*x%02x%02x" % (width, min(max(value, 0), limit), min(max(x, 0), side * 7 // 8), min(max(y, 0), side * 7 // 8))
    spread = [int(text[at + i:at + i + 2], 16) for i in (0, 2, 4, 6)]
    if rnd.random() < 0.3:
        spread = [max(0, v - rnd.randrange(12)) for v in spread]
    if rnd.random() < 0.05:
        spread[3] = 0
    return out + "".join("%02x" % v for v in spread)


def names(program, database, directory):
    lines = subprocess.run(program + ["-z", "--no-summary", "-d", str(database), str(directory)], capture_output=True, text=True).stdout
    return sorted(line for line in lines.splitlines() if line.endswith((" FOUND", ": OK")))


def scans(sekisho, prints, rnd, scratch, directory):
    """-> (lines, first difference or None)"""
    database = scratch / "db"
    shutil.rmtree(database, ignore_errors=True)
    database.mkdir()
    known = [p for p in prints if p]
    lines = ["I%d:G%d:H%d:%s" % (i, i, i % 3, changed(rnd, rnd.choice(known))) for i in range(GROUPS)]
    lines += ["N%d::H3:%s" % (i, changed(rnd, rnd.choice(known))) for i in range(4)] + ["N4:G1::%s" % known[0]]  # groups without a name
    rules = ["S%d;Engine:51-255,IconGroup1:G%d,Target:1;0;0:4d5a" % (i, i) for i in range(GROUPS)]
    rules += ["T%d;Engine:51-255,IconGroup1:G%d,IconGroup2:H%d,Target:1;0;0:4d5a" % (i, i, rnd.randrange(4)) for i in range(0, GROUPS, 4)]
    rules += ["V0;Engine:51-255,IconGroup2:H0,Target:1;0;0:4d5a", "V1;Engine:51-255,IconGroup1:*,IconGroup2:H1,Target:1;0;0:4d5a",
              "V2;Engine:51-255,IconGroup1:None,Target:1;0;0:4d5a", "V4;Engine:51-255,IconGroup1:,Target:1;0;0:4d5a",
              "V5;Engine:51-255,IconGroup1:G1,IconGroup2:,Target:1;0;0:4d5a", "V6;Engine:51-255,IconGroup1:G2,IconGroup1:,Target:1;0;0:4d5a", "V3;Engine:51-255,IconGroup1:*,Target:1;0;0:4d5b"]
    (database / "x.idb").write_text("\n".join(lines) + "\n")
    (database / "x.ldb").write_text("\n".join(rules) + "\n")
    theirs, ours = names(["clamscan", "--disable-cache"], database, directory), names([sekisho, "clamscan", "--incomplete-as-ok"], database, directory)
    difference = next(((a, b) for a, b in zip(theirs, ours) if a != b), None if len(theirs) == len(ours) else (len(theirs), len(ours)))
    return len(theirs), difference


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("sekisho")
    parser.add_argument("file", nargs="*")
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if shutil.which("clamscan") is None:
        print("clamscan is not installed")
        return 77
    rnd = random.Random(options.seed)
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        directory = scratch / "files"
        directory.mkdir()
        for i in range(options.count):
            (directory / ("made-%05d.exe" % i)).write_bytes(icon_cases.with_icons([icon_cases.icon(rnd) for _ in range(rnd.randrange(1, 4))], rnd.random() < 0.3))
        for tag, data in icon_cases.odd_programs(rnd):
            (directory / ("odd-%s.exe" % tag)).write_bytes(data)
        for i, path in enumerate(options.file):
            shutil.copyfile(path, directory / ("real-%05d.exe" % i))
        files = sorted(directory.iterdir())
        theirs, ours = their_prints(files, scratch), our_prints(options.tool, files)
        icons = 0
        for file in files:
            want, got = theirs.get(file.name), ours[file.name]
            icons += len(want or [])
            if want != got:
                bad += 1
                if bad == 1:
                    print("first difference: %s\n  clamscan %s\n  sekisho  %s" % (file.name, want, got))
        print("programs: %d, icons: %d, programs with other fingerprints: %d, seed %d" % (len(files), icons, bad, options.seed))
        if icons < options.count // 2:
            print("clamscan printed too few fingerprints for a comparison")
            return 1
        prints = [p for list_ in theirs.values() for p in list_]
        for _ in range(3):
            lines, difference = scans(options.sekisho, prints, rnd, scratch, directory)
            print("lines of scans: %d, %s" % (lines, "all equal" if difference is None else "different: %s" % (difference,)))
            bad += difference is not None
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
