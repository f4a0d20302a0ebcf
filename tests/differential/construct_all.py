#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A constructed file for every real signature that bytes can satisfy; clamscan and we must name it alike.

usage: construct_all.py --sekisho PROGRAM [--all | --share PERCENT | --part K/N] [--target N] [--seed N] [--batch N] [--list FILE] [--keep DIR]

The signatures are those of the shared main.ldb and daily.ndb. Without --all a random share of them is taken (2 %, chosen by the
printed seed), which is what the ordinary test run does; --target takes only those of one target, --part takes every N-th, so that N runs side by side take all. Every file is scanned with the whole of both databases in all-match mode,
so that a signature that answers a file made for another one is noticed, too. Prints how many signatures were constructed, for
how many of these clamscan names the signature itself, and every difference that docs/differences-from-clamav.md does not explain
(rows whose pattern starts with `all.`). Exit 0 when equal, 1 when not, 77 when something needed is missing.
"""
import argparse
import collections
import fnmatch
import pathlib
import random
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import diff_clamscan as diff  # noqa: E402  (puts tests/lib on the path, too)
import hosts  # noqa: E402
import sigs  # noqa: E402
import wraps  # noqa: E402

LOWEST_SHARE = 0.95  # of the constructed files clamscan must name after the signature they were made for


class Tally:
    def __init__(self):
        self.taken, self.made = collections.Counter(), collections.Counter()
        self.cannot = collections.Counter()
        self.equal = self.named = self.explained = 0
        self.wrong, self.unnamed = [], []


def construct(kind, line):
    """(name, bytes); raises sigs.Cannot. Alternatives of a body are chosen anew when places contradict each other."""
    signature = sigs.parse_line(kind, line)
    for attempt in range(4):
        try:
            data = hosts.build(signature, sigs.plan(signature, random.Random(f"{signature.name}.{attempt}")))
            break
        except sigs.Cannot as why:
            if attempt == 3 or "contradict" not in str(why):
                raise
    container = hosts.container_of(signature)
    if container and container != "CL_TYPE_ANY":
        data = wraps.for_type(container, data)
        if data is None:
            raise sigs.Cannot(f"container {container}")
    return signature, data


def compare(tally, wanted, theirs, ours, rows):
    for case, name in wanted.items():
        if name in {found.removesuffix(".UNOFFICIAL") for found in theirs[case]}:
            tally.named += 1
        else:
            tally.unnamed.append(case)
        if theirs[case] == ours[case]:
            tally.equal += 1
        elif any(fnmatch.fnmatchcase(case, pattern) for pattern in rows):
            tally.explained += 1
        else:
            tally.wrong.append(f"DIFFERENT {case}: clamscan {sorted(theirs[case] - ours[case])} only, sekisho "
                               f"{sorted(ours[case] - theirs[case])} only")
            print(tally.wrong[-1], flush=True)


def scan_batch(args, work, tally, wanted, rows):
    if not wanted:
        return
    theirs = diff.run_clamscan(work / "defs", work / "files")
    ours = diff.run_scan(args.sekisho, work / "compiled", work / "files")
    compare(tally, wanted, theirs, ours, rows)
    if not args.keep:
        for case in wanted:
            (work / "files" / case).unlink()
    wanted.clear()


def report(tally, args):
    for kind in tally.taken:
        print(f"{kind}: {tally.made[kind]} of {tally.taken[kind]} signatures constructed "
              f"({100 * tally.made[kind] / tally.taken[kind]:.1f} %)")
    for why, count in tally.cannot.most_common():
        print(f"not constructed: {count}: {why}")
    made = sum(tally.made.values())
    print(f"{tally.named} files have the signature's own name in clamscan; {tally.equal} equal, {tally.explained} explained, "
          f"{len(tally.wrong)} different")
    if args.list:
        pathlib.Path(args.list).write_text("".join(f"{line}\n" for line in tally.wrong + [f"UNNAMED {case}" for case in tally.unnamed]))
    if args.target is None and tally.named < LOWEST_SHARE * made:
        print("too few files have the name they were made for: the comparison says little")
        return 1
    return 1 if tally.wrong or not made else 0


def chosen(args, number, rnd):
    if args.part:
        mine, parts = (int(n) for n in args.part.split("/"))
        return number % parts == mine % parts
    return args.all or rnd.random() * 100 < args.share


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--part", default="")
    parser.add_argument("--target", type=int)
    parser.add_argument("--share", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--batch", type=int, default=4000)
    parser.add_argument("--list")
    parser.add_argument("--keep")
    args = parser.parse_args()
    if shutil.which("clamscan") is None:
        diff.skip("clamscan is not installed")
    if not diff.SHARED.is_dir():
        diff.skip("shared real signatures are not here")
    rnd = random.Random(args.seed)
    print(f"seed {args.seed}", flush=True)
    work = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="sekisho-all-"))
    rows = [pattern for pattern, _ in diff.explained_rows() if pattern.startswith("all.")]
    tally, wanted, seen = Tally(), {}, set()
    try:
        for folder in ("defs", "files", "compiled"):
            (work / folder).mkdir(parents=True, exist_ok=True)
        diff.write_definitions(work / "defs")
        diff.compile_definitions(args.sekisho, work / "defs", work / "compiled")
        for number, (kind, line) in enumerate(diff.real_signatures()):
            if not chosen(args, number, rnd):
                continue
            tally.taken[kind] += 1
            try:
                signature, data = construct(kind, line)
            except sigs.Cannot as why:
                tally.cannot[str(why)] += 1
                continue
            if args.target not in (None, signature.target):
                continue
            tally.made[kind] += 1
            case = f"all.{signature.target}.{signature.name}"
            if case in seen:
                case += f".{tally.taken[kind]}"
            seen.add(case)
            (work / "files" / case).write_bytes(data)
            wanted[case] = signature.name
            if len(wanted) >= args.batch:
                scan_batch(args, work, tally, wanted, rows)
        scan_batch(args, work, tally, wanted, rows)
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)
    return report(tally, args)


if __name__ == "__main__":
    sys.exit(main())
