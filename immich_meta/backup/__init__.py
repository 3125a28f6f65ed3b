"""Backups of Immich's database: which are there and how old, and making one with PostgreSQL's own pg_dump.

Not here: settings, the command (cli/backup.py), and restoring one (Immich's documentation says how).
"""

from immich_meta.backup.making import make_backup, prune
from immich_meta.backup.pg_dump import Database, dump
from immich_meta.backup.present import Backup, Backups, Reminder, backups_in, reminder, reminder_about

__all__ = [
    "Backup",
    "Backups",
    "Database",
    "Reminder",
    "backups_in",
    "dump",
    "make_backup",
    "prune",
    "reminder",
    "reminder_about",
]
