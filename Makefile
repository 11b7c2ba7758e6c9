# Every target does the set-up it needs first; nothing has to be activated. `make help` lists them.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
VENV := $(ROOT)/.venv
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMP := $(VENV)/.stamp
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3 || echo python3)
SAMPLES := $(abspath $(ROOT)/../shared/data)

# No tool that runs here phones home.
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export DAGSTER_DISABLE_TELEMETRY := yes
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Tests read real sample data where it lies beside the repository; they say so and skip where it does not.
ifneq ($(wildcard $(SAMPLES)),)
export PERENNIAL_SAMPLE_DATA ?= $(SAMPLES)
endif

.PHONY: help run nightly dev test torture bench lint lock clean set-up

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

set-up: $(STAMP) ## make .venv from requirements.lock

$(STAMP): requirements.lock .ci/set-up.py
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null || { \
	  echo "perennial needs Python 3.11 or 3.12, and '$(PYTHON)' is not one: install it, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@cd "$(ROOT)"; if command -v uv >/dev/null 2>&1; then \
	  echo "set-up: installing requirements.lock into .venv with uv"; \
	  uv venv --quiet --allow-existing --python "$(PYTHON)" "$(VENV)"; \
	  VIRTUAL_ENV="$(VENV)" uv pip sync --quiet --require-hashes --only-binary :all: requirements.lock; \
	else \
	  echo "set-up: installing requirements.lock into .venv with pip (a minute or two)"; \
	  [ -x "$(PY)" ] || "$(PYTHON)" -m venv "$(VENV)"; \
	  "$(PY)" -m pip install --quiet --no-compile --no-deps --require-hashes --only-binary :all: -r requirements.lock; \
	fi
	@"$(PY)" "$(ROOT)/.ci/set-up.py"
	@touch "$@"

run: $(STAMP) ## the nightly job on the demo world, from sources to channels
	@cd "$(ROOT)" && "$(PY)" -m perennial.cli.main demo run

nightly: $(STAMP) ## the nightly job on this installation (PERENNIAL_CONFIG, PERENNIAL_HOME, PERENNIAL_AS_OF)
	@cd "$(ROOT)" && "$(PY)" -m orchestration.nightly

dev: $(STAMP) ## Dagster's UI and daemon on http://127.0.0.1:3000
	@cd "$(ROOT)" && exec "$(PY)" -m orchestration.dev

# whole nights first, in the order of names; one more at a time than there are processors, since some wait for a server to answer
PYTEST := "$(PY)" -m pytest --dist loadfile --no-loadscope-reorder

test: $(STAMP) ## every test
	@cd "$(ROOT)" && $(PYTEST) -n 3

torture: $(STAMP) ## the long proofs, one JSON line each
	@cd "$(ROOT)" && $(PYTEST) -n 2 -m slow && "$(PY)" -m tests.torture

bench: $(STAMP) ## what is measured, beside its rival or floor from the same run
	@cd "$(ROOT)" && "$(PY)" -m benchmarks

lint: $(STAMP) ## ruff, mypy and the import contracts
	@cd "$(ROOT)" && "$(PY)" -m ruff check . && "$(PY)" -m mypy && "$(BIN)/lint-imports" --no-cache

lock: ## make requirements.lock anew from pyproject.toml (needs uv and a package index)
	@cd "$(ROOT)" && uv lock --quiet && uv export --quiet --no-header --no-annotate --no-emit-project --group dev -o requirements.lock && rm -f uv.lock

clean: ## remove what set-up and tools made; homes are left alone
	@cd "$(ROOT)" && rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis target logs
