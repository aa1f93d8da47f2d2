# Two commands do all set-up: `make quickstart` and `make test`. Both create .venv and install when needed.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: quickstart test lint bench slow clean

quickstart: $(INSTALLED)
	$(BIN)/ganstudy run configs/quickstart.yaml
	@echo
	@echo "See the runs:      $(BIN)/ganstudy ui studies/quickstart"
	@echo "The report:        studies/quickstart/report/index.html"
	@echo "The record:        studies/quickstart/history.parquet, studies/quickstart/trials.parquet"

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

slow: $(INSTALLED)
	$(BIN)/python -m pytest -m "slow"

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv
