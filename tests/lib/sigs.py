# SPDX-License-Identifier: Apache-2.0
"""Read ClamAV signature text and construct bytes that satisfy it, for tests that compare scanners.

A slow, separate reading of the formats: it shares no code with the compiler in src/defc, so that the two check each
other. `parse_line` gives a Signature; `plan` gives the pieces (bytes with the places they must stand at) that make its
expression true; `Cannot` says why a signature is not constructed (regex, icons, ...).
"""
import random
import re


class Cannot(Exception):
    """This signature cannot be satisfied by constructed bytes; the text says why."""


class Piece:
    """Bytes of one subsignature hit. place: (kind, section, offset), kind '*' = anywhere."""

    def __init__(self, data, place):
        self.data, self.place = data, place


class Signature:
    def __init__(self, name, target, expr, subs, attributes, line):
        self.name, self.target, self.expr, self.subs = name, target, expr, subs
        self.attributes, self.line = attributes, line


def parse_line(kind, line):
    if kind == "ndb":
        fields = line.split(":")
        name, target, offset, body = fields[:4]
        return Signature(name, int(target), "0", [(offset, body, "")], {}, line)
    name, tdb, expr, *raw = line.split(";")
    attributes = dict(item.split(":", 1) for item in tdb.split(",") if ":" in item)
    subs = []
    for sub in raw:
        mods = ""
        if "/" in sub or sub.startswith("fuzzy_img") or re.match(r"^\d+\(", sub) or "${" in sub:
            subs.append(None)
            continue
        if "::" in sub:
            sub, mods = sub.rsplit("::", 1)
        offset, body = sub.split(":", 1) if ":" in sub else ("*", sub)
        subs.append((offset, body, mods))
    return Signature(name, int(attributes.get("Target", "0")), expr, subs, attributes, line)


# ---- hex bodies -------------------------------------------------------------------------------------------------


def _group_end(body, i):
    depth = 0
    for j in range(i, len(body)):
        depth += {"(": 1, ")": -1}.get(body[j], 0)
        if depth == 0:
            return j
    raise Cannot("unbalanced parentheses")


def _byte(token, rnd):
    if not re.fullmatch(r"[0-9a-fA-F?]{2}", token):
        raise Cannot("malformed body")
    if token == "??":
        return rnd.randrange(0x21, 0x7f)
    if token[0] == "?":
        return 0x40 | int(token[1], 16)
    if token[1] == "?":
        return int(token[0], 16) << 4 | 1
    return int(token, 16)


def _split_alternatives(inner):
    depth, start, out = 0, 0, []
    for i, c in enumerate(inner):
        depth += {"(": 1, ")": -1}.get(c, 0)
        if c == "|" and depth == 0:
            out.append(inner[start:i])
            start = i + 1
    return out + [inner[start:]]


BOUNDARY = {"B": b" ", "L": b"\r\n", "W": b" "}


def construct_body(body, rnd):
    """One byte string that the body matches, gaps at their smallest."""
    out, i = b"", 0
    while i < len(body):
        c = body[i]
        if c == "*":
            i += 1
        elif c in "{[":
            end = body.index("}" if c == "{" else "]", i)
            low = re.match(r"(\d*)", body[i + 1:end]).group(1)
            out += bytes(rnd.randrange(0x21, 0x7f) for _ in range(int(low or 0)))
            i = end + 1
        elif c == "!" or c == "(":
            negated = c == "!"
            start = i + negated
            end = _group_end(body, start)
            inner = body[start + 1:end]
            if inner in BOUNDARY:
                out += b"x" if negated else BOUNDARY[inner]
            elif negated:
                banned = {construct_body(a, rnd) for a in _split_alternatives(inner)}
                length = len(next(iter(banned)))
                pick = next(bytes([b]) * length for b in range(0x61, 0x7b) if bytes([b]) * length not in banned)
                out += pick
            else:
                out += construct_body(rnd.choice(_split_alternatives(inner)), rnd)
            i = end + 1
        else:
            out += bytes([_byte(body[i:i + 2], rnd)])
            i += 2
    return out


def construct_sub(sub, rnd):
    offset, body, mods = sub
    data = construct_body(body, rnd)
    if "w" in mods:
        data = b"".join(bytes([b, 0]) for b in data)
    if "f" in mods:
        data = b" " + data + b" "
    return Piece(data, parse_place(offset))


