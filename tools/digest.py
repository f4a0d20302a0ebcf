#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A header with one digest over the sources of the definitions compiler, for the build.

usage: digest.py HEADER DEPFILE PATH...   PATH: a file, or a directory whose .c, .h and .def files count

An image remembers which compiler made it; when the compiler changes in any way, unchanged definitions are compiled again."""
import hashlib
import pathlib
import sys


def main():
    header, depfile, *paths = sys.argv[1:]
    files = []
    for path in map(pathlib.Path, paths):
        files += [f for f in path.iterdir() if f.suffix in (".c", ".h", ".def")] if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in sorted(files, key=lambda f: (f.parent.name, f.name)):
        total.update(f"{file.parent.name}/{file.name}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    pathlib.Path(header).write_text(f'#define DEFC_COMPILER "{total.hexdigest()[:32]}"\n')
    pathlib.Path(depfile).write_text(f"{header}: {' '.join(map(str, sorted(files)))}\n")


main()
