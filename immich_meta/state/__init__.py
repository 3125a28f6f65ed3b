"""What is remembered between runs: which assets are settled, and what takes each written file back.

Not here: the files themselves, and what Immich says; a store that is lost costs time and the way back, nothing else.

One SQLite file per server and user (and shard) in the state directory, beside it a lock. `open_store` is for the one
process that runs; its workers append to the undo log (`UndoLog`, from `Run.log_at()`), and `open_archive` looks at
the runs of all stores together.
"""

from __future__ import annotations

from immich_meta.state.archive import Archive, Entry, KeptRun, open_archive
from immich_meta.state.changes import KeptChange
from immich_meta.state.opening import open_free_store, open_store
from immich_meta.state.place import state_directory
from immich_meta.state.runs import LogPlace, Run
from immich_meta.state.store import Settled, Store
from immich_meta.state.undo_log import UndoLog

__all__ = [
    "Archive",
    "Entry",
    "KeptChange",
    "KeptRun",
    "LogPlace",
    "Run",
    "Settled",
    "Store",
    "UndoLog",
    "open_archive",
    "open_free_store",
    "open_store",
    "state_directory",
]
