#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program file that is cut short while the scanning process has it mapped: the process lives on, the report is not clean.

The scanning process is stopped as soon as the file stands in its list of mappings, the file is cut, the process goes on; what it
looks at then is gone. usage: test_cut_short.py SEKISHO      The list is readable to root only; for others it is skipped.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cli
import mkelf

SEKISHO = pathlib.Path(sys.argv[1]).resolve()
MIB = 1 << 20
ROUNDS, HITS = 200, 5


def mapping_child(run, path):
    """The child that has the file mapped, stopped; None: the scan was over before that was seen."""
    children = pathlib.Path(f"/proc/{run.pid}/task/{run.pid}/children")
    name = str(path).encode()
    while run.poll() is None:
        try:
            for pid in children.read_text().split():
                maps = pathlib.Path(f"/proc/{pid}/maps")
                if name in maps.read_bytes():
                    os.kill(int(pid), signal.SIGSTOP)
                    if name in maps.read_bytes():
                        return int(pid)
                    os.kill(int(pid), signal.SIGCONT)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return None


def once(scratch, data):
    """True: it was cut while it was mapped."""
    path = scratch.path("program", data)
    run = subprocess.Popen([SEKISHO, "scan", "--json", "--jobs", "1", "-d", scratch.set, path, scratch.files / "bad.bin"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "SEKISHO_OBJECTS": "map"})
    child = mapping_child(run, path)
    if child is not None:
        os.truncate(path, 5000)
        os.kill(child, signal.SIGCONT)
    out, err = run.communicate(timeout=60)
    rows = [json.loads(line) for line in out.splitlines()]
    one = next(r for r in rows if r.get("path") == str(path))
    other = next(r for r in rows if r.get("path", "").endswith("bad.bin"))
    assert other["verdict"] == "infected", other
    if child is None:
        return False
    notes = {n["note"] for n in one["notes"]}
    assert one["verdict"] == "incomplete", one
    assert "worker-died" not in notes, one
    assert notes & {"read-error", "changed"}, one
    assert run.returncode == 1, (run.returncode, err)
    return True


def main():
    if os.geteuid() != 0:
        print("skipped: only root sees what a process in the sandbox has mapped")
        sys.exit(77)
    head = mkelf.ELF().bytes()
    data = head + bytes(range(256)) * (40 * MIB // 256)
    with cli.Scratch(SEKISHO) as s:
        hits = rounds = 0
        while hits < HITS and rounds < ROUNDS:
            hits += once(s, data)
            rounds += 1
        print(f"cut while mapped {hits} times in {rounds} scans")
        assert hits == HITS, "the scan was over before it could be stopped"


main()
