# Every command a person needs. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
ONCE ?=
DAYS ?= 2
OFFICE ?= GRC-ATH
SIZE ?= 1

.DEFAULT_GOAL := help
.PHONY: help install demo office test test-airflow test-stack test-spark faults lint format types lock upgrade model bench bench-matching bench-delivery schemas audit bench-day bench-board chaos clean

# What starts Airflow's processes has the machine for itself.
define every-test
$(1) -n 2 -m "not airflow and not stack and not spark" --durations=20
$(1) -m airflow --durations=20
$(1) -m stack --durations=5
endef

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# A ministry's proxy signs with an authority that only the machine knows; pip asks it already, uv only if told to.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS := 1
endif

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --only-binary :all: uv==$(UV_VERSION)

# --no-deps: the lock is complete, and its one override (see overrides.txt) is not seen by a resolver that looks again.
$(VENV)/.installed: requirements.txt | $(BIN)/uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --no-deps --require-hashes --only-binary :all: -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --no-deps --require-hashes --only-binary :all: -r requirements-dev.txt
	@touch $@

# pyspark alone comes as source; what builds it is pinned and hashed like the rest.
.venv-spark: requirements.txt requirements-dev.txt requirements-spark.txt | $(BIN)/uv
	$(PYTHON) -m venv --clear $@
	VIRTUAL_ENV=$@ $(BIN)/uv pip install --quiet --compile-bytecode --no-deps --require-hashes --only-binary :all: \
	  --no-binary pyspark --build-constraints requirements-spark.txt $(addprefix -r ,$(filter %.txt,$^))
	@touch $@

.venv-peers: benchmarks/names/peers.txt | $(BIN)/uv
	$(PYTHON) -m venv --clear $@
	VIRTUAL_ENV=$@ $(BIN)/uv pip install --quiet --no-deps --require-hashes --only-binary :all: -r $<
	@touch $@

install: $(VENV)/.installed ## the pinned environment, in .venv

demo: $(VENV)/.installed ## the main job on real servers (ONCE=1 stops by itself, DAYS=5 runs more days, AVR_ARRANGEMENTS: yours)
	$(BIN)/python -m include demo --days $(DAYS) $(if $(ONCE),--once)

office: $(VENV)/.installed ## be the UNHCR office in a second terminal beside the demo (OFFICE=GRC-ATH)
	$(BIN)/python -m include office play $(OFFICE) --folder demo-data

test: $(VENV)/.installed-dev ## everything that is checked; the end-to-end run comes last and alone
	bash tests/install_services.sh
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	$(BIN)/python -m tests.audit
	$(call every-test,$(BIN)/pytest)

test-airflow: $(VENV)/.installed-dev ## only the main job end to end, under a real Airflow scheduler (some ten minutes)
	$(BIN)/pytest -m airflow

test-stack: $(VENV)/.installed-dev ## only the processes of docker-compose.yml, started natively (minutes)
	bash tests/install_services.sh
	$(BIN)/pytest -m stack

faults: $(VENV)/.installed-dev ## cause every fault for real, then write docs/reliability.md
	bash tests/install_services.sh
	$(BIN)/pytest -n 2 -m fault
	$(BIN)/python -m tests.fault_table

chaos: $(VENV)/.installed-dev ## a day of 130 host countries in that stack while its parts are killed (an hour or more)
	bash tests/install_services.sh
	$(BIN)/python -m benchmarks.chaos

test-spark: .venv-spark ## linking on Spark beside DuckDB, in an environment of its own (needs Java 17)
	bash tests/install_services.sh spark
	$</bin/pytest -m spark

lint: $(VENV)/.installed-dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

audit: $(VENV)/.installed-dev ## bandit, secrets that were committed, known holes in what is installed
	$(BIN)/python -m tests.audit

format: $(VENV)/.installed-dev ## what ruff can put right by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(BIN)/uv ## compile requirements*.in to requirements*.txt
	for name in requirements requirements-dev requirements-spark benchmarks/names/peers; do \
	  $(BIN)/uv pip compile $$name.in --override overrides.txt --universal --python-version 3.11 \
	    --generate-hashes --only-binary :all: --no-binary pyspark --no-header --quiet -o $$name.txt || exit 1; done

