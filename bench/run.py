#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure Sekisho, ClamAV and yara in one run and print the ratios. Called by `make bench`.

usage: bench/run.py --build DIR [--definitions DIR] [--corpus DIR] [--share S] [--limit MB] [--archive MB] [--work DIR] [--repeat N]
                    [--peer-repeat N] [--json FILE] [--ten] [--only PART,...]

Definitions: the full-size set of ../shared/tools/fullset (or --definitions; without both, the bundled set: then the figures
say little). Corpus: ../shared/tools/corpus (or --corpus; without both, files of this machine); Windows programs come out of Debian
packages, where apt can fetch them. All are made once in --work and used again. One core each: one worker of ours, one connection to clamd.
Every time is the median of --repeat runs, clamd's of --peer-repeat (of one, where that takes it longer than 45 seconds). What is compared:
wall-clock of the whole command over the same files. --limit caps the megabytes per kind: for a quick look, because then our start-up, which
clamd's rate does not have, weighs more; what must be shown is shown with whole kinds (0, the default; some twenty minutes).
Parts: compile, kinds, copies, archives, shapes, adversarial, hostile, growth, jobs, stages, yara. --ten makes the set of ten times the full size (needs 12 GB
of disk and a quarter of an hour, once); without it growth is measured from a tenth of the full set to the full set.
The last column says what issue 4 asks for and whether this run shows it.
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import hostile
from corpora import MIXES, limited, links, own_corpus, packed, windows_programs
from measure import Clamd, Table, memory_of, peak_of_all, peak_rss, read_in, scan_memory, timed

TOP = pathlib.Path(__file__).resolve().parent.parent
SHARED = TOP.parent / "shared"


def prepare(args):
    args.work.mkdir(parents=True, exist_ok=True)
    definitions, corpus = args.definitions, args.corpus
    if definitions is None and (SHARED / "tools/fullset").exists():
        definitions = args.work / f"full-{args.share}"
        if not definitions.exists():
            print("making the full-size definition set ...", flush=True)
            timed([sys.executable, SHARED / "tools/fullset", definitions, str(args.share)], ok=(0,))
    if definitions is None:
        definitions = TOP / "definitions"
        print("no ../shared and no --definitions: measuring with the bundled set, which is tiny")
    if corpus is None:
        corpus = args.work / "corpus"
        if not corpus.exists():
            print("collecting a corpus ...", flush=True)
            if (SHARED / "tools/corpus").exists():
                timed([sys.executable, SHARED / "tools/corpus", corpus], ok=(0,))
            else:
                own_corpus(corpus)
    return definitions, corpus


class Run:
    """What every part needs."""

    def __init__(self, args, definitions, corpus, table):
        self.args, self.definitions, self.corpus, self.table = args, definitions, corpus, table
        self.program = str((args.build / "src/cli/sekisho").resolve())
        self.bench = (args.build / "bench").resolve()
        self.images = args.work / "images"
        self.rates = {}  # MB/s by kind
        self.clamd = None

    def peer(self):
        if self.clamd is None:
            self.clamd = Clamd(self.definitions, self.args.work)
        return self.clamd

    def ours(self, folder, images=None, jobs=1, more=("--disable-cache",)):
        """Copies are searched again, as clamd's cache is off: part_copies lets both remember."""
        command = [self.program, "scan", "--quiet", "--jobs", str(jobs), *more, "-d", str(images or self.images), str(folder)]
        read_in(pathlib.Path(folder))
        timed(command)  # what else it needs is warm then, too
        return statistics.median(timed(command)[0] for _ in range(self.args.repeat))

    def theirs(self, path):
        return self.peer().scan(path, self.args.peer_repeat)

    def memory(self, folder, images=None):
        """Largest (private dirty, resident, image pages) MiB of a scanning process."""
        return scan_memory([self.program, "scan", "--quiet", "--jobs", "1", "-d", str(images or self.images), str(folder)])

    def folders(self):
        """The kinds. Not packages: clamd does not open them, part_archives compares with what unpacks them."""
        kinds = {p.name: p for p in self.corpus.iterdir() if p.is_dir() and p.name != "deb"}
        kinds["pe"] = kinds.get("pe") or windows_programs(self.args.work)
        if kinds["pe"] is None:
            print("no Windows programs: apt cannot fetch packages here")
        return [kinds[name] for name in sorted(kinds) if kinds[name]]


