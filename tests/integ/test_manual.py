#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages say what the program does: every option of --help is on the page and the other way round, option lists are
those the program prints, pages are clean, every command has a page. usage: test_manual.py PROGRAM"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
MAN = TOP / "docs/man"
PROGRAM = sys.argv.pop(1)
ITEM = re.compile(r"^\.It (.*)$", re.M)


def run(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, env={"LC_ALL": "C"})


def help_options(text):
    """{'--jobs': '-j', ...} from the left column of --help."""
    found = {}
    for line in text.splitlines():
        m = re.match(r"  (-\w, |    )(--[a-z][a-z0-9-]*)", line)
        if m:
            found[m.group(2)] = m.group(1).strip(", ")
    return found


def page_options(text):
    found = {}
    for item in ITEM.findall(text):
        m = re.match(r"(?:Fl (\w) , )?Fl Fl (\S+)", item)
        if m:
            found["--" + m.group(2).replace("\\-", "-")] = "-" + m.group(1) if m.group(1) else ""
    return found


def commands():
    return re.findall(r'^SK_COMMAND\("(\w+)"', (TOP / "src/cli/commands.def").read_text(), re.M)


class Manual(unittest.TestCase):
    def test_options_of_help_and_page_are_equal(self):
        for name in commands():
            with self.subTest(name):
                helped = help_options(run(name, "--help").stdout)
                self.assertGreater(len(helped), 5)
                self.assertEqual(helped, page_options((MAN / f"sekisho-{name}.1").read_text()))

    def test_an_option_more_or_less_would_be_noticed(self):
        page = (MAN / "sekisho-scan.1").read_text()
        helped = help_options(run("scan", "--help").stdout)
        self.assertNotEqual(helped, page_options(page.replace(".It Fl Fl fail\\-fast\n", "")))
        self.assertNotEqual(helped, page_options(page + ".It Fl Fl never\n"))

    def test_option_lists_are_the_programs(self):
        made = subprocess.run([sys.executable, TOP / "tools/man.py", PROGRAM, "--check"], capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)

    def test_options_named_in_the_text_exist(self):
        every = {o for name in commands() for o in help_options(run(name, "--help").stdout)} | {"--version"}
        for page in MAN.iterdir():
            text = page.read_text()
            for option in re.findall(r"Fl Fl ([a-z0-9\\-]+)", text):
                name = "--" + option.replace("\\-", "-")
                self.assertTrue(name in every or name in ("--no-", "--max-"), f"{page.name}: {name}")

    def test_every_command_is_in_the_main_page(self):
        text = (MAN / "sekisho.1").read_text()
        self.assertEqual(sorted(commands()), sorted(re.findall(r"^\.It Cm (\w+)$", text, re.M)))

    def test_definitions_page_names_every_kind(self):
        text = (MAN / "sekisho-definitions.5").read_text()
        kinds = set(re.findall(r"^KIND\((\w+),", (TOP / "src/defc/kinds.def").read_text(), re.M)) - {"info"}
        self.assertEqual([], sorted(k for k in kinds if not re.search(rf"\b{k}\b", text)))

    def test_json_page_names_every_note(self):
        words = re.findall(r'^SK_NOTE\(\w+, "([\w-]+)"', (TOP / "src/base/notes.def").read_text(), re.M)
        text = (TOP / "docs/scan-output.md").read_text()
        self.assertGreater(len(words), 15)
        self.assertEqual([], [w for w in words if f"`{w}`" not in text])

    def test_page_of_the_face_says_what_has_no_effect(self):
        page = (MAN / "sekisho-clamscan.1").read_text()
        table = (TOP / "src/cli/clam_options.c").read_text()
        idle = re.findall(r'^    NONE(?:_ARG)?\("([\w-]+)"', table, re.M)
        self.assertGreater(len(idle), 10)  # that the table was read: the list shrinks
        for name in idle:
            item = page.split(".It Fl Fl " + name.replace("-", "\\-") + " ", 1)[1].split(".It ", 1)[0]
            self.assertIn("no effect", item, name)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_pages_are_clean(self):
        for page in MAN.iterdir():
            made = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
            self.assertEqual((made.returncode, made.stdout), (0, ""), page.name)


if __name__ == "__main__":
    unittest.main()
