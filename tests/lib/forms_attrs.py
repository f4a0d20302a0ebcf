# SPDX-License-Identifier: Apache-2.0
"""Forms for the attributes of logical signatures that ask where a layer lies and what it is: Container, Intermediates,
HandlerType, open ranges; and for rules about members of containers, passwords, OpenIOC. As in forms.py: clamscan says what is right."""
import gzip
import hashlib
import io
import pathlib
import subprocess
import tarfile
import tempfile
import zipfile
import zlib

STAMP = (2026, 1, 1, 0, 0, 0)
INTERMEDIATES = (
    "ZIP", "GZ", "ZIP>GZ", "ANY>GZ", "ZIP>ANY", "POSIX_TAR>ZIP>GZ", "ANY>ANY>GZ", "ANY", "ANY>ANY", "ZIP>ZIP>GZ",
    "ANY>ZIP>GZ", "ZIP>ANY>GZ", "POSIX_TAR>ANY>GZ", "POSIX_TAR>ANY>ANY", "AUTOIT", ">".join(["ZIP"] * 3), ">".join(["ANY"] * 4))


def zipped(data, name="a.bin"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo(name, STAMP), data)
    return out.getvalue()


def gzipped(data):
    return gzip.compress(data, mtime=0)


def tarred(data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        info = tarfile.TarInfo("a.bin")
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def places(f, token):
    t = token()
    for i, chain in enumerate(INTERMEDIATES):
        types = ">".join("CL_TYPE_" + name for name in chain.split(">"))
        f.ldb.append(f"Attr.inter{i};Engine:81-255,Target:0,Intermediates:{types};0;{t.hex()}")
    for name in ("ZIP", "GZ", "ANY", "AUTOIT", "POSIX_TAR", "XML_WORD"):
        f.ldb.append(f"Attr.container-{name};Engine:81-255,Target:0,Container:CL_TYPE_{name};0;{t.hex()}")
    f.ldb.append(f"Attr.both;Engine:81-255,Target:0,Container:CL_TYPE_GZ,Intermediates:CL_TYPE_ZIP>CL_TYPE_GZ;0;{t.hex()}")
    f.ldb.append(f"Attr.never;Engine:81-255,Target:0,Container:CL_TYPE_GZ,Intermediates:CL_TYPE_ZIP;0;{t.hex()}")
    data = b"\x01\x02" + t + b"\x00\xff" + b"\x03" * 60
    for name, made in (("raw", data), ("zip", zipped(data)), ("gz", gzipped(data)), ("zip-gz", zipped(gzipped(data))),
                       ("gz-zip", gzipped(zipped(data))), ("tar-zip-gz", tarred(zipped(gzipped(data)))),
                       ("zip-zip-gz", zipped(zipped(gzipped(data)))), ("zip-zip-zip-zip", zipped(zipped(zipped(zipped(data))))),
                       ("zip-text", zipped(b"hello " + t.lower() + b" this is a text\n", "a.txt"))):
        f.file("attr.place." + name, made)


def ranges(f, token):
    for name, text in (("most", "-100"), ("least", "10-"), ("dash", "-"), ("turned", "100-10"), ("huge", "10-99999999999")):
        t = token()
        f.ldb.append(f"Attr.size-{name};Engine:81-255,Target:0,FileSize:{text};0;{t.hex()}")
        for size in (20, 100, 101):
            f.file(f"attr.size-{name}.{size}", (b"\x01\x02" + t).ljust(size, b"\x05"))


def handlers(f, token):
    for kind in ("ZIP", "PDF", "GRAPHICS", "GZ", "ANY"):
        t, inside = token(), token()
        tdb = f"Engine:81-255,HandlerType:CL_TYPE_{kind},Target:0"
        f.ldb.append(f"Attr.handler-{kind};{tdb};0;{t.hex()}")
        f.ldb.append(f"Attr.handler-{kind}-gz;{tdb},Container:CL_TYPE_GZ;0;{t.hex()}")
        f.ldb.append(f"Attr.handler-{kind}-root;{tdb},Container:CL_TYPE_ANY;0;{t.hex()}")
        f.ldb.append(f"Attr.handler-{kind}-member;Engine:81-255,Target:0,Container:CL_TYPE_ZIP;0;{inside.hex()}")
        data = b"\x01\x02" + t + b"\x03\x00\x04" + b"\x05" * 60
        f.file(f"attr.handler-{kind}.raw", data)
        f.file(f"attr.handler-{kind}.gz", gzipped(data))
        f.file(f"attr.handler-{kind}.zip", zipped(data))
        f.file(f"attr.handler-{kind}.not", b"\x01\x02\x03\x00\x04" + inside)
        f.file(f"attr.handler-{kind}.tail", data + zipped(b"\x01\x02\x00" + inside + b"\x06" * 30))


MEMBER_ROWS = (
    ("any", {}), ("star", {"re": "*"}), ("anchored", {"re": "^one"}), ("not-start", {"re": "^ne"}), ("upper", {"re": "ONE\\.TXT"}),
    ("two", {"re": "two\\.bin$"}), ("class", {"re": "[a-o]{3}\\.(txt|doc)"}), ("folder", {"re": "^dir/"}), ("empty", {"re": "empty"}),
    ("encrypted", {"enc": "1"}), ("plain", {"enc": "0"}), ("size", {"size": "250"}), ("size-range", {"size": "200-300"}),
    ("size-zero", {"size": "0"}), ("size-turned", {"size": "300-200"}), ("packed", {"packed": "1-200"}), ("packed-more", {"packed": "201-400"}),
    ("packed-zero", {"packed": "0"}), ("reserved", {"res": "zz:yy"}), ("container", {"csize": "1-700"}), ("container-more", {"csize": "701-99999"}),
    ("level", {"res": "*:*:51:255"}), ("level-high", {"res": "*:*:300"}), ("level-low", {"res": "*:*:51:100"}))
MEMBER_TYPES = ("ZIP", "7Z", "POSIX_TAR", "OLD_TAR", "MSCAB", "CPIO_NEWC", "CPIO_ODC", "ARJ", "ISO9660", "LHA_LZH", "GZ", "AUTOIT")


def members(f, token):
    def row(name, ctype="*", csize="*", re="one\\.txt", packed="*", size="*", enc="*", pos="*", res="*:*"):
        f.other.setdefault("cdb", []).append(f"Member.{name}:{ctype}:{csize}:{re}:{packed}:{size}:{enc}:{pos}:{res}")
    for name, values in MEMBER_ROWS:
        row(name, **({"re": ".*"} | values if name not in ("any", "two") else values))
    for name in MEMBER_TYPES:
        row("in-" + name, ctype="CL_TYPE_" + name)
    for i in range(5):
        row(f"position{i}", re=".*", pos=str(i))
    crc = zlib.crc32(b"A" * 250)
    for suffix in ("zmd", "rmd"):
        f.other[suffix] = [f"Old.{suffix}-{name}:{text}" for name, text in (
            ("any", "*:one:*:*:*:*:*:*"), ("star", "*:*:*:*:*:*:*:*"), ("encrypted", "1:*:*:*:*:*:*:*"), ("size", "*:*:250:*:*:*:*:*"),
            ("crc", f"*:*:*:*:{crc:08x}:*:*:*"), ("crc-other", "*:*:*:*:00000001:*:*:*"), ("method", "*:*:*:*:*:77:*:*"),
            ("position", "*:*:*:*:*:*:2:*"), ("depth", "*:*:*:*:*:*:*:9"), ("packed", "*:*:*:250:*:*:*:*"))]
    names = ("one.txt", "two.bin", "dir/three.txt", "empty.txt")
    contents = (b"A" * 250, b"other contents \x00\x01" * 20, b"small", b"")
    for name, made in member_files(names, contents):
        f.file("member." + name, made)


def member_files(names, contents):
    """(name, container) with every tool this machine has."""
    for word, method in (("zip", zipfile.ZIP_DEFLATED), ("zip-stored", zipfile.ZIP_STORED)):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as z:
            z.writestr(zipfile.ZipInfo("dir/", STAMP), b"")
            for name, data in zip(names, contents):
                z.writestr(zipfile.ZipInfo(name, STAMP), data, method)
        yield word, out.getvalue()
    commands = {
        "zip-encrypted": "zip -q -X -P secret out.zip one.txt two.bin", "7z": "7z a -bso0 out.7z one.txt two.bin empty.txt",
        "7z-encrypted": "7z a -bso0 -psecret out.7z one.txt two.bin", "tar": "bsdtar -cf out.tar --format ustar one.txt dir two.bin empty.txt",
        "tar-old": "tar -cf out.tar --format v7 one.txt two.bin", "newc": "bsdtar -cf out.cpio --format newc one.txt dir two.bin",
        "odc": "bsdtar -cf out.cpio --format odc one.txt two.bin", "arj": "arj a out.arj one.txt two.bin",
        "gz": "gzip -c one.txt > out.gz", "lzh": "lha a out.lzh one.txt two.bin", "ar": "ar rc out.a one.txt two.bin",
        "xar": "bsdtar -cf out.xar --format xar one.txt"}
    with tempfile.TemporaryDirectory() as folder:
        where = pathlib.Path(folder)
        (where / "dir").mkdir()
        for name, data in zip(names, contents):
            (where / name).write_bytes(data)
        for word, command in commands.items():
            run = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True)
            made = sorted(where.glob("out*"))
            if run.returncode == 0 and made:
                yield word, made[0].read_bytes()
            for path in made:
                path.unlink()


