#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install the compiled definitions: the images that the manifest names, then the manifest. usage: install.sh BUILD DATADIR
set -eu
case $2 in
/*) to=${DESTDIR:-}$2 ;;
*) to=$MESON_INSTALL_DESTDIR_PREFIX/$2 ;;
esac
mkdir -p "$to"
while read -r word _ file _; do
    [ "$word" != segment ] || install -m 644 "$1/$file" "$to/$file"
done <"$1/manifest"
install -m 644 "$1/manifest" "$to/manifest"
