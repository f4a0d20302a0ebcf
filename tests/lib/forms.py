# SPDX-License-Identifier: Apache-2.0
"""Our own signatures, one for each form of the definition language, with files that just match and just fail to.

What is right is not written down here: the differential test asks clamscan. Each form has its own token, so that no
signature meets another one's file.
"""
import hashlib
import re

import forms_attrs
import hosts
import mkpe
import wraps

N = [0]


def token():
    """A fresh eight-byte literal that no other form uses."""
    N[0] += 1
    return b"Sk%02xq%02xZ" % (N[0], (N[0] * 37) & 0xff)


def hx(data):
    return data.hex()


class Forms:
    def __init__(self):
        self.ndb, self.ldb, self.hdb, self.mdb, self.files = [], [], [], [], {}
        self.other = {}  # further kinds of files: suffix -> lines

    def file(self, case, data):
        assert case not in self.files, case
        self.files[case] = data

    def body(self, name, build, *variants, offset="*", target=0):
        """build(token hex) -> body; variants: (word, bytes builder(token))."""
        t = token()
        self.ndb.append(f"Form.{name}:{target}:{offset}:{build(hx(t))}")
        for word, make in variants:
            self.file(f"form.{name}.{word}", make(t))

    def logic(self, name, expr, counts, tdb="Engine:51-255,Target:0", mods=None, subs=None):
        """counts: list of tuples, how often each subsignature's token stands in a file."""
        used = 1 + max(int(n) for n in re.findall(r"\d+", re.sub(r"[=<>]\d+(?:,\d+)?", "", expr)))
        counts = sorted({(row + (1,) * used)[:used] for row in counts})
        tokens = subs or [token() for _ in range(len(counts[0]))]
        bodies = [hx(t) + ("::" + mods[i] if mods and mods[i] else "") for i, t in enumerate(tokens)]
        self.ldb.append(f"Logic.{name};{tdb};{expr};" + ";".join(bodies))
        for row in counts:
            data = b"\x01\x02host\x00\x03"
            for t, n in zip(tokens, row):
                data += b"".join(b"..%b.\n" % t for _ in range(n))
            self.file(f"logic.{name}.{'-'.join(map(str, row))}", data + b"\x00end of file")


