# SPDX-License-Identifier: Apache-2.0
# The front door. What is built how stands in meson.build; this file only prepares, calls and counts.
#   make run      set up, build, compile the bundled definitions, scan a demonstration folder
#   make check    set up, build, run every test and lint; ends with "N passed, N failed"
#   make bench    measure against ClamAV on this machine
#   make install [PREFIX=/usr/local] [DESTDIR=]
PREFIX ?= /usr/local
BUILD ?= build
DESTDIR ?=

.PHONY: all run check bench lint format asan fuzz docs release install clean

all:
	@tools/setup.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >$(BUILD).setup.log 2>&1 || \
	    { cat $(BUILD).setup.log; exit 1; }
	@rm -f $(BUILD).setup.log
	@ninja -C $(BUILD) --quiet

run: all
	@tools/demo.sh $(BUILD)

check:
	@tools/setup.sh check
	@python3 tools/check.py

bench: 
	@tools/setup.sh bench
	@$(MAKE) --no-print-directory release BUILD=build-release
	@ninja -C build-release --quiet bench/stages bench/open_image
	@python3 bench/run.py --build build-release

lint:
	@python3 tools/lint.py

format:
	@find src include tests fuzz bench -name '*.[ch]' -not -path '*/build/*' | xargs clang-format-14 -i

asan:
	@test -f build-asan/build.ninja || CC=clang-14 meson setup build-asan -Dtests=enabled -Db_sanitize=address,undefined \
	    -Db_lundef=false -Dhardening=false >/dev/null
	@ninja -C build-asan --quiet

fuzz:
	@test -f build-fuzz/build.ninja || CC=clang-14 meson setup build-fuzz -Dtests=enabled -Dfuzz=true -Db_sanitize=address,undefined \
	    -Db_lundef=false -Dhardening=false >/dev/null
	@ninja -C build-fuzz --quiet
	@tools/fuzz.sh build-fuzz

docs: all
	@python3 tools/man.py $(BUILD)/src/cli/sekisho

release:
	@tools/setup.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --buildtype=release -Doptimization=2 -Dtests=disabled \
	    -Dprefix=$(PREFIX) >/dev/null
	@ninja -C $(BUILD) --quiet

install: INSTALL_BUILD = build-install$(subst /,_,$(PREFIX))
install:
	@$(MAKE) --no-print-directory release BUILD=$(INSTALL_BUILD)
	@DESTDIR=$(DESTDIR) meson install --quiet --no-rebuild -C $(INSTALL_BUILD)
	@echo "Installed below $(DESTDIR)$(PREFIX)"

clean:
	@rm -rf build build-*
