#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare findings named Heuristics.* (and what switches leave out) with Debian's clamscan: same files, same options.

usage: diff_heuristics.py --sekisho PROGRAM [--keep DIR] [GROUP...]

A group is a set of files, definitions, and option lines; each file must give the same set of names in both programs, and both must end
with the same exit code. Files are made new each time, with real tools where they write what we need. Where a real difference is
wanted it stands in DIFFERENT below with its reason, and must still be one. Exit 0 equal, 1 different, 77 something needed is missing.
"""
import argparse
import collections
import hashlib
import io
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import doc_cases
import mkdisk

GROUPS = {}
# (group, options, file): reason. Options "*": under any, but not necessarily under all.
DIFFERENT = {
    ("limits", "*", "large.zip"): "clamscan cuts a member of a ZIP at the file size limit, searches the rest of it and says nothing",
    **{("hashed", "-z", f"beyond{i}.eml"): "addresses in text without what punctuation is around them, and of https" for i in range(3)},
    ("parts", "*", "page.html"): "raw HTML is searched here, too",
}


def group(function):
    GROUPS[function.__name__] = function
    return function


class Group:
    """What one group compares: definitions by file name, files by name, option lines."""

    def __init__(self):
        self.definitions, self.files, self.options, self.minimum = {}, {}, [], 1


def zip_of(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def packed(tool, members, secret=(), extra=()):
    """An archive written by `zip` or `7z`; the members named in secret get a password."""
    with tempfile.TemporaryDirectory(prefix="sekisho-heur-") as folder:
        folder = pathlib.Path(folder)
        for name, data in members:
            (folder / name).write_bytes(data)
            word = (["-Ppw"] if tool == "zip" else ["-ppw"]) if name in secret else []
            command = ["zip", "-q"] if tool == "zip" else ["7z", "a", "-bd"]
            subprocess.run([*command, *word, *extra, "out." + tool, name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return (folder / ("out." + tool)).read_bytes()


MARK = ("marks.ndb", "Test.Planted:0:*:504c414e5445442d4d41524b4552\n"
        "PUA.Test.One:0:*:4f4e452d4d41524b4552\nHeuristics.Test.Two:0:*:54574f2d4d41524b4552\n")
PLAIN, MARKED = b"hello plain world\n", b"text with PLANTED-MARKER in it\n"


@group
def encrypted():
    g = Group()
    g.definitions = dict([MARK])
    both = [("plain.txt", PLAIN), ("marked.txt", MARKED)]
    pua = [("secret.txt", PLAIN), ("one.txt", b"ONE-MARKER here\n"), ("two.txt", b"TWO-MARKER here\n")]
    g.files = {
        "plain.zip": packed("zip", both), "secret.zip": packed("zip", [("plain.txt", PLAIN)], {"plain.txt"}),
        "first.zip": packed("zip", both, {"plain.txt"}), "last.zip": packed("zip", both[::-1], {"plain.txt"}),
        "pua.zip": packed("zip", pua, {"secret.txt"}), "secret.7z": packed("7z", [("plain.txt", PLAIN)], {"plain.txt"}),
        "header.7z": packed("7z", [("plain.txt", PLAIN)], {"plain.txt"}, ["-mhe=on"]), "marked.txt": MARKED,
        "pua.txt": b"ONE-MARKER and TWO-MARKER\n", "strong.txt": b"ONE-MARKER and PLANTED-MARKER\n",
        "document.docx": zip_of([("[Content_Types].xml", "<Types/>"), ("word/document.xml", "<w/>")]),
    }
    g.files["nested.zip"] = zip_of([("secret.zip", g.files["secret.zip"]), ("secret.7z", g.files["secret.7z"])])
    g.options = ["-z", "-z --alert-encrypted", "-z --alert-encrypted-archive", "-z --alert-encrypted-doc",
                 "-z --alert-encrypted --heuristic-alerts=no", "-z --alert-encrypted --heuristic-scan-precedence",
                 "--alert-encrypted --heuristic-scan-precedence"]
    g.minimum = 40
    return g


@group
def passwords():
    g = Group()
    g.definitions = {"words.pwdb": "Word;Engine:80-255,Container:CL_TYPE_ZIP;0;pw\n", **dict([MARK])}
    g.files = {"known.zip": packed("zip", [("marked.txt", MARKED)], {"marked.txt"})}
    g.options = ["-z", "-z --alert-encrypted"]
    g.minimum = 3
    return g


@group
def limits():
    g = Group()
    noise = bytes(zlib.crc32(struct.pack("<I", i)) & 0xff for i in range(300_000)) * 10
    deep = b"PLANTED-MARKER deep inside"
    for i in range(6):
        deep = zip_of([(f"level{i}", deep)])
    g.definitions = dict([MARK])
    g.files = {"large.bin": noise, "large.zip": zip_of([("large.bin", noise), ("marked.txt", MARKED)]), "deep.zip": deep,
               "many.zip": zip_of([(f"{i}.txt", f"text number {i}") for i in range(30)])}
    g.options = ["-z --alert-exceeds-max" + more for more in ("", " --max-filesize=1M", " --max-scansize=4M", " --max-files=10",
                                                             " --max-recursion=3", " --max-filesize=1M --heuristic-alerts=no")]
    g.options.append("-z --max-filesize=1M")
    g.minimum = 12
    return g


def nested_entries(count):
    """A ZIP whose members lie in each other: the data of one is the local header and data of the next."""
    parts = [local_header(b"z", b"end of it all")]
    for i in range(count):
        parts.append(local_header(b"n%d" % i, parts[-1]))
    at, directory = 0, b""
    for i in range(count - 1, -1, -1):
        directory += central_header(b"n%d" % i, parts[i], at)
        at += 30 + len(b"n%d" % i)
    directory += central_header(b"z", b"end of it all", at)
    end = struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, count + 1, count + 1, len(directory), len(parts[-1]), 0)
    return parts[-1] + directory + end


def local_header(name, data):
    return struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(name), 0) + name + data


def central_header(name, data, at):
    return struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 20, 20, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(name), 0, 0, 0,
                       0, 0, at) + name


@group
def partitions():
    g = Group()
    g.definitions = dict([MARK])
    disk = mkdisk.fill(mkdisk.blank(200), 95, b"PLANTED-MARKER in a partition")
    fine, crossed = [(1, 50), (51, 50)], [(1, 50), (40, 60)]
    for word, parts in (("fine", fine), ("crossed", crossed)):
        g.files[f"mbr.{word}"] = mkdisk.mbr(disk[:], [(0x83, *part) for part in parts])
        g.files[f"mbr.extended.{word}"] = mkdisk.mbr(disk[:], [(0x83, *parts[0]), (0x05, *parts[1])])
        g.files[f"mbr.active.{word}"] = mkdisk.mbr(disk[:], [(0x83, *part) for part in parts], flag=0x80)
        g.files[f"mbr.flags.{word}"] = mkdisk.mbr(disk[:], [(0x83, *part) for part in parts], flag=0x33)
        g.files[f"mbr.empty.{word}"] = mkdisk.mbr(disk[:], [(0, *parts[0]), (0x83, *parts[1])])
        g.files[f"gpt.{word}"] = mkdisk.gpt(disk[:], [(40 + first, 40 + first + count // 2 - 1, "x") for first, count in parts])
        g.files[f"apm.{word}"] = mkdisk.apm(disk[:], [(70 + first, count, "x", "Apple_HFS") for first, count in parts])
    g.files["mbr.same"] = mkdisk.mbr(disk[:], [(0x83, 1, 50), (0x83, 1, 50)])
    g.files["mbr.hybrid"] = mkdisk.mbr(disk[:], [(0x83, 0, 200), (0xef, 10, 5)])
    g.files = {name: bytes(data) for name, data in g.files.items()}
    g.options = ["-z", "-z --alert-partition-intersection", "-z --alert-partition-intersection --scan-archive=no"]
    g.minimum = 8
    return g


@group
def cursors():
    g = Group()
    g.definitions = dict([MARK])
    g.files = {f"{c.name}.ani": c.blob + b"PLANTED-MARKER" for c in doc_cases.riff_cases() if c.name != "cut"}
    g.options = ["-z", "-z --heuristic-alerts=no", "-z --scan-image=no --scan-archive=no"]
    g.minimum = 10
    return g


@group
def overlaps():
    g = Group()
    g.definitions = dict([MARK])
    g.files = {f"nested{n}.zip": nested_entries(n) for n in range(1, 9)}
    g.options = ["-z", "-z --heuristic-alerts=no"]
    g.minimum = 3
    return g


@group
def parts():
    g = Group()
    g.definitions = {"own.ndb": "Test.Pdf:10:*:255044462d31\nTest.Raw:0:*:4d41524b\nTest.Text:7:*:6d61726b\nTest.Html:3:*:6d61726b\nTest.Mail:4:*:5375626a656374\n"
        "Test.Gif:5:*:474946383961\nTest.Elf:6:0:7f454c46\n"}
    g.files = {"text.txt": b"plain MARK text\n", "page.html": b"<html><body>MARK</body></html>\n",
               "archive.zip": zip_of([("inner.txt", "a MARK inside, in deflated text text text text")]),
               "document.docx": zip_of([("[Content_Types].xml", "<Types/>"), ("word/document.xml", "<w>MARK MARK MARK</w>")]),
               "one.gif": bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b"),
               "program.elf": pathlib.Path("/bin/true").read_bytes()}
    g.options = ["-z"] + [f"-z --scan-{part}=no" for part in ("pe", "elf", "ole2", "pdf", "html", "mail", "image", "archive",
                                                            "xmldocs", "swf", "hwp3", "onenote")] + ["-z --normalize=no"]
    g.minimum = 60
    return g


def mail(html):
    return ("From: a@b.example\nTo: c@d.example\nSubject: test\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <1@b.example>\n"
            f"MIME-Version: 1.0\nContent-Type: text/html; charset=us-ascii\n\n<html><body>{html}</body></html>\n").encode("latin1")


def plain_mail(text):
    return mail("").replace(b"text/html", b"text/plain").replace(b"<html><body></body></html>", text.encode("latin1"))


def link(real, shown):
    return mail(f'<a href="{real}">{shown}</a>')


SHOWN = "http://www.bank.com/login"
EVIL = "http://evil.example.net/x"


@group
def phishing():
    """Every step of the order, and what counts as an address."""
    g = Group()
    g.definitions = {"p.pdb": "H:bank.com\nR:.+\\.shop\\.(com|net)\n", "p.wdb": (
        "X:.+\\.partner\\.net:.+\\.bank\\.com:17-\nM:pays.example.org:www.bank.com\nY:http://shown\\.net:http://a\\.shop\\.net\n"), **dict([MARK])}
    real = ["http://evil.example.net/x", "https://evil.example.net/", "HTTP://EVIL.Example.NET/", "ftp://evil.example.net/",
            "mailto:a@evil.example.net", "evil.example.net", "//evil.example.net/x", "javascript:alert(1)", "http:evil.example.net",
            "http:/evil.example.net", "hxxp://evil.example.net", "http://evil.example.net:8080/x", "http://evil.example.net?x=1",
            "http://evil.example.net#x", "http://%65vil.example.net/", "http://%2565vil.com", "http://evil", "http://user:pw@evil.net/",
            "http://www.bank.com@evil.example.net/", "http://www.bank.com%01@evil.example.net/", "http://www.bank.com%00@evil.net/",
            "http://evil.example.net/%01", "http://192.168.1.1/", "http://3232235777/", "evil.com", "evil.co.uk", "evil.xyz", "evil.museum",
            "evil.com:80", "a@evil.com", "http:a@evil.com", "http://bank.com", "http://other.bank.com/", "http://bank.com.evil.net",
            "http://notbank.com", "http://a.partner.net/", "http://pays.example.org/", "http://x.pays.example.org", "http://nopays.example.org",
            "http://e;vil.com", "http://evil.com%2f", "http://evil.com%3fx", "http://evil.com%zz", "#top", "/relative", "cid:x", ""]
    shown = ["www.bank.com", "bank.com", "Bank.COM", "Visit bank.com now", "bank", "http://bank.com", "https://bank.com", "HTTPS://bank.com",
             "see http://www.bank.com/", "http://www.bank.com.", "(www.bank.com)", "bank .com", "www.bank.com:80", "user@bank.com",
             "mailto:a@bank.com", "http://www.bank.com@x", "hxxp://www.bank.com", "http//www.bank.com", "//www.bank.com", "http://notbank.com",
             "http://a.shop.com", "http://a.shop.net/x", "http://a.shop.org", "http://shop.com", "http://www.other.com", "https://www.other.com",
             "click here", "", "http://www.ba<b>nk</b>.com", "http://www.bank.com<br>", "12:34", "http://evil.example.net/x"]
    pairs = [(r, SHOWN) for r in real] + [(EVIL, s) for s in shown] + [
        ("http://www.bank.com/y", SHOWN), ("http://www.bank.com", "https://www.bank.com"), ("https://evil.net", "https://www.bank.com"),
        ("http://evil%01.example.net", "https://www.bank.com"), ("http://evil%01.example.net", "http://www.other.com"),
        ("http://pays.example.org/", "https://www.bank.com"), ("http://pays.example.org/", "http://bank.com"),
        ("http://shown.net", "http://a.shop.net"), ("http://a.shop.net", "http://b.shop.net")]
    g.files = {f"{i:03d}.eml": link(*pair) for i, pair in enumerate(pairs)}
    g.files["page.html"] = f'<html><body><a href="{EVIL}">{SHOWN}</a></body></html>'.encode()
    g.files["two.eml"] = mail(f'<a href="{EVIL}">click</a><a href="http://evil2.net">{SHOWN}</a>')
    g.files["image.eml"] = mail(f'<a href="{EVIL}"><img src="http://www.bank.com/x.gif"></a>')
    g.files["only-image.eml"] = mail('<img src="http://www.bank.com/x.gif">')
    g.options = ["-z", "-z --alert-phishing-ssl --alert-phishing-cloak", "-z --phishing-scan-urls=no", "-z --heuristic-alerts=no"]
    g.minimum = 120
    return g


@group
def registered():
    """What counts as the same owner: names under every kind of second level."""
    g = Group()
    tops = ["uk", "jp", "com", "de", "br", "us", "net", "museum"]
    seconds = ["co", "com", "org", "ac", "gov", "me", "foo", "go", "tokyo", "info", "x"]
    g.definitions = {"p.pdb": "".join(f"H:{top}\n" for top in tops), **dict([MARK])}
    g.files = {f"{s}.{t}.eml": link(f"http://evil.{s}.{t}/", f"http://bank.{s}.{t}/") for t in tops for s in seconds}
    g.options = ["-z"]
    g.minimum = 30
    return g


@group
def hashed():
    """Lists of hashed addresses: which forms of an address are asked for, and which list wins."""
    g = Group()
    forms = {"S": ["listed.net/", "deep.net/a/b/", "query.net/x?y=1", "four.net/a/b/c/d/", "five.net/a/b/c/d/e/", "Case.net/A", "dots.net/b"],
             "S1": ["blocked.net/", "both.net/", "allowed.net/"], "S2": ["phish.net/", "both.net/"], "S:W": ["allowed.net/"]}
    g.definitions = dict([MARK])
    g.definitions["p.gdb"] = "".join(f"{kind + (':F' if ':' not in kind else '')}:{hashlib.sha256(form.encode()).hexdigest()}\n"
                                     for kind, names in forms.items() for form in names)
    urls = ["http://listed.net/", "https://a.b.listed.net/x/y", "http://notlisted.net", "http://deep.net/a/b/c", "http://deep.net/a",
            "http://query.net/x?y=1", "http://query.net/x", "http://four.net/a/b/c/d/e/f", "http://five.net/a/b/c/d/e/f", "http://blocked.net:80/",
            "http://both.net", "http://allowed.net/", "http://phish.net/q", "http://dots.net/a/../b", "http://%6cisted.net/",
            "http://u@listed.net/", "ftp://listed.net", "HTTP://listed.net/"]
    g.files = {f"{i:03d}.eml": link(url, "click") for i, url in enumerate(urls)}
    plain = ["see {} now", "{}", "x{}\ty", "{}\r\nnext", "http://other.net/ {} x"]
    for i, (url, text) in enumerate((url, text) for url in ("http://listed.net/", "ftp://listed.net", "http://query.net/x?y=1", "http://other.net/x",
                                                             "http://deep.net/a/b/c/d") for text in plain):
        g.files[f"text{i:03d}.eml"] = plain_mail(text.format(url))
    beyond = ["see <http://listed.net>.", "(https://listed.net)", "http://query.net/x?y=1, x"]
    g.files |= {f"beyond{i}.eml": plain_mail(text) for i, text in enumerate(beyond)}
    g.options = ["-z"]
    g.minimum = 10
    return g


@group
def structured():
    """Card and social security numbers in text: forms, breaks, issuers, counts."""
    g = Group()
    g.definitions = dict([MARK])
    card = "4111111111111111"
    numbers = ["4111111111111111", "5500000000000004", "340000000000009", "30000000000004", "6011000000000004", "201400000000009",
               "3088000000000009", "2221000000000009", "5019717010103742", "6221260000000000", "6221250000000001"]
    texts = {f"card-{n}": f"card {n} x" for n in numbers}
    texts |= {"dashes": "a 4111-1111-1111-1111 b ", "blanks": "a 4111 1111 1111 1111 b ", "wrong": "a 4111111111111112 b ", "glued": f"x{card}y ",
              "longer": f"a {card}2 b ", "before": f"a 1{card} b ", "dots": "a 4111.1111.1111.1111 b ", "breaks15": f"a {'-'.join(card)} b ",
              "breaks8": "a 4-1-11-11-11-11-11-11-11 b ", "double": "a 4111--1111--1111--1111 b ", "ssn": "n 123-45-6789 and ",
              "stripped": "n 123456789 and ", "ssn900": "n 900-12-3456 c ", "ssn666": "n 666-12-3456 c ", "ssn772": "n 772-12-3456 c ",
              "ssn773": "n 773-12-3456 c ", "ssn-glued": "n1123-45-6789c ", "ssn-letters": "nx123-45-6789yc ", "ssn-blanks": "n 123 45 6789 c "}
    g.files = {f"{name}.txt": (text * 3).encode() for name, text in texts.items()}
    g.files |= {"two.txt": f"a {card} b {card} c".encode(), "lines.txt": f"{card}\n{card}\n{card}\n".encode(),
                "binary.bin": b"\0\1\xff\xfe" * 50 + f" {card} x".encode() * 3 + b"\0" * 50, "utf8.txt": f"\u00e9 {card} b ".encode() * 3,
                "page.html": f"<html><body>{card} <b>{card}</b> {card}</body></html>".encode(), "utf16.txt": f"a {card} b ".encode("utf-16") * 3,
                "member.zip": zip_of([("t.txt", f"a {card} b " * 3)]), "members.zip": zip_of([(f"{i}.txt", f"a {card} b " * 2) for i in range(2)])}
    g.options = ["-z", "-z --detect-structured"] + ["-z --detect-structured " + more for more in (
        "--structured-ssn-format=1", "--structured-ssn-format=2", "--structured-cc-mode=1", "--structured-cc-count=2 --structured-ssn-count=4",
        "--structured-cc-count=1", "--heuristic-alerts=no")]
    g.minimum = 100
    return g


@group
def broken():
    """Executables that are damaged and some that are not: programs of this machine, cut and changed."""
    g = Group()
    g.definitions = dict([MARK])
    elf = pathlib.Path("/bin/true").read_bytes()
    changed = {"entry": (0x18, "<Q", 0x7fffffffff), "entries": (0x36, "<H", 7), "count": (0x38, "<H", 5000), "sections": (0x28, "<Q", 0x7fffffff),
               "section-size": (0x3a, "<H", 7)}
    for name, (at, form, value) in changed.items():
        data = bytearray(elf)
        struct.pack_into(form, data, at, value)
        g.files[f"elf-{name}"] = bytes(data)
    g.files |= {f"elf-cut-{size}": elf[:size] for size in (64, 100, 1000, len(elf) - 1)}
    g.files |= {f"whole-{name}": pathlib.Path("/bin", name).read_bytes() for name in ("true", "cat", "ls") if pathlib.Path("/bin", name).exists()}
    g.options = ["-z", "-z --alert-broken", "-z --alert-broken --scan-elf=no"]
    g.minimum = 8
    return g


def names_of(program, options, definitions, files):
    run = subprocess.run([*program, "--no-summary", *options.split(), "-d", str(definitions), str(files)], capture_output=True, text=True,
                         errors="replace")
    if run.returncode not in (0, 1):
        print(f"{program[0]} {options}: exit {run.returncode}: {run.stderr[-1000:]}")
    names = collections.defaultdict(set)
    for line in run.stdout.splitlines():
        m = re.match(r"(.*): (\S+) FOUND$", line)
        if m:
            names[pathlib.Path(m.group(1)).name].add(m.group(2))
    return names, run.returncode


def compare(label, g, program, work):
    definitions, files = work / label / "defs", work / label / "files"
    for folder, content in ((definitions, g.definitions), (files, g.files)):
        folder.mkdir(parents=True)
        for name, data in content.items():
            (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    wrong = found = cases = 0
    for options in g.options:
        theirs, their_code = names_of(["clamscan"], options, definitions, files)
        ours, our_code = names_of([program, "clamscan", "--incomplete-as-ok"], options, definitions, files)
        if their_code != our_code:
            print(f"DIFFERENT {label} {options}: exit code {their_code}, ours {our_code}")
            wrong += 1
        for name in sorted(g.files):
            cases += 1
            found += len(theirs[name])
            same = theirs[name] == ours[name]
            known = (label, options, name) in DIFFERENT
            if same and known:
                print(f"{label} {options} {name}: no difference any more")
                wrong += 1
            elif not same and not known and (label, "*", name) not in DIFFERENT:
                print(f"DIFFERENT {label} {options} {name}: clamscan {sorted(theirs[name])}, sekisho {sorted(ours[name])}")
                wrong += 1
    print(f"{label}: {cases} cases, {found} names of clamscan, {wrong} different")
    if found < g.minimum:
        print(f"{label}: only {found} names: the files do not test anything")
        wrong += 1
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--keep")
    parser.add_argument("group", nargs="*")
    args = parser.parse_args()
    for tool in ("clamscan", "zip", "7z"):
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed")
            return 77
    work = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="sekisho-heur-"))
    wrong = 0
    try:
        for label in args.group or GROUPS:
            wrong += compare(label, GROUPS[label](), args.sekisho, work)
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