def bodies(f):
    pre = b"\x01\x02some host data\x00\xff"
    f.body("plain", lambda h: h, ("yes", lambda t: pre + t + b"tail"), ("no", lambda t: pre + t[:-1] + b"\x00tail"))
    f.body("any", lambda h: h + "??" + "41424344", ("yes", lambda t: pre + t + b"xABCDe"), ("no", lambda t: pre + t + b"xyABCDe"))
    f.body("high", lambda h: h + "4?" + "5152", ("yes", lambda t: pre + t + b"\x4fQRs"), ("no", lambda t: pre + t + b"\x5fQRs"))
    f.body("low", lambda h: h + "?a" + "5152", ("yes", lambda t: pre + t + b"\x7aQRs"), ("no", lambda t: pre + t + b"\x7bQRs"))
    gaps = (("star", "*", (0, 1, 500, 70000)), ("exact5", "{5}", (4, 5, 6)), ("exact200", "{200}", (199, 200, 201)),
            ("most", "{-6}", (0, 6, 7)), ("least", "{6-}", (5, 6, 3000)), ("range", "{3-6}", (2, 3, 6, 7)),
            ("rangefar", "{300-400}", (299, 300, 400, 401)))
    for name, gap, distances in gaps:
        t2 = token()
        f.body("gap-" + name, lambda h, g=gap, t2=t2: h + g + hx(t2),
               *[(str(d), lambda t, d=d, t2=t2: pre + t + b"-" * d + t2 + b"tail") for d in distances])
    t2 = token()
    f.body("gap-order", lambda h: h + "*" + hx(t2), ("yes", lambda t: pre + t + t2), ("no", lambda t: pre + t2 + t))
    t3, t4 = token(), token()
    f.body("gap-chain", lambda h: h + "{2-4}" + hx(t3) + "*" + hx(t4),
           ("yes", lambda t: pre + t + b"..." + t3 + b"more" + t4), ("no1", lambda t: pre + t + b"." + t3 + t4),
           ("second", lambda t: pre + t + b"." + t3 + b" " + t + b"..." + t3 + b" " + t4))
    f.body("anchor-left", lambda h: "5a[2-4]" + h, ("yes", lambda t: pre + b"Z..." + t + b" "), ("no", lambda t: pre + b"Z....." + t + b" "))
    f.body("anchor-right", lambda h: h + "[1-3]5a", ("yes", lambda t: pre + t + b"..Z "), ("no", lambda t: pre + t + b"....Z "))
    f.body("alt-byte", lambda h: h + "(41|42)" + "5152", ("yes", lambda t: pre + t + b"BQRs"), ("no", lambda t: pre + t + b"CQRs"))
    f.body("alt-equal", lambda h: h + "(4142|4344|4546)" + "5152", ("yes", lambda t: pre + t + b"EFQRs"), ("no", lambda t: pre + t + b"AFQRs"))
    f.body("alt-various", lambda h: h + "(41|424344|4546)" + "5152", ("yes", lambda t: pre + t + b"BCDQRs"),
           ("yes2", lambda t: pre + t + b"AQRs"), ("no", lambda t: pre + t + b"BCQRs"))
    f.body("alt-nested", lambda h: h + "(41|42(43|4445)46)" + "5152", ("yes", lambda t: pre + t + b"BDEFQRs"), ("no", lambda t: pre + t + b"BDFQRs"))
    f.body("alt-first", lambda h: "(61|62)" + h, ("yes", lambda t: pre + b"b" + t + b" "), ("no", lambda t: pre + b"c" + t + b" "))
    f.body("alt-nibble", lambda h: h + "(4?|6162)" + "5152", ("yes", lambda t: pre + t + b"\x4cQRs"), ("no", lambda t: pre + t + b"\x5cQRs"))
    f.body("not-byte", lambda h: h + "!(41|42)" + "5152", ("yes", lambda t: pre + t + b"CQRs"), ("no", lambda t: pre + t + b"AQRs"))
    f.body("not-equal", lambda h: h + "!(4142|4344)" + "5152", ("yes", lambda t: pre + t + b"ADQRs"), ("no", lambda t: pre + t + b"CDQRs"))
    for kind, yes, no in (("B", b" ", b"x"), ("L", b"\r\n", b"x"), ("W", b"-", b"x")):
        f.body(f"bound-{kind}-end", lambda h, k=kind: h + f"({k})", ("yes", lambda t, y=yes: pre + t + y + b"q"),
               ("no", lambda t, n=no: pre + t + n + b"q"), ("eof", lambda t: pre + t))
        f.body(f"bound-{kind}-start", lambda h, k=kind: f"({k})" + h, ("yes", lambda t, y=yes: pre + b"q" + y + t + b"."),
               ("no", lambda t, n=no: pre + b"q" + n + t + b"."), ("start", lambda t: t + pre))
        f.body(f"bound-{kind}-not", lambda h, k=kind: h + f"!({k})", ("no", lambda t, y=yes: pre + t + y + b"q"),
               ("yes", lambda t, n=no: pre + t + n + b"q"))


