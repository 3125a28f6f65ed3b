"""Is there a backup of Immich's database that is young enough?

Not here: which files are backups, and how old each is (immich_meta.backup).
"""

from __future__ import annotations

from collections.abc import Iterator

from immich_meta.backup import backups_in, reminder
from immich_meta.doctor.finding import Finding, Level, good, sentence
from immich_meta.doctor.machine import Machine
from immich_meta.settings import Settings


def backup_young(settings: Settings, machine: Machine) -> Iterator[Finding]:
    """A warning when the newest one in BACKUP_TARGET is too old; nothing when nobody watches a folder."""
    if settings.backup_target is None:
        return
    due = reminder(backups_in(settings.backup_target), machine.now(), settings.backup_max_age)
    if due is None:
        yield good("backup.age", f"The newest backup in {settings.backup_target} is young enough")
        return
    yield Finding(
        f"backup.{due.kind}",
        Level.WARNING,
        sentence(due.cause),
        "What people made in Immich is in its database; photos alone do not bring back albums, faces and users.",
        sentence(due.cure),
    )
