# Everything a person or a build machine does with tonegate. `make` alone prints this list.

GO        ?= go
TONEGATE  := bin/tonegate
FUZZTIME  ?= 30s
SEEDS     ?= 1-100
BENCH     ?= .
TOOL      := $(GO) tool -modfile=tools/go.mod
# The real peers have a target of their own: they need packages and the network namespaces of Linux.
UNITS      = $(shell $(GO) list ./... | grep -v /test/peers)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help build run test vet arch unit race ladders peers check fmt bench fuzz clean \
        load load-peer sim test-peers compiler

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/tonegate, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o $(TONEGATE) ./cmd/tonegate

run: build ## build, then place five scripted calls and show what each phone heard (out/demo); DEMO=flags
	$(TONEGATE) demo -c tonegate.yaml $(DEMO)

test: test-peers compiler vet arch unit race ladders peers ## everything: vet, architecture, unit tests, races, ladders, real peers

vet: ## go vet
	$(GO) vet ./...

arch: ## the import table, the purity of the rule packages, the shape of the repository
	$(GO) test -count=1 ./internal/arch

unit: ## every test but the real peers; the 0-allocation budgets are asserted here
	$(GO) test $(UNITS)

race: compiler ## the same tests under the race detector
	CGO_ENABLED=1 $(GO) test -race $(UNITS)

ladders: ## the call ladders alone: whole calls in virtual time, compared with testdata/ladders
	$(GO) test -count=1 -run Ladder ./sip/...

sim: ## seeded simulation: 200 calls a seed, messages lost, peers restarting (SEEDS=1-100, LOSS=percent)
	cd sip && $(GO) test -count=1 -timeout 3h -run '^TestSimulation$$' -sim.seeds=$(SEEDS) $(if $(LOSS),-sim.loss=$(LOSS))

peers: test-peers ## real calls: sipp and baresip against the built binary, on loopback
	$(GO) test -count=1 -parallel 12 -timeout 5m ./test/peers

check: ## gofmt, vet, staticcheck, known vulnerabilities
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'the files above are not gofmt clean: run make fmt' >&2; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	scripts/vulncheck $(TOOL) govulncheck ./...

fmt: ## format every Go file
	gofmt -w .

bench: ## benchmarks with their budgets (BENCH=regexp)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(UNITS)

load: build ## many calls at once, measured in turn with Kamailio + rtpengine where installed; LOAD=flags
	scripts/install-packages sipp:sip-tester taskset:util-linux
	$(GO) run ./test/load -binary $(TONEGATE) $(LOAD)

load-peer: ## install what `make load` compares with; stop the services that the packages may start
	scripts/install-packages kamailio:kamailio rtpengine:rtpengine-daemon

fuzz: ## every fuzz target for FUZZTIME each (default 30s)
	GO='$(GO)' scripts/fuzz $(FUZZTIME)

clean: ## remove what was built and what the demo wrote
	rm -rf bin out

test-peers:
	scripts/install-test-peers

compiler:
	scripts/install-packages gcc:gcc,libc6-dev
