#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run everything that must hold: both compilers without warnings, all tests, sanitizers, arm64, lint. Called by `make check`.

Ends with the line "N passed, N failed" (", N skipped" where something the machine lacks was left out, named above it).
Each Meson test counts as one; so does each build without a warning, lint, and each manual page check.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
os.chdir(TOP)


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def say(self, ok, name, detail=""):
        if ok:
            self.passed += 1
        else:
            self.failed.append(name)
            print(f"FAILED: {name}\n{detail}", flush=True)


def run(command, **kw):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)


def build(tally, folder, setup, env=None):
    """Configure and build; a warning is a failure."""
    where = pathlib.Path(folder)
    if not (where / "build.ninja").exists():
        made = run(["meson", "setup", folder, "-Dtests=enabled", *setup], env={**os.environ, **(env or {})})
        if made.returncode != 0:
            tally.say(False, f"configure {folder}", made.stdout[-3000:])
            return False
    else:  # set up by `make run`, perhaps before the tests' library was installed
        run(["meson", "configure", folder, "-Dtests=enabled"])
    made = run(["ninja", "-C", folder])
    warned = [line for line in made.stdout.splitlines() if "warning:" in line]
    tally.say(made.returncode == 0 and not warned, f"build {folder}",
              "\n".join(warned[:20]) if made.returncode == 0 else made.stdout[-4000:])
    return made.returncode == 0


def tests(tally, folder, extra=(), command=None):
    """Run `command`, or all tests of the folder (extra: which), and count what Meson's log says."""
    began = time.monotonic()
    log = pathlib.Path(folder) / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    ran = run(command or ["meson", "test", "-C", folder, "--no-rebuild", "--timeout-multiplier", "4", *extra])
    if ran.returncode == 77 and command:
        tally.skipped.append(f"{folder}: {ran.stdout.strip().splitlines()[-1]}")
        return
    if not log.exists():
        tally.say(False, f"tests in {folder}", ran.stdout[-2000:])
        return
    count = 0
    for line in log.read_text().splitlines():
        result = json.loads(line)
        count += 1
        name = f"{folder}: {result['name']}"
        if result["result"] == "SKIP":
            why = (result.get("stdout") or "").strip().splitlines()
            tally.skipped.append(f"{name}: {why[-1] if why else 'skipped'}")
        else:
            ok = result["result"] in ("OK", "EXPECTEDFAIL")
            tally.say(ok, name, "" if ok else ((result.get("stdout") or "")[-3000:] + (result.get("stderr") or "")[-3000:]))
    print(f"{folder}: {count} tests in {time.monotonic() - began:.0f} s", flush=True)


def main():
    tally = Tally()
    lint = run([sys.executable, "tools/lint.py"])
    tally.say(lint.returncode == 0, "lint", lint.stdout)
    if build(tally, "build", []):
        tests(tally, "build")
    if build(tally, "build-clang", [], {"CC": "clang-14"}):
        tests(tally, "build-clang", ["--suite", "unit"])
    asan = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dhardening=false", "-Dbuildtype=debugoptimized"]
    if build(tally, "build-asan", asan, {"CC": "clang-14"}):
        tests(tally, "build-asan", ["--suite", "unit", "--suite", "fuzz-seeds", "--suite", "golden"])
    tests(tally, "build-arm64", command=["tools/arm64.sh"])  # builds it, and runs the unit tests by qemu
    for page in sorted(pathlib.Path("docs/man").glob("*.[1-8]")) if pathlib.Path("docs/man").exists() else []:
        made = run(["mandoc", "-T", "lint", "-W", "error", str(page)])
        tally.say(made.returncode == 0, f"manual page {page.name}", made.stdout)
    for line in tally.skipped:
        print(f"skipped: {line}")
    tail = f", {len(tally.skipped)} skipped" if tally.skipped else ""
    print(f"{tally.passed} passed, {len(tally.failed)} failed{tail}")
    return 1 if tally.failed or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
