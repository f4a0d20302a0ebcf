#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our image hash against `sigtool --fuzzy-img`: pictures of every format, made by netpbm from random drawings.

usage: diff_image_hash.py TOOL SEKISHO [--count N] [--seed N]     TOOL prints "FILE: HASH" as sigtool does (image_hash_tool)

Where pixels are stored as they are (PNG, GIF, BMP, TIFF) every hash must be equal. JPEG leaves the last bit of a pixel to the decoder
(sigtool has another one than libjpeg-turbo), so a bit of the hash that hangs on the median may differ, most of all in flat drawings: half must be equal.
Then logical signatures with these hashes are given to clamscan and to SEKISHO, whose lines for the same files must be equal.
Prints the share of each format, the seed and the first difference. Exit 77 when a tool is missing.
"""
import argparse
import collections
import pathlib
import os
import random
import shutil
import subprocess
import sys
import tempfile

# name -> command from PPM on standard input to the picture on standard output
MAKERS = {
    "rgb.png": "pnmtopng", "interlaced.png": "pnmtopng -interlace", "palette.png": "pnmquant 60 | pnmtopng",
    "grey.png": "ppmtopgm | pnmtopng", "one.png": "ppmtopgm | pgmtopbm | pnmtopng", "deep.png": "pamdepth 65535 | pnmtopng",
    "palette.gif": "pnmquant 200 | ppmtogif", "interlaced.gif": "pnmquant 16 | ppmtogif -interlace",
    "transparent.gif": "pnmquant 8 | ppmtogif -transparent=rgb:00/00/00",
    "rgb.bmp": "ppmtobmp -bpp=24", "palette.bmp": "pnmquant 200 | ppmtobmp -bpp=8", "four.bmp": "pnmquant 16 | ppmtobmp -bpp=4",
    "os2.bmp": "ppmtobmp -os2 -bpp=24", "rgb.tif": "pnmtotiff -truecolor", "lzw.tif": "pnmtotiff -truecolor -lzw",
    "packbits.tif": "ppmtopgm | pnmtotiff -packbits", "fax.tif": "ppmtopgm | pgmtopbm | pnmtotiff -g4",
    "photo.jpg": "pnmtojpeg -quality=75", "progressive.jpg": "pnmtojpeg -quality=60 -progressive", "grey.jpg": "ppmtopgm | pnmtojpeg",
}
LEAST_JPEG = 0.5
NEWER = {"fax.tif"}  # sigtool 1.4.3 (Debian 12 without its updates) has no hash of these


def drawing(rnd):
    """A PPM: rectangles, slopes or noise; flat ones too, where exact zeros decide."""
    width, height = rnd.randrange(1, 160), rnd.randrange(1, 160)
    colour = lambda: bytes(rnd.randrange(256) for _ in range(3))  # noqa: E731
    rows = [bytearray(colour() * width)] * height
    rows = [bytearray(row) for row in rows]
    for _ in range(rnd.choice((0, 1, 3, 12))):
        x0, x1 = sorted(rnd.randrange(width + 1) for _ in range(2))
        y0, y1 = sorted(rnd.randrange(height + 1) for _ in range(2))
        fill = colour()
        for y in range(y0, y1):
            rows[y][3 * x0:3 * x1] = fill * (x1 - x0)
    kind, strength = rnd.randrange(3), rnd.choice((1, 4, 30))
    for y in range(height):
        for i in range(3 * width):
            extra = (i // 3 + y) // 2 if kind == 1 else rnd.randrange(strength) if kind == 2 else 0
            rows[y][i] = min(255, rows[y][i] + extra)
    return b"P6\n%d %d\n255\n" % (width, height) + b"".join(rows)


def hashes(command, files):
    """Lines "FILE: HASH"; files without one are left out."""
    out = {}
    for line in subprocess.run(command + files, capture_output=True, text=True).stdout.splitlines():
        path, _, value = line.rpartition(": ")
        if len(value) == 16:
            out[pathlib.Path(path).name] = value
    return out


def names(program, database, directory):
    lines = subprocess.run(program + ["-z", "--no-summary", "-d", str(database), str(directory)], capture_output=True, text=True).stdout
    return sorted(line for line in lines.splitlines() if line.endswith((" FOUND", ": OK")))


def scans_agree(sekisho, theirs, scratch, directory):
    """One signature a hash, alone, with a body, and negated."""
    database = scratch / "images.ldb"
    with open(database, "w") as out:
        for number, value in enumerate(sorted(set(theirs.values()))):
            form = ("Target:5;0;fuzzy_img#%s", "Target:0;0&1;fuzzy_img#%s#0;0:89504e47", "Target:5;0=1;fuzzy_img#%s")[number % 3]
            out.write(f"Image.{number};Engine:150-255,{form % value}\n")
    want, got = names(["clamscan"], database, directory), names([sekisho, "clamscan"], database, directory)
    found = sum(line.endswith("FOUND") for line in want)
    print(f"scans: {found} findings, {len(set(want) ^ set(got))} lines differ")
    for line in sorted(set(want) ^ set(got))[:6]:
        print(("clamscan: " if line in want else "we: ") + line)
    return want == got and found > 0


def main():
    args = argparse.ArgumentParser()
    args.add_argument("tool")
    args.add_argument("sekisho")
    args.add_argument("--count", type=int, default=12)
    args.add_argument("--seed", type=int, default=int(os.environ.get("PROP_SEED", "24")))
    args = args.parse_args()
    for program in ("sigtool", "pnmtopng", "ppmtogif", "ppmtobmp", "pnmtotiff", "pnmtojpeg", "pnmquant"):
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed")
            sys.exit(77)
    rnd = random.Random(args.seed)
    equal, total, shown = collections.Counter(), collections.Counter(), set()
    with tempfile.TemporaryDirectory() as scratch:
        top, scratch = pathlib.Path(scratch), pathlib.Path(scratch) / "pictures"
        scratch.mkdir()
        for number in range(args.count):
            ppm = drawing(rnd)
            for name, command in MAKERS.items():
                with open(scratch / f"{number:03}.{name}", "wb") as out:
                    subprocess.run(command, shell=True, input=ppm, stdout=out, stderr=subprocess.DEVNULL, check=True)
        files = sorted(str(path) for path in scratch.iterdir())
        theirs, ours = hashes(["sigtool", "--fuzzy-img"], files), hashes([args.tool], files)
        for path in list(scratch.iterdir()):  # not those without a hash of theirs (we read more), nor JPEG whose hashes differ (counted below)
            if path.name not in theirs or (path.suffix == ".jpg" and theirs[path.name] != ours.get(path.name)):
                path.unlink()
        agree = scans_agree(args.sekisho, theirs, top, scratch)
    for name, value in sorted(theirs.items()):
        kind = name.partition(".")[2]
        total[kind] += 1
        equal[kind] += ours.get(name) == value
        if ours.get(name) != value and kind not in shown:
            shown.add(kind)
            print(f"{name}: sigtool {value}, we {ours.get(name, 'nothing')}")
    bad = [] if agree else ["scan"]
    bad += [kind for kind in MAKERS if total[kind] < args.count * 0.9 and not (kind in NEWER and total[kind] == 0)]
    for kind in MAKERS:
        print(f"{kind}: {equal[kind]} of {total[kind]} equal")
        if not kind.endswith(".jpg") and equal[kind] != total[kind]:
            bad.append(kind)
    jpeg = [kind for kind in MAKERS if kind.endswith(".jpg")]
    if sum(equal[k] for k in jpeg) < LEAST_JPEG * sum(total[k] for k in jpeg):
        bad.append("jpg")
    print(f"seed {args.seed}: {sum(equal.values())} of {sum(total.values())} equal" + (f"; wrong: {bad}" if bad else ""))
    sys.exit(1 if bad else 0)


main()
