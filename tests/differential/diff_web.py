#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Web and script files: every view that clamscan searches we search, for the same targets.

usage: diff_web.py --sekisho PROGRAM

Each case is a small file with tokens in it (in text, comments, scripts, data: addresses). The definitions ask for each token as it
stands, in lower case, and as UTF-16, for every target a view may have; so a hit says which view holds the token, and in which form.
What clamscan names and we do not is an error, except where KNOWN says why; --verbose prints what we name besides. All of it is done
once more with normalising switched off.
Skipped (77) without clamscan.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TARGETS = (0, 3, 4, 5, 7, 12, 14)
TOKENS = ("TEXTtoken", "COMMtoken", "JOINtoken", "DATAtoken", "STYLtoken", "ATTRtoken")
# Case and name, patterns.
KNOWN = [
    ("encoded.none", "TEXTtoken.0.low.t7"),  # without a block the script ends at its end tag, not with the page
]

PAGE = ("<html><head><title>x</title></head><body><!-- COMMtoken --><p title='ATTRtoken'>TEXTtoken and more</p>"
        "<script>var q = 'JOINto' + 'ken';</script></body></html>\n")
INNER = {"DATAtoken": "PGh0bWw+PGI+REFUQXRva2VuPC9iPjwvaHRtbD4=", "STYLtoken": "PGh0bWw+PGI+U1RZTHRva2VuPC9iPjwvaHRtbD4="}
SVG = ('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
       "<!-- COMMtoken --><title>TEXTtoken</title><{tag}><![CDATA[ var q = 'JOINto' + 'ken'; ]]></{tag}>"
       '<image xlink:href="data:text/html;base64,' + INNER["DATAtoken"] + '"/><rect onclick="ATTRtoken()"/>'
       "<style>a{{background:url(data:text/html;base64," + INNER["STYLtoken"] + ")}}</style></svg>\n")
CSS = ('/* COMMtoken */ @import url("http://x/TEXTtoken");\nbody {{ background: url({quote}data:text/html;base64,' + INNER["STYLtoken"]
       + "{quote}); }}\n")
BLOCK = "#@~^CgAAAA==aaaaaaaaaaAAAAAA==^#~@"


def script(text, comment="# COMMtoken"):
    return f"{text}\n{comment}\nprint('TEXTtoken  more')\n".encode()


def utf16():
    for order, mark in (("le", b"\xff\xfe"), ("be", b"\xfe\xff")):
        for name, text in (("page", PAGE), ("wide", PAGE.replace("more", "\u3042\u0100\u10f0" * 40)), ("late", "\u3042" * 300 + PAGE),
                           ("plain", "TEXTtoken and more, \u3042 COMMtoken"), ("opener", "<!doctype html><p>TEXTtoken</p>")):
            units = text.encode(f"utf-16-{order}")
            yield f"utf16.{name}.{order}", units
            yield f"utf16.{name}.{order}.mark", mark + units
            yield f"utf16.{name}.{order}.odd", mark + units + b"\0"


