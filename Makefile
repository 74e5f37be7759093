# make run    the app with a demonstration bureau on http://127.0.0.1:8501
# make test   the whole suite
# make bench  speed, as ratios taken in one run
# make pictures  the pictures of the guide, taken anew
# make lint   ruff and mypy
# make lock   renew the two lock files (needs uv; UPGRADE=--upgrade takes newer versions)
# make clean  remove the environment, caches and the demonstration database

PYTHON ?= python3
UV ?= uv
TESTS ?=
VENV := .venv
BIN := $(VENV)/bin
DEMO := data/demo
HOST := 127.0.0.1
PORT := 8501
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

.PHONY: run test bench pictures lint lock clean
.DELETE_ON_ERROR:

run: $(VENV)/.runtime $(DEMO)/crm.duckdb
	@echo
	@echo "http://$(HOST):$(PORT)"
	@cat $(DEMO)/accounts.txt
	@echo
	@exec $(BIN)/crm --db $(DEMO)/crm.duckdb serve --host $(HOST) --port $(PORT)

test: $(VENV)/.test
	$(BIN)/pytest -n 3 --dist loadfile $(TESTS)

bench: $(VENV)/.test
	$(BIN)/python -m tests.bench

pictures: $(VENV)/.test
	$(BIN)/python -m tests.pictures

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Prepared aside and moved into place when whole, so that an interrupted run leaves nothing half-made.
# The administrator's set-up code is not printed here: the demonstration makes its own accounts.
$(DEMO)/crm.duckdb: | $(VENV)/.runtime
	@echo "Preparing the demonstration database …"
	@rm -rf $(DEMO) $(DEMO).new && mkdir -p $(DEMO).new
	@umask 077 && $(BIN)/crm --db $(DEMO).new/crm.duckdb init >$(DEMO).new/init.log
	@umask 077 && $(BIN)/crm --db $(DEMO).new/crm.duckdb demo --accounts $(DEMO).new/accounts.txt >$(DEMO).new/demo.log
	@rm -f $(DEMO).new/*.log && mv $(DEMO).new $(DEMO)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# Holds everything of requirements.lock in the same versions.
$(VENV)/.test: requirements-test.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements-test.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.runtime $@

COMPILE := $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock" --group build --extra postgres

lock:
	$(COMPILE) $(UPGRADE) -o requirements.lock
	$(COMPILE) $(UPGRADE) --extra test -c requirements.lock -o requirements-test.lock

clean:
	rm -rf $(VENV) $(DEMO) $(DEMO).new build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
