# Two commands matter: `make demo` and `make test`. Each works alone in a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 7890

.PHONY: help demo serve test lint bench docs clean lock

help:
	@echo "make demo   the city against the real gateway: what passed, what was refused, and why"
	@echo "make serve  the real service, from qingjing.toml"
	@echo "make test   all tests"
	@echo "make lint   contracts, types, style, docs"
	@echo "make bench  what it does in a second, as ratios against peers"

# The install is made anew whenever the lock or the project file changes.
$(VENV)/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps -e .
	touch $@

demo: $(VENV)/.installed
	$(BIN)/qingjing demo

serve: $(VENV)/.installed
	$(BIN)/qingjing serve

test: $(VENV)/.installed
	$(BIN)/python -m pytest

lint: $(VENV)/.installed
	$(BIN)/ruff format --check src tests bench fuzz
	$(BIN)/ruff check src tests bench fuzz
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet src tests

bench: $(VENV)/.installed
	$(BIN)/python bench/run.py

lock:
	$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --no-emit-index-url \
		--extra test --extra ocr --extra build pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) out