def passwords(f, token):
    t = token()
    f.ndb.append(f"Password.opened:0:*:{t.hex()}")
    f.other["pwdb"] = ["Password.a;Engine:81-255,Container:CL_TYPE_ZIP;0;wrong", "Password.b;Engine:81-255;0;infected",
                       "Password.c;Engine:81-255,Container:CL_TYPE_ZIP;1;01026162", "Password.d;Engine:81-255,Container:CL_TYPE_RAR;0;forrar"]
    with tempfile.TemporaryDirectory() as folder:
        where = pathlib.Path(folder)
        (where / "one.txt").write_bytes(b"\x01\x02some contents " + t + b"\x00\x03" * 300)
        (where / "two.txt").write_bytes(b"\x01\x02other contents " * 9)
        for word, options in (("right", ["-P", "infected"]), ("stored", ["-0", "-P", "infected"]), ("other", ["-P", "unknown"]),
                              ("hex", ["-P", "\x01\x02ab"]), ("rar", ["-P", "forrar"])):
            if subprocess.run(["zip", "-q", "-X", *options, "out.zip", "two.txt", "one.txt"], cwd=folder, check=False).returncode == 0:
                data = (where / "out.zip").read_bytes()
                f.file("password." + word, data)
                f.file("password.nested-" + word, zipped(data))
                (where / "out.zip").unlink()
    data = b"\x01\x02a file for an IOC\x00" * 3
    item = '<IndicatorItem id="1" condition="is"><Content type="md5">{}</Content></IndicatorItem>'
    f.other["ioc"] = ["<?xml version='1.0'?><ioc><definition><Indicator>"]
    for name, algorithm in (("md5", hashlib.md5), ("sha1", hashlib.sha1), ("sha256", hashlib.sha256)):
        f.file("ioc." + name, data + name.encode())
        digest = algorithm(data + name.encode()).hexdigest()
        f.other["ioc"].append(item.format(digest.upper() if name == "sha1" else f" {digest}\n"))
    f.file("ioc.comment", data + b"comment")
    f.other["ioc"] += ["<!-- " + item.format(hashlib.md5(data + b"comment").hexdigest()) + " -->", "</Indicator></definition></ioc>"]


def add(f, token):
    passwords(f, token)
    members(f, token)
    places(f, token)
    ranges(f, token)
    handlers(f, token)
