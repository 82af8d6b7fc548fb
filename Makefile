# The two commands that do all the set-up: `make run` and `make test`. README.md tells what each target is for.

PREFIX ?= /usr/local
RIVAL ?=
SCRIPTS ?=
PART ?=
KERNELS ?= 5.10,6.1,6.12,7.2

# What `make run` traces: any kernel with BPF can sample its CPUs.
PROG ?= profile:hz:99 { @[comm] = count(); } interval:s:5 { exit(); }
# As it was typed: the dollar signs of a script are not for make.
override PROG := $(value PROG)
export PROG RIVAL SCRIPTS

LANCET = $(or $(CARGO_TARGET_DIR),target)/x86_64-unknown-linux-gnu/release/lancet
BUILD_PACKAGES = gcc make pkg-config libelf-dev zlib1g-dev
TEST_PACKAGES = $(BUILD_PACKAGES) binutils busybox-static debian-archive-keyring qemu-system-x86

.PHONY: run build install test test-kernels check bless bench bench-check clean

run: build
	@scripts/as-root "$(LANCET)" -e "$$PROG"

build:
	@scripts/need-packages $(BUILD_PACKAGES)
	@scripts/need-rust
	cargo build --release

install: build
	install -D -m 755 "$(LANCET)" "$(DESTDIR)$(PREFIX)/bin/lancet"

# Everything that is checked for every change. Cases that this kernel cannot run run in a virtual machine.
test: check
	LANCET_KERNELS=6.12 cargo test --workspace

# Every behaviour case on every kernel; some minutes each.
test-kernels:
	@scripts/need-packages $(TEST_PACKAGES)
	@scripts/need-rust
	cargo test --test kernel -- --kernels $(KERNELS) --all

check:
	@scripts/need-packages $(TEST_PACKAGES)
	@scripts/need-rust rustfmt clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --quiet

# Rewrites what golden tests expect and what documentation is made from; look at the difference before committing it.
bless:
	cargo bless
	BLESS=1 cargo test --quiet --test documentation

# What starting, attaching and an event cost, beside another program when RIVAL names one: make bench RIVAL=bpftrace.
# PART=attach measures one of startup, attach, events; SCRIPTS names more scripts to start.
bench: build
	cargo bench --bench compare -- $(PART)

# Instruction counts against bench/instructions.txt, as `make test` does too; BLESS=1 accepts what changed.
bench-check:
	cargo test --quiet --test code_size

clean:
	cargo clean
