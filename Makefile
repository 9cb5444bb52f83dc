# SPDX-License-Identifier: Apache-2.0
# `make run` and `make test` do all the set-up on a fresh Debian or Ubuntu that has Swift. `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help

SWIFT := $(shell command -v swift 2>/dev/null)
CLANG ?= $(dir $(realpath $(SWIFT)))clang
STRIP ?= $(dir $(realpath $(SWIFT)))llvm-objcopy
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
MACHINE := $(shell uname -m)
ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(MACHINE)))
PREFIX ?= /usr/local

AGENT := .build/release/trustrun-agent
FAMILIES := $(patsubst BPF/%.bpf.c,%,$(wildcard BPF/*.bpf.c))
OBJECTS := $(FAMILIES:%=BPF/Objects/%.bpf.o)
BPFFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Werror -IBPF/Include \
	-idirafter /usr/include/$(MACHINE)-linux-gnu
SWIFTFLAGS := --disable-sandbox
RELEASE := -c release --static-swift-stdlib

BUILD_PACKAGES := libbpf-dev libelf-dev libidn2-dev zlib1g-dev pkg-config gcc libc6-dev publicsuffix
TEST_PACKAGES := qemu-system-x86 busybox-static cpio xz-utils kmod iproute2 iputils-ping curl gnutls-bin openssl dnsmasq-base nftables \
	python3 python3-jsonschema python3-yaml python3-pip golang-go git nodejs openssh-client bpftool clang-format libssl-dev

.PHONY: help deps test-deps bpf build run test test-unit test-tools test-schema test-sanitize test-fuzz test-kernel test-bypass test-vm \
	test-bypass-vm workloads bench fmt check organisations install clean require-swift

help: ## Lists what make can do.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

require-swift:
	@[ -n "$(SWIFT)" ] || { echo "trustrun-agent: swift is not on the PATH; install Swift 6.2 or later (swift.org/install) and try again" >&2; exit 69; }

# A list of packages is installed once; what is there already is not touched.
define install_packages
	@missing=$$(for package in $(1); do dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done); \
	if [ -n "$$missing" ]; then \
		command -v apt-get > /dev/null || { echo "trustrun-agent: this needs apt-get, or these packages: $$missing" >&2; exit 69; }; \
		$(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing; \
	fi
endef

deps: require-swift
	$(call install_packages,$(BUILD_PACKAGES))

test-deps: deps
	$(call install_packages,$(TEST_PACKAGES))

bpf: deps $(OBJECTS) ## Compiles the BPF programs.

BPF/Objects/%.bpf.o: BPF/%.bpf.c $(wildcard BPF/Include/*.h)
	@mkdir -p BPF/Objects
	$(CLANG) $(BPFFLAGS) -c $< -o $@
	@$(STRIP) --strip-debug $@
	@touch Sources/CTrustRunSensor/objects.c Sources/CTrustRunEnforcement/object.c # an object that appears is no dependency that SwiftPM knows

build: bpf ## Builds the agent: .build/release/trustrun-agent.
	swift build $(SWIFTFLAGS) $(RELEASE)

run: build ## Sets up, builds, and monitors this machine (Ctrl-C ends it).
	$(SUDO) $(AGENT) monitor --format text

# The unit tests run with AddressSanitizer here: once is enough.
test: test-deps build check test-tools test-schema test-sanitize test-fuzz test-kernel test-bypass test-vm ## Runs every test that this machine can run.

test-unit: bpf test-tools ## Unit tests.
	swift test $(SWIFTFLAGS) --parallel

test-tools:
	python3 -B -m unittest discover -s Tests/Tools

test-schema: build test-deps ## The schema of policies against the agent and every policy in this repository.
	/usr/bin/python3 Tests/Schema/run.py

# Optimised, the tests with random input take a sixth of the time under AddressSanitizer. The test runner itself leaks.
test-sanitize: bpf ## Unit tests under AddressSanitizer, and those of the pipeline under ThreadSanitizer.
	ASAN_OPTIONS=detect_leaks=0 swift test $(SWIFTFLAGS) -Xswiftc -O --sanitize=address --scratch-path .build/address
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitizers/thread.supp \
		swift test $(SWIFTFLAGS) --sanitize=thread --scratch-path .build/thread --filter 'Sinks|Agent|Enrichment'

test-fuzz: bpf ## Each fuzz target for FUZZ_SECONDS (10).
	Tests/Fuzz/run-fuzz.sh $${FUZZ_SECONDS:-10}

workloads: test-deps
	Tests/Kernel/workloads/build.sh .build/workloads

test-kernel: build workloads ## Real programs on this kernel; needs root.
	$(SUDO) /usr/bin/python3 Tests/Kernel/run.py

test-bypass: test-deps build ## Tries every known way around the gates on this kernel; needs root.
	$(SUDO) $(AGENT) attack

test-vm: build workloads ## The same on Debian's kernels 5.10, 6.1, 6.12 and 7.x in QEMU; VM_KERNELS chooses, VM_WHOLE=1 runs every test on each.
	VM_JOBS=$${VM_JOBS:-2} Tests/VM/run-all.sh

test-bypass-vm: build workloads ## test-bypass on those kernels; some ten minutes each, and no part of `make test`.
	VM_JOBS=$${VM_JOBS:-2} Tests/VM/run-all.sh -- env TRUSTRUN_TIME_SCALE=5 python3 /trustrun/Tests/Bypass/run.py

bench: test-deps build ## Prints what the sensor costs, as ratios.
	Benchmarks/run.sh

organisations: ## Refreshes the table of address ranges from what organisations publish; needs the internet.
	python3 -B Tools/organisations.py
	@touch Sources/CTrustRunAssets/organisations.c

fmt: ## Formats Swift and C.
	swift format --in-place --recursive Sources Tests Package.swift
	clang-format -i BPF/*.c $(filter-out BPF/Include/vmlinux.h,$(wildcard BPF/Include/*.h)) Sources/C*/*.[ch] Sources/C*/include/*.h

check: ## Layout rules: format, licences, imports.
	Tests/check.sh

install: build ## Installs the agent and its service under PREFIX (/usr/local), and a configuration if there is none.
	$(SUDO) install -D -m 0755 $(AGENT) $(DESTDIR)$(PREFIX)/bin/trustrun-agent
	sed 's|/usr/local|$(PREFIX)|' Packaging/trustrun-agent.service | \
		$(SUDO) install -D -m 0644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/trustrun-agent.service
	$(SUDO) install -D -m 0644 docs/enforcement.md $(DESTDIR)$(PREFIX)/share/doc/trustrun-agent/enforcement.md
	[ -e $(DESTDIR)/etc/trustrun-agent/config.yaml ] || \
		$(SUDO) install -D -m 0600 Packaging/config.yaml $(DESTDIR)/etc/trustrun-agent/config.yaml

clean: ## Removes what was built.
	rm -rf .build BPF/Objects/*.o
