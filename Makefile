# Every command of the project. `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run sandbox test slow chaos bench lint audit format clean

help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.%: requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt --group $*
	@touch $@

run: $(VENV)/.local ## run the connector against the sandbox (ONCE=1: tell the story and end)
	@$(BIN)/python -m shared run $(if $(ONCE),--once) $(ARGS)

sandbox: $(VENV)/.local ## start the simulated Dataverse and Spotler alone (ARGS="--help" for options)
	@$(BIN)/python -m shared sandbox $(ARGS)

test: $(VENV)/.test ## run the tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

slow: $(VENV)/.test ## run the longer suites that `make test` leaves out
	@$(BIN)/python -m pytest -m slow $(ARGS)

chaos: $(VENV)/.test ## break everything at length and print figures (ARGS="--keep": into docs/reliability.md)
	@$(BIN)/python -m tests.chaos $(ARGS)

bench: $(VENV)/.test ## measure speed and count requests
	@$(BIN)/python -m tests.bench $(ARGS)

lint: $(VENV)/.test $(VENV)/.lint audit ## ruff (with its security rules), mypy strict, import rules, audit
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: $(VENV)/.lint ## look dependencies up in the advisory databases
	@$(BIN)/python .ci/audit.py

format: $(VENV)/.lint ## let ruff format and mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## remove the virtual environment, caches and local state
	rm -rf $(VENV) .local .mypy_cache .ruff_cache .pytest_cache .hypothesis
