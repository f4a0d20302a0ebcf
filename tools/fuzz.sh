#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run every fuzz target of a build for FUZZ_SECONDS (default 60) each, seeds first. usage: tools/fuzz.sh BUILD [TARGET...]
# A finding stops with its reproducer in BUILD/findings. Exit status 1 when anything was found.
set -u
# libarchive asks for the sizes an archive states: the sanitizer must refuse the absurd ones as the address space limit of a
# worker does, not stop.
export ASAN_OPTIONS="${ASAN_OPTIONS:-allocator_may_return_null=1:max_allocation_size_mb=1024}"
build=$1
shift
seconds=${FUZZ_SECONDS:-60}
found=0
mkdir -p "$build/findings"
targets=${*:-$(find "$build/fuzz" -maxdepth 1 -type f -perm -u+x -name 'fuzz_*' ! -name '*_replay' ! -name '*alarm*' | sort)}
for path in $targets; do
    case $path in */*) ;; *) path=$build/fuzz/$path ;; esac
    name=$(basename "$path" | sed 's/^fuzz_//')
    corpus=$build/corpus/$name
    seeds=$corpus.seeds
    mkdir -p "$corpus" "$seeds"
    for seed in fuzz/seeds/"$name"/*; do
        [ -e "$seed" ] || continue
        case $seed in
        *.b64) base64 -d "$seed" >"$seeds/$(basename "$seed" .b64)" ;;
        *) cp "$seed" "$seeds/" ;;
        esac
    done
    dict=
    [ ! -f "fuzz/dict/$name.dict" ] || dict=-dict=fuzz/dict/$name.dict
    malloc_limit=
    case $name in ar | cab | cpio | iso | lha | rar | sevenzip | xar) malloc_limit=-malloc_limit_mb=1000000 ;; esac
    log=$build/findings/$name.log
    if "$path" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 $malloc_limit $dict \
        -artifact_prefix="$build/findings/$name-" "$corpus" "$seeds" >"$log" 2>&1; then
        echo "$name: $(grep -c . "$log") lines, $(sed -n 's/^#\([0-9]*\).*DONE.*/\1/p' "$log" | tail -n 1) runs, no finding"
    else
        found=1
        echo "$name: FINDING, see $log"
        tail -n 30 "$log"
    fi
done
exit $found
