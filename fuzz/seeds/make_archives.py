#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the seeds of the archive and codec fuzz targets, small and encoded. They stand in the tree; run again to add kinds.
Needs zip, 7z, xz, zstd for all of them; kinds whose tool is missing are left as they are."""
import base64
import bz2
import gzip
import io
import lzma
import pathlib
import shutil
import struct
import subprocess
import tempfile
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
TEXT = b"".join(b"line %d of a seed, " % i for i in range(30))
FAR = TEXT + bytes((i * i >> 3) & 255 for i in range(50000)) + TEXT + b"z" * 70000


def save(target, name, data):
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.b64").write_bytes(base64.encodebytes(data))


def lzma_streams(lzip):
    """What fuzz_lzma.c tells apart by the first byte: .lz, .lzma, LZMA with properties and size, LZMA2."""
    def raw(kind, data, **options):
        return lzma.compress(data, format=lzma.FORMAT_RAW, filters=[{"id": kind, "dict_size": 1 << 12, **options}])
    text, noise = TEXT * 3, bytes((i * i * 7919 >> 5) & 255 for i in range(5000))
    save("lzma", "lzip", b"\0" + lzip)
    save("lzma", "alone", b"\1" + lzma.compress(TEXT, format=lzma.FORMAT_ALONE))
    for name, (lc, lp, pb) in {"usual": (3, 0, 2), "places": (0, 4, 4), "plain": (0, 0, 0)}.items():
        props = struct.pack("<BI", (pb * 5 + lp) * 9 + lc, 1 << 12)
        packed = raw(lzma.FILTER_LZMA1, text + noise, lc=lc, lp=lp, pb=pb)
        save("lzma", f"{name}-marked", b"\2" + props + b"\0\0" + packed)
        save("lzma", f"{name}-sized", b"\x82" + props + struct.pack("<H", len(text + noise)) + packed)
    save("lzma", "chunks", b"\3\0" + raw(lzma.FILTER_LZMA2, text + noise + text))
    save("lzma", "noise", b"\3\0" + raw(lzma.FILTER_LZMA2, noise))


def python_zip(*members, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, method, data in members:
            z.writestr(zipfile.ZipInfo(name), data, compress_type=method)
        z.comment = comment
    return out.getvalue()


class Unseekable(io.RawIOBase):
    """Makes zipfile write data descriptors."""
    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, b):
        self.data += bytes(b)
        return len(b)


def streamed_zip():
    out = Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("streamed", TEXT)
        z.writestr("stored", b"abc", compress_type=zipfile.ZIP_STORED)
    return out.data


def tool_zip(*options, data=TEXT):
    if shutil.which("7z") is None:
        return None
    with tempfile.TemporaryDirectory() as d:
        path = pathlib.Path(d)
        (path / "member.txt").write_bytes(data)
        subprocess.run(["7z", "a", "-tzip", *options, "out.zip", "member.txt"], cwd=d, check=True, stdout=subprocess.DEVNULL)
        return (path / "out.zip").read_bytes()


def member_data(archive):
    """Packed bytes of the first member."""
    name, extra = struct.unpack_from("<HH", archive, 26)
    with zipfile.ZipFile(io.BytesIO(archive)) as z:
        size = z.infolist()[0].compress_size
    start = 30 + name + extra
    return archive[start:start + size]


def zips():
    S, D, B, L = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA
    plain = python_zip(("a.txt", S, b"stored"), ("b/", S, b""), ("b/c.txt", D, TEXT))
    save("zip", "plain", plain)
    save("zip", "bzip2", python_zip(("x", B, TEXT)))
    save("zip", "lzma", python_zip(("x", L, TEXT)))
    save("zip", "streamed", streamed_zip())
    save("zip", "comment", python_zip(("x", D, TEXT), comment=b"PK\5\6 in a comment " + plain[-22:]))
    save("zip", "row", plain + python_zip(("second", D, TEXT)))
    save("zip", "stub", b"MZ stub " * 10 + plain)
    save("zip", "no-directory", plain[:plain.index(b"PK\1\2")])
    save("zip", "nested", python_zip(("inner.zip", S, plain)))
    save("zip", "ooxml", python_zip(("[Content_Types].xml", D, b"<Types/>"), ("word/document.xml", D, b"<w/>")))
    at = plain.index(b"PK\1\2")
    save("zip", "methods-differ", plain[:at + 10] + b"\x08" + plain[at + 11:])
    for name, options in {"deflate64": ["-mm=Deflate64"], "aes": ["-psecret", "-mem=AES256"],
                          "zipcrypto": ["-psecret", "-mem=ZipCrypto"], "ppmd": ["-mm=PPMd"], "lzma7": ["-mm=LZMA"]}.items():
        data = tool_zip(*options)
        if data:
            save("zip", name, data)


def deflate64s():
    save("deflate64", "round-trip-text", b"\xf7" + TEXT)
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    save("deflate64", "deflate", raw.compress(TEXT) + raw.flush())
    raw = zlib.compressobj(0, zlib.DEFLATED, -15)
    save("deflate64", "stored", raw.compress(TEXT[:200]) + raw.flush())
    raw = zlib.compressobj(9, zlib.DEFLATED, -15, 8, zlib.Z_FIXED)
    save("deflate64", "fixed", raw.compress(TEXT) + raw.flush())
    for name, data in {"seven": TEXT, "far": FAR}.items():
        archive = tool_zip("-mm=Deflate64", "-mx=9", data=data)
        if archive:
            save("deflate64", name, member_data(archive))


def singles():
    save("gzip", "one", gzip.compress(TEXT, mtime=0))
    save("gzip", "two", gzip.compress(TEXT, mtime=0) * 2 + b"\0" * 20)
    head = b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x04\0abcdname\0comment\0\x12\x34"
    save("gzip", "fields", head + gzip.compress(b"abc", mtime=0)[10:])
    save("bzip2", "one", bz2.compress(TEXT))
    save("bzip2", "two", bz2.compress(TEXT) + bz2.compress(b"") + bz2.compress(b"second") + b"garbage")
    save("xz", "one", lzma.compress(TEXT))
    save("xz", "two", lzma.compress(TEXT, check=lzma.CHECK_SHA256) + b"\0" * 8 + lzma.compress(b"second", check=lzma.CHECK_NONE))
    save("xz", "alone", lzma.compress(TEXT, format=lzma.FORMAT_ALONE))
    save("xz", "delta", lzma.compress(TEXT, filters=[{"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_LZMA2, "preset": 0}]))
    save("xz", "x86", lzma.compress(b"\xe8\1\2\0\0\xe9\xff\xff\xff\xff" * 40, check=lzma.CHECK_CRC32,
                                    filters=[{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_DELTA, "dist": 1}, {"id": lzma.FILTER_LZMA2, "preset": 0}]))
    body = lzma.compress(TEXT, format=lzma.FORMAT_RAW,
                         filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}])
    lz = b"LZIP\x01\x10" + body
    save("xz", "lzip", lz + struct.pack("<IQQ", zlib.crc32(TEXT), len(TEXT), len(lz) + 20))
    lzma_streams(lz + struct.pack("<IQQ", zlib.crc32(TEXT), len(TEXT), len(lz) + 20))
    if shutil.which("zstd"):
        one = subprocess.run(["zstd", "-q", "--check"], input=TEXT, stdout=subprocess.PIPE, check=True).stdout
        save("zstd", "one", one)
        save("zstd", "two", b"\x53\x2a\x4d\x18\x05\0\0\0hello" + one + one)
        long = subprocess.run(["zstd", "-q", "--long=27", "--ultra", "-20"], input=FAR, stdout=subprocess.PIPE, check=True).stdout
        save("zstd", "long", long)


zips()
deflate64s()
singles()
