# On a fresh clone `make demo` or `make test` is all there is to type: both set the machine up first.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: setup demo test test-unit nightly lint format build bench examples fuzz mutate fuzz-inputs kills pack clean help

## help: list the targets
help:
	@sed -n 's/^## /  /p' $(MAKEFILE_LIST)

## setup: install npm packages, Verilator, Icarus and a C++ compiler; under a second when nothing is to do
setup:
	@scripts/setup.sh

## build: compile the compiler into dist/
build: setup
	@npm run --silent build

## demo: train examples/mnist, compile it to Verilog and C, prove both bit-exact
demo: setup
	@scripts/demo.sh

## test: everything that is present; a missing tool fails in CI and is said elsewhere
test: setup
	@scripts/test.sh

## nightly: the tests at their full size: 2,000 random programs, and every example through the Verilog gate
nightly: setup
	@NOISEFLOOR_NIGHTLY=1 scripts/test.sh

## fuzz: random programs, simulator against C and Verilog; PROGRAMS=10000 SEED=2, PROCESSES, SUMMARY=FILE; a run that was stopped goes on
fuzz: setup
	@node scripts/fuzz.mjs

## lint: formatter, linter and type checks
lint: setup
	@npm run --silent lint

## format: let the formatter rewrite
format: setup
	@npm run --silent format

## bench: speed, never part of a test
bench: setup
	@scripts/bench.sh

## examples: train all examples to their end and compare with their expected.json, hours; EXAMPLES="conv1d lenet" for some
examples: build
	@node scripts/examples.mjs $(EXAMPLES)

INPUTS ?= 20000

## fuzz-inputs: spoiled model, data and program files for every reader, INPUTS=n SEED=s PROCESSES=k; goes on where it was stopped
fuzz-inputs: setup
	@node scripts/fuzz-inputs.mjs $(INPUTS) $(or $(SEED),1) $(or $(PROCESSES),$(shell getconf _NPROCESSORS_ONLN))

KILLS ?= 200

## kills: KILLS=n SEED=s commands killed at random moments, and what they leave looked at; half an hour
kills: build
	@node scripts/kills.mjs $(KILLS) $(or $(SEED),1)

## mutate: inject faults into the Verilog and C of the examples, and see that the gate finds each; minutes to hours, goes on where it was
##         broken off; EXAMPLES="conv1d build/my-design" MUTANTS=72 SEED=1 JOBS=2 SUMMARY=docs/mutation.md
mutate: setup
	@npm run --silent generate
	@node scripts/mutate.mjs $(EXAMPLES) $(if $(MUTANTS),--mutants $(MUTANTS)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(JOBS),--jobs $(JOBS)) $(if $(SUMMARY),--summary $(SUMMARY))

## clean: remove everything that was built
clean:
	rm -rf dist build compiler/render/embedded.generated.ts node_modules/.noisefloor-setup