def offsets(f):
    def raw(at, size=400):
        return lambda t: (b"\x01" * at + t + b"\x02" * size)
    f.body("off-0", lambda h: h, ("yes", raw(0)), ("no", raw(1)), offset="0")
    f.body("off-n", lambda h: h, ("yes", raw(100)), ("less", raw(99)), ("more", raw(101)), offset="100")
    f.body("off-shift", lambda h: h, ("low", raw(100)), ("high", raw(110)), ("past", raw(111)), ("less", raw(99)), offset="100,10")
    f.body("off-eof", lambda h: h, ("yes", lambda t: b"\x01" * 300 + t + b"\x02" * 42), ("no", lambda t: b"\x01" * 300 + t + b"\x02" * 43), offset="EOF-50")
    f.body("off-eof-shift", lambda h: h, ("a", lambda t: b"\x01" * 300 + t + b"\x02" * 42), ("b", lambda t: b"\x01" * 300 + t + b"\x02" * 35),
           ("c", lambda t: b"\x01" * 300 + t + b"\x02" * 31), offset="EOF-50,10")
    f.body("off-gap", lambda h: h + "{2-9}" + "51525354", ("yes", lambda t: b"\x01" * 64 + t + b"....QRST..."),
           ("no", lambda t: b"\x01" * 65 + t + b"....QRST..."), offset="64")

    def pe(at):
        def make(t):
            image = mkpe.PE(size=0x4000, entry=0x1400, lfanew=0x80, headers=0x400)
            image.image = 0x4000
            for i, start in enumerate((0x1000, 0x2000, 0x3000)):
                image.section(b".s%d" % i, start, 0x1000, start, 0x1000)
            image.put(at, t)
            return image.bytes()
        return make
    places = {"EP+0": 0x1400, "EP+16": 0x1410, "EP-32": 0x13e0, "S0+0": 0x1000, "S1+64": 0x2040, "SL+8": 0x3008}
    for offset, at in places.items():
        name = offset.replace("+", "p").replace("-", "m")
        f.body("pe-" + name, lambda h: h, ("yes", pe(at)), ("no", pe(at + 1)), offset=offset, target=1)
        f.body("pe-shift-" + name, lambda h: h, ("yes", pe(at + 5)), ("no", pe(at + 6)), offset=offset + ",5", target=1)
    f.body("pe-SE1", lambda h: h, ("first", pe(0x2000)), ("last", pe(0x2ff8)), ("before", pe(0x1fff)), ("after", pe(0x3000)), offset="SE1", target=1)
    f.body("pe-none", lambda h: h, ("raw", lambda t: b"\x01" * 0x1400 + t), offset="EP+0", target=1)
    for target in (0, 1, 6):
        f.body(f"target-{target}", lambda h: h, ("pe", pe(0x2100)), ("raw", raw(9)), target=target)
    for target, head in sorted(hosts.HEAD.items()):
        low = target in (3, 7)  # their signatures see the normalised, lower-case text
        f.body(f"type-{target}", lambda h, low=low: hx(bytes.fromhex(h).lower()) if low else h, ("own", lambda t, head=head: head + b"\n" + t + b"\n" + b" " * 40),
               ("raw", raw(9)), target=target)


def logic(f):
    grid2 = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (1, 2), (3, 0), (0, 3)]
    for name, expr in (("and", "0&1"), ("or", "0|1"), ("not", "0&1=0"), ("count", "0>1"), ("exact", "0=2|1=2"), ("less", "0&1<2"),
                       ("sum", "(0|1)>2"), ("sumand", "(0&1)>2"), ("sumeq", "(0|1)=3"), ("sumless", "0&(0|1)<3"), ("distinct", "(0|1)>1,2"),
                       ("group0", "2&((0&1)=0|0>2)"), ("paren", "((0)&(1))")):
        f.logic(name, expr, grid2)
    grid3 = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)] + [(2, 1, 0), (0, 2, 2), (3, 3, 1)]
    for name, expr in (("prec1", "0&1|2"), ("prec2", "0|1&2"), ("prec3", "0|1|2"), ("nest", "(0|1)&2"), ("nest2", "0&(1|2)"), ("deep", "((0&1)|(1&2))"),
                       ("dist3", "(0|1|2)>2,2"), ("dist3b", "(0|1|2)=4,2"), ("mixed", "(0>1|1)&2=0"), ("notgroup", "0&(1|2)=0")):
        f.logic(name, expr, grid3)
    a, b = b"SkMixCase" + token(), token()
    f.ldb.append(f"Logic.nocase;Engine:51-255,Target:0;0&1;{hx(a)}::i;{hx(b)}")
    for word, data in (("same", a), ("upper", a.upper()), ("lower", a.lower()), ("other", a[:-1])):
        f.file(f"logic.nocase.{word}", b"\x01\x02" + data + b".." + b + b".")
    w = token()
    f.ldb.append(f"Logic.wide;Engine:51-255,Target:0;0;{hx(w)}::w")
    w2 = token()
    f.ldb.append(f"Logic.wideascii;Engine:51-255,Target:0;0;{hx(w2)}::wa")
    w3 = token()
    f.ldb.append(f"Logic.widenocase;Engine:51-255,Target:0;0;{hx(w3)}::wi")
    w4 = token()
    f.ldb.append(f"Logic.fullword;Engine:51-255,Target:0;0;{hx(w4)}::f")
    w5 = token()
    f.ldb.append(f"Logic.widefull;Engine:51-255,Target:0;0;{hx(w5)}::wf")
    for name, t in (("wide", w), ("wideascii", w2), ("widenocase", w3), ("fullword", w4), ("widefull", w5)):
        wide = b"".join(bytes([c, 0]) for c in t)
        for word, data in (("ascii", t), ("wide", wide), ("wideupper", wide.upper()), ("left", b"x" + t + b" "), ("right", b" " + t + b"x"),
                           ("both", b" " + t + b"."), ("wideboth", b" \0" + wide + b".\0"), ("wideleft", b"x\0" + wide + b" \0")):
            f.file(f"logic.{name}.{word}", b"\x01\x02  " + data + b"  \x00\x00")
    for name, tdb, sizes in (("size", "FileSize:500-600", (499, 500, 600, 601)), ("sizehigh", "FileSize:500-", (499, 500))):
        t = token()
        if tdb.endswith("-"):
            continue  # ClamAV wants both ends
        f.ldb.append(f"Logic.{name};Engine:51-255,Target:0,{tdb};0;{hx(t)}")
        for size in sizes:
            f.file(f"logic.{name}.{size}", (b"\x01\x02" + t).ljust(size, b"\x05"))


