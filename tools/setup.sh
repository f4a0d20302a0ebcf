#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what a step needs from Debian, if it is not there yet. usage: tools/setup.sh build|check|bench|arm64
# Exit status 1 when something is missing and cannot be installed.
set -eu

build="gcc libc6-dev meson ninja-build pkg-config python3 gettext zlib1g-dev libdeflate-dev libbz2-dev liblzma-dev libzstd-dev \
libarchive-dev libssl-dev libseccomp-dev libpcre2-dev libpng-dev libjpeg-dev libtiff-dev \
libgif-dev"
check="$build clang-14 libclang-rt-14-dev clang-format-14 libcmocka-dev clamav clamav-testfiles libarchive-tools \
p7zip-full zip unzip bzip2 xz-utils zstd cpio genisoimage binutils rpm lhasa arj mandoc strace netpbm \
gcc-mingw-w64-i686 gcc-mingw-w64-x86-64 swaks mutt mpack sharutils macutils tnef osslsigncode openssl faketime"
arm64="$build gcc-aarch64-linux-gnu qemu-user"
bench="$build clamav clamav-daemon clamdscan yara p7zip-full zip unzip bzip2 xz-utils zstd binutils"

case "${1-}" in
build) want=$build ;;
check) want=$check ;;
bench) want=$bench ;;
arm64) want=$arm64 ;;
*) echo "usage: tools/setup.sh build|check|bench|arm64" >&2; exit 64 ;;
esac

missing=
for package in $want; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1; then
        as_root=sudo
    else
        echo "Sekisho needs these Debian packages; install them as root, then try again:" >&2
        echo "  apt-get install$missing" >&2
        exit 1
    fi
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Installing:$missing"
install_all() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >"$log" 2>&1
}
if ! install_all; then
    $as_root apt-get update >>"$log" 2>&1 || true
    install_all || { tail -n 20 "$log" >&2; echo "Could not install:$missing" >&2; exit 1; }
fi
