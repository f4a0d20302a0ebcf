#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure Sekisho and ClamAV in one run and print the ratios. Called by `make bench`.

usage: bench/run.py --build DIR [--definitions DIR] [--corpus DIR] [--share S] [--limit MB] [--work DIR] [--repeat N] [--json FILE]

Definitions: the full-size set of ../shared/tools/fullset (or --definitions; without both, the bundled set: then the figures
say little). Corpus: ../shared/tools/corpus (or --corpus; without both, files of this machine). Both are made once in --work and
used again. One core each: one worker of ours, one connection to clamd. Every time is the median of --repeat runs, except clamd's
(one run per kind: it is slow). --limit caps the megabytes per kind. What is compared: wall-clock of the whole command over the same files.
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
SHARED = TOP.parent / "shared"


def timed(command, ok=(0, 1, 2), **kw):
    began = time.monotonic()
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
    took = time.monotonic() - began
    if run.returncode not in ok:
        sys.exit(f"{' '.join(map(str, command))}: exit {run.returncode}\n{run.stderr.decode(errors='replace')[-1000:]}")
    return took, run


def peak_rss(command):
    """Seconds and largest resident set (MiB) of a command and its children."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 2):
        sys.exit(f"{' '.join(map(str, command))} failed: {child.stderr.read().decode()[-1000:]}")
    return time.monotonic() - began, usage.ru_maxrss / 1024


def memory_of(pid):
    """(private MiB, resident MiB) from smaps_rollup."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    get = lambda key: sum(int(n) for n in re.findall(rf"^{key}:\s+(\d+) kB", text, re.M)) / 1024
    return get("Private_Clean") + get("Private_Dirty"), get("Rss"), get("Private_Dirty")


def children(pid):
    try:
        return [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def scan_memory(command):
    """Largest (private dirty, resident) MiB seen in any scanning child while the command runs."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    dirty = resident = 0.0
    while child.poll() is None:
        for pid in children(child.pid):
            try:
                _, rss, private = memory_of(pid)
                dirty, resident = max(dirty, private), max(resident, rss)
            except OSError:
                pass
        time.sleep(0.02)
    return dirty, resident


class Clamd:
    def __init__(self, definitions, work):
        self.socket = work / "clamd.sock"
        self.conf = work / "clamd.conf"
        self.conf.write_text(f"LocalSocket {self.socket}\nDatabaseDirectory {definitions}\nForeground yes\nMaxThreads 2\n"
                             f"PidFile {work}/clamd.pid\nTemporaryDirectory {work}\nLogFile {work}/clamd.log\n"
                             f"OfficialDatabaseOnly no\nConcurrentDatabaseReload no\n")
        began = time.monotonic()
        self.process = subprocess.Popen(["clamd", "-F", "-c", str(self.conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() - began > 300:
                sys.exit(f"clamd did not start; see {work}/clamd.log")
            time.sleep(0.1)
        self.load_s = time.monotonic() - began

    def scan(self, folder):
        return timed(["clamdscan", "--fdpass", "--no-summary", "--infected", f"--config-file={self.conf}", str(folder)])[0]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


def limited(folder, work, limit):
    """A folder with at most `limit` MB of links to the files of `folder`, always the same ones."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    random.Random(1).shuffle(files)
    out = work / "limited" / folder.name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    total = count = 0
    for path in files:
        if limit and total >= limit * 1e6:
            break
        os.link(path, out / path.name)
        total += path.stat().st_size
        count += 1
    return out, total, count


def own_corpus(target):
    for kind, source, megabytes in (("bin", "/usr/bin", 40), ("text", "/usr/share/doc", 10), ("inc", "/usr/include", 10)):
        (target / kind).mkdir(parents=True, exist_ok=True)
        total = 0
        for number, path in enumerate(sorted(p for p in pathlib.Path(source).rglob("*") if p.is_file() and not p.is_symlink())):
            if total > megabytes * 1e6:
                break
            shutil.copyfile(path, target / kind / f"{number:05d}_{path.name}")
            total += path.stat().st_size


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


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, ours, theirs, unit, better="lower"):
        ratio = None
        if theirs:
            ratio = theirs / ours if better == "lower" else ours / theirs
        self.rows.append({"what": what, "sekisho": ours, "clamav": theirs, "unit": unit, "times_better": ratio})
        other = "-" if theirs is None else f"{theirs:.4g}"
        print(f"{what:<44} {ours:>10.4g} {other:>10} {unit:<8} {'' if ratio is None else f'{ratio:8.1f} x'}", flush=True)


def compile_part(args, program, definitions, images, table, clam_load):
    shutil.rmtree(images, ignore_errors=True)
    seconds, mib = peak_rss([program, "defs", "compile", str(definitions), "-o", str(images), "--quiet"])
    table.add("compile all definitions / clamscan start", seconds, clam_load, "s")
    table.add("compile: peak memory", mib, None, "MiB")
    size = sum(p.stat().st_size for p in images.iterdir()) / 1e6
    table.add("size of the images", size, None, "MB")


def main():
    if any(shutil.which(tool) is None for tool in ("clamscan", "clamd", "clamdscan")):
        sys.exit("bench: clamav, clamav-daemon and clamdscan must be installed (make bench does it)")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--definitions", type=pathlib.Path)
    parser.add_argument("--corpus", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "sekisho-bench")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--limit", type=float, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    program = str((args.build / "src/cli/sekisho").resolve())
    definitions, corpus = prepare(args)
    images = args.work / "images"
    table = Table()
    print(f"{'':<44} {'sekisho':>10} {'clamav':>10}")
    sample = args.work / "sample.txt"
    sample.write_text("a small harmless file\n" * 40)
    clam_one, clam_rss = peak_rss(["clamscan", "--no-summary", "-d", str(definitions), str(sample)])
    compile_part(args, program, definitions, images, table, clam_one)
    ours = statistics.median(timed([program, "scan", "--quiet", "-d", str(images), str(sample)])[0] for _ in range(max(args.repeat, 9)))
    table.add("one small file, start to exit", ours, clam_one, "s")
    clamd = Clamd(definitions, args.work)
    try:
        clamd_private, clamd_rss, _ = memory_of(clamd.process.pid)
        table.add("start of the resident scanner", ours, clamd.load_s, "s")
        worst_dirty = worst_rss = 0.0
        for folder in sorted(p for p in corpus.iterdir() if p.is_dir()):
            where, total, count = limited(folder, args.work, args.limit)
            if not count:
                continue
            command = [program, "scan", "--quiet", "--jobs", "1", "-d", str(images), str(where)]
            timed(command)  # warm the page cache
            ours = statistics.median(timed(command)[0] for _ in range(args.repeat))
            dirty, rss = scan_memory(command)
            worst_dirty, worst_rss = max(worst_dirty, dirty), max(worst_rss, rss)
            theirs = clamd.scan(where)
            table.add(f"{folder.name}: {count} files, {total / 1e6:.1f} MB", total / 1e6 / ours, total / 1e6 / theirs, "MB/s", "higher")
            table.add(f"{folder.name}: files", count / ours, count / theirs, "files/s", "higher")
        table.add("private memory of a scanning process", worst_dirty, clamd_private, "MiB")
        table.add("resident, image pages included", worst_rss, max(clamd_rss, memory_of(clamd.process.pid)[1]), "MiB")
    finally:
        clamd.stop()
    table.add("clamscan: peak memory", worst_rss, clam_rss, "MiB")
    if args.json:
        args.json.write_text(json.dumps(table.rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
