# SPDX-License-Identifier: Apache-2.0
"""Pictures as file structures, PNG, GIF, JPEG and TIFF: whole ones, one defect a file, and mutants by seed. Pixels mean nothing."""
import struct

SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
EXIF = segment(0xE1, b"Exif\0\0MM\0*" + bytes(20))
SPIFF = segment(0xE8, b"SPIFF\0" + bytes(20))
COMMENT = segment(0xFE, b"hello")
TABLES = segment(0xDB, bytes(65)) + segment(0xC0, b"\x08\0\x18\0\x18\3" + bytes(9)) + segment(0xC4, bytes(17))
SCAN = segment(0xDA, b"\3\1\0\2\0\3\0\0\x3f\0") + b"\x12\xff\0\x34\xff\xd0\x56" * 3


def jpeg(*head, tail=b""):
    return SOI + b"".join(head or (JFIF,)) + TABLES + SCAN + EOI + tail


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + b"crc!"


def png(tail=b""):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\4\0\0\0\4\x08\0\0\0\0") + chunk(b"IDAT", b"x" * 9) + chunk(b"IEND", b"") + tail


def gif(tail=b""):
    return b"GIF89a\4\0\4\0\x91\0\0" + bytes(12) + b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\4\0\4\0\0\2\5\x84\x1d\x99\x7a\5\0\x3b" + tail


def tiff(entries=None, order="<", off=8, following=0, tail=bytes(60)):
    entries = [(256, 3, 1, 4), (257, 3, 1, 4), (273, 4, 1, 8), (305, 2, 8, 30)] if entries is None else entries
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", off) + bytes(max(0, off - 8)) + struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        out += struct.pack(order + "HHII", tag, kind, count, value)
    return out + struct.pack(order + "I", following) + tail


def cases():
    """(name, bytes): whole files and one defect a file."""
    app = lambda marker, data=b"abcdef": segment(marker, data)  # noqa: E731
    yield "good.png", png()
    yield "good.gif", gif()
    yield "good.jpg", jpeg()
    yield "good.tif", tiff()
    yield "good-be.tif", tiff(order=">")
    yield "trailing.png", png(b"PK\3\4 behind")
    yield "trailing.gif", gif(b"PK\3\4 behind")
    yield "trailing.jpg", jpeg(tail=b"PK\3\4 behind")
    yield "long-chunk.png", png()[:8] + b"\x80\0\0\0IDAT" + bytes(20)
    yield "cut.png", png()[:30]
    yield "cut.gif", gif()[:44]
    yield "label.gif", gif()[:25] + b"\x55"
    for name, head in {
        "two-jfif": (JFIF, JFIF), "late-jfif": (app(0xE2), JFIF), "comment-exif-jfif": (COMMENT, EXIF, JFIF), "two-exif": (EXIF, EXIF), "two-spiff": (SPIFF, SPIFF),
        "jfif-spiff": (JFIF, SPIFF), "late-spiff": (app(0xE2), SPIFF), "short-jfif": (app(0xE0, b"JFIF\0"),), "short-exif": (app(0xE1, b"Exif\0\0"),),
        "short-spiff": (app(0xE8, b"SPIFF\0"),), "dtt": (app(0xF2),), "dti-dtt": (app(0xF1), app(0xF2)), "jpg7": (JFIF, app(0xF7)), "jpg7-first": (app(0xF7), JFIF, JFIF),
        "eoi": (JFIF, app(0xD9)), "length-0": (JFIF, b"\xff\xe2\0\0"), "length-long": (JFIF, b"\xff\xe2\xff\xff"), "comment-0": (JFIF, b"\xff\xfe\0\0"),
        "spurious-14": (JFIF, bytes(14)), "spurious-15": (JFIF, bytes(15)), "fill": (JFIF, b"\xff" * 15),
    }.items():
        yield name + ".jpg", jpeg(*head)
    whole = SOI + JFIF + TABLES
    for cut in (len(whole), len(whole) - 1, len(whole) - 2, 19, 21):
        yield "cut-%d.jpg" % cut, whole[:cut]
    yield "no-eoi.jpg", jpeg()[:-2]
    good = tiff()
    for cut in (7, 9, 20, 58 + 2, len(good) - 1):
        yield "cut-%d.tif" % cut, good[:cut]
    yield "offset-0.tif", tiff(off=8)[:4] + bytes(4) + good[8:]
    yield "next-self.tif", tiff(following=8)
    yield "next-far.tif", tiff(following=5000)
    yield "value-out.tif", tiff([(305, 2, 8, 9999)])
    yield "value-huge.tif", tiff([(305, 12, 0xFFFFFFFF, 0)])
    yield "type-13.tif", tiff([(305, 13, 8, 9999)])
    yield "two.tif", tiff([(256, 3, 1, 4)], following=40, tail=bytes(14) + struct.pack("<HHHIII", 1, 256, 3, 1, 4, 0))


def mutant(rnd):
    kind = rnd.randrange(6)
    head = [rnd.choice((JFIF, EXIF, SPIFF, COMMENT, segment(rnd.choice((0xE0, 0xE1, 0xE2, 0xE8, 0xED, 0xF1, 0xF2, 0xF7, 0xDB, 0xFE)), rnd.choice((b"", b"abc", b"abcdefgh")))))
            for _ in range(rnd.randrange(5))]
    data = bytearray(jpeg(*head) if kind <= 2 else tiff(order=rnd.choice("<>"), off=rnd.choice((8, 8, 20))) if kind <= 4 else rnd.choice((png, gif))())
    for _ in range(rnd.choice((0, 1, 1, 2))):
        at = rnd.randrange(4, len(data))
        what = rnd.randrange(4)
        if what == 0:
            data[at] = rnd.choice((0, 1, 2, 8, 0xFF, 0xD9, 0xDA, rnd.randrange(256)))
        elif what == 1:
            data[at:at] = rnd.choice((b"\0", b"\xff", b"\xff\xd9", bytes(rnd.randrange(20))))
        elif what == 2:
            del data[at:at + rnd.randrange(1, 6)]
        else:
            del data[max(at, 7):]
    return bytes(data)
