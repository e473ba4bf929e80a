# The project's commands; `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=
PEER   := .venv-scim2-server
VENDORS := .venv-vendors
#: A lock is whole, so pip resolves nothing: some releases of it look for a `coverage[toml]` newer than the locked one.
LOCKED := -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r
#: of benchmarks.engine; all of it takes more than half an hour: make bench ENGINE_ARGS="--people 1000"
ENGINE_ARGS ?=
#: of each target of `make fuzz`
FUZZ_SECONDS ?= 600
KILLS  ?= 520
#: of pytest, more than there are cores: many tests wait for a process, or for a time to come
WORKERS ?= $(shell expr 2 + $$(getconf _NPROCESSORS_ONLN))

.DEFAULT_GOAL := help
.PHONY: help run test check format lint types imports bench long chaos chaos-bugs bugs fuzz lock browser clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run  ## install and start everything: make run ARGS="--demo"
	@$(BIN)/anysoft-connector up $(ARGS)

test: $(VENV)/.test browser  ## all tests, on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

long: $(VENV)/.test $(VENDORS)/.installed browser  ## the tests that take long
	$(BIN)/python -m pytest -n auto -m long $(ARGS)

chaos: $(VENV)/.test  ## kills and faults; then each named point, aimed faults, seeded bugs: make chaos KILLS=520
	$(BIN)/python -m tests.chaos storm --kills $(KILLS) --seconds 2400
	$(BIN)/python -m tests.chaos directed
	$(MAKE) chaos-bugs

chaos-bugs: $(VENV)/.test  ## sow each known bug into a copy; the chaos tests must catch it
	$(BIN)/python -m tests.chaos bugs

bugs: $(VENV)/.test  ## break each of the rules R01 to R30 on purpose, in a copy; its tests must notice it
	$(BIN)/python -m tests.bugs $(ARGS)

fuzz: $(VENV)/.test  ## random input for filter, path, body and patch: make fuzz FUZZ_SECONDS=60
	$(BIN)/python $(LOCKED) requirements-fuzz.lock
	for target in filter path body patch; do $(BIN)/python -m tests.fuzz $$target $(FUZZ_SECONDS) || exit 1; done

check: $(VENV)/.check format lint types imports  ## what CI runs: format, lint, types, imports, tests with coverage
	$(MAKE) test ARGS="--cov --cov-report=term:skip-covered --cov-fail-under=95"

format: $(VENV)/.check
	$(BIN)/ruff format --check .

lint: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/hadolint Dockerfile

types: $(VENV)/.check
	$(BIN)/mypy

imports: $(VENV)/.check
	$(BIN)/lint-imports

bench: $(VENV)/.test $(PEER)/.installed  ## what a SCIM request and a round cost; writes docs/benchmarks*.md
	$(BIN)/python -m benchmarks.scim --peer $(PEER)/bin/python --write docs/benchmarks.md $(ARGS)
	$(BIN)/python -m benchmarks.engine --write docs/benchmarks-engine.md $(ENGINE_ARGS)

lock:  ## resolve the dependencies anew into requirements*.lock
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--extra postgres --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--extra postgres --group build --group test --group check pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--group pyproject.toml:fuzz -o requirements-fuzz.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--group pyproject.toml:vendors -o requirements-vendors.lock

browser:  ## a Chromium for the console's tests, where none is found
	@sh tests/install-browser.sh

clean:  ## remove what was installed and built
	rm -rf $(VENV) $(PEER) $(VENDORS) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/python $(LOCKED) requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

$(VENV)/.test: $(VENV)/bin/python requirements-dev.lock pyproject.toml
	$(BIN)/python $(LOCKED) requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@ $(VENV)/.run

$(VENV)/.check: $(VENV)/.test
	@touch $@

$(PEER)/.installed:  # not of ours: what the benchmark compares with
	$(PYTHON) -m venv $(PEER)
	$(PEER)/bin/python -m pip install -q --disable-pip-version-check scim2-server==0.8.3 'granian>=2.8,<3'
	@touch $@

$(VENDORS)/.installed: requirements-vendors.lock  # the vendors' own SDKs, which the stand-ins have to satisfy
	$(PYTHON) -m venv $(VENDORS)
	$(VENDORS)/bin/python $(LOCKED) requirements-vendors.lock
	@touch $@
