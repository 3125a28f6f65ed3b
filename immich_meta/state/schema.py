"""The tables of a store, and how an older store becomes one of today.

Not here: opening a store (database.py).
"""

from __future__ import annotations

# In the file's header: that it is one of ours ("ImMd").
APPLICATION_ID = 0x496D4D64

# Version n is what the first n scripts make. Never edit one that was released: add another.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE settled (
        asset BLOB PRIMARY KEY, wanted BLOB NOT NULL, faces BLOB NOT NULL, files BLOB NOT NULL,
        listed BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE run (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, command TEXT NOT NULL, details TEXT NOT NULL,
        started REAL NOT NULL, ended REAL, sums TEXT, undone REAL
    );
    CREATE TABLE directory (run INTEGER NOT NULL, path BLOB NOT NULL, PRIMARY KEY (run, path)) WITHOUT ROWID;
    CREATE TABLE written (
        number INTEGER PRIMARY KEY, run INTEGER NOT NULL, at REAL NOT NULL, place INTEGER NOT NULL,
        bytes INTEGER NOT NULL, undone REAL, asset BLOB, path BLOB NOT NULL, undo BLOB NOT NULL, changes BLOB NOT NULL
    );
    CREATE INDEX written_of_run ON written (run, undone, bytes);
    CREATE INDEX written_at_place ON written (place);
    """,
)
"""`written`: one row per write to a file. `place` is a hash of `path` (the real one, as the file system spells it);
`bytes` is what the row takes; `undone` the moment it was taken back, seconds since 1970 like all times here.
`directory`: where a run that has not ended has written. `run.undone`: an undo went through all of it.
"""
