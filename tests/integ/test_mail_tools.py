#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mail written by real programs, and TNEF read by one: every attachment comes out as it went in.

usage: test_mail_tools.py WALKDUMP SEKISHO

swaks, mutt, mpack, uuencode and binhex write; tnef reads what mktnef.py writes, munpack what mail_cases.py writes; the mail files of
Debian's clamav-testfiles must be detected by the digest of the program inside. Each program that is missing is named and passed over;
skipped (77) when all are.
"""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zlib

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "lib"))
import mail_cases

TESTFILES = pathlib.Path("/usr/share/clamav-testfiles")
MAIL_FILES = ["clam.mail", "clam.exe.mbox.base64", "clam.exe.mbox.uu", "clam.tnef", "clam.exe.binhex"]
TOOL = bytes(range(256)) * 11 + b"not a program"


class Missing(Exception):
    pass


def run(*argv, cwd, data=b"", env=None):
    if shutil.which(argv[0]) is None:
        raise Missing(argv[0])
    return subprocess.run(argv, cwd=cwd, input=data, capture_output=True, check=True, env={**os.environ, **(env or {})}).stdout


def members(dump, kind, path):
    out = subprocess.run([dump, kind, str(path)], capture_output=True, text=True, check=True, timeout=60).stdout
    lines = [json.loads(line) for line in out.splitlines()]
    return [(line["bytes"], line["crc32"]) for line in lines if "crc32" in line], lines[-1]


def carries(dump, kind, mail, folder, content=TOOL):
    path = folder / "made"
    path.write_bytes(mail)
    found, last = members(dump, kind, path)
    return (len(content), zlib.crc32(content)) in found and last["bid"] >= 40 and not last["notes"]


# -- writers -----------------------------------------------------------------------------------------

def swaks(dump, folder):
    mail = run("swaks", "--dump-mail", "--to", "b@example.org", "--from", "a@example.org", "--attach", "@tool.exe", "--body", "hello",
               cwd=folder)
    # swaks 20201014 takes "@tool.exe" for a name only when the file is there under it
    wanted = (folder / "tool.exe").read_bytes() if b"tool.exe" in mail else b""
    return carries(dump, "mail", mail, folder, wanted)


def mutt(dump, folder):
    catcher = folder / "catch"
    catcher.write_text(f"#!/bin/sh\ncat > '{folder}/caught'\n")
    catcher.chmod(0o755)
    (folder / "muttrc").write_text(f'set sendmail="{catcher}"\nset copy=no\nset from="a@example.org"\nset hostname="example.org"\n')
    run("mutt", "-F", "muttrc", "-s", "subject", "-a", "tool.exe", "--", "b@example.org", cwd=folder, data=b"body\n", env={"HOME": str(folder)})
    return carries(dump, "mail", (folder / "caught").read_bytes(), folder)


def mpack(dump, folder):
    run("mpack", "-s", "subject", "-o", "packed", "tool.exe", cwd=folder)
    return carries(dump, "mail", (folder / "packed").read_bytes(), folder)


def uuencode(dump, folder):
    good = True
    for option in ([], ["-m"]):
        text = run("uuencode", *option, "tool.exe", "x y.exe", cwd=folder)
        mail = b"From: a@example.org\nSubject: see below\n\nwords\n\n" + text + b"\nmore words\n"
        good = good and carries(dump, "mail", mail, folder) and carries(dump, "uuencode", b"words\n" + text, folder)
    return good


def binhex(dump, folder):
    return carries(dump, "binhex", run("binhex", "-d", "tool.exe", cwd=folder), folder)


# -- readers -----------------------------------------------------------------------------------------

def tnef(dump, folder):
    """Where the tool reads our TNEF, it gets what we said is in it."""
    compared = 0
    for case in mail_cases.tnef_cases():
        if case.notes or "checksum" in case.name or case.name in ("embedded", "literal-rtf", "line-end-behind"):
            continue
        (folder / "in.tnef").write_bytes(case.blob)
        out = folder / case.name
        out.mkdir()
        run("tnef", "--save-body=body", "--body-pref=r", "-f", "in.tnef", "-C", str(out), cwd=folder)
        for name, content in case.children.items():
            got = (out / name).read_bytes() if (out / name).exists() else None
            if got != content:
                print(f"tnef reads {name} of {case.name} differently")
                return False
            compared += 1
    return compared > 3


def munpack(dump, folder):
    (folder / "built").write_bytes(bytes(mail_cases.built_mail()))
    run("munpack", "-f", "-q", "built", cwd=folder)
    return (folder / "tool.exe").read_bytes() == mail_cases.PAYLOAD


def testfiles(sekisho, folder):
    if not TESTFILES.is_dir():
        raise Missing("clamav-testfiles")
    inner = (TESTFILES / "clam.exe").read_bytes()
    (folder / "clam.hsb").write_text(f"{hashlib.sha256(inner).hexdigest()}:{len(inner)}:Inner.Program:73\n")
    subprocess.run([sekisho, "defs", "compile", "-q", "-o", "set", "clam.hsb"], cwd=folder, check=True)
    good = True
    for name in MAIL_FILES:
        out = subprocess.run([sekisho, "scan", "-q", "-d", "set", str(TESTFILES / name)], cwd=folder, capture_output=True, text=True)
        if "Inner.Program" not in out.stdout:
            print(f"{name}: {out.stdout}{out.stderr}")
            good = False
    return good


def charset(sekisho, folder):
    """Tables of character sets are there although the sandbox opens no file: text is found in UTF-8."""
    words = "\u65e5\u672c\u8a9e\u306e\u672c\u6587"
    (folder / "words.ndb").write_text(f"Words.In.UTF8:0:*:{words.encode().hex()}\n")
    subprocess.run([sekisho, "defs", "compile", "-q", "-o", "set", "words.ndb"], cwd=folder, check=True)
    good = True
    for name in ("iso-2022-jp", "shift_jis", "euc-jp", "utf-16"):
        mail = b"From: a\nContent-Type: text/plain; charset=" + name.encode() + b"\nContent-Transfer-Encoding: base64\n\n"
        (folder / "jp.eml").write_bytes(mail + base64.encodebytes(words.encode(name)))
        out = subprocess.run([sekisho, "scan", "-q", "-d", "set", "jp.eml"], cwd=folder, capture_output=True, text=True)
        if "Words.In.UTF8" not in out.stdout:
            print(f"{name}: {out.stdout}{out.stderr}")
            good = False
    return good


def main():
    dump, sekisho = (str(pathlib.Path(arg).resolve()) for arg in sys.argv[1:3])
    done, bad = 0, []
    checks = [swaks, mutt, mpack, uuencode, binhex, tnef, munpack]
    for check in [*checks, testfiles, charset]:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "tool.exe").write_bytes(TOOL)
            try:
                good = check(dump if check in checks else sekisho, folder)
            except Missing as why:
                print(f"{why} is not installed: {check.__name__} is left out")
                continue
            done += 1
            if not good:
                bad.append(check.__name__)
    print(f"{done} checks, wrong: {', '.join(bad) or 'none'}")
    sys.exit(1 if bad else 77 if not done else 0)


if __name__ == "__main__":
    main()
