"""Opening a store for a run: never a reason for the run not to start, unless another run has it.

Not here: the SQLite file (database.py) and the lock (lock.py).
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Callable, Optional

from immich_meta.errors import StateBusyError
from immich_meta.state.database import FAILURES, NewerStoreError, connect, connect_reader, is_damage
from immich_meta.state.lock import StoreLock, take
from immich_meta.state.place import lock_path, make_private, set_aside, store_path
from immich_meta.state.store import Store

_AFRESH = "everything is read afresh, and what this run writes cannot be undone"


def open_store(
    directory: Path,
    name: str,
    *,
    warn: Callable[[str], None],
    clock: Callable[[], float] = time.time,
    writable: bool = True,
    command: str = "",
) -> Store:
    """The store of that name in the state directory; made when it is not there.

    `writable` False, for runs that write nothing: it is only read, and no lock is taken. `command` is what another run
    is told about who has it. A damaged store is renamed and a new one made; one of a later version is left alone; where
    nothing can be written the run goes on without: `warn` hears of each. Raises StateBusyError.
    """
    path = store_path(directory, name)
    if not writable:
        return Store(path, _reader(path, warn), warn=warn, clock=clock, writable=False)
    lock: Optional[StoreLock] = None
    try:
        make_private(path)
        lock = take(lock_path(path), command, clock())
        connection = _writer(path, warn, clock)
    except NewerStoreError as error:
        warn(f"The state {path} is of a later version of immich-meta ({error}) and is left alone: {_AFRESH}")
        connection = None
    except (OSError, *FAILURES) as error:
        reason = getattr(error, "strerror", None) or error
        warn(f"The state {path} cannot be used ({reason}): {_AFRESH}. IMMICH_META_STATE_DIR chooses another directory")
        connection = None
    return Store(path, connection, warn=warn, clock=clock, lock=lock)


def open_free_store(
    directory: Path,
    name: str,
    *,
    warn: Callable[[str], None],
    clock: Callable[[], float] = time.time,
    command: str = "",
    most: int = 64,
) -> Store:
    """The store of that name, or of that name and a number when others are in use: for runs that may overlap.

    Raises StateBusyError when `most` of them are.
    """
    for number in range(1, most):
        try:
            return open_store(
                directory, name if number == 1 else f"{name}-{number}", warn=warn, clock=clock, command=command
            )
        except StateBusyError:
            continue
    return open_store(directory, f"{name}-{most}", warn=warn, clock=clock, command=command)


def _writer(path: Path, warn: Callable[[str], None], clock: Callable[[], float]) -> sqlite3.Connection:
    try:
        return connect(path)
    except FAILURES as error:
        if not is_damage(error):
            raise
        aside = set_aside(path, clock())
        warn(f"The state {path} is damaged ({error}) and begins anew, all is read afresh. The old one is {aside}")
    make_private(path)
    return connect(path)


def _reader(path: Path, warn: Callable[[str], None]) -> Optional[sqlite3.Connection]:
    if not path.exists():
        return None
    try:
        return connect_reader(path)
    except (OSError, NewerStoreError, *FAILURES) as error:
        warn(f"The state {path} cannot be read ({error}): everything is read afresh")
        return None
