#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Documents: every layer that clamscan finds in them, we find, byte for byte.

usage: diff_documents.py --sekisho PROGRAM

Documents are made by LibreOffice (old and new formats, VBA, passwords), by tests/lib/doc_cases.py, and taken from
Debian's clamav-testfiles. clamscan's layers and normalised texts are the temporary files it leaves; ours the layers and views of `sekisho inspect
--json`. Not compared are outputs of its HTML normaliser and programs carved out of other layers (other tests do that), and
its record dump of Excel 4 macros, which it does not search (src/format/ole2_biff.c). Skipped (77) without clamscan;
LibreOffice's part is skipped, and says so, without soffice.
"""
import argparse
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import doc_cases
import mkole

TESTFILES = pathlib.Path("/usr/share/clamav-testfiles")
INNER = TESTFILES / "clam.exe"
IGNORED = ("embedded-pe", "xlm_macros", "nocomment.html", "notags.html", "javascript", "rfc2397")


def run(*argv, **more):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=300, **more)


def clam_layers(path, work):
    """{digest: name of the temporary file}, texts that clamscan normalised among them."""
    temp = work / "temp"
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir()
    run("clamscan", "--no-summary", "--leave-temps", f"--tempdir={temp}", "-d", work / "none.hdb", path)
    found = {}
    for file in temp.rglob("*"):
        name = file.name
        if file.is_file() and file.stat().st_size > 5 and not any(word in name for word in IGNORED):
            found[hashlib.md5(file.read_bytes()).hexdigest()] = f"{file.parent.name}/{name} ({file.stat().st_size} bytes)"
    return found


def our_layers(program, path):
    out = run(program, "inspect", "--json", path).stdout
    layers = json.loads(out.splitlines()[0])["layers"]
    return {layer["md5"] for layer in layers if layer.get("md5")}


def office(work):
    """Real documents, or nothing when there is no LibreOffice."""
    if shutil.which("soffice") is None:
        print("no soffice: nothing made by LibreOffice is compared")
        return
    macro = 'Attribute VB_Name = "Module1"\r\nSub Auto_Open()\r\n Shell "cmd"\r\nEnd Sub\r\n'
    book = work / "book.xlsm"
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in XLSM.items():
            z.writestr(name, text)
        z.writestr("xl/vbaProject.bin", mkole.ole(mkole.vba_project({"ThisWorkbook": "\r\n", "Sheet1": "\r\n", "Module1": macro})))
    yield book
    text = work / "text.txt"
    text.write_text("A text for LibreOffice\n" * 50)
    env = dict(os.environ, HOME=str(work))
    for source, filters in ((book, ("xls:MS Excel 97", "xlsx", "ods")), (text, ("doc:MS Word 97", "docx", "xml:MS Word 2003 XML", "rtf", "odt"))):
        for name in filters:
            run("soffice", "--headless", "--convert-to", name, "--outdir", work, source, env=env)
    text.unlink()
    made = [p for p in sorted(work.iterdir()) if p.stem in ("book", "text") and p != book]
    if len(made) < 6:
        sys.exit(f"LibreOffice made only {[p.name for p in made]}")
    yield from made


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PKG = "http://schemas.openxmlformats.org/package/2006"
XLSM = {
    "[Content_Types].xml": f'''<?xml version="1.0"?><Types xmlns="{PKG}/content-types"><Default Extension="xml" ContentType="application/xml"/>
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>
<Override PartName="/xl/workbook.xml" ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>''',
    "_rels/.rels": f'<Relationships xmlns="{PKG}/relationships"><Relationship Id="r1" Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'''<workbook xmlns="{MAIN}" xmlns:r="{REL}"><workbookPr codeName="ThisWorkbook"/>
<sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>''',
    "xl/_rels/workbook.xml.rels": f'''<Relationships xmlns="{PKG}/relationships"><Relationship Id="r1" Type="{REL}/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="r2" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="vbaProject.bin"/></Relationships>''',
    "xl/worksheets/sheet1.xml": f'''<worksheet xmlns="{MAIN}"><sheetPr codeName="Sheet1"/><sheetData><row r="1"><c r="A1"><v>7</v></c></row></sheetData></worksheet>''',
}


def made_here(work):
    for case in doc_cases.all_cases():
        if case.format in ("ole2", "msxml", "onenote", "hwp3") and not case.name.startswith("circle"):
            path = work / f"{case.format}-{case.name}"
            path.write_bytes(case.blob)
            yield path


def compare(program, path, work):
    theirs = clam_layers(path, work)
    ours = our_layers(program, path)
    missing = {name for digest, name in theirs.items() if digest not in ours}
    known = KNOWN.get(path.name, 0)
    if len(missing) > known:
        print(f"{path.name}: {len(missing)} of {len(theirs)} layers of clamscan are not ours: {sorted(missing)}")
    return len(theirs), len(missing) > known


# Layers of clamscan that we read otherwise, on purpose: a header that makes every stream a mini stream; modules that it
# cannot unpack ("<Error decoding module data>", or a raw chunk from the wrong place), so that its project text differs;
# streams of packed source that it takes for UTF-16 text (src/format/content.c); long streams of which it reads the first sectors only.
KNOWN = {"ole2-bad-cutoff": 1, "ole2-vba-offset-lies": 2, "ole2-vba-raw-chunks": 1, "ole2-vba-broken-chunk": 1, "ole2-vba-offset": 1,
         "ole2-vba-long": 1, "ole2-vba-second-source": 1, "ole2-vba-late": 1, "ole2-pictures-late": 1}


def testfiles(program, work):
    """The inner program of the documents of clamav-testfiles, by its hash."""
    if not INNER.exists():
        print("no clamav-testfiles: not compared")
        return 0
    data = work / "inner.hdb"
    data.write_text(f"{hashlib.md5(INNER.read_bytes()).hexdigest()}:{INNER.stat().st_size}:Inner.Test\n")
    run(program, "defs", "compile", "-o", work / "defs", data)
    bad = 0
    for name in ("clam.ole.doc", "clam.ppt"):
        out = run(program, "scan", "-d", work / "defs", TESTFILES / name).stdout
        if "Inner.Test" not in out:
            print(f"{name}: the inner program was not found: {out}")
            bad += 1
    return bad


def opened(program, work):
    """Documents under the password that Excel tries by itself, made by LibreOffice and by Python: found in the sandbox by
    what is inside; one under another password is told as not scanned."""
    inside = {"libreoffice-standard.xlsx": b"evil.example/x", "libreoffice-rc4.xls": b"evil.example/x", "agile-sha512": b"PK not really",
              "agile-sha384": b"PK not really", "agile-sha1": b"PK not really", "standard-256": b"PK not really", "agile-other": None}
    data = work / "inside.ndb"
    data.write_text("".join(f"Inside.{i}:0:*:{text.hex()}\n" for i, text in enumerate(sorted(set(inside.values()) - {None}))))
    run(program, "defs", "compile", "-o", work / "inside", data)
    bad = 0
    for name, text in inside.items():
        path = work / name
        path.write_bytes(base64.b64decode((doc_cases.GOLDEN / (name + ".b64")).read_bytes()))
        out = run(program, "scan", "-d", work / "inside", path).stdout
        if ("Inside." in out) != (text is not None) or (text is None and "encrypted content was not scanned" not in out):
            print(f"{name}: {out}")
            bad += 1
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sekisho", required=True)
    program = parser.parse_args().sekisho
    if shutil.which("clamscan") is None:
        print("skipped: no clamscan")
        return 77
    count = layers = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "none.hdb").write_text("deadbeefdeadbeefdeadbeefdeadbeef:12345:None\n")
        docs = work / "docs"
        docs.mkdir()
        paths = list(office(docs)) + list(made_here(docs))
        paths += [TESTFILES / name for name in ("clam.ole.doc", "clam.ppt") if (TESTFILES / name).exists()]
        for path in paths:
            found, wrong = compare(program, path, work)
            count, layers, bad = count + 1, layers + found, bad + wrong
        bad += testfiles(program, work) + opened(program, work)
    print(f"{count} documents, {layers} layers of clamscan, {bad} wrong")
    return 1 if bad or layers < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
