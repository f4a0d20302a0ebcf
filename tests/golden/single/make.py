#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the files of this folder with the real tools (gzip, bzip2, xz, zstd); lzip is put together here. They are kept, encoded, in
the tree; run this again only to change the text they hold."""
import base64
import pathlib
import struct
import subprocess
import zlib
import lzma

HERE = pathlib.Path(__file__).resolve().parent
TEXT = "".join(f"line {i} of a text to be packed\n" for i in range(100)).encode()


def tool(*argv):
    return subprocess.run(argv, input=TEXT, stdout=subprocess.PIPE, check=True).stdout


def gz():
    raw = tool("gzip", "-9n")
    return raw[:3] + b"\x08" + raw[4:10] + b"text\0" + raw[10:]


def lz():
    body = lzma.compress(TEXT, format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}])
    head = b"LZIP\x01\x10" + body
    return head + struct.pack("<IQQ", zlib.crc32(TEXT), len(TEXT), len(head) + 20)


one = {"gz": gz(), "bz2": tool("bzip2"), "xz": tool("xz", "-6"), "lzma": tool("xz", "--format=lzma"), "lz": lz(),
       "zst": tool("zstd", "-q", "-19", "--check")}
for ext, data in one.items():
    (HERE / f"text.{ext}.b64").write_bytes(base64.encodebytes(data))
for ext in ("gz", "bz2", "xz", "zst"):
    (HERE / f"two.{ext}.b64").write_bytes(base64.encodebytes(one[ext] * 2))
