# Each target makes .venv and installs the compiled package with what it needs, if that is not done.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml CMakeLists.txt LICENSE README.md $(shell find csrc python licenses -type f -not -name '*.pyc')

.PHONY: always demo test reference conformance wheel emulate emulate-all aarch64 aarch64-all fuzz sanitize \
	valgrind reproduce docs docs-test measured notebooks lint format clean

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

emulate-all: $(if $(filter $(BIN)/python,$(EMULATED_PYTHON)),.venv/installed)  ## and all tests on one without AVX (an hour and a half)
	$(EMULATE) --all

aarch64: .venv/installed  ## compile for Arm, and try that in an emulator
	$(BIN)/python tests/cpus/aarch64.py

aarch64-all: .venv/installed  ## and all tests
	$(BIN)/python tests/cpus/aarch64.py --all

conformance: .venv/installed  ## run the ONNX node tests, and count them by operator
	$(BIN)/python -m pytest tests/conformance

wheel: .venv/release  ## build the sdist and the wheel, and run the tests on the wheel without compiler
	.ci/wheel

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

INPUTS ?= 1000000
fuzz: .venv/fuzz  ## read a million files that are almost right (a quarter of an hour; INPUTS=...)
	$(BIN)/python fuzz/run.py --inputs $(INPUTS)

# Both tools watch a build of their own, in an environment of its own, which compiles only what has
# changed: hence no isolation. Without BUILDS, make sanitize has all instruction sets; with
# BUILDS='baseline;x86_64_v3' it is sooner done.
sanitize: build/sanitize/installed  ## test the kernels under AddressSanitizer and UBSan (a quarter of an hour)
	build/sanitize/bin/python tests/faults/sanitize.py

valgrind: build/valgrind/installed  ## run every kernel's smallest cases under valgrind (some minutes)
	build/valgrind/bin/python tests/faults/memcheck.py

build/sanitize/installed: CHECKED = sanitizers
build/valgrind/installed: CHECKED = valgrind
build/valgrind/installed: BUILDS ?= baseline;x86_64_v3
build/%/installed: $(SOURCES) tests/faults/faults.cpp build/%/builds
	$(PYTHON) -m venv build/$*
	build/$*/bin/pip install --quiet cmake ninja 'pybind11>=3.1' 'scikit-build-core>=1.1'
	build/$*/bin/pip install --quiet --no-build-isolation \
	    --config-settings=build-dir=build/$*/cmake --config-settings=install.strip=false \
	    --config-settings=cmake.define.DIGLOT_CHECKED=$(CHECKED) \
	    '--config-settings=cmake.define.DIGLOT_BUILDS=$(BUILDS)' '.[test]'
	touch $@

# Which builds were asked for: written anew when that changes.
.PRECIOUS: build/%/builds
build/%/builds: always
	mkdir -p $(@D)
	echo '$(BUILDS)' | cmp --silent - $@ || echo '$(BUILDS)' > $@

lint: .venv/installed  ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $$(git ls-files 'csrc/*.h' 'csrc/*.cpp')
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

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

.venv/fuzz: .venv/installed
	$(BIN)/pip install --quiet 'diglot[fuzz]'
	touch $@

.venv/docs: .venv/installed
	$(BIN)/pip install --quiet 'diglot[docs,browser]'
	touch $@

.venv/release: .venv/installed
	$(BIN)/pip install --quiet 'diglot[release]'
	touch $@
