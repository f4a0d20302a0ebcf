#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Large random archives scanned by one worker and by several at once: the reports are the same, byte for byte.

usage: prop_shares.py PROGRAM [--rounds N] [--seconds S] [--seed N] [--keep FOLDER]

One round is one archive: ZIP, TAR, CPIO, AR or ISO, made of members that are found in every way (digest, body, logical signature with a
condition on its container, member signature), allowed, encrypted, damaged, nested or dull, and then, for ZIP, bent: members hidden
behind packed sizes that are a lie, overlapping, missing from the directory, cut off. It is scanned with one job and with two of two,
three and five, with random limits and switches. Most rounds are dull enough to be shared out, and at least a third of all must have been: else
nothing was tested.
"""
import gzip
import hashlib
import io
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integ"))
import cli  # noqa: E402
import props  # noqa: E402

BAD, BODY, IN_TAR, IN_ZIP, ALLOWED, NAMED = b"shares-bad-by-digest", b"shares-bad-body", b"shares-in-tar", b"shares-in-zip", b"shares-allowed", "evil.doc"
MIN_BYTES = 4 << 20


def definitions(folder):
    (folder / "s.hdb").write_text("".join(f"{hashlib.md5(b).hexdigest()}:{len(b)}:Hash-{i}\n" for i, b in enumerate((BAD, ALLOWED))))
    (folder / "s.fp").write_text(f"{hashlib.md5(ALLOWED).hexdigest()}:{len(ALLOWED)}:fine\n")
    (folder / "s.ndb").write_text(f"Body:0:*:{BODY.hex()}\n")
    (folder / "s.ldb").write_text(f"InTar;Engine:81-255,Target:0,Container:CL_TYPE_OLD_TAR;0;{IN_TAR.hex()}\n"
                                  f"InZip;Engine:81-255,Target:0,Intermediates:CL_TYPE_ZIP>CL_TYPE_GZ;0;{IN_ZIP.hex()}\n")
    (folder / "s.cdb").write_text(r"Named:CL_TYPE_ZIP:*:evil\.doc$:*:*:*:*:*:*" + "\n")


def dull(rnd, sizes=(0, 3, 100, 5000, 60000, 300000)):
    size = rnd.choice(sizes)
    kind = rnd.random()
    if kind < 0.4:
        return rnd.randbytes(size)
    if kind < 0.7:
        return b" ".join(rnd.choices([b"plain", b"text", b"of", b"many words", b"\n"], k=size // 5 + 1))
    if kind < 0.8:
        return b"<html><body>" + rnd.randbytes(size // 2).hex().encode() + b"</body></html>"
    return bytes(size)


def archive(rnd, depth, spice):
    """Bytes of a small archive for a member."""
    kind = rnd.choice(("zip", "tar", "gz", "broken", "encrypted") if spice else ("zip", "tar", "gz"))
    if kind == "encrypted":
        return cli.encrypted_zip()
    if kind == "gz":
        return gzip.compress(member(rnd, depth + 1, spice))
    parts = [(f"n{i}", member(rnd, depth + 1, spice)) for i in range(rnd.randrange(1, 4))]
    data = make_zip(rnd, parts) if kind != "tar" else make_tar(parts)
    return data[:len(data) * 2 // 3] if kind == "broken" else data


def member(rnd, depth, spice):
    roll = rnd.random()
    if spice and roll < 0.2:
        return rnd.choice((BAD, b"xx" + BODY, IN_TAR + b"!", IN_ZIP + b"!", gzip.compress(IN_ZIP + b"!"), ALLOWED))
    if roll < 0.35 and depth < 4:
        return archive(rnd, depth, spice)
    return dull(rnd, (0, 3, 100, 5000))


def make_zip(rnd, parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in parts:
            slow = (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA) if len(data) < 20000 else ()
            z.writestr(name, data, rnd.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, *slow)), 1)
    return out.getvalue()


def make_tar(parts):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as t:
        for name, data in parts:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def make_cpio(parts):
    out = b""
    for name, data in [*parts, ("TRAILER!!!", b"")]:
        fields = (1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        out += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return out


def make_ar(parts):
    out = b"!<arch>\n"
    for name, data in parts:
        out += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name.encode()[:15] + b"/", 0, 0, 0, b"100644", len(data)) + data + b"\n" * (len(data) % 2)
    return out


def make_iso(parts):
    with tempfile.TemporaryDirectory() as top:
        for name, data in parts:
            (pathlib.Path(top) / name).write_bytes(data)
        return subprocess.run(["genisoimage", "-quiet", "-R", top], check=True, capture_output=True).stdout


def directory(data):
    """(offset of the entry, its length, offset of the local header) for each member of a sound ZIP."""
    end = data.rfind(b"PK\5\6")
    at, found = int.from_bytes(data[end + 16:end + 20], "little"), []
    while data[at:at + 4] == b"PK\1\2":
        length = 46 + sum(int.from_bytes(data[at + o:at + o + 2], "little") for o in (28, 30, 32))
        found.append((at, length, int.from_bytes(data[at + 42:at + 46], "little")))
        at += length
    return end, found


def bend(rnd, data):
    """A ZIP that lies. What it hides is found by reading, so who skips members would see something else."""
    end, entries = directory(data)
    data = bytearray(data)
    which = rnd.randrange(1, len(entries) - 1)
    at, length, local = entries[which]
    after = entries[which + 1][2]
    before_at, _, before_local = entries[which - 1]
    how = rnd.choice(("hide", "hide", "claim", "overlap", "cut", "size", "crc", "tail"))
    if how in ("hide", "claim"):  # the member before says that this one belongs to its packed bytes
        packed = after - before_local - 30 - int.from_bytes(data[before_local + 26:before_local + 28], "little")
        data[before_local + 18:before_local + 22] = data[before_at + 20:before_at + 24] = packed.to_bytes(4, "little")
    if how == "hide":  # ... and it is in no directory
        del data[at:at + length]
        end -= length
        for o in (8, 10):
            data[end + o:end + o + 2] = (len(entries) - 1).to_bytes(2, "little")
        data[end + 12:end + 16] = (int.from_bytes(data[end + 12:end + 16], "little") - length).to_bytes(4, "little")
    elif how == "overlap":
        data[at + 42:at + 46] = data[before_at + 42:before_at + 46]
    elif how == "cut":
        del data[rnd.randrange(len(data) // 2, len(data)):]
    elif how == "size":
        data[at + 24:at + 28] = rnd.randrange(1 << 31).to_bytes(4, "little")
    elif how == "crc":
        data[at + 16:at + 20] = data[local + 14:local + 18] = rnd.randbytes(4)
    elif how == "tail":
        data += rnd.randbytes(2000)
    return bytes(data), how


KINDS = ("zip", "zip", "zip", "tar", "cpio", "ar") + (("iso",) if shutil.which("genisoimage") else ())


def make(rnd):
    spice = rnd.random() < 0.5
    parts = [(f"m{i}.{rnd.choice(('txt', 'bin', 'doc'))}", dull(rnd) if rnd.random() < 0.8 else member(rnd, 1, False)) for i in range(rnd.randrange(30, 90))]
    parts += [(f"noise{i}", rnd.randbytes(MIN_BYTES // 8)) for i in range(8)]  # incompressible: it is large enough
    for i in range(rnd.randrange(1, 4) if spice else 0):
        parts.append((NAMED if rnd.random() < 0.1 else f"s{i}", member(rnd, 1, True)))
    rnd.shuffle(parts)
    kind = rnd.choice(KINDS)
    data = make_zip(rnd, parts) if kind == "zip" else {"tar": make_tar, "cpio": make_cpio, "ar": make_ar, "iso": make_iso}[kind](parts)
    how = ""
    if kind == "zip" and rnd.random() < 0.4:
        data, how = bend(rnd, data)
    return data, f"{kind} {how or ('spiced' if spice else 'dull')}"


def switches(rnd):
    some = ["--allmatch", "--max-files=200", "--max-files=60", "--max-scansize=14M", "--max-scansize=30M", "--max-filesize=200K", "--max-recursion=3", "--max-ratio=5",
            "--alert-encrypted", "--alert-exceeds-max", "--max-memory=16M", "--heuristic-scan-precedence", "--no-scan-archive", "--no-archives"]
    return rnd.sample(some, rnd.choice((0, 0, 1, 2)))


def scan(args, work, jobs, extra):
    run = subprocess.run([args.sekisho, "scan", "--json", "--stats", f"--jobs={jobs}", "-d", work / "compiled", *extra, work / "object"],
                         capture_output=True, text=True, errors="replace")
    if run.returncode not in (0, 1, 2):
        sys.exit(f"sekisho scan: {run.returncode} {run.stderr[-2000:]}")
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    shares = rows[-1]["stats"]["shares"]
    for key in ("stats", "seconds", "jobs"):
        rows[-1].pop(key)
    return (run.returncode, rows), shares


def main():
    warnings.simplefilter("ignore", UserWarning)  # two members of one name
    args = props.options(__doc__.splitlines()[0], 60)
    rounds, shared, alone, found = 0, 0, 0, 0
    until = time.monotonic() + args.seconds if args.seconds else None
    with tempfile.TemporaryDirectory(prefix="sekisho-shares-") as top:
        work = pathlib.Path(args.keep or top)
        (work / "defs").mkdir(parents=True, exist_ok=True)
        definitions(work / "defs")
        subprocess.run([args.sekisho, "defs", "compile", work / "defs", "-o", work / "compiled"], check=True, capture_output=True)
        while rounds < args.rounds and (until is None or time.monotonic() < until):
            seed = args.seed + rounds
            rnd = random.Random(seed)
            data, what = make(rnd)
            extra = switches(rnd)
            (work / "object").write_bytes(data)
            want, none = scan(args, work, 1, extra)
            found += want[0] != 0
            if none != 0:
                sys.exit(f"seed {seed}: one job and {none} shares")
            for jobs in rnd.sample((2, 3, 5), 2):
                got, shares = scan(args, work, jobs, extra)
                shared += shares > 0
                alone += shares == 0
                if got != want:
                    print(f"seed {seed}: {what}, {len(data)} bytes, {jobs} jobs, {extra}, {shares} shares\none job:  {want}\n{jobs} jobs: {got}")
                    if args.keep is None:
                        shutil.copy(work / "object", f"/tmp/sekisho-shares-{seed}")
                    return 1
            rounds += 1
    print(f"{rounds} archives, {found} of them not clean; of the scans with several jobs {shared} were shared out, {alone} were not")
    if rounds >= 6 and shared * 3 < shared + alone:
        sys.exit("too few were shared out to show anything")
    return 0


if __name__ == "__main__":
    sys.exit(main())
