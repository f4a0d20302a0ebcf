#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random logical expressions against a reference evaluator and, where it is installed, clamscan.

usage: prop_logic.py PROGRAM [--rounds N] [--seconds S] [--seed N] [--keep FOLDER]

One round: SIGS signatures over the same six strings, FILES files in which the strings stand a random number of times; each pair is
a case. The evaluator below reads the text of the expression itself and knows nothing of trees or tables. Its rules, all
seen with clamscan 1.4.6 (black-box):
  - & and | have no precedence. A text outside parentheses is split at its first operator. A text inside parentheses is split at
    its last one, and what stands left of that is read like a text outside: (0&1|2&3) = (0&(1|2))&3.
  - =n >n <n compare the hits of an id, or the sum over those members of a group that hold; ",y" asks for y different ids.
  - a signature that holds without any hit (0<2) is reported for every file, one without any of the strings, too.
"""
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import props  # noqa: E402

SUBS, SIGS, FILES = 6, 150, 60
HEAD = bytes([1, 2, 0, 0, 0, 0xff, 0, 0]) * 4  # no text in any encoding: a normalised copy would be a layer of its own
TOKENS = [b"Sk%dLogic%dZq" % (i * 7, i) for i in range(SUBS)]


# ---- the reference: (holds, sum of hits, set of ids) for a text -----------------------------------------------------


def _operators(text):
    """Places of the operators that stand outside all parentheses of this text."""
    depth, out = 0, []
    for i, c in enumerate(text):
        depth += {"(": 1, ")": -1}.get(c, 0)
        if depth == 0 and c in "&|":
            out.append(i)
    return out


def _compare(op, count, value):
    return {"=": count == value, ">": count > value, "<": count < value}[op]


def _join(op, a, b):
    holds = a[0] and b[0] if op == "&" else a[0] or b[0]
    return (True, a[1] + b[1], a[2] | b[2]) if holds else (False, 0, frozenset())


def _single(text, counts):
    """An id or a group with or without comparison."""
    group = text.startswith("(")
    end = text.rindex(")") + 1 if group else len(text) - len(text.lstrip("0123456789"))
    head, tail = text[:end], text[end:]
    if group:
        holds, total, ids = evaluate(head[1:-1], counts, True)
        if not tail:
            return holds, total, ids
        value, _, distinct = tail[1:].partition(",")
        fits = _compare(tail[0], total, int(value)) and len(ids) >= int(distinct or 0)
        return (True, total, frozenset()) if fits else (False, 0, frozenset())
    count = counts[int(head)]
    if tail:
        holds = _compare(tail[0], count, int(tail[1:]))
    else:
        holds = count > 0
    return (True, count, frozenset([int(head)])) if holds else (False, 0, frozenset())


def evaluate(text, counts, inside=False):
    at = _operators(text)
    if not at:
        return _single(text, counts)
    cut = at[-1] if inside else at[0]
    return _join(text[cut], evaluate(text[:cut], counts), evaluate(text[cut + 1:], counts))


# ---- random expressions ---------------------------------------------------------------------------------------------


def random_compare(rnd, group):
    text = rnd.choice("=><") + str(rnd.randrange(5))
    return text + f",{rnd.randrange(4)}" if group and rnd.random() < 0.4 else text


def random_term(rnd, depth):
    if depth < 4 and rnd.random() < 0.35:
        inner = random_text(rnd, depth + 1)
        many = bool(_operators(inner))  # a comparison of something already compared is malformed
        return f"({inner})" + (random_compare(rnd, True) if many and rnd.random() < 0.5 else "")
    return str(rnd.randrange(SUBS)) + (random_compare(rnd, False) if rnd.random() < 0.35 else "")


def random_text(rnd, depth=0):
    text = random_term(rnd, depth)
    for _ in range(rnd.choice((0, 1, 1, 2, 3))):
        text += rnd.choice("&|") + random_term(rnd, depth)
    return text


def used(text):
    """The highest id: each needs its subsignature, and no more may stand there."""
    return max(int(n) for n in re.findall(r"\d+", re.sub(r"[=<>]\d+(?:,\d+)?", "", text)))


def one_round(args):
    def go(work, seed, report):
        rnd = random.Random(seed)
        texts = [random_text(rnd) for _ in range(SIGS)]
        bodies = [token.hex() for token in TOKENS]
        lines = [f"P{i};Engine:51-255,Target:0;{text};" + ";".join(bodies[:used(text) + 1]) for i, text in enumerate(texts)]
        (work / "defs/logic.ldb").write_text("\n".join(lines) + "\n")
        counts, expected = {}, props.collections.defaultdict(set)
        for n in range(FILES):
            row = [rnd.choice((0, 0, 1, 1, 2, 3, 5)) for _ in range(SUBS)] if n else [0] * SUBS
            pieces = [token for token, count in zip(TOKENS, row) for _ in range(count)]
            rnd.shuffle(pieces)
            name = f"f{n}." + "".join(map(str, row))
            (work / "files" / name).write_bytes(HEAD + b"".join(piece + b"\x00\x00\xfe" for piece in pieces) + HEAD)
            counts[name] = row
            for i, text in enumerate(texts):
                if evaluate(text, row)[0]:
                    expected[name].add(f"P{i}")
            report.hits += len(expected[name])
            report.cases += SIGS

        def what(file, name):
            return f"{texts[int(name[1:])]} with {counts[file]}"
        report.compare("sekisho", expected, props.run_sekisho(args.sekisho, work), what)
        if props.have_clamscan():
            report.compare("clamscan", expected, props.run_clamscan(work), what)
    return go


if __name__ == "__main__":
    sys.exit(props.main(__doc__, one_round, rounds=4))
