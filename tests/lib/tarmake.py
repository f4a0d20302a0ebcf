# SPDX-License-Identifier: Apache-2.0
"""TAR archives as no tool writes them: damaged ones, sizes that lie, maps of holes, headers of every kind. For tests/golden/archives/make.py;
what must come out is told beside each, from the layout and not by any reader."""
A, B, C = (b"%s one line of text\n" % w * 3 for w in (b"alpha", b"beta", b"gamma"))
END, USTAR, GNU = b"\0" * 1024, b"ustar\00000", b"ustar  \0"
LENGTH = b"%011o\0"


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def header(name, size, kind=b"0", magic=USTAR, field=None, rest=(), signed=False, wrong=0):
    """rest: more fields, (offset, bytes); field: the size as it stands there."""
    h = bytearray(512)
    fields = ((0, name), (100, b"0000644\0"), (124, LENGTH % size if field is None else field), (148, b" " * 8), (156, kind), (257, magic), *rest)
    for at, data in fields:
        h[at:at + len(data)] = data
    total = sum(b - 256 if signed and b > 127 else b for b in h) + wrong
    h[148:156] = b"%06o\0 " % total
    return bytes(h)


def member(name, data, **how):
    return header(name, len(data), **how) + padded(data)


def record(key, value):
    body = b" %s=%s\n" % (key, value)
    size = len(body) + 1
    while len(b"%d" % size) + len(body) != size:
        size += 1
    return b"%d" % size + body


def pax(*records, kind=b"x"):
    return member(b"PaxHeaders/1", b"".join(record(k, v) for k, v in records), kind=kind)


def slots(*extents):
    return b"".join(LENGTH % off + LENGTH % size for off, size in extents)


def holes(size, *extents):
    """The member: B's bytes at the extents, zeros between."""
    out, at = bytearray(size), 0
    for off, count in extents:
        out[off:off + count] = B[at:at + count]
        at += count
    return bytes(out)


def sparse_headers(first, last):
    """0.0, 0.1, 1.0: what comes between the members before and behind."""
    n = len(B)
    key = b"GNU.sparse."
    extents = ((512, 20), (2048, n - 20))
    text = [b"%d" % v for e in extents for v in e]
    old = pax((key + b"size", b"4000"), (key + b"numblocks", b"2"), *((key + (b"numbytes" if i % 2 else b"offset"), v) for i, v in enumerate(text)))
    map1 = pax((key + b"size", b"4000"), (key + b"map", b",".join(text)), (key + b"name", b"real"))
    one = pax((key + b"major", b"1"), (key + b"minor", b"0"), (key + b"name", b"real"), (key + b"realsize", b"4000"))
    front = padded(b"\n".join([b"2", *text]) + b"\n")
    bad = padded(b"\n".join([b"2", b"many", *text[1:]]) + b"\n")
    whole = holes(4000, *extents)
    yield "sparse-0.0", "", [A, whole, C], first + old + member(b"b", B) + last
    yield "sparse-0.1", "", [A, whole, C], first + map1 + member(b"b", B) + last
    yield "sparse-1.0", "", [A, whole, C], first + one + member(b"b", front + B) + last
    yield "sparse-1.0-bad-map", "damaged", [A, bad + B, C], first + one + member(b"b", bad + B) + last
    gnu = {"kind": b"S", "magic": GNU}
    many = ((512, 4), (1024, 4), (2048, 4), (3072, 4), (4096, 4), (5120, n - 20))
    block = slots(*many[4:]).ljust(512, b"\0")
    yield ("sparse-blocks", "", [A, holes(9000, *many), C],
           first + header(b"b", n, rest=((386, slots(*many[:4])), (482, b"\1"), (483, LENGTH % 9000)), **gnu) + block + padded(B) + last)
    for name, extent in (("too-much", (512, 4400)), ("too-little", (512, 8)), ("outside", (3990, n))):
        yield (f"sparse-{name}", "damaged", [A, B, C],
               first + header(b"b", n, rest=((386, slots(extent)), (483, LENGTH % 4000)), **gnu) + padded(B) + last)


