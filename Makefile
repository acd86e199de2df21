# Each target makes .venv and installs the compiled package with what it needs, if that is not done.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml CMakeLists.txt LICENSE README.md $(shell find csrc python -type f -not -name '*.pyc')

.PHONY: demo test reference emulate emulate-all aarch64 aarch64-all conformance reproduce docs docs-test measured notebooks lint format clean

demo: .venv/installed  ## train a convolutional network on both backends
	$(BIN)/diglot demo

test: .venv/installed  ## run the tests
	$(BIN)/python -m pytest

reference: .venv/installed  ## run the tests on the NumPy reference
	DIGLOT_BACKEND=reference $(BIN)/python -m pytest

# Which installation to try: a virtual environment's Python, with diglot[test] in it.
EMULATED_PYTHON ?= $(BIN)/python
EMULATE := $(EMULATED_PYTHON) tests/cpus/emulate.py

emulate: $(if $(filter $(BIN)/python,$(EMULATED_PYTHON)),.venv/installed)  ## try older x86 processors, in an emulator
	$(EMULATE)

emulate-all: $(if $(filter $(BIN)/python,$(EMULATED_PYTHON)),.venv/installed)  ## and all tests on one without AVX (an hour or more)
	$(EMULATE) --all

aarch64: .venv/installed  ## compile for Arm, and try that in an emulator
	$(BIN)/python tests/cpus/aarch64.py

aarch64-all: .venv/installed  ## and all tests
	$(BIN)/python tests/cpus/aarch64.py --all

conformance: .venv/installed  ## run the ONNX node tests, and count them by operator
	$(BIN)/python -m pytest tests/conformance

reproduce: .venv/installed  ## run the book's experiments (some ten minutes)
	$(BIN)/diglot reproduce

docs: .venv/docs  ## build the site into build/docs/html
	$(BIN)/python -m sphinx -W --keep-going -n -q -d build/docs/doctrees docs build/docs/html

docs-test: .venv/docs  ## test the site's extensions, and the built site in a browser
	MYPYPATH=python:docs $(BIN)/mypy --strict docs/conf.py docs/ext
	$(BIN)/python -m pytest -m '' tests/site tests/browser

measured: .venv/installed  ## measure anew what the kernels' pages show (a quarter of an hour)
	$(BIN)/diglot bench --json build/bench.json
	$(BIN)/python docs/ext/measured.py build/bench.json

NOTEBOOKS := $(patsubst examples/%.py,build/notebooks/%.ipynb,$(wildcard examples/*.py))
notebooks: $(NOTEBOOKS)  ## write the chapters as notebooks, executed, into build/notebooks

build/notebooks/%.ipynb: examples/%.py .venv/docs
	mkdir -p $(@D)
	$(BIN)/jupytext --quiet --to ipynb --set-kernel python3 --output $@ $<
	$(BIN)/jupyter-execute --inplace --timeout=120 $@

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

.venv/docs: .venv/installed
	$(BIN)/pip install --quiet 'diglot[docs,browser]'
	touch $@