# In a folder and an environment of its own; requirements*.txt change only when everything is green.
upgrade: $(BIN)/uv ## try another Airflow: lock, lint, test, then take it over (AIRFLOW=3.3.3; TESTS="…" for fewer tests)
	@test -n "$(AIRFLOW)" || { echo "say which: make upgrade AIRFLOW=3.3.3"; exit 2; }
	rm -rf .upgrade && mkdir .upgrade && cp requirements*.in requirements*.txt overrides.txt .upgrade/
	sed -i -E 's/^(apache-airflow==)[^ ]+/\1$(AIRFLOW)/' .upgrade/requirements.in
	cd .upgrade && for name in requirements requirements-dev requirements-spark; do \
	  ../$(BIN)/uv pip compile $$name.in --override overrides.txt --universal --python-version 3.11 --upgrade-package apache-airflow \
	    --generate-hashes --only-binary :all: --no-binary pyspark --no-header --quiet -o $$name.txt || exit 1; done
	@echo "What changes:"; for name in requirements requirements-dev requirements-spark; do \
	  diff <(grep -oE '^[a-z0-9._-]+==[^ ]+' $$name.txt) <(grep -oE '^[a-z0-9._-]+==[^ ]+' .upgrade/$$name.txt) | grep '^[<>]'; done; true
	$(PYTHON) -m venv .upgrade/venv
	VIRTUAL_ENV=.upgrade/venv $(BIN)/uv pip install --quiet --compile-bytecode --no-deps --require-hashes --only-binary :all: \
	  -r .upgrade/requirements.txt -r .upgrade/requirements-dev.txt
	touch .upgrade/venv/.installed
	.upgrade/venv/bin/ruff check . && .upgrade/venv/bin/ruff format --check . && .upgrade/venv/bin/mypy
	$(if $(TESTS),.upgrade/venv/bin/pytest $(TESTS),$(call every-test,.upgrade/venv/bin/pytest))
	cp .upgrade/requirements*.in .upgrade/requirements*.txt .
	@echo "requirements*.in and requirements*.txt hold it now. What to do on the machines: docs/upgrading.md"

schemas: $(VENV)/.installed ## the JSON Schemas of the arrangements, from their models
	$(BIN)/python -m include schemas

model: $(VENV)/.installed-dev ## fit the matching model anew and check it (VERSION=2026-12-a; minutes)
	$(BIN)/python -m benchmarks.training --version $(VERSION)
	$(BIN)/python -m benchmarks.quality --worlds 5 --into-model

bench: bench-matching bench-delivery bench-board ## the benchmarks, side by side with their peers

bench-matching: $(VENV)/.installed-dev .venv-peers ## speed, quality, names and FEBRL 4, beside Splink and others
	$(BIN)/python -m benchmarks.link
	$(BIN)/python -m benchmarks.quality --worlds 5
	$(BIN)/python -m benchmarks.names.compare
	$(BIN)/python -m benchmarks.febrl

bench-delivery: $(VENV)/.installed-dev ## sealing and sending, beside gpg and sftp by hand (needs openssh-server)
	$(BIN)/python -m benchmarks.delivery

bench-day: $(VENV)/.installed-dev ## the world's whole day, rooms and Airflow, and parsing (SIZE=0.1 is a tenth; full: hours)
	bash tests/install_services.sh
	$(BIN)/python -m benchmarks.parsing
	$(BIN)/python -m benchmarks.day --size $(SIZE) --airflow

bench-board: $(VENV)/.installed-dev ## the board's pages with 150 offices and a year of lists, beside a page of Airflow's own
	$(BIN)/python -m benchmarks.board

clean: ## everything that the commands above made
	rm -rf $(VENV) .venv-spark .venv-peers .upgrade data demo-data .mypy_cache .ruff_cache .pytest_cache .hypothesis
