#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Security catalogues (.cat): what they allow, our lines against clamscan's.

usage: diff_catalogue.py --sekisho PROGRAM

Catalogues are written here, element by element, over digests of a small program, and signed by openssl with certificates of an authority of our own; each case is
a set of catalogues and crb lines. A signature matches every program; the lines of both scanners must be equal, in all-match mode. Exit 77 when a tool is missing.
"""
import argparse
import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import mkpe  # noqa: E402

TEXT = b"This is a test!!"
SHA1, SHA256 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1"
PROGRAM, CABINET = "1.3.6.1.4.1.311.2.1.15", "1.3.6.1.4.1.311.2.1.25"
LEAF = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=%s\n"


def tlv(tag, *parts):
    body = b"".join(parts)
    size = bytes([len(body)]) if len(body) < 128 else (lambda b: bytes([0x80 | len(b)]) + b)(len(body).to_bytes((len(body).bit_length() + 7) // 8, "big"))
    return bytes([tag]) + size + body


def seq(*parts):
    return tlv(0x30, *parts)


def set_(*parts):
    return tlv(0x31, *parts)


def oid(text):
    first, second, *rest = (int(n) for n in text.split("."))
    out = bytes([first * 40 + second])
    for number in rest:
        groups = [number & 127]
        while number > 127:
            number >>= 7
            groups.insert(0, 128 | number & 127)
        out += bytes(groups)
    return tlv(6, out)


def member(digest, algorithm=SHA1, kind=PROGRAM):
    data = seq(oid(kind), seq(tlv(3, b"\0"), tlv(0xA0, tlv(0xA2, tlv(0x80)))))
    return seq(tlv(4, digest.hex().upper().encode("utf-16-le")),
               set_(seq(oid("1.3.6.1.4.1.311.12.2.2"), set_(seq(tlv(0x1E, "{C689AAB8-8E78-11D0-8C47-00C04FC295EE}".encode("utf-16-be")), tlv(2, b"\2\0")))),
                    seq(oid("1.3.6.1.4.1.311.2.1.4"), set_(seq(data, seq(seq(oid(algorithm), tlv(5)), tlv(4, digest)))))))


def program(tail=b"", table=b""):
    pe = mkpe.PE(size=0x2000, entry=0x1000, headers=0x400)
    pe.section(b".text", 0x1000, 0x1000, 0x1000, 0x1000)
    data = bytearray(pe.bytes() + tail)
    data[0x1800:0x1800 + len(TEXT)] = TEXT
    if table:
        data[0x40 + 24 + 96 + 32:0x40 + 24 + 96 + 40] = len(data).to_bytes(4, "little") + len(table).to_bytes(4, "little")
    return bytes(data) + table


def digest(data, algorithm, end=None):
    """The Authenticode digest: without checksum, directory entry and table."""
    optional = 0x40 + 24
    return hashlib.new(algorithm, data[:optional + 64] + data[optional + 68:optional + 128] + data[optional + 136:end]).digest()


class Yard:
    def __init__(self, top):
        self.top = top
        self.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 3000 -subj '/CN=Test root/O=Sekisho' "
                 "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign,cRLSign")
        for name, use, clock in (("leaf", "codeSigning", ""), ("mail", "emailProtection", ""), ("old", "codeSigning", "faketime '2015-01-01' ")):
            (top / "x.ext").write_text(LEAF % use)
            self.run(f"openssl req -new -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj '/CN=Test {name}/O=Sekisho'")
            self.run(f"{clock}openssl x509 -req -in {name}.csr -CA root.pem -CAkey root.key -CAcreateserial -days 300 -out {name}.pem -extfile x.ext -sha256")

    def run(self, command):
        subprocess.run(["bash", "-c", command], cwd=self.top, check=True, capture_output=True)

    def der(self, name):
        return base64.b64decode("".join((self.top / f"{name}.pem").read_text().split("-----")[2].split()))

    def fields(self, name):
        """DER of issuer, serial number and subject, modulus of a certificate."""
        data = self.der(name)
        text = subprocess.run(["openssl", "asn1parse", "-in", f"{name}.pem"], cwd=self.top, capture_output=True, text=True, check=True).stdout
        rows = [(int(m[1]), int(m[2]), int(m[3]), m[4]) for m in re.finditer(r"(\d+):d=2 +hl=(\d+) +l= *(\d+) +\w+: +(\w+)", text)]
        whole = [data[at:at + head + size] for at, head, size, _ in rows]
        body = [data[at + head:at + head + size] for at, head, size, _ in rows]
        serial = next(i for i, row in enumerate(rows) if row[3] == "INTEGER")
        sequences = [i for i, row in enumerate(rows) if row[3] == "SEQUENCE"]  # algorithm, issuer, validity, subject, key
        modulus = subprocess.run(["openssl", "x509", "-in", f"{name}.pem", "-noout", "-modulus"], cwd=self.top, capture_output=True, text=True, check=True).stdout
        return whole[sequences[1]], whole[serial], body[serial], body[sequences[3]], modulus.strip().split("=")[1].lower()

    def rule(self, name, trusted, cert, code=1, stamp=1, sign=1):
        _, _, serial, subject, modulus = self.fields(cert)
        return f"{name};{trusted};{hashlib.sha1(subject).hexdigest()};{hashlib.sha1(serial).hexdigest()};{modulus};65537;{code};{stamp};{sign};0;c"

    def catalogue(self, members, signer="leaf", algorithm="sha1", content_type="1.3.6.1.4.1.311.10.1", forged=b""):
        """forged: takes the place of the members after signing."""
        def content(rows):
            return b"".join((seq(oid("1.3.6.1.4.1.311.12.1.1")), tlv(4, b"sixteen bytes..."), tlv(0x17, b"250101000000Z"),
                             seq(oid("1.3.6.1.4.1.311.12.1.2"), tlv(5)), seq(rows)))
        signed, name = content(b"".join(members)), {"sha1": SHA1, "sha256": SHA256}[algorithm]
        attributes = sorted([seq(oid("1.2.840.113549.1.9.3"), set_(oid(content_type))),
                             seq(oid("1.2.840.113549.1.9.4"), set_(tlv(4, hashlib.new(algorithm, signed).digest())))])
        (self.top / "attributes").write_bytes(set_(*attributes))
        self.run(f"openssl dgst -{algorithm} -sign {signer}.key -out signature attributes")
        issuer, serial, *_ = self.fields(signer)
        info = seq(tlv(2, b"\1"), seq(issuer, serial), seq(oid(name), tlv(5)), tlv(0xA0, *attributes), seq(oid("1.2.840.113549.1.1.1"), tlv(5)),
                   tlv(4, (self.top / "signature").read_bytes()))
        shown = seq(content(forged) if forged else signed)
        return seq(oid("1.2.840.113549.1.7.2"), tlv(0xA0, seq(tlv(2, b"\1"), set_(seq(oid(name), tlv(5))), seq(oid("1.3.6.1.4.1.311.10.1"), tlv(0xA0, shown)),
                                                              tlv(0xA0, self.der(signer), self.der("root")), set_(info))))


def cases(yard):
    """(name, catalogues, crb lines, programs)"""
    plain = program()
    one, two = member(digest(plain, "sha1")), member(digest(plain, "sha256"), SHA256)
    other = member(b"\1" * 20)
    root, files = yard.rule("Trust.Root", 1, "root"), {"p.exe": plain}
    table = program(table=b"not a signature!")
    yield "no catalogue", [], [root], files
    yield "sha1", [yard.catalogue([one])], [root], files
    yield "sha256", [yard.catalogue([two])], [root], files
    yield "signed with sha256", [yard.catalogue([other, one], algorithm="sha256")], [root], files
    yield "no crb", [yard.catalogue([one])], [], files
    yield "others listed", [yard.catalogue([other])], [root], files
    yield "digest of the file", [yard.catalogue([member(hashlib.sha1(plain).digest())])], [root], files
    yield "two catalogues", [yard.catalogue([other]), yard.catalogue([one])], [root], files
    yield "many members", [yard.catalogue([member(bytes([i]) * 20) for i in range(200)] + [one])], [root], files
    yield "root not for code", [yard.catalogue([one])], [yard.rule("T", 1, "root", code=0)], files
    yield "root not for certificates", [yard.catalogue([one])], [yard.rule("T", 1, "root", sign=0)], files
    yield "root not for time", [yard.catalogue([one])], [yard.rule("T", 1, "root", stamp=0)], files
    yield "leaf alone trusted", [yard.catalogue([one])], [yard.rule("T", 1, "leaf")], files
    yield "leaf blocked", [yard.catalogue([one])], [root, yard.rule("B", 0, "leaf")], files
    yield "signer without the use", [yard.catalogue([one], "mail")], [root], files
    yield "signer expired", [yard.catalogue([one], "old")], [root], files
    yield "forged members", [yard.catalogue([other], forged=one)], [root], files
    good = yard.catalogue([one])
    yield "damaged signature", [good[:-5] + bytes([good[-5] ^ 1]) + good[-4:]], [root], files
    yield "cut", [good[:-40]], [root], files
    yield "junk", [b"junk"], [root], files
    yield "of a cabinet", [yard.catalogue([member(digest(plain, "sha1"), kind=CABINET)])], [root], files
    yield "tail changed", [yard.catalogue([one])], [root], {"p.exe": program(b"tail of 16 bytes")}
    yield "program with a table", [yard.catalogue([member(digest(table, "sha1", len(table) - 16))])], [root], {"p.exe": table}
    yield "no program", [yard.catalogue([member(hashlib.sha1(TEXT * 9).digest())])], [root], {"t.bin": TEXT * 9}


def names(program, database, directory):
    run = subprocess.run(program + ["-z", "--no-summary", "-d", str(database), str(directory)], capture_output=True, text=True)
    return sorted({line for line in run.stdout.splitlines() if line.endswith((" FOUND", ": OK"))})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sekisho", required=True)
    options = parser.parse_args()
    for tool in ("clamscan", "openssl", "faketime"):
        if shutil.which(tool) is None:
            print(f"{tool} is not installed")
            return 77
    wrong = count = allowed = 0
    with tempfile.TemporaryDirectory() as name:
        top = pathlib.Path(name)
        yard = Yard(top)
        for case, catalogues, rules, files in cases(yard):
            for folder in ("db", "files"):
                shutil.rmtree(top / folder, ignore_errors=True)
                os.mkdir(top / folder)
            for i, data in enumerate(catalogues):
                (top / "db" / f"{i}.cat").write_bytes(data)
            (top / "db" / "a.crb").write_text("".join(rule + "\n" for rule in rules))
            (top / "db" / "a.ndb").write_text(f"Evil.Text:0:*:{TEXT.hex()}\n")
            for file, data in files.items():
                (top / "files" / file).write_bytes(data)
            theirs, ours = names(["clamscan", "--disable-cache"], top / "db", top / "files"), names([options.sekisho, "clamscan"], top / "db", top / "files")
            count += 1
            allowed += theirs[0].endswith("OK")
            if theirs != ours:
                wrong += 1
                print(f"{case}: clamscan {theirs}, sekisho {ours}")
    print(f"{count} cases, in {allowed} of them allowed, {wrong} wrong")
    return 1 if wrong or allowed < 5 else 0


if __name__ == "__main__":
    sys.exit(main())
