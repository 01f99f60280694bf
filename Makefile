# Two targets to begin with: `make demo` and `make test`. Both set up .venv first, once.
# Needed: Python 3.11 or newer, make, a package index.

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
OUT ?= out
# Scale of `make demo`; smaller is quicker, larger shows more.
DEMO_ACCOUNTS ?= 4000
DEMO_DAYS ?= 7
DEMO_SEED ?= 7
# How many processes share the tests: one more than there are cores, for some tests wait for others to speak.
TEST_PROCESSES ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))

export PIP_DISABLE_PIP_VERSION_CHECK = 1
# The tests start hundreds of processes: each would compile all sources anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format lint types imports docs models bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Set PYTHON to choose; otherwise the newest supported one that really starts and can make environments.
define FIND_PYTHON
for candidate in $(PYTHON) $(if $(PYTHON),,python3.13 python3.12 python3.11 python3 python); do \
    if $$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
        echo $$candidate; exit 0; \
    fi; \
done
endef

setup: $(STAMP) ## make the environment from the lock (by itself when needed)

$(STAMP): requirements-dev.lock pyproject.toml
	@set -e; python="$$($(FIND_PYTHON))"; \
	if [ -z "$$python" ]; then \
	    echo "No Python 3.11 or newer with venv found. Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
	    exit 2; \
	fi; \
	echo "Setting up $(VENV) with $$($$python --version) (once, about a minute)"; \
	$$python -m venv --clear $(VENV); \
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements-dev.lock; \
	$(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .; \
	touch $@

demo: $(STAMP) ## simulate a small service, find its fraud, follow one campaign to its end
	@mkdir -p $(OUT)/demo
	@$(BIN)/trustward demo --accounts $(DEMO_ACCOUNTS) --days $(DEMO_DAYS) --seed $(DEMO_SEED) --out $(OUT)/demo

test: $(STAMP) ## run every test, those in docstrings and pages included
	$(BIN)/pytest --numprocesses $(TEST_PROCESSES) --dist worksteal

check: format lint types imports test ## all that CI runs: format, lint, types, imports, docs, tests

format: $(STAMP)
	$(BIN)/ruff format --check

lint: $(STAMP) ## style and common mistakes
	$(BIN)/ruff check

types: $(STAMP) ## mypy, strict
	$(BIN)/mypy

imports: $(STAMP) ## who may import whom
	$(BIN)/lint-imports --no-logo

docs: $(STAMP) ## write the generated pages, then test all pages and docstrings (part of `make test`)
	$(BIN)/python -m trustward.cli.reference docs/cli.md
	$(BIN)/python -m trustward.cli.events_page docs/events.md
	$(BIN)/python -m trustward.settings docs/settings.md
	$(BIN)/pytest docs README.md src tests/house

# Where the public sets lie; see docs/screening.md.
MODELS_DATA ?= ../shared/data
models: $(STAMP) ## train the screeners anew: weights, lists and model cards
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m models --data $(MODELS_DATA)

bench: $(STAMP) ## measure; benchmarks/README.md says what is measured and what came out
	$(BIN)/trustward bench $(BENCH_OPTIONS)

# The lock needs uv, from the package index, in an environment of its own. Users never need it.
LOCKER := build/locker
lock: ## choose the newest dependencies that fit pyproject.toml
	python3 -m venv $(LOCKER)
	$(LOCKER)/bin/pip install --quiet uv
	$(LOCKER)/bin/uv pip compile pyproject.toml --upgrade $(LOCK_OPTIONS) -o requirements.lock
	$(LOCKER)/bin/uv pip compile pyproject.toml --upgrade --extra dev --extra bench -c requirements.lock $(LOCK_OPTIONS) -o requirements-dev.lock
# One version of each package on every Python: the same policy gives the same decisions everywhere.
LOCK_OPTIONS := --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header --quiet

clean: ## remove what the targets above have made
	rm -rf $(VENV) $(OUT) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
