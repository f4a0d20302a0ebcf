# SPDX-License-Identifier: Apache-2.0
"""Forms for the attributes of logical signatures that ask where a layer lies and what it is: Container, Intermediates,
HandlerType, open ranges. As in forms.py: clamscan says what is right."""
import gzip
import io
import tarfile
import zipfile

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


def add(f, token):
    places(f, token)
    ranges(f, token)
    handlers(f, token)
