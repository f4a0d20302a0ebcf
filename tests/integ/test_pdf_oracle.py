#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PDF, RTF and Flash against clamscan: what it extracts from a file must be among our members, byte for byte. Files: the golden ones,
those of real tools (qpdf, ps2pdf, reportlab), those of the machine and of clamav-testfiles.

Not counted as missing, because they are searched otherwise: bytes that stand in the file as they are (clamscan's scripts are raw syntax
to the end of the object), and page words, which must be in a view of ours.

usage: test_pdf_oracle.py WALKDUMP     What needs a tool that is missing is skipped with a message.
"""
import base64
import binascii
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

WALKDUMP = pathlib.Path(sys.argv.pop(1)).resolve()
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
TESTFILES = pathlib.Path("/usr/share/clamav-testfiles")
TINY = 5  # clamscan looks into nothing shorter


def run(*argv, good=(0,)):
    done = subprocess.run([str(a) for a in argv], capture_output=True)
    if done.returncode not in good:
        raise AssertionError(f"{argv}: exit {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def golden(kind):
    return {p.name.removesuffix(".b64"): base64.decodebytes(p.read_bytes()) for p in sorted((GOLDEN / kind).glob("*.b64"))}


@unittest.skipUnless(shutil.which("clamscan"), "clamscan is not installed")
class Oracle(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = pathlib.Path(scratch.name)
        (self.dir / "any.ndb").write_text("Never.Found:0:*:" + binascii.hexlify(b"no file has this").decode() + "\n")

    def theirs(self, path):
        """Files clamscan leaves behind, without its normalised copies (which have a name and are lower case)."""
        temps = self.dir / "temps"
        shutil.rmtree(temps, ignore_errors=True)
        temps.mkdir()
        run("clamscan", "-d", self.dir / "any.ndb", "--no-summary", "--leave-temps", f"--tempdir={temps}", "--allmatch", path,
            good=(0, 1, 2))  # found a heuristic; failed to write two objects of one number
        return [(p.name, p.read_bytes()) for p in sorted(temps.rglob("*")) if p.is_file()]

    def ours(self, kind, path):
        out = self.dir / "ours"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        lines = [json.loads(line) for line in run(WALKDUMP, kind, path, out).decode().splitlines()]
        return {(x["bytes"], x["crc32"]) for x in lines if "crc32" in x}, [p.read_bytes() for p in out.glob("view-*")]

    def compare(self, kind, name, data, wanted):
        """wanted picks and trims clamscan's files. Returns how many were compared."""
        path = self.dir / "sample"
        path.write_bytes(data)
        members, views = self.ours(kind, path)
        count = 0
        for label, content in self.theirs(path):
            content = wanted(label, content)
            if content is None or len(content) <= TINY or content in data:
                continue
            count += 1
            known = (len(content), zlib.crc32(content)) in members or any(content in v for v in views)
            self.assertTrue(known, f"{name}: {label}: {content[:60]} is not among our members")
        return count

    @staticmethod
    def pdf_object(label, content):
        return content if label.startswith("pdf obj") else None

    def compare_pdfs(self, files):
        total = sum(self.compare("pdf", name, data, self.pdf_object) for name, data in files.items())
        self.assertGreater(total, 0, "nothing was compared")
        print(f"{len(files)} files, {total} objects of clamscan found", file=sys.stderr)

    def test_golden_pdf(self):
        files = golden("pdf")
        del files["decoy-open.pdf"]  # a plain script, which clamscan decrypts
        self.compare_pdfs(files)

    def test_pdfs_of_the_machine(self):
        paths = [p for p in pathlib.Path("/usr/share").rglob("*.pdf") if p.is_file()][:40]
        if not paths:
            self.skipTest("no PDF files on this machine")
        self.compare_pdfs({str(p): p.read_bytes() for p in paths})

    @unittest.skipUnless(shutil.which("qpdf") and shutil.which("ps2pdf"), "qpdf or ghostscript is not installed")
    def test_pdfs_of_tools(self):
        text = self.dir / "text.ps"
        text.write_text("%!PS\n/Helvetica findfont 12 scalefont setfont\n" + "".join(
            f"{72 + i % 5} {700 - 10 * i % 600} moveto (line {i} of a page) show\n" + ("showpage\n" if i % 40 == 39 else "")
            for i in range(200)) + "showpage\n")
        source = self.dir / "source.pdf"
        run("ps2pdf", text, source)
        (self.dir / "attached.txt").write_bytes(b"text of an attached file\n" * 20)
        attached = self.dir / "attached.pdf"
        run("qpdf", source, "--add-attachment", self.dir / "attached.txt", "--", attached)
        files = {"ps2pdf": source.read_bytes()}
        for name, options in {"plain": ["--qdf"], "packed": ["--object-streams=generate", "--compress-streams=y"],
                              "linear": ["--linearize"], "raw": ["--stream-data=uncompress"],
                              "rc4": ["--allow-weak-crypto", "--encrypt", "", "o", "40", "--"],
                              "aes": ["--encrypt", "", "o", "256", "--"]}.items():
            target = self.dir / "target.pdf"
            run("qpdf", *options, attached, target)
            files[name] = target.read_bytes()
        self.compare_pdfs(files)

    def test_reportlab(self):
        python = "/usr/bin/python3"  # Debian's, which has Debian's modules
        if subprocess.run([python, "-c", "import reportlab"], capture_output=True).returncode != 0:
            self.skipTest("python3-reportlab is not installed")
        program = ("import sys; from reportlab.pdfgen import canvas\n"
                   "page = canvas.Canvas(sys.argv[1], pageCompression=int(sys.argv[2]))\n"
                   "for i in range(5):\n"
                   "    page.drawString(100, 700, f'page {i}'); page.linkURL('http://example.org/', (1, 2, 3, 4)); page.showPage()\n"
                   "page.save()")
        files = {}
        for packed in "01":
            path = self.dir / "reportlab.pdf"
            run(python, "-c", program, path, packed)
            files[f"reportlab {packed}"] = path.read_bytes()
        self.compare_pdfs(files)

    @staticmethod
    def native_data(label, content):
        """clamscan writes the stated size in front of native data; its other files are the packaged ones."""
        if label.endswith(".html") or content == content.lower():
            return None
        sized = len(content) > 4 and struct.unpack("<I", content[:4])[0] == len(content) - 4
        return content[4:] if sized else content

    def test_golden_rtf(self):
        # False bytes of a reading that Word does not have either.
        files = {n: d for n, d in golden("rtf").items() if not n.startswith(("nesting", "quotes", "binary"))}
        total = sum(self.compare("rtf", name, data, self.native_data) for name, data in files.items())
        self.assertGreater(total, 10)

    def test_golden_swf(self):
        total = sum(self.compare("swf", name, data, lambda label, content: content if content[:3] == b"FWS" and len(content) > 8 else None)
                    for name, data in golden("swf").items())
        self.assertGreater(total, 3)

    @unittest.skipUnless((TESTFILES / "clam.exe").exists(), "clamav-testfiles is not installed")
    def test_program_in_test_files(self):
        program = (TESTFILES / "clam.exe").read_bytes()
        for name, kind in (("clam.pdf", "pdf"), ("clam.exe.rtf", "rtf")):
            members, _ = self.ours(kind, TESTFILES / name)
            self.assertIn((len(program), zlib.crc32(program)), members, name)
            self.compare(kind, name, (TESTFILES / name).read_bytes(), self.pdf_object if kind == "pdf" else self.native_data)


if __name__ == "__main__":
    unittest.main()
