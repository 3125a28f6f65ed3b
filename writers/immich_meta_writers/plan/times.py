"""The modification time of a photo as one more tag, and whether somebody has edited it since Immich read it.

Not here: setting it (commit/).
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Optional

from immich_meta_writers.changes import Change
from immich_meta_writers.metadata import Moment, PhotoMetadata
from immich_meta_writers.patch import Patch
from immich_meta_writers.policy import FileTime, PlanOptions

MTIME_TAG = "System:FileModifyDate"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECOND, _MILLISECOND = 1_000_000_000, 1_000_000
# What every file system in use holds; beyond it the kernel keeps another date, and no run would settle.
_OLDEST, _NEWEST = -(1 << 31), 1 << 32
_EDITED_LATER = 2.0  # seconds: the coarsest clock of a file system (FAT)


def mtime_change(
    status: os.stat_result, wanted: PhotoMetadata, options: PlanOptions, patch: Patch
) -> tuple[tuple[Change, ...], Optional[int]]:
    """The change of the modification time, if it is one, and the time to set in nanoseconds (None: now, or leave)."""
    mode = options.mtime or (FileTime.CAPTURE if wanted.captured is not None else FileTime.KEEP)
    if mode is FileTime.NOW:
        return (), None
    seconds = None if wanted.captured is None else _seconds(wanted.captured)
    if mode is FileTime.KEEP or options.protect or seconds is None or not _OLDEST < seconds < _NEWEST:
        return (), status.st_mtime_ns  # a protected file has to stay newer than what Immich read
    is_same = abs(status.st_mtime_ns - seconds * _SECOND) < _SECOND
    if is_same and not patch.splices:
        return (), None
    mtime_ns = seconds * _SECOND + _millisecond(patch, status.st_mtime_ns) * _MILLISECOND
    if is_same:
        return (), mtime_ns
    return (Change(MTIME_TAG, _text(status.st_mtime_ns), _text(mtime_ns)),), mtime_ns


def protected(status: os.stat_result, wanted: PhotoMetadata, options: PlanOptions) -> PlanOptions:
    """The options with `protect` set when the file was edited after Immich read it, by somebody else than us."""
    limit = options.protect_after
    if limit is None or status.st_mtime <= limit + _EDITED_LATER:
        return options
    is_ours = wanted.captured is not None and status.st_mtime_ns // _SECOND == _seconds(wanted.captured)
    return options if is_ours else replace(options, protect=True)


def _seconds(moment: Moment) -> int:
    return (moment.instant - _EPOCH) // timedelta(seconds=1)


def _millisecond(patch: Patch, old_ns: int) -> int:
    """Different for every content, so that Immich's scan, which looks at nothing but this time, sees each change."""
    if not patch.splices:
        return 0
    millisecond = int.from_bytes(patch.digest()[:4], "big") % 1000
    return (millisecond + 1) % 1000 if millisecond == old_ns // _MILLISECOND % 1000 else millisecond


def _text(nanoseconds: int) -> str:
    """ISO 8601 in UTC, milliseconds; seconds since 1970 where a calendar has no such year."""
    try:
        return (_EPOCH + timedelta(milliseconds=nanoseconds // _MILLISECOND)).isoformat(timespec="milliseconds")
    except OverflowError:  # some file systems count to the year 500 billion
        return f"{nanoseconds // _SECOND} s"
