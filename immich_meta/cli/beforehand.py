"""What a run does before it begins: forgets what it shall not go by, and reminds of backups.

Not here: the run (session.py).
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from immich_meta.cli.assembly import Flags
from immich_meta.settings import Settings
from immich_meta.sync.album_cache import clear_album_cache
from immich_meta.sync.checkpoint import clear_checkpoint


def clear(directory: Path, flags: Flags, log: logging.Logger) -> None:
    """--clear-checkpoint and --clear-album-cache, in the working directory. Raises OSError."""
    if flags["clear_checkpoint"]:
        found = clear_checkpoint(directory)
        log.info("The checkpoint is cleared" if found else "There was no checkpoint to clear")
    if flags["clear_album_cache"]:
        log.info("The album cache is cleared" if clear_album_cache(directory) else "There was no album cache to clear")


def remind_of_backup(settings: Settings, log: logging.Logger) -> None:
    """Files are about to be changed: a backup of the database that is too old is worth a word, and no more."""
    if settings.backup_target is not None:
        from immich_meta.backup import reminder_about

        due = reminder_about(settings.backup_target, time.time(), settings.backup_max_age)
        if due is not None:
            log.warning("%s", due)
