#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every document of doc_cases.py through its reader: members, facts and notes are those it was made with.

usage: test_documents.py WALKDUMP [NAME...]
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "lib"))
import doc_cases


def walk(dump, case, folder):
    path = pathlib.Path(folder) / "case.bin"
    path.write_bytes(case.blob)
    out = subprocess.run([dump, case.format, str(path)], capture_output=True, text=True, check=True, timeout=120).stdout
    return [json.loads(line) for line in out.splitlines()]


def faults(case, lines):
    members = [(line["name"], line["bytes"], line["crc32"]) for line in lines if "name" in line]
    facts = {(line["fact"], line.get("value")) for line in lines if "fact" in line}
    words = {word for word, _ in facts}
    notes = set(lines[-1]["notes"])
    for name, content in case.children.items():
        if content is None and name not in [m[0] for m in members]:
            yield f"no member {name}"
        elif content is not None and (name, len(content), zlib.crc32(content)) not in members:
            yield f"no member {name} of {len(content)} bytes"
    for word, value in case.facts:
        if (word, value) not in facts and not (value is None and word in words):
            yield f"no fact {word} {value}"
    if words - {word for word, _ in case.facts}:
        yield f"facts {words - {word for word, _ in case.facts}}"
    if notes != case.notes:
        yield f"notes {sorted(notes)}, not {sorted(case.notes)}"
    if not lines[-1]["bid"] >= 40:
        yield f"bid {lines[-1]['bid']}"


def main(cases):
    dump, only = sys.argv[1], sys.argv[2:]
    bad = count = 0
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            if only and case.name not in only:
                continue
            count += 1
            lines = walk(dump, case, folder)
            wrong = list(faults(case, lines))
            bad += bool(wrong)
            if wrong:
                print(f"{case.format}/{case.name}: " + "; ".join(wrong))
                print("   ", [(line["name"], line["bytes"]) for line in lines if "name" in line], lines[-1])
    print(f"{count} documents, {bad} wrong")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main(doc_cases.all_cases()))
