# Two commands do everything: `make demo` and `make test`. Both set up .venv themselves.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test torture lint format picture docs benchmark constraints clean

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh samples/demo.sh

test: lint
	$(BIN)/pytest -n auto --cov --cov-report=term:skip-covered

# What `make test` does with a few kills, storms and examples, with very many; takes an hour or so.
KILLS ?= 207
STORMS ?= 10

torture: $(READY)
	TORTURE_KILLS=$(KILLS) TORTURE_STORMS=$(STORMS) $(BIN)/pytest -n auto \
	  tests/faults/test_kills.py tests/faults/test_storms.py tests/faults/test_two_runs.py
	HYPOTHESIS_PROFILE=torture $(BIN)/pytest -n auto tests/properties

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The pictures in the README and in docs/monitoring.md.
picture: $(READY)
	rm -rf .customer-sync/picture
	$(BIN)/customer-sync run samples/1-created.jsonl --state .customer-sync/picture --quiet
	$(BIN)/customer-sync plan samples/2-changed.jsonl --state .customer-sync/picture --quiet \
	  --out .customer-sync/picture/plan.json || [ $$? -eq 7 ]
	$(BIN)/customer-sync show .customer-sync/picture/plan.json --svg docs/preview.svg
	$(BIN)/python benchmarks/dashboard_picture.py

# The documentation as a site in dist/docs; `make test` builds it too, and fails at any warning.
docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs dist/docs
	@echo "dist/docs/index.html"

# The requests of large syncs, counted; takes some minutes.
benchmark: $(READY)
	$(BIN)/python benchmarks/requests.py

# Names, versions and hashes of everything that is installed; no addresses.
constraints: $(READY)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --group build --group docs --group lint --group test \
	  --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --no-emit-find-links --upgrade --quiet --output-file constraints.txt

clean:
	rm -rf .venv .customer-sync .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* dist

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	$(BIN)/python -m pip check
	@touch $@
