#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make run` shows: definitions are compiled, real files and nested archives are scanned, what is infected is named, what
# could not be scanned fully is said, and the exit codes tell. Everything happens in a scratch folder that is removed.
# usage: tools/demo.sh BUILD
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
PATH=$(cd "$1" && pwd)/src/cli:$PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bold= plain=
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# Show a command, run it, check its exit code.
expect() {
    local want=$1 code=0
    shift
    printf '%s$ %s%s\n' "$bold" "$*" "$plain"
    "$@" || code=$?
    printf '(exit code %s)\n' "$code"
    [ "$code" = "$want" ] || { echo "demo: expected exit code $want" >&2; exit 1; }
}

mkdir -p "$scratch/programs" "$scratch/inbox"
cp /bin/ls /bin/tar /bin/cat /bin/gzip "$scratch/programs/"
cp -rL /usr/share/common-licenses "$scratch/programs/licences"
ln -s "$top/definitions" "$scratch/signatures"
python3 - "$top/definitions/samples" "$scratch/inbox" <<'PY'
import base64, email.message, gzip, io, pathlib, sys, tarfile, zipfile
samples, inbox = map(pathlib.Path, sys.argv[1:])
def sample(name):
    return base64.b64decode((samples / (name + ".b64")).read_text())
def tar(**members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, data in members.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("_", "."))
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue())
def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members.items():
            z.writestr(name.replace("__", "/").replace("_", "."), data)
    return out.getvalue()
text = b"nothing to see here\n" * 40
(inbox / "holiday.zip").write_bytes(zipped(readme_txt=text, photos_tar_gz=tar(beach_txt=text, run_sh=sample("Sekisho.Dropper.Base64Shell-1"))))
(inbox / "upload.tar.gz").write_bytes(tar(www__index_html=text, www__image_php=sample("Sekisho.WebShell.PhpEval-1")))
(inbox / "miner.json").write_bytes(sample("Sekisho.Miner.XmrigConfig-1"))
(inbox / "eicar.com").write_bytes(sample("Sekisho.Test.Eicar-1"))
letter = email.message.EmailMessage()
letter["From"], letter["To"], letter["Subject"] = "shop@example.org", "you@example.org", "Your invoice"
letter.set_content("Please see the attached invoice.\n")
letter.add_attachment(zipped(invoice_sh=sample("Sekisho.Dropper.Base64Shell-1")), maintype="application", subtype="zip", filename="invoice.zip")
(inbox / "letter.eml").write_bytes(bytes(letter))
(inbox / "notes.zip").write_bytes(zipped(notes_txt=text))
(inbox / "broken.tar.gz").write_bytes(tar(report_txt=bytes(range(256)) * 400)[:-300])
PY
cd "$scratch"

say "1. Compile the bundled definitions"
expect 0 sekisho defs compile signatures -o definitions --official --segment sekisho

say "2. Scan real programs and texts"
expect 0 sekisho scan -d definitions programs

say "3. Scan an inbox: harmless look-alikes of malware, some inside nested archives, and a damaged archive"
expect 1 sekisho scan -d definitions inbox

say "4. Look inside the letter"
expect 1 sekisho inspect -d definitions inbox/letter.eml

say "Exit codes: 0 clean, 1 something found, 2 something could not be scanned fully. More: sekisho scan --help"
