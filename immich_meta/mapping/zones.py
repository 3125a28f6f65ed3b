"""Time zones as Immich names them, and moments seen in them.

Not here: which date is the right one (time.py).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Optional
from zoneinfo import ZoneInfo

from immich_meta_writers.metadata import Moment

_FIXED = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.IGNORECASE)
_ZERO = frozenset({"UTC", "Z", "GMT"})
_IANA = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}")
# What a system's zone folder also answers to: the machine's own zone, and clocks that count leap seconds.
_NOT_A_PLACE = re.compile(r"(?:localtime|posixrules|Factory)$|(?:right|posix)/")

_MINUTE = timedelta(minutes=1)
_MOST_GUESSED = timedelta(hours=14)
_GUESSED_STEP = timedelta(minutes=15)


@lru_cache(maxsize=512)
def zone_named(name: str) -> Optional[tzinfo]:
    """`UTC+2`, `UTC+5:30`, `UTC`, `Z`, `GMT` or an IANA name (IMMICH.md, 3); None for anything else."""
    if name.upper() in _ZERO:
        return timezone.utc
    fixed = _FIXED.fullmatch(name)
    if fixed:
        return _fixed(fixed.group(1), int(fixed.group(2)), int(fixed.group(3) or 0))
    if not _IANA.fullmatch(name) or _NOT_A_PLACE.match(name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there, not a zone, or (`Europe`) a folder
        return None


def _fixed(sign: str, hours: int, minutes: int) -> Optional[tzinfo]:
    if hours > 23 or minutes > 59:
        return None
    distance = timedelta(hours=hours, minutes=minutes)
    return timezone(-distance if sign == "-" else distance)


def zone_between(wall: datetime, instant: datetime) -> Optional[tzinfo]:
    """The fixed zone in which `instant` shows the naive `wall`: quarters of an hour, at most 14 hours."""
    shown = wall.replace(microsecond=0, tzinfo=timezone.utc)
    distance = shown - instant.replace(microsecond=0)
    if abs(distance) > _MOST_GUESSED or distance % _GUESSED_STEP:
        return None
    return timezone(distance)


def seen_in(instant: datetime, zone: tzinfo) -> Moment:
    """The moment of a wall clock that was read in `zone`, given as the aware instant that came out.

    Files hold offsets in whole minutes, but zones had odd seconds (Amsterdam until 1937). The wall clock is
    what the photographer saw, so it stays, the offset is rounded, and `instant` agrees with both: then what
    is read back is what was written.
    """
    local = instant.astimezone(zone).replace(microsecond=0)
    return _moment(local.replace(tzinfo=None, fold=0), local.utcoffset())


def happened_in(instant: datetime, zone: tzinfo) -> Moment:
    """The moment of a true, aware instant on the clock of `zone`, odd seconds rounded as in `seen_in`.

    Here the instant stays: it becomes the file's mtime, which is the next run's instant.
    """
    whole = instant.astimezone(timezone.utc).replace(microsecond=0)
    offset = _whole_minutes(whole.astimezone(zone).utcoffset())
    return _moment(whole.replace(tzinfo=None) + offset, offset)


def read_in(wall: datetime, zone: tzinfo) -> Moment:
    """The moment of a wall clock of unknown zone, its instant guessed in `zone`.

    An hour that a clock change repeats is its first pass; one that it leaves out is counted on from before.
    """
    whole = wall.replace(microsecond=0, tzinfo=None, fold=0)
    offset = whole.replace(tzinfo=zone).utcoffset() or timedelta(0)
    instant = (whole - offset).replace(microsecond=0, tzinfo=timezone.utc)
    return Moment(whole, None, instant)


def _moment(wall: datetime, exact: Optional[timedelta]) -> Moment:
    offset = _whole_minutes(exact)
    return Moment(wall, offset, (wall - offset).replace(tzinfo=timezone.utc))


def _whole_minutes(offset: Optional[timedelta]) -> timedelta:
    return ((offset or timedelta(0)) + _MINUTE / 2) // _MINUTE * _MINUTE
