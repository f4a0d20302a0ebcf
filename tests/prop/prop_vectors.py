#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random data and signatures, scanned by every vector path that the machine has: all of them find the same, and what a reference finds.

usage: prop_vectors.py PROGRAM [--rounds N] [--seconds S] [--seed N] [--keep FOLDER]

One round: files of random bytes, of few letters, of text with white space and control characters, of pages, and of pieces of the
signatures themselves, of lengths around the blocks that kernels work in. Signatures are pieces of them: 3 to 60 bytes, some damaged,
some with wildcards, gaps or in any case, some of the normalised text and page, and MD5 and SHA-256 of whole files. The reference
knows digests, and which plain bodies must be found (in other forms of the bytes there may be more); for the rest the plain C path speaks. Large objects are mapped
by one path and read by the next. docs/VECTORS.md has the paths.
"""
import hashlib
import os
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import props  # noqa: E402

PATHS = ("scalar", "sse4.2", "neon", "avx2", "avx512", "avx512-late")
EDGES = (16, 32, 64, 128, 4096, 8191, 12288, 16384, 65536)
PIECES = ("<b>", "</b>", "&lt;", "&#65;", "<!-- ", "-->", "<a href=\"http://x/Y\">", "</a>", "\r\n", "\t ", "<script>", "</script>", "\0", "\x01", "é")


def paths(program):
    """Those that this machine has; says which it lacks."""
    have = []
    for path in PATHS:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, env={**os.environ, "SEKISHO_VECTORS": path}).stdout
        if f"vectors: {path}\n" in told:
            have.append(path)
    print(f"paths: {' '.join(have)}; not on this machine: {' '.join(p for p in PATHS if p not in have)}", flush=True)
    return have


def words(rnd, size):
    text, total = [], 0
    while total < size:
        word = rnd.choice(("Alpha", "beta", "GAMMA", "x", "of", "The", str(rnd.randrange(10 ** 6)), "\x7f", "~"))
        text.append(word + rnd.choice((" ", " ", " ", "  ", "\n", "\r\n", "\t", "\x0b ", " \0 ", "\x01", " \x02\x03 ")))
        total += len(text[-1])
    return "".join(text)


def random_file(rnd, kind):
    size = max(64, rnd.choice(EDGES) * rnd.choice((1, 1, 1, 2, 3)) + rnd.randrange(-70, 70))
    if kind == "bytes":
        return rnd.randbytes(size)
    if kind == "letters":
        return bytes(rnd.choices(b"aAbB\0\xff ", k=size))
    if kind == "text":
        return words(rnd, size).encode("latin-1")
    page = "<html>" + "".join(rnd.choice(PIECES) if rnd.random() < 0.3 else words(rnd, rnd.randrange(80)) for _ in range(size // 60))
    return page.encode()


def piece(rnd, data, least=3):
    length = min(len(data), rnd.choice((3, 4, 5, 6, 7, 8, 11, 14, 15, 16, 20, 33, 60)))
    at = rnd.choice((0, len(data) - length, rnd.randrange(len(data) - length + 1)))
    return data[at:at + length] if length >= least else None


def body_of(rnd, part):
    """A hexadecimal body that the part matches, and whether it is the part itself."""
    if len(part) < 8 or rnd.random() < 0.6:
        return part.hex(), True
    at = rnd.randrange(3, len(part) - 3)
    middle = rnd.choice(("??", "{1}", "{0-2}", f"({part[at]:02x}|00)", "*"))
    return part[:at].hex() + middle + part[at + 1:].hex(), False


def signatures(rnd, files):
    """Lines by suffix; name -> plain bytes that make it hold; name -> file for digests."""
    lines, plain, whole = {"ndb": [], "ldb": [], "hdb": [], "hsb": []}, {}, {}
    for number in range(200):
        name, data = f"V{number}", rnd.choice(list(files.values()))
        part = piece(rnd, data) if len(data) >= 3 else None
        if part is None or len(set(part)) < 2:
            continue
        if rnd.random() < 0.3:  # one byte another
            at = rnd.randrange(len(part))
            part = part[:at] + bytes([part[at] ^ rnd.choice((1, 0x20, 0x80))]) + part[at + 1:]
        form = rnd.random()
        if form < 0.6:
            body, exact = body_of(rnd, part)
            lines["ndb"].append(f"{name}:0:*:{body}")
            if exact:
                plain[name] = part
        elif form < 0.75:
            lines["ldb"].append(f"{name};Engine:51-255,Target:0;0;{part.hex()}::i")
        else:
            shown = " ".join(part.decode("latin-1").lower().split()).encode("latin-1")
            if len(shown) >= 3:
                lines["ndb"].append(f"{name}:{rnd.choice((3, 7))}:*:{shown.hex()}")
    for number, (file, data) in enumerate(files.items()):
        if data and rnd.random() < 0.6:
            suffix, digest = rnd.choice((("hdb", hashlib.md5(data)), ("hsb", hashlib.sha256(data))))
            lines[suffix].append(f"{digest.hexdigest()}:{len(data)}:H{number}")
            whole[f"H{number}"] = data
    return lines, plain, whole


def one_round(args, have):
    def go(work, seed, report):
        rnd = random.Random(seed)
        files = {f"f{i}": random_file(rnd, rnd.choice(("bytes", "letters", "text", "page"))) for i in range(24)}
        lines, plain, whole = signatures(rnd, files)
        files["pieces"] = b"".join(rnd.choices(list(plain.values()), k=3000))
        for name, data in files.items():
            (work / f"files/{name}").write_bytes(data)
        for suffix, all_lines in lines.items():
            (work / f"defs/test.{suffix}").write_text("".join(line + "\n" for line in all_lines))
        found = {}
        for number, path in enumerate(have):
            os.environ["SEKISHO_VECTORS"] = path
            os.environ["SEKISHO_OBJECTS"] = ("map", "read")[number % 2]
            found[path] = props.run_sekisho(args.sekisho, work, compile_first=path == have[0])
        expected = props.collections.defaultdict(set)
        for file, data in files.items():
            expected[file] = {name for name in found["scalar"][file] if name not in whole}
            expected[file] |= {name for name, part in plain.items() if part in data}
            expected[file] |= {name for name, all_of_it in whole.items() if all_of_it == data}
        report.cases += len(plain) + len(whole)
        report.hits += len(set().union(*expected.values()))
        for path in have:
            report.compare(path, expected, found[path], lambda file, name: f"{(plain.get(name) or b'').hex()} in {len(files[file])} bytes")
    return go


def main():
    args = props.options(__doc__.split("\n", 1)[0], 12)
    sys.exit(props.run_rounds(args, one_round(args, paths(args.sekisho)), clamscan=False))


if __name__ == "__main__":
    main()