def part_compile(run):
    args, table = run.args, run.table
    sample = args.work / "sample.txt"
    sample.write_text("a small harmless file\n" * 40)
    clam_one, run.clam_rss = peak_rss(["clamscan", "--no-summary", "-d", str(run.definitions), str(sample)])
    compile_all = [run.program, "defs", "compile", str(run.definitions), "--quiet", "-o"]
    table.title("definitions: compile")
    shutil.rmtree(run.images, ignore_errors=True)
    seconds, mib = peak_of_all([*compile_all, str(run.images)])
    table.add("compile the full-size set / clamscan's start", seconds, clam_one, "s", times=2)
    table.add("its peak memory, all processes", mib, None, "MiB", most=400)
    again = args.work / "images-again"
    shutil.rmtree(again, ignore_errors=True)
    alone, mib = peak_of_all([*compile_all, str(again), "--jobs", "1"])
    table.add("the same with one process / clamscan's start", alone, clam_one, "s")
    table.add("its peak memory", mib, None, "MiB", most=400)
    same = {p.name: p.read_bytes() for p in run.images.iterdir()} == {p.name: p.read_bytes() for p in again.iterdir()}
    table.add("compiled twice: the same bytes (1: yes)", int(same), None, "", least=1)
    sources = sorted(run.definitions.iterdir())
    changed = min((p for p in sources if p.name.startswith("daily.")), key=lambda p: p.stat().st_size, default=None)
    if changed:
        update = args.work / changed.name
        update.write_bytes(changed.read_bytes().split(b"\n", 1)[1])
        sources[sources.index(changed)] = update
        began = time.monotonic()
        out = timed([run.program, "defs", "compile", *map(str, sources), "--json", "-o", str(again)], ok=(0,))[1].stdout
        table.add(f"one line of daily changed: {json.loads(out)['segments']} segment compiled", time.monotonic() - began, None, "s")
    shutil.rmtree(again, ignore_errors=True)
    table.add("size of the images", sum(p.stat().st_size for p in run.images.iterdir()) / 1e6, None, "MB")
    ours = statistics.median(timed([run.program, "scan", "--quiet", "-d", str(run.images), str(sample)])[0] for _ in range(max(args.repeat, 9)))
    table.add("one small file, start to exit / clamscan", ours, clam_one, "s", times=300)
    opened = json.loads(timed([run.bench / "open_image", run.images], ok=(0,))[1].stdout)
    table.add("opening the images, cold", opened["cold_ms"], None, "ms", most=5)
    table.add("opening the images, warm", opened["warm_ms"], None, "ms", most=1)


# What issue 4 asks of each kind: times clamd's MB/s, times its files/s, MB/s.
GOALS = {"elf": (60, None, 600), "bin": (60, None, None), "pe": (60, None, 250), "text": (150, None, None), "inc": (150, None, None),
         "share": (None, 100, None), "gz": (None, 100, None)}


def packed_apart(run, where):
    """Rows of the packed files and of the others: a scan of the first is unpacking, of which the packed bytes are counted."""
    packed_files = [p for p in sorted(where.iterdir()) if p.suffix in (".gz", ".xz", ".bz2", ".zst")]
    others = [p for p in sorted(where.iterdir()) if p not in set(packed_files)]
    for name, paths in (("packed", packed_files), ("not packed", others)):
        if paths:
            size, part = sum(p.stat().st_size for p in paths) / 1e6, links(paths, run.args.work / f"{where.name}-part")
            run.table.add(f"  of these {len(paths)} {name}, {size:.1f} MB", size / run.ours(part), size / run.theirs(part)[0], "MB/s", "higher")


def part_kinds(run):
    args, table = run.args, run.table
    table.title("the whole scan, one process, against clamd (one connection)")
    clamd = run.peer().process.pid
    clamd_private, clamd_rss, _ = memory_of(clamd)
    seen = []
    for folder in run.folders():
        where, total, count = limited(folder, args.work, args.limit)
        if not count:
            continue
        ours = run.ours(where)
        seen.append(run.memory(where))
        theirs = run.theirs(where)[0]
        times, times_files, least = GOALS.get(folder.name, (None, None, None))
        run.rates[folder.name] = total / 1e6 / ours
        table.add(f"{folder.name}: {count} files, {total / 1e6:.1f} MB", total / 1e6 / ours, total / 1e6 / theirs, "MB/s", "higher", times, least)
        table.add(f"{folder.name}: files", count / ours, count / theirs, "files/s", "higher", times_files)
        if folder.name == "text":
            packed_apart(run, where)
    packages = run.corpus / "deb"
    if packages.is_dir():
        seen.append(run.memory(packages))
    worst_dirty, worst_rss, worst_image = (max(column) for column in zip(*seen))
    table.add("private memory of a scanning process, packages included", worst_dirty, clamd_private, "MiB", most=24)
    table.add("resident pages of the images", worst_image, None, "MiB", most=64)
    table.add("resident in all", worst_rss, max(clamd_rss, memory_of(clamd)[1]), "MiB")