def regexes(f):
    """Regular expressions: every row meets every file of the group."""
    w, none = token(), token()
    rows = {
        "plain": "0&1;0/foo/", "pos": "0&1;10:0/foo/", "pos-r": "0&1;10:0/foo/r", "pos-shift": "0&1;10,5:0/foo/", "pos-shift-e": "0&1;10,5:0/foo/e",
        "pos-shift-r": "0&1;10,5:0/foo/r", "pos-shift-re": "0&1;10,5:0/foo/re", "pos-e": "0&1;10:0/foo/e", "star-e": "0&1;*:0/foo/e",
        "eof": "0&1;EOF-5:0/foo/", "eof-r": "0&1;EOF-5:0/foo/r", "eof-shift": "0&1;EOF-5,2:0/foo/", "eof-shift-e": "0&1;EOF-5,2:0/foo/e",
        "once": "0&1>1;0/foo/", "one": "0&1=1;0/foo/", "all-more": "0&1>1;0/foo/g", "all-two": "0&1=2;0/foo/g", "all-three": "0&1=3;0/foo/g", "sum": "(0|1)>2;0/foo/g",
        "absent": "0&1=0;0/foo/", "trigger-two": "0&1;0>1/foo/", "slash": "0&1;0/fo/o/", "slash-escaped": "0&1;0/fo\\/o/", "mods": "0&1;0/foo/::i", "i": "0&1;0/foo/i",
        "semicolon": "0&1;0/f;oo/", "colon": "0&1;0/f:oo/", "colon-pos": "0&1;10:0/f:oo/", "s": "0&1;0/f.oo/s", "no-s": "0&1;0/f.oo/", "m": "0&1;0/^foo$/m",
        "no-m": "0&1;0/^foo$/", "E": "0&1;0/foo$/E", "no-E": "0&1;0/foo$/", "x": "0&1;0/f o o/x", "A": "0&1;0/foo/A", "A-pos": "0&1;10:0/foo/A", "U": "0&1=2;0/f.*o/gU",
        "no-U": "0&1=2;0/f.*o/g", "empty": "0&1;0/q*/", "pos-all": "0&1=2;10:0/foo/g", "pos-all-r": "0&1=2;10:0/foo/rg", "pos-one-r": "0&1=1;10:0/foo/rg",
        "shift-all": "0&1=2;10,5:0/foo/g", "shift-one": "0&1=1;10,5:0/foo/g", "shift-all-e": "0&1=2;10,20:0/foo/ge", "shift-all-r": "0&1=2;10,5:0/foo/gr", "shift-end-e": "0&1;10,5:0/foo$/e",
        "behind": "0&1;10:0/(?<=x)foo/", "caret-pos": "0&1;10:0/^foo/", "caret-r": "0&1;10:0/^foo/r", "caret-m": "0&1;10:0/^foo/m", "caret-shift": "0&1;10,5:0/^foo/", "double-colon": "0&1;0/a::b/",
        "far": "0&1;500:0/x*/r", "class": "0&1;0/[f-g][^a-n]{2}\\b/", "named": "0&1;0/(?P<x>fo)o.*?(?P=x)/s", "ahead": "0&1;0/fo(?=o)(?!oo)/"}
    for name, row in rows.items():
        expr, regex = row.split(";", 1)
        f.ldb.append(f"Regex.{name};Engine:81-255,Target:0;{expr};{hx(w)};{regex}")
    f.ldb.append(f"Regex.no-trigger;Engine:81-255,Target:0;0=0&1;{hx(none)};0=0/foo..{hx(w)[:2]}*/")
    f.ldb.append(f"Regex.on-regex;Engine:81-255,Target:0;0&1&2;{hx(w)};0/foo/;1/bar/")
    f.ldb.append(f"Regex.on-count;Engine:81-255,Target:0;0&1&2;{hx(w)};0/foo/g;1>1/bar/")
    f.ldb.append(f"Regex.middle;Engine:81-255,Target:0;0&1&2;{hx(w)};0/a;b/;666f6f")

    def at(off, text, size=60):
        data = bytearray(b"." * size)
        data[off:off + len(text)] = text
        return bytes(data) + w + b".."
    for off in (0, 8, 9, 10, 11, 12, 13, 14, 15, 16, 30):
        f.file(f"regex.at-{off:02d}", at(off, b"foo"))
    for word, off, text in (("x10", 9, b"xfoo"), ("two", 10, b"foofoo"), ("two-apart", 20, b"foo...foo"), ("three", 20, b"foo.foo.foo"), ("upper", 20, b"FOO"),
                            ("slash", 20, b"fo/o"), ("semicolon", 20, b"f;oo"), ("colon", 20, b"f:oo"), ("colon10", 10, b"f:oo"), ("newline", 20, b"f\noo"),
                            ("bar", 20, b"foo..bar"), ("bar-two", 20, b"foo.foo.bar"), ("bar-first", 20, b"bar.foo"), ("trigger-two", 20, w + b"foo"), ("none", 0, b""),
                            ("10-14", 10, b"foo.foo"), ("10-15", 10, b"foo..foo"), ("10-16", 10, b"foo...foo"), ("10-20", 10, b"foo.......foo"), ("colons", 20, b"a::b"), ("ab", 20, b"a;b foo")):
        f.file(f"regex.{word}", at(off, text))
    f.file("regex.no-trigger", b"..........foo..........")
    f.file("regex.line", w + b"..\nfoo\n....")
    f.file("regex.end", w + b"....foo")
    f.file("regex.end-newline", w + b"....foo\n")
    f.file("regex.caret10", b".........\nfoo" + w + b"....")
    for k in range(3, 9):
        f.file(f"regex.eof-{k}", w + b"." * 20 + b"foo" + b"." * (k - 3))
    far = token()
    f.ldb.append(f"Regex.span;Engine:81-255,Target:0;0&1;{hx(far)};0/begin.*finish/s")
    f.file("regex.span-far", far + b"begin" + b"." * 1_000_000 + b"finish")
    f.file("regex.span-before", b"begin" + b"." * 500_000 + b"finish" + b"." * 300_000 + far)
    deep = token()
    f.ldb.append(f"Regex.deep;Engine:81-255,Target:0;0&1;{hx(deep)};0/A(b|c)*?D/")
    for n in (100, 800, 1500, 4000):
        f.file(f"regex.deep-{n}", deep + b"A" + b"bc" * n + b"D")


