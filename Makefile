# `make run` and `make test` need nothing but this file on a fresh Debian 12: they install what is missing.
.DEFAULT_GOAL := help
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1
.PHONY: help setup build run test asan tsan fuzz bench format tidy docs clean

help: ## what there is
	@sed -n 's/^\([a-z]*\): .*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## install missing Debian packages
	@tools/setup

build: setup ## the optimised program: build/release/gatehouse
	@mkdir -p build && cmake --preset release > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build build/release --target gatehouse

run: build ## start the demo: a gateway before nine sample services
	@build/release/gatehouse demo --certificates examples/certs

test: setup ## every check: release, sanitizers, fuzz targets, documents
	@tools/run_tests

asan: setup ## build and test with AddressSanitizer and UBSan
	@tools/run_tests asan

tsan: setup ## build and test with ThreadSanitizer
	@tools/run_tests tsan

fuzz: setup ## run the fuzz targets, a minute each (FUZZ_SECONDS=60)
	@cmake --preset fuzz > /dev/null && cmake --build build/fuzz
	@tools/fuzz --build build/fuzz --seconds $${FUZZ_SECONDS:-60}

bench: build ## compare with nginx, HAProxy and Envoy under load (bench/README.md)
	@bench/run

format: setup ## format the C++ files
	@tools/check_format --fix

tidy: ## clang-tidy over src/
	@tools/setup tidy
	@cmake --preset release > /dev/null
	@cmake --build build/release --target gh_plugins
	@find src -name '*.cc' -print0 | xargs -0 -n 4 -P "$$(nproc)" clang-tidy-19 --quiet -p build/release

docs: build ## check links, tables and configurations in the documents
	@tools/check_docs

clean: ## remove build/
	@rm -rf build
