# SPDX-License-Identifier: Apache-2.0
"""How bench/run.py measures: clocks, memory, the peer, the table."""
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

LONG_S = 45  # clamd's runs of what takes longer are not repeated


def timed(command, ok=(0, 1, 2), **kw):
    began = time.monotonic()
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
    took = time.monotonic() - began
    if run.returncode not in ok:
        sys.exit(f"{' '.join(map(str, command))}: exit {run.returncode}\n{run.stderr.decode(errors='replace')[-1000:]}")
    return took, run


def read_in(path):
    """Have the page cache hold path (a file or a folder) as a sequential reader leaves it, whoever read it before: how large the
    cache's pieces are depends on that, and copies out of small ones cost half as much again."""
    for file in (p for p in ([path] if path.is_file() else path.rglob("*")) if p.is_file() and not p.is_symlink()):
        with open(file, "rb", buffering=0) as f:
            os.fsync(f.fileno())
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while f.read(1 << 17):
                pass


def peak_rss(command):
    """Seconds and largest resident set (MiB) of a command and its children."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 2):
        sys.exit(f"{' '.join(map(str, command))} failed: {child.stderr.read().decode()[-1000:]}")
    return time.monotonic() - began, usage.ru_maxrss / 1024


def memory_of(pid):
    """(private MiB, resident MiB, of the private what was written) from smaps_rollup."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    get = lambda key: sum(int(n) for n in re.findall(rf"^{key}:\s+(\d+) kB", text, re.M)) / 1024
    return get("Private_Clean") + get("Private_Dirty"), get("Rss"), get("Private_Dirty")


def mapped_memory_of(pid):
    """(private dirty, resident, resident pages of definition images) in MiB, summed over the mappings."""
    dirty = resident = image = 0
    of_image = False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        key, *rest = line.split(maxsplit=1)
        if not key.endswith(":"):  # a mapping begins: addresses, then what is told of it
            of_image = line.endswith(".skdef")
        elif key == "Rss:":
            size = int(rest[0].split()[0])
            resident += size
            image += size * of_image
        elif key == "Private_Dirty:":
            dirty += int(rest[0].split()[0])
    return dirty / 1024, resident / 1024, image / 1024


def children(pid):
    try:
        return [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def tree(pid):
    pids = [pid]
    for p in pids:
        pids += children(p)
    return pids


def peak_of_all(command):
    """Seconds of the command, and the largest sum of MiB that it and its children had at one time (shared pages once)."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        total = 0
        for pid in tree(child.pid):
            try:
                total += int(re.search(r"^Pss: +(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
            except (OSError, TypeError):
                pass
        peak = max(peak, total)
        time.sleep(0.05)
    if child.returncode:
        sys.exit(f"{command[0]}: exit {child.returncode}")
    return time.monotonic() - began, peak / 1024


def scan_memory(command):
    """Largest (private dirty, resident, image pages among the resident) MiB seen in any scanning child while the command runs."""
    os.sync()  # or pages of files just made count as private dirty of who has the file mapped
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = (0.0, 0.0, 0.0)
    while child.poll() is None:
        for pid in children(child.pid):
            try:
                most = tuple(map(max, most, mapped_memory_of(pid)))
            except OSError:
                pass
        time.sleep(0.005)
    return most


class Clamd:
    """One clamd of its own, without a time limit. And without its cache, unless asked for: that would answer for files that an earlier run, or another archive, had."""

    def __init__(self, definitions, work, cache=False):
        work = work / "clamd-cache" if cache else work
        work.mkdir(exist_ok=True)
        self.socket = work / "clamd.sock"
        self.socket.unlink(missing_ok=True)  # of one that was killed
        self.conf = work / "clamd.conf"
        self.conf.write_text(f"LocalSocket {self.socket}\nDatabaseDirectory {definitions}\nForeground yes\nMaxThreads 2\n"
                             f"PidFile {work}/clamd.pid\nTemporaryDirectory {work}\nLogFile {work}/clamd.log\n"
                             f"OfficialDatabaseOnly no\nConcurrentDatabaseReload no\nDisableCache {'no' if cache else 'yes'}\nMaxScanTime 0\n")
        began = time.monotonic()
        self.process = subprocess.Popen(["clamd", "-F", "-c", str(self.conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() - began > 300:
                sys.exit(f"clamd did not start; see {work}/clamd.log")
            time.sleep(0.1)
        self.load_s = time.monotonic() - began

    def scan(self, path, repeat=1):
        """Seconds (median; once, when that takes longer than LONG_S) and what clamdscan printed."""
        command = ["clamdscan", "--fdpass", "--no-summary", "--infected", f"--config-file={self.conf}", str(path)]
        times, run = [], None
        while len(times) < repeat and (not times or times[0] < LONG_S):
            took, run = timed(command)
            times.append(took)
        return statistics.median(times), run.stdout

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, ours, theirs, unit, better="lower", times=None, least=None, most=None):
        """times: the ratio asked for. least, most: what our figure is asked to be."""
        ratio = None
        if theirs:
            ratio = theirs / ours if better == "lower" else ours / theirs
        goal, met = "", None
        for text, value, good in ((f">= {times:g} x" if times else "", times, ratio is not None and times is not None and ratio >= times),
                                  (f">= {least:g}" if least else "", least, least is not None and ours >= least),
                                  (f"<= {most:g}" if most else "", most, most is not None and ours <= most)):
            if value is not None:
                goal, met = f"{goal} {text}".strip(), good and met is not False
        self.rows.append({"what": what, "sekisho": ours, "other": theirs, "unit": unit, "times_better": ratio, "goal": goal, "met": met})
        other = "-" if theirs is None else f"{theirs:.4g}"
        mark = "" if met is None else f"{goal}: {'yes' if met else 'NO'}"
        print(f"{what:<50} {ours:>10.4g} {other:>10} {unit:<8} {'' if ratio is None else f'{ratio:8.1f} x':<12} {mark}", flush=True)

    def title(self, text):
        print(f"-- {text}", flush=True)