COMPARES = {  # comparison: what stands at its place, four bytes behind the start of the token
    "ib1#=65": ("A", "B"), "il1#=65": ("A",), "i1#=65": ("A",), "ib2#=16706": ("AB", "BA"), "il2#=16961": ("AB",), "ib4#=1094861636": ("ABCD",), "ib8#=4702111234474983745": ("A" * 8,),
    "il8#>100": ("\xff" * 8, "A" * 8, "\x01" + "\0" * 7), "ib4#>100": ("\xff" * 4,), "ib4#<0": ("\xff" * 4,), "ib8#=-1": ("\xff" * 8,), "il8#<0": ("\xff" * 8,), "ib4#=-1": ("\xff" * 4,),
    "d2#=42": ("42", "427", " 42", "4x", "x4", "+42"), "d4#=42": ("42..", "0042", "  42", "42  ", "4 2 ", "42\0\0", "42ab", "+042", "-042"), "de4#=42": ("42..", "0042", "  42", "42  "),
    "d4#=0": ("xxxx", "0xxx", "    "), "d4#<0": ("-042",), "d4#=-42": ("-042",), "d3#=52": ("052",), "d20#>5": ("0" * 18 + "42", "9" * 20), "d30#=42": ("42" + "." * 28, "42" + "." * 10), "db2#=42": ("42",),
    "h4#=42": ("002a", "2a.."), "hb4#=42": ("002a", "2a..", "0x2a", "2A..", "  2a", "2ag0", "x02a", "02a0"), "hb4#=10752": ("2a00",), "hb3#=42": ("02a", "2a."), "hbe4#=42": ("002a", "2a..", "0x2a", "  2a"),
    "hl4#=42": ("002a", "2a00", "a200", "2a..", "0x2a", "2A..", "  2a", "2ag0", "2a0."), "hl4#=4660": ("3412", "1234", "2143", "4321"), "hl3#=42": ("2a0", "02a"), "hle4#=42": ("2a00", "2a.."),
    "hb6#=42": ("0x002a", "0x2a..", "2a...."), "hl6#=42": ("0x2a00", "2a0000", "0x2a..", "0x002a"), "hb16#>5": ("f" * 16, "7" + "f" * 15, "0" * 15 + "6"), "hb4#=0": ("zzzz", "0zzz"),
    "a4#=42": ("0x2a", "0042"), "ab4#=42": ("0x2a", "0042", "42..", "002a", "2a..", "052.", "0X2A", "42ab", " 42."), "al4#=42": ("0x2a", "2a00", "42..", "0042", "4200"), "abe4#=42": ("0x2a", "0042", "42.."),
    "ab6#=42": ("0x2a00", "0x002a", "000042", "42...."), "al6#=42": ("0x2a00", "0x002a", "000042"), "ab4#=66": ("0042", "0x42"), "ib1#>65,<70": ("A", "B", "E", "F"), "ib1#=65,=66": ("A",), "ib1#=0x41": ("A",),
    "ib1#=010": ("\x08", "\x0a"), "ib1#=": ("\0", "A"), "bi1#=65": ("A",), "ie1#=65": ("A",), "ibe1#=65": ("A",), "ib0x2#=16706": ("AB",), "ib1#=99999999999999999999": ("A",)}


