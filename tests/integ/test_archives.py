#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our ZIP, gzip, bzip2, xz and zstd readers against the tools that write them: what a tool packed must come out of walkdump byte
for byte (length and CRC-32), with no note, or with the note the case expects.

usage: test_archives.py WALKDUMP [CASE...]      A case whose tool is missing is skipped with a message.
"""
import io
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib

WALKDUMP = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None


def corpus():
    """Files that make packers use long and far matches, incompressible data, empty and tiny files."""
    rng = random.Random(4)
    words = [bytes(rng.choices(b"abcdefghijklmnop ", k=rng.randint(2, 9))) for _ in range(300)]
    text = b" ".join(rng.choices(words, k=40000))
    noise = rng.randbytes(150000)
    return {"text.txt": text, "noise.bin": noise, "zeros": bytes(300000), "tiny": b"x", "far": noise[:70000] + text[:500] + noise[:70000],
            "sub/ünïcode näme.txt": text[:5000], "binary": pathlib.Path(sys.executable).resolve().read_bytes()[:400000]}


FILES = corpus()


def run(*argv, cwd, data=None, env=None):
    return subprocess.run([str(a) for a in argv], cwd=cwd, input=data, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, env=env).stdout


def dump(fmt, path):
    out = run(WALKDUMP, fmt, path, cwd=path.parent)
    lines = [json.loads(line) for line in out.decode().splitlines()]
    return [line for line in lines[:-1] if "crc32" in line], lines[-1]


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def check_zip(path, encrypted=False, files=None):
    files = FILES if files is None else files
    children, summary = dump("zip", path)
    expect(summary["result"] in ("success", "ok"), f"result {summary['result']}")
    expect(summary["bid"] >= 40, f"bid {summary['bid']}")
    wanted = {"encrypted"} if encrypted else set()
    expect(set(summary["notes"]) == wanted, f"notes {summary['notes']} {summary['detail']}")
    if encrypted:  # a wrong password passes the check byte of one member in 128; its noise is given too
        children = [child for child in children if not child["data"] or child["name"] not in files]
    expect(len(children) == len(files), f"{len(children)} children, not {len(files)}")
    for child in children:
        content = files.get(child["name"])
        expect(content is not None, f"unexpected member {child['name']}")
        if encrypted:
            expect(child["encrypted"] and not child["data"], f"{child['name']} is not marked as encrypted")
            continue
        expect((child["bytes"], child["crc32"]) == (len(content), zlib.crc32(content)), f"{child['name']} differs: {child}")


def seven(folder, *options):
    run("7z", "a", "-tzip", *options, "out.zip", *FILES, cwd=folder)
    return folder / "out.zip"


def py_zip(folder, method):
    with zipfile.ZipFile(folder / "out.zip", "w", method) as z:
        for name, data in FILES.items():
            z.writestr(name, data)
    return folder / "out.zip"


def single(fmt, *argv):
    def case(folder):
        for name, content in FILES.items():
            if not content:
                continue
            for twice in (False, True):
                packed = run(*argv, cwd=folder, data=content)
                (folder / "packed").write_bytes(packed * (2 if twice else 1))
                children, summary = dump(fmt, folder / "packed")
                whole = content * (2 if twice else 1)
                if fmt == "xz" and "lzma" in " ".join(argv) and twice:
                    continue  # .lzma has no chains
                expect(summary["notes"] == {} and summary["bid"] >= 40, f"{name}: {summary}")
                expect([(c["bytes"], c["crc32"]) for c in children] == [(len(whole), zlib.crc32(whole))], f"{name} differs")
    return argv[0], case


def zip_case(tool, make, **how):
    return tool, lambda folder: check_zip(make(folder), **how)


def zip_streamed(folder):
    """To a pipe: sizes in data descriptors, ZIP64 ones."""
    out = run("zip", "-q", "-r", "-", *FILES, cwd=folder)
    (folder / "out.zip").write_bytes(out)
    return folder / "out.zip"


def zip_sfx(folder):
    run("zip", "-q", "-r", "inner.zip", *FILES, cwd=folder)
    (folder / "out.zip").write_bytes(b"#!/bin/sh\necho stub\nexit\n" + (folder / "inner.zip").read_bytes())
    return folder / "out.zip"


def zip_sfx_fixed(folder):
    zip_sfx(folder)
    run("zip", "-q", "-A", "out.zip", cwd=folder)
    return folder / "out.zip"


def zip_deleted_directory(folder):
    """Truncated behind the members: found by their local headers."""
    run("zip", "-q", "-r", "out.zip", *FILES, cwd=folder)
    data = (folder / "out.zip").read_bytes()
    with zipfile.ZipFile(folder / "out.zip") as z:
        (folder / "cut.zip").write_bytes(data[:z.start_dir])
    children, summary = dump("zip", folder / "cut.zip")
    got = {c["name"]: (c["bytes"], c["crc32"]) for c in children}
    expect(got == {n: (len(d), zlib.crc32(d)) for n, d in FILES.items()}, "members lost")
    expect(list(summary["notes"]) == ["damaged"], f"notes {summary['notes']}")


def zip_split(folder):
    """The last volume of a split archive says that others are missing, and gives what it has."""
    run("zip", "-q", "-r", "-s", "100k", "out.zip", *FILES, cwd=folder)
    _, summary = dump("zip", folder / "out.zip")
    expect("missing-volume" in summary["notes"], f"notes {summary['notes']}")


def zip_ppmd(folder):
    children, summary = dump("zip", seven(folder, "-mm=PPMd"))
    expect(set(summary["notes"]) == {"unsupported-method"}, f"notes {summary['notes']}")
    expect(len(children) == len(FILES), "members lost")


def zip_fixed_method(method, pack):
    """Methods our tools cannot write: the stream of another tool under a header of ours."""
    def make(folder):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as z:
            for name, data in FILES.items():
                info = zipfile.ZipInfo(name)
                z.writestr(info, run(*pack, cwd=folder, data=data))
        raw = bytearray(out.getvalue())
        at = 0
        order = list(FILES.items())
        for sig, method_at, crc_at, size_at in ((b"PK\3\4", 8, 14, 22), (b"PK\1\2", 10, 16, 24)):
            for name, data in order:
                at = raw.index(sig, at)
                while raw[at + (30 if sig == b"PK\3\4" else 46):][:len(name.encode())] != name.encode():
                    at = raw.index(sig, at + 1)
                raw[at + method_at:at + method_at + 2] = method.to_bytes(2, "little")
                raw[at + crc_at:at + crc_at + 4] = zlib.crc32(data).to_bytes(4, "little")
                raw[at + size_at:at + size_at + 4] = len(data).to_bytes(4, "little")
                at += 4
        (folder / "out.zip").write_bytes(raw)
        return folder / "out.zip"
    return pack[0], lambda folder: check_zip(make(folder))


CASES = {
    "zip": zip_case("zip", lambda d: (run("zip", "-q", "-r", "out.zip", *FILES, cwd=d), d / "out.zip")[1]),
    "zip-stored": zip_case("zip", lambda d: (run("zip", "-q", "-0", "-r", "out.zip", *FILES, cwd=d), d / "out.zip")[1]),
    "zip-bzip2": zip_case("zip", lambda d: (run("zip", "-q", "-Z", "bzip2", "-r", "out.zip", *FILES, cwd=d), d / "out.zip")[1]),
    "zip-streamed": zip_case("zip", zip_streamed),
    "zip-encrypted": zip_case("zip", lambda d: (run("zip", "-q", "-P", "unguessed", "-r", "out.zip", *FILES, cwd=d), d / "out.zip")[1],
                              encrypted=True),
    "zip-sfx": zip_case("zip", zip_sfx),
    "zip-sfx-fixed": zip_case("zip", zip_sfx_fixed),
    "zip-directory-lost": ("zip", zip_deleted_directory),
    "zip-split": ("zip", zip_split),
    "7z-deflate": zip_case("7z", lambda d: seven(d, "-mx=9")),
    "7z-deflate64": zip_case("7z", lambda d: seven(d, "-mm=Deflate64")),
    "7z-deflate64-max": zip_case("7z", lambda d: seven(d, "-mm=Deflate64", "-mx=9", "-mpass=3")),
    "7z-bzip2": zip_case("7z", lambda d: seven(d, "-mm=BZip2")),
    "7z-lzma": zip_case("7z", lambda d: seven(d, "-mm=LZMA")),
    "7z-xz": zip_case("7z", lambda d: seven(d, "-mm=xz")),
    "7z-ppmd": ("7z", zip_ppmd),
    "7z-aes256": zip_case("7z", lambda d: seven(d, "-punguessed", "-mem=AES256"), encrypted=True),
    "7z-zipcrypto": zip_case("7z", lambda d: seven(d, "-punguessed", "-mem=ZipCrypto"), encrypted=True),
    "python-deflate": zip_case("python3", lambda d: py_zip(d, zipfile.ZIP_DEFLATED)),
    "python-lzma": zip_case("python3", lambda d: py_zip(d, zipfile.ZIP_LZMA)),
    "bsdtar": zip_case("bsdtar", lambda d: (run("bsdtar", "--format=zip", "-cf", "out.zip", *FILES, cwd=d,
                                                 env={**os.environ, "LC_ALL": "C.UTF-8"}), d / "out.zip")[1]),
    "method-93-zstd": zip_fixed_method(93, ("zstd", "-q")),
    "method-20-zstd": zip_fixed_method(20, ("zstd", "-q", "-19")),
    "method-95-xz": zip_fixed_method(95, ("xz", "-3")),
    "gzip": single("gzip", "gzip", "-c"),
    "bzip2": single("bzip2", "bzip2", "-c"),
    "xz": single("xz", "xz", "-c"),
    "xz-blocks": single("xz", "xz", "-c", "-T2", "--block-size=50000", "--check=sha256"),
    "lzma": single("xz", "xz", "-c", "--format=lzma"),
    "zstd": single("zstd", "zstd", "-q", "-c", "--long=24"),
}


def main():
    if WALKDUMP is None:
        print(__doc__)
        return 64
    failed = passed = skipped = 0
    for name, (tool, case) in CASES.items():
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        if shutil.which(tool) is None:
            print(f"SKIP {name}: {tool} is not installed")
            skipped += 1
            continue
        with tempfile.TemporaryDirectory() as d:
            folder = pathlib.Path(d)
            for path, data in FILES.items():
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).write_bytes(data)
            try:
                case(folder)
                print(f"PASS {name}")
                passed += 1
            except (AssertionError, KeyError, ValueError, subprocess.CalledProcessError) as e:
                print(f"FAIL {name}: {e}")
                failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


sys.exit(main())
