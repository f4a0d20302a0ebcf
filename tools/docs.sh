#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Write the OPTIONS sections of the manual pages from the option tables of the program. usage: tools/docs.sh BUILD [--check]
# With --check nothing is written; exit status 1 when a page is not what the program says.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
program=$1/src/cli/sekisho
status=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for page in "$top"/docs/man/sekisho-*.1; do
    grep -q '^\.\\" begin options$' "$page" || continue
    command=$(basename "$page" .1 | sed 's/^sekisho-//')
    "$program" "$command" --man >"$scratch/options"
    sed -e '/^\.\\" begin options$/{' -e "r $scratch/options" -e '}' \
        -e '/^\.\\" begin options$/,/^\.\\" end options$/{/^\.\\" begin options$/b' -e '/^\.\\" end options$/b' -e 'd' -e '}' \
        "$page" >"$scratch/page"
    if cmp -s "$scratch/page" "$page"; then
        continue
    elif [ "${2:-}" = --check ]; then
        echo "$page: options differ from 'sekisho $command --man'; run: make docs"
        status=1
    else
        cat "$scratch/page" >"$page"
    fi
done
exit $status
