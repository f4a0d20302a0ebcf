#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Text to the hexadecimal body of a signature and back.

usage: tools/sighex.py [-w] PART...   {n}, {-n}, {n-m}, * and ?? pass as they are, (a|b) becomes alternatives
       tools/sighex.py -d HEX         decode: printable text, the rest as it is
-w: every byte followed by a zero (UTF-16LE)
"""
import re
import sys

PASS = re.compile(r"\{-?\d*-?\d*\}|\*|\?\?")


def encode(part, wide):
    if PASS.fullmatch(part):
        return part
    if part.startswith("(") and part.endswith(")") and "|" in part:
        return "(" + "|".join(encode(p, wide) for p in part[1:-1].split("|")) + ")"
    return part.encode("utf-16-le" if wide else "utf-8").hex()


def decode(text):
    def one(m):
        c = chr(int(m.group(), 16))
        return c if c.isprintable() and c.isascii() else "\\x" + m.group()
    return "".join(p if i % 2 else re.sub(r"[0-9a-fA-F]{2}", one, p) for i, p in enumerate(re.split(r"(\{[^}]*\})", text)))


def main(args):
    if not args or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if args else 64
    if args[0] == "-d":
        print("\n".join(decode(a) for a in args[1:]))
        return 0
    wide = args[0] == "-w"
    print("".join(encode(part, wide) for part in args[wide:]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
