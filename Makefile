# One word each, the same at the desk and in CI.  Python 3.11 or newer is all that must be there.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WEBGPU ?= .venv-webgpu
FUZZ_SECONDS ?= 600
INSTALLED := $(VENV)/.installed
OLDEST := .venv-oldest
ONNXRUNTIME := $(CURDIR)/build/onnxruntime
CPP = cmake -S runtime/cpp -DBUILD_PROBE=ON -DONNXRUNTIME_INCLUDE=$(ONNXRUNTIME)/include \
	-DONNXRUNTIME_LIBRARY=$(ONNXRUNTIME)/lib/libonnxruntime.so

.PHONY: install check test oldest fuzz webgpu cpp cpp-aarch64 web demo docs bundle clean

install: $(INSTALLED)  ## the virtual environment with everything in it

$(INSTALLED): setup.cfg runtime/setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -e './runtime[cpu]' -e '.[bench,dev,verify]'
	@touch $@

check: install  ## style, types, and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

test: install  ## the test suite, a file at a time on up to four cores
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile tests

$(OLDEST)/.installed: runtime/setup.cfg constraints-oldest.txt
	$(PYTHON) -m venv --clear $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c constraints-oldest.txt -e './runtime[cpu,score]' onnx pytest pytest-xdist hypothesis
	@touch $@

# test_wording.py compares errors of all packages, and here is only one.
oldest: $(OLDEST)/.installed  ## the runtime's tests with the oldest versions that it allows, without torch
	$(OLDEST)/bin/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile \
		tests/runtime --ignore tests/runtime/test_wording.py

fuzz: install  ## readers of files against input that nobody would write, for FUZZ_SECONDS
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m pytest -q -rP --tb=line tests/fuzz

webgpu: install  ## the exported graphs on WebGPU: VK_ICD_FILENAMES names a Vulkan driver, see docs/gpu.md
	$(PYTHON) -m venv $(WEBGPU)
	$(WEBGPU)/bin/python -m pip install --quiet --disable-pip-version-check onnxruntime-webgpu==1.27.0 numpy
	RFA_WEBGPU_PYTHON=$(WEBGPU)/bin/python $(BIN)/python -m pytest -q -m gpu tests/gpu/test_webgpu.py

cpp:  ## the C++ runtime and what its tests ask: needs cmake, a compiler, nlohmann-json, npm, pip and unzip
	sh runtime/cpp/get_onnxruntime.sh $(ONNXRUNTIME)
	$(CPP) -B build/cpp
	cmake --build build/cpp --parallel 2
	$(CPP) -B build/cpp-sanitized -DSANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo
	cmake --build build/cpp-sanitized --parallel 2 --target rfa-probe

cpp-aarch64: ONNXRUNTIME := $(CURDIR)/build/onnxruntime-aarch64
cpp-aarch64:  ## the same for a board with a 64-bit ARM processor: needs Debian's g++-aarch64-linux-gnu, too
	sh runtime/cpp/get_onnxruntime.sh $(ONNXRUNTIME) aarch64
	$(CPP) -B build/cpp-aarch64 -DCMAKE_TOOLCHAIN_FILE=aarch64.cmake
	cmake --build build/cpp-aarch64 --parallel 2

web:  ## what the browser package and its tests ask: needs Node and npm
	cd runtime/web && npm install --no-package-lock --no-audit --no-fund

demo: install  ## export the pretrained model, decode with it, compare its speed with softmax
	@BIN=$(BIN) sh benchmarks/demo.sh

docs: install  ## the pages that are written from code
	$(BIN)/python docs/make_help.py
	$(BIN)/python docs/make_recipes.py
	$(BIN)/python docs/make_python.py
	$(BIN)/python docs/make_plot.py
	$(BIN)/python docs/make_figures.py
	$(BIN)/python docs/make_scale.py

bundle: install  ## the small model that comes with rfa-runtime, from its checkpoint
	$(BIN)/python models/pretrained/make_bundle.py

clean:
	rm -rf $(VENV) $(OLDEST) $(WEBGPU) build runtime/web/node_modules *.egg-info runtime/*.egg-info .mypy_cache .ruff_cache .pytest_cache
