#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A constructed file for every real signature that bytes can satisfy; clamscan and we must name it alike.

usage: construct_all.py --sekisho PROGRAM [--all | --share PERCENT] [--whole] [--resume FILE] [--part K/N] [--target N] [--seed N]
                        [--batch N] [--list FILE] [--keep DIR]

The signatures are those of the shared main.ldb and daily.ndb. Without --all a random share of them is taken (2 %, chosen by the
printed seed), which is what the ordinary test run does; --target takes only those of one target. Every file is scanned in
all-match mode, ours always with the whole of both databases. clamscan needs 40 ms a file with them, as it goes over every
logical signature of a target for every file; with --all it therefore gets, for each batch of files, the signatures they were
made for, everything that we name on them, and every signature whose rarest subsignature is planted in one of them. So all
that we say is put to clamscan, and what we miss can only be a signature that shares nothing rare with the file; --whole
(and a share) gives clamscan everything. --resume FILE keeps the finished batches and goes on behind them; runs side by side
take every N-th batch each (--part K/N) and share one such FILE, from which a last run without --part makes the sum.
Prints how many signatures were constructed, for how many of these clamscan names the signature itself, and every difference
that docs/differences-from-clamav.md does not explain (rows whose pattern starts with `all.`). Exit 0 when equal, 1 when not,
77 when something needed is missing.
"""
import argparse
import collections
import fnmatch
import json
import pathlib
import random
import re
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import diff_clamscan as diff  # noqa: E402  (puts tests/lib on the path, too)
import hosts  # noqa: E402
import icon_cases  # noqa: E402
import sigs  # noqa: E402
import wraps  # noqa: E402

LOWEST_SHARE = 0.95  # of the constructed files clamscan must name after the signature they were made for


NOTHING = {"ldb": f"None;Engine:51-255,Target:0;0;{'5a' * 40}\n", "ndb": f"None:0:*:{'5a' * 40}\n"}  # clamscan refuses an empty file
COMMON = 400  # a subsignature that more signatures than this have says nothing about kinship


class Tally:
    """What the batches gave, as plain values: a batch is kept as one line of JSON."""

    def __init__(self):
        self.taken, self.made, self.cannot = collections.Counter(), collections.Counter(), collections.Counter()
        self.equal = self.named = self.explained = 0
        self.wrong, self.unnamed = [], []

    def add(self, other):
        for field, value in other.items():
            mine = getattr(self, field)
            if isinstance(mine, collections.Counter):
                mine.update(value)
            else:
                setattr(self, field, mine + value)


class Library:
    """The real signatures by number, and which of them may answer a file made for some of them."""

    def __init__(self):
        self.lines = list(diff.real_signatures())
        self.by_name = collections.defaultdict(list)
        self.subs, count = [], collections.Counter()
        for number, (kind, line) in enumerate(self.lines):
            fields = line.split(";" if kind == "ldb" else ":")
            self.by_name[fields[0]].append(number)
            self.subs.append({sub.lower() for sub in fields[3:]} if kind == "ldb" else set())
            count.update(self.subs[-1])
        self.kin = collections.defaultdict(list)
        for number, subs in enumerate(self.subs):
            rarest = min(subs, key=lambda sub: (count[sub], sub), default=None)
            conjunction = self.lines[number][0] == "ndb" or not re.search(r"[|=<>]", self.lines[number][1].split(";")[2])
            for sub in ([rarest] if conjunction else [s for s in subs if count[s] <= COMMON]):
                self.kin[sub].append(number)

    def related(self, numbers, names):
        chosen = {n for n, (kind, _) in enumerate(self.lines) if kind == "ndb"} | set(numbers)
        for number in numbers:
            for sub in self.subs[number]:
                chosen.update(self.kin.get(sub, ()))
        for name in names:
            chosen.update(self.by_name[name])
        return sorted(chosen)

    def write(self, numbers, folder):
        for kind, name in (("ldb", "main.ldb"), ("ndb", "daily.ndb")):
            text = "".join(self.lines[n][1] + "\n" for n in numbers if self.lines[n][0] == kind)
            (folder / name).write_text(text or NOTHING[kind])


def write_icons(library, folder):
    """Lines that put the icon of our hosts into every group that a signature names."""
    groups = [sorted(set(re.findall(r"\b%s:([^,;]+)" % key, "".join(line + "\n" for kind, line in library.lines if kind == "ldb")))) for key in ("IconGroup1", "IconGroup2")]
    hash_ = icon_cases.fixed()[1]
    lines = ["Icon.%d:%s:-:%s" % (i, name, hash_) for i, name in enumerate(groups[0])]
    lines += ["Icon.%d:-:%s:%s" % (i + 1000, name, hash_) for i, name in enumerate(groups[1])]
    (folder / "icons.idb").write_text("".join(line + "\n" for line in lines))


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


def make_files(args, library, numbers, tally, folder):
    """{case: name of the signature it was made for}"""
    wanted = {}
    for number in numbers:
        kind, line = library.lines[number]
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
        case += f".{number}" if case in wanted else ""
        (folder / case).write_bytes(data)
        wanted[case] = signature.name
    return wanted


def run_batch(args, library, numbers, work, rows):
    tally, files, some = Tally(), work / "files", work / "some"
    wanted = make_files(args, library, numbers, tally, files)
    if wanted:
        ours = diff.run_scan(args.sekisho, work / "compiled", files, "--jobs=1")
        if args.all and not args.whole:
            names = {name.removesuffix(".UNOFFICIAL") for found in ours.values() for name in found}
            library.write(library.related(numbers, names), some)
        theirs = diff.run_clamscan(some if args.all and not args.whole else work / "defs", files)
        compare(tally, wanted, theirs, ours, rows)
    if not args.keep:
        for case in wanted:
            (files / case).unlink()
    return vars(tally)


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


def finished(args, plan):
    """Batches that an earlier run of the same plan has finished: {number of the batch: its tally}."""
    if not args.resume or not pathlib.Path(args.resume).exists():
        return {}
    records = [json.loads(line) for line in pathlib.Path(args.resume).read_text().splitlines()]
    if any(record["plan"] != plan for record in records):
        sys.exit(f"{args.resume} belongs to another run: {records[0]['plan']}, not {plan}")
    return {record["batch"]: record["tally"] for record in records}


def run(args, work):
    library, tally, rnd = Library(), Tally(), random.Random(args.seed)
    rows = [pattern for pattern, _ in diff.explained_rows() if pattern.startswith("all.")]
    chosen = [n for n in range(len(library.lines)) if args.all or rnd.random() * 100 < args.share]
    plan = [args.seed, args.batch, args.target, args.all or args.share, args.whole, len(library.lines)]
    done = finished(args, plan)
    for folder in ("defs", "files", "compiled", "some"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    diff.write_definitions(work / "defs")
    write_icons(library, work / "defs")
    write_icons(library, work / "some")
    diff.compile_definitions(args.sekisho, work / "defs", work / "compiled")
    mine, parts = (int(n) for n in args.part.split("/"))
    for batch, start in enumerate(range(0, len(chosen), args.batch)):
        result = done.get(batch)
        if batch % parts != mine % parts:
            continue
        if result is None:
            result = run_batch(args, library, chosen[start:start + args.batch], work, rows)
            if args.resume:
                with open(args.resume, "a", encoding="utf-8") as keep:
                    keep.write(json.dumps({"plan": plan, "batch": batch, "tally": result}) + "\n")
        tally.add(result)
    return report(tally, args)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--resume")
    parser.add_argument("--target", type=int)
    parser.add_argument("--share", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--list")
    parser.add_argument("--keep")
    args = parser.parse_args()
    if shutil.which("clamscan") is None:
        diff.skip("clamscan is not installed")
    if not diff.SHARED.is_dir():
        diff.skip("shared real signatures are not here")
    print(f"seed {args.seed}", flush=True)
    work = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="sekisho-all-"))
    try:
        return run(args, work)
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
