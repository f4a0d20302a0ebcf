#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random byte comparisons against a reference and, where it is installed, clamscan.

usage: prop_compare.py PROGRAM [--rounds N] [--seconds S] [--seed N] [--keep FOLDER]

One round: SIGS signatures `0&1;TOKEN;0(>>n#options#comparison)`, each with files of its own in which numbers of every spelling, cut or
damaged, stand near the token, which comes up to three times (the last one counts). The reference below was written from what
clamscan 1.4.6 does (black box, see src/match/compare.c) and shares nothing with it.
"""
import pathlib
import random
import re
import string
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import props  # noqa: E402

SIGS, FILES = 150, 6
HEAD = bytes([1, 2, 0, 0, 0, 0xff, 0, 0]) * 4  # no text in any encoding: a normalised copy would be a layer of its own
LIMIT = 1 << 63
BLANKS = " \t\n\v\f\r"


def token(i):
    return b"SkCmp%03dq" % i


def random_options(rnd):
    """(kind, order, exact, width)"""
    kind = rnd.choice("idhaih")
    order = rnd.choice("bblb" if kind != "d" else ("b", "", ""))
    width = rnd.choice((1, 2, 4, 8)) if kind == "i" else rnd.choice((1, 2, 3, 4, 5, 6, 8, 11, 18))
    return kind, order, "e" if rnd.random() < 0.25 else "", width


def random_text(rnd, kind, order, width):
    """Bytes that stand at the place: mostly a number of that kind."""
    if kind == "i":
        return bytes(rnd.choices((0, 1, 0x41, 0x7f, 0x80, 0xff), k=width))
    number = rnd.choice((0, 1, 7, 42, 255, 4660, 65535, 10 ** 6, rnd.randrange(10 ** 9)))
    text = rnd.choice((f"{number}", f"{number:x}", f"{number:X}", f"0x{number:x}", f"{number:0{width}x}", f"{number:0{width}}", f"{number:o}"))
    if rnd.random() < 0.3:
        text = rnd.choice(("+", "-", " ", "  ", "\t", "x", "0x", "0")) + text
    if rnd.random() < 0.3:
        text += rnd.choice((" ", ".", "g", "\0", "\xff", "ab"))
    out = text.encode("latin-1")[:width]
    return out + bytes(rnd.choices(b"0. 9f\0", k=width - len(out)))


# ---- the reference ---------------------------------------------------------------------------------------------------


def after_blanks(text):
    return text.lstrip(BLANKS)


def number_of(text, base):
    """(value, bytes used): as a C library reads it, but without a limit."""
    m = re.match(r"((?!0[xX][0-9a-fA-F])[+-]?|0[xX])([0-9a-fA-F]*)" if base == 16 else r"([+-]?)([0-9]*)", text)
    return (-1 if m.group(1) == "-" else 1) * int(m.group(2) or "0", base), len(m.group(0)) if m.group(2) else 0


def value_of(options, data):
    """The number, or None."""
    kind, order, exact, width = options
    if kind == "i":
        return int.from_bytes(data, "little" if order == "l" else "big", signed=width == 8)
    whole = data.decode("latin-1")
    text = after_blanks(whole)
    prefixed = re.match(r"0[xX][0-9a-fA-F]", text) is not None
    if kind == "a" and (len(text) < 3 or order == "l" and not prefixed):
        return None
    hexadecimal = kind == "h" or prefixed and kind == "a"
    if hexadecimal and order == "l" and width > 1:
        digits = text[2:] if prefixed else text
        digits = "0" * (len(digits) % 2) + digits
        pairs = [digits[i:i + 2] for i in range(0, len(digits), 2)]
        good = next((i for i, pair in enumerate(pairs) if not set(pair) <= set(string.hexdigits + "xX")), len(pairs))
        text = "".join(reversed(pairs[:good] + ["00"] * (len(pairs) - good)))
    value, used = number_of(text, 16 if hexadecimal else 10)
    used = 0 if whole[0] in BLANKS else used
    return value if -LIMIT <= value < LIMIT and (not exact or used == width) else None


def holds(row, data, mark):
    place, options, compares = row
    last = data.rfind(mark)
    at = last + place
    if last < 0 or at <= 0 or at + options[3] > len(data):
        return False
    value = value_of(options, data[at:at + options[3]])
    return value is not None and all({"=": value == n, ">": value > n, "<": value < n}[sign] for sign, n in compares)


# ---- rounds ----------------------------------------------------------------------------------------------------------


def random_row(rnd, i):
    options = random_options(rnd)
    place = rnd.choice((len(token(i)), len(token(i)), 12, 20, -options[3], -12, 0))
    value = value_of(options, random_text(rnd, *options[:2], options[3])) or rnd.randrange(-5, 300)
    compares = [(rnd.choice("=<>"), value)] if rnd.random() < 0.8 else [(">", value - rnd.randrange(1, 5)), ("<", value + rnd.randrange(5))]
    return place, options, compares


def variants(rnd, row, i):
    place, options, compares = row
    for _ in range(FILES):
        out = bytearray(HEAD if rnd.random() < 0.9 else b"")
        for _ in range(rnd.choice((1, 1, 2, 3))):
            out += bytes(rnd.choices((0, 0xff, 0x2e), k=rnd.randrange(24)))
            at = len(out)
            text = random_text(rnd, *options[:2], options[3])
            if place < 0:
                out[at + place:at] = text[-place - at if at + place < 0 else 0:] + out[at + place + options[3]:at] if at + place >= 0 else out[:at]
            out += token(i)
            if place >= 0:
                out += bytes(rnd.choices(b".\0", k=max(0, place - len(token(i))))) + text
        yield bytes(out) + (HEAD if rnd.random() < 0.8 else bytes(rnd.randrange(3)))


def text_of(row):
    place, (kind, order, exact, width), compares = row
    side = f"<<{-place}" if place < 0 else f">>{place}"
    return f"0({side}#{kind}{order}{exact}{width}#" + ",".join(f"{sign}{n}" for sign, n in compares) + ")"


def one_round(args):
    def go(work, seed, report):
        rnd = random.Random(seed)
        rows, expected = [random_row(rnd, i) for i in range(SIGS)], props.collections.defaultdict(set)
        lines = [f"P{i};Engine:101-255,Target:0;0&1;{token(i).hex()};{text_of(row)}" for i, row in enumerate(rows)]
        (work / "defs/compare.ldb").write_text("".join(line + "\n" for line in lines))
        for i, row in enumerate(rows):
            for k, data in enumerate(variants(rnd, row, i)):
                name = f"f{i}.{k}"
                (work / "files" / name).write_bytes(data)
                if holds(row, data, token(i)):
                    expected[name].add(f"P{i}")
                report.hits += len(expected[name])
                report.cases += 1

        def what(file, name):
            return f"{lines[int(name[1:])]} in {(work / 'files' / file).read_bytes().hex()}"

        def own(found):
            """By accident a number may make one token of another."""
            return props.collections.defaultdict(set, {file: names & {"P" + file[1:].split(".")[0]} for file, names in found.items()})
        report.compare("sekisho", expected, own(props.run_sekisho(args.sekisho, work)), what)
        if props.have_clamscan():
            report.compare("clamscan", expected, own(props.run_clamscan(work)), what)
    return go


if __name__ == "__main__":
    sys.exit(props.main(__doc__, one_round, rounds=4))
