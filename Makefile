# Martinet: `make run` for a sandbox on your own machine, `make test` for everything that is checked.

SHELL := /bin/bash
CONFIGURATION ?= debug
BIN := .build/$(CONFIGURATION)/martinet
SWIFT_BUILD := swift build -c $(CONFIGURATION)
DEMO := martinet-demo
PORT_BASE ?= 10000

.PHONY: help deps test-deps build run test unit interop lint format release bench fuzz sanitize-thread sanitize-address clean

help:
	@echo "make run               build and serve a sandbox on loopback (ports $(PORT_BASE)+25, +110, +143, ...)"
	@echo "make test              everything that is checked: lint, unit and protocol tests, real programs"
	@echo "make release           the optimised binary, .build/release/martinet"
	@echo "make bench             deliveries, POP3, IMAP and memory, with optimised builds"
	@echo "make fuzz              every parser's fuzz target, 60 s each"
	@echo "make sanitize-thread   the tests under the thread sanitizer (also: sanitize-address)"

# What the build links against.
deps:
	@Scripts/install-packages build

# The programs the tests drive.
test-deps:
	@Scripts/install-packages build test

build: deps
	$(SWIFT_BUILD) --product martinet

release: deps
	swift build -c release --product martinet
	@echo "built .build/release/martinet"

run: build
	@Scripts/run-demo $(BIN) $(DEMO) $(PORT_BASE)

lint:
	swift format lint --strict --configuration .swift-format --recursive Package.swift Sources Tests
	Scripts/lint-docs Sources

format:
	swift format --in-place --configuration .swift-format --recursive Package.swift Sources Tests

# Time limits are tested with real sockets; on a machine that stalls for seconds one of them may fail for no fault of
# the server's. So a failed run is repeated once, loudly: what fails twice is broken.
unit:
	swift build --build-tests
	swift test --skip-build --no-parallel || { \
	  echo "make unit: a test failed; running all of them once more" >&2; swift test --skip-build --no-parallel; }

interop:
	Tests/Interop/run .build/debug/martinet || { \
	  echo "make interop: a test failed; running all of them once more" >&2; Tests/Interop/run .build/debug/martinet; }

test: test-deps lint unit interop

bench: release
	Benchmarks/run

fuzz: deps
	Fuzz/run all 60

sanitize-thread sanitize-address: sanitize-%: test-deps
	Scripts/sanitize $*

clean:
	swift package clean
