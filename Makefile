# `make` lists what there is to make.

BUF := go tool -modfile=tools/buf/go.mod buf
TOOLS := tools/buf tools/gen tools/lint

.PHONY: help
help: ## Lists these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Builds bin/tandem
	CGO_ENABLED=0 go build -trimpath -o bin/tandem ./cmd/tandem

.PHONY: test
test: ## Runs all tests; installs MariaDB when it is missing, and fails when it cannot
	tools/test-deps.sh
	go test -timeout 20m -parallel 4 ./...
	cd tools/gen && go test ./...

.PHONY: client-test
client-test: ## Generates a TypeScript client, compiles it, and runs the end-to-end scenario with it (make test does, too)
	tools/test-deps.sh
	go test ./server -count=1 -run TestTypeScriptClient -v

SHOTS := server/testdata/console/screenshots

.PHONY: screenshots
screenshots: ## Takes the README's pictures of the console anew (the tests of the console leave many more in $(SHOTS))
	tools/test-deps.sh
	go test ./server -count=1 -run TestConsoleRows
	cp $(SHOTS)/rows-list-desk-light.png docs/console-desk.png
	cp $(SHOTS)/rows-live-phone-light.png docs/console-phone.png

SEEDS ?= 1000
FIRST ?= 1
STEPS ?= 30
TIME ?= 0s

.PHONY: simulate
simulate: ## Tries the promises of DESIGN in SEEDS random runs (or for TIME) of STEPS actions, from the seed FIRST
	nice go test ./server/simulation -count=1 -timeout 0 -run TestPromises -seeds $(SEEDS) -time $(TIME) -first $(FIRST) -steps $(STEPS)

.PHONY: mutants
mutants: ## Breaks the program in one place after the other, and checks that the simulation notices each
	go run ./tools/mutants

SOAK ?= 10m

.PHONY: soak
soak: ## Kills two servers and MariaDB again and again for SOAK while everybody writes, then accounts for every write
	tools/test-deps.sh
	nice go test ./server -count=1 -timeout 0 -run TestSoak -v -soak $(SOAK)

ONLY ?=

.PHONY: bench
bench: ## Measures Tandem against floors and rivals, or the sections in ONLY (go run ./tools/bench -list)
	@tools/test-deps.sh >&2
	@go run ./tools/bench -only "$(ONLY)"

.PHONY: generate
generate: imports ## Writes gen/ (Go, gateway, OpenAPI) from proto/
	tools/generate.sh

.PHONY: check
check: format vet staticcheck proto breaking generated lint-openapi tidy vulnerable ## Runs every check below

.PHONY: format
format: ## Checks that Go code is formatted
	@files=$$(gofmt -l .); test -z "$$files" || { echo "run gofmt -w on:"; echo "$$files"; exit 1; }

.PHONY: vet
vet: ## Runs go vet
	go vet ./...
	cd tools/gen && go vet ./...

.PHONY: staticcheck
staticcheck: ## Runs staticcheck
	go tool -modfile=tools/lint/go.mod staticcheck ./...
	cd tools/gen && go tool -modfile=../lint/go.mod staticcheck ./...

.PHONY: proto
proto: imports ## Lints the contract and checks that it is formatted
	$(BUF) lint
	$(BUF) format --diff --exit-code proto

.PHONY: breaking
breaking: imports ## Checks that clients of the contract in AGAINST (by default main) would not break
	tools/breaking.sh

.PHONY: generated
generated: imports ## Checks that gen/ is what proto/ gives
	tools/generate.sh --check

.PHONY: lint-openapi
lint-openapi: ## Lints gen/openapi.yaml; installs Node when it is missing, and fails when it cannot
	tools/test-deps.sh node
	npm --prefix tools/openapi run --silent lint

.PHONY: tidy
tidy: ## Checks that go.mod and go.sum are tidy, here and in tools
	go mod tidy -diff
	for dir in $(TOOLS); do (cd $$dir && go mod tidy -diff) || exit; done

.PHONY: vulnerable
vulnerable: ## Looks for known vulnerabilities, if their database can be reached
	tools/vulnerabilities.sh

# The .proto files that the contract imports, from the Go modules that the program links.
.PHONY: imports
imports:
	@go run -C tools/gen ./protoexport -out ../../third_party/proto
