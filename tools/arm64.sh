#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build Sekisho for 64-bit ARM on an x86-64 Debian and run its unit tests by qemu-user: what runs the NEON paths where there
# is no ARM machine. usage: tools/arm64.sh [TEST...]
#   build-arm64-root/   the libraries for arm64, out of Debian's packages; the system's own packages stay as they are
#   build-arm64/        the build; any test by hand: meson test -C build-arm64 --no-rebuild NAME
# `make check` runs it. Exit status: 0 all passed, 77 the tools or packages cannot be had (the last line says which), 1 something failed.
set -eu
cd "$(dirname "$0")/.."
top=$PWD
root=$top/build-arm64-root

# Not for qemu-user, which has no seccomp and Landlock, shows its own /proc, and drops no descriptors of messages.
without='os/file os/sandbox wire/wire pool/pool format/archives'
# No vectors in them, and by emulation half of the time of all. They pass: tools/arm64.sh norm/js defs/rules defs/image match/regex
without="$without norm/js defs/rules defs/image match/regex"

want="zlib1g-dev libdeflate-dev libbz2-dev liblzma-dev libzstd-dev libarchive-dev libssl-dev libseccomp-dev libpcre2-dev \
libpng-dev libjpeg-dev libtiff-dev libgif-dev libcmocka-dev libc6-dev libgcc-s1"

lack() {
    echo "not run: $1"
    exit 77
}

# apt with lists and a package state of its own, in which nothing is installed: it fetches all that the wanted packages need.
fetch() {
    apt=$root.apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    cat >"$apt/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
CONF
    APT_CONFIG=$apt/apt.conf apt-get update >"$apt/log" 2>&1 || return 1
    # shellcheck disable=SC2086
    APT_CONFIG=$apt/apt.conf apt-get install -y -d --no-install-recommends $want >>"$apt/log" 2>&1
}

unpack() {
    rm -rf "$root.new"
    mkdir "$root.new"
    for deb in "$root.apt"/cache/archives/*.deb; do
        dpkg-deb -x "$deb" "$root.new"
    done
    # links to places of the installed system, as seen from here
    find "$root.new" -type l -lname '/*' | while read -r link; do
        ln -sfnr "$root.new$(readlink "$link")" "$link"
    done
    rm -rf "$root.apt"
    mv "$root.new" "$root"
}

[ "$(uname -m)" = x86_64 ] || lack "the cross compiler is for x86-64"
tools/setup.sh arm64 >/dev/null 2>&1 || lack "qemu-user or gcc-aarch64-linux-gnu is not installed and cannot be"
if [ ! -d "$root" ]; then
    fetch || lack "packages for arm64 cannot be fetched, see $root.apt/log"
    unpack
fi
if [ ! -f build-arm64/build.ninja ]; then
    printf "[constants]\nroot = '%s'\n" "$root" >"$root/root.ini"
    meson setup build-arm64 --cross-file "$root/root.ini" --cross-file tools/arm64.ini -Dtests=enabled >"$root/log" 2>&1 ||
        { cat "$root/log"; exit 1; }
fi
ninja -C build-arm64 --quiet >"$root/log" 2>&1 || { tail -n 40 "$root/log"; exit 1; }
if grep 'warning:' "$root/log"; then
    exit 1
fi
if [ $# = 0 ]; then
    for name in $(meson test -C build-arm64 --no-rebuild --suite unit --list 2>/dev/null | sed -n 's|^sekisho:unit / ||p'); do
        case " $without " in
        *" $name "*) ;;
        *) set -- "$@" "$name" ;;
        esac
    done
fi
exec meson test -C build-arm64 --no-rebuild --timeout-multiplier 20 --quiet --print-errorlogs "$@"