def compares(f):
    for number, (options, values) in enumerate(COMPARES.items()):
        t = token()
        f.ldb.append(f"Compare.{number};Engine:100-255,Target:0;0&1;{hx(t)};0(>>{len(t)}#{options})")
        for k, value in enumerate(values):
            f.file(f"compare.{number}-{k}", b"\x01\x02.." + t + value.encode("latin-1") + b"..zz")
    t = token()
    for name, row in (("before", "0&1;0(<<1#ib1#=46)"), ("start", "0&1;0(>>0#ib1#=83)"), ("absent", "0&1=0;0(>>8#ib1#=65)"), ("once", "0&1>1;0(>>8#ib1#=65)"), ("missing", "0&1;5(>>8#ib1#=65)"),
                      ("self", "0&1;1(>>8#ib1#=65)"), ("tail", "0&1;0(>>8#ib1#=65)::i"), ("place-sign", "0&1;0(>>-1#ib1#=46)"), ("octal", "0&1;0(>>010#ib1#=65)"), ("less", "0&1<1;0(>>8#ib1#=65)")):
        expr, row = row.split(";", 1)
        f.ldb.append(f"Compare.{name};Engine:100-255,Target:0;{expr};{hx(t)};{row}")
    f.ldb.append(f"Compare.later;Engine:100-255,Target:0;0&1;1(>>8#ib1#=65);{hx(t)}")
    f.ldb.append(f"Compare.on-regex;Engine:100-255,Target:0;0&1&2;{hx(t)};0/foo/;1(>>3#ib1#=65)")
    f.ldb.append(f"Compare.regex-on;Engine:100-255,Target:0;0&1&2;{hx(t)};0(>>8#ib1#=65);1/foo/")
    f.ldb.append(f"Compare.on-compare;Engine:100-255,Target:0;0&1&2;{hx(t)};0(>>8#ib1#=65);1(>>1#ib1#=66)")
    f.ldb.append(f"Compare.wide;Engine:100-255,Target:0;0&1;{hx(t)}::wa;0(>>1#ib1#={t[1]})")
    wide = b"".join(bytes([c, 0]) for c in t)
    for word, data in (("A", b".." + t + b"A...."), ("B", b".." + t + b"B...."), ("AA", b".." + t + b"A..." + t + b"A..."), ("AB", b".." + t + b"A..." + t + b"B..."),
                       ("BA", b".." + t + b"B..." + t + b"A..."), ("at0", t + b"A........"), ("at1", b"." + t + b"A........"), ("cut", b"........" + t), ("foo", b".." + t + b"A...fooA..."),
                       ("wide-last", b".." + t + b"..." + wide + b"...."), ("ascii-last", b".." + wide + b"..." + t + b"....")):
        f.file(f"compare.{word}", data)
    t, t2 = token(), token()
    f.ldb.append(f"Compare.chain;Engine:100-255,Target:0;0&1;{hx(t)}*{hx(t2)};0(>>8#ib1#=65)")
    f.ldb.append(f"Compare.chain-gap;Engine:100-255,Target:0;0&1;{hx(t)}{{2-5}}{hx(t2)};0(>>8#ib1#=65)")
    f.file("compare.chain-yes", b"..." + t + b"A..." + t2 + b"....")
    f.file("compare.chain-no", b"..." + t + b"B..." + t2 + b"....")
    f.file("compare.chain-second", b"..." + t + b"B..." + t2 + b"...." + t + b"A..." + t2 + b".....")


