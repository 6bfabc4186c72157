# make demo, make test: everything is set up on the way, into .venv; a second call skips what is done.
# PYTHON=python3.12 picks another interpreter, 3.11 or newer; JOBS=3 tests run at a time, as on two cores a third of them waits.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
EXAMPLE ?= house-prices
TRACES ?= 2
STEPS ?= 6
TIME ?= 180
JOBS ?= 3
RUN ?= runs/demo
OPENED = $(if $(filter command line,$(origin RUN)),$(RUN))
VENV := .venv
BIN := $(VENV)/bin
CODE := gome state tools optimizer agents offline graph examples benchmarks tests

.PHONY: help setup demo test browser studio docs pack lint types format clean

help: ## list the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/make \1\t\2/p' Makefile

setup: $(VENV)/.installed ## make .venv with gome and its development tools

demo: setup examples/data/$(EXAMPLE)/train.csv ## improve a program on house prices, without a model or a key
	@echo "== demo: $(TRACES) traces of at most $(STEPS) steps, $(TIME) s, on $(EXAMPLE)"
	@echo "== watch it in a browser, from another terminal: $(BIN)/gome report $(RUN) --follow"
	@if [ -f $(RUN)/run.json ]; then rm -rf $(RUN); fi
	@$(BIN)/gome run examples/data/$(EXAMPLE) --model offline --traces $(TRACES) --steps $(STEPS) \
		--time-limit-s $(TIME) --run-dir $(RUN)

test: setup ## run all tests
	@echo "== test"
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

browser: setup ## what the tests of the report in a browser need: Chromium, playwright, axe-core
	@bash .ci/system-packages $(PYTHON) browser
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[browser]'

studio: setup ## LangGraph's server and Studio: new runs, or RUN=runs/x
	@if [ -n "$(OPENED)" ] && [ ! -f "$(OPENED)/run.json" ]; then echo "$(OPENED) is no run folder" >&2; exit 2; fi
	@# Ten runs at a time: by itself the server lets a second one wait until the first has ended.
	@GOME_RUN="$(OPENED)" LANGGRAPH_CLI_NO_ANALYTICS=1 $(BIN)/langgraph dev --no-browser --no-reload \
		--n-jobs-per-worker 10

docs: setup ## build the documentation as a site
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@$(BIN)/mkdocs build -q --strict
	@echo "build/site/index.html"

pack: setup ## put the agent pack into a checkout of MLE-bench: CHECKOUT=~/mle-bench
	@test -d "$(CHECKOUT)/agents" || { echo "name a checkout of MLE-bench: make pack CHECKOUT=~/mle-bench" >&2; exit 2; }
	@cp -R mlebench/gome "$(CHECKOUT)/agents/" && rm -f "$(CHECKOUT)"/agents/gome/gome-*.whl
	@cp constraints.txt "$(CHECKOUT)/agents/gome/"
	@$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps -w "$(CHECKOUT)/agents/gome" .
	@echo "$(CHECKOUT)/agents/gome"

lint: setup ## check style and format
	@echo "== lint"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## check types
	@echo "== types"
	@$(BIN)/mypy
	@$(BIN)/mypy --follow-imports=silent examples/*.py benchmarks/*/*.py
	@$(BIN)/mypy --follow-imports=silent mlebench/gome/*.py

format: setup ## put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## remove .venv, caches and example data; runs/ is kept
	@rm -rf $(VENV) build dist *.egg-info examples/data .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

examples/data/%/train.csv: $(VENV)/.installed
	@echo "== data: $*"
	@$(BIN)/python -m examples.fetch $*
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	@echo "== install: gome and its dependencies into $(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "gome needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@bash .ci/system-packages $(PYTHON)
	@echo "== venv: $(VENV), $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@
