#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our readers over libarchive against bsdtar: what a packer packed and bsdtar unpacks must come out of walkdump, names, lengths and CRC-32;
our text normaliser against sigtool.

usage: test_libarchive_formats.py WALKDUMP NORMTEXT [CASE...]     A case whose tool is missing is skipped with a message.
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import zlib

WALKDUMP, NORMTEXT = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
ENV = {**os.environ, "LC_ALL": "C.UTF-8"}


def corpus():
    rng = random.Random(9)
    words = [bytes(rng.choices(b"abcdefghijklmnop ", k=rng.randint(2, 9))) for _ in range(300)]
    return {"text.txt": b" ".join(rng.choices(words, k=60000)), "noise.bin": rng.randbytes(200000), "zeros": bytes(500000), "tiny": b"x",
            "empty": b"", "deep/er/a name with spaces and a rather long tail that needs an extension of the header " + "n" * 60: b"long",
            "deep/ünïcode.txt": b"unicode", "program": pathlib.Path(sys.executable).resolve().read_bytes()[:700000]}


FILES = corpus()
ASCII = {n: d for n, d in FILES.items() if n.isascii()}
FLAT = {n: d for n, d in ASCII.items() if "/" not in n}


def run(*argv, cwd, data=None):
    return subprocess.run([str(a) for a in argv], cwd=cwd, input=data, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=ENV).stdout


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def dump(fmt, path):
    lines = [json.loads(line) for line in run(WALKDUMP, fmt, path, cwd=path.parent).decode().splitlines()]
    return [line for line in lines[:-1] if "crc32" in line], lines[-1]