def cases():
    yield "page", PAGE.encode()
    yield from utf16()
    yield "svg.script", SVG.format(tag="script").encode()
    yield "svg.still", SVG.format(tag="g").encode()
    for word, quote in (("bare", ""), ("single", "'"), ("double", '"')):
        yield f"css.{word}", CSS.format(quote=quote).encode()
    yield "php", script("<?php", "// COMMtoken")
    yield "php.page", b"<html><body><?php echo 'TEXTtoken'; // COMMtoken\n ?></body></html>\n"
    yield "asp", b"<%@ Language=VBScript %>\r\n<% ' COMMtoken\r\n Response.Write \"TEXTtoken\" %>\r\n"
    yield "aspx", b"<%@ Page Language=\"C#\" %>\n<script runat=\"server\">\n// COMMtoken\n var s = 'JOINto' + 'ken'; </script>TEXTtoken\n"
    yield "jsp", b"<%@ page language=\"java\" %><% /* COMMtoken */ out.println(\"TEXTtoken\"); %>\n"
    for word in ("/bin/sh", "/usr/bin/python3", "/usr/bin/env perl", "/usr/bin/ruby", "/usr/bin/php"):
        yield f"shebang.{word.rsplit('/', 1)[1].replace(' ', '-')}", script(f"#!{word}")
    yield "python", script("import os")
    yield "vbs", script("Option Explicit", "' COMMtoken")
    yield "js", script("function f(a) { return 'JOINto' + 'ken'; }", "// COMMtoken")
    yield "ps1", script("Write-Host 'x'")
    yield "bat", script("@echo off", "rem COMMtoken")
    yield "c", script("int main(void);", "/* COMMtoken */")
    yield "hta", b"<script language=VBScript>\r\n' COMMtoken\r\ns = \"TEXTtoken\"\r\n</script>\r\n"
    yield "wsf", b"<job id=\"x\"><script language=\"JScript\">/* COMMtoken */ var s = 'JOINto' + 'ken';</script></job>\r\n"
    yield "sct", (b"<?XML version=\"1.0\"?><scriptlet><script language=\"JScript\"><![CDATA[ /* COMMtoken */ var s = 'JOINto' + 'ken'; ]]>"
                  b"</script>TEXTtoken</scriptlet>")
    yield "xml", b"<?xml version='1.0'?><a><!-- COMMtoken --><b>TEXTtoken</b></a>\n"
    yield "utf8", "#!/usr/bin/python3\n# COMMtoken \u00e9\nprint('TEXTtoken')\n".encode()
    yield "latin1", "<?php // COMMtoken \u00e9\nprint('TEXTtoken') ?>\n".encode("latin-1")
    yield "encoded.alone", f"{BLOCK} TEXTtoken".encode()
    yield "encoded.behind", f"TEXTtoken {BLOCK}".encode()
    for language in ("JScript.Encode", "VBScript.Encode", "jscript.encode", "JScript"):
        yield f"encoded.{language}", (f'<html><script language="{language}">\r\n//**Start Encode** COMMtoken\r\n{BLOCK} ATTRtoken</script>'
                                      "<p>TEXTtoken</p>").encode()
    yield "encoded.none", b'<html><script language="JScript.Encode">JOINtoken</script><p>TEXTtoken</p>'


def definitions():
    for token in (*TOKENS, "xp#xp#p##p", "xp xp p p", "**Start Encode**"):
        forms = {"raw": token.encode(), "low": token.lower().encode(), "le": token.encode("utf-16-le"), "be": token.encode("utf-16-be")}
        word = re.sub(r"\W", "", token)
        for form, data in forms.items():
            for target in TARGETS:
                yield f"{word}.{token.count(' ')}.{form}.t{target}:{target}:*:{data.hex()}"


def names_of(scanner, switch, db, folder):
    run = subprocess.run([*scanner, "--no-summary", "-z", *switch, "-d", db, "-r", folder], capture_output=True, text=True)
    if run.returncode not in (0, 1):
        sys.exit(f"{scanner} failed: {run.stdout[-2000:]}{run.stderr}")
    names = {}
    for line in run.stdout.splitlines():
        found = re.fullmatch(r"(.*): (\S+)\.UNOFFICIAL FOUND", line)
        if found:
            names.setdefault(pathlib.Path(found[1]).name, set()).add(found[2])
    return names


def compare(args, switch, work, used):
    """(files that differ, names of clamscan's, names of ours besides)"""
    theirs, ours = (names_of(scanner, switch, work / "web.ndb", work / "files") for scanner in (["clamscan"], [args.sekisho, "clamscan"]))
    failed = more = 0
    for name in sorted(path.name for path in (work / "files").iterdir()):
        missing = theirs.get(name, set()) - ours.get(name, set())
        for row in KNOWN:
            if re.fullmatch(row[0], name):
                known = {item for item in missing if re.fullmatch(row[1], item)}
                used |= {row} if known else set()
                missing -= known
        if missing or (name not in theirs and not switch):
            failed += 1
            print(f"{name} {switch}: clamscan names {sorted(theirs.get(name, []))}, we miss {sorted(missing)}")
        besides = ours.get(name, set()) - theirs.get(name, set())
        more += len(besides)
        if args.verbose and besides:
            print(f"{name} {switch}: besides {sorted(besides)}")
    return failed, sum(map(len, theirs.values())), more


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    if shutil.which("clamscan") is None:
        print("skipped: clamscan is not installed")
        return 77
    failed, used = 0, set()
    with tempfile.TemporaryDirectory(prefix="sekisho-web-") as folder:
        work = pathlib.Path(folder)
        (work / "files").mkdir()
        (work / "web.ndb").write_text("\n".join(definitions()) + "\n")
        for name, data in cases():
            (work / "files" / name).write_bytes(data)
        for switch in ([], ["--scan-html=no"], ["--normalize=no"]):
            wrong, named, more = compare(args, switch, work, used)
            failed += wrong
            print(f"{' '.join(switch) or 'all on'}: clamscan names {named}, {wrong} files differ, we name {more} besides")
    for row in set(KNOWN) - used:
        failed += 1
        print(f"KNOWN explains nothing: {row}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
