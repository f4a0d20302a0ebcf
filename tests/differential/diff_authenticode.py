#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signed programs under trusted and blocked certificates (crb): our lines against clamscan's.

usage: diff_authenticode.py --sekisho PROGRAM

A small program, built by mingw, is signed by osslsigncode with certificates of a certification authority of our own made by openssl:
good, expired, without the right uses, of other algorithms, tampered with, and so on. Every case is a crb file and a program; both scanners
get them with a signature that any of the programs has, in all-match mode. Cases in MORE report more, cases in STRICTER are those where we trust less on purpose
(docs/differences-from-clamav.md): there clamscan must say OK and we must not. Exit 77 when a tool is missing.
"""
import argparse
import base64
import hashlib
import http.server
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile

STUB = b"This program cannot be run"
MORE = {"blocked wins", "both for one", "unused certificate blocked"}  # all matches: clamscan hides what is not the certificate
STRICTER = {"issuer is no CA", "certificate signed with MD5", "digest md5"}
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n"
SIGNER = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=codeSigning\n"
STAMPER = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
# name: (issuer, extensions, made at, days, key, digest)
CERTS = {
    "root": (None, CA), "int": ("root", CA), "leaf": ("int", SIGNER), "tsa": ("root", STAMPER),
    "old": ("int", SIGNER, "2015-01-01", 100), "future": ("int", SIGNER, "2035-01-01", 100),
    "noeku": ("int", "basicConstraints=CA:FALSE\n"), "tsonly": ("int", "basicConstraints=CA:FALSE\nextendedKeyUsage=timeStamping\n"),
    "mail": ("int", "basicConstraints=CA:FALSE\nextendedKeyUsage=emailProtection\n"),
    "any": ("int", "basicConstraints=CA:FALSE\nextendedKeyUsage=anyExtendedKeyUsage\n"),
    "self": (None, SIGNER), "sha512leaf": ("int", SIGNER, None, 3000, "rsa:2048", "sha512"), "md5leaf": ("int", SIGNER, None, 3000, "rsa:2048", "md5"),
    "rsa1024": ("int", SIGNER, None, 3000, "rsa:1024"), "ec": ("int", SIGNER, None, 3000, "ec -pkeyopt ec_paramgen_curve:P-256"),
    "oldint": ("root", CA, "2015-01-01", 100), "underold": ("oldint", SIGNER),
    "tsint": ("root", CA + "extendedKeyUsage=timeStamping\n"), "undertsint": ("tsint", SIGNER),
    "plainint": ("root", "basicConstraints=critical,CA:TRUE\n"), "underplain": ("plainint", SIGNER),
    "signint": ("root", "basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature\n"), "undersign": ("signint", SIGNER),
    "noca": ("root", "basicConstraints=CA:FALSE\n"), "undernoca": ("noca", SIGNER),
}


class Yard:
    """The certificates, the programs and the definitions, in one scratch directory."""

    def __init__(self, top):
        self.top, self.db = top, top / "db"
        self.db.mkdir()
        (self.db / "stub.ndb").write_text(f"Evil.Stub:0:*:{STUB.hex()}\n")
        (self.db / "member.ndb").write_text(f"Evil.Member:0:*:{b'EVILMEMBER'.hex()}\n")
        (top / "a.c").write_text("int main(void) { return 0; }\n")
        for name, compiler in (("a32.exe", "i686-w64-mingw32-gcc"), ("a64.exe", "x86_64-w64-mingw32-gcc")):
            self.run(f"{compiler} -s a.c -o {name}")
        for name, row in CERTS.items():
            self.certificate(name, *row)

    def run(self, command):
        subprocess.run(["bash", "-c", command], cwd=self.top, check=True, capture_output=True)

    def certificate(self, name, issuer, extensions, made=None, days=3000, key="rsa:2048", digest="sha256"):
        (self.top / "x.ext").write_text(extensions)
        self.run(f"openssl req -new -newkey {key} -nodes -keyout {name}.key -out {name}.csr -subj '/CN=Test {name}/O=Sekisho'")
        by = f"-signkey {name}.key" if issuer is None else f"-CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial"
        clock = f"faketime '{made}' " if made else ""
        self.run(f"{clock}openssl x509 -req -in {name}.csr {by} -days {days} -out {name}.pem -extfile x.ext -{digest}")

    def sign(self, leaf, chain=("int",), digest="sha256", more="", source="a32.exe", out=None):
        out = out or f"{leaf}-{digest}.exe"
        self.run(f"cat {' '.join(f'{c}.pem' for c in (leaf,) + tuple(chain))} > ch.pem; rm -f {out}; "
                 f"osslsigncode sign -certs ch.pem -key {leaf}.key -h {digest} {more} -in {source} -out {out}")
        return self.top / out

    def rule(self, name, trusted, cert, code=1, stamp=1, sign=1, serial=True, tail="", **change):
        der = base64.b64decode("".join((self.top / f"{cert}.pem").read_text().split("\n")[1:-2]))
        subject, number, modulus = fields(der)
        row = {"subject": hashlib.sha1(subject).hexdigest(), "serial": hashlib.sha1(number).hexdigest() if serial else "", "modulus": modulus.hex()}
        row.update(change)
        return f"{name};{trusted};{row['subject']};{row['serial']};{row['modulus']};;{code};{stamp};{sign};;comment{tail}"


def element(data, at):
    size, head = data[at + 1], 2
    if size & 0x80:
        head += size & 0x7F
        size = int.from_bytes(data[at + 2:at + head], "big")
    return data[at], at + head, at + head + size


def inside(data, first, last):
    out = []
    while first < last:
        tag, body, end = element(data, first)
        out.append((tag, body, end))
        first = end
    return out


def fields(der):
    """Contents of subject and serial, modulus of an X.509 certificate."""
    tbs = inside(der, *element(der, 0)[1:])[0]
    parts = [p for p in inside(der, *tbs[1:]) if p[0] != 0xA0]
    bits = inside(der, *parts[5][1:])[1]
    modulus = b""
    key = der[bits[1] + 1:bits[2]]
    if key[0] == 0x30:
        number = inside(key, *element(key, 0)[1:])[0]
        modulus = key[number[1]:number[2]].lstrip(b"\0")
    return der[parts[4][1]:parts[4][2]], der[parts[0][1]:parts[0][2]], modulus


def stamp_server(yard):
    """A time stamping service of the old kind (PKCS#9 countersignatures) on localhost."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            request = base64.b64decode(self.rfile.read(int(self.headers["Content-Length"])))
            content = inside(request, *element(request, 0)[1:])[-1]
            wrapped = inside(request, *content[1:])[1]
            text = inside(request, *wrapped[1:])[0]
            (yard.top / "stamped").write_bytes(request[text[1]:text[2]])
            yard.run("faketime '2015-02-01' openssl smime -sign -binary -nodetach -in stamped -signer oldtsa.pem -inkey oldtsa.key "
                     "-certfile root.pem -md sha1 -outform DER -out stamp.der")
            body = base64.b64encode((yard.top / "stamp.der").read_bytes())
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def cases(y):
    """(name, crb lines, program, options)"""
    good, good64 = y.sign("leaf"), y.sign("leaf", source="a64.exe", out="good64.exe")
    root, leaf, blocked = y.rule("R", 1, "root"), y.rule("L", 1, "leaf"), y.rule("B", 0, "leaf")
    yield "not signed", [root], y.top / "a32.exe"
    for name, path in (("good", good), ("good64", good64)):
        yield f"{name}, no rule", [], path
        yield f"{name}, root trusted", [root], path
        yield f"{name}, leaf blocked", [blocked], path
    yield "nocerts", [root], good, "--nocerts"
    yield "nocerts, blocked", [blocked], good, "--nocerts"
    yield "leaf trusted", [leaf], good
    yield "int blocked", [y.rule("I", 0, "int")], good
    yield "root blocked, not inside", [y.rule("B", 0, "root")], good
    yield "blocked wins", [root, blocked], good
    yield "both for one", [leaf, blocked], good
    for use in ("code", "stamp", "sign"):
        yield f"root without {use}", [y.rule("R", 1, "root", **{use: 0})], good
        yield f"leaf without {use}", [y.rule("R", 1, "leaf", **{use: 0})], good
        yield f"blocked without {use}", [y.rule("R", 0, "leaf", **{use: 0})], good
    for trusted, cert in ((1, "root"), (1, "leaf"), (0, "leaf")):
        yield f"no serial {trusted} {cert}", [y.rule("R", trusted, cert, serial=False)], good
        yield f"other serial {trusted} {cert}", [y.rule("R", trusted, cert, **{"serial": "0" * 40})], good
        yield f"other subject {trusted} {cert}", [y.rule("R", trusted, cert, subject="0" * 40)], good
        yield f"zeros before modulus {trusted} {cert}", [y.rule("R", trusted, cert).replace(";;1;", ";;1;")], good
    yield "level too high", [y.rule("R", 1, "root", tail=";300")], good
    data = good.read_bytes()
    signature = data.rfind(b"\x04\x82\x01\x00") + 10
    at = int.from_bytes(data[0x3C:0x40], "little") + 24 + 64
    for name, change in (("content", 0x500), ("checksum", at), ("signature value", signature)):
        path = y.top / f"changed-{name.replace(' ', '-')}.exe"
        path.write_bytes(data[:change] + bytes([data[change] ^ 1]) + data[change + 1:])
        yield f"changed {name}", [root], path
        yield f"changed {name}, blocked", [blocked], path
    (y.top / "tail.exe").write_bytes(data + b"12345678")
    yield "bytes behind the table", [root], y.top / "tail.exe"
    yield "bytes behind the table, blocked", [blocked], y.top / "tail.exe"
    for name in ("old", "future", "noeku", "tsonly", "mail", "any", "sha512leaf", "rsa1024", "ec"):
        yield f"certificate {name}", [root], y.sign(name)
    yield "certificate signed with MD5", [root], y.sign("md5leaf")
    for name, issuer in (("underold", "oldint"), ("undertsint", "tsint"), ("underplain", "plainint"), ("undersign", "signint")):
        yield f"issuer {issuer}", [root], y.sign(name, (issuer,))
    yield "issuer is no CA", [root], y.sign("undernoca", ("noca",))
    alone = y.sign("self", ())
    yield "self-signed, trusted", [y.rule("S", 1, "self")], alone
    yield "self-signed, blocked", [y.rule("S", 0, "self")], alone
    lacks = y.sign("leaf", (), out="lacks.exe")
    yield "issuer is missing", [root], lacks
    yield "issuer has a rule", [y.rule("I", 1, "int")], lacks
    extra = y.sign("leaf", ("int", "self"), out="extra.exe")
    yield "unused certificate blocked", [root, y.rule("S", 0, "self")], extra
    for digest in ("md5", "sha1", "sha384", "sha512"):
        yield f"digest {digest}", [root], y.sign("leaf", digest=digest)
    yield "page hashes", [root], y.sign("leaf", more="-ph", out="pages.exe")
    yield "description", [root], y.sign("leaf", more="-n Name -i http://example.invalid/", out="text.exe")
    with zipfile.ZipFile(y.top / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(good, "good.exe")
    yield "inside a ZIP, trusted", [root], y.top / "packed.zip"
    yield "inside a ZIP, blocked", [blocked], y.top / "packed.zip"
    with zipfile.ZipFile(y.top / "stored.zip", "w") as archive:
        archive.write(good, "good.exe")
    yield "the ZIP has it too", [root], y.top / "stored.zip"
    with zipfile.ZipFile(y.top / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member.txt", "xx EVILMEMBER yy " * 20)
    (y.top / "sfx0.exe").write_bytes((y.top / "a32.exe").read_bytes() + (y.top / "in.zip").read_bytes())
    yield "members of a trusted program", [root], y.sign("leaf", source="sfx0.exe", out="sfx.exe")
    y.certificate("oldtsa", "root", STAMPER, "2015-01-01", 300)
    server = stamp_server(y)
    stamped = y.sign("old", more=f"-t http://127.0.0.1:{server.server_port}/", out="stamped.exe")
    server.shutdown()
    yield "stamped while valid", [root], stamped
    yield "stamped, root not for stamps", [y.rule("R", 1, "root", stamp=0)], stamped
    yield "stamped, leaf trusted alone", [y.rule("R", 1, "old")], stamped


def lines(program, yard, rules, path, options):
    (yard.db / "rules.crb").write_text("\n".join(rules or ["#"]) + "\n")
    out = subprocess.run(program + ["-z", "--no-summary", "-d", str(yard.db), *options, str(path)], capture_output=True, text=True)
    return sorted(set(out.stdout.splitlines())) or [out.stderr.strip()[-200:]]


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--sekisho", required=True)
    args = args.parse_args()
    for program in ("clamscan", "osslsigncode", "openssl", "faketime", "i686-w64-mingw32-gcc", "x86_64-w64-mingw32-gcc"):
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed")
            sys.exit(77)
    count, wrong = 0, 0
    with tempfile.TemporaryDirectory() as top:
        yard = Yard(pathlib.Path(top))
        for name, rules, path, *options in cases(yard):
            count += 1
            theirs, ours = lines(["clamscan"], yard, rules, path, options), lines([args.sekisho, "clamscan"], yard, rules, path, options)
            good = theirs == ours
            if name in STRICTER:
                good = theirs == [f"{path}: OK"] and theirs != ours
            elif name in MORE:
                good = set(theirs) < set(ours)
            if not good:
                wrong += 1
                print(f"{name}: clamscan {theirs}, we {ours}")
    print(f"{count} cases, {wrong} wrong, {len(STRICTER)} stricter on purpose")
    sys.exit(1 if wrong else 0)


main()
