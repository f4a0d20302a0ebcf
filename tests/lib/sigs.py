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
    """Bytes of one subsignature hit, and which of their bits matter. place: (kind, section, offset), kind '*' = anywhere;
    `lead` bytes stand before the place."""

    def __init__(self, data, place, mask=None, lead=0):
        self.data, self.place, self.lead = data, place, lead
        self.mask = bytes([0xff]) * len(data) if mask is None else mask


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
    """(byte, mask): which bits the signature asks for."""
    if not re.fullmatch(r"[0-9a-fA-F?]{2}", token):
        raise Cannot("malformed body")
    if token == "??":
        return rnd.randrange(0x21, 0x7f), 0
    if token[0] == "?":
        return 0x40 | int(token[1], 16), 0x0f
    if token[1] == "?":
        return int(token[0], 16) << 4 | 1, 0xf0
    return int(token, 16), 0xff


def _split_alternatives(inner):
    depth, start, out = 0, 0, []
    for i, c in enumerate(inner):
        depth += {"(": 1, ")": -1}.get(c, 0)
        if c == "|" and depth == 0:
            out.append(inner[start:i])
            start = i + 1
    return out + [inner[start:]]


BOUNDARY = {"B": b" ", "L": b"\r\n", "W": b" "}


def _not_one_of(alternatives, rnd):
    """Bytes of the same length that no alternative matches."""
    banned = [construct_masked(a, rnd) for a in alternatives]
    for c in range(0x61, 0x7b):
        if not any(all((c ^ b) & m == 0 for b, m in pairs) for pairs in banned):
            return [(c, 0xff)] * len(banned[0])
    raise Cannot("negation")


def construct_masked(body, rnd, wide=False):
    """List of (byte, mask) that the body matches, gaps at their smallest; mask 0: any byte will do."""
    out, i = [], 0
    zero = [(0, 0xff)] if wide else []
    while i < len(body):
        c = body[i]
        if c == "*":
            i += 1
        elif c in "{[":
            end = body.index("}" if c == "{" else "]", i)
            low = re.match(r"(\d*)", body[i + 1:end]).group(1)
            out += [(rnd.randrange(0x21, 0x7f), 0) for _ in range(int(low or 0))]
            i = end + 1
        elif c == "!" or c == "(":
            negated = c == "!"
            start = i + negated
            end = _group_end(body, start)
            inner = body[start + 1:end]
            if inner in BOUNDARY:
                out += [(b, 0xff) for b in (b"x" if negated else BOUNDARY[inner])]
            elif negated:
                out += _not_one_of(_split_alternatives(inner), rnd)
            else:
                out += construct_masked(rnd.choice(_split_alternatives(inner)), rnd, wide)
            i = end + 1
        else:
            out += [_byte(body[i:i + 2], rnd)] + zero
            i += 2
    return out


def construct_body(body, rnd):
    return bytes(b for b, _ in construct_masked(body, rnd))


def construct_sub(sub, rnd):
    offset, body, mods = sub
    place = parse_place(offset)
    pairs = construct_masked(body, rnd, "w" in mods)
    lead = 0
    if "f" in mods:
        edge = [(0x20, 0xff)] + ([(0, 0xff)] if "w" in mods else [])
        lead = 0 if place == ("abs", 0, 0) else len(edge)
        pairs = edge[:lead] + pairs + edge
    if re.match(r"\([BLW]\)", body):
        lead += len(BOUNDARY[body[1]])
    return Piece(bytes(b for b, _ in pairs), place, bytes(m for _, m in pairs), lead)


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
    """term (op term)*: & and | have no precedence. ClamAV splits a text outside parentheses at its first operator; inside
    parentheses at the last one, and reads what stands left of that like a text outside."""

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

    def parse(self, closed=False):
        terms, ops = [self.term()], []
        while self.peek() in ("&", "|") and self.peek():
            ops.append(self.take())
            terms.append(self.term())
        if closed and len(ops) > 1:
            return (ops[-1], _from_left(terms[:-1], ops[:-1]), terms[-1])
        return _from_left(terms, ops)

    def term(self):
        if self.peek() == "(":
            self.take()
            inner = self.parse(True)
            if self.i >= len(self.tok) or self.take() != ")":
                raise Cannot("malformed expression")
            return self.compare(("group", inner))
        if not self.peek().isdigit():
            raise Cannot("malformed expression")
        return self.compare(("sub", int(self.take())))

    def compare(self, node):
        if self.peek() not in ("=", "<", ">") or not self.peek():
            return node
        op = self.take()
        if self.peek() == op:
            self.take()  # "==" reads as "="
        value = self.number()
        distinct = 0
        if self.peek() == ",":
            self.take()
            if self.peek().isdigit():
                distinct = self.number()
        return ("cmp", node, op, value, distinct)


def _from_left(terms, ops):
    node = terms[-1]
    for term, op in zip(reversed(terms[:-1]), reversed(ops)):
        node = (op, term, node)
    return node


def wanted_counts(expr, impossible=()):
    """Map of subsignature number -> hits that make the expression true; 0 = must not be there. Those of `impossible` cannot
    be made to hit: avoided where the expression leaves the choice."""
    parser = _Parser(expr)
    tree = parser.parse()
    if parser.peek():
        raise Cannot("malformed expression")
    want = {}
    _want(tree, want, impossible)
    return want


def _members(node):
    if node[0] == "sub":
        return [node[1]]
    if node[0] in ("group", "cmp"):
        return _members(node[1])
    return _members(node[1]) + _members(node[2])


def _blocked(node, impossible):
    if node[0] == "|":
        return _blocked(node[1], impossible) and _blocked(node[2], impossible)
    if node[0] == "&":
        return _blocked(node[1], impossible) or _blocked(node[2], impossible)
    if node[0] == "sub":
        return node[1] in impossible
    if node[0] == "cmp":
        return node[2] != "<" and node[3] > 0 and all(m in impossible for m in _members(node))
    return _blocked(node[1], impossible)


def _want(node, want, impossible):
    if node[0] == "sub":
        want.setdefault(node[1], 1)
        if want[node[1]] == 0:
            raise Cannot("contradiction")
    elif node[0] == "group":
        _want(node[1], want, impossible)
    elif node[0] == "&":
        _want(node[1], want, impossible)
        _want(node[2], want, impossible)
    elif node[0] == "|":
        _want(node[2 if _blocked(node[1], impossible) else 1], want, impossible)
    else:
        _, inner, op, value, distinct = node
        need = {"=": value, ">": value + 1, "<": max(0, value - 1)}[op]
        members = sorted(dict.fromkeys(_members(inner)), key=lambda m: m in impossible)
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
    for key in ("HandlerType", "Intermediates"):
        if key in signature.attributes:
            raise Cannot(f"attribute {key}")
    pieces = []
    impossible = {i for i, sub in enumerate(signature.subs) if sub is None}
    for number, count in sorted(wanted_counts(signature.expr, impossible).items()):
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