def check(fmt, path, files, notes=(), names=True, bsdtar=True):
    """walkdump, the packed files, and bsdtar -xOf of each member agree."""
    children, summary = dump(fmt, path)
    expect(summary["result"] == "ok" and summary["bid"] >= 40, f"{summary}")
    expect(set(summary["notes"]) == set(notes), f"notes {summary['notes']} {summary['detail']}")
    got = sorted((c["name"].removeprefix("./") if names else "", c["bytes"], c["crc32"]) for c in children if c["bytes"])
    want = sorted((n if names else "", len(d), zlib.crc32(d)) for n, d in files.items() if d)
    expect(got == want, f"members differ: {[x for x in got if x not in want][:3]} {[x for x in want if x not in got][:3]}")
    if fmt == "xar" or not bsdtar:
        return  # bsdtar -O takes the offset in the archive for that in the member, and pads
    told = subprocess.run(["bsdtar", "-xOf", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENV).stdout
    expect(len(told) == sum(c["bytes"] for c in children), f"bsdtar gives {len(told)} bytes")


def bsdtar(kind, files=None, *options):
    files = FILES if files is None else files

    def case(folder):
        run("bsdtar", f"--format={kind}", *options, "-cf", "out", *files, cwd=folder)
        check({"xar": "xar", "iso9660": "iso9660", "7zip": "7z", "newc": "cpio", "cpio": "cpio", "bin": "cpio", "argnu": "ar",
               "arbsd": "ar"}.get(kind, "tar"), folder / "out", files)
    return "bsdtar", case


def tar(*options):
    def case(folder):
        with open(folder / "sparse", "wb") as f:
            f.truncate(3_000_000)
            f.seek(1_000_000)
            f.write(b"island")
        run("tar", *options, "-cSf", "out", *FILES, "sparse", cwd=folder)
        check("tar", folder / "out", {**FILES, "sparse": (folder / "sparse").read_bytes()})
    return "tar", case


def cpio(kind):
    def case(folder):
        (folder / "out").write_bytes(run("cpio", "-o", "-H", kind, cwd=folder, data="\n".join(FILES).encode()))
        check("cpio", folder / "out", FILES)
    return "cpio", case


def seven(*options, files=FILES, bsdtar=True):
    def case(folder):
        run("7z", "a", "-bd", "-y", *options, "out.7z", *files, cwd=folder)
        check("7z", folder / "out.7z", files, bsdtar=bsdtar)
    return "7z", case


def seven_ours(*options):
    """Coders that libarchive 3.6 does not know, or gets wrong."""
    return seven(*options, bsdtar=False)


def seven_grown(folder):
    """An archive that was added to: folders of several coders; a link is a member; what is encrypted hides nothing else."""
    os.symlink("tiny", folder / "link")
    for options, names in ((("-m0=lzma2",), ["text.txt", "tiny"]), (("-m0=bzip2", "-ms=off"), ["zeros", "noise.bin"]), (("-snl",), ["link", "empty"])):
        run("7z", "a", "-bd", "-y", *options, "out.7z", *names, cwd=folder)
    check("7z", folder / "out.7z", {n: FILES[n] for n in ("text.txt", "tiny", "zeros", "noise.bin", "empty")} | {"link": b"tiny"}, bsdtar=False)
    run("7z", "a", "-bd", "-y", "-psecret", "out.7z", "program", cwd=folder)
    children, summary = dump("7z", folder / "out.7z")
    expect(set(summary["notes"]) == {"encrypted"} and {c["name"] for c in children if c["bytes"]} == {"text.txt", "tiny", "zeros", "noise.bin", "link"},
           f"{summary}")


def seven_encrypted(folder):
    for options in (("-psecret",), ("-psecret", "-mhe=on")):
        run("7z", "a", "-bd", "-y", *options, f"out{len(options)}.7z", *FLAT, cwd=folder)
        children, summary = dump("7z", folder / f"out{len(options)}.7z")
        expect(set(summary["notes"]) == {"encrypted"} and not any(c["bytes"] for c in children), f"{summary}")


def ar(folder):
    run("ar", "rcD", "out.a", *FLAT, cwd=folder)
    children, summary = dump("ar", folder / "out.a")
    got = {c["name"]: (c["bytes"], c["crc32"]) for c in children if c["bytes"] and c["name"] != "/"}  # "/": symbol table
    expect(summary["notes"] == {} and got == {n: (len(d), zlib.crc32(d)) for n, d in FLAT.items() if d},
           f"{summary} {sorted(got)}")


def deb(folder):
    (folder / "p/DEBIAN").mkdir(parents=True)
    (folder / "p/DEBIAN/control").write_text("Package: sk\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: d\n")
    (folder / "p/opt").mkdir()
    (folder / "p/opt/text.txt").write_bytes(FILES["text.txt"])
    run("dpkg-deb", "--root-owner-group", "-b", "p", "out.deb", cwd=folder)
    children, summary = dump("ar", folder / "out.deb")
    names = [c["name"].split(".")[0] for c in children]
    expect(names == ["debian-binary", "control", "data"] and summary["notes"] == {}, f"{names} {summary}")


def iso(*options, names=True, files=FILES):
    def case(folder):
        (folder / "in").mkdir()
        for name, data in files.items():
            (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "in" / name).write_bytes(data)
        run("genisoimage", "-quiet", *options, "-o", "out.iso", "in", cwd=folder)
        check("iso9660", folder / "out.iso", files, names=names)
    return "genisoimage", case


def iso_bent(folder):
    """A file that reaches over a directory: libarchive, having read it, passes over what is in there. That must be told."""
    (folder / "in/D").mkdir(parents=True)
    (folder / "in/A.BIN").write_bytes(b"x" * 5000)
    (folder / "in/D/HIDDEN.TXT").write_bytes(FILES["text.txt"])
    run("genisoimage", "-quiet", "-o", "out.iso", "in", cwd=folder)
    data = bytearray((folder / "out.iso").read_bytes())

    def both(at, value):
        data[at:at + 8] = value.to_bytes(4, "little") + value.to_bytes(4, "big")

    record = {}
    at = root = int.from_bytes(data[16 * 2048 + 158:16 * 2048 + 162], "little") * 2048
    while at < root + 2048 and data[at]:
        record[bytes(data[at + 33:at + 33 + data[at + 32]])] = at
        at += data[at]
    old, moved = int.from_bytes(data[record[b"D"] + 2:record[b"D"] + 6], "little") * 2048, len(data) // 2048
    data += data[old:old + 2048] + bytes(2048 * 40)
    both(record[b"D"] + 2, moved)
    both(moved * 2048 + 2, moved)  # "." in it
    both(16 * 2048 + 80, len(data) // 2048)
    for blocks, notes in ((1, {}), (20, {"damaged": 1})):
        both(record[b"A.BIN;1"] + 2, moved - 1)
        both(record[b"A.BIN;1"] + 10, blocks * 2048)
        (folder / "bent.iso").write_bytes(data)
        children, summary = dump("iso9660", folder / "bent.iso")
        found = zlib.crc32(FILES["text.txt"]) in [c["crc32"] for c in children]
        expect(found == (blocks == 1) and summary["notes"] == notes, f"{blocks} blocks: {found} {summary}")


def samples(folder):
    """The files of Debian's clamav-testfiles: one program in every container."""
    path = pathlib.Path("/usr/share/clamav-testfiles")
    if not path.is_dir():
        print("  clamav-testfiles are not installed: not compared")
        return
    want = (path / "clam.exe").read_bytes()
    for name, fmt in (("clam.7z", "7z"), ("clam.cab", "cab"), ("clam.bin-be.cpio", "cpio"), ("clam.bin-le.cpio", "cpio"),
                      ("clam.newc.cpio", "cpio"), ("clam.odc.cpio", "cpio")):
        if not (path / name).exists():
            continue
        children, summary = dump(fmt, path / name)
        expect(summary["notes"] == {} and (len(want), zlib.crc32(want)) in [(c["bytes"], c["crc32"]) for c in children], f"{name}: {summary}")


def normalised(folder):
    rng = random.Random(3)
    inputs = [bytes(range(256)), b" ", b"\0", b"\x80 ", FILES["text.txt"], FILES["noise.bin"], FILES["program"],
              "\u65e5\u672c text Mixed CASE".encode("utf-16")]
    for alphabet in (bytes(range(256)), b"  \t\n\0\x80aB", b"Hello World  "):
        inputs += [bytes(rng.choices(alphabet, k=k)) for k in (1, 2, 4095, 4096, 4097, 8192, 65537)]
    for data in inputs:
        (folder / "in").write_bytes(data)
        run("sigtool", "--ascii-normalise", "in", cwd=folder)
        want = (folder / "normalised_text").read_bytes()
        expect(run(NORMTEXT, "in", cwd=folder) == want, f"{len(data)} bytes starting {data[:20]} normalise differently")
        (folder / "normalised_text").unlink()


CASES = {
    "ustar": bsdtar("ustar", {n: d for n, d in ASCII.items() if len(n) < 100}), "pax": bsdtar("pax"), "gnutar": bsdtar("gnutar"),
    "v7": bsdtar("v7", FLAT), "tar-gnu-sparse": tar("--format=gnu"), "tar-posix-sparse": tar("--format=posix"),
    "tar-sparse-0.1": tar("--format=posix", "--sparse-version=0.1"), "newc": bsdtar("newc"), "odc": bsdtar("cpio"),
    "cpio-bin": cpio("bin"), "cpio-odc": cpio("odc"), "cpio-newc": cpio("newc"), "cpio-crc": cpio("crc"),
    "xar": bsdtar("xar"), "xar-bzip2": bsdtar("xar", None, "--options", "xar:compression=bzip2"),
    "xar-xz": bsdtar("xar", None, "--options", "xar:compression=xz"), "bsdtar-iso": bsdtar("iso9660", FLAT), "bsdtar-7z": bsdtar("7zip"),
    "arbsd": bsdtar("arbsd", FLAT), "ar": ("ar", ar), "deb": ("dpkg-deb", deb),
    "7z-lzma2": seven(), "7z-lzma": seven("-m0=lzma"), "7z-ppmd": seven("-m0=ppmd"), "7z-bzip2": seven("-m0=bzip2"),
    "7z-deflate": seven("-m0=deflate"), "7z-copy": seven("-mx0"), "7z-bcj2": seven("-m0=bcj2", "-m1=lzma", files=FLAT),
    "7z-bcj": seven("-m0=bcj", "-m1=lzma2"), "7z-delta": seven("-m0=delta:4", "-m1=lzma2"), "7z-solid-off": seven("-ms=off"),
    "7z-plain-directory": seven("-mhc=off"), "7z-delta-bcj": seven_ours("-m0=delta:2", "-m1=bcj", "-m2=lzma2"),
    "7z-two-packers": seven_ours("-m0=lzma", "-m1=deflate"), "7z-deflate64": seven_ours("-m0=deflate64"),
    "7z-arm64": seven_ours("-m0=arm64", "-m1=lzma2"), "7z-arm": seven("-m0=arm", "-m1=lzma2"), "7z-armt": seven("-m0=armt", "-m1=lzma2"),
    "7z-ppc": seven("-m0=ppc", "-m1=lzma2"), "7z-sparc": seven_ours("-m0=sparc", "-m1=lzma"), "7z-ia64": seven("-m0=ia64", "-m1=lzma2"),
    "7z-lc": seven("-m0=lzma:lc=0:lp=2:pb=0"), "7z-eos": seven("-m0=lzma:eos"), "7z-grown": ("7z", seven_grown),
    "7z-encrypted": ("7z", seven_encrypted),
    "iso-rock": iso("-R"), "iso-joliet": iso("-J", "-joliet-long", files={n: d for n, d in FILES.items() if len(n) < 60}),
    "iso-bent": ("genisoimage", iso_bent), "iso-plain": iso(names=False, files=FLAT), "samples": ("bsdtar", samples), "normalised-text": ("sigtool", normalised),
}


def main():
    failed = done = 0
    for name, (tool, case) in CASES.items():
        if len(sys.argv) > 3 and name not in sys.argv[3:]:
            continue
        if shutil.which(tool) is None or shutil.which("bsdtar") is None:
            print(f"skip {name}: {tool} is not installed")
            continue
        with tempfile.TemporaryDirectory() as tmp:
            folder = pathlib.Path(tmp)
            for path, data in FILES.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)
            try:
                case(folder)
                done += 1
            except (AssertionError, subprocess.CalledProcessError) as err:
                failed += 1
                print(f"FAIL {name}: {err}")
    print(f"{done} passed, {failed} failed")
    sys.exit(1 if failed or not done else 0)


main()