def part_copies(run):
    """A clamd that has seen nothing yet for each kind: asked a second time it would know every file."""
    run.table.title("both remember what they found clean (the default of both), files seen once")
    for folder in run.folders():
        where, total, _ = limited(folder, run.args.work, run.args.limit)
        if not total:
            continue
        clamd = Clamd(run.definitions, run.args.work, cache=True)
        try:
            theirs = clamd.scan(where)[0]
        finally:
            clamd.stop()
        run.table.add(f"{folder.name}: {total / 1e6:.1f} MB", total / 1e6 / run.ours(where, more=()), total / 1e6 / theirs, "MB/s", "higher")


def archive_row(run, name, unpacked, paths, archive):
    """(packed MB, unpacked MB, seconds of ours, of the decompressor alone, of clamd's or None)."""
    args, table, (path, marked) = run.args, run.table, paths
    told = timed([run.program, "scan", "--jobs", "1", "-d", str(run.images), str(marked)])[1].stdout
    if b"eicar" not in told.lower():
        sys.exit(f"{marked}: its last member was not found\n{told.decode(errors='replace')}")
    ours = run.ours(path)
    alone = statistics.median(timed(["sh", "-c", archive.alone.format(out=path) + " > /dev/null"])[0] for _ in range(args.repeat))
    theirs, opens = None, b"eicar" in run.peer().scan(marked)[1].lower()
    if opens:
        theirs, _ = run.theirs(path)
    else:
        print(f"{archive.name}: clamd does not find the last member, so there is nothing to compare")
    table.add(name, unpacked / ours, theirs and unpacked / theirs, "MB/s", "higher")
    table.add(f"  {archive.alone.split()[0]} alone", unpacked / alone, theirs and unpacked / theirs, "MB/s", "higher")
    return path.stat().st_size / 1e6, unpacked, ours, alone, theirs


def part_archives(run):
    """Programs and text in each format. In a second copy EICAR is the last member: who does not find it did not read all of the first."""
    args, table = run.args, run.table
    table.title(f"archives of {args.archive:g} MB of each kind, unpacked MB/s (alone: the decompressor without a scan, the most that can be)")
    rows = {}
    for mix in MIXES:
        paths, unpacked = packed(run.corpus, args.work, mix, args.archive)
        for archive, pair in paths.items():
            rows.setdefault(archive, []).append(archive_row(run, f"{archive.name} of {mix}", unpacked / 1e6, pair, archive))
    for archive, both in rows.items():
        size, unpacked, ours, alone = (sum(row[i] for row in both) for i in range(4))
        theirs = None if any(row[4] is None for row in both) else sum(row[4] for row in both)
        table.add(f"{archive.name}: unpacked", unpacked / ours, theirs and unpacked / theirs, "MB/s", "higher", times=15 if theirs else None)
        table.add(f"{archive.name}: packed", size / ours, theirs and size / theirs, "MB/s", "higher")
        table.add(f"{archive.name}: {archive.alone.split()[0]} alone, part of our time", alone / ours * 100, None, "%")
    packages(run)


def packages(run):
    """Debian packages, which clamd hashes but does not open."""
    folder = run.corpus / "deb"
    if not folder.is_dir() or not shutil.which("ar"):
        return
    inside = run.args.work / "deb-data"
    inside.mkdir(exist_ok=True)
    for package in folder.glob("*.deb"):
        with open(inside / f"{package.name}.tar.xz", "wb") as out:
            subprocess.run(["ar", "p", package, "data.tar.xz"], stdout=out, stderr=subprocess.DEVNULL, check=False)
    alone = statistics.median(timed(["sh", "-c", f"xz -T1 -dc {inside}/*.xz > /dev/null"])[0] for _ in range(run.args.repeat))
    shutil.rmtree(inside)
    size, ours = sum(p.stat().st_size for p in folder.iterdir()) / 1e6, run.ours(folder)
    run.table.add("packages (deb): packed", size / ours, None, "MB/s")
    run.table.add("packages (deb): xz alone, part of our time", alone / ours * 100, None, "%")


