#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rebuild src/defc/freq_table.c, freq_low.c and freq_text.c from the files of this Debian system (class 0 ELF, 1 text, 2 PE,
# 3 documents of packages).
# Any system will do: the table decides how fast scanning is, never what is found. PE_DIRS: folders with PE files
# (default /usr); the table in the repository was made with those of the package libwine, unpacked with dpkg-deb -x.
set -eu
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
${CC:-cc} -O2 -Isrc -o "$tmp/freq_model" tools/freq_model.c -lm
mkdir "$tmp/doc"
find /usr/share/doc -xdev -type f \( -name '*.gz' -o -name copyright -o -name '*.txt' -o -name '*.html' \) | sort |
    awk -v dir="$tmp/doc" '{ print $0 " " dir "/" NR }' | while read -r from to; do zcat -f "$from" > "$to"; done
{
    find "$tmp/doc" -type f | sort | shuf --random-source=src/defc/freq_table.c | sed 's/^/3 /'
    find /usr/bin /usr/sbin /usr/lib /usr/libexec -xdev -type f \( -name '*.so*' -o -perm -u+x \) -size +8k | sort | sed 's/^/0 /'
    find /usr/share /usr/include /usr/lib/python3 /etc -xdev -type f \( -name '*.h' -o -name '*.html' -o -name '*.txt' \
        -o -name '*.py' -o -name '*.js' -o -name '*.md' -o -name '*.css' -o -name '*.pm' -o -name '*.conf' -o -name '*.po' \
        -o -name '*.xml' -o -name '*.json' -o -name '*.pl' \) | sort | shuf --random-source=src/defc/freq_table.c | sed 's/^/1 /'
    find ${PE_DIRS:-/usr} -xdev -type f \( -name '*.dll' -o -name '*.exe' -o -name '*.efi' -o -name '*.sys' \) \
        -not -path '*clamav*' | sort | sed 's/^/2 /'
} 2>/dev/null | "$tmp/freq_model" "$tmp/low.c" "$tmp/text.c" > "$tmp/out.c"
mv "$tmp/out.c" src/defc/freq_table.c
mv "$tmp/low.c" src/defc/freq_low.c
mv "$tmp/text.c" src/defc/freq_text.c
