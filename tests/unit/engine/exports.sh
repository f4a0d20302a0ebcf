#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: exports.sh LIBRARY: the library exports what include/sekisho.h declares, and nothing else.
set -eu
header=$(dirname "$0")/../../../include/sekisho.h
found=$(nm -D --defined-only "$1" | awk '{ print $3 }' | sort)
wanted=$(tr '\n' ' ' <"$header" | grep -o 'SEKISHO_API [^(]*(' | grep -o 'sk_[a-z_]*(' | tr -d '(' | sort)
[ -n "$wanted" ]
[ "$found" = "$wanted" ] || { printf 'exported:\n%s\nwanted:\n%s\n' "$found" "$wanted"; exit 1; }