def part_shapes(run):
    args, table = run.args, run.table
    table.title("many tiny files, one large one")
    tiny = args.work / "tiny"
    if not tiny.exists():
        tiny.mkdir()
        rnd = random.Random(7)
        for number in range(4000):
            (tiny / f"{number:05d}.conf").write_text(f"# number {number}\n" + "key = value\n" * rnd.randrange(1, 30))
    ours = run.ours(tiny)
    theirs = None
    if run.clamd:
        some = links(sorted(tiny.iterdir())[:400], args.work / "tiny-some")
        theirs = 400 / run.theirs(some)[0]
    table.add("4000 tiny files", 4000 / ours, theirs, "files/s", "higher", times=100 if theirs else None)
    huge = args.work / "huge"
    if not huge.exists():
        huge.mkdir()
        with open(huge / "huge.bin", "wb") as out:
            for path in sorted((run.corpus / "bin").iterdir()) * 4:
                if out.tell() + path.stat().st_size < 95 << 20:
                    out.write(path.read_bytes())
    size = sum(p.stat().st_size for p in huge.iterdir()) / 1e6
    table.add(f"one file of {size:.0f} MB", size / run.ours(huge), None, "MB/s")


def literals(definitions):
    """Plain hex runs of the logical signatures, as bytes, always the same."""
    found = set()
    for path in sorted(definitions.glob("*.ldb")):
        for line in path.read_text(errors="replace").splitlines():
            for sub in line.split(";")[3:]:
                found.update(run for run in re.findall(r"[0-9a-f]+", sub.split("::")[0]) if len(run) >= 12 and len(run) % 2 == 0)
    out = sorted(found)
    random.Random(3).shuffle(out)
    return [bytes.fromhex(text) for text in out]


def part_adversarial(run):
    args, table = run.args, run.table
    table.title("made against the filter: --allmatch, slowest against the median rate of the kinds")
    pieces = literals(run.definitions)
    rnd = random.Random(5)
    size = 8 << 20
    def fill(chunks):
        out = bytearray()
        while len(out) < size:
            for chunk in chunks:
                out += chunk
                if len(out) >= size:
                    break
        return bytes(out[:size])
    cases = {
        "zeros": bytes(size),
        "random bytes": rnd.randbytes(size),
        "whole literals of signatures": fill(pieces),
        "literals cut short (pass the filter, match nothing)": fill([p[:max(6, len(p) - 1)] for p in pieces]),
        "first eight bytes of literals": fill([p[:8] for p in pieces]),
        "the same as a program": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00" + fill([p[:8] for p in pieces])[20:],
        "the same as a Windows program": b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0\x4c\x01\0\0" + bytes(12) + b"\0\0\x02\x01" + fill([p[:8] for p in pieces])[88:],
    }
    median = statistics.median(rate for kind, rate in run.rates.items() if kind not in ("deb", "gz")) if run.rates else None
    for name, data in cases.items():
        folder = args.work / "adversarial"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "case.bin").write_bytes(data)
        ours = run.ours(folder, more=["--allmatch"])
        table.add(name, size / 1e6 / ours, None, "MB/s", least=median and median / 10)


def part_hostile(run):
    args, table = run.args, run.table
    table.title("made against the readers of formats, 4 MB each (what a limit cuts short counts whole, for both)")
    folder = args.work / "hostile"
    for name, (file, data) in hostile.cases(4 << 20).items():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / file).write_bytes(data)
        mb = len(data) / 1e6
        table.add(name, mb / run.ours(folder), mb / run.theirs(folder)[0], "MB/s", "higher")


def part_growth(run):
    args, table = run.args, run.table
    generator = SHARED / "tools/fullset"
    if not generator.exists():
        return
    small, large = (1.0, 10.0) if args.ten else (0.1, 1.0)
    table.title(f"ten times the signatures: from {small:g} to {large:g} of the full set")
    images = {}
    for share in (small, large):
        if share == (args.share if args.definitions is None else 1.0):
            images[share] = run.images
            continue
        source, images[share] = args.work / f"full-{share}", args.work / f"images-{share}"
        if not source.exists():
            timed([sys.executable, generator, source, str(share)], ok=(0,))
        manifest = images[share] / "manifest"
        before = manifest.read_bytes() if manifest.exists() else None
        seconds, mib = peak_of_all([run.program, "defs", "compile", str(source), "--quiet", "-o", str(images[share])])
        if manifest.read_bytes() != before:  # else it was there
            table.add(f"compile {share:g} times the full set", seconds, None, "s")
            table.add("its peak memory, all processes", mib, None, "MiB")
    for kind in ("elf", "bin", "inc"):
        folder = run.corpus / kind
        if not folder.exists():
            continue
        before, after = run.ours(folder, images[small]), run.ours(folder, images[large])
        table.add(f"{kind}: time with ten times the signatures", after / before, None, "x", most=1.5)
    dirty = [run.memory(run.corpus / "elf", images[s])[0] for s in (small, large)]
    table.add("private memory, ten times the signatures", dirty[1] / dirty[0], None, "x", most=1.2)


