# SPDX-License-Identifier: BSD-2-Clause
#
# The front door: what a person or a CI job types. The work is done by meson and ninja, out of
# source, and by the scripts in tools/ and tests/. `make help` lists everything.

# Build trees: BUILD, and the one with PARANOID=1 beside it.
BUILD    ?= build
PARANOID ?= 0

ifneq ($(filter-out 0 1,$(PARANOID)),)
$(error PARANOID is 0 or 1)
endif

MESON := /usr/bin/meson
NINJA := /usr/bin/ninja
SETUP := tools/setup.sh

TREE := $(if $(filter 1,$(PARANOID)),$(BUILD)-paranoid,$(BUILD))

# What `make run` takes; tools/run.sh turns it into a command line of `hypike boot`.
ON      ?= qemu
GUEST   ?= dummy
CMDLINE ?=
MODULES ?=
CPUS    ?= 1
MEM     ?= 64M
export ON GUEST CMDLINE MODULES CPUS MEM

# Nothing here is made from files by make itself; ninja knows what is out of date.
.PHONY: all setup run demo test test-long bench docs clean help $(BUILD) $(BUILD)-paranoid
.DEFAULT_GOAL := all
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

all: setup $(TREE)  ## build everything (the default); PARANOID=1: with assertions everywhere

setup:
	@$(SETUP) build

# A second `make` does nothing, and says so in one line. $(3): a part of it that is enough.
define build_tree
	@test -f $(1)/build.ninja || $(MESON) setup -Dparanoid=$(2) $(1) .
	@if $(NINJA) -C $(1) -n $(3) | grep -q '^ninja: no work to do'; then \
		echo "$(1) is up to date"; \
	else \
		$(NINJA) -C $(1) $(3); \
	fi
endef

$(BUILD): setup
	$(call build_tree,$@,false)

$(BUILD)-paranoid: setup
	$(call build_tree,$@,true)

run: setup-run setup  ## boot HyPike with a VM: ON=qemu|bochs|bochs-amd GUEST=FILE|dummy|linux|linux-full|gnumach|invaders|memtest CMDLINE="..." MODULES="FILE args,FILE args" CPUS=N MEM=64M
	$(call build_tree,$(TREE),$(if $(filter 1,$(PARANOID)),true,false),runnable)
	@tools/run.sh $(TREE)

.PHONY: setup-run setup-test setup-bench setup-docs
setup-run:
	@$(SETUP) $(patsubst bochs%,bochs,$(ON))

# Bochs keeps time exactly, however busy this computer is.
demo: ON = bochs
demo: setup-run $(TREE)  ## four systems on two CPUs, a fault, a restart, a plan switch, and what happened when: ON=bochs|bochs-amd|qemu
	@tools/demo.sh $(TREE)

setup-test:
	@$(SETUP) test

setup-bench:
	@$(SETUP) qemu bochs

setup-docs:
	@$(SETUP) docs

# $(1): which guests from Debian's packages it takes; $(2): more options of tests/run
define run_tests
	@tools/fetch-guests.sh $(BUILD) $(1) || echo 'make: the tests that need them will fail'
	@/usr/bin/python3 tests/run --build $(BUILD) --paranoid $(BUILD)-paranoid $(2) $(if $(TESTS),-k '$(TESTS)')
endef

test: setup-test $(BUILD) $(BUILD)-paranoid  ## run the tests, on both builds (TESTS=pattern: only those that match)
	$(call run_tests,gnumach invaders memtest seabios linux linux-full)

test-long: setup-test setup-long $(BUILD) $(BUILD)-paranoid  ## run the tests that take long (TESTS=pattern, too)
	$(call run_tests,gnumach invaders memtest seabios linux linux-full,--long)

MINUTES ?= 10
.PHONY: fuzz
fuzz: setup-test  ## fuzz everything that has a harness for MINUTES=10 together, and print which lines were reached
	@/usr/bin/python3 tests/fuzz.py --minutes $(MINUTES) --coverage

bench: setup-bench $(BUILD)  ## measure path lengths in executed instructions on both vendors (README=1: and put the table into README.md)
	@tools/fetch-guests.sh $(BUILD) linux
	@/usr/bin/python3 tools/bench.py --build $(BUILD) $(if $(README),--readme README.md)

.PHONY: install deb setup-deb setup-long
# As `sudo make install`, after `make`: nothing is built as root then.
PREFIX ?= /usr/local
install: $(TREE)  ## install the command, its manual page, the library: PREFIX=/usr/local DESTDIR=
	@$(MESON) configure $(TREE) -Dprefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) $(MESON) install -C $(TREE) --quiet

setup-long:
	@$(SETUP) long

setup-deb:
	@$(SETUP) deb

deb: setup-deb  ## build Debian packages, in build/packages
	@debian/rules binary TREE=$(BUILD)/deb OUT=$(BUILD)/packages >$(BUILD)/deb.log 2>&1 || { cat $(BUILD)/deb.log; false; }
	@ls $(BUILD)/packages/*.deb

docs: setup-docs $(BUILD)  ## build the reference manual and the requirement-to-test table
	@tools/docs.sh $(BUILD)

clean:  ## remove the build trees
	rm -rf -- $(BUILD) $(BUILD)-paranoid

help:  ## list what can be made
	@echo 'HyPike: make [GOAL] [BUILD=directory] [PARANOID=1]'
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  \1|\2/p' Makefile | \
		while IFS='|' read -r goal what; do printf '%-12s %s\n' "$$goal" "$$what"; done
