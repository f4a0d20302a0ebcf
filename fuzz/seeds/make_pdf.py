#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the seeds of the fuzz targets pdf and filters, and the golden cases of tests/golden/pdf: small PDF files written
byte by byte, and the same through qpdf for object streams and encryption. They stand in the tree; run again to add kinds."""
import base64
import binascii
import pathlib
import shutil
import subprocess
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent.parent / "tests/golden/pdf"
TEXT = b"text of a stream, " * 6
SCRIPT = b"app.alert('seed');"
BASE = [b"<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 5 0 R>>",
        b"<</S/JavaScript/JS(app.alert\\('seed'\\);)>>"]


def stream(data, keys=b"", length=None):
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (keys, len(data) if length is None else length, data)


def pdf(*objects, header=b"%PDF-1.7\n", trailer=b""):
    out, places = bytearray(header), []
    for number, body in enumerate(BASE + list(objects), 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, trailer, table)
    return bytes(out)


def flate(data):
    return zlib.compress(data, 9)


def runs(data):
    return b"".join(bytes([len(data[i:i + 100]) - 1]) + data[i:i + 100] for i in range(0, len(data), 100)) + b"\x80"


def lzw(data, early=1):
    """An encoder that only ever uses codes of single bytes and clears before the width would grow."""
    bits, count, out = 0, 0, bytearray()
    def put(code):
        nonlocal bits, count
        bits, count = bits << 9 | code, count + 9
        while count >= 8:
            count -= 8
            out.append(bits >> count & 255)
    for i, byte in enumerate(data):
        if i % 200 == 0:
            put(256)
        put(byte)
    put(257)
    out.append(bits << (8 - count) & 255 if count else 0)
    return bytes(out)


def rows(data, width):
    return b"".join(b"\x02" + bytes((a - b) & 255 for a, b in zip(
        data[i:i + width], bytes(width) if i == 0 else data[i - width:i])) for i in range(0, len(data), width))


def cases():
    z = flate(TEXT)
    name = "attached.txt"
    yield "plain", pdf(stream(TEXT))
    yield "flate", pdf(stream(z, b"/Filter/FlateDecode"))
    yield "filters", pdf(stream(base64.a85encode(binascii.hexlify(runs(lzw(z))) + b">") + b"~>",
                                b"/Filter[/A85/AHx/RL/LZW/Fl]"))
    yield "lzw", pdf(stream(lzw(TEXT), b"/Filter/LZWDecode"))
    yield "predictor", pdf(stream(flate(rows(TEXT, 12)), b"/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 12>>"))
    yield "escaped-names", pdf(stream(z, b"/Fil#74er/Fl#61teDecode"))
    yield "filter-reference", pdf(stream(z, b"/Filter[6 0 R]/DecodeParms[7 0 R]"), b"/FlateDecode", b"null")
    yield "wrong-length", pdf(stream(z, b"/Filter/FlateDecode", 3), stream(TEXT, b"", 99999))
    yield "truncated", pdf(stream(z[:-12], b"/Filter/FlateDecode"))
    yield "no-end", pdf()[:9] + b"5 0 obj\n<</Filter/FlateDecode>>\nstream\n" + z
    yield "junk-in-front", b"junk\n" * 20 + pdf(stream(z, b"/Filter/FlateDecode"))
    yield "hidden-in-comment", b"%PDF-1.4\n% 5 0 obj <</Filter/FlateDecode>> stream\n" + z + b"\nendstream endobj\n%%EOF"
    yield "hidden-in-string", b"%PDF-1.4\n1 0 obj <</T(5 0 obj <</Filter/FlateDecode>> stream\n" + z + \
        b"\nendstream endobj)>> endobj\n%%EOF"
    yield "two-of-one-number", pdf(stream(z, b"/Filter/FlateDecode")) + b"5 0 obj\n" + stream(SCRIPT) + b"\nendobj\n"
    yield "script-reference", pdf(b"<</S/JavaScript/JS 6 0 R>>", b"<" + binascii.hexlify(
        "\ufeffapp.alert('seed');".encode("utf-16-be")) + b">")
    yield "script-stream", pdf(b"<</S/JavaScript/JS 6 0 R>>", stream(flate(SCRIPT), b"/Filter/FlateDecode"))
    yield "attached", pdf(b"<</Type/Filespec/F(%s)/EF<</F 6 0 R>>>>" % name.encode(),
                          stream(z, b"/Type/EmbeddedFile/Filter/FlateDecode"))
    yield "actions", pdf(b"<</S/URI/URI(http://example.org/)>>", b"<</S/Launch/Win<</F(cmd.exe)/P(/c)>>>>",
                         b"<</S/GoToR/F<</FS/URL/F(http://example.org/a.pdf)>>>>")
    packed = b"20 0 21 %d " % (len(b"<</S/JavaScript/JS 21 0 R>>") + 1) + b"<</S/JavaScript/JS 21 0 R>> (app.alert\\('seed'\\);)"
    yield "object-stream", pdf(stream(flate(packed), b"/Type/ObjStm/N 2/First %d/Filter/FlateDecode" % packed.index(b"<<")))
    packed = b"30 0 /FlateDecode"
    yield "packed-filter", pdf(stream(z, b"/Filter 30 0 R"),
                               stream(flate(packed), b"/Type/ObjStm/N 1/First 5/Filter/FlateDecode"))
    yield "reference-chain", pdf(b"<</S/JavaScript/JS 6 0 R>>", b"7 0 R", b"8 0 R", b"(app.alert\\('seed'\\);)")
    yield "comment-in-number", pdf(b"<</S/JavaScript/JS 77 0 R>>") + b"77 % comment\r0%\nobj <" + \
        binascii.hexlify(b"app.alert('seed');") + b"> endobj\n"
    yield "decoy-locked", pdf(stream(z, b"/Filter/FlateDecode")) + b"trailer<</Encrypt<</Filter/Standard/V 5/R 6>>>>"
    yield "note", pdf(b"<</Type/Annot/Subtype/Text/Contents(words of a note)>>")
    yield "page-text", pdf(stream(flate(b"BT\n[(W)-3(ords)]TJ\n(  of) Tj ET\n"), b"/Filter/FlateDecode"))
    yield "image", pdf(stream(b"\xff\xd8\xff\xe0 picture", b"/Subtype/Image/Width 9/Height 9/Filter/DCTDecode"),
                       stream(z, b"/Subtype/Image/Width 9/Height 9/Filter/FlateDecode"))
    yield "nesting", pdf(b"<</A" * 200 + b"[" * 300 + b"/JS(app.alert\\('seed'\\);)")
    yield "cycle", pdf(stream(z, b"/Filter 5 0 R"), b"6 0 R", b"<</Type/Pages/Kids[7 0 R]/Parent 7 0 R>>")


def qpdf_cases(whole):
    if shutil.which("qpdf") is None:
        return
    kinds = {"xref-stream": ["--object-streams=generate"],
             "rc4-40": ["--allow-weak-crypto", "--encrypt", "", "o", "40", "--"],
             "rc4-128": ["--allow-weak-crypto", "--encrypt", "", "o", "128", "--use-aes=n", "--"],
             "aes-128": ["--encrypt", "", "o", "128", "--use-aes=y", "--"],
             "aes-256-r5": ["--encrypt", "", "o", "256", "--force-R5", "--"],
             "aes-256": ["--object-streams=generate", "--encrypt", "", "o", "256", "--"],
             "locked": ["--encrypt", "u", "o", "256", "--"]}
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder) / "in.pdf", pathlib.Path(folder) / "out.pdf"
        source.write_bytes(whole)
        for kind, options in kinds.items():
            # The page's stream and the script both survive qpdf; --static-id keeps runs alike.
            subprocess.run(["qpdf", "--static-id", *options, source, target], check=True)
            yield kind, target.read_bytes()


def main():
    for folder in (HERE / "pdf", HERE / "filters", GOLDEN):
        folder.mkdir(parents=True, exist_ok=True)
    made = dict(cases())
    made.update(qpdf_cases(made["flate"]))
    if "rc4-128" in made:  # a trailer and objects that another reader would take, all plain
        made["decoy-open"] = made["rc4-128"] + b"99 0 obj <</S/JavaScript/JS(app.alert\\('seed'\\);)>> endobj\n" \
            b"98 0 obj " + stream(TEXT) + b" endobj\ntrailer<</Root 1 0 R>>\n"
    for kind, data in made.items():
        text = base64.encodebytes(data)
        (HERE / "pdf" / f"{kind}.b64").write_bytes(text)
        (GOLDEN / f"{kind}.pdf.b64").write_bytes(text)
    encoded = {0: lzw(TEXT), 1: lzw(TEXT), 2: base64.a85encode(TEXT + bytes(8)) + b"~>", 3: binascii.hexlify(TEXT) + b"5>",
               4: runs(TEXT) + b"\xfea"}
    for kind, data in encoded.items():
        (HERE / "filters" / f"kind{kind}.b64").write_bytes(base64.encodebytes(bytes([kind, 0, 0, 0]) + data))
    for kind in (2, 10, 12, 15):
        data = bytes([5, kind, 16, 11]) + rows(TEXT, 12)
        (HERE / "filters" / f"predictor{kind}.b64").write_bytes(base64.encodebytes(data))


main()
