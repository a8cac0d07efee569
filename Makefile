# Every command of the project. `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run sandbox test suite deployed slow chaos mutants bench lint audit lock sbom format clean

help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# pip installs uv, and uv all else, in a tenth of the time. The lock is not needed here: `make lock` may have to write it.
$(VENV)/.lock: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group lock
	@touch $@

$(VENV)/.%: requirements.txt pyproject.toml $(VENV)/.lock
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@sed -n 's/^\([a-z0-9].*==.*\) \\$$/\1/p' requirements.txt >$(VENV)/pins.txt
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -c $(VENV)/pins.txt --group $*
	@touch $@

# uv leaves the compilation to the first import, which has to be allowed to keep it.
run sandbox test: export PYTHONDONTWRITEBYTECODE :=

run: $(VENV)/.local ## run the connector against the sandbox (ONCE=1: run the story and end)
	@$(BIN)/python -m shared run $(if $(ONCE),--once) $(ARGS)

sandbox: $(VENV)/.local ## start the simulated Dataverse and Spotler alone (ARGS="--help" for options)
	@$(BIN)/python -m shared sandbox $(ARGS)

# The suite of the deployment runs beside the others: these begin with one process, which imports and collects them.
test: $(VENV)/.test ## run the tests
	@$(MAKE) --no-print-directory -j 2 suite deployed

suite: $(VENV)/.test
	@$(BIN)/python -m pytest -n 8 --dist worksteal $(ARGS)

deployed: $(VENV)/.test ## run the deployed files with the deployed packages and nothing else (part of `make test`)
	@$(BIN)/python .ci/deployed.py --environment $(VENV)-deployed

# Unit tests that try a sample of moments or inputs (`tests/examples.py`), and each of them here.
slow: SAMPLED := tests/unit/adapters/http/test_closed_codes.py tests/unit/engine/test_engine_faults.py \
	tests/unit/operations/running/test_job_faults.py
slow: $(VENV)/.test ## run the longer suites that `make test` leaves out
	@$(BIN)/python -m pytest -m slow -n 2 --dist worksteal $(ARGS)
	@EXAMPLES=20 $(BIN)/python -m pytest tests/property $(SAMPLED) -m "not slow" -n 2 --dist worksteal

chaos: $(VENV)/.test ## break everything at length and print figures (ARGS="--keep": into docs/reliability.md)
	@$(BIN)/python -m tests.chaos $(ARGS)

mutants: $(VENV)/.test ## break one line at a time: the tests must notice (ARGS="3 7": these alone)
	@$(BIN)/python -m tests.mutants $(ARGS)

bench: $(VENV)/.test ## measure speed and count requests
	@$(BIN)/python -m tests.bench $(ARGS)

lint: $(VENV)/.test $(VENV)/.lint ## ruff (with its security rules), mypy strict, import rules, retired words, audit
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python .ci/words.py
	@$(BIN)/python .ci/audit.py

audit: $(VENV)/.lint ## look dependencies up in an advisory database (ARGS=--required: fail if none can be reached)
	@$(BIN)/python .ci/audit.py $(ARGS)

lock: $(VENV)/.lock ## pin what Azure installs, with hashes: requirements.in -> requirements.txt (ARGS=--upgrade: newest)
	@$(BIN)/python -m uv pip compile requirements.in --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" --output-file requirements.txt $(ARGS)
	@$(BIN)/python -m uv pip install --quiet --dry-run --target $(VENV)/azure --python-version 3.12 \
		--python-platform x86_64-manylinux_2_28 --only-binary :all: --require-hashes -r requirements.txt

sbom: $(VENV)/.sbom ## write what Azure installs as a bill of materials (CycloneDX), sbom.cdx.json
	@$(BIN)/python .ci/sbom.py $(ARGS)

format: $(VENV)/.lint ## let ruff format and correct
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## remove the virtual environment, caches and local state
	rm -rf $(VENV) $(VENV)-deployed sbom.cdx.json .local .mypy_cache .ruff_cache .pytest_cache .hypothesis
