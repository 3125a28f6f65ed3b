"""Folders and users that committing is tested with.

Not here: the tests (test_*.py).
"""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def as_root() -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount and change users")
