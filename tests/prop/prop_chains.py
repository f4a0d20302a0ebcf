#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random chains of parts on dense input, and how often they count, against a reference and, where it is installed, clamscan.

usage: prop_chains.py PROGRAM [--rounds N] [--seconds S] [--seed N] [--keep FOLDER]

Bodies of two to four short parts with gaps of every kind between them, on files that are little else than those parts: dozens of
chains at once, far more hits of a part than the eight a ring would hold. Each body stands in signatures that ask for its count with
= > and <. clamscan 1.4.6 remembers the first and the last seven hits of a part, so it counts fewer where a gap reaches back over many;
it may never count more. The reference: a hit is a place of the last part that some chain reaches; a gap goes from the end of a part to the start of
the next.
"""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import props  # noqa: E402

BODIES, FILES = 25, 40
PARTS = (b"AxxA", b"ByyB", b"CzC", b"DwwwD")
COUNTS = ("", "=1", "=3", ">2", ">7", ">8", ">9", "<2", "=0", ">20")
HEAD = bytes([1, 2, 0, 0, 0, 0xff, 0, 0]) * 4  # no text in any encoding: a normalised copy would be a layer of its own


def random_gap(rnd):
    low = rnd.choice((0, 0, 1, 3, 8, 20, 60))
    high = low + rnd.choice((1, 2, 6, 15, 40, 200))
    return rnd.choice((("*", 0, None), ("{%d-%d}" % (low, high), low, high), ("{-%d}" % high, 0, high), ("{%d-}" % low, low, None)))


def random_body(rnd):
    parts = [rnd.choice(PARTS) for _ in range(rnd.randint(2, 4))]
    gaps = [random_gap(rnd) for _ in parts[1:]]
    return parts[0].hex() + "".join(g[0] + p.hex() for g, p in zip(gaps, parts[1:])), parts, gaps


def places(data, part):
    return [i for i in range(len(data) - len(part) + 1) if data.startswith(part, i)]


def count(data, parts, gaps):
    reached = places(data, parts[0])
    for before, part, (_, low, high) in zip(parts, parts[1:], gaps):
        ends = [at + len(before) for at in reached]
        reached = [at for at in places(data, part) if any(at - end >= low and (high is None or at - end <= high) for end in ends)]
    return len(reached)


def holds(compare, n):
    value = int(compare[1:] or 0)
    return n > 0 if not compare else {"=": n == value, ">": n > value, "<": n < value}[compare[0]]


def one_round(args):
    def go(work, seed, report):
        rnd = random.Random(seed)
        bodies = [random_body(rnd) for _ in range(BODIES)]
        lines = {f"P{i}_{k}": f"P{i}_{k};Engine:81-255,Target:0;0{compare};{text}"
                 for i, (text, _, _) in enumerate(bodies) for k, compare in enumerate(COUNTS)}
        (work / "defs/chains.ldb").write_text("".join(line + "\n" for line in lines.values()))
        expected, files = props.collections.defaultdict(set), {}
        for n in range(FILES):
            weights = [rnd.randint(1, 9) for _ in range(6)]
            data = HEAD + b"".join(rnd.choices(PARTS + (b".", b"....."), weights=weights, k=rnd.randint(4, 120))) + HEAD
            files[f"f{n}"] = data
            (work / "files" / f"f{n}").write_bytes(data)
            for i, (_, parts, gaps) in enumerate(bodies):
                hits = count(data, parts, gaps)
                expected[f"f{n}"] |= {f"P{i}_{k}" for k, compare in enumerate(COUNTS) if holds(compare, hits)}
            report.cases += len(lines)
            report.hits += len(expected[f"f{n}"])

        def what(file, name):
            return f"{lines[name]} in {files[file]!r}"
        report.compare("sekisho", expected, props.run_sekisho(args.sekisho, work), what)
        if props.have_clamscan():
            got = props.run_clamscan(work)
            at_least = {k for k, compare in enumerate(COUNTS) if not compare or compare[0] == ">"}
            fewer = 0
            for name in files:
                got[name] = {n for n in got[name] if int(n.split("_")[1]) in at_least}
                wanted = {n for n in expected[name] if int(n.split("_")[1]) in at_least}
                fewer += len(wanted - got[name])
                expected[name] = wanted & got[name]
            report.compare("clamscan", expected, got, what)
            if fewer * 50 > report.hits:  # 2 %: more would be another rule than the one that is known
                report.wrong += 1
                print(f"clamscan counts fewer hits than the reference in {fewer} cases")
    return go


if __name__ == "__main__":
    sys.exit(props.main(__doc__, one_round, rounds=4))
