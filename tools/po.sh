#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Messages for translators: rewrite po/sekisho.pot and po/POTFILES from the sources, and merge new texts into the catalogues.
# usage: tools/po.sh [--check]    --check: change nothing, exit with 1 when the template is not what the sources say
#
# Marked with _(), ngettext(), gettext(), N_(); and the help columns of option tables, whose macros wrap N_() themselves.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

LC_ALL=C grep -rlE '\b(_|N_|gettext|ngettext)\(|SK_NOTE\(|SK_FACT\(' src --include='*.c' --include='*.def' --exclude=intl.c | LC_ALL=C sort >"$scratch/POTFILES"
xgettext --language=C --from-code=UTF-8 --files-from="$scratch/POTFILES" --output="$scratch/all.pot" --no-wrap \
    --package-name=sekisho --copyright-holder='the Sekisho authors' --add-comments=TRANSLATORS: --sort-by-file \
    --keyword=_ --keyword=N_ --keyword=ngettext:1,2 --keyword=SK_NOTE:4 --keyword=SK_FACT:3 \
    --keyword=FLAG:4 --keyword=FLAG_ON:4 --keyword=LIST:5 --keyword=BOOL:5 --keyword=TEXT:5 --keyword=SIZE:4 --keyword=NUMBER:5
# Dates and line numbers would change with every edit and say nothing.
sed -E -e '/^"POT-Creation-Date:/d' -e '/^#: /s/:[0-9]+//g' -e 's/; charset=CHARSET/; charset=UTF-8/' "$scratch/all.pot" >"$scratch/sekisho.pot"

if [ "${1-}" = --check ]; then
    status=0
    for name in POTFILES sekisho.pot; do
        cmp -s "$scratch/$name" "po/$name" || { echo "po/$name is not what the sources say: run tools/po.sh"; status=1; }
    done
    exit $status
fi
cp "$scratch/POTFILES" "$scratch/sekisho.pot" po/
while read -r language; do
    case $language in '#'*) continue ;; esac
    if [ -f "po/$language.po" ]; then
        msgmerge --quiet --update --backup=none --no-wrap --no-fuzzy-matching "po/$language.po" po/sekisho.pot
    else
        msginit --no-translator --no-wrap --locale="$language" --input=po/sekisho.pot --output-file="po/$language.po"
    fi
done <po/LINGUAS
