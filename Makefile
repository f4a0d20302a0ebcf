# SPDX-License-Identifier: Apache-2.0
# Front door only; the build is described in meson.build.
.PHONY: all check
all:
	@test -d build || meson setup build >/dev/null
	@ninja -C build
check: all
	@meson test -C build
