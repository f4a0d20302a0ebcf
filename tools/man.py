#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the option lists of the manual pages from the program's own tables. usage: tools/man.py PROGRAM [--check]

A line `.\\" options: sekisho COMMAND` in docs/man/*.1 is followed, up to the next .El, by what `sekisho COMMAND --man` prints.
--check changes nothing and exits with 1 when a page is not what it would be.
"""
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r'(^\.\\" options: sekisho (\w+)\n)(.*?)(^\.El\n)', re.M | re.S)


def main():
    program, check = sys.argv[1], "--check" in sys.argv
    wrong = []

    def fill(match):
        made = subprocess.run([program, match.group(2), "--man"], capture_output=True, text=True, check=True)
        return match.group(1) + made.stdout + match.group(4)

    for page in sorted((TOP / "docs/man").glob("*.1")):
        old = page.read_text()
        new = BLOCK.sub(fill, old)
        if new != old:
            wrong.append(page.name)
            if not check:
                page.write_text(new)
    for name in wrong:
        print(f"docs/man/{name}: " + ("option list is not the program's: run tools/man.py" if check else "written"))
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