def parse_place(offset):
    offset = offset.split(",")[0]
    if offset == "*":
        return ("*", 0, 0)
    m = re.fullmatch(r"(\d+)", offset)
    if m:
        return ("abs", 0, int(offset))
    m = re.fullmatch(r"EOF-(\d+)", offset)
    if m:
        return ("eof", 0, int(m.group(1)))
    m = re.fullmatch(r"EP([+-]\d+)", offset)
    if m:
        return ("ep", 0, int(m.group(1)))
    m = re.fullmatch(r"S(\d+)\+(\d+)", offset)
    if m:
        return ("sect", int(m.group(1)), int(m.group(2)))
    m = re.fullmatch(r"SE(\d+)", offset)
    if m:
        return ("in", int(m.group(1)), 0)
    m = re.fullmatch(r"SL\+(\d+)", offset)
    if m:
        return ("last", 0, int(m.group(1)))
    if offset == "VI":
        return ("vi", 0, 0)
    raise Cannot(f"offset {offset}")


# ---- expressions ------------------------------------------------------------------------------------------------


def _tokens(expr):
    return re.findall(r"\d+|[&|()=<>,]", expr)


class _Parser:
    """term (op term)*, operators without precedence, read right-associative as ClamAV splits at the first one."""

    def __init__(self, expr):
        self.tok, self.i = _tokens(expr), 0

    def peek(self):
        return self.tok[self.i] if self.i < len(self.tok) else ""

    def take(self):
        self.i += 1
        return self.tok[self.i - 1]

    def number(self):
        if not self.peek().isdigit():
            raise Cannot("malformed expression")
        return int(self.take())

    def parse(self):
        left = self.term()
        if self.peek() in ("&", "|"):
            return (self.take(), left, self.parse())
        return left

    def term(self):
        if self.peek() == "(":
            self.take()
            inner = self.parse()
            if self.take() != ")":
                raise Cannot("malformed expression")
            return self.compare(("group", inner))
        if not self.peek().isdigit():
            raise Cannot("malformed expression")
        return self.compare(("sub", int(self.take())))

    def compare(self, node):
        if self.peek() not in ("=", "<", ">") or not self.peek():
            return node
        op = self.take()
        value = self.number()
        distinct = 0
        if self.peek() == ",":
            self.take()
            distinct = self.number()
        return ("cmp", node, op, value, distinct)


def wanted_counts(expr):
    """Map of subsignature number -> hits that make the expression true; 0 = must not be there."""
    parser = _Parser(expr)
    tree = parser.parse()
    if parser.peek():
        raise Cannot("malformed expression")
    want = {}
    _want(tree, want)
    return want


def _members(node):
    if node[0] == "sub":
        return [node[1]]
    if node[0] in ("group", "cmp"):
        return _members(node[1])
    return _members(node[1]) + _members(node[2])


def _want(node, want):
    if node[0] == "sub":
        want.setdefault(node[1], 1)
        if want[node[1]] == 0:
            raise Cannot("contradiction")
    elif node[0] == "group":
        _want(node[1], want)
    elif node[0] == "&":
        _want(node[1], want)
        _want(node[2], want)
    elif node[0] == "|":
        _want(node[1], want)
    else:
        _, inner, op, value, distinct = node
        need = {"=": value, ">": value + 1, "<": max(0, value - 1)}[op]
        members = list(dict.fromkeys(_members(inner)))
        if need == 0:
            for m in members:
                want[m] = 0
            return
        kinds = max(1, distinct)
        if kinds > len(members):
            raise Cannot("more different hits than members")
        if inner[0] == "group" and inner[1][0] == "&":
            kinds = len(members)
        for k, m in enumerate(members):
            want[m] = 0 if k >= kinds else 1
        want[members[0]] = max(1, need - (kinds - 1))


def plan(signature, rnd=None):
    """Pieces to plant, in order; raises Cannot."""
    rnd = rnd or random.Random(signature.name)
    for key in ("IconGroup1", "IconGroup2", "HandlerType", "Intermediates"):
        if key in signature.attributes:
            raise Cannot(f"attribute {key}")
    pieces = []
    for number, count in sorted(wanted_counts(signature.expr).items()):
        if number >= len(signature.subs):
            raise Cannot("malformed expression")
        sub = signature.subs[number]
        if sub is None and count:
            raise Cannot("regular expression or special subsignature")
        for _ in range(count):
            pieces.append(construct_sub(sub, rnd))
            if pieces[-1].place[0] in ("abs", "eof", "ep") and count > 1:
                raise Cannot("several hits at one fixed place")
    return pieces
