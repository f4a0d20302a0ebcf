#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check the rules of the house that a compiler does not: floors, budgets, banned calls, formats, completeness lists.

usage: tools/lint.py [--list] [--no-format]

Exceptions live in tools/lint-exceptions.txt, one a line: "rule path name value". An exception that is no longer
needed, or whose value is higher than what the code needs now, is an error: the list may only shrink.
--list prints the measured value of everything above its goal. Exit status 1 when anything is wrong.
"""
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
# rule: (goal, limit)
BUDGET = {"file": (400, 800), "header": (150, 300), "function": (40, 100), "complexity": (12, 25),
          "parameters": (4, 5), "nesting": (3, 3)}
BANNED = ["strcpy", "strcat", "sprintf", "vsprintf", "strtok", "gets", "alloca", "system", "popen", "strncpy",
          "strncat"]
ALLOCATORS = ["malloc", "calloc", "realloc", "strdup", "strndup", "asprintf"]
TABLE_MARK = "lint: table"  # in the first lines of a file that is a table or generated
CODE_DIRS = ["src", "include", "fuzz", "tests", "bench"]


def sources(folder, *suffixes):
    return sorted(p for s in suffixes for p in (TOP / folder).rglob("*" + s) if "build" not in p.parts)


def rel(path):
    return str(path.relative_to(TOP))


def strip(text):
    """Blank out comments, strings, characters and preprocessor lines; line numbers stay."""
    def blank(m):
        s = m.group(0)
        return '""' + "\n" * s.count("\n") if s[0] == '"' else " " + "\n" * s.count("\n")
    text = re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.M)


def functions(text):
    """Yield (name, first line, body, parameter text) of each function definition at brace depth 0."""
    depth, start = 0, 0
    for m in re.finditer(r"[{}]", text):
        if m.group() == "{":
            if depth == 0:
                start = m.start()
            depth += 1
            continue
        depth -= 1
        if depth != 0:
            continue
        head = text[max(text.rfind(";", 0, start), text.rfind("}", 0, start)) + 1:start]
        found = re.search(r"([A-Za-z_]\w*)\s*\(((?:[^()]|\([^()]*\))*)\)\s*$", head)
        if found and "=" not in head[:found.start()]:
            yield found.group(1), text.count("\n", 0, start) + 1, text[start:m.end()], found.group(2)


def complexity(body):
    return 1 + len(re.findall(r"\b(?:if|for|while|case)\b|&&|\|\||\?", body))


def nesting(body):
    """Deepest control block; braces of initialisers do not count."""
    deepest, stack = 0, []
    for m in re.finditer(r"[{}]", body):
        if m.group() == "{":
            before = body[:m.start()].rstrip()
            stack.append(before.endswith(")") or before.endswith("else") or before.endswith("do"))
            deepest = max(deepest, sum(stack))
        elif stack:
            stack.pop()
    return deepest


class Lint:
    def __init__(self):
        self.errors, self.over, self.exceptions, self.used = [], [], {}, set()
        path = TOP / "tools/lint-exceptions.txt"
        for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
            if not line or line.startswith("#"):
                continue
            parts = line.split()
            if len(parts) != 4:
                self.error(path, number, "expected: rule path name value")
                continue
            self.exceptions[tuple(parts[:3])] = int(parts[3])

    def error(self, path, line, text):
        self.errors.append(f"{rel(path)}:{line}: {text}")

    def budget(self, rule, path, line, name, value):
        goal, limit = BUDGET[rule]
        if value > goal:
            self.over.append((rule, rel(path), name, value))
        key = (rule, rel(path), name)
        allowed = self.exceptions.get(key, limit)
        if key in self.exceptions:
            self.used.add(key)
            if value <= limit:
                self.error(path, line, f"{rule} of {name} is within its limit: drop the exception")
            elif value < allowed:
                self.error(path, line, f"{rule} of {name} shrank to {value}: lower the exception")
        if value > allowed:
            self.error(path, line, f"{rule} budget: {name} has {value}, limit {limit}")

    def check_file(self, path):
        raw = path.read_text(errors="replace")
        lines = raw.splitlines()
        if not lines or "SPDX-License-Identifier: Apache-2.0" not in "".join(lines[:2]):
            self.error(path, 1, "no SPDX line")
        table = any(TABLE_MARK in line for line in lines[:12]) or path.suffix == ".def"
        if not table:
            self.budget("header" if path.suffix == ".h" else "file", path, 1, "-", len(lines))
        code = strip(raw)
        in_tests = rel(path).startswith(("tests/", "fuzz/", "bench/"))
        for number, line in enumerate(code.splitlines(), 1):
            for name in BANNED:
                if re.search(rf"(?<![\w.>]){name}\s*\(", line):
                    self.error(path, number, f"banned function {name}")
            if path.parts[-2] != "base" and not in_tests:
                for name in ALLOCATORS:
                    if re.search(rf"(?<![\w.>]){name}\s*\(", line):
                        self.error(path, number, f"{name} outside base: use mem_* or an arena")
        if path.suffix == ".c":
            for name, line, body, params in functions(code):
                self.check_function(path, name, line, body, params, in_tests)
        for number, line in enumerate(lines, 1):
            if len(line) > 120 and not table:
                self.error(path, number, "line longer than 120 columns")

    def check_function(self, path, name, line, body, params, in_tests):
        self.budget("function", path, line, name, body.count("\n") + 1)
        self.budget("complexity", path, line, name, complexity(body))
        if in_tests:
            return
        self.budget("nesting", path, line, name, nesting(body))
        flat = re.sub(r"\([^()]*\)", "", params)
        count = 0 if flat.strip() in ("", "void") else len([p for p in flat.split(",") if "..." not in p])
        self.budget("parameters", path, line, name, count)

    def check_floors(self):
        allowed = {}
        for line in (TOP / "tools/floors.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                floor, under = line.split(":")
                allowed[floor] = set(under.split()) | {floor}
        for folder in sorted((TOP / "src").iterdir()):
            if folder.is_dir() and folder.name not in allowed:
                self.error(folder, 0, "folder is not in tools/floors.txt")
            readme = folder / "README.md"
            if folder.is_dir() and not readme.exists():
                self.error(folder, 0, "folder has no README.md")
            elif folder.is_dir() and len(readme.read_text().splitlines()) > 20:
                self.error(readme, 0, "README of a folder has more than 20 lines")
        for path in sources("src", ".c", ".h", ".def"):
            floor = path.relative_to(TOP / "src").parts[0]
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                m = re.match(r'\s*#\s*include\s+"([^"/]+)/', line)
                if m and m.group(1) not in allowed.get(floor, set()):
                    self.error(path, number, f"floor {floor} may not include {m.group(1)}")

    def check_formats(self):
        """Each line of formats.def has a source, a fuzz target, seeds, golden or test cases, and a line in the documentation."""
        listing = TOP / "src/format/formats.def"
        if not listing.exists():
            return
        names = re.findall(r"^\s*SK_FORMAT\((\w+)\)", listing.read_text(), re.M)
        defined = set()
        for path in sources("src/format", ".c"):
            defined |= set(re.findall(r"^const struct sk_format sk_format_(\w+)\s*=", path.read_text(), re.M))
            macro = re.findall(r"^\s*[A-Z_]+\((\w+),", path.read_text(), re.M)
            defined |= {n for n in macro if n in names}
        doc = (TOP / "docs/FORMATS.md")
        doc_text = doc.read_text() if doc.exists() else ""
        fuzz = (TOP / "fuzz/meson.build").read_text() if (TOP / "fuzz/meson.build").exists() else ""
        if names != sorted(names):
            self.error(listing, 0, "lines are not sorted")
        for name in names:
            if not re.search(rf"\b{name}\b", doc_text):
                self.error(listing, 0, f"format {name} is not described in docs/FORMATS.md")
            if not re.search(rf"\b(?:fuzz_)?{name}\b", fuzz):
                self.error(listing, 0, f"format {name} has no fuzz target in fuzz/meson.build")
            if not any((TOP / "fuzz/seeds" / name).glob("*")):
                self.error(listing, 0, f"format {name} has no seeds in fuzz/seeds/{name}")

    def check_documents(self):
        """Every path that a document names in backquotes exists."""
        pages = list(TOP.glob("*.md")) + list((TOP / "docs").rglob("*.md"))
        for page in pages:
            for number, line in enumerate(page.read_text().splitlines(), 1):
                for path in re.findall(r"`((?:src|docs|definitions|tests|tools|po|bench|fuzz|include)/[\w/.*{},-]+)`", line):
                    if "{" not in path and not list(TOP.glob(path.rstrip("/"))):
                        self.error(page, number, f"names {path}, which does not exist")

    def check_commands(self):
        """Each command has a manual page and its name in the usage test."""
        listing = TOP / "src/cli/commands.def"
        if not listing.exists():
            return
        for name in re.findall(r'^\s*SK_COMMAND\("?(\w+)"?', listing.read_text(), re.M):
            pages = list((TOP / "docs/man").glob(f"sekisho-{name}.1*")) + list((TOP / "docs/man").glob(f"{name}.1*"))
            if not pages:
                self.error(listing, 0, f"command {name} has no manual page in docs/man")

    def check_format_style(self):
        tool = next((t for t in ("clang-format-14", "clang-format") if subprocess.run(
            ["sh", "-c", f"command -v {t}"], capture_output=True).returncode == 0), None)
        if tool is None:
            print("lint: clang-format is not installed: formatting not checked")
            return
        files = [str(p) for d in CODE_DIRS for p in sources(d, ".c", ".h")]
        run = subprocess.run([tool, "--dry-run", *files], capture_output=True, text=True, cwd=TOP)
        bad = sorted({line.split(":")[0] for line in run.stderr.splitlines() if "warning:" in line})
        for name in bad:
            self.error(pathlib.Path(name), 0, "not formatted: run make format")

    def check_tracked(self):
        """What .gitignore names (builds, core files) is not in the repository. Outside a checkout there is nothing to ask."""
        if not (TOP / ".git").exists() or shutil.which("git") is None:
            return
        run = subprocess.run(["git", "-c", f"safe.directory={TOP}", "ls-files", "-ci", "--exclude-standard"],
                             capture_output=True, text=True, cwd=TOP)
        for name in run.stdout.splitlines():
            self.error(TOP / name, 0, "is tracked although .gitignore names it")
        if run.returncode != 0:
            self.error(TOP / ".gitignore", 0, f"cannot list what is tracked: {run.stderr.strip()}")

    def run(self, with_format):
        for folder in CODE_DIRS:
            for path in sources(folder, ".c", ".h", ".def"):
                self.check_file(path)
        for path in sources("tools", ".py", ".sh") + sources("tests", ".py"):
            if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(path.read_text().splitlines()[:3]):
                self.error(path, 1, "no SPDX line")
        self.check_floors()
        self.check_formats()
        self.check_commands()
        self.check_documents()
        self.check_tracked()
        if with_format:
            self.check_format_style()
        for key in set(self.exceptions) - self.used:
            self.errors.append(f"tools/lint-exceptions.txt: no longer needed: {' '.join(key)}")
        return self.errors


def main():
    lint = Lint()
    errors = lint.run("--no-format" not in sys.argv)
    if "--list" in sys.argv:
        for rule, path, name, value in sorted(lint.over):
            print(rule, path, name, value)
    for line in sorted(errors):
        print(line)
    print(f"lint: {len(errors)} problems")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