def cases():
    """Name, note, contents, bytes."""
    a, b, c = member(b"a", A), member(b"b", B), member(b"c", C)
    last = c + END
    big = b"\x80" + len(B).to_bytes(11, "big")
    yield "first-damaged", "damaged", [B, C], member(b"a", A, wrong=1) + b + last
    yield "junk-between", "damaged", [A, B, C], a + b"J" * 512 + b + last
    yield "zeros-between", "", [A, B, C], a + b"\0" * 512 + b + END + last
    yield "short-tail", "", [A, B], a + b + b"\0" * 100
    yield "cut-header", "damaged", [A], a + b[:300]
    yield "cut-body", "damaged", [A, B[:30]], a + b[:542]
    yield "size-too-large", "damaged", [A, padded(B) + last, C], a + header(b"b", 8 << 30) + padded(B) + last
    yield "size-binary", "", [A, B, C], a + header(b"b", 0, field=big) + padded(B) + last
    yield "size-negative", "damaged", [A, C], a + header(b"b", 0, field=b"\xff" * 12) + padded(B) + last
    yield "size-huge", "damaged", [A, C], a + header(b"b", 0, field=b"\x80" + b"\x7f" * 11) + padded(B) + last
    yield "size-words", "damaged", [A, C], a + header(b"b", 0, field=b"some bytes  ") + padded(B) + last
    yield "sum-signed", "", [A, B, C], a + member(b"b\xe9\xff", B, signed=True) + last
    for name, kind in (("hard-link", b"1"), ("link", b"2"), ("device", b"3"), ("folder", b"5"), ("pipe", b"6")):
        yield f"body-of-{name}", "", [A, B, C], a + member(b"b", B, kind=kind) + last
        yield f"size-of-{name}", "", [A, C], a + header(b"b", len(B), kind=kind) + last
    yield "slash", "", [A, B, C], a + member(b"b/", B) + last
    for kind in b"\0\x377DNZ\xff":
        yield f"kind-{kind:02x}", "", [A, B, C], a + member(b"b", B, kind=bytes([kind])) + last
    yield "volume-label", "", [A, C], header(b"v", 0, kind=b"V", magic=GNU) + a + last
    yield "other-volume", "missing-volume", [B, C], member(b"b", B, kind=b"M", magic=GNU) + last
    long = member(b"././@LongLink", b"long/name/" * 30 + b"n\0", kind=b"L", magic=GNU)
    yield "long-name", "", [A, B, C], a + long + member(b"b", B, magic=GNU) + last
    yield "long-name-cut", "damaged", [A, B, C], a + header(b"././@LongLink", 1 << 20, kind=b"L", magic=GNU) + b + last
    yield "long-name-last", "damaged", [A], a + long + END
    yield "long-link", "", [A, C], a + member(b"././@LongLink", b"x" * 300, kind=b"K") + header(b"s", 0, kind=b"2", rest=((157, b"x"),)) + last
    yield "pax-path", "", [A, B, C], a + pax((b"path", b"some/b")) + b + last
    yield "pax-solaris", "", [A, B, C], a + pax((b"path", b"some/b"), kind=b"X") + b + last
    yield "pax-global", "", [A, B, C], a + pax((b"size", b"7"), (b"path", b"all"), kind=b"g") + b + last
    yield "pax-size", "", [A, B, C], a + pax((b"size", b"%d" % len(B))) + header(b"b", 0) + padded(B) + last
    yield "pax-size-bad", "damaged", [A, B, C], a + pax((b"size", b"-5")) + b + last
    yield "pax-link-body", "", [A, B, C], a + pax((b"linkpath", b"z" * 200)) + member(b"b", B, kind=b"1") + last
    yield "pax-no-records", "", [A, B, C], a + member(b"x", b"9999 path=zz\n", kind=b"x") + b + last
    yield "pax-long-comment", "", [A, B, C], a + pax((b"comment", b"z" * 9000), (b"path", b"some/b")) + b + last
    yield from sparse_headers(a, last)
