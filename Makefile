# Two commands do all the set-up: `make demo` and `make test`. Both need Python 3.11 or newer, and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check bench lock clean

demo: $(INSTALLED)
	$(BIN)/talescape compose "$$(cat scripts_templates/mars_news.txt)" -o scenes/mars-news --offline

test: $(INSTALLED)
	$(BIN)/python -m pytest

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

bench: $(INSTALLED)
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only --benchmark-disable-gc -s -o addopts="--strict-markers"

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Talescape needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

lock:
	uv pip compile pyproject.toml --extra dev --extra ffmpeg --extra train --extra serve --universal --python-version 3.11 \
		--no-header --no-annotate -o requirements.lock

clean:
	rm -rf $(VENV) build dist *.egg-info
