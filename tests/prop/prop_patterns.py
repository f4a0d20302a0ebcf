#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random signature bodies of the whole grammar against a slow reference matcher and, where it is installed, clamscan.

usage: prop_patterns.py PROGRAM [--rounds N] [--seconds S] [--seed N] [--keep FOLDER]

One round: SIGS signatures with a body, an offset and modifiers; for each some files: an instance of the body planted in random
data, the same with one byte changed or one byte taken out, and random data. Every signature is asked about every file.
The matcher below walks the text of the body with sets of positions; it shares nothing with src/. Left out, on purpose: bodies that
begin with a negated boundary (clamscan 1.4.6 crashes on them). Alternatives of various lengths, and w and f with boundaries, are
compared with the reference only (see docs/differences-from-clamav.md).
"""
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import props  # noqa: E402

SIGS = 150
FEW = b"aZ.\x00\xff9 \n"
DULL = bytes([0, 0, 0, 1, 2, 0x80, 0xee])
HEAD = bytes([1, 2, 0, 0, 0, 0xff, 0, 0]) * 3  # no text in any encoding: a normalised copy would be a layer of its own


# ---- reading a body --------------------------------------------------------------------------------------------------


def split_top(text):
    depth, parts = 0, [""]
    for c in text:
        depth += {"(": 1, ")": -1}.get(c, 0)
        if c == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def closing(text, i):
    depth = 0
    while True:
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
        i += 1


def read(text):
    """[('byte', value, mask) | ('gap', low, high) | ('near', low, high) | ('bound', kind, negated) | ('group', negated, alternatives)]"""
    items, i = [], 0
    while i < len(text):
        if text[i] == "*":
            items.append(("gap", 0, None))
            i += 1
        elif text[i] in "{[":
            end = text.index("}" if text[i] == "{" else "]", i)
            low, dash, high = text[i + 1:end].partition("-")
            items.append(("gap" if text[i] == "{" else "near", int(low or 0), int(high) if high else None if dash else int(low)))
            i = end + 1
        elif text[i] in "!(":
            negated = text[i] == "!"
            end = closing(text, i + negated)
            inner = text[i + negated + 1:end]
            items.append(("bound", inner, negated) if inner in ("B", "L", "W")
                         else ("group", negated, [read(part) for part in split_top(inner)]))
            i = end + 1
        else:
            high, low = text[i], text[i + 1]
            items.append(("byte", int(text[i:i + 2].replace("?", "0"), 16), (0 if high == "?" else 0xf0) | (0 if low == "?" else 15)))
            i += 2
    return items


# ---- the reference matcher -------------------------------------------------------------------------------------------


def word(b):
    return chr(b).isalnum() and b < 128


class Reference:
    def __init__(self, body, mods, offset):
        self.items, self.mods = read(body), mods
        self.nocase = "i" in mods
        where, _, shift = offset.partition(",")
        self.where, self.shift = where, int(shift or 0)

    def window(self, size):
        if self.where == "*":
            return 0, size
        at = size - int(self.where[4:]) if self.where.startswith("EOF-") else int(self.where)
        return at, at + self.shift

    def byte(self, item, b):
        _, value, mask = item
        if mask == 0xff and self.nocase and word(value):
            return chr(b).lower() == chr(value).lower()
        return b & mask == value

    def bound(self, data, item, pos, left):
        _, kind, negated = item
        if pos == 0 if left else pos >= len(data):
            return not negated
        b = data[pos - 1 if left else pos]
        if kind == "W":
            holds = not word(b)
        elif kind == "L":
            holds = b == 10 or (not left and data[pos:pos + 2] == b"\r\n")
        else:
            holds = b in (b" -./<@_" if left else b"\n\r \"'-/=>_")
        return holds != negated

    def step(self, data, item, starts, wide):
        kind, out = item[0], set()
        for p in starts:
            if kind == "byte":
                if p < len(data) and self.byte(item, data[p]) and (not wide or data[p + 1:p + 2] == b"\0"):
                    out.add(p + 1 + wide)
            elif kind == "gap":
                high = len(data) if item[2] is None else min(len(data), p + item[2])
                out.update(range(p + item[1], high + 1))
            elif not item[1]:
                for alternative in item[2]:
                    out |= self.walk(data, alternative, {p}, wide)
            else:
                length = len(item[2][0])
                if p + length <= len(data) and not any(self.walk(data, a, {p}, wide) for a in item[2]):
                    out.add(p + length)
        return out

    def walk(self, data, items, starts, wide):
        for item in items:
            starts = self.step(data, item, starts, wide)
        return starts

    def whole(self, data, first, end, wide):
        if "f" not in self.mods:
            return True
        unit = 1 + wide

        def alone(at):  # a unit outside the file, or one that is no letter or digit
            piece = data[at:at + unit] if at >= 0 else b""
            return len(piece) < unit or (wide and piece[1] != 0) or not word(piece[0])
        return alone(first - unit) and alone(end)

    def matches_form(self, data, wide):
        items, low_high = list(self.items), self.window(len(data))
        left = items.pop(0) if items[0][0] == "bound" else None
        right = items.pop() if items[-1][0] == "bound" else None
        near_left = (items.pop(0), items.pop(0)) if len(items) > 2 and items[1][0] == "near" else None
        near_right = (items.pop(), items.pop()) if len(items) > 2 and items[-2][0] == "near" else None
        for p in range(max(0, low_high[0]), min(len(data), low_high[1] + 1)):
            if left and not self.bound(data, left, p, True):
                continue
            if near_left and not any(p - 1 - d >= 0 and self.byte(near_left[0], data[p - 1 - d])
                                     for d in range(near_left[1][1], near_left[1][2] + 1)):
                continue
            for end in self.walk(data, items, {p}, wide):
                if right and not self.bound(data, right, end, False):
                    continue
                if near_right and not any(end + d < len(data) and self.byte(near_right[0], data[end + d])
                                          for d in range(near_right[1][1], near_right[1][2] + 1)):
                    continue
                if self.whole(data, p, end, wide):
                    return True
        return False

    def matches(self, data):
        if "w" not in self.mods:
            return self.matches_form(data, 0)
        return self.matches_form(data, 1) or ("a" in self.mods and self.matches_form(data, 0))


# ---- random bodies ---------------------------------------------------------------------------------------------------


class Maker:
    def __init__(self, rnd):
        self.rnd = rnd
        self.mods = rnd.choice(("", "", "", "", "i", "i", "w", "wa", "wi", "f", "wf", "fi"))
        self.core = None

    def literal(self, n):
        return "".join(f"{self.rnd.choice(FEW):02x}" for _ in range(n))

    def byte(self):
        how = self.rnd.randrange(12)
        text = self.literal(1)
        if how < 3 and "i" not in self.mods:
            return ("??", "?" + text[1], text[0] + "?")[how]
        return text

    def group(self, depth):
        rnd, count = self.rnd, self.rnd.randrange(2, 5)
        if rnd.random() < 0.5:
            length = rnd.randrange(1, 4)
            negated = not self.mods and rnd.random() < 0.4
            alternatives = [self.literal(length) if negated else "".join(self.byte() for _ in range(length)) for _ in range(count)]
            return ("!" if negated else "") + "(" + "|".join(alternatives) + ")"
        alternatives = ["".join(self.item(depth + 1) for _ in range(rnd.randrange(1, 4))) for _ in range(count)]
        return "(" + "|".join(alternatives) + ")"

    def item(self, depth=0):
        how = self.rnd.randrange(9)
        if how == 0 and depth < 3:
            return self.group(depth)
        if how == 1 and depth == 0:
            return "{%d}" % self.rnd.randrange(1, 6)
        return self.byte()

    def items(self, most):
        return "".join(self.item() for _ in range(self.rnd.randrange(most + 1)))

    def gap(self):
        low, more = self.rnd.randrange(6), self.rnd.randrange(1, 9)
        return self.rnd.choice(("*", "{%d-%d}" % (low, low + more), "{-%d}" % more, "{%d-}" % low))

    def part(self):
        token = "".join(f"{self.rnd.choice(b'kKxqQJ7'):02x}" for _ in range(self.rnd.choice((3, 4, 6, 9, 20))))
        self.core = self.core or bytes.fromhex(token)
        return self.items(3) + token + self.items(3)

    def body(self):
        rnd = self.rnd
        text = self.part()
        if rnd.random() < 0.1 and not self.mods:
            near = "[%d-%d]" % (rnd.randrange(3), rnd.randrange(3, 7))
            core = self.core.hex()
            return rnd.choice(("5a" + near + core, core + near + "5a"))
        while rnd.random() < 0.3:
            text += self.gap() + self.part()
        if rnd.random() < 0.15:
            text = "(" + rnd.choice("BLW") + ")" + text
        if rnd.random() < 0.15:
            text += rnd.choice(("", "!")) + "(" + rnd.choice("BLW") + ")"
        return text

    def offset(self):
        rnd = self.rnd
        if rnd.random() < 0.7:
            return "*"
        where = rnd.choice((str(rnd.randrange(0, 60)), f"EOF-{rnd.randrange(10, 90)}"))
        return where + (f",{rnd.randrange(1, 12)}" if rnd.random() < 0.5 else "")


def is_odd(items, mods):
    """Combinations in which clamscan is not compared."""
    def various(group):
        return any(item[0] == "group" for a in group[2] for item in a) or len({len(a) for a in group[2]}) > 1
    edges = ("w" in mods or "f" in mods) and any(item[0] == "bound" for item in items)
    return edges or any(item[0] == "group" and not item[1] and various(item) for item in items)


def instance(items, rnd, mods, wide):
    """Bytes that match, mostly; gaps and free choices at random."""
    out = b""
    for k, item in enumerate(items):
        if item[0] == "byte":
            b = item[1] | rnd.randrange(256) & ~item[2] & 0xff
            if "i" in mods and item[2] == 0xff and word(b) and b > 0x40 and rnd.random() < 0.5:
                b ^= 0x20
            out += bytes([b]) + b"\0" * wide
        elif item[0] in ("gap", "near"):
            high = item[1] + 12 if item[2] is None else item[2]
            count = rnd.choice((item[1], high, rnd.randint(item[1], high)))
            out += bytes(rnd.choices(DULL, k=count + (rnd.random() < 0.05)))
        elif item[0] == "bound":
            out += rnd.choice((b" ", b"\n", b"\r\n", b"-", b"q"))
        elif item[1]:
            out += bytes(rnd.choice(FEW) for _ in item[2][0])
        else:
            out += instance(rnd.choice(item[2]), rnd, mods, wide)
    return out


def host(rnd, data, offset):
    """Random data around; at the place of the offset, or one beside it."""
    where, _, shift = offset.partition(",")
    slip = rnd.choice((0, 0, 0, int(shift or 0), int(shift or 0) + 1, -1))
    before, after = HEAD + bytes(rnd.choices(DULL, k=rnd.randrange(40))), bytes(rnd.choices(DULL, k=rnd.randrange(60))) + HEAD
    if where.isdigit():
        before = (HEAD * 4)[:max(0, int(where) + slip)]
    elif where != "*":
        after = (HEAD * 5)[:max(0, int(where[4:]) - slip - len(data))]
    again = data if rnd.random() < 0.2 and where == "*" else b""
    return before + data + after[:len(after) // 2] + again + after[len(after) // 2:]


def variants(rnd, reference, offset):
    wide = int("w" in reference.mods and not ("a" in reference.mods and rnd.random() < 0.5))
    made = instance(reference.items, rnd, reference.mods, wide)
    if "f" in reference.mods:
        made = rnd.choice((b" \0", b"x\0", b".", b"")) + made + rnd.choice((b" \0", b"x\0", b"x", b""))
    yield "planted", host(rnd, made, offset)
    at = rnd.randrange(len(made))
    yield "changed", host(rnd, made[:at] + bytes([made[at] ^ 1 << rnd.randrange(8)]) + made[at + 1:], offset)
    yield "shorter", host(rnd, made[:at] + made[at + 1:], offset)
    yield "absent", host(rnd, bytes(rnd.choices(FEW, k=40)), offset)


def one_round(args):
    def go(work, seed, report):
        rnd = random.Random(seed)
        lines, refs, files = [], [], {}
        for i in range(SIGS):
            maker = Maker(rnd)
            body, offset = maker.body(), maker.offset()
            reference = Reference(body, maker.mods, offset)
            mods = "::" + maker.mods if maker.mods else ""
            prefix = "" if offset == "*" and rnd.random() < 0.5 else offset + ":"
            lines.append(f"P{i};Engine:81-255,Target:0;0;{prefix}{body}{mods}")
            refs.append((maker.core.lower(), reference))
            for kind, data in variants(rnd, reference, offset):
                files[f"f{i}.{kind}"] = data
        (work / "defs/patterns.ldb").write_text("\n".join(lines) + "\n")
        expected = props.collections.defaultdict(set)
        for name, data in files.items():
            (work / "files" / name).write_bytes(data)
            folded, narrow = data.lower(), re.sub(rb"(.)\x00", rb"\1", data, flags=re.S).lower()
            for i, (core, reference) in enumerate(refs):
                if (core in folded or core in narrow or core in narrow_from_one(data)) and reference.matches(data):
                    expected[name].add(f"P{i}")
            report.hits += bool(expected[name])
        report.cases += len(files)

        def what(file, name):
            return f"{lines[int(name[1:])]} in {files[file].hex()}"
        report.compare("sekisho", expected, props.run_sekisho(args.sekisho, work), what)
        if props.have_clamscan():
            odd = {f"P{i}" for i, (_, reference) in enumerate(refs) if is_odd(reference.items, reference.mods)}
            (work / "defs/patterns.ldb").write_text("".join(line + "\n" for line in lines if line.split(";")[0] not in odd))
            loaded = props.load_clamscan(work, report)
            known = props.collections.defaultdict(set, {file: names & loaded for file, names in expected.items()})
            report.compare("clamscan", known, props.run_clamscan(work), what)
    return go


def narrow_from_one(data):
    """UTF-16 read one byte later: the core may begin at an odd place."""
    return data[:1].lower() + re.sub(rb"(.)\x00", rb"\1", data[1:], flags=re.S).lower()


if __name__ == "__main__":
    sys.exit(props.main(__doc__, one_round, rounds=6))
