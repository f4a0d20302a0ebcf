# SPDX-License-Identifier: Apache-2.0
"""What bench/run.py scans: folders of real files, Windows programs out of Debian packages, and archives made of real files."""
import base64
import os
import pathlib
import random
import shutil
import subprocess
import typing

# Packages with Windows programs: wine's (C, 64 bits), gcc's runtime for Windows, .NET, installers, boot loaders.
PE_PACKAGES = ("libwine gcc-mingw-w64-x86-64-posix-runtime libmono-corlib4.5-dll libmono-system4.0-cil libmono-system-web4.0-cil "
               "nsis-common python3-distlib grub-efi-amd64-bin shim-unsigned syslinux-efi").split()
PE_MEGABYTES = 100

# The last member of a second copy of every archive: who finds it there has read all of the first.
EICAR = base64.b64decode("WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo=")


class Archive(typing.NamedTuple):
    """pack: a command that runs in the folder; {tar}: the folder as tar, {out}: the archive. alone: unpack {out} to standard output."""
    name: str
    pack: str
    alone: str


ARCHIVES = (Archive("tar.xz", "xz -T1 -c {tar} > {out}", "xz -T1 -dc {out}"),
            Archive("tar.gz", "gzip -c {tar} > {out}", "gzip -dc {out}"),
            Archive("tar.bz2", "bzip2 -c {tar} > {out}", "bzip2 -dc {out}"),
            Archive("tar.zst", "zstd -q -c {tar} > {out}", "zstd -q -dc {out}"),
            Archive("zip", "zip -qr {out} .", "unzip -p {out}"),
            Archive("7z", "7z a -bd -mmt=1 {out} . > /dev/null", "7z x -bd -so -mmt=1 {out}"))
MIXES = {"programs": ("bin", "elf"), "text": ("inc", "text", "share")}


def limited(folder, work, limit):
    """A folder with at most `limit` MB of links to the files of `folder`, always the same ones."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    random.Random(1).shuffle(files)
    out = work / "limited" / folder.name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    total = count = 0
    for path in files:
        if limit and total >= limit * 1e6:
            break
        os.link(path, out / path.name)
        total += path.stat().st_size
        count += 1
    return out, total, count


def own_corpus(target):
    for kind, source, megabytes in (("bin", "/usr/bin", 40), ("text", "/usr/share/doc", 10), ("inc", "/usr/include", 10)):
        (target / kind).mkdir(parents=True, exist_ok=True)
        total = 0
        for number, path in enumerate(sorted(p for p in pathlib.Path(source).rglob("*") if p.is_file() and not p.is_symlink())):
            if total > megabytes * 1e6:
                break
            shutil.copyfile(path, target / kind / f"{number:05d}_{path.name}")
            total += path.stat().st_size


def links(paths, out):
    """A folder of links (or copies) to these files."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for number, path in enumerate(paths):
        os.link(path, out / f"{number:05d}_{path.name}")
    return out


def is_pe(path):
    with open(path, "rb") as file:
        head = file.read(4096)
    at = int.from_bytes(head[60:64], "little")
    return head[:2] == b"MZ" and head[at:at + 4] == b"PE\0\0"


def windows_programs(work):
    """The kind `pe`: PE files of PE_PACKAGES, made once below `work`. None where apt cannot fetch them."""
    out = work / "corpus-pe" / "pe"
    if out.exists():
        return out
    print("fetching packages with Windows programs (120 MB) ...", flush=True)
    fetch, making = work / "pe-packages", work / "corpus-pe" / "making"
    shutil.rmtree(fetch, ignore_errors=True)
    shutil.rmtree(making, ignore_errors=True)
    fetch.mkdir(parents=True)
    making.mkdir(parents=True)
    for package in PE_PACKAGES:  # one at a time: a release may lack one
        try:
            subprocess.run(["apt-get", "download", "-q", package], cwd=fetch, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except OSError:
            break
    for package in fetch.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, fetch / "tree"], check=True)
    files = sorted(p for p in fetch.rglob("*") if p.is_file() and not p.is_symlink() and 0 < p.stat().st_size < 20_000_000 and is_pe(p))
    random.Random("pe").shuffle(files)
    total = 0
    for number, path in enumerate(files):
        if total > PE_MEGABYTES * 1e6:
            break
        total += path.stat().st_size
        path.rename(making / f"{number:05d}_{path.name}")
    shutil.rmtree(fetch)
    if not total:
        return None
    making.rename(out)
    return out


def pack(folder, archive, path):
    """The folder as this archive, made once; False where the tools are not installed."""
    if not path.exists():
        if not all(shutil.which(command.split()[0]) for command in (archive.pack, archive.alone)):
            return False
        making, tar = path.with_name(f"making.{archive.name}"), folder.with_suffix(".tar")
        making.unlink(missing_ok=True)
        if not tar.exists():
            subprocess.run(["tar", "--sort=name", "-cf", tar, "-C", folder, "."], check=True)
        subprocess.run(["sh", "-ec", archive.pack.format(tar=tar, out=making)], cwd=folder, check=True)
        making.rename(path)
    return True


def packed(corpus, work, mix, megabytes):
    """Archives of `megabytes` of each kind of the mix: {Archive: (path, path with EICAR)}, and the bytes of their members. Made once."""
    base = work / "archives" / f"{mix}-{megabytes:g}"
    plain, marked = base / "plain", base / "marked"
    if not marked.exists():
        shutil.rmtree(base, ignore_errors=True)
        plain.mkdir(parents=True)
        for kind in MIXES[mix]:
            if (corpus / kind).is_dir():
                for path in limited(corpus / kind, work, megabytes)[0].iterdir():
                    if "_clam" not in path.name:  # clamav-testfiles: a finding ends the scan
                        os.link(path, plain / f"{kind}-{path.name}")
        shutil.copytree(plain, marked, copy_function=os.link)
        (marked / "zz-eicar.com").write_bytes(EICAR)
    out = {}
    for archive in ARCHIVES:
        pair = base / f"plain.{archive.name}", base / f"marked.{archive.name}"
        if pack(plain, archive, pair[0]) and pack(marked, archive, pair[1]):
            out[archive] = pair
    return out, sum(p.stat().st_size for p in plain.iterdir())