def macros(f):
    """A macro holds where its group stands behind the subsignature before it. clamscan looks only when that one comes once more."""
    a, b, c, d = token(), token(), token(), token()
    for offset, body in (("$5", b), ("$6$", c), ("$5,3", d)):
        f.ndb.append(f"Form.macro-body-{offset[1]}:0:{offset}:{hx(body)}")
    n = len(a)
    for name, expr, subs in (("near", "0&1", f"{hx(a)};${{{n}-{n + 4}}}5$"), ("other-group", "0&1", f"{hx(a)};${{0-100}}6$"), ("empty-group", "0&1", f"{hx(a)};${{0-100}}7$"),
                             ("never", "0&1", f"{hx(a)};${{9-8}}5$"), ("first", "0&1", f"${{0-100}}5$;{hx(a)}"), ("on-macro", "0&1&2", f"{hx(a)};${{0-100}}5$;${{0-100}}5$"),
                             ("other-target", "0&1", f"{hx(a)};${{0-100}}8$")):
        f.ldb.append(f"Macro.{name};Engine:51-255,Target:0;{expr};{subs}")
    f.ndb.append(f"Form.macro-body-8:1:$8:{hx(b)}")
    pre = b"\x01\x02some host data\x00\xff"
    for word, data in (("again", a + b + a), ("again-far", a + b"...." + b + a), ("again-too-far", a + b"....." + b + a), ("second", a + d + a), ("six", a + c + a),
                       ("before", b + a + a), ("none", a + a), ("alone", b), ("once", a + b)):
        f.file(f"macro.{word}", pre + data + b"..tail")


def twice_modified(f):
    """Where `::` stands twice, what is in front of the first one is the body, without modifiers; one official signature is like that."""
    a, b = b"SkTwice" + token(), token()
    f.ldb.append(f"Twice.star;Engine:81-255,Target:0;0;{hx(a)}::i*{hx(b)}::i")
    f.ldb.append(f"Twice.row;Engine:81-255,Target:0;0;{hx(a)}::w::i")
    for word, data in (("same", a + b".." + b), ("first", a), ("upper", a.upper() + b".." + b), ("wide", b"".join(bytes([c, 0]) for c in a)), ("last", b)):
        f.file(f"twice.{word}", b"\x01\x02" + data + b"\x00tail")


