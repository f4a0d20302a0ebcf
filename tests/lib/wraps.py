# SPDX-License-Identifier: Apache-2.0
"""Put bytes into a container, with Python's library or with Debian's tools. wrap() gives None when there is no writer."""
import bz2
import gzip
import io
import lzma
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import zipfile

MEMBER = "member.bin"
STAMP = (2026, 1, 1, 0, 0, 0)


def _zip(method):
    def make(data):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as z:
            z.writestr(zipfile.ZipInfo("note.txt", STAMP), b"a text of no importance\n")
            z.writestr(zipfile.ZipInfo(MEMBER, STAMP), data, method)
        return out.getvalue()
    return make


def _tar(data, form=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as t:
        for name, content in (("note.txt", b"a text of no importance\n"), (MEMBER, data)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            t.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _tool(name, *commands):
    """Run commands in a scratch folder that holds MEMBER; the result is the file `out`."""
    def make(data):
        if shutil.which(name) is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            where = pathlib.Path(folder)
            (where / MEMBER).write_bytes(data)
            for command in commands:
                run = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True)
                if run.returncode != 0:
                    return None
            made = [p for p in where.iterdir() if p.name.startswith("out")]
            return made[0].read_bytes() if made else None
    return make


def _nested(data):
    return _zip(zipfile.ZIP_DEFLATED)(gzip.compress(_tar(data), mtime=0))


def _deb(data):
    def entry(name, content):
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        return head + content + (b"\n" if len(content) % 2 else b"")
    return b"!<arch>\n" + entry("debian-binary", b"2.0\n") + entry("data.tar.xz", lzma.compress(_tar(data)))


KINDS = {
    "zip-stored": _zip(zipfile.ZIP_STORED),
    "zip-deflate": _zip(zipfile.ZIP_DEFLATED),
    "zip-bzip2": _zip(zipfile.ZIP_BZIP2),
    "zip-lzma": _zip(zipfile.ZIP_LZMA),
    "zip-deflate64": _tool("7z", f"7z a -bd -tzip -mm=Deflate64 out.zip {MEMBER}"),
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": _tool("zstd", f"zstd -q -o out.zst {MEMBER}"),
    "tar": _tar,
    "tar-gnu": lambda data: _tar(data, tarfile.GNU_FORMAT),
    "tar-v7": _tool("bsdtar", f"bsdtar --format=v7tar -cf out.tar {MEMBER}"),
    "cpio-newc": _tool("cpio", f"echo {MEMBER} | cpio -o -H newc > out.cpio"),
    "cpio-odc": _tool("cpio", f"echo {MEMBER} | cpio -o -H odc > out.cpio"),
    "cpio-bin": _tool("cpio", f"echo {MEMBER} | cpio -o -H bin > out.cpio"),
    "7z": _tool("7z", f"7z a -bd -t7z out.7z {MEMBER}"),
    "iso": _tool("genisoimage", f"genisoimage -quiet -R -J -o out.iso {MEMBER}"),
    "xar": _tool("bsdtar", f"bsdtar --format=xar -cf out.xar {MEMBER}"),
    "deb": _deb,
    "nested": _nested,
}
TYPES = {"CL_TYPE_ZIP": "zip-deflate", "CL_TYPE_GZ": "gzip", "CL_TYPE_BZ": "bzip2", "CL_TYPE_XZ": "xz",
         "CL_TYPE_POSIX_TAR": "tar", "CL_TYPE_7Z": "7z", "CL_TYPE_ISO9660": "iso", "CL_TYPE_XAR": "xar"}


def wrap(kind, data):
    return KINDS[kind](data)


def for_type(clam_type, data):
    kind = TYPES.get(clam_type)
    return wrap(kind, data) if kind else None