def part_jobs(run):
    table = run.table
    table.title("jobs")
    folder = run.corpus / "elf"
    one = run.ours(folder)
    many = range(2, (os.cpu_count() or 1) + 1)
    for jobs in many:
        table.add(f"elf with {jobs} jobs against one", one / run.ours(folder, jobs=jobs), None, "x")
    for mix in MIXES:
        for archive, pair in packed(run.corpus, run.args.work, mix, run.args.archive)[0].items():
            if archive.name == "zip":
                one = run.ours(pair[0])
                for jobs in many:
                    table.add(f"one zip of {mix} with {jobs} jobs against one", one / run.ours(pair[0], jobs=jobs), None, "x")


def part_stages(run):
    table = run.table
    table.title("stages alone, ns per byte (limit: what the machine can do)")
    folders = [str(run.corpus / kind) for kind in ("elf", "inc") if (run.corpus / kind).exists()]
    for line in timed([run.bench / "stages", run.images, *folders], ok=(0,))[1].stdout.splitlines():
        row = json.loads(line)
        table.add(f"{row['kind']}: {row['what']}", row["ns"], None, "ns/B")
        if row["what"].startswith("memory read") and row["kind"] in run.rates:
            table.add(f"{row['kind']}: whole scan, part of the memory read limit", run.rates[row["kind"]] / 1e3 * row["ns"] * 100, None, "%")


def part_yara(run):
    if shutil.which("yara") is None or shutil.which("yarac") is None:
        print("-- yara is not installed: left out")
        return
    args, table = run.args, run.table
    table.title("yara, as far as it compares: plain strings of the signatures as rules, 40 MB of programs")
    rules, compiled = args.work / "rules.yar", args.work / "rules.yac"
    strings = [p for p in literals(run.definitions) if len(p) >= 8][:20000]
    rules.write_text("".join(f"rule r{n} {{ strings: $a = {{ {p[:64].hex()} }} condition: $a }}\n" for n, p in enumerate(strings)))
    timed(["yarac", "-w", rules, compiled], ok=(0,))
    where, total, _ = limited(run.corpus / "bin", args.work, 40)
    empty = args.work / "sample.txt"
    empty.write_text("x\n")
    start = timed(["yara", "-w", "-C", compiled, empty])[0]
    theirs = max(timed(["yara", "-w", "-p", "1", "-r", "-C", compiled, where])[0] - start, 1e-3)
    table.add(f"bin: yara with {len(strings)} of our strings", total / 1e6 / run.ours(where), total / 1e6 / theirs, "MB/s", "higher")


PARTS = {"compile": part_compile, "kinds": part_kinds, "copies": part_copies, "archives": part_archives, "shapes": part_shapes,
         "adversarial": part_adversarial, "hostile": part_hostile, "growth": part_growth, "jobs": part_jobs, "stages": part_stages, "yara": part_yara}


def main():
    if any(shutil.which(tool) is None for tool in ("clamscan", "clamd", "clamdscan")):
        sys.exit("bench: clamav, clamav-daemon and clamdscan must be installed (make bench does it)")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--definitions", type=pathlib.Path)
    parser.add_argument("--corpus", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "sekisho-bench")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--limit", type=float, default=0)
    parser.add_argument("--archive", type=float, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peer-repeat", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--ten", action="store_true")
    parser.add_argument("--only", default=",".join(PARTS))
    args = parser.parse_args()
    definitions, corpus = prepare(args)
    table = Table()
    run = Run(args, definitions, corpus, table)
    print(f"{'':<50} {'sekisho':>10} {'other':>10}")
    wanted = args.only.split(",")
    if "compile" not in wanted and not run.images.exists():
        wanted.insert(0, "compile")
    try:
        for name, part in PARTS.items():
            if name in wanted:
                part(run)
    finally:
        if run.clamd:
            run.clamd.stop()
    if args.json:
        args.json.write_text(json.dumps(table.rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
