# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of the command line: a scratch folder with samples, compiled definitions, ways to run the program."""
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import tempfile
import zipfile
import zlib

# Bytes that only our own test signature calls bad.
BAD = b"sekisho-test-body-one"
BAD_TWO = b"sekisho-test-body-two"
NAME = "Test.Bad-1.UNOFFICIAL"
NAME_TWO = "Test.Bad-2.UNOFFICIAL"
NOBODY = 65534


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members.items():
            z.writestr(name.replace("__", "."), data)
    return out.getvalue()


def encrypted_zip(password=b"secret"):
    """One stored member under traditional ZIP encryption (APPNOTE 6.1); Python writes no encrypted archives itself."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc_step(crc, byte):
        return zlib.crc32(bytes([byte]), crc ^ 0xffffffff) ^ 0xffffffff

    def feed(byte):
        keys[0] = crc_step(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xff)) * 134775813 + 1) & 0xffffffff
        keys[2] = crc_step(keys[2], keys[1] >> 24)

    def encrypt(byte):
        mixed = (keys[2] | 2) & 0xffff
        feed(byte)
        return byte ^ ((mixed * (mixed ^ 1)) >> 8 & 0xff)

    for byte in password:
        feed(byte)
    plain = b"what is in here stays in here\n"
    crc = zlib.crc32(plain)
    body = bytes(encrypt(b) for b in bytes(range(11)) + bytes([crc >> 24]) + plain)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("secret.txt", body)
    data = bytearray(out.getvalue())
    for signature, at in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        start = data.find(signature) + at
        data[start + 6] |= 1
        data[start + 14:start + 18] = crc.to_bytes(4, "little")
        data[start + 22:start + 26] = len(plain).to_bytes(4, "little")
    return bytes(data)


class Scratch:
    """with Scratch(program) as s: s.files is a folder of samples, s.set compiled definitions, s.db their source."""

    def __init__(self, program):
        self.program = program

    def __enter__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="sekisho-test-"))
        os.chmod(self.top, 0o755)
        self.db, self.set, self.files = self.top / "db", self.top / "set", self.top / "files"
        for folder in (self.db, self.files / "sub" / "deep"):
            folder.mkdir(parents=True)
        (self.db / "t.hdb").write_text("".join(f"{hashlib.md5(b).hexdigest()}:{len(b)}:{n}\n" for b, n in (
            (BAD, "Test.Bad-1"), (BAD_TWO, "Test.Bad-2"))))
        made = subprocess.run([self.program, "defs", "compile", str(self.db), "-o", str(self.set)], capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        (self.files / "clean.txt").write_bytes(b"hello\n")
        (self.files / "empty").write_bytes(b"")
        (self.files / "bad.bin").write_bytes(BAD)
        (self.files / "sub/arch.zip").write_bytes(zipped(one__bin=BAD, two__bin=BAD_TWO, ok__txt=b"ok"))
        (self.files / "sub/bad2.bin").write_bytes(BAD)
        (self.files / "sub/deep/q").write_bytes(b"deep\n")
        (self.files / "tab\tname").write_bytes(b"x")
        os.symlink("clean.txt", self.files / "link")
        os.symlink("sub", self.files / "dlink")
        os.mkfifo(self.files / "fifo")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def path(self, name, data):
        path = self.top / name
        path.write_bytes(data)
        return path

    def scan(self, *args, definitions=None, program=None, **kw):
        return subprocess.run([program or self.program, "scan", "-d", str(definitions or self.set), *map(str, args)],
                              capture_output=True, text=True, errors="surrogateescape", timeout=120,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}, **kw)


def readable_program(program, folder):
    """The program where user nobody may run it too: the checkout may lie in a closed home. It is linked to no file of ours."""
    copy = pathlib.Path(folder) / "sekisho"
    if not copy.exists():
        shutil.copy(program, copy)
        copy.chmod(0o755)
    return str(copy)


def as_nobody():
    """For preexec_fn: permissions bind only without root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def wait_child(process, seconds=20):
    """The process id of the first child of a running process."""
    import time
    path = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        found = path.read_text().split()
        if found:
            return int(found[0])
        time.sleep(0.01)
    raise AssertionError("no child process appeared")
