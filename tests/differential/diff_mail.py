#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every part that Debian's clamscan finds in a mail, we find.

usage: diff_mail.py --sekisho PROGRAM [--mails N] [--seed N] [--keep DIR]

Makes mails by seed: nested multiparts, every encoding, headers written in the ways that split readers (quotes, comments, folded,
twice, RFC 2231, lone CR, junk lines, missing delimiters), then changes some at random. Each part's content has a signature for its
digest (where clamscan keeps the bytes: encoded parts) and one for a string in it. What clamscan names and we do not is an error; what
we name besides is counted. Prints the seed; exit 0 when nothing is missing, 1 when something is, 77 without clamscan.
"""
import argparse
import base64
import binascii
import collections
import hashlib
import json
import pathlib
import quopri
import random
import shutil
import subprocess
import sys
import tempfile


class Maker:
    """One mail and the contents it carries."""

    def __init__(self, rnd, number):
        self.rnd, self.number, self.parts, self.boundaries = rnd, number, [], 0

    def content(self, text):
        """New content with a string no other content has."""
        key = f"part{self.number}x{len(self.parts)}y{self.rnd.randrange(1 << 30)}".encode()
        noise = bytes(self.rnd.randrange(97, 123) for _ in range(self.rnd.randrange(90)))
        if text:
            lines = [b"line of " + key, noise[:40], b"end."]
            data = b"\n".join(lines)
        else:
            data = bytes(self.rnd.randrange(256) for _ in range(self.rnd.randrange(20, 200))) + key + noise
        self.parts.append((key, data))
        return data

    def pick(self, *choices):
        return self.rnd.choice(choices)

    # -- the ways to write things ------------------------------------------------------------

    def boundary_field(self, boundary):
        b = boundary
        value = self.pick(b'="%s"', b"=%s", b' = "%s"', b'="%s" (comment)', b'=(comment)"%s"', b"=%s; x=y", b'="%s', b"*=us-ascii''%s",
                          b'="%s"', b'="%s"', b"='%s'") % b
        kind = self.pick(b"multipart/mixed", b"multipart/alternative", b"Multipart/Related", b"multipart/mixed", b"MULTIPART/x-odd")
        field = self.pick(b"Content-Type: ", b"content-type: ", b"Content-Type:", b"Content-Type: ") + kind
        field += self.pick(b"; boundary", b";\n\tboundary", b"; charset=x; boundary", b";boundary", b";\n boundary") + value
        return self.pick(field, field, field, field + b"\nContent-Type: text/plain", b"Content-Type: text/plain\n" + field)

    def encode(self, data, encoding):
        if encoding == "base64":
            style = self.rnd.randrange(6)
            text = base64.encodebytes(data)
            if style == 0:
                text = base64.b64encode(data) + b"\n"
            elif style == 1:
                text = text.replace(b"\n", b" \n")
            elif style == 2:
                text = text[:5] + b"*!" + text[5:]
            return text
        if encoding == "quoted-printable":
            return quopri.encodestring(data)
        if encoding == "x-uuencode":
            lines = [binascii.b2a_uu(data[i:i + 45]) for i in range(0, len(data), 45)]
            return b"begin 644 file.bin\n" + b"".join(lines) + b"`\nend\n"
        return data + b"\n"

    def encoding_field(self, encoding):
        e = encoding.encode()
        value = self.pick(e, e, e, e.upper(), b'"' + e + b'"', e + b" (comment)", b" " + e, e + b";")
        name = self.pick(b"Content-Transfer-Encoding", b"content-transfer-encoding", b"Content-Transfer-Encoding")
        field = name + b": " + value
        if self.rnd.random() < 0.1 and encoding == "base64":
            field = self.pick(field + b"\nContent-Transfer-Encoding: 7bit", b"Content-Transfer-Encoding: 8bit\n" + field)
        return field

    def name_field(self):
        n = b"file%d.%s" % (self.rnd.randrange(100), self.pick(b"bin", b"exe", b"txt", b"doc"))
        return self.pick(b'attachment; filename="%s"', b"attachment; filename=%s", b"attachment; filename*=utf-8''%s",
                         b'inline; filename="=?utf-8?Q?%s?="', b'attachment; filename*0="x"; filename*1="%s"') % n

    # -- entities ----------------------------------------------------------------------------

    def leaf(self):
        encoding = self.pick("base64", "base64", "quoted-printable", "7bit", "x-uuencode")
        text = encoding in ("quoted-printable", "7bit") or self.rnd.random() < 0.3
        data = self.content(text)
        kind = self.pick(b"text/plain", b"text/html", b"text/plain; charset=utf-8") if text else self.pick(
            b"application/octet-stream", b"application/x-msdownload; name=\"a.exe\"", b"image/png", b"application/x")
        fields = [b"Content-Type: " + kind]
        if encoding != "7bit":
            fields.append(self.encoding_field(encoding))
        if self.rnd.random() < 0.6:
            fields.append(b"Content-Disposition: " + self.name_field())
        if self.rnd.random() < 0.2:
            fields.insert(self.rnd.randrange(len(fields) + 1), self.pick(b"X-Odd: value\n with a fold", b"Content-ID: <a@b>", b"junk"))
        self.rnd.shuffle(fields)
        return b"\n".join(fields) + b"\n\n" + self.encode(data, encoding)

    def multipart(self, depth):
        self.boundaries += 1
        boundary = self.pick(b"b%d" % self.boundaries, b"----=_Part_%d" % self.boundaries, b"=_%d.x'y" % self.boundaries,
                             b"0" * self.boundaries + b"z")
        body = self.pick(b"", b"preamble of a mail\n", b"\n")
        for _ in range(self.rnd.randrange(1, 4)):
            body += b"--" + boundary + self.pick(b"\n", b"\n", b" \n", b"\t\n") + self.entity(depth + 1)
            body += self.pick(b"", b"\n")
        body += self.pick(b"--" + boundary + b"--\n", b"--" + boundary + b"--\n", b"", b"--" + boundary + b"--\nepilogue here\n")
        return self.boundary_field(boundary) + b"\n\n" + body

    def message(self, depth):
        return b"Content-Type: message/rfc822\n\n" + self.head() + self.entity(depth + 1)

    def entity(self, depth):
        choice = self.rnd.random()
        if depth < 4 and choice < 0.3:
            return self.multipart(depth)
        if depth < 4 and choice < 0.38:
            return self.message(depth)
        return self.leaf()

    def head(self):
        return b"From: a@example.org\nTo: b@example.org\nSubject: s%d\nMIME-Version: 1.0\n" % self.rnd.randrange(1000)

    def mail(self):
        start = self.pick(b"", b"", b"From a@b Mon Jan  1 00:00:00 2024\n", b"Received: by x; Mon, 1 Jan 2024 00:00:00 +0000\n")
        return start + self.head() + (self.multipart(0) if self.rnd.random() < 0.9 else self.entity(0))


def mutate(rnd, mail):
    """A few random changes, most of them where they hurt: in headers and delimiters."""
    mail = bytearray(mail)
    for _ in range(rnd.randrange(1, 4)):
        at = rnd.randrange(len(mail))
        line = bytes(mail).find(b"\n", at) + 1
        what = rnd.randrange(8)
        if what == 0:
            mail[at] = rnd.choice(b"\r\n\0 \"();:=-?x")
        elif what == 1:
            del mail[at]
        elif what == 2:
            mail[line:line] = rnd.choice([b"junk\n", b" \n", b"\r\n", b"--\n", b"X-Y: z\n", b"\0\n", b"From x\n"])
        elif what == 3:
            mail[at:at] = rnd.choice([b"(c)", b"\"", b"\r", b"=", b"--", b"\\"])
        elif what == 4:
            end = bytes(mail).find(b"\n", line) + 1
            mail[line:line] = mail[line:end]
        elif what == 5:
            del mail[bytes(mail).rfind(b"\n", 0, rnd.randrange(len(mail) // 2, len(mail))) + 1:]
        elif what == 6:
            mail = bytearray(bytes(mail).replace(b"\n", b"\r\n"))
        else:
            start = bytes(mail).rfind(b"\n", 0, at) + 1
            mail[start:start] = b" "
        if not mail:
            return b"x"
    return bytes(mail)


def definitions(folder, makers):
    """Signatures for digests and strings of all contents; returns what may be asked of a digest."""
    with open(folder / "mail.hsb", "w") as hsb, open(folder / "mail.ndb", "w") as ndb:
        for m in makers:
            for index, (key, data) in enumerate(m.parts):
                name = f"M{m.number}.P{index}"
                hsb.write(f"{hashlib.sha256(data).hexdigest()}:{len(data)}:{name}.Digest:73\n")
                ndb.write(f"{name}.Text:0:*:{key.hex()}\n")


def clamscan_names(db, mails):
    run = subprocess.run(["clamscan", "--no-summary", "-z", "-d", str(db), "-r", str(mails)], capture_output=True)
    if run.returncode not in (0, 1):
        sys.exit(f"clamscan failed: {run.stderr.decode(errors='replace')}")
    names = collections.defaultdict(set)
    for line in run.stdout.decode(errors="replace").splitlines():
        if line.endswith(" FOUND"):
            path, name = line[:-6].rsplit(": ", 1)
            names[pathlib.Path(path).name].add(name.removesuffix(".UNOFFICIAL"))
    return names


def our_names(program, db, mails, work):
    subprocess.run([program, "defs", "compile", "-q", "-o", str(work / "set"), str(db)], check=True)
    run = subprocess.run([program, "scan", "-z", "--json", "-d", str(work / "set"), str(mails)], capture_output=True)
    if run.returncode not in (0, 1, 2):
        sys.exit(f"sekisho failed: {run.stderr.decode(errors='replace')}")
    names = collections.defaultdict(set)
    for line in run.stdout.decode().splitlines():
        record = json.loads(line)
        for finding in record["findings"] if record["record"] == "object" else []:
            names[pathlib.Path(record["path"]).name].add(finding["name"].removesuffix(".UNOFFICIAL"))
    return names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--mails", type=int, default=400)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", default=None, help="leave mails and definitions there")
    args = parser.parse_args()
    if shutil.which("clamscan") is None:
        print("skipped: clamscan is not installed")
        sys.exit(77)
    seed = random.SystemRandom().randrange(1 << 30) if args.seed is None else args.seed
    print(f"seed {seed}")
    work = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="sekisho-mail-"))
    mails, db = work / "mails", work / "db"
    for folder in (mails, db):
        folder.mkdir(parents=True, exist_ok=True)
    makers = []
    for number in range(args.mails):
        rnd = random.Random(f"{seed}.{number}")
        maker = Maker(rnd, number)
        mail = maker.mail()
        if number % 2:
            mail = mutate(rnd, mail)
        (mails / f"{number}.eml").write_bytes(mail)
        makers.append(maker)
    definitions(db, makers)
    theirs, ours = clamscan_names(db, mails), our_names(args.sekisho, db, mails, work)
    missing, more = 0, 0
    for name in sorted({*theirs, *ours}):
        lost = theirs[name] - ours[name]
        more += len(ours[name] - theirs[name])
        missing += len(lost)
        for one in sorted(lost):
            print(f"missing in {name}: {one}")
    found = sum(map(len, theirs.values()))
    print(f"{args.mails} mails, {sum(len(m.parts) for m in makers)} parts; clamscan names {found}, we miss {missing} of them and name {more} besides")
    if args.keep is None:
        shutil.rmtree(work)
    sys.exit(1 if missing or not found else 0)


if __name__ == "__main__":
    main()
