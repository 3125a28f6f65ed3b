"""The key that signs cookies: made once, and kept, so that a restart logs nobody out.

Not here: what is signed (gate.py).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_NAME = "web-secret-key"
_LENGTH = 32


def kept_key(state_dir: Path) -> bytes:
    """The key in the state directory, for this user alone; where none can be kept, one for this start."""
    path = state_dir / _NAME
    made = secrets.token_bytes(_LENGTH)
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(made)
        found = path.read_bytes()
    except OSError:
        return made
    return found if len(found) == _LENGTH else made
