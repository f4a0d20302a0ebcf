#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Web files, good and bad: the recorded outputs of sigtool, and the members a reader finds.

usage: test_web.py SEKISHO WALKDUMP
       test_web.py --record          write the outputs of this machine's sigtool to cases.json

cases.json: {name: {"page": base64, "nocomment.html": base64, "notags.html": base64, "javascript": base64}}; outputs that sigtool did not
write are empty. Pages come from PAGES below; MEMBERS says what the HTML reader gives.
"""
import base64
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
RECORD = HERE / "cases.json"
OUTPUTS = ("nocomment.html", "notags.html", "javascript")
EICAR = base64.b64decode("WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo=")
INNER = base64.b64encode(EICAR).decode()
BLOCK = "#@~^CgAAAA==aaaaaaaaaaAAAAAA==^#~@"

PAGES = {
    "good.page": "<!DOCTYPE html>\n<html><head><title>A  title</title><meta charset='utf-8'></head>\n<body class=\"x\">Text &amp; more &eacute;"
                 "<p>two</p><img src='Pic.png' alt=\"An image\"><a href=\"http://Example.COM/A?b=1&amp;c=2\">link</a></body></html>\n",
    "good.script": "<html><script>function add(a, b) { var sum = a + b; return sum; }\n// note\nvar t = 'one' + \"two\";\n</script></html>",
    "good.style": "<style>body { background: url(x.png) } /* note */</style><p>Text",
    "good.form": "<form action='/Send'><input name=a value='B c'><button>Go</button></form>",
    "good.encoded": f'<script language="VBScript.Encode">\r\n//**Start Encode**{BLOCK}</script><p>After</p>',
    "good.unescape": "<script>document.write(unescape('%3Cb%3Ehello%3C/b%3E'));eval('var q=1;');</script>",
    "bad.comment": "<p>a<!-- never closed <b>b</b>",
    "bad.comment-in-comment": "<!-- a <!-- b --> c --> d",
    "bad.tag-unclosed": "text <a href=\"x",
    "bad.tag-in-tag": "<p <b>x</b class=<i>y",
    "bad.quotes": "<a title='it\"s' href=\"a'b'c\" x=y'z>t</a>",
    "bad.entities": "&#65;&#x42;&#0;&#99999999;&;&#;&#x;&amp&lt &unknown; &",
    "bad.script-unclosed": "<script>var a = 'b",
    "bad.script-in-script": "<script>x='<script>';</script>y</script>",
    "bad.cdata": "<![CDATA[ <b>x</b> ]]><p>y",
    "bad.controls": "a\x01b\x07c\x7fd\x00e\x0bf",
    "bad.high": "\xff\xfe\x80abc\xc3\xa9\xe3\x80\x82\xf0\x9f",
    "bad.spaces": " \t\r\n\f <  p  >  x  </  p  > ",
    "bad.encoded-length": '<script language="JScript.Encode">#@~^////////aaaa</script><p>Text',
    "bad.encoded-nothing": '<script language="JScript.Encode">#@~^',
    "bad.empty": "",
    "bad.nothing": "<",
    "bad.many-attributes": "<p " + " ".join(f"a{n}='V{n}'" for n in range(300)) + ">x",
    "bad.long-attribute": "<p title='" + "Q" * 5000 + "'>x</p>",
    "bad.deep": "<div>" * 500 + "x" + "</div>" * 499,
}
MEMBERS = {
    "attribute": (f'<a href="data:text/html;base64,{INNER}">x</a>', [("text/html", EICAR)]),
    "style": (f"<style>a{{b:url(data:image/png;base64,{INNER})}}</style>", [("image/png", EICAR)]),
    "script": (f"<script>x='data:x/y;base64,{INNER}';</script>", [("x/y", EICAR)]),
    "svg": (f"<svg><image xlink:href='data:text/plain;base64,{INNER}'/></svg>", [("text/plain", EICAR)]),
    "percent": ("<a href='data:,%58%35%4f'>", [("", b"X5O")]),
    "two": (f"<a href=data:a,bcd><a href=\"data:e;base64,{INNER}\">", [("a", b"bcd"), ("e", EICAR)]),
    "cut": (f'<a href="data:x;base64,{INNER[:40]}', [("x", EICAR[:30])]),
    "none": ("<a href='data:no comma'>, data:", []),
    "utf-16": (("\ufeff<html><a href='data:,abc'>\u3042</a>").encode("utf-16-le"),
               [("utf-8.html", "<html><a href='data:,abc'>\u3042</a>".encode())]),
}


def page_bytes(page):
    return page if isinstance(page, bytes) else page.encode("latin-1")


def outputs_of(argv, folder):
    subprocess.run(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return {name: (folder / name).read_bytes() if (folder / name).is_file() else b"" for name in OUTPUTS}


def record():
    if shutil.which("sigtool") is None:
        sys.exit("no sigtool")
    cases = {}
    for name, page in PAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "in").write_bytes(page_bytes(page))
            outputs = outputs_of(["sigtool", "--html-normalise=in"], pathlib.Path(folder))
        cases[name] = {key: base64.b64encode(data).decode() for key, data in {"page": page_bytes(page), **outputs}.items()}
    RECORD.write_text(json.dumps(cases, indent=1) + "\n")


def outputs_wrong(program, name, case):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "in").write_bytes(base64.b64decode(case["page"]))
        got = outputs_of([program, "defs", "normalise", "html", "in", "."], pathlib.Path(folder))
    for output in OUTPUTS:
        wanted = base64.b64decode(case[output])
        if got[output] != wanted:
            print(f"{name}: {output} is {got[output][:300]!r}, sigtool wrote {wanted[:300]!r}")
            return True
    return False


def members_wrong(dump, name, page, wanted):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "page")
        path.write_bytes(page_bytes(page))
        out = subprocess.run([dump, "html", path], capture_output=True, text=True, check=True).stdout
    lines = [json.loads(line) for line in out.splitlines()]
    got = [(line["name"], line["bytes"], line["crc32"]) for line in lines if "name" in line]
    if got == [(member, len(data), zlib.crc32(data)) for member, data in wanted]:
        return False
    print(f"{name}: members {got}, not {[(member, len(data)) for member, data in wanted]}")
    return True


def main():
    if sys.argv[1:] == ["--record"]:
        return record()
    program, dump = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:])
    cases = json.loads(RECORD.read_text())
    wrong = sum([outputs_wrong(program, *item) for item in cases.items()])
    wrong += sum(members_wrong(dump, name, *case) for name, case in MEMBERS.items())
    if {name: base64.b64encode(page_bytes(page)).decode() for name, page in PAGES.items()} != {n: c["page"] for n, c in cases.items()}:
        print("cases.json is not of these pages: run --record")
        wrong += 1
    print(f"{len(cases)} pages, {len(MEMBERS)} with members, {wrong} wrong")
    return 1 if wrong or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
