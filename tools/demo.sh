#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make run` shows: definitions are compiled, a folder of real files and nested archives is scanned, what is infected is
# named, and the exit code says so. Everything happens in a scratch folder that is removed. usage: tools/demo.sh BUILD
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
sekisho=$build/src/cli/sekisho
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

say "1. Compile the bundled definitions"
"$sekisho" defs compile "$top/definitions" -o "$scratch/definitions" --official --segment sekisho
"$sekisho" defs info -d "$scratch/definitions"

say "2. A folder of real files, and harmless look-alikes inside nested archives"
files=$scratch/files
mkdir -p "$files/programs" "$files/inbox"
cp /bin/ls /bin/tar /bin/cat "$files/programs/"
cp -r /usr/share/common-licenses "$files/texts"
python3 - "$top/definitions/samples" "$files" <<'PY'
import base64, gzip, io, pathlib, sys, tarfile, zipfile
samples, files = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
lookalikes = sorted(p for p in samples.glob("*.b64"))
def tar(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
    return out.getvalue()
def zipped(name, data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("readme.txt", "nothing to see here\n")
        z.writestr(name, data)
    return out.getvalue()
for number, path in enumerate(lookalikes[:6]):
    data = base64.b64decode(path.read_text())
    if number % 3 == 0:
        (files / "inbox" / f"mail-{number}.zip").write_bytes(zipped("backup.tar.gz", gzip.compress(tar("deep/inside.bin", data))))
    elif number % 3 == 1:
        (files / "inbox" / f"upload-{number}.tar.gz").write_bytes(gzip.compress(tar("var/www/upload.php", data)))
    else:
        (files / "inbox" / f"plain-{number}.txt").write_bytes(data)
(files / "inbox/harmless.zip").write_bytes(zipped("notes.txt", b"just some notes\n"))
PY
find "$files" -type f | wc -l | xargs printf '%s files\n'

say "3. sekisho scan"
code=0
"$sekisho" scan -d "$scratch/definitions" "$files" || code=$?
say "exit code $code (0 clean, 1 something found, 2 something could not be scanned fully)"
[ "$code" = 1 ]
