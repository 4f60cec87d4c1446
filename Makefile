# make demo   set up, then do the whole main job on the embedded data
# make test   set up, then lint, types and every test
# make app    open the dashboard on ./runs
# make audit  known holes of what is installed, and patterns that often are ones (see SECURITY.md)

PYTHON ?= python3
VENV ?= .venv
# A list of files by hash, as .ci/requirements.txt is: then nothing else is installed
HASHES ?=
BIN := $(VENV)/bin
RUN ?= runs/demo

.PHONY: demo test tests app check format audit clean

demo: $(VENV)/.base
	$(BIN)/supernet demo --out $(RUN)

app: $(VENV)/.base
	$(BIN)/supernet app runs

# Types beside the tests: each leaves cores idle for a while.
test: $(VENV)/.dev
	@$(MAKE) --no-print-directory --jobs 2 check tests

tests: $(VENV)/.dev
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

audit: $(VENV)/.audit
	@status=0; \
	$(BIN)/bandit --quiet --recursive --severity-level medium --confidence-level medium toolkit converters app \
	  || status=1; \
	$(BIN)/pip-audit --skip-editable || status=1; \
	exit $$status

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
	  || { echo "Python 3.11 or 3.12 is needed; say which: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
ifeq ($(HASHES),)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
else
	$(BIN)/python -m pip install --quiet --require-hashes -r $(HASHES)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
endif
	@touch $@ $(VENV)/.base

$(VENV)/.audit: $(VENV)/.base
	$(BIN)/python -m pip install --quiet 'bandit>=1.8' 'pip-audit>=2.7'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
