#!/bin/sh
# Everything that CI checks: style, types, layers, tests on the newest and the oldest interpreter that is here.
set -eu

newest="" oldest=""
# Version managers keep interpreters beside the path.
for directory in $(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin 2>/dev/null); do
    PATH="$PATH:$directory"
done
for minor in 15 14 13 12 11 10 9; do
    if python="$(command -v "python3.$minor")" && "$python" -c 'import venv, ensurepip, sqlite3, ssl' 2>/dev/null; then
        [ -n "$newest" ] || newest="$python"
        oldest="$python"
    fi
done
[ -n "$newest" ] || { newest="${PYTHON:-python3}"; oldest="$newest"; }

environment() {  # directory, interpreter: a development environment, kept while pyproject.toml is the same
    stamp="$1/made-from-$(cksum < pyproject.toml | tr ' ' -)"
    if [ ! -e "$stamp" ]; then
        rm -rf "$1"
        "$2" -m venv "$1"
        "$1/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev,web]'
        touch "$stamp"
    fi
}

echo "== newest: $newest   oldest: $oldest"
environment .venv-newest "$newest"
bin=.venv-newest/bin
"$bin/ruff" check .
"$bin/mypy"
"$bin/lint-imports"
# The interpreter's own monitoring (3.12 and newer) makes coverage nearly free; it counts lines, not branches.
"$bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' && export COVERAGE_CORE=sysmon
"$bin/python" -m pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered --cov-fail-under=90
"$bin/python" -m coverage report --include='writers/*' --fail-under=95 | tail -n 1

if [ "$oldest" != "$newest" ]; then
    environment .venv-oldest "$oldest"
    # What depends little on the interpreter ran above: the slow ones, and the second XMP engine's half of the suites.
    .venv-oldest/bin/python -m pytest -n auto --dist worksteal -m "not slow" -k "not exempi"
fi
