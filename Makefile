# make demo: try it.   make test: everything that CI checks.
# Both make what they need: a virtual environment for each interpreter, the package, and, when run as root where apt
# is, libexempi8 and ExifTool, which the tests want.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.10 python3.9 python3 python; do \
            command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null \
            && echo $$p && break; done)
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test check tests coverage bench clean system

demo: $(VENV)/installed
	$(BIN)/immich-meta demo

# A user's environment: nothing but the package. It is rebuilt when the package changes.
$(VENV)/installed: pyproject.toml $(shell find immich_meta writers -name '*.py' 2>/dev/null)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check .
	touch $@

test: system
	PYTHON="$(PYTHON)" sh tests/run.sh

system:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then sh tests/system_packages.sh; fi

bench: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pyexiv2 || true
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[bench]' || true
	$(BIN)/python benchmarks/run.py --json benchmarks.json --markdown docs/performance.md --plot docs/growth.png

clean:
	rm -rf .venv .venv-* build dist *.egg-info
