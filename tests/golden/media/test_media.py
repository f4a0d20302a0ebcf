#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the readers of pictures tell of stored files, whole and broken: cases.txt holds name, reader, bytes in base64 and the lines expected.

usage: test_media.py WALKDUMP [--write]   --write: store the cases of media_cases.py and what is said now (then look at the difference)
"""
import base64
import difflib
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
STORE = HERE / "cases.txt"
READERS = {"png": "png", "gif": "gif", "jpg": "jpeg", "tif": "tiff"}


def stored():
    """(name, bytes) of the store, or of the generator with --write."""
    if "--write" in sys.argv:
        sys.path.insert(0, str(HERE.parent.parent / "lib"))
        import media_cases
        yield from media_cases.cases()
        return
    for line in STORE.read_text().splitlines():
        if line.startswith("case "):
            _, name, text = line.split(" ")
            yield name, base64.b64decode(text)


def said(walkdump, name, data, folder):
    path = pathlib.Path(folder) / "picture"
    path.write_bytes(data)
    run = subprocess.run([walkdump, READERS[name.rsplit(".", 1)[1]], str(path)], capture_output=True, text=True, check=True)
    lines = []
    for line in run.stdout.splitlines():
        row = json.loads(line)
        if "fact" in row:
            lines.append("  fact %s %s" % (row["fact"], row.get("value", "")))
        elif "head" in row:
            lines.append("  member of %d bytes, CRC-32 %08x" % (row["bytes"], row["crc32"]))
        else:
            lines.append("  bid %s, %s, notes %s" % (row["bid"], row["result"], json.dumps(row["notes"])))
    return lines


def main():
    out = []
    with tempfile.TemporaryDirectory() as folder:
        for name, data in stored():
            out += ["case %s %s" % (name, base64.b64encode(data).decode())] + [line.rstrip() for line in said(sys.argv[1], name, data, folder)]
    if "--write" in sys.argv:
        STORE.write_text("\n".join(out) + "\n")
    diff = list(difflib.unified_diff(STORE.read_text().splitlines(), out, "cases.txt", "now", lineterm=""))
    print("\n".join(diff[:100]) or "%d lines equal" % len(out))
    return 1 if diff or len(out) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
