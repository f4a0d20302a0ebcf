#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random regular expressions against Python's and, where it is installed, clamscan.

usage: prop_regex.py PROGRAM [--rounds N] [--seconds S] [--seed N] [--keep FOLDER]

One round: SIGS signatures `trigger;TRIGGER/regex/flags` of one or two expressions, both or either of which must match as often as
asked for (a second one is not run when the first decides), FILES files that hold the
trigger and text made of few letters, so that most expressions match somewhere. The grammar below makes only what means the same in
Python and PCRE2: classes, quantifiers (greedy and lazy), groups (capturing, not capturing, named), backreferences, look-around of fixed
width, anchors, word boundaries, alternation; flags i s m x g r e A and offsets with and without a shift. The reference is Python's re over
bytes: the subject begins at the place of the offset, without `r` or a shift the match must begin there, with `e` and a shift the
subject ends at it; `g` counts matches that do not overlap. Expressions that can match nothing at all are not made with `g`
(clamscan 1.4.6 does not end on them), and there are no nested quantifiers (its match limit would decide).
"""
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import props  # noqa: E402

SIGS, FILES = 120, 40
LETTERS = "abcAB01 .\n_"
TRIGGER = b"SkRegexTrigger"
HEAD = bytes([1, 2, 0, 0, 0, 0xff, 0, 0]) * 2  # no text in any encoding: a normalised copy would be a layer of its own


class Maker:
    """Makes one expression; knows how many groups are complete, and whether what it made can be empty."""

    def __init__(self, rnd):
        self.rnd, self.groups, self.named = rnd, 0, []

    def literal(self):
        c = self.rnd.choice(LETTERS)
        return {".": "\\.", "\n": "\\n", " ": "\\x20"}.get(c, c)

    def char_class(self):
        inner = self.rnd.choice(("ab", "a-c", "A-C0", "0-9", "\\d", "\\w", "\\s", "a-cA-C", "b\\n", "_\\x20"))
        return "[" + self.rnd.choice(("", "", "^")) + inner + "]"

    def atom(self, depth):
        """(text, can be empty, has a quantifier inside)"""
        how = self.rnd.randrange(16)
        if how < 7:
            return self.literal(), False, False
        if how < 10:
            return self.char_class(), False, False
        if how < 12:
            return self.rnd.choice((".", "\\w", "\\d", "\\s", "\\W", "\\S", "\\D")), False, False
        if how < 14 and depth < 3:
            return self.group(depth)
        if how == 14 and self.groups:
            n = self.rnd.randint(1, self.groups)
            return self.rnd.choice((f"\\{n}(?:)", f"(?P={self.named[-1]})")) if self.named else f"\\{n}(?:)", True, True
        return self.literal(), False, False

    def group(self, depth):
        how = self.rnd.randrange(4)
        text, empty, quantified = self.alternation(depth + 1)
        if how == 0:
            self.groups += 1
            return f"({text})", empty, quantified
        if how == 1:
            self.groups += 1
            self.named.append(f"n{self.groups}")
            return f"(?P<{self.named[-1]}>{text})", empty, quantified
        return f"(?:{text})", empty, quantified

    def quantified(self, depth):
        text, empty, inner = self.atom(depth)
        if inner or self.rnd.random() < 0.6:
            return text, empty, inner
        mark = self.rnd.choice(("*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,2}"))
        lazy = self.rnd.choice(("", "", "?")) if mark != "{2}" else ""
        return text + mark + lazy, empty or mark in ("*", "?", "{0,2}"), True

    def zero_width(self):
        return self.rnd.choice(("^", "$", "\\b", "\\B", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "(?<=ab)", "(?=[0-9])"))

    def sequence(self, depth):
        parts, empty, quantified = [], True, False
        for _ in range(self.rnd.randint(1, 4)):
            if self.rnd.random() < 0.12:
                parts.append(self.zero_width())
                continue
            text, can, inner = self.quantified(depth)
            parts.append(text)
            empty, quantified = empty and can, quantified or inner
        return "".join(parts), empty, quantified

    def alternation(self, depth):
        # A group that takes no part keeps Python and PCRE2 apart in what a reference to it means: complete groups only.
        before = self.groups, list(self.named)
        parts = [self.sequence(depth)]
        while self.rnd.random() < 0.2:
            self.groups, self.named = before[0], list(before[1])
            if self.groups != before[0] or "(" in parts[0][0]:
                break
            parts.append(self.sequence(depth))
            if "(" in parts[-1][0].replace("(?:", "").replace("(?=", "").replace("(?!", "").replace("(?<", ""):
                parts.pop()
        return "|".join(p[0] for p in parts), any(p[1] for p in parts), any(p[2] for p in parts)


def count_groups(text):
    return len(re.findall(r"\((?!\?)|\(\?P<", text.replace("\\(", "")))


def make(rnd):
    """(regex text, flags, offset text, minimal count) that both sides understand."""
    while True:
        maker = Maker(rnd)
        text, empty, _ = maker.alternation(0)
        flags = "".join(f for f in "gismx" if rnd.random() < (0.5 if f == "g" else 0.25))
        if empty and "g" in flags:
            continue
        if "x" in flags:
            text = re.sub(r"(?<![\\?(P])([ab01])(?![\w{*+?>=)\]-])", r"\1 ", text) if "[" not in text else text
        offset = rnd.choice(("*", "*", "*", "20", "20,15", "60", "EOF-40", "EOF-40,20"))
        if offset != "*":
            flags += "".join(f for f in "re" if rnd.random() < 0.4)
        if rnd.random() < 0.08:
            flags += "A"
        if "/" in text or ";" in text or ":" in re.sub(r"\(\?:", "", text):
            continue
        try:
            re.compile(text.encode(), python_flags(flags))
        except re.error:
            continue
        return text.replace("\n", "\\n"), flags, offset, empty


def python_flags(flags):
    return sum({"i": re.I, "s": re.S, "m": re.M, "x": re.X}.get(f, 0) for f in flags)


def as_pcre(regex, flags):
    """PCRE's ^ with m stands behind a line end unless that is the last byte; Python's stands there, too."""
    anchor = r"\\.|\[\^?\]?[^]]*\]|\^"
    return re.sub(anchor, lambda m: r"(?:\A|^(?!\Z))" if m.group() == "^" else m.group(), regex) if "m" in flags else regex


def reference(regex, flags, offset, data):
    """How many matches count."""
    compiled = re.compile(as_pcre(regex, flags).encode(), python_flags(flags))
    where, _, shift = offset.partition(",")
    shift = int(shift or 0)
    place = 0 if where == "*" else len(data) - int(where[4:]) if where.startswith("EOF-") else int(where)
    if place < 0 or place > len(data) or (place == len(data) and where != "*"):
        return 0
    subject = data[place:]
    last = len(subject) if where == "*" else shift
    if where != "*" and shift == 0 and "r" in flags:
        last = len(subject)
    if where != "*" and shift > 0 and "e" in flags:
        subject = subject[:shift]
    if "A" in flags:
        last = 0
    count, at = 0, 0
    while at <= min(last, len(subject)):
        found = compiled.match(subject, at) if last == 0 or "A" in flags else compiled.search(subject, at)
        if found is None or found.start() > last:
            break
        count += 1
        if "g" not in flags:
            break
        at = max(found.end(), at + 1)
        if "A" in flags or (where != "*" and shift == 0 and "r" not in flags):
            last = at  # each further match begins where the one before ended
    return count


def holds(regex, flags, offset, wanted, data):
    count = reference(regex, flags, offset, data)
    return count == int(wanted[1:]) if wanted.startswith("=") else count > int(wanted[1:] or 0)


def one_round(args):
    def go(work, seed, report):
        rnd = random.Random(seed)
        lines, rows = [], []
        for i in range(SIGS):
            members = []
            for _ in range(rnd.choice((1, 1, 2))):
                regex, flags, offset, _ = make(rnd)
                members.append((regex, flags, offset, rnd.choice(("", "", ">1", "=2", "=0")) if "g" in flags else ""))
            joined = rnd.choice("&&|")
            asked = joined.join(f"{k}{member[3]}" for k, member in enumerate(members, 1))
            parts = "".join(f";{'' if offset == '*' else offset + ':'}0/{regex}/{flags}" for regex, flags, offset, _ in members)
            lines.append(f"P{i};Engine:81-255,Target:0;0&{asked if joined == '&' else f'({asked})'};{TRIGGER.hex()}{parts}")
            rows.append((joined, members))
        (work / "defs/regexes.ldb").write_text("\n".join(lines) + "\n")
        expected, files = props.collections.defaultdict(set), {}
        for n in range(FILES):
            text = "".join(rnd.choice(LETTERS) for _ in range(rnd.choice((0, 10, 60, 200)))).encode()
            data = rnd.choice((HEAD + text + TRIGGER + HEAD, HEAD + TRIGGER + text, TRIGGER + b"\x01\x00" + text + HEAD))
            name = f"f{n}"
            files[name] = data
            (work / "files" / name).write_bytes(data)
            for i, (joined, members) in enumerate(rows):
                if (all if joined == "&" else any)(holds(*member, data) for member in members):
                    expected[name].add(f"P{i}")
            report.cases += SIGS
            report.hits += len(expected[name])

        def what(file, name):
            return f"{lines[int(name[1:])]} in {files[file]!r}"
        report.compare("sekisho", expected, props.run_sekisho(args.sekisho, work), what)
        if props.have_clamscan():
            loaded = props.load_clamscan(work, report)
            known = props.collections.defaultdict(set, {file: names & loaded for file, names in expected.items()})
            report.compare("clamscan", known, props.run_clamscan(work), what)
    return go


if __name__ == "__main__":
    sys.exit(props.main(__doc__, one_round, rounds=4))
