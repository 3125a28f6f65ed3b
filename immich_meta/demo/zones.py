"""Immich's names of time zones: `UTC+2`, `UTC+5:30`, `UTC`, and IANA names.

Not here: the arithmetic of the sync (mapping/). The stand-in has its own, so that one checks the other.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_FIXED = re.compile(r"UTC([+-])(\d{1,2})(?::(\d\d))?", re.ASCII)


def label_of(offset: timedelta) -> str:
    """An offset as luxon's FixedOffsetZone names it: `UTC`, `UTC+2`, `UTC-3:30`."""
    minutes = round(offset.total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"


def offset_at(zone: str, wall: datetime) -> timedelta:
    """The offset of a zone at a naive wall clock; of two, the earlier one. Raises KeyError for no zone."""
    fixed = _FIXED.fullmatch(zone)
    if fixed:
        size = timedelta(hours=int(fixed.group(2)), minutes=int(fixed.group(3) or 0))
        return -size if fixed.group(1) == "-" else size
    if zone in ("UTC", "GMT", "Z"):
        return timedelta(0)
    from zoneinfo import ZoneInfo

    return wall.replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta(0)
