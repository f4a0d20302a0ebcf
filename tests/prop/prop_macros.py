#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random macros (${min-max}group$) and their groups against a reference and, where it is installed, clamscan.

usage: prop_macros.py PROGRAM [--rounds N] [--seconds S] [--seed N] [--keep FOLDER]

One round: ndb lines of several groups, signatures with one macro or a chain of them behind a body, files that are little else than
those bodies. A macro counts the places of what stands before it that have a body of its group between min and max bytes behind
their start; behind another macro, what stands before it are the bodies that one found. clamscan 1.4.6 looks at a macro only when the
body before it comes once more, so it may find fewer (docs/differences-from-clamav.md), never more; it counts
otherwise, so signatures that ask how often are not compared, and those with an empty group are not put to it: it crashes on them.
"""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import props  # noqa: E402

SIGS, FILES, GROUPS = 60, 40, 4
EMPTY = 30  # a group without bodies
STARTS = (b"AxxA", b"ByyyB")
HEAD = bytes([1, 2, 0, 0, 0, 0xff, 0, 0]) * 4  # no text in any encoding: a normalised copy would be a layer of its own
COUNTS = ("", "", "", ">1", "=1", "=2", ">3", "<2", "=0")


def random_groups(rnd):
    """group -> bodies; one stands in two groups."""
    groups = {g: [b"m%dk%d" % (g, k) + bytes(rnd.choices(b"qwz", k=rnd.randrange(3))) + b"." for k in range(rnd.randint(1, 3))] for g in range(GROUPS)}
    groups[1].append(groups[0][0])
    return groups


def random_signature(rnd):
    """(start, [(min, max, group)], expression)"""
    chain = []
    for _ in range(rnd.choice((1, 1, 1, 2, 3))):
        low = rnd.choice((0, 0, 4, 5, 6, 9, 20))
        chain.append((low, max(0, low + rnd.choice((-1, 0, 1, 4, 12, 12, 60, 60))), rnd.choice((0, 1, 2, 3, EMPTY))))
    count = rnd.choice(COUNTS)
    return rnd.choice(STARTS), chain, "&".join(str(i) for i in range(len(chain))) + f"&{len(chain)}{count}", count


def places(data, body):
    return [i for i in range(len(data)) if data.startswith(body, i)]


def counts(data, start, chain, groups):
    """How often the body and each macro of the chain hit."""
    before = places(data, start)
    out = [len(before)]
    for low, high, group in chain:
        bodies = sorted({at for body in groups.get(group, ()) for at in places(data, body)})
        out.append(sum(any(low <= at - b <= high for at in bodies) for b in before))
        before = [at for at in bodies if any(low <= at - b <= high for b in before)]
    return out


def holds(compare, n):
    value = int(compare[1:] or 0)
    return n > 0 if not compare else {"=": n == value, ">": n > value, "<": n < value}[compare[0]]


def random_file(rnd, groups):
    words = [*STARTS, *STARTS, *(body for bodies in groups.values() for body in bodies)]
    return HEAD + b"".join(rnd.choice(words) + bytes(rnd.choices(b"\0-\xfe", k=rnd.choice((0, 0, 1, 2, 5, 11)))) for _ in range(rnd.randint(1, 14))) + HEAD


def one_round(args):
    def go(work, seed, report):
        rnd = random.Random(seed)
        groups, sigs, lines = random_groups(rnd), [], []
        for i in range(SIGS):
            sigs.append(random_signature(rnd))
            start, chain, expr, _ = sigs[i]
            lines.append(f"P{i};Engine:81-255,Target:0;{expr};{start.hex()};" + ";".join("${%d-%d}%d$" % row for row in chain))
        (work / "defs/macros.ldb").write_text("".join(line + "\n" for line in lines))
        (work / "defs/macros.ndb").write_text("".join(f"Group{g}.{k}:0:${g}$:{body.hex()}\n" for g, bodies in groups.items() for k, body in enumerate(bodies)))
        expected, at_most = props.collections.defaultdict(set), props.collections.defaultdict(set)
        for n in range(FILES):
            data = random_file(rnd, groups)
            (work / f"files/f{n}").write_bytes(data)
            for i, (start, chain, _, count) in enumerate(sigs):
                hits = counts(data, start, chain, groups)
                if all(hits[:-1]) and holds(count, hits[-1]):
                    expected[f"f{n}"].add(f"P{i}")
                if not count:
                    at_most[f"f{n}"].add(f"P{i}")
            report.hits += len(expected[f"f{n}"])
            report.cases += SIGS

        def what(file, name):
            return f"{lines[int(name[1:])]} in {(work / 'files' / file).read_bytes().hex()}"
        report.compare("sekisho", expected, props.run_sekisho(args.sekisho, work), what)
        if props.have_clamscan():
            (work / "defs/macros.ldb").write_text("".join(line + "\n" for line in lines if f"}}{EMPTY}$" not in line))
            theirs = props.run_clamscan(work)
            more = {file: (names & at_most[file]) - expected[file] for file, names in theirs.items()}
            if not any(names & at_most[file] for file, names in theirs.items()):
                report.wrong += 1
                print("clamscan finds no macro at all: nothing was compared")
            report.compare("clamscan", props.collections.defaultdict(set), props.collections.defaultdict(set, more), what)
    return go


if __name__ == "__main__":
    sys.exit(props.main(__doc__, one_round, rounds=4))
