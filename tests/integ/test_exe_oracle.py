#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What we report about PE and ELF files against what clamscan and sigtool take for these numbers.

usage: test_exe_oracle.py EXEFACTS [FILE...]   more files: any PE or ELF files; default: those of this machine
Made images: one signature per token of the file and offset form tells where ClamAV looks (see mkpe.py).
All PE files: section hashes and import hash from sigtool, entry point and version strings from clamscan --debug.
Exit 77 (skipped) when ClamAV is not installed.
"""
import collections
import glob
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import exe_cases
from mkpe import token

FORMS = ["EP+0", "EP+16", "SL+0"] + [f"S{i}+0" for i in range(6)] + [f"SE{i}" for i in range(6)]
SAMPLES = ["/usr/share/clamav-testfiles/*.exe", "/usr/lib/gcc/*-w64-mingw32/*/*.dll", "/usr/*-w64-mingw32/lib/*.dll",
           "/usr/bin/[a-d]*", "/usr/lib/*/lib[a-c]*.so.*"]
# ClamAV gives up on a resource directory that states more entries than fit; we read those that are there.
MORE_STRINGS = {"pe-tree-count"}


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, errors="replace")


def facts(tool, path):
    out = {"section": [], "vinfo": [], "entry": None, "imports": None}
    for line in run(tool, str(path)).stdout.splitlines():
        key, _, rest = line.partition(" ")
        if key == "section":
            off, size, _, _ = rest.split()
            out["section"].append((int(off), int(size)))
        elif key == "vinfo":
            out["vinfo"].append(int(rest))
        elif key == "entry":
            out["entry"] = int(rest)
        elif key == "imports":
            out["imports"] = bytes.fromhex(rest.partition(" ")[2])
    return out


def positions(found, form):
    """Offsets [first, last] at which a pattern of this form may start, or None."""
    if form.startswith("EP"):
        return None if found["entry"] is None else (found["entry"] + int(form[3:]),) * 2
    index = len(found["section"]) - 1 if form == "SL+0" else int(form.strip("SE").split("+")[0])
    if not 0 <= index < len(found["section"]):
        return None
    off, size = found["section"][index]
    return (off, off + size) if form.startswith("SE") else (off, off)


def probe(blob, work):
    """{form: set of token offsets that match it}"""
    (work / "probe.bin").write_bytes(blob)
    target = 6 if blob[:4] == b"\x7fELF" else 1
    places = [off for off in range(0, len(blob) - 7, 16) if blob[off:off + 8] == token(off)]
    lines = [f"F{i}_{off:x}:{target}:{form}:{token(off).hex()}" for i, form in enumerate(FORMS) for off in places]
    (work / "probe.ndb").write_text("\n".join(lines) + "\n")
    out = run("clamscan", "-z", "--no-summary", "-d", str(work / "probe.ndb"), str(work / "probe.bin"))
    hits = collections.defaultdict(set)
    for form, off in re.findall(r"F(\d+)_([0-9a-f]+)\.UNOFFICIAL FOUND", out.stdout):
        hits[FORMS[int(form)]].add(int(off, 16))
    return hits, places


def compare_probe(name, blob, kept, found, work):
    hits, places = probe(blob, work)
    if kept:
        return [f"{name}: listed as refused by ClamAV, but it matches"] if hits else []
    bad = []
    for form in FORMS:
        span = positions(found, form)
        want = {off for off in places if span and span[0] <= off <= span[1]}
        if want != hits[form]:
            bad.append(f"{name}: {form}: we {sorted(want)[:3]}.. clamscan {sorted(hits[form])[:3]}..")
    return bad


def compare_pe(name, path, found, work):
    """Against sigtool and clamscan --debug. Empty when ClamAV refuses the file."""
    blob = pathlib.Path(path).read_bytes()
    mdb = run("sigtool", "--mdb", str(path))
    mdb = mdb.stdout + mdb.stderr
    if "Not a valid PE" in mdb:
        return []
    bad = []
    want = sorted((int(size), md5) for size, md5 in re.findall(r"Section\{\d+\}: (\d+):([0-9a-f]{32})", mdb))
    have = sorted((size, hashlib.md5(blob[off:off + size]).hexdigest()) for off, size in found["section"] if size)
    if want != have:
        bad.append(f"{name}: section hashes: we {have[:3]} sigtool {want[:3]}")
    imp = run("sigtool", "--imp", str(path))
    match = re.search(r"Imphash: ([0-9a-f]{32}):(\d+)", imp.stdout + imp.stderr)
    mine = found["imports"]
    if (match is None) != (mine is None) or (match and match.group(1) != hashlib.md5(mine).hexdigest()):
        bad.append(f"{name}: imports: we {mine!r:.80} sigtool {match and match.group(0)}")
    (work / "none.ndb").write_text("None:1:*:deadbeefdeadbeef9900\n")
    debug = run("clamscan", "--debug", "--max-filesize=100M", "-d", str(work / "none.ndb"), str(path))
    debug = (debug.stdout + debug.stderr).partition("Checking realpath")[2]
    first = re.split("signature found at|File type: Executable", debug)[0]
    strings = sorted({int(off, 16) for off in re.findall(r"VersionInfo \(([0-9a-f]+)\)", first)})
    if name in MORE_STRINGS and strings == [] and found["vinfo"]:
        strings = found["vinfo"]
    if strings != found["vinfo"]:
        bad.append(f"{name}: version strings: we {found['vinfo'][:4]} clamscan {strings[:4]}")
    entries = [int(off, 16) for off in re.findall(r"EntryPoint offset: 0x([0-9a-f]+)", debug)]
    if entries and found["entry"] not in entries:  # embedded and unpacked images are listed, too
        bad.append(f"{name}: entry: we {found['entry']} clamscan {entries}")
    return bad


def compare_elf(name, path, found, work):
    (work / "none.ndb").write_text("None:6:*:deadbeefdeadbeef9900\n")
    debug = run("clamscan", "--debug", "--max-filesize=100M", "-d", str(work / "none.ndb"), str(path))
    debug = (debug.stdout + debug.stderr).partition("Checking realpath")[2]
    entry = re.search(r"ELF: Entry point offset: 0x[0-9a-f]+ \((-?\d+)\)", debug)
    offs = [int(n) for n in re.findall(r"ELF: Section offset: (\d+)", debug)]
    size = pathlib.Path(path).stat().st_size
    bad = []
    if entry and int(entry.group(1)) != found["entry"]:
        bad.append(f"{name}: entry: we {found['entry']} clamscan {entry.group(1)}")
    if offs and [min(off, size) for off in offs] != [off for off, _ in found["section"]][:len(offs)]:
        bad.append(f"{name}: section offsets differ")
    return bad


def main():
    tool, files = sys.argv[1], sys.argv[2:]
    if not shutil.which("clamscan") or not shutil.which("sigtool"):
        print("clamscan and sigtool are not installed")
        return 77
    bad, count = [], collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for name, blob, kept in exe_cases.all_cases():
            path = work / "case.bin"
            path.write_bytes(blob)
            found = facts(tool, path)
            bad += compare_probe(name, blob, kept, found, work)
            if name.startswith("pe-") and not kept:
                bad += compare_pe(name, path, found, work)
            count["made"] += 1
        for path in files or sorted(p for pattern in SAMPLES for p in glob.glob(pattern)):
            with open(path, "rb") as f:
                magic = f.read(4)
            kind = "elf" if magic == b"\x7fELF" else "pe" if magic[:2] == b"MZ" else None
            if kind:
                compare = compare_elf if kind == "elf" else compare_pe
                bad += compare(path, path, facts(tool, path), work)
                count[kind] += 1
    print("\n".join(bad))
    print(f"{dict(count)}, {len(bad)} differences")
    return 1 if bad or not count["made"] else 0


if __name__ == "__main__":
    sys.exit(main())