def embedded(f):
    """Objects inside the bytes of others: members of archives behind anything, programs inside programs and early in data."""
    t, low, own = token(), b"sklow" + token().lower(), token()
    f.ldb.append(f"Inside.pe;Engine:51-255,Target:1;0;{hx(t)}")
    f.ldb.append(f"Inside.pe-container;Engine:51-255,Target:1,Container:CL_TYPE_MSEXE;0;{hx(t)}")
    f.ldb.append(f"Inside.text;Engine:51-255,Target:7;0;{hx(low)}")
    for kind in ("ZIP", "7Z", "ISO9660"):
        f.ldb.append(f"Inside.in-{kind};Engine:51-255,Target:7,Container:CL_TYPE_{kind};0;{hx(low)}")

    def program(inside):
        image = mkpe.PE(size=0x2000, entry=0x1400, lfanew=0x80, headers=0x400)
        image.image = 0x2000
        image.section(b".a", 0x1000, 0x1000, 0x1000, 0x1000)
        image.put(0x1100, inside)
        return image.bytes()
    gif = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    swf = b"FWS\x09" + (100).to_bytes(4, "little") + bytes(92)
    hosts_of = {"data": bytes([1, 2, 0, 0, 0, 0xff, 0, 0]) * 40, "far": bytes([1, 2, 0, 0, 0, 0xff, 0, 0]) * 9000, "pe": program(own), "gif": gif, "swf": swf}
    objects = {"pe": program(t)}
    for kind, name in (("zip", "zip-deflate"), ("7z", "7z"), ("iso", "iso")):
        made = wraps.wrap(name, b"a line with " + low + b" in it\n" * 20)
        if made is not None:
            objects[kind] = made
    for host, before in hosts_of.items():
        for kind, data in objects.items():
            f.file(f"inside.{host}.{kind}", before + data + bytes(16))


def hashes(f):
    for name, algorithm in (("md5", hashlib.md5), ("sha1", hashlib.sha1), ("sha256", hashlib.sha256)):
        data = b"\x01\x02hash object " + name.encode() * 9
        f.hdb.append(f"{algorithm(data).hexdigest()}:{len(data)}:Hash.{name}")
        f.file(f"hash.{name}.yes", data)
        f.file(f"hash.{name}.longer", data + b"x")
        other = b"\x01\x02hash of any size " + name.encode() * 7
        f.hdb.append(f"{algorithm(other).hexdigest()}:*:Hash.any-{name}:73")
        f.file(f"hash.any-{name}.yes", other)
        wrong = b"\x01\x02hash with a wrong size " + name.encode()
        f.hdb.append(f"{algorithm(wrong).hexdigest()}:{len(wrong) + 1}:Hash.size-{name}")
        f.file(f"hash.size-{name}.no", wrong)
    image = mkpe.PE(size=0x3000, entry=0x1400, lfanew=0x80, headers=0x400)
    image.image = 0x3000
    image.section(b".a", 0x1000, 0x1000, 0x1000, 0x1000)
    image.section(b".b", 0x2000, 0x1000, 0x2000, 0x1000)
    data = image.bytes()
    for name, algorithm in (("md5", hashlib.md5), ("sha1", hashlib.sha1), ("sha256", hashlib.sha256)):
        f.mdb.append(f"4096:{algorithm(data[0x2000:0x3000]).hexdigest()}:Section.{name}")
    f.file("section.yes", data)
    f.file("section.no", data[:0x2000] + b"\x00" + data[0x2001:])
    f.file("section.raw", data[0x2000:0x3000])


def write(definitions, files):
    N[0] = 0
    f = Forms()
    for part in (bodies, offsets, logic, regexes, compares, macros, twice_modified, embedded, hashes):
        part(f)
    forms_attrs.add(f, token)
    for suffix, lines in (("ndb", f.ndb), ("ldb", f.ldb), ("hdb", f.hdb), ("mdb", f.mdb), *f.other.items()):
        (definitions / f"forms.{suffix}").write_text("".join(line + "\n" for line in lines))
    for name, data in f.files.items():
        (files / name).write_bytes(data)
    return len(f.files)
