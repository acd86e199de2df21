# Each target makes .venv and installs the compiled package with what it needs, if that is not done.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml CMakeLists.txt LICENSE README.md $(shell find csrc python -type f -not -name '*.pyc')

.PHONY: demo test reference conformance reproduce lint format clean

demo: .venv/installed  ## train a convolutional network on both backends
	$(BIN)/diglot demo

test: .venv/installed  ## run the tests
	$(BIN)/python -m pytest

reference: .venv/installed  ## run the tests on the NumPy reference
	DIGLOT_BACKEND=reference $(BIN)/python -m pytest

conformance: .venv/installed  ## run the ONNX node tests, and count them by operator
	$(BIN)/python -m pytest tests/conformance

reproduce: .venv/installed  ## run the book's experiments (some ten minutes)
	$(BIN)/diglot reproduce

lint: .venv/installed  ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $$(git ls-files 'csrc/*.h' 'csrc/*.cpp')

format: .venv/installed  ## mend the style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/clang-format -i $$(git ls-files 'csrc/*.h' 'csrc/*.cpp')

clean:
	rm -rf .venv build

.venv/python:
	$(PYTHON) -m venv .venv
	touch $@

.venv/installed: .venv/python $(SOURCES)
	$(BIN)/pip install --quiet '.[test,lint,conformance]'
	touch $@
