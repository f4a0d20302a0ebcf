#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the kinds of signatures beside hashes and plain bodies cost on files without hits: the same definitions without and with them.

usage: bench/kinds.py --build DIR --definitions DIR [--corpus DIR] [--work DIR] [--repeat N] [--limit MB] [--only KIND,...]

Without: the text files of --definitions but for logical signatures that need a regular expression or ask where a layer lies.
With: all of them, and lines of every other kind in about the numbers of the official set (COUNTS), made by seed: bodies half of which
are the longest of a signature of the set, so that they are triggered as often as those, half of which are new, so that the filters grow.
Processor time (user and system: the kernel tells their sum exactly, the parts by samples) of `sekisho scan --jobs 1 --allmatch` over each folder of
the corpus, whose files are named again until they are --limit megabytes together, least of N runs alternated; the ratio is with / without.
"""
import argparse
import hashlib
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

COUNTS = {"regex": 600, "place": 500, "compare": 100, "image": 100, "macro": 20, "cdb": 400, "zmd": 60, "ftm": 170, "pwdb": 30, "crb": 600,
          "pdb": 300, "wdb": 4000, "gdb": 3000, "idb": 230, "imp": 2000, "sfp": 2000}
ICON_WIDTHS = (3,) * 6 + (2,) * 12
TYPES = ("ZIP", "GZ", "POSIX_TAR", "MSOLE2", "MSEXE", "MAIL", "PDF", "HTML", "RTF", "7Z")
ADDED = re.compile(r";[^;]*/[^;]*/[greismxAEU]*(;|$)|Container:|Intermediates:|HandlerType:|IconGroup|byte_compare|fuzzy_img|\$\{")


def logical(rnd, kind, number, parts):
    """A signature whose second subsignature is of the kind and holds nowhere."""
    other = {"regex": "0/Sk%06d[a-z]{3,9}\\x2e(exe|scr|js)/si" % number, "compare": "0(>>%d#ib4#=%d)" % (rnd.randrange(4, 40), number),
             "image": "fuzzy_img#%016x#0" % rnd.getrandbits(64), "macro": "${6-40}%d$" % rnd.randrange(1, 9), "place": rnd.randbytes(9).hex()}[kind]
    body, target = parts
    place = f",Container:CL_TYPE_{rnd.choice(TYPES)}" if kind == "place" else ""
    target = target if kind != "image" else 5
    return f"Added.{kind}-{number};Engine:150-255,Target:{target}{place};0&1;{body};{other}"


def icon(rnd):
    """The fingerprint of an icon: its side, areas with their places, four shares (tests/differential/diff_icons.py)."""
    side = rnd.choice((16, 24, 32))
    areas = "".join(f"{rnd.randrange(4000 if width == 3 else 250):0{width}x}{rnd.randrange(side * 7 // 8):02x}{rnd.randrange(side * 7 // 8):02x}" for width in ICON_WIDTHS)
    return f"{side:02x}{areas}" + "".join(f"{rnd.randrange(1, 25):02x}" for _ in range(4))


def made(rnd, bodies, targets):
    """suffix -> lines; targets: those of real signatures of such kinds."""
    def body():
        return rnd.choice(bodies) if rnd.random() < 0.5 else rnd.randbytes(rnd.randrange(8, 30)).hex()
    out = {"ldb": [logical(rnd, kind, i, (body(), rnd.choice(targets))) for kind in ("regex", "place", "compare", "image", "macro") for i in range(COUNTS[kind])]}
    out["ndb"] = [f"Added.group-{i}:0:${1 + i % 8}$:{body()}" for i in range(40)]
    out["cdb"] = [f"Added.cdb-{i}:{rnd.choice(('*', 'CL_TYPE_ZIP', 'CL_TYPE_7Z'))}:*:sk{i}[a-z]+\\.(exe|scr|js)$:*:{rnd.choice(('*', '1000-90000'))}:*:*:*:*"
                  for i in range(COUNTS["cdb"])]
    out["zmd"] = [f"Added.zmd-{i}:1:sk{i}[0-9]+\\.exe:*:*:*:*:*:*" for i in range(COUNTS["zmd"])]
    out["ftm"] = [f"0:{rnd.randrange(0, 60)}:{rnd.randbytes(6).hex()}:Added {i}:CL_TYPE_ANY:CL_TYPE_{rnd.choice(TYPES)}" if i % 4 else
                  f"1:*:{rnd.randbytes(8).hex()}:Added {i}:CL_TYPE_ANY:CL_TYPE_ZIPSFX" for i in range(COUNTS["ftm"])]
    out["pwdb"] = [f"Added.password-{i};Engine:81-255,Container:CL_TYPE_ZIP;0;secret{i}" for i in range(COUNTS["pwdb"])]
    out["crb"] = [f"Added.crb-{i};1;{rnd.randbytes(20).hex()};;{'c1' + rnd.randbytes(255).hex()};010001;1;1;1;0;;" for i in range(COUNTS["crb"])]
    out["pdb"] = [f"H:sk-bank-{i}.example" if i % 3 else f"R:.+\\.sk-shop-{i}\\.(com|org)" for i in range(COUNTS["pdb"])]
    out["wdb"] = [f"X:.+\\.sk-news-{i}\\.com:.+\\.sk-site-{i}\\.org" if i % 2 else f"M:www.sk-a-{i}.com:www.sk-b-{i}.org" for i in range(COUNTS["wdb"])]
    hashes = [hashlib.sha256(b"%d" % i).hexdigest() for i in range(COUNTS["gdb"])]
    out["gdb"] = [line for h in hashes for line in (f"S:P:{h[:8]}", f"S1:F:{h}")]
    out["idb"] = [f"Added.idb-{i}:G{i % 9}:H{i % 5}:{icon(rnd)}" for i in range(COUNTS["idb"])]
    out["imp"] = [f"{rnd.randbytes(16).hex()}:{rnd.randrange(50, 4000)}:Added.imp-{i}" for i in range(COUNTS["imp"])]
    out["sfp"] = [f"{rnd.randbytes(20).hex()}:{rnd.randrange(1000, 10 ** 6)}:Added.sfp-{i}" for i in range(COUNTS["sfp"])]
    return out


def write_sets(definitions, work):
    """Folders of text: (without, with)."""
    plain, full, rnd, bodies, targets = work / "without", work / "with", random.Random(20261127), [], []
    left_out = 0
    for folder in (plain, full):
        folder.mkdir(parents=True)
    for path in sorted(definitions.iterdir()):
        os.symlink(path, full / path.name)
        if path.suffix != ".ldb":
            os.symlink(path, plain / path.name)
            continue
        with open(path, errors="replace") as lines, open(plain / path.name, "w") as keep:
            for line in lines:
                added = ADDED.search(line) is not None
                left_out += added
                targets += re.findall(r"Target:(\d+)", line) if added else []
                if not added:
                    keep.write(line)
                    if rnd.random() < 0.2:
                        bodies += sorted((sub for sub in line.rstrip().split(";")[3:] if re.fullmatch(r"[0-9a-f]{20,}", sub)), key=len)[-1:]
    lines = made(rnd, bodies or ["536b4b696e6473536b4b696e6473"], targets or ["1"])
    for suffix, rows in lines.items():
        (full / f"added.{suffix}").write_text("".join(row + "\n" for row in rows))
    print(f"{left_out} signatures of the set left out in one, {sum(map(len, lines.values()))} lines added in the other", flush=True)
    return plain, full


def compile_set(program, folder, out):
    run = subprocess.run([program, "defs", "compile", folder, "-o", out, "-q"], capture_output=True, text=True)
    if run.returncode not in (0, 1):
        sys.exit(f"defs compile: {run.stderr[-2000:]}")
    info = json.loads(subprocess.run([program, "defs", "info", "--json", "-d", out], capture_output=True, text=True).stdout)
    print(f"{folder.name}: {info['signatures']} signatures", flush=True)


def processor_time(command):
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 2):
        sys.exit(f"{' '.join(map(str, command))}: {child.stderr.read().decode()[-500:]}")
    return usage.ru_utime + usage.ru_stime


def files_of(folder, limit):
    """Paths of `limit` bytes together, in order of name, again and again."""
    paths, out, size = sorted(p for p in folder.rglob("*") if p.is_file()), [], 0
    for path in itertools.cycle(paths):
        size += path.stat().st_size
        out.append(str(path))
        if size > limit or len(out) > 200_000:
            return out
    return out


def measure(args, program, sets):
    worst = 0.0
    for folder in sorted(p for p in args.corpus.iterdir() if p.is_dir()):
        if args.only and folder.name not in args.only.split(","):
            continue
        names = args.work / "files"
        names.write_text("".join(path + "\n" for path in files_of(folder, args.limit << 20)))
        least = {}
        for _ in range(args.repeat):
            for label, compiled in sets.items():
                took = processor_time([program, "scan", "--jobs", "1", "--allmatch", "--quiet", "--no-progress", "-d", compiled, "-f", names])
                least[label] = min(least.get(label, took), took)
        ratio = least["with"] / least["without"]
        worst = max(worst, ratio)
        print(f"{folder.name:8}  with / without = {ratio:.3f}", flush=True)
    print(f"largest ratio: {worst:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--definitions", required=True, type=pathlib.Path)
    parser.add_argument("--corpus", type=pathlib.Path, default="/usr/share")
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    program = (args.build / "src/cli/sekisho").resolve()
    made_here = args.work is None
    args.work = args.work or pathlib.Path(tempfile.mkdtemp(prefix="sekisho-kinds-"))
    try:
        sets = {}
        for folder in write_sets(args.definitions.resolve(), args.work):
            sets[folder.name] = args.work / f"{folder.name}.compiled"
            compile_set(program, folder, sets[folder.name])
        measure(args, program, sets)
    finally:
        if made_here:
            shutil.rmtree(args.work, ignore_errors=True)


if __name__ == "__main__":
    main()
