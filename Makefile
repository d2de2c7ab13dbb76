# Every task of the project, and the tools each needs. A machine with Python 3.11+ (with its venv
# module), git and make is enough: uv is fetched at the pinned version into .bootstrap/, everything
# else by uv, as locked, into .venv/ and .tools/. Nothing is written outside this folder but uv's
# own cache (UV_CACHE_DIR moves it).

UV_VERSION := 0.13.9

# Interpreters to try, first fit wins; `make PYTHON=/path/to/python3 …` names one.
PYTHON ?= python3.13 python3.12 python3.11 python3 python

# Further arguments of `make test` and `make soak`, such as ARGS="tests/unit -k retry".
ARGS ?=

BIN := .venv/bin
UV := .bootstrap/bin/uv
UV_READY := .bootstrap/uv-$(UV_VERSION).stamp
VENV_READY := .venv/synced.stamp
MINISTACK_READY := .tools/ministack/installed.stamp
AWSCLI_READY := .tools/awscli/installed.stamp

# uv works with the interpreter that was found and never downloads one.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV UV_PYTHON PYTHONHOME PYTHONPATH
# Where bytecode may not be kept, each start compiles every library again, for seconds.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# ── what a person runs ────────────────────────────────────────────────────────────────────────────

.PHONY: demo
demo: $(VENV_READY) ## Watch messages become signed webhooks, against a local SQS and SP-API
	@$(BIN)/gateway demo

.PHONY: test
test: $(VENV_READY) tools ## Run the tests (ARGS="tests/unit -k retry" for some of them)
	$(BIN)/pytest -m "not soak" $(ARGS)

.PHONY: soak
soak: $(VENV_READY) tools ## Run the long versions of the tests that `test` runs short
	$(BIN)/pytest -m soak $(ARGS)

.PHONY: conformance
conformance: $(VENV_READY) ## Check against Amazon's models and schemas (SPAPI_MODELS=DIR, a checkout)
	$(BIN)/python -m tests.conformance

.PHONY: catalog-check
catalog-check: $(VENV_READY) ## Compare the catalogue with its sources (CSV=FILE and MODELS=DIR)
	$(BIN)/python -m tests.support.catalog_check CSV=$(CSV) MODELS=$(MODELS)

.PHONY: bench
bench: $(VENV_READY) ## Measure against the naive loop and other clients; write docs/performance.md
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.fairness
	$(BIN)/python -m benchmarks.retention
	$(BIN)/python -m benchmarks.client

.PHONY: check
check: lint types contracts test ## Everything that must pass before a change lands

.PHONY: lint
lint: $(VENV_READY) ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: $(VENV_READY) ## Check types
	$(BIN)/mypy
	$(BIN)/mypy tests/typing

.PHONY: contracts
contracts: $(VENV_READY) ## Check who imports whom
	$(BIN)/lint-imports --no-logo --no-cache

.PHONY: fmt
fmt: $(VENV_READY) ## Mend style and formatting where it can be done for you
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: docs
docs: $(VENV_READY) ## Write the reference tables of docs/ from the code again
	$(BIN)/python -m tests.support.reference

.PHONY: tools
tools: $(MINISTACK_READY) $(AWSCLI_READY) ## Install what the tests start as processes of their own

.PHONY: clean
clean: ## Remove environments, tools and caches
	rm -rf .venv .tools .bootstrap .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .coverage htmlcov dist
	find benchmarks gateway handlers tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ── environments: each is made again when what it was made from changes ───────────────────────────

$(UV_READY):
	@found=; for candidate in $(PYTHON); do \
		if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
			>/dev/null 2>&1; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "No Python 3.11 or newer with its venv module among: $(PYTHON)." >&2; \
		echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv)," >&2; \
		echo "or name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; \
		exit 1; \
	fi; \
	echo "Setting up uv $(UV_VERSION) with $$("$$found" -c 'import sys; print(sys.executable)')"; \
	rm -rf .bootstrap && "$$found" -m venv .bootstrap
	@.bootstrap/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check \
		--only-binary :all: uv==$(UV_VERSION)
	@touch $@

$(VENV_READY): $(UV_READY) pyproject.toml uv.lock
	$(UV) sync --locked --python .bootstrap/bin/python
	@touch $@

# An environment of its own: ministack pins another botocore than the gateway's.
$(MINISTACK_READY): $(UV_READY) tests/support/ministack.txt
	$(UV) venv --quiet --clear --python .bootstrap/bin/python .tools/ministack
	$(UV) pip install --quiet --python .tools/ministack/bin/python -r tests/support/ministack.txt
	@touch $@

# The same for the AWS CLI.
$(AWSCLI_READY): $(UV_READY) tests/support/awscli.txt
	$(UV) venv --quiet --clear --python .bootstrap/bin/python .tools/awscli
	$(UV) pip install --quiet --python .tools/awscli/bin/python -r tests/support/awscli.txt
	@touch $@
