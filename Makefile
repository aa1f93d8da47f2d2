# Two commands do all set-up: `make quickstart` and `make test`. Both create .venv and install when needed.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: quickstart test lint docs bench jax slow notebooks clean

quickstart: $(INSTALLED)
	$(BIN)/ganstudy run configs/quickstart.yaml
	$(BIN)/ganstudy run configs/quickstart_digits.yaml
	$(BIN)/ganstudy report studies/quickstart
	$(BIN)/ganstudy report studies/quickstart-digits
	@echo
	@echo "Two studies are done: a ring of Gaussians in studies/quickstart, real digits in studies/quickstart-digits."
	@echo "See the runs:   $(BIN)/ganstudy ui studies/quickstart          (or studies/quickstart-digits)"
	@echo "The reports:    studies/quickstart/report/index.html, studies/quickstart-digits/report/index.html"
	@echo "The records:    history.parquet and trials.parquet in either folder"

# Tests start some fifty processes, which share what the first of them compiled.
test slow: export PYTHONDONTWRITEBYTECODE :=

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

slow: $(INSTALLED)
	$(BIN)/python -m pytest -m "slow"

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The guide as a site in build/site, which any browser opens; its search takes `make docs ARGUMENTS=serve`.
docs: export NO_MKDOCS_2_WARNING := 1
docs: $(INSTALLED)
	$(BIN)/python -m mkdocs $(or $(ARGUMENTS),build --strict)

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks --write

# JAX in an environment of its own, for `python -m benchmarks population`.
jax:
	$(PYTHON) -m venv build/jax
	build/jax/bin/python -m pip install --quiet jax optax

# Of the study in studies/quickstart, or of STUDY.
STUDY ?= studies/quickstart
notebooks: $(INSTALLED)
	mkdir -p build/notebooks
	for name in $(basename $(notdir $(wildcard analysis/notebooks/*.py))); do \
	  $(BIN)/jupytext --quiet --to ipynb --output build/notebooks/$$name.ipynb analysis/notebooks/$$name.py && \
	  GANSTUDY_FOLDER=$(abspath $(STUDY)) $(BIN)/jupyter-nbconvert --to notebook --execute --inplace \
	    build/notebooks/$$name.ipynb && \
	  $(BIN)/jupyter-nbconvert --to html build/notebooks/$$name.ipynb || exit 1; \
	done

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv
