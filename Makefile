# The study companion in nine words: venv book test lab execute study study-quick shots clean.
# Every target honours VENV=DIR, an environment that is made if it is not there.

VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS ?= 2

BIN = $(VENV)/bin
# One stamp for each content of the two files (and this folder, because the package is installed in place).
STAMP = $(VENV)/.installed-$(shell (cat requirements.txt pyproject.toml; pwd) | cksum | cut -d' ' -f1)

.PHONY: venv book test lab execute study study-quick shots clean
.DEFAULT_GOAL := book

venv: $(STAMP)

$(STAMP):
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	rm -f $(VENV)/.installed-*
	touch $@

# From stored outputs: nothing is executed, nothing is fetched.  A warning fails the build, after all were shown.
book: venv
	$(BIN)/jupyter-book build . --builder html -W -n --keep-going
	@echo "The book: open $(CURDIR)/_build/html/index.html"

# Style, spelling, all tests, every cell of every chapter run again and compared, the built pages in a browser.
test: book
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet vggstudy tests benchmarks book/_ext
	$(BIN)/codespell
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -rsfE -m "" -n $(JOBS) --dist loadfile \
	    --nbval --nbval-sanitize-with tests/nbval.cfg --nbval-cell-timeout 300 tests book

lab: venv
	$(BIN)/jupyter lab book

# Run the chapters and store what they print, plot and show.  CHAPTERS="book/x.ipynb" for one.
execute: venv
	$(BIN)/python book/_ext/execute.py $(CHAPTERS)

# Make again what a chapter shows as recorded, and the small nets that ship with the library: many hours on a CPU.
# What is there is not made again; an interrupted run goes on.
study: venv
	$(BIN)/vggstudy study
	$(BIN)/vggstudy study --ablation
	$(BIN)/vggstudy study --replication
	$(BIN)/python book/_ext/record.py
	$(BIN)/python -m vggstudy.transfer_study

# A part of all of it in minutes, in temporary folders: that it still runs, not what it finds.
study-quick: venv
	$(BIN)/vggstudy study --quick
	$(BIN)/vggstudy study --ablation --quick
	$(BIN)/vggstudy study --replication --quick
	$(BIN)/python book/_ext/record.py --quick
	$(BIN)/python -m vggstudy.transfer_study --quick

# Pictures of every page, in light, dark and at phone width, for people to look at: _build/shots.
shots: book
	$(BIN)/python tests/browser/shots.py

clean:
	rm -rf _build .pytest_cache .ruff_cache *.egg-info
	find vggstudy tests book -name __pycache__ -type d -prune -exec rm -rf {} +
