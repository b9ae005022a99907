.DEFAULT_GOAL := help

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := .bin/golangci-lint-$(GOLANGCI_LINT_VERSION)
# A number of runs: a time limit now and then ends a target as a failure
# ("context deadline exceeded") on a busy machine.
FUZZ_RUNS := 2000x
SEEDS := 150
RACE_SEEDS := 5
LIVES := 200

BOOTSTRAPS := $(patsubst %,.build/%/bootstrap,webhook worker renew reconcile replay)
GO_BUILD_FLAGS := -tags lambda.norpc -ldflags "-s -w"

.PHONY: help test lint format suite allocations simulation functions installed race bench fuzz build release clean browser migration screenshots picture measured

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

test: lint ## everything that must pass: lint, then all tests against emulators (needs Node.js 20, a JDK 17, Chromium, Firefox and rpm)
	infra/emulators/run $(MAKE) --no-print-directory suite

lint: $(GOLANGCI_LINT) ## go vet and golangci-lint
	go vet ./...
	$(GOLANGCI_LINT) run

format: $(GOLANGCI_LINT) ## rewrite the Go files as lint wants them
	$(GOLANGCI_LINT) fmt

# What needs a processor runs beside what waits for a disk or a clock. Microsoft's Graph
# SDK costs a compiler 4.5 GB, once for each kind of build: so of what runs together one
# compiles it, and the others find it in the cache.
suite: allocations
	$(MAKE) --no-print-directory -j 5 bench simulation fuzz upgrade functions
	$(MAKE) --no-print-directory -j 2 browser migration
	$(MAKE) --no-print-directory installed
	$(MAKE) --no-print-directory race

allocations: ## the allocation gate, which the race detector would distort
	go test -v -run Alloc ./internal/notification

simulation: ## SEEDS simulated lives of a tenant, and the cases from the field
	GOGC=800 go test -timeout 60m -v ./internal/simulation -seeds $(SEEDS)

# Not under the race detector, for which all that it builds would be compiled again.
# A day takes 9 s on two cores beside other work.
installed: ## what a release installs, run where nothing else is, within 15 seconds
	go test -timeout 5m -v -run Release ./infra/release -within 15s

# What is tested are programs, built without the race detector. The tests wait most of the time.
functions: ## the five built functions on the emulators
	go test -timeout 20m ./functions

browser: ## the console's pages in Chromium, by keyboard, and axe's rules on them; in Firefox, where it is
	go test -timeout 10m ./internal/console/browsertest

migration: ## moving in from the gallery app with 2,000 accounts
	go test -timeout 10m -run MovingInComesToWhatWasSaid ./cmd/entrawebex -move-in

screenshots: ## each page of the console, light and dark, narrow and wide, in .build/screenshots
	mkdir -p .build/screenshots
	infra/emulators/run go test -timeout 10m -run EveryView ./internal/console/browsertest -screenshots "$(CURDIR)/.build/screenshots"

picture: ## the day that the sandbox plays, as a picture for the README
	go run ./cmd/entrawebex run --sandbox --members 500 | go run ./docs/pictures >.build/sandbox.svg
	mv .build/sandbox.svg docs/pictures/sandbox.svg

MEASURED := $(wildcard docs/measured/*.txt)
measured: ## run the commands of MEASURED (by default each file of docs/measured) anew, and make docs/measurements.md of them
	@set -e; mkdir -p .build; for file in $(MEASURED); do \
		read -r command <"$$file"; echo "$$command"; \
		{ echo "$$command"; bash -c "$${command#$$ }" 2>&1; } >.build/measured.txt; \
		mv .build/measured.txt "$$file"; \
	done
	go test ./docs -update

upgrade: ## LIVES lives of a tenant at which an earlier program and this one take turns
	go test -timeout 30m -v ./internal/upgrade -lives $(LIVES)

# The simulation is slow under the race detector and finds with few seeds what
# that can find: it has a run, and a limit, of its own. Rules that are broken on
# purpose, cases from the field and thousands of accounts, counted, show no race
# that lives do not.
race: ## all other tests under the race detector, the simulation with RACE_SEEDS
	go build -race ./...
	$(MAKE) --no-print-directory -j 3 race-storm race-simulation race-others

.PHONY: race-storm race-simulation race-others
race-storm: # a day in one, which waits most of the time
	go test -race -timeout 20m ./internal/sandbox/demo -storm

race-simulation:
	GOGC=800 go test -race -timeout 20m -run Simulation -skip NoticesEveryRuleThatIsBroken ./internal/simulation -seeds $(RACE_SEEDS)

race-others:
	go test -race -timeout 20m $$(go list ./... | grep -vE '/(functions|infra/release|internal/console/browsertest|internal/simulation|internal/sandbox/demo)$$')

bench: ## each benchmark once
	go test -run '^$$' -bench . -benchtime 1x -benchmem $$(grep -rl --include='*_test.go' '^func Benchmark' ./internal ./functions ./cmd | xargs -r -n 1 dirname | sort -u)

# A package is linked once for all of its targets, which go test -fuzz does not do.
fuzz: ## each fuzz target for FUZZ_RUNS
	@set -e; mkdir -p .build; grep -rl --include='*_test.go' '^func Fuzz' ./internal ./functions ./cmd | xargs -n 1 dirname | sort -u | \
	while read -r package; do \
		go test -c -fuzz . -o .build/fuzz.test "$$package"; \
		grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$package"/*_test.go | cut -c6- | while read -r target; do \
			echo "$$package $$target"; \
			(cd "$$package" && "$(CURDIR)/.build/fuzz.test" -test.run '^$$' -test.fuzz "^$$target$$" \
				-test.fuzztime $(FUZZ_RUNS) -test.fuzzcachedir "$(CURDIR)/.build/fuzz") </dev/null; \
		done; \
	done

build: $(BOOTSTRAPS) ## the functions for this machine, in .build

# The default build flags and go test share their compiled packages; -trimpath
# or CGO_ENABLED=0 would compile the Graph SDK once more.
.PHONY: $(BOOTSTRAPS)
$(BOOTSTRAPS): .build/%/bootstrap:
	go build $(GO_BUILD_FLAGS) -o $@ ./functions/$*

# What sam build calls, with ARTIFACTS_DIR set.
.PHONY: build-WebhookFunction build-WorkerFunction build-RenewFunction build-ReconcileFunction build-ReplayFunction
build-WebhookFunction: function := webhook
build-WorkerFunction: function := worker
build-RenewFunction: function := renew
build-ReconcileFunction: function := reconcile
build-ReplayFunction: function := replay
build-WebhookFunction build-WorkerFunction build-RenewFunction build-ReconcileFunction build-ReplayFunction:
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -trimpath $(GO_BUILD_FLAGS) -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(function)

# Each system has Microsoft's Graph SDK compiled anew: 7 minutes of a processor each. Not by
# goreleaser: it wants a repository with a tag, and a third program for the bill of
# materials, and has no template of SAM's; nfpm is what it makes packages by, too.
release: ## a release in dist, of VERSION
	go run ./infra/release -version "$(VERSION)"

$(GOLANGCI_LINT):
	GOBIN="$(CURDIR)/.bin" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv .bin/golangci-lint $@

clean: ## remove what was built and installed
	rm -rf .bin .build .aws-sam dist infra/emulators/node_modules
